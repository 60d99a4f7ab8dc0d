#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "parse_net.h"

/* The flag of a unix socket that listens: __SO_ACCEPTCON. */
enum { ACCEPTCON = 1 << 16 };

/* A number in *s, blanks before it passed over, of at most max and up to the
 * byte end ('\n': or the end of the text), *s moved behind that; 0 or -1. */
static int
number(const char **s, int base, char end, unsigned long long max,
       unsigned long long *v)
{
	const char *p = *s + strspn(*s, " ");
	char *q;

	if (strspn(p, "0123456789abcdefABCDEF") == 0)
		return -1;
	*v = strtoull(p, &q, base);
	if (q == p || *v > max)
		return -1;
	/* columns may be padded behind a number too */
	if (end == ' ' || end == '\n') {
		p = q + strspn(q, " ");
		if (p == q && *q && *q != '\n')
			return -1;
		if (end == '\n' && *p && *p != '\n')
			return -1;
	} else {
		if (*q != end)
			return -1;
		p = q + 1;
	}
	*s = p;
	return 0;
}

/* Numbers of one base up to a blank each, the last n of them in v; 0 or -1. */
static int
numbers(const char **s, int base, int n, unsigned long long *v)
{
	int i;

	for (i = 0; i < n; i++)
		if (number(s, base, ' ', UINT32_MAX, &v[i]) < 0)
			return -1;
	return 0;
}

/* An address and port, "0100007F:0016", an IPv6 one four such words: each is
 * the bytes of the network as a number of this machine. 0 or -1. */
static int
address(const char **s, int words, unsigned char *addr, uint16_t *port)
{
	const char *p = *s + strspn(*s, " ");
	unsigned long long v;
	char word[9];
	uint32_t w;
	int i;

	if (strspn(p, "0123456789ABCDEF") != 8 * (size_t)words)
		return -1;
	for (i = 0; i < words; i++, p += 8) {
		memcpy(word, p, 8);
		word[8] = '\0';
		w = (uint32_t)strtoul(word, NULL, 16);
		memcpy(addr + 4 * i, &w, sizeof w);
	}
	if (*p++ != ':' || number(&p, 16, ' ', UINT16_MAX, &v) < 0)
		return -1;
	*port = (uint16_t)v;
	*s = p;
	return 0;
}

/* The line's end, and where the next one begins. */
static const char *
next_line(const char *s)
{
	s += strcspn(s, "\n");
	return s + (*s == '\n');
}

/* "sl: LOCAL REMOTE st tx:rx tr:when retrnsmt uid timeout inode ..." */
static int
inet_row(const char *s, int words, struct sock *k)
{
	unsigned long long v[2], sl, tx, rx, tr, when, uid;

	if (number(&s, 10, ':', UINT32_MAX, &sl) < 0 ||
	    address(&s, words, k->local, &k->lport) < 0 ||
	    address(&s, words, k->remote, &k->rport) < 0 ||
	    number(&s, 16, ' ', SOCK_STATES, &v[0]) < 0)
		return -1;
	k->state = (int)v[0];
	if (number(&s, 16, ':', UINT32_MAX, &tx) < 0 ||
	    number(&s, 16, ' ', UINT32_MAX, &rx) < 0 ||
	    number(&s, 16, ':', UINT32_MAX, &tr) < 0 ||
	    number(&s, 16, ' ', ~0ULL, &when) < 0 ||
	    number(&s, 16, ' ', UINT32_MAX, &v[0]) < 0 ||
	    numbers(&s, 10, 1, &uid) < 0 ||
	    number(&s, 10, ' ', ~0ULL, &v[0]) < 0 ||
	    number(&s, 10, ' ', UINT32_MAX, &v[1]) < 0)
		return -1;
	k->uid = (uint32_t)uid;
	k->has_uid = 1;
	k->ino = (uint32_t)v[1];
	k->queue = k->state == SOCK_LISTEN ? (uint32_t)rx : 0;
	return 0;
}

int
parse_net_inet(const char **text, int family, int proto, struct sock *k)
{
	const char *s;

	while (*(s = *text)) {
		*text = next_line(s);
		memset(k, 0, sizeof *k);
		k->family = family;
		k->proto = proto;
		k->type = proto == IPPROTO_TCP ? SOCK_STREAM :
		    proto == IPPROTO_RAW ? SOCK_RAW : SOCK_DGRAM;
		k->shutdown = k->peered = -1;
		if (inet_row(s, family == AF_INET ? 1 : 4, k) == 0)
			return 1;
	}
	return 0;
}

/* "Num: RefCount Protocol Flags Type St Inode[ Path]" */
static int
unix_row(const char *s, struct sock *k)
{
	/* SS_UNCONNECTED SS_CONNECTING SS_CONNECTED SS_DISCONNECTING */
	static const int states[] = {
		0, SOCK_CLOSE, SOCK_SYN_SENT, SOCK_ESTABLISHED, SOCK_CLOSING
	};
	unsigned long long v[4], type, ino;
	char *end;

	if (number(&s, 16, ':', ~0ULL, v) < 0 || numbers(&s, 16, 3, v) < 0 ||
	    numbers(&s, 16, 1, &type) < 0 || numbers(&s, 16, 1, &v[3]) < 0)
		return -1;
	ino = strtoull(s, &end, 10);
	if (end == s || ino > UINT32_MAX || (*end != ' ' && *end != '\n'))
		return -1;
	k->type = (int)type;
	k->ino = (uint32_t)ino;
	k->state = v[2] & ACCEPTCON ? SOCK_LISTEN :
	    v[3] < sizeof states / sizeof *states ? states[v[3]] : 0;
	if (*end != ' ')
		return 0;
	k->path = end + 1;
	k->n = strcspn(k->path, "\n");
	/* '@' is a NUL, or the '@' that a relative path begins with */
	if (k->n && *k->path == '@') {
		k->abstract = 1;
		k->path++;
		k->n--;
	}
	return 0;
}

int
parse_net_unix(const char **text, struct sock *k)
{
	const char *s;

	while (*(s = *text)) {
		*text = next_line(s);
		memset(k, 0, sizeof *k);
		k->family = AF_UNIX;
		k->shutdown = k->peered = -1;
		if (unix_row(s, k) < 0) {
			k->path = NULL;
			continue;
		}
		/* what is no row belongs to the path before it */
		while (k->path && **text &&
		    unix_row(*text, &(struct sock){ 0 }) < 0)
			*text = next_line(*text);
		if (k->path)
			k->n = (size_t)(*text - k->path) -
			    ((*text)[-1] == '\n');
		return 1;
	}
	return 0;
}

/* "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode" */
static int
netlink_row(const char *s, struct sock *k)
{
	unsigned long long v[8], ino;

	if (number(&s, 16, ' ', ~0ULL, v) < 0 || numbers(&s, 10, 2, v) < 0 ||
	    numbers(&s, 16, 1, &v[2]) < 0 || numbers(&s, 10, 5, &v[3]) < 0 ||
	    number(&s, 10, '\n', UINT32_MAX, &ino) < 0)
		return -1;
	k->proto = (int)v[0];
	k->lid = (uint32_t)v[1];
	k->ino = (uint32_t)ino;
	return 0;
}

int
parse_net_netlink(const char **text, struct sock *k)
{
	const char *s;

	while (*(s = *text)) {
		*text = next_line(s);
		memset(k, 0, sizeof *k);
		k->family = AF_NETLINK;
		k->shutdown = k->peered = -1;
		if (netlink_row(s, k) == 0)
			return 1;
	}
	return 0;
}

/* "sk RefCnt Type Proto Iface R Rmem User Inode" */
static int
packet_row(const char *s, struct sock *k)
{
	unsigned long long v[3], ref, type, proto, ifindex, uid, ino;

	if (number(&s, 16, ' ', ~0ULL, v) < 0 || numbers(&s, 10, 1, &ref) < 0 ||
	    numbers(&s, 10, 1, &type) < 0 || numbers(&s, 16, 1, &proto) < 0 ||
	    numbers(&s, 10, 1, &ifindex) < 0 || numbers(&s, 10, 2, v) < 0 ||
	    numbers(&s, 10, 1, &uid) < 0 ||
	    number(&s, 10, '\n', UINT32_MAX, &ino) < 0)
		return -1;
	k->type = (int)type;
	k->proto = (int)proto;
	k->ifindex = (uint32_t)ifindex;
	k->uid = (uint32_t)uid;
	k->has_uid = 1;
	k->ino = (uint32_t)ino;
	return 0;
}

int
parse_net_packet(const char **text, struct sock *k)
{
	const char *s;

	while (*(s = *text)) {
		*text = next_line(s);
		memset(k, 0, sizeof *k);
		k->family = AF_PACKET;
		k->shutdown = k->peered = -1;
		if (packet_row(s, k) == 0)
			return 1;
	}
	return 0;
}

/* An address as IPv6; 0 or -1. */
static int
track_address(const char *s, size_t n, unsigned char *a)
{
	char text[64];

	memset(a, 0, 16);
	if (n >= sizeof text)
		return -1;
	memcpy(text, s, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, a) == 1)
		return 0;
	a[10] = a[11] = 0xff;
	return inet_pton(AF_INET, text, a + 12) == 1 ? 0 : -1;
}

/* 32 digits; 0 or -1. */
static int
hex_address(const char *s, unsigned char *a)
{
	size_t i;

	if (strspn(s, "0123456789abcdef") != 32)
		return -1;
	for (i = 0; i < 16; i++) {
		char digits[3] = { s[2 * i], s[2 * i + 1] };

		a[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return 0;
}

/* A leaf of the trie, "|-- ADDRESS", has a line for each of its routes. */
int
parse_net_own(const char **text, unsigned char addr[16])
{
	const char *s, *leaf = NULL;

	while (*(s = *text)) {
		*text = next_line(s);
		s += strspn(s, " ");
		if (strncmp(s, "|-- ", 4) == 0)
			leaf = s + 4;
		else if (leaf && strncmp(s, "/32 host LOCAL", 14) == 0 &&
		    track_address(leaf, strcspn(leaf, "\n"), addr) == 0)
			return 1;
		else if (hex_address(s, addr) == 0)
			return 1;
	}
	return 0;
}

/* A word "key=value" of a row; seen: the bits of what its two halves have. */
static void
track_word(const char *s, size_t n, struct track_row *t, unsigned *seen)
{
	static const char *const keys[] = {
		"src=", "dst=", "sport=", "dport="
	};
	size_t i, len = 0;
	int half;

	for (i = 0; i < sizeof keys / sizeof *keys; i++)
		if ((len = strlen(keys[i])) <= n &&
		    memcmp(s, keys[i], len) == 0)
			break;
	if (i == sizeof keys / sizeof *keys)
		return;
	half = (*seen >> i & 1) != 0;
	if (i < 2) {
		unsigned char *a = half ? t->reply.src : t->sent.src;
		unsigned char *b = half ? t->reply.dst : t->sent.dst;

		if (track_address(s + len, n - len, i ? b : a) < 0)
			return;
	} else {
		uint16_t port = (uint16_t)strtoul(s + len, NULL, 10);

		if (half)
			*(i == 2 ? &t->reply.sport : &t->reply.dport) = port;
		else
			*(i == 2 ? &t->sent.sport : &t->sent.dport) = port;
	}
	*seen |= 1U << (i + (half ? 4 : 0));
}

/* "ipv4 2 tcp 6 431999 ESTABLISHED src= dst= sport= dport= src= ..." */
int
parse_net_track(const char **text, struct track_row *t)
{
	unsigned seen;
	const char *s;
	size_t n;
	int i;

	while (*(s = *text)) {
		memset(t, 0, sizeof *t);
		for (i = 0, seen = 0; *s && *s != '\n'; i++) {
			n = strcspn(s, " \n");
			if (i == 3)
				t->proto = (int)strtoul(s, NULL, 10);
			track_word(s, n, t, &seen);
			s += n + strspn(s + n, " ");
		}
		*text = s + (*s == '\n');
		if (seen == 0xff)
			return 1;
	}
	return 0;
}
