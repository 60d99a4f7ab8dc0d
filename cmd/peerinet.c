#include <netinet/in.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
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

/* Is it a multicast address? */
static int
is_group(const unsigned char *a)
{
	return a[0] == 0xff || (memcmp(a, any4, 12) == 0 && a[12] >> 4 == 14);
}

/* Does the socket get what is sent to the address? 0, or how well they fit: the
 * kernel takes the address itself before a wildcard, and the wildcard of IPv4
 * before that of IPv6, which may not be for IPv4 at all. */
static int
receives(const struct peer_sock *o, const unsigned char *to)
{
	int v4 = memcmp(to, any4, 12) == 0;

	if (same(o->local, any4))
		return v4 ? 2 : 0;
	if (same(o->local, any6))
		return v4 && o->v6only ? 0 : 1;
	return same(o->local, to) ? 3 : 0;
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

/* Does the kernel track connections, as NAT needs it? */
static int
is_tracked(const struct walk *w)
{
	struct kstatx st;

	return proc_lookup(w->root, "sys/net/netfilter/nf_conntrack_max", &st)
	    == 0 || errno != ENOENT;
}

/* Has the namespace, which was just read, rules of iptables that translate
 * addresses? What nft(8) has no file tells. */
static int
has_rules(const struct peer_socks *s)
{
	static const char *const files[] = {
		"ip_tables_names", "ip6_tables_names"
	};
	struct buf b = { 0 };
	size_t i;
	int found = 0;

	for (i = 0; i < 2; i++)
		if (sock_read(s->net, files[i], &b) == 0)
			found |= strncmp(b.s, "nat\n", 4) == 0 ||
			    strstr(b.s, "\nnat\n") != NULL;
	buf_free(&b);
	return found;
}

/* The connections of a protocol whose addresses are translated, as the
 * namespace tells (to root, and where it tracks any). NULL: it can't be told,
 * or is not that of the process. */
static const struct track_row *
translations(const struct walk *w, const struct peer_socks *in, int proto,
             size_t *n)
{
	static struct track_row *rows;
	struct buf text = { 0 };
	struct track_row t;
	const char *s;
	int r = -1;

	*n = 0;
	rows = cli_grow(rows, *n, sizeof t);
	errno = EPERM;
	if (sock_net(w->root, w->table.dir) == in->net)
		r = sock_read(in->net, "nf_conntrack", &text);
	for (s = r < 0 ? "" : text.s; parse_net_track(&s, &t) == 1; ) {
		if (t.proto != proto || (same(t.sent.src, t.reply.dst) &&
		    same(t.sent.dst, t.reply.src) &&
		    t.sent.sport == t.reply.dport &&
		    t.sent.dport == t.reply.sport))
			continue;
		rows = cli_grow(rows, *n, sizeof t);
		rows[(*n)++] = t;
	}
	buf_free(&text);
	return r == 0 || !is_tracked(w) ? rows : NULL;
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
 * addresses are translated in between: 1, 0, or -1 where that can't be told. */
static int
translate(const struct walk *w, const struct peer_socks *s, int proto,
          const struct peer_sock *r, struct peer_sock *as)
{
	size_t n;
	const struct track_row *t = translations(w, s, proto, &n);

	if (!t)
		return -1;
	*as = *r;
	for (; n-- > 0; t++)
		if (turn(&t->sent, &t->reply, r, as) ||
		    turn(&t->reply, &t->sent, r, as))
			return 1;
	return 0;
}

/* Say once a descriptor, also if it is all looked at again, why nobody is seen
 * to have the address to which it is connected. */
static void
say_translated(void)
{
	static int said = -1;

	if (peer.traced || peer.desc.fd <= said)
		return;
	said = peer.desc.fd;
	cli_warn("%s: descriptor %d: no socket of its namespace has the "
	         "address it is connected to (NAT?)", peer.operand, said);
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
	/* close(2) of one that was accepted would have ended CLOSE_WAIT */
	return r->ino == 0 && (r->state == SOCK_ESTABLISHED ||
	    r->state == SOCK_CLOSE_WAIT || r->state == SOCK_SYN_RECV ||
	    r->state == SOCK_NEW_SYN_RECV);
}

/* Does the socket listen where the connection came? 0, or how well it fits. */
static int
listens(const struct peer_sock *l, const struct peer_sock *m)
{
	return l->state == SOCK_LISTEN && l->lport == m->lport &&
	    l->family == m->family ? receives(l, m->local) : 0;
}

/* Is it the one that got the connection, since none fits better? */
static int
is_listener(const struct peer_socks *s, const struct peer_sock *l,
            const struct peer_sock *m)
{
	int fit = listens(l, m);
	size_t i;

	for (i = 0; fit && i < s->n; i++)
		if (listens(&s->rows[i], m) > fit)
			return 0;
	return fit;
}

/* Who listens where the connection waits: with SO_REUSEPORT several. */
static void
link_listeners(const struct peer_socks *s, const struct peer_sock *m)
{
	size_t i;
	int n = 0;

	for (i = 0; i < s->n; i++) {
		const struct peer_sock *l = &s->rows[i];

		if (!is_listener(s, l, m))
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

		if (!waits(m) || !is_listener(s, l, m))
			continue;
		c = find_mirror(w, PEER_TCP, s, m, &where);
		if (c && c->ino)
			peer_sock_link(c, where->net, PEER_BOTH, PEER_BACKLOG);
		else
			peer_sock_alone(PEER_BOTH, PEER_BACKLOG);
	}
}

/* Nobody on this host has the address to which it is connected. */
static void
link_nobody(const struct peer_sock *r)
{
	if (r->state == SOCK_CLOSE_WAIT || r->state == SOCK_LAST_ACK ||
	    r->state == SOCK_CLOSING) {
		peer_sock_alone(PEER_BOTH, PEER_CLOSED);
	} else if (is_loopback(r->remote)) {
		say_translated();
		peer_sock_alone(PEER_BOTH, PEER_HIDDEN);
	} else {
		peer_sock_alone(direction(r->state), PEER_REMOTE);
	}
}

/* Was the MPTCP socket at the other end closed? Its connection keeps the inode
 * and stays established until this end closes too; one that is only shut down
 * has its inode in MPTCP's own table. A namespace of others can't be asked by
 * now. */
static int
is_orphan(const struct walk *w, const struct peer_socks *where,
          const struct peer_sock *r)
{
	const struct peer_sock *m;
	struct peer_socks *s;

	if (where->net != sock_net(w->root, -1) &&
	    where->net != sock_net(w->root, w->table.dir))
		return 0;
	s = peer_socks(where->net, PEER_MPTCP);
	m = s ? mirror(s, r) : NULL;
	return m && m->ino == 0;
}

/* May the other end be such a one? If my end is TCP's it has sent its last. */
static int
may_be_orphan(const struct peer_sock *r, int multipath)
{
	return multipath || r->state == SOCK_CLOSE_WAIT ||
	    r->state == SOCK_LAST_ACK || r->state == SOCK_CLOSING;
}

static void
link_tcp(const struct walk *w, struct peer_socks *s, const struct peer_sock *r,
         int multipath)
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
	if (!m && translate(w, s, IPPROTO_TCP, r, &as) == 1) {
		m = find_mirror(w, PEER_TCP, s, &as, &where);
		/* to another host */
		if (!m) {
			peer_sock_alone(direction(r->state), PEER_REMOTE);
			return;
		}
	}
	if (!m)
		link_nobody(r);
	else if (m->ino && !(may_be_orphan(r, multipath) &&
	    is_orphan(w, where, r)))
		peer_sock_link(m, where->net, direction(r->state), PEER_OPEN);
	else if (waits(m))
		link_listeners(where, m);
	else
		peer_sock_alone(PEER_BOTH, PEER_CLOSED);
}

/* Is it an address of the namespace itself? */
static int
is_own(const struct peer_socks *s, const unsigned char *a)
{
	size_t i;

	for (i = 0; i < s->nown; i++)
		if (same(s->own[i], a))
			return 1;
	return is_loopback(a);
}

/* May a socket of the namespace get what is sent to the address? A wildcard
 * stands for the namespace's own, and for groups. */
static int
gets(const struct peer_socks *s, const struct peer_sock *o,
     const unsigned char *to)
{
	return receives(o, to) && (!is_any(o->local) || is_own(s, to) ||
	    is_group(to));
}

/* May an unconnected socket get what another one sends, since none fits better?
 * What is sent to a group all get. */
static int
is_receiver(const struct peer_socks *s, const struct peer_sock *o,
            const struct peer_sock *sender)
{
	const unsigned char *to = sender->remote;
	size_t i;

	if (o->rport || o->lport != sender->rport || !gets(s, o, to))
		return 0;
	for (i = 0; i < s->n && !is_group(to); i++)
		if (!s->rows[i].rport && s->rows[i].lport == o->lport &&
		    receives(&s->rows[i], to) > receives(o, to))
			return 0;
	return 1;
}

/* Who gets what is sent to the address; how many. */
static int
link_receivers(const struct peer_socks *s, const struct peer_sock *r)
{
	size_t i;
	int n = 0;

	for (i = 0; i < s->n; i++) {
		const struct peer_sock *o = &s->rows[i];

		if (!o->ino || !is_receiver(s, o, r))
			continue;
		peer_sock_link(o, s->net, PEER_TO, PEER_OPEN);
		n++;
	}
	return n;
}

/* Who of a namespace is connected to the address, and no other end of it. */
static void
link_senders(const struct peer_socks *s, const struct peer_sock *r,
             const struct peer_socks *from)
{
	size_t i;

	for (i = 0; i < from->n; i++) {
		const struct peer_sock *o = &from->rows[i];

		if (o->rport && o->ino && is_receiver(s, r, o) &&
		    (from == s || !is_own(from, o->remote)))
			peer_sock_link(o, from->net, PEER_FROM, PEER_OPEN);
	}
}

/* The same of senders whose addresses are translated. */
static void
link_translated(const struct walk *w, struct peer_socks *s,
                const struct peer_sock *r)
{
	size_t n;
	const struct track_row *t = translations(w, s, IPPROTO_UDP, &n);
	const struct peer_sock *o;

	for (; t && n-- > 0; t++) {
		struct peer_sock ends = { .lport = t->sent.sport,
			.rport = t->sent.dport };

		memcpy(ends.local, t->sent.src, 16);
		memcpy(ends.remote, t->sent.dst, 16);
		if (t->reply.sport == r->lport && receives(r, t->reply.src) &&
		    (o = peer_sock_at(s, &ends)) && o->ino)
			peer_sock_link(o, s->net, PEER_FROM, PEER_OPEN);
	}
}

/* Nobody is seen to get what is sent to the address: certainly nobody only if
 * it is one of ours, and not translated. */
static void
link_lost(const struct peer_socks *s, const struct peer_sock *r, int untold)
{
	if (!is_own(s, r->remote)) {
		peer_sock_alone(PEER_BOTH, PEER_REMOTE);
		return;
	}
	if (untold)
		say_translated();
	peer_sock_alone(PEER_TO, s->failed || untold ? PEER_HIDDEN :
	                PEER_NONE);
}

static void
link_udp(const struct walk *w, struct peer_socks *s, const struct peer_sock *r)
{
	struct peer_socks *where, *o = NULL;
	const struct peer_sock *m;
	struct peer_sock as;
	int n, translated = 0;

	if (r->rport == 0 && r->lport) {
		link_senders(s, r, s);
		while (!is_loopback(r->local) &&
		    (o = peer_socks_next(w, PEER_UDP, o)))
			if (o != s)
				link_senders(s, r, o);
		link_translated(w, s, r);
	}
	if (r->rport == 0)
		return;
	m = find_mirror(w, PEER_UDP, s, r, &where);
	if (!m && (translated = translate(w, s, IPPROTO_UDP, r, &as)) == 1) {
		r = &as;
		m = find_mirror(w, PEER_UDP, s, r, &where);
	}
	if (m && m->ino) {
		peer_sock_link(m, where->net, PEER_BOTH, PEER_OPEN);
		return;
	}
	n = link_receivers(s, r);
	while (n == 0 && !is_own(s, r->remote) &&
	    (o = peer_socks_next(w, PEER_UDP, o)))
		if (o != s)
			n = link_receivers(o, r);
	if (n == 0)
		link_lost(s, r, translated < 0 ||
		          (translated == 0 && has_rules(s)));
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
	int untold, multipath = proto == SOCK_MPTCP;

	if (multipath)
		proto = IPPROTO_TCP;
	/* the others are answered by the network, or the kernel itself */
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP) {
		peer_kernel(PEER_BOTH);
		return 1;
	}
	r = find_mine(w, my, proto == IPPROTO_TCP ? PEER_TCP : PEER_UDP, &s,
	              &untold);
	peer_sock_home = r ? s->net : NULL;
	if (!r && proto == IPPROTO_TCP && peer_was_connected(my))
		peer_sock_alone(PEER_BOTH, PEER_CLOSED);	/* or reset */
	else if (!r && untold)
		peer_sock_alone(PEER_BOTH, PEER_HIDDEN);
	else if (r && r->lport == r->rport && same(r->local, r->remote))
		peer_sock_link(r, s->net, PEER_BOTH, PEER_OPEN);
	else if (r && proto == IPPROTO_TCP)
		link_tcp(w, s, r, multipath);
	else if (r)
		link_udp(w, s, r);
	return 1;
}
