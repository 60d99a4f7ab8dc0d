#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_diag.h"
#include "parse_fdinfo.h"
#include "parse_net.h"
#include "desc.h"
#include "proc.h"
#include "sock.h"
#include "walk.h"
#include "peer.h"
#include "peernet.h"

/* Where peer_nets_next goes on. */
enum { TARGET, OURS, OTHERS, END };

struct entry {
	enum peer_group group;
	struct peer_socks socks;
	struct entry *next;
};

static struct entry *entries;

static void
map_address(int family, const unsigned char *from, unsigned char *to)
{
	static const unsigned char mapped[12] = { [10] = 0xff, 0xff };

	memcpy(to, mapped, sizeof mapped);
	memcpy(to + (family == AF_INET ? 12 : 0), from,
	       family == AF_INET ? 4 : 16);
}

static void
add_row(struct peer_socks *s, const struct sock *k)
{
	struct peer_sock r = {
		.ino = k->ino, .uid = k->has_uid ? (long)k->uid : -1,
		.peer = k->family == AF_NETLINK ? k->rid : k->peer,
		.id = k->lid, .lport = k->lport, .rport = k->rport,
		.family = (unsigned char)k->family,
		.proto = (unsigned char)k->proto,
		.type = (unsigned char)k->type,
		.state = (unsigned char)k->state,
		.v6only = k->v6only != 0,
		.shutdown = (signed char)k->shutdown,
		.peered = (signed char)k->peered
	};

	if (k->family == AF_INET || k->family == AF_INET6) {
		map_address(k->family, k->local, r.local);
		map_address(k->family, k->remote, r.remote);
	}
	s->rows = cli_grow(s->rows, s->n, sizeof r);
	s->rows[s->n++] = r;
}

static void
read_table(struct peer_socks *s, enum sock_table table)
{
	struct sock_iter it;
	struct sock k;
	int r;

	if (sock_open(&it, s->net, table, ~0U, DIAG_PEER | DIAG_UID) < 0) {
		s->failed = errno;
		return;
	}
	while ((r = sock_next(&it, &k)) == 1)
		add_row(s, &k);
	if (r < 0)
		s->failed = errno;
	s->text |= it.text;
	sock_close(&it);
}

/* Note the addresses that the namespace itself has. */
static void
read_own(struct peer_socks *s)
{
	static const char *const files[] = { "fib_trie", "if_inet6" };
	struct buf b = { 0 };
	unsigned char a[16];
	const char *text;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (sock_read(s->net, files[i], &b) < 0)
			continue;
		for (text = b.s; parse_net_own(&text, a) == 1; ) {
			s->own = cli_grow(s->own, s->nown, sizeof a);
			memcpy(s->own[s->nown++], a, sizeof a);
		}
	}
	buf_free(&b);
}

static int
by_ino(const void *a, const void *b)
{
	const struct peer_sock *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

struct peer_socks *
peer_socks(struct sock_net *net, enum peer_group group)
{
	static const struct {
		enum sock_table first, last;
	} tables[] = {
		[PEER_UNIX] = { SOCKS_UNIX, SOCKS_UNIX },
		[PEER_TCP] = { SOCKS_TCP, SOCKS_TCP6 },
		[PEER_UDP] = { SOCKS_UDP, SOCKS_UDP6 },
		[PEER_NETLINK] = { SOCKS_NETLINK, SOCKS_NETLINK },
		[PEER_MPTCP] = { SOCKS_MPTCP, SOCKS_MPTCP6 }
	};
	struct entry *e;
	unsigned t;

	for (e = entries; e; e = e->next)
		if (e->group == group && e->socks.net == net)
			return &e->socks;
	if (!(e = calloc(1, sizeof *e)))
		return NULL;
	e->group = group;
	e->socks.net = net;
	for (t = tables[group].first; t <= tables[group].last; t++)
		read_table(&e->socks, (enum sock_table)t);
	if (group == PEER_UDP)
		read_own(&e->socks);
	if (e->socks.n)
		qsort(e->socks.rows, e->socks.n, sizeof *e->socks.rows, by_ino);
	e->next = entries;
	entries = e;
	return &e->socks;
}

const struct peer_sock *
peer_sock(const struct peer_socks *s, uint32_t ino)
{
	struct peer_sock key = { .ino = ino };

	return s->n && ino ? bsearch(&key, s->rows, s->n, sizeof key, by_ino) :
	    NULL;
}

static int
by_ends(const void *a, const void *b)
{
	const struct peer_sock *x = *(const struct peer_sock *const *)a;
	const struct peer_sock *y = *(const struct peer_sock *const *)b;
	int d;

	if (x->lport != y->lport)
		return x->lport < y->lport ? -1 : 1;
	if (x->rport != y->rport)
		return x->rport < y->rport ? -1 : 1;
	if ((d = memcmp(x->local, y->local, sizeof x->local)))
		return d;
	return memcmp(x->remote, y->remote, sizeof x->remote);
}

const struct peer_sock *
peer_sock_at(struct peer_socks *s, const struct peer_sock *ends)
{
	const struct peer_sock **found;
	size_t i;

	if (!s->index && s->n && (s->index = calloc(s->n, sizeof *s->index))) {
		for (i = 0; i < s->n; i++)
			s->index[i] = &s->rows[i];
		qsort(s->index, s->n, sizeof *s->index, by_ends);
	}
	found = !s->index ? NULL :
	    bsearch(&ends, s->index, s->n, sizeof *s->index, by_ends);
	return found ? *found : NULL;
}

struct peer_socks *
peer_socks_next(const struct walk *w, enum peer_group group,
                const struct peer_socks *s)
{
	static unsigned loaded;
	struct entry *e = entries;
	struct peer_nets nets;
	struct sock_net *net;

	if (!(loaded & 1U << group)) {
		loaded |= 1U << group;
		peer_nets_open(&nets);
		while ((net = peer_nets_next(&nets, w)))
			peer_socks(net, group);
		peer_nets_close(&nets, w);
		e = entries;
	}
	if (s) {
		while (e && &e->socks != s)
			e = e->next;
		e = e ? e->next : NULL;
	}
	while (e && e->group != group)
		e = e->next;
	return e ? &e->socks : NULL;
}

void
peer_nets_open(struct peer_nets *p)
{
	memset(p, 0, sizeof *p);
	p->dir = p->processes.fd = -1;
}

/* Is it one that was not yet given? */
static int
is_new(struct peer_nets *p, struct sock_net *net)
{
	int i;

	for (i = 0; i < p->nseen; i++)
		if (p->seen[i] == net)
			return 0;
	p->seen = cli_grow(p->seen, (size_t)p->nseen, sizeof *p->seen);
	p->seen[p->nseen++] = net;
	return 1;
}

/* The namespace of the next process. */
static struct sock_net *
next_process(struct peer_nets *p, const struct walk *w)
{
	if (p->dir >= 0)
		close(p->dir);
	p->dir = -1;
	if (numdir_next(&p->processes, &p->pid) != 1) {
		p->state = END;
		return NULL;
	}
	if ((p->dir = proc_open(w->root, p->pid)) < 0)
		return NULL;
	return sock_net(w->root, p->dir);
}

struct sock_net *
peer_nets_next(struct peer_nets *p, const struct walk *w)
{
	struct sock_net *net = NULL;

	while (p->state != END) {
		switch (p->state) {
		case TARGET:
			net = sock_net(w->root, w->table.dir);
			p->state = OURS;
			break;
		case OURS:
			net = sock_net(w->root, -1);
			p->state = numdir_open(&p->processes, w->root, ".") < 0
			    ? END : OTHERS;
			break;
		default:
			net = next_process(p, w);
		}
		if (net && is_new(p, net))
			return net;
	}
	return NULL;
}

void
peer_nets_close(struct peer_nets *p, const struct walk *w)
{
	if (p->dir >= 0)
		close(p->dir);
	if (p->processes.fd >= 0)
		numdir_close(&p->processes);
	free(p->seen);
	/* a namespace is asked by the process that it was last got with */
	sock_net(w->root, w->table.dir);
	/* what the guard speaks of from here on */
	guard_process(w->pid);
	guard_thread(w->tid);
	guard_fd(peer.desc.fd);
}

struct sock_net *
peer_net_of(const struct peer_end *e)
{
	struct sock_net *net;
	int fd = peer_duplicate(e);

	if (fd < 0)
		return NULL;
	net = sock_net_of(peer.root, fd);
	close(fd);
	return net;
}

int
peer_is_unbound(const struct peer_end *e)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a = { .any.sa_family = AF_UNSPEC };
	socklen_t n = sizeof a;
	int fd = peer_duplicate(e), r;

	if (fd < 0)
		return 0;
	r = getsockname(fd, &a.any, &n);
	close(fd);
	return r == 0 && ((a.any.sa_family == AF_INET && !a.in.sin_port) ||
	    (a.any.sa_family == AF_INET6 && !a.in6.sin6_port));
}

int
peer_was_connected(const struct peer_end *e)
{
	struct pollfd p = { .fd = peer_duplicate(e), .events = POLLRDHUP };
	unsigned char state = 0;	/* what struct tcp_info begins with */
	socklen_t n = sizeof state;
	int r;

	if (p.fd < 0)
		return 0;
	/* what was never connected did not stop receiving */
	r = getsockopt(p.fd, IPPROTO_TCP, TCP_INFO, &state, &n) == 0 &&
	    state == SOCK_CLOSE && poll(&p, 1, 0) == 1 &&
	    p.revents & POLLRDHUP;
	close(p.fd);
	return r;
}
