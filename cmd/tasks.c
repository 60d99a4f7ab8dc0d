#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "tasks.h"

int
tasks_open(struct tasks *t, int root, const struct walk_pick *picks, int n,
           int at, const struct guard_at *from)
{
	t->root = root;
	t->picks = picks;
	t->n = n;
	t->at = at - 1;
	t->from = from;
	t->fresh = 1;
	t->dir = t->threads.fd = -1;
	return n ? 0 : numdir_open(&t->processes, root, ".");
}

/* The next operand: 1, 0 at the end, -1 with errno. */
static int
next_operand(struct tasks *t)
{
	struct walk_pick pick;

	if (!t->fresh)
		t->from = NULL;		/* the stall was in the first one */
	t->fresh = 0;
	if (++t->at == t->n)
		return 0;
	t->pid = t->picks[t->at].pid;
	if (walk_resolve(t->root, t->pid, &pick) < 0)
		return -1;
	t->pid = pick.pid;
	t->tid = t->picks[t->at].tid ? t->picks[t->at].tid : pick.tid;
	return (t->dir = proc_open(t->root, t->pid)) < 0 ? -1 : 1;
}

/* The next process there is: 1, or 0 at the end. */
static int
next_process(struct tasks *t)
{
	t->tid = 0;
	while (numdir_next(&t->processes, &t->pid) == 1) {
		if ((t->from && t->pid < t->from->pid) ||
		    sys_self(t->root, t->pid))
			continue;
		if ((t->dir = proc_open(t->root, t->pid)) >= 0)
			return 1;
	}
	numdir_close(&t->processes);
	return 0;
}

/* After a stall: is the thread that did not answer still there? They come by
 * age, so the others follow it; else what came after its number has to do. */
static void
find_stuck(struct tasks *t)
{
	int dir;

	t->unanswered = t->from && t->from->pid == t->pid;
	t->stuck = t->unanswered ? t->from->tid : 0;
	t->behind = 0;
	if (!t->stuck)
		return;
	if ((dir = proc_thread(t->dir, t->stuck)) < 0) {
		t->behind = t->stuck;
		t->stuck = 0;
	} else {
		close(dir);
	}
}

int
tasks_process(struct tasks *t)
{
	int r;

	if (t->threads.fd >= 0)
		numdir_close(&t->threads);
	if (t->dir >= 0)
		close(t->dir);
	t->dir = -1;
	if ((r = t->n ? next_operand(t) : next_process(t)) != 1)
		return r;
	find_stuck(t);
	if (t->tid || numdir_open(&t->threads, t->dir, "task") == 0)
		return 1;
	if (errno == ENOENT)
		errno = ESRCH;
	return -1;
}

static int
open_thread(struct tasks *t, int tid)
{
	int dir = proc_thread(t->dir, tid);

	t->unanswered |= dir < 0 && errno == ETIMEDOUT;
	return dir;
}

int
tasks_thread(struct tasks *t, int *tid)
{
	int dir;

	if (t->tid) {
		*tid = t->tid;
		t->tid = -1;
		return *tid < 0 ? -1 : open_thread(t, *tid);
	}
	while (numdir_next(&t->threads, tid) == 1) {
		if (*tid < t->behind || (t->stuck && *tid != t->stuck))
			continue;
		t->stuck = 0;
		if ((dir = open_thread(t, *tid)) >= 0)
			return dir;
	}
	return -1;
}
