#include <netinet/in.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "parse_net.h"
#include "desc.h"
#include "proc.h"
#include "sock.h"
#include "walk.h"
#include "peer.h"
#include "peernet.h"
#include "peersock.h"

static const unsigned char any4[16] = { [10] = 0xff, 0xff };
static const unsigned char any6[16], loopback6[16] = { [15] = 1 };

static int
same(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, 16) == 0;
}

static int
is_any(const unsigned char *a)
{
	return same(a, any4) || same(a, any6);
}

/* Does it never leave its namespace? */
static int
is_loopback(const unsigned char *a)
{
	return same(a, loopback6) || (memcmp(a, any4, 12) == 0 && a[12] == 127);
}

/* Does what is bound to one address get what is sent to the other? */
static int
receives(const unsigned char *bound, const unsigned char *to)
{
	if (same(bound, any4))
		return memcmp(to, any4, 12) == 0;
	return same(bound, any6) || same(bound, to);
}

/* The other end of the connection, seen from the namespace of s. */
static const struct peer_sock *
mirror(struct peer_socks *s, const struct peer_sock *r)
{
	struct peer_sock ends = { .lport = r->rport, .rport = r->lport };

	memcpy(ends.local, r->remote, 16);
	memcpy(ends.remote, r->local, 16);
	return peer_sock_at(s, &ends);
}

/* The same in all namespaces that its packets may reach: in its own first. The
 * namespace's sockets are put into *where. */
static const struct peer_sock *
find_mirror(const struct walk *w, enum peer_group group, struct peer_socks *s,
            const struct peer_sock *r, struct peer_socks **where)
{
	const struct peer_sock *m = mirror(s, r);
	struct peer_socks *o = NULL;

	*where = s;
	if (m || is_loopback(r->remote) || is_loopback(r->local))
		return m;
	while (!m && (o = peer_socks_next(w, group, o))) {
		if (o == s)
			continue;
		m = mirror(o, r);
		*where = o;
	}
	return m;
}

/* The connections whose addresses are translated, as the namespace of the
 * process tells (as root, and where it tracks any); read once. */
static const struct track_row *
translations(const struct walk *w, size_t *n)
{
	static struct track_row *rows;
	static size_t nrows;
	static int known;
	struct buf text = { 0 };
	struct track_row t;
	const char *s;

	if (!known && proc_read(w->table.dir, "net/nf_conntrack", &text) == 0)
		for (s = text.s; parse_net_track(&s, &t) == 1; ) {
			if (same(t.sent.src, t.reply.dst) &&
			    same(t.sent.dst, t.reply.src) &&
			    t.sent.sport == t.reply.dport &&
			    t.sent.dport == t.reply.sport)
				continue;
			rows = cli_grow(rows, nrows, sizeof t);
			rows[nrows++] = t;
		}
	known = 1;
	buf_free(&text);
	*n = nrows;
	return rows;
}

/* Is what I send one way of a connection? Then the ends are as what comes the
 * other way has them: 1, or 0. */
static int
turn(const struct track_way *out, const struct track_way *in,
     const struct peer_sock *r, struct peer_sock *as)
{
	if (out->sport != r->lport || out->dport != r->rport ||
	    !same(out->src, r->local) || !same(out->dst, r->remote))
		return 0;
	memcpy(as->local, in->dst, 16);
	memcpy(as->remote, in->src, 16);
	as->lport = in->dport;
	as->rport = in->sport;
	return 1;
}

/* The ends of my connection as its other end would have them mirrored, if the
 * addresses are translated in between: 1, or 0. */
static int
translate(const struct walk *w, int proto, const struct peer_sock *r,
          struct peer_sock *as)
{
	size_t i, n;
	const struct track_row *t = translations(w, &n);

	*as = *r;
	for (i = 0; i < n; i++, t++)
		if (t->proto == proto && (turn(&t->sent, &t->reply, r, as) ||
		    turn(&t->reply, &t->sent, r, as)))
			return 1;
	return 0;
}

/* What of a connection is still open, by my state. */
static int
direction(int state)
{
	switch (state) {
	case SOCK_FIN_WAIT1:
	case SOCK_FIN_WAIT2:
		return PEER_FROM;
	case SOCK_CLOSE_WAIT:
		return PEER_TO;
	default:
		return PEER_BOTH;
	}
}

/* Is it a connection that nobody has accepted? */
static int
waits(const struct peer_sock *r)
{
	return r->ino == 0 && (r->state == SOCK_ESTABLISHED ||
	    r->state == SOCK_SYN_RECV || r->state == SOCK_NEW_SYN_RECV);
}

/* Who listens where the connection waits: with SO_REUSEPORT several. */
static void
link_listeners(const struct peer_socks *s, const struct peer_sock *m)
{
	size_t i;
	int n = 0;

	for (i = 0; i < s->n; i++) {
		const struct peer_sock *l = &s->rows[i];

		if (l->state != SOCK_LISTEN || l->lport != m->lport ||
		    l->family != m->family || !receives(l->local, m->local))
			continue;
		peer_sock_link(l, s->net, PEER_BOTH, PEER_BACKLOG);
		n++;
	}
	if (n == 0)
		peer_sock_alone(PEER_BOTH, PEER_BACKLOG);
}

/* Who waits to be accepted at the listener. */
static void
link_waiting(const struct walk *w, struct peer_socks *s,
             const struct peer_sock *l)
{
	struct peer_socks *where;
	const struct peer_sock *c;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct peer_sock *m = &s->rows[i];

		if (!waits(m) || m->lport != l->lport ||
		    m->family != l->family || !receives(l->local, m->local))
			continue;
		c = find_mirror(w, PEER_TCP, s, m, &where);
		if (c && c->ino)
			peer_sock_link(c, where->net, PEER_BOTH, PEER_BACKLOG);
		else
			peer_sock_alone(PEER_BOTH, PEER_BACKLOG);
	}
}

/* Nobody on this host has the address to which it is connected. That is said
 * once a descriptor, also if it is all looked at again. */
static void
link_nobody(const struct peer_sock *r)
{
	static int said = -1;

	if (r->state == SOCK_CLOSE_WAIT || r->state == SOCK_LAST_ACK ||
	    r->state == SOCK_CLOSING) {
		peer_sock_alone(PEER_BOTH, PEER_CLOSED);
	} else if (is_loopback(r->remote)) {
		if (!peer.traced && peer.desc.fd > said) {
			said = peer.desc.fd;
			cli_warn("%s: descriptor %d: no socket of its "
			         "namespace has the address it is connected to "
			         "(NAT?)", peer.operand, said);
		}
		peer_sock_alone(PEER_BOTH, PEER_HIDDEN);
	} else {
		peer_sock_alone(direction(r->state), PEER_REMOTE);
	}
}

static void
link_tcp(const struct walk *w, struct peer_socks *s, const struct peer_sock *r)
{
	struct peer_socks *where;
	const struct peer_sock *m;
	struct peer_sock as;

	if (r->state == SOCK_LISTEN) {
		link_waiting(w, s, r);
		return;
	}
	if (r->rport == 0 || r->state == SOCK_CLOSE)
		return;
	m = find_mirror(w, PEER_TCP, s, r, &where);
	if (!m && translate(w, IPPROTO_TCP, r, &as)) {
		m = find_mirror(w, PEER_TCP, s, &as, &where);
		/* to another host */
		if (!m) {
			peer_sock_alone(direction(r->state), PEER_REMOTE);
			return;
		}
	}
	if (!m)
		link_nobody(r);
	else if (m->ino)
		peer_sock_link(m, where->net, direction(r->state), PEER_OPEN);
	else if (waits(m))
		link_listeners(where, m);
	else
		peer_sock_alone(PEER_BOTH, PEER_CLOSED);
}

/* Who gets what is sent to the address; how many. */
static int
link_receivers(const struct peer_socks *s, const struct peer_sock *r)
{
	size_t i;
	int n = 0;

	for (i = 0; i < s->n; i++) {
		const struct peer_sock *o = &s->rows[i];

		if (o->rport || o->lport != r->rport || !o->ino ||
		    !receives(o->local, r->remote))
			continue;
		peer_sock_link(o, s->net, PEER_TO, PEER_OPEN);
		n++;
	}
	return n;
}

/* Who is connected to the address and no other end of it. A wildcard is all
 * addresses of this host: sure of these are the loopback's and the sender's. */
static void
link_senders(const struct peer_socks *s, const struct peer_sock *r)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct peer_sock *o = &s->rows[i];

		if (o->rport != r->lport || !o->ino ||
		    !receives(r->local, o->remote))
			continue;
		if (!is_any(r->local) || is_loopback(o->remote) ||
		    same(o->remote, o->local))
			peer_sock_link(o, s->net, PEER_FROM, PEER_OPEN);
	}
}

static void
link_udp(const struct walk *w, struct peer_socks *s, const struct peer_sock *r)
{
	struct peer_socks *where, *o = NULL;
	const struct peer_sock *m;
	int n;

	if (r->rport == 0) {
		if (r->lport)
			link_senders(s, r);
		return;
	}
	m = find_mirror(w, PEER_UDP, s, r, &where);
	if (m && m->ino) {
		peer_sock_link(m, where->net, PEER_BOTH, PEER_OPEN);
		return;
	}
	n = link_receivers(s, r);
	if (is_loopback(r->remote)) {
		if (n == 0)
			peer_sock_alone(PEER_TO, s->failed ? PEER_HIDDEN :
			                PEER_NONE);
		return;
	}
	while (n == 0 && (o = peer_socks_next(w, PEER_UDP, o)))
		if (o != s)
			n = link_receivers(o, r);
	if (n == 0)
		peer_sock_alone(PEER_BOTH, PEER_REMOTE);
}

/* The row of my end, in the namespace of its holder, or in another one, or in
 * that which it tells itself; NULL: it is in none, or (*untold) can't be
 * found. */
static const struct peer_sock *
find_mine(const struct walk *w, const struct peer_end *my,
          enum peer_group group, struct peer_socks **s, int *untold)
{
	uint32_t ino = (uint32_t)my->key.id;
	const struct peer_sock *r = NULL;
	struct sock_net *net = sock_net(w->root, w->table.dir);

	*untold = 0;
	if (net && (*s = peer_socks(net, group)) &&
	    (r = peer_sock(*s, ino)))
		return r;
	for (*s = NULL; !r && (*s = peer_socks_next(w, group, *s)); )
		if (!(r = peer_sock(*s, ino)))
			*untold |= (*s)->failed;
	if (r)
		return r;
	if (peer_is_unbound(my)) {
		*untold = 0;
		return NULL;
	}
	if (!(net = peer_net_of(my))) {
		*untold = 1;
		return NULL;
	}
	*s = peer_socks(net, group);
	*untold = !*s || (*s)->failed;
	return *s ? peer_sock(*s, ino) : NULL;
}

int
peer_inet_links(const struct walk *w, struct peer_end *my, int proto)
{
	struct peer_socks *s;
	const struct peer_sock *r;
	int untold;

	/* the others are answered by the network, or the kernel itself */
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP) {
		peer_kernel(PEER_BOTH);
		return 1;
	}
	r = find_mine(w, my, proto == IPPROTO_TCP ? PEER_TCP : PEER_UDP, &s,
	              &untold);
	peer_sock_home = r ? s->net : NULL;
	if (!r && untold)
		peer_sock_alone(PEER_BOTH, PEER_HIDDEN);
	else if (r && r->lport == r->rport && same(r->local, r->remote))
		peer_sock_link(r, s->net, PEER_BOTH, PEER_OPEN);
	else if (r && proto == IPPROTO_TCP)
		link_tcp(w, s, r);
	else if (r)
		link_udp(w, s, r);
	return 1;
}
