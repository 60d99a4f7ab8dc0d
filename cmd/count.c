#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "num.h"
#include "out.h"
#include "count.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"

const struct out_column count_columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "FDS", 7 }, { "LIMIT", 7 },
	{ 0 }
};

static struct buf text;

/* Count the names in a directory; 0, or -1 with errno. */
static int
count_names(int dir, const char *name, unsigned long long *n)
{
	struct numdir d;
	int fd, r;

	if (numdir_open(&d, dir, name) < 0)
		return -1;
	for (*n = 0; (r = numdir_next(&d, &fd)) == 1; ++*n)
		;
	numdir_close(&d);
	return r;
}

/* Has procfs the number of descriptors as the size of a directory fd (since
 * Linux 6.2)? The tool itself has some; to count them opens one more. */
static int
has_sizes(int root)
{
	static int known, has;
	struct kstatx st;
	unsigned long long n;

	if (!known)
		has = proc_lstatx(root, "self/fd", &st) == 0 && st.size > 0 &&
		    count_names(root, "self/fd", &n) == 0 &&
		    (n == st.size || n == st.size + 1);
	known = 1;
	return has;
}

static int
count_fds(int root, int dir, const char *name, unsigned long long *n)
{
	struct kstatx st;

	if (!has_sizes(root))
		return count_names(dir, name, n);
	if (proc_lstatx(dir, name, &st) < 0)
		return -1;
	*n = st.size;
	return 0;
}

/* The descriptors of a process whose leader has none: it may have ended before
 * its threads. */
static int
count_threads(int root, int dir, unsigned long long *n)
{
	struct numdir tasks;
	char name[32];
	int tid, r = 0;

	*n = 0;
	if (numdir_open(&tasks, dir, "task") < 0)
		return errno == ENOENT ? 0 : -1;
	while (r == 0 && *n == 0 && numdir_next(&tasks, &tid) == 1) {
		snprintf(name, sizeof name, "task/%d/fd", tid);
		r = count_fds(root, dir, name, n);
		if (r < 0 && (errno == ENOENT || errno == ESRCH))
			r = *n = 0;
	}
	numdir_close(&tasks);
	return r;
}

/* The soft limit; 0, or -1 where it is not known. */
static int
limit(const struct walk *w, unsigned long long *max)
{
	const char *s;
	char number[24];
	size_t n;

	if (sys_nofile(w->root, w->pid, max) == 0)
		return 0;
	if (proc_read(w->dir, "limits", &text) < 0 ||
	    !(s = strstr(text.s, "\nMax open files ")))
		return -1;
	s += sizeof "\nMax open files " - 1;
	s += strspn(s, " ");
	n = strcspn(s, " ");
	snprintf(number, sizeof number, "%.*s", (int)n, s);
	return num_parse(number, UINT64_MAX, max);
}

int
count_put(struct out *o, const struct walk *w)
{
	int dir = w->tid ? w->table.dir : w->dir;
	unsigned long long n, max;

	if (count_fds(w->root, dir, "fd", &n) < 0)
		return -1;
	if (n == 0 && !w->tid && count_threads(w->root, dir, &n) < 0)
		return -1;
	if (proc_read(dir, "comm", &text) < 0) {
		if (!proc_is_copy() || errno != ENOENT)
			return -1;
		text.n = 0;		/* a copy may have none */
	}
	if (text.n && text.s[text.n - 1] == '\n')
		text.n--;
	out_num(o, (unsigned)(w->tid && o->mode != OUT_JSON ? w->tid :
	        w->pid));
	out_str(o, text.s, text.n);
	out_num(o, n);
	if (limit(w, &max) == 0)
		out_num(o, max);
	else
		out_null(o);
	if (w->tid)
		out_key_num(o, "tid", (unsigned)w->tid);
	else
		out_key_null(o, "tid");
	return 0;
}
