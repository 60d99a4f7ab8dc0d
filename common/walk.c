#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "maps.h"
#include "parse_fdinfo.h"
#include "parse_maps.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"

/* Where walk_table goes on. */
enum { FIRST, TASKS, DONE };

int
walk_resolve(int root, int pid, struct walk_pick *pick)
{
	struct buf b = { 0 };
	struct task_status st;
	struct kstatx task;
	char name[24];
	int r = -1, dir;

	*pick = (struct walk_pick){ .pid = pid };
	/* an only thread has the process's ID; see open_tasks */
	guard_process(pid);
	snprintf(name, sizeof name, "%d/task", pid);
	if (!proc_is_copy() && proc_lstatx(root, name, &task) == 0 &&
	    task.nlink == 3)
		return 0;
	dir = proc_open(root, pid);
	if (dir >= 0 && proc_read(dir, "status", &b) == 0) {
		if ((r = parse_status(b.s, &st)) < 0)
			errno = EINVAL;
		pick->pid = r < 0 ? pid : st.tgid;
		pick->tid = r < 0 || st.tgid == st.pid ? 0 : pid;
	} else if (dir >= 0 && proc_is_copy() && errno == ENOENT) {
		r = 0;			/* a copy may have no status */
	} else if (errno == ESRCH || errno == ENOENT) {
		/* hidepid=2 hides what is in the directory, 4 it too */
		errno = sys_exists(root, pid) == 0 ? EPERM : ESRCH;
	}
	if (dir >= 0)
		close(dir);
	buf_free(&b);
	return r;
}

static int
compare_picks(const void *a, const void *b)
{
	const struct walk_pick *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

size_t
walk_sort(struct walk_pick *p, size_t n)
{
	size_t i, k = 0;

	if (n)
		qsort(p, n, sizeof *p, compare_picks);
	for (i = 0; i < n; i++) {
		/* a process stands for all of its threads */
		if (k && p[k - 1].pid == p[i].pid &&
		    (p[k - 1].tid == 0 || p[k - 1].tid == p[i].tid))
			continue;
		p[k++] = p[i];
	}
	return k;
}

int
walk_open(struct walk *w, int root, const struct walk_pick *pick, size_t n,
          int again)
{
	w->root = w->table.root = root;
	w->pick = pick;
	w->end = pick ? pick + n : NULL;
	w->dir = w->table.dir = w->fds.fd = w->tasks.fd = -1;
	w->table.infos = 0;
	w->processes.fd = w->mapdir = w->status = -1;
	w->pid = 0;
	w->from = again ? NULL : guard_resume();
	if (pick)
		return 0;
	return numdir_open(&w->processes, root, ".");
}

static void
close_table(struct walk *w)
{
	if (w->table.dir >= 0 && w->table.dir != w->dir)
		close(w->table.dir);
	w->table.dir = -1;
	if (w->fds.fd >= 0)
		numdir_close(&w->fds);
	if (w->table.infos)
		close(w->table.infos);
	w->table.infos = 0;
	w->still = 0;
}

static void
close_process(struct walk *w)
{
	close_table(w);
	if (w->tasks.fd >= 0)
		numdir_close(&w->tasks);
	if (w->mapdir >= 0 && w->mapdir != w->dir)
		close(w->mapdir);
	if (w->status >= 0)
		close(w->status);
	if (w->dir >= 0)
		close(w->dir);
	w->dir = w->mapdir = w->status = -1;
	free(w->maps_begin);
	w->maps_begin = w->map = w->maps_end = NULL;
	w->ntables = 0;
	w->state = FIRST;
	w->tid = w->first = 0;
	w->euid = -1;
}

/* Was the process shown, as far as it goes, before the stall? */
static int
behind(const struct walk *w)
{
	return w->from && (w->pid < w->from->pid || (w->pid == w->from->pid &&
	    w->from->kind == GUARD_PROCESS));
}

int
walk_process(struct walk *w)
{
	int r;

	for (;;) {
		close_process(w);
		if (w->pick) {
			while (w->pick < w->end && w->pick->pid == w->pid)
				w->pick++;
			if (w->pick == w->end)
				return 0;
			w->pid = w->pick->pid;
		} else if (w->processes.fd < 0) {
			return 0;
		} else if ((r = numdir_next(&w->processes, &w->pid)) <= 0) {
			numdir_close(&w->processes);
			return r;
		}
		if (behind(w))
			continue;
		if ((w->dir = proc_open(w->root, w->pid)) >= 0)
			return 1;
		if (w->pick || (errno != ESRCH && errno != ETIMEDOUT))
			return -1;
	}
}

/* Read comm without its last newline; 0, or -1 of a thread that is gone. */
static int
read_comm(int dir, struct buf *comm)
{
	if (proc_read(dir, "comm", comm) < 0)
		return -1;
	if (comm->n && comm->s[comm->n - 1] == '\n')
		comm->n--;
	return 0;
}

void
walk_comm(struct walk *w)
{
	struct buf fresh = { 0 }, old = w->comm;
	int dir = w->tid ? w->table.dir : w->dir;

	if (read_comm(dir, &fresh) == 0) {
		w->comm = fresh;
		fresh = old;
	}
	buf_free(&fresh);
}

/* Has the task certainly no descriptors, or will have none in a moment? Nobody
 * but root may see that in the fd directory of a zombie, of a kernel thread,
 * which has only the others, or of one that ends and has let go of its memory.
 * -1: it is gone. */
static int
is_bare(const struct walk *w, int dir)
{
	struct buf b = { 0 };
	struct task_status st;
	int err = errno, bare = proc_read(dir, "status", &b);

	if (bare == 0)
		bare = parse_status(b.s, &st) == 0 &&
		    (strchr("ZX", st.state) || (st.kthread ? !w->others :
		     !proc_is_copy() && !parse_field(b.s, "VmSize")));
	else if (proc_is_copy() || (errno != ENOENT && errno != ESRCH))
		bare = 0;		/* a copy may have no status */
	buf_free(&b);
	errno = err;
	return bare;
}

/* Open the table below dir, the process's own (tid 0) or a thread's, which is
 * closed if that fails; 0, or -1 with errno. */
static int
open_table(struct walk *w, int dir, int tid)
{
	int err;

	if (numdir_open(&w->fds, dir, "fd") < 0) {
		err = is_bare(w, dir) ? ESRCH : errno;
		if (dir != w->dir)
			close(dir);
		w->fds.fd = -1;
		errno = err;
		return -1;
	}
	w->table.dir = dir;
	w->table.fds = w->fds.fd;
	w->tid = tid;
	guard_thread(tid);
	if (read_comm(tid ? dir : w->dir, &w->comm) < 0)
		w->comm.n = 0;
	return 0;
}

/* The descriptors' numbers and what they refer to, as one text; 0 or -1. */
static int
table_text(const struct walk *w, int tid, struct buf *text)
{
	struct buf target = { 0 };
	struct numdir d;
	char name[48];
	int fd, n, r;

	snprintf(name, sizeof name, "task/%d/fd", tid);
	if (numdir_open(&d, w->dir, name) < 0)
		return -1;
	while ((r = numdir_next(&d, &fd)) == 1) {
		n = snprintf(name, sizeof name, "%d", fd);
		if (proc_readlink(d.fd, name, &target) < 0)
			target.n = 0;
		if (buf_put(text, name, (size_t)n + 1) < 0 ||
		    buf_put(text, target.s, target.n + 1) < 0) {
			r = -1;
			break;
		}
	}
	numdir_close(&d);
	buf_free(&target);
	return r;
}

/* Compare two threads' tables, as kcmp does. Where that is refused (seccomp, no
 * CONFIG_KCMP, a foreign procfs) two tables that read the same are one. */
static int
compare_tables(const struct walk *w, int a, int b)
{
	struct buf x = { 0 }, y = { 0 };
	int r = sys_kcmp(w->root, a, b, SYS_KCMP_FILES, 0, 0);

	if (r >= 0 || errno == ESRCH || errno == ETIMEDOUT)
		return r;
	if ((r = table_text(w, a, &x)) == 0 && (r = table_text(w, b, &y)) == 0)
		r = x.n == y.n && memcmp(x.s, y.s, x.n) == 0 ? 0 : 3;
	buf_free(&x);
	buf_free(&y);
	return r;
}

/*
 * Note the table of a thread: 1 if it is new, 0 if it was seen, -1 with errno.
 * The known ones are sorted by the order that kcmp tells, if it does (3: it
 * does not), so that many tables cost n log n.
 */
static int
note_table(struct walk *w, int tid)
{
	size_t lo = 0, hi = w->ntables, mid;
	int r, *more;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		r = compare_tables(w, tid, w->tables[mid]);
		if (r <= 0)
			return r;
		if (r == 1)
			hi = mid;
		else if (r == 2)
			lo = mid + 1;
		else
			break;
	}
	if (lo < hi) {
		for (mid = 0; mid < w->ntables; mid++)
			if ((r = compare_tables(w, tid, w->tables[mid])) <= 0)
				return r;
		lo = w->ntables;
	}
	if ((w->ntables & (w->ntables - 1)) == 0) {
		more = realloc(w->tables, 2 * (w->ntables + 1) * sizeof *more);
		if (!more)
			return -1;
		w->tables = more;
	}
	memmove(w->tables + lo + 1, w->tables + lo,
	        (w->ntables++ - lo) * sizeof *w->tables);
	w->tables[lo] = tid;
	return 1;
}

/* The next thread to look at: 1, 0 at the end, -1 with errno. */
static int
next_tid(struct walk *w, int *tid)
{
	if (!w->pick || w->pick->tid == 0)
		return numdir_next(&w->tasks, tid);
	if (w->at == w->end || w->at->pid != w->pid)
		return 0;
	*tid = w->at++->tid;
	return 1;
}

/*
 * The first thread that lives. It has the process's table, which is shown under
 * the PID; a dead leader has none, and its fd directory is empty, or forbidden
 * to its owner.
 */
static int
first_thread(struct walk *w)
{
	struct numdir tasks;
	int tid, dir, dead, first = 0;

	if (numdir_open(&tasks, w->dir, "task") < 0)
		return 0;
	while (!first && numdir_next(&tasks, &tid) == 1) {
		if ((dir = proc_thread(w->dir, tid)) < 0)
			continue;
		dead = is_bare(w, dir) > 0;
		close(dir);
		first = dead ? 0 : tid;
	}
	numdir_close(&tasks);
	return first;
}

/* The next table that was not seen: 1, 0 at the end, -1 with errno. */
static int
next_task(struct walk *w)
{
	int tid, dir, own, r, err = 0;

	while ((r = next_tid(w, &tid)) == 1) {
		/* nearly all threads have the table that was seen first: one
		 * call for them, and nothing opened */
		if (w->ntables && sys_kcmp(w->root, tid,
		    w->tables[w->ntables / 2], SYS_KCMP_FILES, 0, 0) == 0)
			continue;
		if ((dir = proc_thread(w->dir, tid)) < 0) {
			err = errno == ESRCH ? err : errno;
			continue;
		}
		if (is_bare(w, dir) > 0 || (r = note_table(w, tid)) == 0) {
			close(dir);
			continue;
		}
		own = tid != w->first;
		if (own && w->pick && w->pick->tid)
			own = compare_tables(w, tid, w->first) != 0;
		if (r == 1 && open_table(w, dir, own ? tid : 0) == 0)
			return 1;
		if (r < 0)
			close(dir);
		err = errno == ESRCH || errno == ENOENT ? err : errno;
	}
	if (r == 0 && err) {
		errno = err;
		return -1;
	}
	return r;
}

/*
 * Look for the threads of the process: 1 if next_task is to be asked, 0 if
 * there is one table, -1 with errno. The task directory has a link for each
 * thread. A tree that stands for a procfs may have none.
 */
static int
open_tasks(struct walk *w)
{
	struct kstatx st;

	w->at = w->pick;
	if (proc_lstatx(w->dir, "task", &st) < 0)
		return errno == ENOENT ? 0 : -1;
	if ((st.nlink == 2 || st.nlink == 3) && !(w->pick && w->pick->tid))
		return 0;
	w->first = first_thread(w);
	if (numdir_open(&w->tasks, w->dir, "task") < 0)
		return errno == ENOENT ? 0 : -1;
	return 1;
}

int
walk_table(struct walk *w)
{
	int r;

	close_table(w);
	if (w->state == FIRST) {
		w->state = DONE;
		if ((r = open_tasks(w)) < 0)
			return errno == ESRCH ? 0 : -1;
		if (r == 0) {
			if (open_table(w, w->dir, 0) == 0)
				return 1;
			return errno == ENOENT || errno == ESRCH ? 0 : -1;
		}
		w->state = TASKS;
	}
	while (w->state == TASKS) {
		if ((r = next_task(w)) != 1) {
			w->state = DONE;
			return r;
		}
		/* after a stall: not the tables before it */
		if (!w->from || w->pid != w->from->pid ||
		    w->tid == w->from->tid)
			return 1;
		close_table(w);
	}
	return 0;
}

int
walk_thread(const struct walk *w)
{
	return w->tid ? w->tid : w->first ? w->first : w->pid;
}

void
walk_infos(struct walk *w)
{
	int fd = proc_dir(w->table.dir, "fdinfo");

	w->table.infos = fd < 0 ? 0 : fd;
}

int
walk_single(const struct walk *w)
{
	return w->first == 0;
}

int
walk_status(struct walk *w, struct task_status *st)
{
	static struct buf b;

	if (w->status < 0)
		w->status = proc_file(w->dir, "status");
	if (w->status < 0 || proc_reread(w->status, "status", &b) < 0 ||
	    parse_status(b.s, st) < 0)
		return -1;
	w->euid = st->euid;
	w->parent = st->ppid;
	return 0;
}

long long
walk_euid(struct walk *w)
{
	struct task_status st;

	/* still_begin has read it already for a process of one thread */
	return w->euid < 0 && walk_status(w, &st) < 0 ? -1 : w->euid;
}

int
walk_begin(const struct walk *w, int fd)
{
	/* after a stall: not what was shown before it */
	if (w->from && w->pid == w->from->pid && w->tid == w->from->tid &&
	    fd < w->from->from)
		return 0;
	guard_fd(fd);
	return 1;
}

int
walk_fd(struct walk *w, int *fd)
{
	while (numdir_next(&w->fds, fd) == 1)
		if (walk_begin(w, *fd))
			return 1;
	return 0;
}

int
walk_map(struct walk *w, struct desc *d)
{
	size_t n;

	if (w->mapdir < 0) {
		/* only processes have map_files, but a thread's ID names one
		 * too: a dead leader has no memory any more */
		w->mapdir = w->table.dir == w->dir || w->first == w->pid ?
		    w->dir : proc_open(w->root, w->first);
		guard_process(w->pid);
		if (w->mapdir < 0 || maps_read(w->table.dir, w->mapdir,
		    &w->maps, &w->maps_begin, &n) < 0)
			return -1;
		w->map = w->maps_begin;
		w->maps_end = n ? w->map + n : w->map;
	}
	while (w->map < w->maps_end) {
		struct map_row *m = w->map++;

		if (desc_map(&w->table, w->mapdir, m, d) < 0) {
			if (errno == ENOENT)
				continue;
			return -1;
		}
		if (d->type != DESC_ANON)
			return 1;
	}
	return 0;
}

int
walk_hides(int root)
{
	struct walk_pick pick;

	/* There is always a process 1, of the procfs's pid namespace. */
	return walk_resolve(root, 1, &pick) < 0 && errno == EPERM;
}

int
walk_self(const struct walk *w)
{
	return sys_self(w->root, w->pid);
}
