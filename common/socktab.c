#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "parse_diag.h"
#include "parse_net.h"
#include "proc.h"
#include "sock.h"
#include "socktab.h"

/* Where a socket's record is: bytes, not aligned. */
struct entry {
	uint32_t ino, at;
};

enum {
	HEAD = 4,		/* bytes before what the family needs */
	ABSTRACT = 0x80,	/* in the length of a path, which is <= 108 */
	VFS = 0x80,		/* in the state: its file's identity is there */
	FORGED = -1		/* in at: two rows claim the inode */
};

struct socktab {
	const struct sock_net *net;
	unsigned read;		/* tables that were */
	int forgeable;		/* one is text that others may write */
	struct buf entries, records;
	struct socktab *next;
};

/* The kernel's names of protocols (struct proto), as sockets have them in the
 * extended attribute system.sockprotoname. */
static const struct {
	const char *name;
	int family, type, proto;
	enum sock_table table;
} protocols[] = {
	{ "UNIX-STREAM", AF_UNIX, SOCK_STREAM, 0, SOCKS_UNIX },
	{ "UNIX", AF_UNIX, 0, 0, SOCKS_UNIX },
	{ "TCP", AF_INET, SOCK_STREAM, IPPROTO_TCP, SOCKS_TCP },
	{ "TCPv6", AF_INET6, SOCK_STREAM, IPPROTO_TCP, SOCKS_TCP6 },
	{ "MPTCP", AF_INET, SOCK_STREAM, IPPROTO_TCP, SOCKS_TCP },
	{ "MPTCPv6", AF_INET6, SOCK_STREAM, IPPROTO_TCP, SOCKS_TCP6 },
	{ "UDP", AF_INET, SOCK_DGRAM, IPPROTO_UDP, SOCKS_UDP },
	{ "UDPv6", AF_INET6, SOCK_DGRAM, IPPROTO_UDP, SOCKS_UDP6 },
	{ "RAW", AF_INET, SOCK_RAW, IPPROTO_RAW, SOCKS_RAW },
	{ "RAWv6", AF_INET6, SOCK_RAW, IPPROTO_RAW, SOCKS_RAW6 },
	{ "PING", AF_INET, SOCK_DGRAM, IPPROTO_ICMP, SOCKS_ICMP },
	{ "PINGv6", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, SOCKS_ICMP6 },
	{ "NETLINK", AF_NETLINK, 0, -1, SOCKS_NETLINK },
	{ "PACKET", AF_PACKET, 0, -1, SOCKS_PACKET },
	{ "AF_VSOCK", AF_VSOCK, 0, -1, SOCKS_VSOCK }
};

static struct socktab *tabs;

static struct entry *
entries(const struct socktab *t)
{
	return (struct entry *)(void *)t->entries.s;
}

static size_t
count(const struct socktab *t)
{
	return t->entries.n / sizeof(struct entry);
}

/* Append the record of a socket; 0, or -1 with ENOMEM. */
static int
pack(struct buf *b, const struct sock *k)
{
	size_t ip = k->family == AF_INET ? 4 : 16;
	size_t n = k->n < ABSTRACT ? k->n : ABSTRACT - 1;
	unsigned char head[HEAD] = {
		(unsigned char)k->family, (unsigned char)k->type,
		(unsigned char)k->state, (unsigned char)k->proto
	};

	if (k->family == AF_UNIX) {
		head[2] = (unsigned char)(k->state | (k->has_vfs ? VFS : 0));
		head[3] = (unsigned char)(n | (k->abstract ? ABSTRACT : 0));
	}
	if (buf_put(b, head, sizeof head) < 0)
		return -1;
	switch (k->family) {
	case AF_UNIX:
		if (k->has_vfs && (buf_put(b, &k->vfs_ino, 4) < 0 ||
		    buf_put(b, &k->vfs_dev, 4) < 0))
			return -1;
		return n ? buf_put(b, k->path, n) : 0;
	case AF_INET:
	case AF_INET6:
		return buf_put(b, k->local, ip) || buf_put(b, k->remote, ip) ||
		    buf_put(b, &k->lport, 2) || buf_put(b, &k->rport, 2) ?
		    -1 : 0;
	case AF_PACKET:
		return buf_put(b, &k->proto, sizeof k->proto) ||
		    buf_put(b, &k->ifindex, 4) ? -1 : 0;
	default:
		return buf_put(b, &k->lid, 4) || buf_put(b, &k->rid, 4) ||
		    buf_put(b, &k->lsub, 4) || buf_put(b, &k->rsub, 4) ?
		    -1 : 0;
	}
}

static const char *
get(void *to, const char *p, size_t n)
{
	memcpy(to, p, n);
	return p + n;
}

static void
unpack(const char *p, struct sock *k)
{
	const unsigned char *head = (const unsigned char *)p;
	size_t ip = head[0] == AF_INET ? 4 : 16;

	k->family = head[0];
	k->type = head[1];
	k->state = head[2];
	k->proto = head[3];
	p += HEAD;
	switch (k->family) {
	case AF_UNIX:
		k->proto = 0;
		k->state &= ~VFS;
		k->has_vfs = (head[2] & VFS) != 0;
		if (k->has_vfs) {
			p = get(&k->vfs_ino, p, 4);
			p = get(&k->vfs_dev, p, 4);
		}
		k->abstract = (head[3] & ABSTRACT) != 0;
		k->n = head[3] & ~ABSTRACT;
		k->path = k->n || k->abstract ? p : NULL;
		break;
	case AF_INET:
	case AF_INET6:
		p = get(k->local, p, ip);
		p = get(k->remote, p, ip);
		p = get(&k->lport, p, 2);
		get(&k->rport, p, 2);
		break;
	case AF_PACKET:
		p = get(&k->proto, p, sizeof k->proto);
		get(&k->ifindex, p, 4);
		break;
	default:
		p = get(&k->lid, p, 4);
		p = get(&k->rid, p, 4);
		p = get(&k->lsub, p, 4);
		get(&k->rsub, p, 4);
	}
}

static int
by_ino(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/*
 * Keep one entry of each inode. A table that changes while it is read may have
 * a row twice; but where a row can be forged, two that differ say nothing.
 */
static void
unify(struct socktab *t)
{
	struct sock a, b;
	struct entry *e = entries(t), *end = e + count(t), *last = e;

	for (e++; e < end; e++) {
		if (e->ino != last->ino) {
			*++last = *e;
			continue;
		}
		if (!t->forgeable || last->at == (uint32_t)FORGED ||
		    e->at == (uint32_t)FORGED) {
			last->at = t->forgeable ? (uint32_t)FORGED : last->at;
			continue;
		}
		memset(&a, 0, sizeof a);
		memset(&b, 0, sizeof b);
		unpack(t->records.s + last->at, &a);
		unpack(t->records.s + e->at, &b);
		if (a.family != b.family || a.n != b.n || a.type != b.type ||
		    (a.n && memcmp(a.path, b.path, a.n) != 0))
			last->at = (uint32_t)FORGED;
	}
	t->entries.n = (size_t)(last + 1 - entries(t)) * sizeof *e;
}

/* Add the rows of a table; 0, or -1 with errno. */
static int
add_rows(struct socktab *t, struct sock_iter *it)
{
	struct entry e;
	struct sock k;
	int r;

	while ((r = sock_next(it, &k)) == 1) {
		if (k.ino == 0)
			continue;
		if (t->records.n > UINT32_MAX - 1024) {
			errno = ENOMEM;
			return -1;
		}
		e.ino = k.ino;
		e.at = (uint32_t)t->records.n;
		if (pack(&t->records, &k) < 0 ||
		    buf_put(&t->entries, &e, sizeof e) < 0)
			return -1;
	}
	return r;
}

/* Read a table, once; 0, or -1 with errno. */
static int
load(struct socktab *t, struct sock_net *net, enum sock_table table)
{
	struct sock_iter it;
	int r;

	if (t->read & 1U << table)
		return 0;
	t->read |= 1U << table;
	if (sock_open(&it, net, table, ~0U, DIAG_NAME | DIAG_VFS) < 0)
		return -1;
	r = add_rows(t, &it);
	t->forgeable |= it.text && table == SOCKS_UNIX;
	sock_close(&it);
	if (count(t)) {
		qsort(entries(t), count(t), sizeof(struct entry), by_ino);
		unify(t);
	}
	return r;
}

static struct socktab *
table_of(const struct sock_net *net)
{
	struct socktab *t;

	for (t = tabs; t; t = t->next)
		if (t->net == net)
			return t;
	if ((t = calloc(1, sizeof *t))) {
		t->net = net;
		t->next = tabs;
		tabs = t;
	}
	return t;
}

static int
look_up(const struct socktab *t, uint32_t ino, struct sock *k)
{
	const struct entry *e = entries(t);
	size_t lo = 0, hi = count(t), mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (e[mid].ino < ino)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == count(t) || e[lo].ino != ino || e[lo].at == (uint32_t)FORGED)
		return 0;
	unpack(t->records.s + e[lo].at, k);
	k->ino = ino;
	return 1;
}

/* The kernel's name of the socket's protocol, which says what table to read: 0,
 * or -1 with errno. */
static int
ask_name(int fds, int fd, uint32_t ino, struct buf *name)
{
	static struct buf target;
	char link[16];

	snprintf(link, sizeof link, "%d", fd);
	if (proc_getxattr(fds, link, "system.sockprotoname", name) < 0) {
		name->n = 0;
		if (errno == ESRCH || errno == ETIMEDOUT || errno == ENOMEM)
			return -1;
	}
	if (proc_readlink(fds, link, &target) < 0)
		return -1;
	if (sock_ino(target.s) != ino) {
		errno = ENOENT;
		return -1;
	}
	/* its NUL is counted */
	if (name->n)
		name->n = strnlen(name->s, name->n);
	return 0;
}

/* What a protocol of that name is, and its table: 1, or 0 if it is unknown. */
static int
know(const struct buf *name, struct sock *k, enum sock_table *table)
{
	size_t i;

	for (i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		if (!name->n || strcmp(name->s, protocols[i].name) != 0)
			continue;
		k->family = protocols[i].family;
		k->type = protocols[i].type;
		k->proto = protocols[i].proto;
		*table = protocols[i].table;
		return 1;
	}
	return 0;
}

static void
clear(struct sock *k, struct buf *protocol)
{
	memset(k, 0, sizeof *k);
	k->shutdown = k->peered = -1;
	k->proto = -1;
	protocol->n = 0;
}

int
socktab_kind(int fds, int fd, uint32_t ino, struct sock *k,
             struct buf *protocol)
{
	enum sock_table table;

	clear(k, protocol);
	if (ask_name(fds, fd, ino, protocol) < 0)
		return -1;
	return know(protocol, k, &table);
}

/* Read the table in which the socket is, or without its protocol's name all of
 * them; 0, or -1 with errno. */
static int
load_for(struct socktab *t, struct sock_net *net, const struct buf *name,
         struct sock *k)
{
	enum sock_table table;
	int r = 0, err = 0;

	if (know(name, k, &table))
		return load(t, net, table);
	for (table = 0; !name->n && table < SOCKS_TABLES; table++)
		if (load(t, net, table) < 0) {
			r = -1;
			err = errno;
		}
	errno = err;
	return r;
}

int
socktab_find(struct sock_net *net, int fds, int fd, uint32_t ino,
             struct sock *k, struct buf *protocol)
{
	struct socktab *t = table_of(net);
	int r;

	clear(k, protocol);
	if (!t)
		return -1;
	if (look_up(t, ino, k))
		return 1;
	if (ask_name(fds, fd, ino, protocol) < 0)
		return -1;
	r = load_for(t, net, protocol, k);
	if (look_up(t, ino, k))
		return 1;
	return r;
}
