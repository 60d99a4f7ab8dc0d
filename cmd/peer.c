#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocked.h"
#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "peer.h"

/* So often is a scan made again because a descriptor became another one. */
enum { TRIES = 2 };

struct peer peer = { .asked = -1, .pinned = -1 };

static struct walk w;
static struct buf text;
static struct peer_key *wanted;
static size_t nwanted;
static unsigned classes;	/* of the wanted objects */
static const char *comm;	/* a copy of the current process's, or NULL */
static int in_own_table;	/* the descriptor asked about was found there */
static int tries;		/* scans that were made again */
static int first_scan;		/* refused processes are counted once */

static _Noreturn void
no_memory(void)
{
	cli_warn("%s", strerror(errno));
	_exit(1);
}

static char *
copy(const struct buf *b, size_t n)
{
	char *s = strndup(n ? b->s : "", n);

	if (!s)
		no_memory();
	return s;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct peer_key *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int
peer_wants(const struct peer_key *k)
{
	return nwanted && bsearch(k, wanted, nwanted, sizeof *k, compare_keys);
}

void
peer_link(struct peer_link l)
{
	l.my = peer.nmine;
	peer.links = cli_grow(peer.links, peer.nlinks, sizeof l);
	peer.links[peer.nlinks++] = l;
}

void
peer_end(const struct walk *of, const struct peer_key *k, int roles)
{
	const struct peer_end *my = peer.mine;
	struct peer_end e = { .key = *k, .roles = roles, .pid = of->pid,
		.tid = of->tid, .fd = peer.desc.fd, .state = PEER_OPEN };

	if (!peer_wants(k))
		return;
	/* The table of a thread that is asked about may be seen under another
	 * thread that shares it. */
	if (of->tid && of->pid == my->pid && my->tid && of->tid != my->tid &&
	    sys_kcmp(of->root, of->tid, my->tid, SYS_KCMP_FILES, 0, 0) == 0)
		e.tid = my->tid;
	e.thread = walk_thread(of);
	e.tool = walk_self(of);
	e.comm = comm = comm ? comm : copy(&of->comm, of->comm.n);
	peer.ends = cli_grow(peer.ends, peer.nends, sizeof e);
	peer.ends[peer.nends++] = e;
}

static const struct peer_kind *
kind_of(const char *s)
{
	size_t i;

	for (i = 0; i < peer_nkinds; i++)
		if (!peer_kinds[i].prefix || strncmp(s, peer_kinds[i].prefix,
		    strlen(peer_kinds[i].prefix)) == 0)
			break;
	return &peer_kinds[i];
}

/* May descriptor fd of the current table be an end of an object that is asked
 * about? 1, 0, or -1 with errno. */
static int
glance(int fd)
{
	const struct peer_kind *kind;
	struct peer_key k = { 0 };
	char name[16];

	snprintf(name, sizeof name, "%d", fd);
	if (proc_readlink(w.table.fds, name, &text) < 0) {
		if (errno != ENAMETOOLONG)
			return -1;
		kind = kind_of("/");
	} else {
		kind = kind_of(text.s);
	}
	if (!(kind->classes & classes))
		return 0;
	if (kind->glance)
		return kind->glance(&w.table, fd);
	if (kind->numbered == PEER_CLASSES)
		return 1;
	k.class = kind->numbered;
	k.id = strtoull(text.s + strlen(kind->prefix), NULL, 10);
	return peer_wants(&k);
}

/* The kind of what was read. */
static const struct peer_kind *
kind_read(void)
{
	return kind_of(peer.desc.named ? peer.desc.target.s : "/");
}

/* Look at a descriptor of some process; 0, or the errno of a refusal. */
static int
look(int fd)
{
	const struct peer_kind *kind;
	int r = glance(fd);

	if (r == 1)
		r = desc_read(&w.table, fd, DESC_WANT_STAT, &peer.desc);
	else if (r == 0)
		return 0;
	if (r < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : errno;
	kind = kind_read();
	if (kind->ends)
		kind->ends(&w);
	return 0;
}

static void
find_ends(void)
{
	int r, e, fd, err;

	peer.nends = 0;
	blocked_forget();
	if (walk_open(&w, peer.root, NULL, 0, 1) < 0) {
		cli_error(cli.procfs, errno);
		return;
	}
	while ((r = walk_process(&w)) == 1) {
		err = 0;
		while (comm = NULL, (r = walk_table(&w)) == 1)
			while (walk_fd(&w, &fd) == 1)
				err = (e = look(fd)) ? e : err;
		if (r < 0)
			err = errno;
		if (err && first_scan)
			cli_process_error(w.pid, err, 1);
	}
	if (r < 0)
		cli_error(cli.procfs, errno);
	first_scan = 0;
}

/* Say once why something of the target can't be read. */
static void
target_error(void)
{
	if (!peer.unseen)
		cli_error(peer.operand, errno);
	peer.unseen = 1;
}

/* Note peer.desc, of the target. */
static void
add_mine(int thread)
{
	const struct desc *d = &peer.desc;
	struct peer_end e = { .pid = peer.target.pid, .tid = peer.target.tid,
		.fd = d->fd, .thread = thread };
	const char *type = desc_type_name(d->type);
	int r = kind_read()->links(&peer.target, &e);

	in_own_table |= peer.target.tid == 0;
	if (r != 1) {
		peer.untold += r < 0;
		snprintf(peer.endless, sizeof peer.endless, "%s",
		         !type ? "unknown" : d->mode == -1 ? "O_PATH" : type);
		return;
	}
	e.comm = copy(&peer.target.comm, peer.target.comm.n);
	e.name = copy(&d->target, d->namelen);
	e.namelen = d->namelen;
	e.deleted = d->deleted;
	peer.mine = cli_grow(peer.mine, peer.nmine, sizeof e);
	peer.mine[peer.nmine++] = e;
}

static void
read_mine(int fd, int thread)
{
	guard_fd(fd);
	if (desc_read(&peer.target.table, fd, DESC_WANT_STAT, &peer.desc) == 0)
		add_mine(thread);
	else if (errno != ENOENT && errno != ESRCH)
		target_error();
}

/* The ends that are asked about. A descriptor's number is looked up in the
 * process's own table first, and only then in those of its threads. */
static void
read_target(const struct walk_pick *pick)
{
	int r, fd, thread;

	peer.nmine = peer.nlinks = 0;
	in_own_table = peer.untold = 0;
	if (walk_open(&peer.target, peer.root, pick, 1, 1) < 0) {
		target_error();
		return;
	}
	while ((r = walk_process(&peer.target)) != 0) {
		while (r == 1 && (r = walk_table(&peer.target)) == 1) {
			thread = walk_thread(&peer.target);
			if (peer.asked >= 0 && !in_own_table)
				read_mine(peer.asked, thread);
			while (peer.asked < 0 && walk_fd(&peer.target, &fd) == 1)
				read_mine(fd, thread);
		}
		if (r < 0)
			target_error();
	}
}

/* What the links are to, sorted. */
static void
collect_keys(void)
{
	size_t i;

	free(wanted);
	wanted = calloc(peer.nlinks + 1, sizeof *wanted);
	if (!wanted)
		no_memory();
	classes = 0;
	for (i = 0; i < peer.nlinks; i++) {
		wanted[i] = peer.links[i].key;
		classes |= 1U << wanted[i].class;
	}
	nwanted = i;
	if (nwanted)
		qsort(wanted, nwanted, sizeof *wanted, compare_keys);
}

/* Which way does it flow between an end of these roles and another one? */
static int
flow(int mine, int its)
{
	int to = mine & PEER_WRITES && its & PEER_READS;
	int from = mine & PEER_READS && its & PEER_WRITES;

	return to && from ? PEER_BOTH : to ? PEER_TO : from ? PEER_FROM :
	    PEER_EQUAL;
}

/* STATE of a holder: is a thread of it blocked on the descriptor? */
static enum peer_state
state_of(struct peer_end *e)
{
	static const enum peer_state states[] = {
		[BLOCKED_NOT] = PEER_OPEN, [BLOCKED_READING] = PEER_READING,
		[BLOCKED_WRITING] = PEER_WRITING
	};

	if (!e->looked && !e->tool && e->fd >= 0)
		e->state = states[blocked_on(peer.root, e)];
	e->looked = 1;
	return e->state;
}

static void
add_row(const struct peer_link *l, struct peer_end *its, int dir,
        enum peer_state state)
{
	struct peer_row r = { &peer.mine[l->my], its, dir, state,
		its ? -1 : l->uid };

	if (dir == PEER_EQUAL)
		r.state = PEER_SAME;
	else if (its && state == PEER_OPEN)
		r.state = state_of(its);
	peer.rows = cli_grow(peer.rows, peer.nrows, sizeof r);
	peer.rows[peer.nrows++] = r;
}

static int
is_self(const struct peer_end *a, const struct peer_end *b)
{
	return a->pid == b->pid && a->tid == b->tid && a->fd == b->fd;
}

/* The row of a link whose other end nobody is seen to hold, if there is one to
 * be shown; 0, or -1 if my end is not what it was. */
static int
add_alone(const struct peer_link *l)
{
	const struct peer_end *my = &peer.mine[l->my];
	int r, dir = l->dir == PEER_FLOW ?
	    flow(my->roles, PEER_READS | PEER_WRITES) : l->dir;
	enum peer_state state = l->alone;

	if (state == PEER_SILENT)
		return 0;
	if (state == PEER_PROVE) {
		/* what changes faster than it is looked at is hidden */
		if ((r = peer_prove(my)) < 0 && tries < TRIES)
			return -1;
		state = r > 0 ? PEER_NONE : PEER_HIDDEN;
	}
	add_row(l, NULL, dir, state);
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
	int dir, found = 0, selfdir = PEER_EQUAL, tooldir = PEER_EQUAL;

	for (; e < last; e++) {
		if (!(e->roles & l->roles))
			continue;
		dir = l->dir == PEER_FLOW ? flow(my->roles, e->roles) : l->dir;
		if (is_self(my, e)) {
			self = e, selfdir = dir;
		} else if (e->tool) {
			if (dir != PEER_EQUAL)
				tool = e, tooldir = dir;
		} else if (dir != PEER_EQUAL || peer.asked >= 0) {
			add_row(l, e, dir, l->held);
			found |= dir != PEER_EQUAL;
		}
	}
	if (found)
		return 0;
	if (self && selfdir != PEER_EQUAL)
		add_row(l, self, selfdir, l->held);
	else if (tool)
		add_row(l, tool, tooldir, PEER_OPEN);
	else
		return add_alone(l);
	return 0;
}

static int
compare_ends(const void *a, const void *b)
{
	const struct peer_end *x = a, *y = b;

	return compare_keys(&x->key, &y->key);
}

/* All rows; 0, or -1 if an end is not what it was. */
static int
make_rows(void)
{
	size_t i, lo, hi, mid;
	int r = 0;

	peer.nrows = 0;
	if (peer.nends)
		qsort(peer.ends, peer.nends, sizeof *peer.ends, compare_ends);
	for (i = 0; i < peer.nlinks; i++) {
		const struct peer_key *k = &peer.links[i].key;

		for (lo = 0, hi = peer.nends; lo < hi; ) {
			mid = (lo + hi) / 2;
			if (compare_keys(&peer.ends[mid].key, k) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		while (hi < peer.nends &&
		    compare_keys(&peer.ends[hi].key, k) == 0)
			hi++;
		r |= add_rows(&peer.links[i], peer.ends + lo, peer.ends + hi);
	}
	return r;
}

int
peer_find(int pid)
{
	struct walk_pick pick;

	first_scan = 1;
	tries = 0;
	do {
		if (peer.pinned >= 0)
			close(peer.pinned);
		if (walk_resolve(peer.root, pid, &pick) < 0 ||
		    (peer.pinned = proc_open(peer.root, pick.pid)) < 0)
			return -1;
		read_target(&pick);
		collect_keys();
		if (nwanted)
			find_ends();
	} while (make_rows() < 0 && ++tries);
	return 0;
}
