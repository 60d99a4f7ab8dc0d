/* parse_net_test - tables of the rows of net/, sock_diag and sockname */
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "parse_diag.h"
#include "parse_net.h"
#include "parse_test.h"
#include "sock.h"
#include "sockname.h"

/* What a row is told to be: sockname of it, then its inode, uid and queue. */
static int
is_socket(const struct sock *k, const char *want)
{
	struct buf none = { 0 }, b = { 0 };
	char s[64];
	int r = sockname(k, k->ino, &none, &b) == 0;

	snprintf(s, sizeof s, " ino=%u uid=%d queue=%u", k->ino,
	         k->has_uid ? (int)k->uid : -1, k->queue);
	r = r && buf_put(&b, s, strlen(s)) == 0 && strcmp(b.s, want) == 0;
	if (!r)
		printf("# %s\n", b.s);
	buf_free(&b);
	return r;
}

static void
test_net_inet(void)
{
	static const struct {
		const char *text;
		int family, proto;
		const char *want;	/* NULL: no row */
	} t[] = {
		{ "  sl  local_address rem_address   st tx_queue rx_queue tr "
		  "tm->when retrnsmt   uid  timeout inode                  \n"
		  "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 "
		  "00:00000000 00000000   101        0 20312 1 "
		  "00000000a3f5a1c0 100 0 0 10 0                     \n",
		  AF_INET, IPPROTO_TCP,
		  "127.0.0.1:8080 LISTEN ino=20312 uid=101 queue=3" },
		{ "1000: 0100007F:9C41 0200A8C0:0016 01 00000024:00000005 "
		  "01:00000014 00000000 4294967295 -1 77 2 0000000000000000\n",
		  AF_INET, IPPROTO_TCP, NULL },
		{ "  12: 0100007F:9C41 0200A8C0:0016 01 00000024:00000005 "
		  "01:00000014 00000000  1000        0 4294967295 2\n",
		  AF_INET, IPPROTO_TCP, "127.0.0.1:40001->192.168.0.2:22 "
		  "ESTABLISHED ino=4294967295 uid=1000 queue=0" },
		{ "   3: 0100007F:9C41 0100007F:0016 06 00000000:00000000 "
		  "03:00001770 00000000     0        0 0 3 0000000000000000\n",
		  AF_INET, IPPROTO_TCP, "127.0.0.1:40001->127.0.0.1:22 "
		  "TIME_WAIT ino=0 uid=0 queue=0" },
		{ "   0: 00000000000000000000000000000000:0050 "
		  "00000000000000000000000000000000:0000 0A "
		  "00000000:00000000 00:00000000 00000000     0        0 5 1",
		  AF_INET6, IPPROTO_TCP, "[::]:80 LISTEN ino=5 uid=0 queue=0" },
		{ "   0: 0000000000000000FFFF00000100007F:0050 "
		  "000080FE00000000FF565452FE12FE00:FFFF 08 "
		  "00000000:00000000 00:00000000 00000000     0        0 5 1",
		  AF_INET6, IPPROTO_TCP, "[::ffff:127.0.0.1]:80->"
		  "[fe80::5254:56ff:fe:12fe]:65535 CLOSE_WAIT ino=5 uid=0 "
		  "queue=0" },
		{ "14290: 0100007F:0035 00000000:0000 07 00000000:00000000 "
		  "00:00000000 00000000     0        0 91830 2 "
		  "0000000084e79748 0         \n", AF_INET, IPPROTO_UDP,
		  "127.0.0.1:53 UNCONNECTED ino=91830 uid=0 queue=0" },
		{ " 164: 00000000:0001 00000000:0000 07 00000000:00000000 "
		  "00:00000000 00000000     0        0 91829 2 0 0\n", AF_INET,
		  IPPROTO_RAW, "0.0.0.0:1 UNCONNECTED ino=91829 uid=0 "
		  "queue=0" },
		{ "   0: 0100007F:1F90 00000000:0000", AF_INET, IPPROTO_TCP,
		  NULL },
		{ "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 "
		  "00:00000000 00000000   101        0 4294967296 1",
		  AF_INET, IPPROTO_TCP, NULL },
		{ "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 "
		  "00:00000000 00000000   101        0 1", AF_INET6,
		  IPPROTO_TCP, NULL },
		{ "", AF_INET, IPPROTO_TCP, NULL },
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		char *text = copy(t[i].text);
		const char *s = text;
		struct sock k;
		int r = parse_net_inet(&s, t[i].family, t[i].proto, &k);

		/* addresses are printed as numbers of the machine */
		if (htonl(1) == 1 && t[i].want)
			r = 2;
		ok(r == 2 || (r == (t[i].want != NULL) && (!t[i].want ||
		   (is_socket(&k, t[i].want) &&
		   parse_net_inet(&s, t[i].family, t[i].proto, &k) == 0))),
		   "parse_net_inet: %s", t[i].want ? t[i].want : t[i].text);
		free(text);
	}
}

static void
test_net_unix(void)
{
	static const struct {
		const char *text, *want[3];
	} t[] = {
		{ "Num       RefCount Protocol Flags    Type St Inode Path\n"
		  "0000000054c339e1: 00000002 00000000 00010000 0001 01 90833 "
		  "/run/x.sock\n"
		  "000000003be539b2: 00000003 00000000 00000000 0002 03  1614"
		  "\n"
		  "0000000000000000: 00000002 00000000 00000000 0005 01 7 @a\n",
		  { "/run/x.sock STREAM LISTEN ino=90833 uid=-1 queue=0",
		    "socket:[1614] DGRAM ESTABLISHED ino=1614 uid=-1 queue=0",
		    "@a SEQPACKET UNCONNECTED ino=7 uid=-1 queue=0" } },
		/* a path may have any byte but NUL, blanks at both ends too */
		{ "0: 2 0 10000 1 1 5  a b \n",
		  { " a b  STREAM LISTEN ino=5 uid=-1 queue=0" } },
		/* bound to "x\n0: 2 0 10000 1 1 999 /run/real": no parser can
		 * tell that the second row is none */
		{ "0: 2 0 0 1 1 5 x\n0: 2 0 10000 1 1 999 /run/real\n",
		  { "x STREAM UNCONNECTED ino=5 uid=-1 queue=0",
		    "/run/real STREAM LISTEN ino=999 uid=-1 queue=0" } },
		/* bound to "x\n\n junk\n": what is no row is of the path */
		{ "0: 2 0 0 1 1 5 x\n\n junk\n\n0: 2 0 0 1 1 6\n",
		  { "x\n\n junk\n STREAM UNCONNECTED ino=5 uid=-1 queue=0",
		    "socket:[6] STREAM UNCONNECTED ino=6 uid=-1 queue=0" } },
		{ "0: 2 0 0 1 1 4294967296 x\n0: 2 0 0 1 1 -5 x\n"
		  "0: 2 0 0 1 1 5x\n0: 2 0 0 1 1 \n0: 2 0 0", { NULL } },
		{ "", { NULL } }
	};
	size_t i, j;

	for (i = 0; i < LEN(t); i++) {
		char *text = copy(t[i].text);
		const char *s = text;
		struct sock k;
		int good = 1;

		for (j = 0; j < 3 && t[i].want[j]; j++)
			good &= parse_net_unix(&s, &k) == 1 &&
			    is_socket(&k, t[i].want[j]);
		ok(good && parse_net_unix(&s, &k) == 0 && *s == '\0',
		   "parse_net_unix: %s", t[i].text);
		free(text);
	}
}

static void
test_net_others(void)
{
	static const char netlink[] =
	    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  "
	    "Locks    Drops    Inode\n"
	    "00000000e2eccd14 0   0          00000000 0        0        0     "
	    "2        0        4       \n"
	    "00000000e31a6a81 16  4294963201 00000001 0        0        0     "
	    "2        0        91828   \n"
	    "00000000e31a6a81 31  17821      00000000 0        0        0     "
	    "2        0        91829\n";
	static const char packet[] =
	    "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
	    "000000008c56af55 3      3    0003   0     1 0      0      91827 \n"
	    "000000008c56af55 3      2    88cc   2     1 0      1000   91828";
	const char *s = netlink;
	struct sock k;

	ok(parse_net_netlink(&s, &k) == 1 &&
	   is_socket(&k, "ROUTE:0 ino=4 uid=-1 queue=0"),
	   "parse_net_netlink: the kernel's own");
	ok(parse_net_netlink(&s, &k) == 1 &&
	   is_socket(&k, "GENERIC:4294963201 ino=91828 uid=-1 queue=0"),
	   "parse_net_netlink: a port ID that the kernel chose");
	ok(parse_net_netlink(&s, &k) == 1 &&
	   is_socket(&k, "31:17821 ino=91829 uid=-1 queue=0"),
	   "parse_net_netlink: a protocol without a name");
	ok(parse_net_netlink(&s, &k) == 0, "parse_net_netlink: the end");
	s = packet;
	ok(parse_net_packet(&s, &k) == 1 &&
	   is_socket(&k, "ALL:* RAW ino=91827 uid=0 queue=0"),
	   "parse_net_packet: all of all interfaces");
	ok(parse_net_packet(&s, &k) == 1 &&
	   is_socket(&k, "0x88cc:2 DGRAM ino=91828 uid=1000 queue=0"),
	   "parse_net_packet: one of one");
	ok(parse_net_packet(&s, &k) == 0, "parse_net_packet: the end");
	s = "000000008c56af55 3      3    0003   0     1 0      0\n\n\n";
	ok(parse_net_packet(&s, &k) == 0, "parse_net_packet: a short row");
}

static void
test_net_track(void)
{
	static const char text[] =
	    "ipv4     2 tcp      6 431999 ESTABLISHED src=127.0.0.1 dst=10.0.0.2 "
	    "sport=59734 dport=8001 src=10.0.0.3 dst=127.0.0.1 sport=8000 "
	    "dport=59734 [ASSURED] mark=0 zone=0 use=2\n"
	    "ipv4     2 icmp     1 29 src=1.2.3.4 dst=5.6.7.8 type=8 code=0 id=1 "
	    "src=5.6.7.8 dst=1.2.3.4 type=0 code=0 id=1 mark=0 use=2\n"
	    "ipv6     10 udp      17 29 src=fe80::1 dst=ff02::2 sport=5353 "
	    "dport=53 [UNREPLIED] src=ff02::2 dst=fe80::1 sport=53 dport=5353";
	static const unsigned char dst[16] = {
		[10] = 0xff, 0xff, 10, 0, 0, 2
	};
	static const unsigned char src[16] = {
		[10] = 0xff, 0xff, 10, 0, 0, 3
	};
	static const unsigned char v6[16] = { 0xfe, 0x80, [15] = 1 };
	const char *s = text;
	struct track_row t;

	ok(parse_net_track(&s, &t) == 1 && t.proto == IPPROTO_TCP &&
	   !memcmp(t.sent.dst, dst, 16) && !memcmp(t.reply.src, src, 16) &&
	   t.sent.sport == 59734 && t.sent.dport == 8001 &&
	   t.reply.sport == 8000 && t.reply.dport == 59734,
	   "parse_net_track: a translated address");
	ok(parse_net_track(&s, &t) == 1 && t.proto == IPPROTO_UDP &&
	   !memcmp(t.sent.src, v6, 16) && !memcmp(t.reply.dst, v6, 16) &&
	   t.reply.sport == 53, "parse_net_track: IPv6; ICMP has no ports");
	ok(parse_net_track(&s, &t) == 0 && !*s, "parse_net_track: the end");
}

static void
test_net_own(void)
{
	static const char trie[] =
	    "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n"
	    "        /0 universe UNICAST\n           |-- 192.0.2.0\n"
	    "              /24 link UNICAST\n           |-- 192.0.2.2\n"
	    "              /32 link BROADCAST\n              /32 host LOCAL\n"
	    "        |-- 192.0.2.255\n           /32 link BROADCAST\nLocal:";
	static const unsigned char v4[16] = {
		[10] = 0xff, 0xff, 192, 0, 2, 2
	}, v6[16] = { 0xfe, 0x80, [15] = 1 };
	const char *s = trie;
	unsigned char a[16];

	ok(parse_net_own(&s, a) == 1 && !memcmp(a, v4, 16),
	   "parse_net_own: of the trie");
	ok(parse_net_own(&s, a) == 0 && !*s, "parse_net_own: the end");
	s = "fe800000000000000000000000000001 04 40 20 80     eth0\n"
	    "fe80000000000000000000000000001 04 40 20 80     eth0";
	ok(parse_net_own(&s, a) == 1 && !memcmp(a, v6, 16),
	   "parse_net_own: IPv6");
	ok(parse_net_own(&s, a) == 0 && !*s, "parse_net_own: a short one");
	s = "/32 host LOCAL\n|-- 1.2.3\n/32 host LOCAL\n";
	ok(parse_net_own(&s, a) == 0, "parse_net_own: of no leaf");
}

/* A netlink message that is put together; at is its length. */
struct message {
	char s[512];
	size_t at;
};

static void
add(struct message *m, const void *p, size_t n)
{
	memcpy(m->s + m->at, p, n);
	m->at += n;
}

static void
add32(struct message *m, uint32_t v)
{
	add(m, &v, sizeof v);
}

/* The header of a message of that type that answers question 7. */
static void
begin(struct message *m, unsigned type)
{
	uint16_t v[2] = { (uint16_t)type, 0 };

	m->at = 0;
	add32(m, 0);
	add(m, v, sizeof v);
	add32(m, 7);
	add32(m, 0);
}

static void
add_attr(struct message *m, unsigned type, const void *p, size_t n)
{
	uint16_t v[2] = { (uint16_t)(n + 4), (uint16_t)type };

	add(m, v, sizeof v);
	add(m, p, n);
	while (m->at % 4)
		add(m, "", 1);
}

static void
end(struct message *m)
{
	uint32_t n = (uint32_t)m->at;

	memcpy(m->s, &n, sizeof n);
}

/* parse_diag of memory that ends where the message does. */
static int
decode(const struct message *m, size_t n, struct sock *k, char **memory)
{
	const char *p;
	int err = 0, r;

	free(*memory);
	if (!(*memory = malloc(n + 1)))
		abort();
	memcpy(*memory, m->s, n);
	p = *memory;
	r = parse_diag(&p, *memory + n, 7, k, &err);
	return r == DIAG_ERROR ? 100 + err : r;
}

static void
begin_unix(struct message *m, int type, int state, uint32_t ino)
{
	char head[4] = { AF_UNIX, (char)type, (char)state, 0 };

	begin(m, 20);
	add(m, head, sizeof head);
	add32(m, ino);
	add32(m, 11);
	add32(m, 12);
}

static void
test_diag_unix(void)
{
	static const uint32_t icons[2] = { 501, 502 }, vfs[2] = { 33, 44 };
	static const uint32_t queue[2] = { 2, 128 }, uid = 1000;
	struct message m;
	struct sock k;
	char *memory = NULL;
	uint32_t v;
	size_t n;
	int good = 1;

	begin_unix(&m, SOCK_STREAM, 10, 500);
	add_attr(&m, 0, "/run/a\nb", 9);
	add_attr(&m, 1, vfs, sizeof vfs);
	add_attr(&m, 3, icons, sizeof icons);
	add_attr(&m, 4, queue, sizeof queue);
	add_attr(&m, 7, &uid, sizeof uid);
	add_attr(&m, 6, "", 1);
	end(&m);
	ok(decode(&m, m.at, &k, &memory) == DIAG_SOCK &&
	   is_socket(&k, "/run/a\nb STREAM LISTEN ino=500 uid=1000 queue=2") &&
	   k.has_vfs && k.vfs_ino == 33 && k.vfs_dev == 44 &&
	   k.nicons == 2 && !memcmp(k.icons, icons, 8) && k.peered == 0 &&
	   k.cookie != 0 && k.shutdown == 0, "parse_diag: a unix listener");
	for (n = 0; n < m.at; n++)
		good &= decode(&m, n, &k, &memory) == (n ? -1 : DIAG_END);
	ok(good, "parse_diag: a message that is cut anywhere");
	begin_unix(&m, SOCK_DGRAM, 1, 600);
	v = 601;
	add_attr(&m, 2, &v, 4);
	add_attr(&m, 0, "\0a\0b", 4);
	add_attr(&m, 6, "\3", 1);
	end(&m);
	ok(decode(&m, m.at, &k, &memory) == DIAG_SOCK && k.abstract &&
	   k.n == 3 && !memcmp(k.path, "a\0b", 3) && k.peered == 1 &&
	   k.peer == 601 && k.shutdown == 3,
	   "parse_diag: an abstract name with a NUL in it");
	for (n = 0; n < 4; n++) {	/* attributes shorter than they are */
		begin_unix(&m, SOCK_STREAM, 1, 1);
		add_attr(&m, (unsigned)n, "\1\1\1", n ? 3 : 0);
		end(&m);
		good &= decode(&m, m.at, &k, &memory) == DIAG_SOCK &&
		    !k.path && !k.has_vfs && !k.peered && !k.nicons;
	}
	ok(good, "parse_diag: attributes that are too short");
	free(memory);
}

static void
begin_inet(struct message *m, int family, int state, uint32_t ino)
{
	static const unsigned char a[2][16] = {
		{ 127, 0, 0, 1 }, { 0xfe, 0x80, [15] = 1 }
	};
	char head[4] = { (char)family, (char)state, 0, 0 };
	uint16_t ports[2] = { htons(80), htons(40000) };
	const unsigned char *addr = a[family == AF_INET6];
	size_t i;

	begin(m, 20);
	add(m, head, sizeof head);
	add(m, ports, sizeof ports);
	add(m, addr, 16);
	add(m, addr, 16);
	for (i = 0; i < 5; i++)		/* interface, cookie, expires, rqueue */
		add32(m, (uint32_t)i);
	add32(m, 9);			/* wqueue */
	add32(m, 1000);
	add32(m, ino);
	add_attr(m, 8, "\3", 1);	/* INET_DIAG_SHUTDOWN */
	end(m);
}

static void
test_diag_others(void)
{
	static const uint32_t index = 3;
	struct message m;
	struct sock k;
	char *memory = NULL;
	char head[4] = { AF_NETLINK, 3, 16, 0 };

	begin_inet(&m, AF_INET, 1, 70);
	k.proto = 0;
	ok(decode(&m, m.at, &k, &memory) == DIAG_SOCK && k.state == 1 &&
	   (k.proto = IPPROTO_TCP) && is_socket(&k,
	   "127.0.0.1:80->127.0.0.1:40000 ESTABLISHED ino=70 uid=1000 queue=0"),
	   "parse_diag: TCP");
	begin_inet(&m, AF_INET6, 10, 71);
	ok(decode(&m, m.at, &k, &memory) == DIAG_SOCK &&
	   (k.proto = IPPROTO_TCP) && is_socket(&k, "[fe80::1]:80->"
	   "[fe80::1]:40000 LISTEN ino=71 uid=1000 queue=4"),
	   "parse_diag: TCP over IPv6, three wait");
	begin_inet(&m, AF_INET, 13, 72);
	ok(decode(&m, m.at, &k, &memory) == DIAG_SOCK &&
	   k.state == SOCK_CLOSE, "parse_diag: TCP that is only bound");
	begin(&m, 20);
	add(&m, head, sizeof head);
	add32(&m, 123);
	add32(&m, 0);
	add32(&m, 0);
	add32(&m, 80);
	add32(&m, 1);
	add32(&m, 2);
	end(&m);
	ok(decode(&m, m.at, &k, &memory) == DIAG_SOCK && is_socket(&k,
	   "GENERIC:123 ino=80 uid=-1 queue=0"), "parse_diag: netlink");
	begin(&m, 20);
	memcpy(head, (char[]){ AF_PACKET, SOCK_RAW, 3, 0 }, 4);
	add(&m, head, sizeof head);
	add32(&m, 90);
	add32(&m, 1);
	add32(&m, 2);
	add_attr(&m, 0, &index, sizeof index);
	end(&m);
	if (htonl(1) != 1)
		ok(decode(&m, m.at, &k, &memory) == DIAG_SOCK && is_socket(&k,
		   "ALL:3 RAW ino=90 uid=-1 queue=0"), "parse_diag: packet");
	begin(&m, 20);
	memcpy(head, (char[]){ 99, 0, 0, 0 }, 4);
	add(&m, head, sizeof head);
	end(&m);
	ok(decode(&m, m.at, &k, &memory) == -1, "parse_diag: no such family");
	free(memory);
}

static void
test_diag_ends(void)
{
	struct message m, two;
	struct sock k;
	char *memory = NULL;
	const char *p;
	int err = 9;

	begin(&m, 3);
	add32(&m, 0);
	end(&m);
	ok(decode(&m, m.at, &k, &memory) == DIAG_DONE, "parse_diag: done");
	begin(&m, 3);
	add32(&m, (uint32_t)-ENOENT);
	end(&m);
	ok(decode(&m, m.at, &k, &memory) == 100 + ENOENT,
	   "parse_diag: done with an error");
	begin(&m, 2);
	add32(&m, (uint32_t)-EACCES);
	end(&m);
	ok(decode(&m, m.at, &k, &memory) == 100 + EACCES,
	   "parse_diag: an error");
	begin_unix(&m, SOCK_STREAM, 1, 5);
	end(&m);
	m.s[8] = 6;
	ok(decode(&m, m.at, &k, &memory) == DIAG_END,
	   "parse_diag: the answer of another question");
	m.s[8] = 7;
	two = m;
	add(&two, m.s, m.at);
	p = two.s;
	ok(parse_diag(&p, two.s + two.at, 7, &k, &err) == DIAG_SOCK &&
	   p == two.s + m.at &&
	   parse_diag(&p, two.s + two.at, 7, &k, &err) == DIAG_SOCK &&
	   parse_diag(&p, two.s + two.at, 7, &k, &err) == DIAG_END,
	   "parse_diag: one message after the other");
	m.s[0] = 15;
	ok(decode(&m, m.at, &k, &memory) == -1,
	   "parse_diag: a message shorter than its header");
	free(memory);
}

static void
test_sockname(void)
{
	struct sock k = { .family = AF_UNIX, .ino = 4, .type = SOCK_STREAM,
	                  .state = SOCK_ESTABLISHED, .path = "@x", .n = 2 };
	struct buf b = { 0 }, name = { 0 };

	ok(sockname(&k, 4, &name, &b) == 0 &&
	   !strcmp(b.s, "./@x STREAM ESTABLISHED"),
	   "sockname: a path that begins with @ is no abstract name");
	memset(&k, 0, sizeof k);
	b.n = 0;
	ok(buf_put(&name, "ALG", 3) == 0 && sockname(&k, 4, &name, &b) == 0 &&
	   !strcmp(b.s, "socket:[4] ALG"), "sockname: of no table");
	ok(!strcmp(sockname_kind(&k), "sock") && !sockname_family(&k) &&
	   !sockname_state(&k) && !sockname_type(&k),
	   "sockname: nothing known");
	k.family = AF_INET6;
	k.proto = IPPROTO_TCP;
	b.n = 0;
	ok(sockname(&k, 5, &name, &b) == 0 && !strcmp(b.s, "socket:[5]") &&
	   !strcmp(sockname_kind(&k), "tcp"),
	   "sockname: TCP that is not bound");
	ok(sock_ino("socket:[123]") == 123 && sock_ino("socket:[]") == 0 &&
	   sock_ino("socket:[4294967296]") == 0 && sock_ino("pipe:[1]") == 0 &&
	   sock_ino("socket:[1]x") == 0 && sock_ino("socket:[-1]") == 0,
	   "sock_ino");
	buf_free(&b);
	buf_free(&name);
}

void
test_net(void)
{
	test_net_inet();
	test_net_unix();
	test_net_others();
	test_net_track();
	test_net_own();
	test_diag_unix();
	test_diag_others();
	test_diag_ends();
	test_sockname();
}
