#include <sys/ioctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "parse_diag.h"
#include "parse_net.h"
#include "proc.h"
#include "sock.h"

enum {
	NETLINK_SOCK_DIAG_ = 4,
	SIOCGSKNS_ = 0x894c,	/* since Linux 4.9 */
	ANSWER = 32 * 1024	/* bytes of the kernel's largest datagram */
};

struct sock_net {
	uint64_t dev, ino;	/* of a file of it; dev 0: none */
	uint64_t number;	/* of net:[N], or 0 */
	int root, dir;		/* of a process in it, or -1 */
	int ns;			/* its file, or -1 */
	int refused;		/* no netlink socket to be had */
	unsigned absent;	/* tables that sock_diag hasn't */
	int answers;		/* it has that of unix sockets */
	struct sock_net *next;
};

static const struct {
	int family, proto;
	const char *file;
} tables[SOCKS_ALL] = {
	[SOCKS_UNIX] = { AF_UNIX, 0, "unix" },
	[SOCKS_TCP] = { AF_INET, IPPROTO_TCP, "tcp" },
	[SOCKS_TCP6] = { AF_INET6, IPPROTO_TCP, "tcp6" },
	[SOCKS_UDP] = { AF_INET, IPPROTO_UDP, "udp" },
	[SOCKS_UDP6] = { AF_INET6, IPPROTO_UDP, "udp6" },
	[SOCKS_RAW] = { AF_INET, IPPROTO_RAW, "raw" },
	[SOCKS_RAW6] = { AF_INET6, IPPROTO_RAW, "raw6" },
	[SOCKS_ICMP] = { AF_INET, IPPROTO_ICMP, "icmp" },
	[SOCKS_ICMP6] = { AF_INET6, IPPROTO_ICMPV6, "icmp6" },
	[SOCKS_NETLINK] = { AF_NETLINK, 0, "netlink" },
	[SOCKS_PACKET] = { AF_PACKET, 0, "packet" },
	[SOCKS_VSOCK] = { AF_VSOCK, 0, NULL },
	[SOCKS_MPTCP] = { AF_INET, SOCK_MPTCP, NULL },
	[SOCKS_MPTCP6] = { AF_INET6, SOCK_MPTCP, NULL }
};

static struct sock_net *nets, *own;

/* A netlink socket that is not in use, of that namespace. */
static struct {
	struct sock_net *net;
	int fd;
} spare = { .fd = -1 };

/* The namespace with that identity, made if it is new (one without a number
 * always is); NULL with errno. */
static struct sock_net *
intern(uint64_t dev, uint64_t ino)
{
	struct sock_net *n;

	for (n = ino ? nets : NULL; n; n = n->next)
		if (n->dev == dev && n->ino == ino)
			return n;
	if (!(n = calloc(1, sizeof *n)))
		return NULL;
	n->dev = dev;
	n->ino = ino;
	n->ns = n->dir = -1;
	n->next = nets;
	return nets = n;
}

static struct sock_net *
by_statx(const struct kstatx *st)
{
	return intern((uint64_t)st->dev_major << 32 | st->dev_minor, st->ino);
}

/* The number in the text of a link to a namespace, or 0. */
static uint64_t
number(int dir, const char *name)
{
	struct buf b = { 0 };
	uint64_t ino = 0;

	if (proc_readlink(dir, name, &b) == 0 && strncmp(b.s, "net:[", 5) == 0)
		ino = strtoull(b.s + 5, NULL, 10);
	buf_free(&b);
	return ino;
}

/*
 * Below /proc/PID/net a namespace has files of its own, with their own inodes:
 * these tell namespaces apart where nobody but the owner may read ns/net. In a
 * tree that only stands for a procfs no ns/net leads anywhere.
 */
struct sock_net *
sock_net(int root, int dir)
{
	struct sock_net *n;
	struct kstatx st;

	if (!own && proc_statx(root, "self/ns/net", &st) == 0 &&
	    proc_statx(root, "self/net/dev", &st) == 0)
		own = by_statx(&st);
	if (dir < 0) {
		n = own;
		errno = ENOENT;
	} else if (proc_statx(dir, "net/dev", &st) == 0) {
		n = by_statx(&st);
	} else if (errno == ENOENT) {
		/* What only has the text of the link, or not even that, stands
		 * for a procfs, or has no CONFIG_NET_NS: there may be tables,
		 * and no namespace to enter. */
		n = intern(0, number(dir, "ns/net"));
	} else {
		return NULL;
	}
	if (n) {
		n->root = root;
		n->dir = n == own ? -1 : dir;
		if (!n->number)
			n->number = n == own ? number(root, "self/ns/net") :
			    number(dir, "ns/net");
	}
	return n;
}

struct sock_net *
sock_net_of(int root, int fd)
{
	int ns = ioctl(fd, SIOCGSKNS_), err;
	struct sock_net *n = NULL;
	struct kstatx st;
	char name[32];

	if (ns < 0)
		return NULL;
	snprintf(name, sizeof name, "self/fd/%d", ns);
	if (proc_statx(root, name, &st) == 0)
		n = by_statx(&st);
	err = errno;
	if (n && n->ns < 0) {
		n->root = root;
		n->ns = ns;
		n->number = n->ino;
		fcntl(ns, F_SETFD, FD_CLOEXEC);
	} else {
		close(ns);
	}
	errno = err;
	return n;
}

uint64_t
sock_net_number(const struct sock_net *n)
{
	return n ? n->number : 0;
}

uint32_t
sock_ino(const char *s)
{
	unsigned long long v;
	char *end;

	if (strncmp(s, "socket:[", 8) != 0 || s[8] < '0' || s[8] > '9')
		return 0;
	v = strtoull(s + 8, &end, 10);
	return v <= UINT32_MAX && end[0] == ']' && !end[1] ? (uint32_t)v : 0;
}

/* Our own namespace, to go back to. In the procfs of a pid namespace that we
 * are not in "self" leads nowhere: a socket of ours tells (with CAP_NET_ADMIN).
 */
static int
open_home(int root)
{
	int home = openat(root, "self/ns/net", O_RDONLY | O_CLOEXEC), fd;

	if (home >= 0)
		return home;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		home = ioctl(fd, SIOCGSKNS_);
		close(fd);
	}
	return home;
}

/* A netlink socket made in another namespace, to which it then belongs. Only
 * the scan's child ever gets here: it enters the namespace for the moment. -1
 * where that is refused. */
static int
foreign_socket(struct sock_net *n, int ns)
{
	int home = open_home(n->root), fd = -1;

	if (home >= 0 && setns(ns, CLONE_NEWNET) == 0) {
		fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
		            NETLINK_SOCK_DIAG_);
		if (setns(home, CLONE_NEWNET) < 0)
			own = n;
	}
	if (home >= 0)
		close(home);
	return fd;
}

/* A netlink socket of the namespace; -1 where there is none to be had, which
 * is not tried again. */
static int
diag_socket(struct sock_net *n)
{
	int fd = -1, ns;

	if (spare.fd >= 0 && spare.net == n) {
		fd = spare.fd;
		spare.fd = -1;
		return fd;
	}
	errno = EPERM;
	if (n->refused || n->dev == 0 || guard_enter(GUARD_NET) < 0)
		return -1;
	if (n == own) {
		fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
		            NETLINK_SOCK_DIAG_);
	} else {
		ns = n->dir < 0 ? -1 :
		    openat(n->dir, "ns/net", O_RDONLY | O_CLOEXEC);
		if (ns >= 0 || n->ns >= 0)
			fd = foreign_socket(n, ns >= 0 ? ns : n->ns);
		if (ns >= 0)
			close(ns);
	}
	guard_leave();
	if ((n->refused = fd < 0))
		errno = EPERM;
	return fd;
}

/* Keep the socket for the next question, or not. */
static void
put_socket(struct sock_net *n, int fd, int clean)
{
	if (fd >= 0 && clean && spare.fd < 0) {
		spare.net = n;
		spare.fd = fd;
	} else if (fd >= 0) {
		close(fd);
	}
}

/* Send a question and get the next datagram of its answer, in turn; each is a
 * step, for a large table takes longer than one may. 0, or -1 with errno. */
static int
ask(struct sock_iter *it, const char *q, size_t n)
{
	int r;

	if (guard_enter(GUARD_NET) < 0)
		return -1;
	r = send(it->fd, q, n, 0) == (ssize_t)n ? 0 : -1;
	guard_leave();
	return r;
}

static int
hear(struct sock_iter *it)
{
	ssize_t n;

	if (guard_enter(GUARD_NET) < 0)
		return -1;
	while ((n = recv(it->fd, it->data, ANSWER, MSG_TRUNC)) < 0 &&
	    errno == EINTR)
		;
	guard_leave();
	if (n < 0 || n > ANSWER || n == 0) {
		errno = n < 0 ? errno : EMSGSIZE;
		return -1;
	}
	it->at = it->data;
	it->end = it->data + n;
	return 0;
}

/* Put a question to the namespace's sock_diag; 0, or -1. */
static int
question(struct sock_iter *it, unsigned states, unsigned show, uint32_t ino)
{
	static uint32_t seq;
	char q[128];
	size_t n;

	if ((it->fd = diag_socket(it->net)) < 0)
		return -1;
	if (!(it->data = malloc(ANSWER)))
		return -1;
	it->seq = ++seq;
	n = diag_ask(q, it->seq, tables[it->table].family,
	             tables[it->table].proto, states, show, ino);
	it->at = it->end = it->data;
	return ask(it, q, n);
}

int
sock_read(const struct sock_net *n, const char *file, struct buf *b)
{
	char name[32];

	if (n->dir < 0 && n != own) {
		errno = EPERM;
		return -1;
	}
	snprintf(name, sizeof name, "%snet/%s", n->dir < 0 ? "self/" : "",
	         file);
	return proc_read(n->dir < 0 ? n->root : n->dir, name, b);
}

/* Read the table from procfs; 0, or -1 with errno. */
static int
open_text(struct sock_iter *it)
{
	const char *file = tables[it->table].file;
	struct buf b = { 0 };
	int r;

	put_socket(it->net, it->fd, 0);
	free(it->data);
	it->fd = -1;
	it->data = NULL;
	it->text = 1;
	errno = ENOENT;
	r = file ? sock_read(it->net, file, &b) : -1;
	if (r < 0 && errno == ENOENT)		/* no such table: no rows */
		r = buf_grow(&b, 1);
	if (r < 0) {
		buf_free(&b);
		return -1;
	}
	it->at = it->data = b.s;
	return 0;
}

int
sock_open(struct sock_iter *it, struct sock_net *net, enum sock_table table,
          unsigned states, unsigned show)
{
	memset(it, 0, sizeof *it);
	it->net = net;
	it->table = table;
	it->states = states;
	it->fd = -1;
	/* there is no question for sockets that only ping */
	if (table != SOCKS_ICMP && table != SOCKS_ICMP6 &&
	    !(it->net->absent & 1U << table) &&
	    question(it, states, show, 0) == 0)
		return 0;
	if (open_text(it) == 0)
		return 0;
	sock_close(it);
	return -1;
}

static int
next_text(struct sock_iter *it, struct sock *k)
{
	switch (tables[it->table].family) {
	case AF_UNIX:
		return parse_net_unix(&it->at, k);
	case AF_NETLINK:
		return parse_net_netlink(&it->at, k);
	case AF_PACKET:
		return parse_net_packet(&it->at, k);
	default:
		return parse_net_inet(&it->at, tables[it->table].family,
		                      tables[it->table].proto, k);
	}
}

/* As sock_next, of what sock_diag tells. */
static int
next_diag(struct sock_iter *it, struct sock *k)
{
	int r, err = 0;

	while (!it->done) {
		r = parse_diag(&it->at, it->end, it->seq, k, &err);
		if (r == DIAG_SOCK) {
			if (tables[it->table].proto)
				k->proto = tables[it->table].proto;
			it->rows++;
			return 1;
		}
		if (r == DIAG_END && hear(it) < 0)
			return -1;
		if (r < 0 || r == DIAG_ERROR) {
			errno = r < 0 ? EBADMSG : err;
			return -1;
		}
		it->done = r == DIAG_DONE;
	}
	return 0;
}

int
sock_next(struct sock_iter *it, struct sock *k)
{
	int r;

	if (!it->text) {
		r = next_diag(it, k);
		if (r >= 0 || it->rows)
			return r;
		/* no module for it, or refused: the same from procfs */
		it->net->absent |= 1U << it->table;
		if (open_text(it) < 0)
			return -1;
	}
	while ((r = next_text(it, k)) == 1)
		if (it->states & 1U << k->state)
			break;
	return r;
}

void
sock_close(struct sock_iter *it)
{
	int err = errno;

	put_socket(it->net, it->fd, it->done);
	free(it->data);
	it->data = NULL;
	it->fd = -1;
	errno = err;
}

/* Does the kernel answer for unix sockets at all? 1, or 0. */
static int
answers(struct sock_net *net)
{
	struct sock_iter it;
	struct sock k;
	int r;

	if (sock_open(&it, net, SOCKS_UNIX, 0, 0) < 0)
		return 0;
	while ((r = sock_next(&it, &k)) == 1)
		;
	r = r == 0 && !it.text;
	sock_close(&it);
	return r;
}

int
sock_unix(struct sock_net *net, uint32_t ino, unsigned show, struct sock *k)
{
	static struct sock_iter it = { .fd = -1 };
	int r, err;

	sock_close(&it);
	memset(&it, 0, sizeof it);
	it.net = net;
	it.table = SOCKS_UNIX;
	it.fd = -1;
	if (net->absent & 1U << SOCKS_UNIX ||
	    question(&it, ~0U, show, ino) < 0) {
		errno = EPERM;
		return -1;
	}
	/* one message, and no end behind it */
	r = next_diag(&it, k);
	it.done = r == 1 || errno == ENOENT;
	if (r == 1 && k->ino == ino)
		return 1;
	err = errno;
	if (it.done && !net->answers)
		net->answers = answers(net);
	if (it.done && net->answers)
		return 0;
	errno = it.done ? EPERM : err;
	return -1;
}
