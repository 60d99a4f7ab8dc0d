#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "peer.h"

/* Which way a process is followed from. */
enum { UP = 1, DOWN = 2 };

/* A process that talks with more others than these over sockets is a hub (a
 * message bus, a logger): what is behind it is not followed. */
enum { HUB = 8 };

/* A process of the closure, with its own part of peer.mine and peer.links. */
static struct stop {
	int pid, ways;
	size_t links, links_end;
} *stops;
static size_t nstops;

/* What is to be followed next, first in, first out. */
static struct step {
	size_t stop;
	int way, level;		/* 0 is where it begins, what is up is less */
	int socket;		/* it was reached through one */
} *steps;
static size_t nsteps;

/* What flows between my end and another one (NULL: nobody is seen). */
static struct hop {
	struct peer_key key, other;	/* the lesser one first */
	size_t my;
	struct peer_end *its;
	int dir, level;
	enum peer_state state;
	long uid;
	uint64_t net;
} *hops;
static size_t nhops;

static struct stop *
find_stop(int pid)
{
	size_t i;

	for (i = 0; i < nstops; i++)
		if (stops[i].pid == pid)
			return &stops[i];
	return NULL;
}

/* Follow a process, unless that was or will be done. */
static void
follow(int pid, int way, int level, int socket)
{
	struct stop *s = find_stop(pid);
	struct step t = { .way = way, .level = level, .socket = socket };
	struct walk_pick pick = { .pid = pid };

	if (!s) {
		stops = cli_grow(stops, nstops, sizeof *s);
		s = &stops[nstops++];
		*s = (struct stop){ .pid = pid, .links = peer.nlinks };
		peer_read(&pick);
		s->links_end = peer.nlinks;
	}
	t.way &= ~s->ways;
	s->ways |= way;
	t.stop = (size_t)(s - stops);
	if (!t.way)
		return;
	steps = cli_grow(steps, nsteps, sizeof t);
	steps[nsteps++] = t;
}

/* Has the process both ends among these? Two such ones share them, as a
 * jobserver is shared: nothing is known to flow from one to the other. */
static int
has_both(int pid, const struct peer_end *e, size_t n)
{
	int roles = 0;

	for (; n-- > 0; e++)
		if (e->pid == pid)
			roles |= e->roles;
	return (roles & (PEER_READS | PEER_WRITES)) ==
	    (PEER_READS | PEER_WRITES);
}

static void
add_hop(const struct peer_link *l, struct peer_end *its, int dir, int level,
        enum peer_state state)
{
	struct hop h = { .my = l->my, .its = its, .dir = dir, .level = level,
		.state = state, .uid = l->uid, .net = l->net };

	h.key = peer.mine[l->my].key;
	h.other = its ? its->key : h.key;
	if (peer_compare_keys(&h.key, &h.other) > 0) {
		h.other = h.key;
		h.key = its->key;
	}
	hops = cli_grow(hops, nhops, sizeof h);
	hops[nhops++] = h;
}

/* The hop to one of the ends; what is behind a listening socket, which has
 * connections in its backlog, is not followed. */
static void
follow_end(const struct peer_link *l, struct peer_end *e, const struct step *s)
{
	int dir = peer_dir(l, e), way = UP | DOWN, level = s->level;
	int own = e->pid == peer.mine[l->my].pid;

	if (dir != PEER_BOTH)
		way = dir == PEER_TO ? DOWN : UP;
	if (dir != PEER_BOTH && !(s->way & way))
		return;
	if (own || l->held == PEER_BACKLOG) {
		add_hop(l, e, dir, level, l->held);
		return;
	}
	add_hop(l, e, dir, dir == PEER_FROM ? level - 1 : level, l->held);
	follow(e->pid, way, dir == PEER_FROM ? level - 1 : level + 1,
	       dir == PEER_BOTH);
}

/* The hops of a link whose other end is seen; 1, or 0 without one. The process
 * itself counts where no other one has that end. */
static int
follow_ends(const struct peer_link *l, const struct step *s)
{
	const struct peer_end my = peer.mine[l->my];
	struct peer_end *own = NULL, *ends, *e;
	int both, others = 0;
	size_t n;

	ends = peer_ends(&l->key, &n);
	both = l->dir == PEER_FLOW && has_both(my.pid, ends, n);
	for (e = ends; e < ends + n; e++) {
		if (e->tool || !(e->roles & l->roles) ||
		    peer_dir(l, e) == PEER_EQUAL)
			continue;
		if (e->pid == my.pid) {
			if (!own || peer_same(own, &my) ||
			    (e->fd < own->fd && !peer_same(e, &my)))
				own = e;
			continue;
		}
		others = 1;
		if (!both || !has_both(e->pid, ends, n))
			follow_end(l, e, s);
	}
	if (own && !others)
		follow_end(l, own, s);
	return own || others;
}

/* A link whose other end nobody is seen to have, but perhaps this tool. */
static void
follow_alone(const struct peer_link *l, const struct step *s)
{
	struct peer_end *e, *ring;
	int dir = peer_dir(l, NULL), state;
	size_t n;

	if (l->alone == PEER_SILENT || (dir == PEER_TO && !(s->way & DOWN)) ||
	    (dir == PEER_FROM && !(s->way & UP)))
		return;
	for (e = peer_ends(&l->key, &n); n-- > 0; e++)
		if (e->tool && e->roles & l->roles &&
		    peer_dir(l, e) != PEER_EQUAL) {
			add_hop(l, e, dir, s->level, PEER_OPEN);
			return;
		}
	state = peer_alone(l, &ring);
	add_hop(l, ring, dir, s->level, state < 0 ? PEER_HIDDEN :
	        (enum peer_state)state);
}

/* Does it talk with too many processes over sockets? */
static int
is_hub(const struct stop *s)
{
	int pids[HUB], n = 0, known;
	struct peer_end *e;
	size_t i, k;

	for (i = s->links; i < s->links_end; i++) {
		const struct peer_link *l = &peer.links[i];

		if (l->dir != PEER_BOTH || l->held == PEER_BACKLOG)
			continue;
		for (e = peer_ends(&l->key, &k); k-- > 0; e++) {
			for (known = 0; known < n; known++)
				if (pids[known] == e->pid)
					break;
			if (e->pid == s->pid || known < n)
				continue;
			if (n == HUB)
				return 1;
			pids[n++] = e->pid;
		}
	}
	return 0;
}

static void
follow_step(const struct step s)
{
	size_t i, first = stops[s.stop].links, last = stops[s.stop].links_end;

	if (s.socket && is_hub(&stops[s.stop]))
		return;
	if (peer.pinned >= 0)
		close(peer.pinned);
	peer.pinned = proc_open(peer.root, stops[s.stop].pid);
	for (i = first; i < last; i++) {
		const struct peer_link l = peer.links[i];

		if (peer.traced & PEER_IN(peer.mine[l.my].key.class) &&
		    !follow_ends(&l, &s))
			follow_alone(&l, &s);
	}
}

/* Are they between the same objects? */
static int
compare_objects(const struct hop *x, const struct hop *y)
{
	int d = peer_compare_keys(&x->key, &y->key);

	return d ? d : peer_compare_keys(&x->other, &y->other);
}

/* Has one process both its ends? */
static int
is_own(const struct hop *h)
{
	return h->its && h->its->pid == peer.mine[h->my].pid;
}

/* One's own last: they count where there are no others. */
static int
compare_hops(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;
	int d = compare_objects(x, y);

	if (d == 0)
		d = is_own(x) - is_own(y);
	return d ? d : x->level < y->level ? -1 : x->level > y->level;
}

/* Is it seen from its lower end? The upper one may be nobody, or an io_uring,
 * which has no part in the flow itself. */
static int
is_upward(const struct hop *h)
{
	return h->dir == PEER_FROM && h->its && h->state != PEER_INFLIGHT;
}

/* The two ends of a hop, in the direction of the flow; NULL for none. */
static struct peer_end *
from_of(const struct hop *h)
{
	return is_upward(h) ? h->its : &peer.mine[h->my];
}

static struct peer_end *
to_of(const struct hop *h)
{
	return is_upward(h) ? &peer.mine[h->my] : h->its;
}

static int
compare_levels(const void *a, const void *b)
{
	const struct hop *x = *(struct hop *const *)a;
	const struct hop *y = *(struct hop *const *)b;
	const struct peer_end *e = from_of(x), *f = from_of(y);

	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	if (e->pid != f->pid)
		return e->pid < f->pid ? -1 : 1;
	if (e->fd != f->fd)
		return e->fd < f->fd ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The end with its name, if it is one of those that were read. */
static struct peer_end *
named(struct peer_end *e)
{
	size_t i;

	for (i = 0; i < peer.nmine; i++)
		if (peer_same(&peer.mine[i], e))
			return &peer.mine[i];
	return e;
}

/* Of the process that is asked about one descriptor, read the others that are
 * ends of hops too. */
static void
read_others(void)
{
	struct walk_pick pick = { .pid = stops->pid };
	size_t i;

	for (i = 0; i < nhops; i++) {
		struct peer_end *e = hops[i].its;

		if (!e || e->pid != pick.pid || named(e) != e)
			continue;
		peer.asked = e->fd;
		peer_read(&pick);
	}
}

/* Of the holders of one end the one that is asked about stands for them, else
 * the one that is blocked on it, or that has it as a standard stream: the less,
 * the more so. */
static int
rank(struct peer_end *e)
{
	return (e->pid == stops->pid ? 0 : 4) +
	    (peer_state(e) == PEER_OPEN ? 2 : 0) + (e->fd > 2);
}

static struct peer_end *
better(struct peer_end *a, struct peer_end *b)
{
	int d;

	if (!a || !b || peer_same(a, b))
		return a ? a : b;
	if ((d = rank(a) - rank(b)) == 0)
		d = a->pid != b->pid ? a->pid - b->pid : a->fd - b->fd;
	return d <= 0 ? a : b;
}

/* The others that have the same end, but for the hop's other one (or NULL).
 * Of the standard error, which whole sessions share, only those that are of the
 * closure. */
static void
add_others(struct peer_end *main, const struct peer_end *other, int roles,
           int except)
{
	struct peer_row r = { .my = named(main), .dir = PEER_EQUAL, .uid = -1 };
	struct peer_end *e;
	size_t n;

	for (e = peer_ends(&main->key, &n); n-- > 0; e++) {
		if (peer_same(e, main) || (other && peer_same(e, other)) ||
		    e->tool || !(e->roles & roles) || e->roles & except ||
		    (main->fd == STDERR_FILENO && !find_stop(e->pid)))
			continue;
		r.its = e;
		peer_row(&r);
	}
}

/* Is it of that group? What goes both ways may have been found from either
 * side, of which that of the first one counts. */
static int
is_of(const struct hop *h, const struct hop *first)
{
	if (is_own(h) != is_own(first))
		return 0;
	return first->dir != PEER_BOTH ||
	    (from_of(h)->roles == from_of(first)->roles &&
	     peer_compare_keys(&from_of(h)->key, &from_of(first)->key) == 0);
}

/* The rows of the hops first to last, which have the same object. */
static void
add_group(const struct hop *first, const struct hop *last)
{
	struct peer_end *from = NULL, *to = NULL;
	struct peer_row r = { .dir = is_upward(first) ? PEER_TO : first->dir,
		.state = first->state, .uid = first->uid,
		.net = first->net };
	int flows = first->dir != PEER_BOTH;
	const struct hop *h;

	for (h = first; h < last; h++)
		if (is_of(h, first))
			from = better(from, from_of(h));
	/* one descriptor is both ends only where there is no other one */
	for (h = first; h < last; h++)
		if (is_of(h, first) && to_of(h) && !peer_same(to_of(h), from))
			to = better(to, to_of(h));
	r.my = named(from);
	r.its = to = to ? to : to_of(first);
	if (to && r.state == PEER_OPEN)
		r.state = peer_state(to);
	peer_row(&r);
	if (to && !flows && to->roles == from->roles &&
	    peer_compare_keys(&to->key, &from->key) == 0)
		return;
	add_others(from, to, from->roles, 0);
	if (to)
		add_others(to, from, to->roles, flows ? from->roles : 0);
}

/* Rows from the hops, upstream first. */
static void
make_rows(void)
{
	struct hop **order = NULL;
	size_t i, n = 0, k;

	peer.nrows = 0;
	if (nhops)
		qsort(hops, nhops, sizeof *hops, compare_hops);
	for (i = 0; i < nhops; i++) {
		if (i && compare_objects(&hops[i - 1], &hops[i]) == 0)
			continue;
		order = cli_grow(order, n, sizeof *order);
		order[n++] = &hops[i];
	}
	if (n)
		qsort(order, n, sizeof *order, compare_levels);
	for (i = 0; i < n; i++) {
		k = (size_t)(order[i] - hops);
		while (k < nhops && compare_objects(order[i], &hops[k]) == 0)
			k++;
		add_group(order[i], hops + k);
	}
	free(order);
}

int
peer_trace(int pid)
{
	struct walk_pick pick;
	size_t i;
	int asked = peer.asked;

	if (peer_open(pid, &pick) < 0)
		return -1;
	peer_scan();
	nstops = nsteps = nhops = 0;
	follow(pick.pid, UP | DOWN, 0, 0);
	peer.asked = -1;
	peer.following = 1;
	for (i = 0; i < nsteps; i++)
		follow_step(steps[i]);
	if (asked >= 0)
		read_others();
	peer.asked = asked;
	make_rows();
	return 0;
}
