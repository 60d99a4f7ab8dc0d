#include <sys/socket.h>
#include <netinet/in.h>
#include <string.h>

#include "parse_diag.h"
#include "parse_net.h"

/* Sizes, types and offsets of <linux/netlink.h>, <linux/sock_diag.h> and the
 * headers of the families, which not every libc brings. */
enum {
	HEADER = 16, ATTR = 4,
	MSG_ERROR = 2, MSG_DONE = 3, SOCK_DIAG_BY_FAMILY = 20,
	REQUEST = 1, DUMP = 0x300,
	UNIX_MSG = 16, INET_MSG = 72, NETLINK_MSG = 28, PACKET_MSG = 16,
	VSOCK_MSG = 32,
	ALL_NETLINK = 0xff,	/* NDIAG_PROTO_ALL */
	PACKET_INFO = 1		/* PACKET_SHOW_INFO: and the user */
};

/* A netlink attribute. */
struct attr {
	unsigned type;
	const char *p;
	size_t n;
};

static uint32_t
u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static uint16_t
u16(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static uint64_t
u64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static size_t
align(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The next attribute, *p moved behind it: 1, 0 at the end, -1 malformed. */
static int
next_attr(const char **p, const char *end, struct attr *a)
{
	size_t left = (size_t)(end - *p), n;

	if (left < ATTR)
		return 0;
	n = u16(*p);
	if (n < ATTR || n > left)
		return -1;
	a->type = u16(*p + 2) & 0x3fff;	/* without NLA_F_NESTED ... */
	a->p = *p + ATTR;
	a->n = n - ATTR;
	*p += align(n) < left ? align(n) : left;
	return 1;
}

/* UNIX_DIAG_NAME: bound to a path, or abstract with a NUL before the name. */
static void
unix_name(const struct attr *a, struct sock *k)
{
	k->abstract = a->n > 0 && *a->p == '\0';
	k->path = a->p + k->abstract;
	k->n = a->n - (size_t)k->abstract;
	/* the kernel counts the NUL behind a path of some lengths */
	if (!k->abstract)
		k->n = strnlen(k->path, k->n);
}

static void
unix_attr(const struct attr *a, struct sock *k)
{
	switch (a->type) {
	case 0:
		if (a->n)
			unix_name(a, k);
		break;
	case 1:
		k->has_vfs = a->n >= 8;
		k->vfs_ino = k->has_vfs ? u32(a->p) : 0;
		k->vfs_dev = k->has_vfs ? u32(a->p + 4) : 0;
		break;
	case 2:
		k->peered = a->n >= 4;
		k->peer = k->peered ? u32(a->p) : 0;
		break;
	case 3:
		k->icons = a->p;
		k->nicons = a->n / 4;
		break;
	case 4:
		if (a->n >= 8 && k->state == SOCK_LISTEN)
			k->queue = u32(a->p);
		break;
	case 6:
		if (a->n >= 1)
			k->shutdown = (unsigned char)*a->p & 3;
		break;
	case 7:
		k->has_uid = a->n >= 4;
		k->uid = k->has_uid ? u32(a->p) : 0;
		break;
	default:
		break;
	}
}

static void
unix_message(const char *p, struct sock *k)
{
	k->type = (unsigned char)p[1];
	k->state = (unsigned char)p[2];
	k->ino = u32(p + 4);
	k->cookie = u64(p + 8);
	k->peered = 0;
}

static void
inet_message(const char *p, struct sock *k)
{
	size_t n = k->family == AF_INET ? 4 : 16;

	k->state = (unsigned char)p[1];
	/* bound and no more: a state of sock_diag's own since Linux 6.8 */
	if (k->state == SOCK_BOUND_INACTIVE)
		k->state = SOCK_CLOSE;
	k->lport = ntohs(u16(p + 4));
	k->rport = ntohs(u16(p + 6));
	memcpy(k->local, p + 8, n);
	memcpy(k->remote, p + 24, n);
	k->ifindex = u32(p + 40);
	k->cookie = u64(p + 44);
	k->queue = k->state == SOCK_LISTEN ? u32(p + 56) : 0;
	k->uid = u32(p + 64);
	k->has_uid = 1;
	k->ino = u32(p + 68);
}

static void
inet_attr(const struct attr *a, struct sock *k)
{
	/* INET_DIAG_SKV6ONLY, of who listens or is not connected */
	if (a->type == 11 && a->n >= 1)
		k->v6only = *a->p != 0;
}

static void
netlink_message(const char *p, struct sock *k)
{
	k->type = (unsigned char)p[1];
	k->proto = (unsigned char)p[2];
	k->lid = u32(p + 4);
	k->rid = u32(p + 8);
	k->ino = u32(p + 16);
	k->cookie = u64(p + 20);
	k->peered = k->rid != 0;
}

static void
packet_message(const char *p, struct sock *k)
{
	k->type = (unsigned char)p[1];
	k->proto = u16(p + 2);
	k->ino = u32(p + 4);
	k->cookie = u64(p + 8);
}

static void
packet_attr(const struct attr *a, struct sock *k)
{
	if (a->type == 0 && a->n >= 4)		/* PACKET_DIAG_INFO */
		k->ifindex = u32(a->p);
	if (a->type == 5 && a->n >= 4) {	/* PACKET_DIAG_UID */
		k->has_uid = 1;
		k->uid = u32(a->p);
	}
}

static void
vsock_message(const char *p, struct sock *k)
{
	k->type = (unsigned char)p[1];
	k->state = (unsigned char)p[2];
	k->shutdown = (unsigned char)p[3] & 3;
	k->lid = u32(p + 4);
	k->lsub = u32(p + 8);
	k->rid = u32(p + 12);
	k->rsub = u32(p + 16);
	k->ino = u32(p + 20);
	k->cookie = u64(p + 24);
}

/* Decode a message of n bytes; 0 or -1. */
static int
message(const char *p, size_t n, struct sock *k)
{
	static const struct {
		int family;
		size_t n;
		void (*head)(const char *, struct sock *);
		void (*attr)(const struct attr *, struct sock *);
	} kinds[] = {
		{ AF_UNIX, UNIX_MSG, unix_message, unix_attr },
		{ AF_INET, INET_MSG, inet_message, NULL },
		{ AF_INET6, INET_MSG, inet_message, inet_attr },
		{ AF_NETLINK, NETLINK_MSG, netlink_message, NULL },
		{ AF_PACKET, PACKET_MSG, packet_message, packet_attr },
		{ AF_VSOCK, VSOCK_MSG, vsock_message, NULL },
	};
	const char *end = p + n;
	struct attr a;
	size_t i;
	int r = 0;

	memset(k, 0, sizeof *k);
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (n < kinds[i].n || (unsigned char)*p != kinds[i].family)
			continue;
		k->family = kinds[i].family;
		k->shutdown = k->peered = -1;
		kinds[i].head(p, k);
		for (p += kinds[i].n; kinds[i].attr; kinds[i].attr(&a, k))
			if ((r = next_attr(&p, end, &a)) <= 0)
				break;
		return r;
	}
	return -1;
}

int
parse_diag(const char **p, const char *end, uint32_t seq, struct sock *k,
           int *err)
{
	while (*p < end) {
		const char *m = *p;
		size_t left = (size_t)(end - m), n;
		unsigned type;

		if (left < HEADER || (n = u32(m)) < HEADER || n > left)
			return -1;
		*p += align(n) < left ? align(n) : left;
		if (u32(m + 8) != seq)
			continue;
		type = u16(m + 4);
		if (type == SOCK_DIAG_BY_FAMILY)
			return message(m + HEADER, n - HEADER, k) < 0 ? -1 :
			    DIAG_SOCK;
		if (type != MSG_DONE && type != MSG_ERROR)
			continue;
		/* both may carry a negative errno value */
		*err = 0;
		if (n >= HEADER + 4 && (int32_t)u32(m + HEADER) < 0 &&
		    (int32_t)u32(m + HEADER) > -4096)
			*err = -(int32_t)u32(m + HEADER);
		return *err ? DIAG_ERROR : DIAG_DONE;
	}
	return DIAG_END;
}

static void
put32(char *p, uint32_t v)
{
	memcpy(p, &v, sizeof v);
}

static void
put16(char *p, uint16_t v)
{
	memcpy(p, &v, sizeof v);
}

size_t
diag_ask(char q[128], uint32_t seq, int family, int proto, unsigned states,
         unsigned show, uint32_t ino)
{
	char *m = q + HEADER;
	size_t n = HEADER + 24;

	memset(q, 0, 128);
	m[0] = (char)family;
	m[1] = (char)(proto > 255 ? 0 : proto);
	if (family == AF_INET || family == AF_INET6) {
		n = HEADER + 56;
		put32(m + 4, states);
		memset(m + 48, 0xff, 8);	/* INET_DIAG_NOCOOKIE */
		if (proto > 255) {
			put16(q + n, 8);
			put16(q + n + 2, 3);	/* INET_DIAG_REQ_PROTOCOL */
			put32(q + n + 4, (uint32_t)proto);
			n += 8;
		}
	} else if (family == AF_UNIX || family == AF_VSOCK) {
		put32(m + 4, states);
		put32(m + 8, ino);
		put32(m + 12, show);
		memset(m + 16, 0xff, 8);
	} else {
		n = HEADER + 20;
		m[1] = (char)(family == AF_NETLINK ? ALL_NETLINK : 0);
		put32(m + 8, family == AF_PACKET ? PACKET_INFO : 0);
	}
	put32(q, (uint32_t)n);
	put16(q + 4, SOCK_DIAG_BY_FAMILY);
	put16(q + 6, ino ? REQUEST : REQUEST | DUMP);
	put32(q + 8, seq);
	return n;
}
