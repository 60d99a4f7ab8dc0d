#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "parse_task.h"
#include "desc.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "still.h"

#define FNV_PRIME 0x100000001b3ULL

enum {
	WORTHWHILE = 100,	/* so many are worth a look at the threads */
	WORTH_ONE = 2,		/* ... at a single one */
	CALLS = 16		/* a descriptor that is read again takes */
};

/* Add who a thread is, how it sleeps and how often it was switched. A sum would
 * be the same where one has ended and the next has not got so far; and one that
 * ends is dead by its state before it is switched the last time. */
static void
add_thread(unsigned long long *switches, const struct task_status *st)
{
	*switches = (*switches ^ (unsigned)st->pid) * FNV_PRIME;
	*switches = (*switches ^ (unsigned char)st->state) * FNV_PRIME;
	*switches = (*switches ^ st->switches) * FNV_PRIME;
}

/*
 * Do all threads of the process sleep? 1 and a hash of their switches: if that
 * is unchanged at a second call, none of them ran in between. Else 0.
 */
static int
is_asleep(struct walk *w, unsigned long long *switches)
{
	static struct buf b;
	struct task_status st;
	struct numdir tasks;
	char name[32];
	int tid, r, n = 0;

	*switches = 0;
	/* A second thread would have to be made by the one that sleeps; but it
	 * may have done so since the process was opened. */
	if (walk_single(w)) {
		if (walk_status(w, &st) < 0)
			return 0;
		add_thread(switches, &st);
		return st.state != 'R' && st.threads == 1;
	}
	if (numdir_open(&tasks, w->dir, "task") < 0)
		return 0;
	while ((r = numdir_next(&tasks, &tid)) == 1) {
		snprintf(name, sizeof name, "task/%d/status", tid);
		/* The switch that takes a thread off its CPU is counted. */
		if (proc_read(w->dir, name, &b) < 0 ||
		    parse_status(b.s, &st) < 0 || st.state == 'R')
			break;
		add_thread(switches, &st);
		w->parent = st.ppid;
		n++;
	}
	numdir_close(&tasks);
	/* one may have been made since they were listed */
	return r == 0 && n && n == st.threads;
}

/* Has the process executed a program since it was made? */
static int
has_executed(const struct walk *w)
{
	static struct buf b;
	struct task_stat st;

	return proc_read(w->dir, "stat", &b) == 0 &&
	    parse_stat(b.s, &st) == 0 && !(st.flags & PF_FORKNOEXEC_);
}

/* Has a child of that thread the table, too, or may it? That of more than *left
 * is not found out. */
static int
has_child(const struct walk *w, int tid, size_t *left)
{
	static struct buf b;
	char name[32], *s, *end;
	long child;
	int r;

	snprintf(name, sizeof name, "task/%d/children", tid);
	if (proc_read(w->dir, name, &b) < 0)
		return 1;
	for (s = b.s; (child = strtol(s, &end, 10)), end > s; s = end) {
		if ((*left)-- == 0)
			return 1;
		r = sys_shares(w->root, walk_thread(w), (int)child);
		if (r > 0 || (r < 0 && errno != ESRCH))
			return 1;
	}
	return 0;
}

/*
 * Has no process but this one the table? A process of clone(CLONE_FILES) shares
 * it with the one that made it until one of them executes a program, which
 * makes a table of its own. So the others are its parent, if the process has
 * executed nothing, and its children, whom CONFIG_PROC_CHILDREN lists. What is
 * not seen is one whose parent is another: it has ended, or made it with
 * CLONE_PARENT.
 */
static int
is_alone(const struct walk *w, size_t left)
{
	struct numdir tasks;
	int r, tid = walk_thread(w);

	/* does it answer itself? then only the others may not */
	sys_kcmp(w->root, tid, tid, SYS_KCMP_FILES, 0, 0);
	r = w->parent ? sys_shares(w->root, tid, w->parent) : -1;
	if (r > 0 || (r < 0 && !has_executed(w)))
		return 0;
	if (walk_single(w))
		return !has_child(w, w->pid, &left);
	if (numdir_open(&tasks, w->dir, "task") < 0)
		return 0;
	while ((r = numdir_next(&tasks, &tid)) == 1 &&
	       !has_child(w, tid, &left))
		;
	numdir_close(&tasks);
	return r == 0;
}

int
still_begin(struct walk *w, size_t n)
{
	if (!w->still && n >= (walk_single(w) ? WORTH_ONE : WORTHWHILE))
		w->still = is_asleep(w, &w->switches) && is_alone(w, CALLS * n);
	return w->still;
}

int
still_holds(struct walk *w)
{
	unsigned long long before = w->switches;

	return w->still = is_asleep(w, &w->switches) && w->switches == before;
}
