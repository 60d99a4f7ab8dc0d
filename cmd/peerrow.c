#include <stdint.h>
#include <string.h>

#include "blocked.h"
#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "peer.h"

/* So often is a scan made again because a descriptor became another one. */
enum { TRIES = 2 };

/* Which way does it flow between ends of these roles, or who waits for whom? */
static int
flow(int mine, int its)
{
	int to = (mine & PEER_WRITES && its & PEER_READS) ||
	    (mine & PEER_WAITS && its & PEER_LOCKS);
	int from = (mine & PEER_READS && its & PEER_WRITES) ||
	    (mine & PEER_LOCKS && its & PEER_WAITS);

	if ((mine & PEER_MASTER && its & PEER_SLAVE) ||
	    (mine & PEER_SLAVE && its & PEER_MASTER))
		return PEER_BOTH;
	return to && from ? PEER_BOTH : to ? PEER_TO : from ? PEER_FROM :
	    PEER_EQUAL;
}

/* The roles of the end towards mine: of locks only those that one of the two
 * waits for and the other one has. */
static int
roles_towards(const struct peer_end *my, const struct peer_end *its)
{
	int roles = its->roles & ~(PEER_LOCKS | PEER_WAITS);
	size_t i, j;

	for (i = 0; i < its->nlocks; i++)
		for (j = 0; j < my->nlocks; j++)
			if (my->locks[j].nr == its->locks[i].nr &&
			    my->locks[j].role != its->locks[i].role)
				roles |= its->locks[i].role;
	return roles;
}

int
peer_dir(const struct peer_link *l, const struct peer_end *its)
{
	const struct peer_end *my = &peer.mine[l->my];
	int any = PEER_READS | PEER_WRITES | PEER_MASTER | PEER_SLAVE |
	    PEER_LOCKS | PEER_WAITS;

	return l->dir == PEER_FLOW ? flow(my->roles,
	    its ? roles_towards(my, its) : any) : l->dir;
}

enum peer_state
peer_state(struct peer_end *e)
{
	static const enum peer_state states[] = {
		[BLOCKED_NOT] = PEER_OPEN, [BLOCKED_READING] = PEER_READING,
		[BLOCKED_WRITING] = PEER_WRITING,
		[BLOCKED_LOCKING] = PEER_OPEN, [BLOCKED_UNKNOWN] = PEER_OPEN
	};

	if (!e->looked && !e->tool && e->fd >= 0)
		e->state = states[blocked_on(peer.root, e)];
	e->looked = 1;
	return e->state;
}

const char *
peer_state_name(enum peer_state state)
{
	static const char *const names[] = {
		[PEER_OPEN] = "open", [PEER_READING] = "read",
		[PEER_WRITING] = "write", [PEER_NONE] = "none",
		[PEER_CLOSED] = "closed", [PEER_BACKLOG] = "backlog",
		[PEER_INFLIGHT] = "inflight", [PEER_HIDDEN] = "hidden",
		[PEER_REMOTE] = "remote", [PEER_KERNEL] = "kernel"
	};

	return names[state];
}

int
peer_shown_pid(const struct peer_end *e)
{
	return !e ? 0 : e->tid ? e->tid : e->pid;
}

void
peer_row(const struct peer_row *r)
{
	peer.rows = cli_grow(peer.rows, peer.nrows, sizeof *r);
	peer.rows[peer.nrows++] = *r;
}

static void
add_row(const struct peer_link *l, struct peer_end *its, int dir,
        enum peer_state state)
{
	struct peer_row r = { &peer.mine[l->my], its, dir, state,
		its ? -1 : l->uid, l->net };

	if (dir == PEER_EQUAL)
		r.state = PEER_SAME;
	else if (its && state == PEER_OPEN)
		r.state = peer_state(its);
	peer_row(&r);
}

int
peer_same(const struct peer_end *a, const struct peer_end *b)
{
	return a->pid == b->pid && a->tid == b->tid && a->fd == b->fd;
}

int
peer_alone(const struct peer_link *l, struct peer_end **ring)
{
	int state = (int)l->alone, r;
	struct peer_end *e;
	size_t n;

	*ring = NULL;
	if (l->alone == PEER_PROVE) {
		/* what changes faster than it is looked at is hidden */
		r = peer_prove(&peer.mine[l->my]);
		if (r < 0 && peer.tries < TRIES)
			return -1;
		state = r > 0 ? PEER_NONE : PEER_HIDDEN;
	}
	if (state == PEER_NONE || l->roles & PEER_REGISTERED)
		return state;
	for (e = peer_ends(&l->key, &n); n-- > 0; e++)
		*ring = e->roles == PEER_REGISTERED ? e : *ring;
	return *ring || (l->alone == PEER_PROVE &&
	    peer_queued(peer.mine[l->my].pid)) ? PEER_INFLIGHT : state;
}

/* The row of a link whose other end nobody is seen to hold, if there is one to
 * be shown; 0, or -1 if my end is not what it was. */
static int
add_alone(const struct peer_link *l)
{
	struct peer_end *ring;
	int state = peer_alone(l, &ring);

	if (state < 0)
		return -1;
	if (state != PEER_SILENT)
		add_row(l, ring, peer_dir(l, NULL), (enum peer_state)state);
	return 0;
}

/*
 * The rows of a link; the ends of its object are e to last. My end itself
 * counts where it is its own other end and has no one else, this tool where
 * nobody else does. 0, or -1 if my end is not what it was.
 */
static int
add_rows(const struct peer_link *l, struct peer_end *e, struct peer_end *last)
{
	const struct peer_end *my = &peer.mine[l->my];
	struct peer_end *self = NULL, *tool = NULL;
	int dir, found = 0;

	for (; e < last; e++) {
		dir = peer_dir(l, e);
		if (!(e->roles & l->roles) || (l->handle && e->handle &&
		    strcmp(l->handle, e->handle) != 0))
			continue;
		if (peer_same(my, e)) {
			self = dir == PEER_EQUAL ? self : e;
		} else if (e->tool) {
			tool = dir == PEER_EQUAL ? tool : e;
		} else if (dir != PEER_EQUAL || peer.asked >= 0) {
			add_row(l, e, dir, l->held);
			found |= dir != PEER_EQUAL;
		}
	}
	if (found)
		return 0;
	if (self)
		add_row(l, self, peer_dir(l, self), l->held);
	else if (tool)
		add_row(l, tool, peer_dir(l, tool), PEER_OPEN);
	else
		return add_alone(l);
	return 0;
}

int
peer_rows(void)
{
	struct peer_end *e;
	size_t i, n;
	int r = 0;

	peer.nrows = 0;
	for (i = 0; i < peer.nlinks; i++) {
		e = peer_ends(&peer.links[i].key, &n);
		r |= add_rows(&peer.links[i], e, e + n);
	}
	return r;
}
