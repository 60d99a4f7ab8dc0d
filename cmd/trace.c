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
		.state = state, .uid = l->uid };

	h.key = peer.mine[l->my].key;
	h.other = its ? its->key : h.key;
	if (peer_compare_keys(&h.key, &h.other) > 0) {
		h.other = h.key;
		h.key = its->key;
	}
	hops = cli_grow(hops, nhops, sizeof h);
	hops[nhops++] = h;
}

/* The hops of a link whose other end is seen; 1, or 0 without one. */
static int
follow_ends(const struct peer_link *l, const struct step *s)
{
	int pid = peer.mine[l->my].pid, found = 0, dir, both;
	size_t n, i;
	struct peer_end *e = peer_ends(&l->key, &n);

	both = l->dir == PEER_FLOW && has_both(pid, e, n);
	for (i = 0; i < n; i++) {
		dir = peer_dir(l, &e[i]);
		if (e[i].tool || !(e[i].roles & l->roles) || dir == PEER_EQUAL)
			continue;
		found = 1;
		if (e[i].pid == pid || l->held == PEER_BACKLOG ||
		    (both && has_both(e[i].pid, e, n)))
			continue;
		if (dir == PEER_TO && s->way & DOWN) {
			add_hop(l, &e[i], dir, s->level, l->held);
			follow(e[i].pid, DOWN, s->level + 1, 0);
		} else if (dir == PEER_FROM && s->way & UP) {
			add_hop(l, &e[i], dir, s->level - 1, l->held);
			follow(e[i].pid, UP, s->level - 1, 0);
		} else if (dir == PEER_BOTH) {
			add_hop(l, &e[i], dir, s->level, l->held);
			follow(e[i].pid, UP | DOWN, s->level + 1, 1);
		}
	}
	return found;
}

/* A link whose other end nobody is seen to have, but perhaps this tool. */
static void
follow_alone(const struct peer_link *l, const struct step *s)
{
	struct peer_end any = { .roles = PEER_READS | PEER_WRITES |
		PEER_MASTER | PEER_SLAVE }, *e;
	int dir = peer_dir(l, &any), state;
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
	state = peer_alone(l);
	add_hop(l, NULL, dir, s->level, state < 0 ? PEER_HIDDEN :
	        (enum peer_state)state);
}

/* With how many processes does it talk over sockets? */
static int
is_hub(const struct stop *s)
{
	size_t i, k, n, count = 0;
	struct peer_end *e;

	for (i = s->links; i < s->links_end; i++) {
		const struct peer_link *l = &peer.links[i];

		if (l->dir != PEER_BOTH || l->held == PEER_BACKLOG)
			continue;
		e = peer_ends(&l->key, &n);
		for (k = 0; k < n; k++)
			count += e[k].pid != s->pid &&
			    (k == 0 || e[k].pid != e[k - 1].pid);
	}
	return count > HUB;
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

static int
compare_hops(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;
	int d = compare_objects(x, y);

	return d ? d : x->level < y->level ? -1 : x->level > y->level;
}

/* The two ends of a hop, in the direction of the flow; NULL for none. */
static struct peer_end *
from_of(const struct hop *h)
{
	return h->dir == PEER_FROM && h->its ? h->its : &peer.mine[h->my];
}

static struct peer_end *
to_of(const struct hop *h)
{
	return h->dir == PEER_FROM && h->its ? &peer.mine[h->my] : h->its;
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

/* The others that have the same end. Of the standard error, which whole
 * sessions share, only those that are of the closure. */
static void
add_others(struct peer_end *main, int roles, int except)
{
	struct peer_row r = { .my = named(main), .dir = PEER_EQUAL, .uid = -1 };
	struct peer_end *e;
	size_t n;

	for (e = peer_ends(&main->key, &n); n-- > 0; e++) {
		if (peer_same(e, main) || e->tool || !(e->roles & roles) ||
		    e->roles & except ||
		    (main->fd == STDERR_FILENO && !find_stop(e->pid)))
			continue;
		r.its = e;
		peer_row(&r);
	}
}

/* The rows of the hops first to last, which have the same object. */
static void
add_group(const struct hop *first, const struct hop *last)
{
	struct peer_end *from = NULL, *to = NULL;
	struct peer_row r = { .dir = first->its && first->dir == PEER_FROM ?
		PEER_TO : first->dir, .state = first->state,
		.uid = first->uid };
	int flows = first->dir != PEER_BOTH;
	const struct hop *h;

	for (h = first; h < last; h++) {
		/* what goes both ways may have been found from either side */
		if (!flows && (from_of(h)->roles != from_of(first)->roles ||
		    peer_compare_keys(&from_of(h)->key, &from_of(first)->key)))
			continue;
		from = better(from, from_of(h));
		to = better(to, to_of(h));
	}
	r.my = named(from);
	r.its = to;
	if (to && r.state == PEER_OPEN)
		r.state = peer_state(to);
	peer_row(&r);
	add_others(from, from->roles, 0);
	if (to)
		add_others(to, to->roles, flows ? from->roles : 0);
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
	peer.asked = asked;
	make_rows();
	return 0;
}
