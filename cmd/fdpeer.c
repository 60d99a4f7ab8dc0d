/* fdpeer - say who is at the other end of a descriptor */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocked.h"
#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "num.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"

const char usage[] =
"usage: fdpeer [-JH0] [-T SECS] [-R DIR] PID [FD]\n"
CLI_RECORD_USAGE;

static const struct option options[] = {
	CLI_RECORD_OPTIONS,
	{ 0 }
};

static const struct out_column columns[] = {
	{ "PID", -7 }, { "COMMAND", -10 }, { "FD", 3 }, { "DIR", -3 },
	{ "PEER", -7 }, { "PEERCOMMAND", -11 }, { "PEERFD", 6 },
	{ "STATE", -8 }, { "NAME", 0 }, { 0 }
};

enum state { SAME, OPEN, READING, WRITING, NONE, HIDDEN };
static const char *const state_names[] = {
	NULL, "open", "read", "write", "none", "hidden"
};

/* The first two in the order of the access modes: 1 + O_RDONLY ... */
enum { READS = 1, WRITES = 2 };

/* So often is a scan made again because a descriptor became another one. */
enum { TRIES = 2 };

/* DIR, in its order. */
enum { TO, FROM, BOTH, EQUAL };
static const char *const dir_names[] = { "->", "<-", "<->", "==" };

/* What an end belongs to: a pipe by its number (dev 0: no device is 0:0), a
 * FIFO by device and inode. */
struct object {
	uint64_t dev, ino;
	int roles;		/* READS, WRITES: of the ends asked about */
};

/* A descriptor that is an end of an object. */
struct end {
	struct object object;
	int pid, tid, fd;	/* tid: of a thread's private table, else 0 */
	int roles;
	char *comm;
	int thread;		/* one that has the table */
	char *name;
	size_t namelen;
	int deleted;
	enum state state;	/* of a holder */
	int tool;		/* the holder is this tool */
};

struct row {
	const struct end *my, *its;	/* its: NULL for none */
	int dir;
	enum state state;
};

static char **operands;
static int pid, asked = -1;

static struct walk target, w;
static struct desc desc;
static struct buf text, rec;
static struct out out = { .rec = &rec, .columns = columns };

static struct end *ends, *holders;
static struct object *objects;
static struct row *rows;
static size_t nends, nholders, nobjects, nrows;

static int pinned = -1;		/* the target's directory */
static int in_own_table;	/* the descriptor asked about was found there */
static int untold, unseen;	/* kinds not looked at; what can't be read */
static int tries;		/* scans that were made again */
static char endless[16];	/* the type of what has no other end */

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
compare_objects(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static const struct object *
find(const struct object *o)
{
	return bsearch(o, objects, nobjects, sizeof *o, compare_objects);
}

static void
pipe_object(const char *s, struct object *o)
{
	o->dev = 0;
	o->ino = strtoull(s + sizeof "pipe:[" - 1, NULL, 10);
}

static void
fifo_object(const struct kstatx *st, struct object *o)
{
	o->dev = (uint64_t)st->dev_major << 32 | st->dev_minor;
	o->ino = st->ino;
}

/* Is the descriptor an end of a pipe or FIFO? One of O_PATH is none. */
static int
is_end(const struct desc *d, struct end *e)
{
	if (d->mode < 0 || (d->type != DESC_PIPE && d->type != DESC_FIFO))
		return 0;
	if (d->type == DESC_PIPE)
		pipe_object(d->target.s, &e->object);
	else
		fifo_object(&d->st, &e->object);
	e->roles = d->mode + 1;
	e->object.roles = e->roles;
	e->fd = d->fd;
	return 1;
}

/* Has the descriptor another end of a kind that is not looked at? */
static int
is_untold(const struct desc *d, const struct walk *of)
{
	struct kstatx root;
	unsigned major = d->st.rdev_major, minor = d->st.rdev_minor;

	if (d->mode == -1 && d->type != DESC_UNKNOWN)
		return 0;
	switch (d->type) {
	case DESC_DIR:
	case DESC_BLK:
	case DESC_LNK:
		return 0;
	case DESC_CHR:
		/* terminals: BSD's, /dev/tty, /dev/ptmx, Unix 98's */
		return major == 2 || major == 3 || (major == 5 && minor != 1) ||
		    (major >= 136 && major <= 143);
	case DESC_REG:
		/* A message queue reads as a file in the root directory, but is
		 * on a file system of its own. */
		return d->named && !strchr(d->target.s + 1, '/') &&
		    (proc_statx(of->dir, "root", &root) < 0 ||
		     root.dev_major != d->st.dev_major ||
		     root.dev_minor != d->st.dev_minor);
	default:
		return 1;
	}
}

/* What flows between an end (or several) with the roles and another? */
static int
flow(int mine, int its)
{
	int to = mine & WRITES && its & READS;
	int from = mine & READS && its & WRITES;

	return to && from ? BOTH : to ? TO : from ? FROM : EQUAL;
}

/* Note desc, an end of an object that is asked about. */
static void
add_holder(struct end *e)
{
	static const enum state states[] = {
		[BLOCKED_NOT] = OPEN, [BLOCKED_READING] = READING,
		[BLOCKED_WRITING] = WRITING
	};
	int same = flow(find(&e->object)->roles, e->roles) == EQUAL;

	if (same && asked < 0)
		return;
	e->pid = w.pid;
	e->tid = w.tid;
	/* The table of a thread that is asked about may be seen under another
	 * thread that shares it. */
	if (w.tid && w.pid == ends->pid && ends->tid && w.tid != ends->tid &&
	    sys_kcmp(w.root, w.tid, ends->tid, SYS_KCMP_FILES, 0, 0) == 0)
		e->tid = ends->tid;
	e->tool = walk_self(&w);
	e->state = same || e->tool ? OPEN : states[blocked_on(&w, &desc)];
	e->comm = copy(&w.comm, w.comm.n);
	holders = cli_grow(holders, nholders, sizeof *holders);
	holders[nholders++] = *e;
}

/* May descriptor fd of the current table be an end of an object that is asked
 * about? 1, 0, or -1 with errno. */
static int
glance(int fd, struct object *o)
{
	struct kstatx st;
	char name[16];

	snprintf(name, sizeof name, "%d", fd);
	if (proc_readlink(w.table.fds, name, &text) == 0) {
		if (strncmp(text.s, "pipe:[", 6) == 0) {
			pipe_object(text.s, o);
			return find(o) != NULL;
		}
		if (*text.s != '/')
			return 0;
	} else if (errno != ENAMETOOLONG) {
		return -1;
	}
	/* Any name may be the FIFO's. The last object is one, if any is. */
	if (objects[nobjects - 1].dev == 0)
		return 0;
	if (proc_statx(w.table.fds, name, &st) < 0)
		return -1;
	fifo_object(&st, o);
	return S_ISFIFO(st.mode) && find(o) != NULL;
}

/* Look at a descriptor of some process; 0, or the errno of a refusal. */
static int
look(int fd)
{
	struct end e = { 0 };
	int r = glance(fd, &e.object);

	if (r == 1)
		r = desc_read(&w.table, fd, DESC_WANT_STAT, &desc);
	else if (r == 0)
		return 0;
	if (r < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : errno;
	if (is_end(&desc, &e) && find(&e.object))
		add_holder(&e);
	return 0;
}

static void
find_holders(void)
{
	int r, e, fd, err;

	nholders = 0;
	blocked_forget();
	if (walk_open(&w, target.root, NULL, 0, 1) < 0) {
		cli_error(cli.procfs, errno);
		return;
	}
	while ((r = walk_process(&w)) == 1) {
		err = 0;
		while ((r = walk_table(&w)) == 1)
			while (walk_fd(&w, &fd) == 1)
				err = (e = look(fd)) ? e : err;
		if (r < 0)
			err = errno;
		if (err && tries == 0)	/* counted once */
			cli_process_error(w.pid, err, 1);
	}
	if (r < 0)
		cli_error(cli.procfs, errno);
}

/* Say once why something of the target can't be read. */
static void
target_error(void)
{
	if (!unseen)
		cli_error(operands[0], errno);
	unseen = 1;
}

/* Note desc, of the target. */
static void
add_end(int thread)
{
	struct end e = { .pid = target.pid, .tid = target.tid };
	const char *type;

	in_own_table |= target.tid == 0;
	if (!is_end(&desc, &e)) {
		untold += is_untold(&desc, &target);
		type = desc_type_name(desc.type);
		snprintf(endless, sizeof endless, "%s", !type ? "unknown" :
		         desc.mode == -1 ? "O_PATH" : type);
		return;
	}
	e.comm = copy(&target.comm, target.comm.n);
	e.thread = thread;
	e.name = copy(&desc.target, desc.namelen);
	e.namelen = desc.namelen;
	e.deleted = desc.deleted;
	ends = cli_grow(ends, nends, sizeof e);
	ends[nends++] = e;
}

static void
read_end(int fd, int thread)
{
	guard_fd(fd);
	if (desc_read(&target.table, fd, DESC_WANT_STAT, &desc) == 0) {
		add_end(thread);
	} else if (errno != ENOENT && errno != ESRCH) {
		target_error();
	}
}

/* The ends that are asked about. A descriptor's number is looked up in the
 * process's own table first, and only then in those of its threads. */
static void
read_target(const struct walk_pick *pick)
{
	int r, fd, thread;

	nends = 0;
	in_own_table = untold = 0;
	if (walk_open(&target, target.root, pick, 1, 1) < 0) {
		target_error();
		return;
	}
	while ((r = walk_process(&target)) != 0) {
		while (r == 1 && (r = walk_table(&target)) == 1) {
			thread = walk_thread(&target);
			if (asked >= 0 && !in_own_table)
				read_end(asked, thread);
			while (asked < 0 && walk_fd(&target, &fd) == 1)
				read_end(fd, thread);
		}
		if (r < 0)
			target_error();
	}
}

/* What the ends are of, each once, with the roles of all of them. */
static void
collect_objects(void)
{
	size_t i, k = 0;

	free(objects);
	nobjects = 0;
	objects = calloc(nends + 1, sizeof *objects);
	if (!objects)
		no_memory();
	for (i = 0; i < nends; i++)
		objects[i] = ends[i].object;
	qsort(objects, nends, sizeof *objects, compare_objects);
	for (i = 0; i < nends; i++) {
		if (k && compare_objects(&objects[k - 1], &objects[i]) == 0)
			objects[k - 1].roles |= objects[i].roles;
		else
			objects[k++] = objects[i];
	}
	nobjects = k;
}

/* Does the link lead to the end's object? */
static int
leads_to(int dirfd, const char *name, const struct end *e)
{
	struct object o = { 0 };
	struct kstatx st;

	if (proc_statx(dirfd, name, &st) < 0 || !S_ISFIFO(st.mode))
		return 0;
	if (e->object.dev == 0)
		o.ino = st.ino;
	else
		fifo_object(&st, &o);
	return compare_objects(&o, &e->object) == 0;
}

/* Ask a duplicate of the end whether it is alone: 1, 0, or -1 for one of
 * something else. */
static int
poll_end(int fd, const struct end *e)
{
	struct pollfd p = { .fd = fd };
	char name[32];

	snprintf(name, sizeof name, "self/fd/%d", fd);
	if (!leads_to(target.root, name, e) ||
	    (fcntl(fd, F_GETFL) & O_ACCMODE) + 1 != e->roles)
		return -1;
	poll(&p, 1, 0);
	return (p.revents & (e->roles == READS ? POLLHUP : POLLERR)) != 0;
}

/*
 * Prove for an end whose other end nobody is seen to hold that nobody does: 1,
 * or 0 where there is one or that can't be told, or -1 if the descriptor is
 * not what it was. The process is pinned by its directory: if that still works
 * afterwards, its numbers were its own.
 */
static int
prove_none(const struct end *e)
{
	char name[48];
	int pidfd, fd = -1, r = 0;

	if (!sys_ours(target.root))
		return 0;
	guard_process(e->pid);
	guard_thread(e->tid);
	guard_fd(e->fd);
	if ((pidfd = sys_pidfd_thread(target.root, e->thread)) >= 0) {
		fd = sys_pidfd_getfd(pidfd, e->fd);
		close(pidfd);
	}
	if (fd >= 0) {
		r = poll_end(fd, e);
		close(fd);
	}
	snprintf(name, sizeof name, "task/%d/fd/%d", e->thread, e->fd);
	return leads_to(pinned, name, e) ? r : -1;
}

static void
add_row(const struct end *my, const struct end *its, int dir, enum state state)
{
	rows = cli_grow(rows, nrows, sizeof *rows);
	rows[nrows++] = (struct row){ my, its, dir, state };
}

static int
is_self(const struct end *a, const struct end *b)
{
	return a->pid == b->pid && a->tid == b->tid && a->fd == b->fd;
}

/*
 * The rows of an end, whose holders are h to last. Itself counts where it is
 * its own other end and has no one else, this tool where nobody else does.
 * 0, or -1 if the end is not what it was.
 */
static int
add_rows(const struct end *e, const struct end *h, const struct end *last)
{
	const struct end *self = e, *tool = NULL;
	int dir, found = 0, r;

	for (; h < last; h++) {
		dir = flow(e->roles, h->roles);
		if (is_self(e, h)) {
			self = h;
		} else if (h->tool) {
			tool = dir == EQUAL ? tool : h;
		} else if (dir != EQUAL) {
			add_row(e, h, dir, h->state);
			found = 1;
		} else if (asked >= 0) {
			add_row(e, h, EQUAL, SAME);
		}
	}
	if (found)
		return 0;
	dir = flow(e->roles, READS | WRITES);
	if (dir == BOTH) {
		add_row(e, self, BOTH, self->state);
	} else if (tool) {
		add_row(e, tool, dir, OPEN);
	} else {
		/* what changes faster than it is looked at is hidden */
		if ((r = prove_none(e)) < 0 && tries < TRIES)
			return -1;
		add_row(e, NULL, dir, r > 0 ? NONE : HIDDEN);
	}
	return 0;
}

static int
compare_ends(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	return compare_objects(&x->object, &y->object);
}

/* All rows; 0, or -1 if an end is not what it was. */
static int
make_rows(void)
{
	size_t i, lo, hi, mid;
	int r = 0;

	nrows = 0;
	if (nholders)
		qsort(holders, nholders, sizeof *holders, compare_ends);
	for (i = 0; i < nends; i++) {
		for (lo = 0, hi = nholders; lo < hi; ) {
			mid = (lo + hi) / 2;
			if (compare_ends(&holders[mid], &ends[i]) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		while (hi < nholders &&
		    compare_ends(&holders[hi], &ends[i]) == 0)
			hi++;
		r |= add_rows(&ends[i], holders + lo, holders + hi);
	}
	return r;
}

/* The number that the text shows. */
static int
number(const struct end *e)
{
	return !e ? 0 : e->tid ? e->tid : e->pid;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int d = 0;

	if (x->its && y->its)
		d = x->its->fd - y->its->fd;
	if (number(x->its) != number(y->its))
		d = number(x->its) < number(y->its) ? -1 : 1;
	if (x->dir != y->dir)
		d = x->dir - y->dir;
	if (x->my->fd != y->my->fd)
		d = x->my->fd < y->my->fd ? -1 : 1;
	return d ? d : number(x->my) - number(y->my);
}

static void
put_number(const struct end *e)
{
	if (e)
		out_num(&out, (unsigned)(cli.mode == OUT_JSON ? e->pid :
		        number(e)));
	else
		out_null(&out);
}

static void
put_string(const char *s)
{
	out_str(&out, s, s ? strlen(s) : 0);
}

/* The members of a JSON object that no column has. */
static void
put_keys(const struct end *e, const char *mode, const char *tid)
{
	static const char *const modes[] = { NULL, "r", "w", "rw" };
	const char *s = modes[e ? e->roles : 0];

	out_key_str(&out, mode, s, s ? strlen(s) : 0);
	if (e && e->tid)
		out_key_num(&out, tid, (unsigned)e->tid);
	else
		out_key_null(&out, tid);
}

static void
put_row(const struct row *r)
{
	put_number(r->my);
	put_string(r->my->comm);
	out_num(&out, (unsigned)r->my->fd);
	put_string(dir_names[r->dir]);
	put_number(r->its);
	put_string(r->its ? r->its->comm : NULL);
	if (r->its)
		out_num(&out, (unsigned)r->its->fd);
	else
		out_null(&out);
	put_string(state_names[r->state]);
	out_name(&out, r->my->namelen ? r->my->name : NULL, r->my->namelen,
	         r->my->deleted);
	put_keys(r->my, "mode", "tid");
	put_keys(r->its, "peermode", "peertid");
	out_key_bool(&out, "deleted", r->my->deleted);
	cli_emit(&out);
}

/* Say why there are no rows. */
static void
say_nothing(void)
{
	struct walk_pick pick;
	const char *p = operands[0], *fd = operands[1];
	int other;

	if (unseen) {
		return;
	} else if (walk_resolve(target.root, pid, &pick) < 0) {
		cli_error(p, errno);
	} else if (!fd && untold == 0) {
		cli_warn("%s: no descriptor has another end", p);
		cli_fail(1);
	} else if (!fd) {
		cli_fail(3);
	} else if (untold) {
		cli_warn("%s: cannot tell the other end of descriptor %s "
		         "(%s)", p, fd, endless);
		cli_fail(3);
	} else if (*endless) {
		cli_warn("%s: descriptor %s has no other end (%s)", p, fd,
		         endless);
		cli_fail(1);
	} else {
		other = asked ? proc_open(target.root, asked) : -1;
		cli_warn("%s: no descriptor %s%s", p, fd, other < 0 ? "" :
		         " (one process at a time)");
		cli_fail(1);
	}
}

static void
report(void)
{
	size_t i, hidden = 0, seen = 0;

	if (nrows)
		qsort(rows, nrows, sizeof *rows, compare_rows);
	for (i = 0; i < nrows; i++) {
		put_row(&rows[i]);
		hidden += rows[i].state == HIDDEN;
		seen += rows[i].its && rows[i].dir != EQUAL;
	}
	if (asked < 0 && untold)
		cli_warn("%s: %d descriptor%s of kinds that are not looked at",
		         operands[0], untold, untold == 1 ? "" : "s");
	if (nrows == 0)
		say_nothing();
	else if (asked >= 0 && !seen)
		cli_fail(1);
	if (hidden)
		cli_refused();
	if (hidden && asked >= 0)
		cli_fail(3);
}

static int
scan(void)
{
	struct walk_pick pick;

	target.root = cli_root();
	do {
		if (pinned >= 0)
			close(pinned);
		if (walk_resolve(target.root, pid, &pick) < 0 ||
		    (pinned = proc_open(target.root, pick.pid)) < 0) {
			cli_error(operands[0], errno);
			return 0;
		}
		read_target(&pick);
		collect_objects();
		if (nobjects)
			find_holders();
	} while (make_rows() < 0 && ++tries);
	report();
	return 0;
}

int
main(int argc, char **argv)
{
	int c;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "JH0R:T:hV", options, NULL)) != -1)
		cli_option(c);
	operands = argv + optind;
	if (optind == argc)
		cli_usage("which process?");
	if (num_pid(operands[0], &pid) < 0)
		cli_usage("%s: not a process ID", *operands[0] ? operands[0] :
		          "''");
	if (operands[1] && num_fd(operands[1], &asked) < 0)
		cli_usage("%s: not a descriptor", *operands[1] ? operands[1] :
		          "''");
	if (operands[1] && operands[2])
		cli_usage("%s: one process and one descriptor at a time",
		          operands[2]);
	out.mode = cli.mode;
	return cli_run(scan, 1);
}
