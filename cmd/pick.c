#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "parse_task.h"
#include "desc.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "activity.h"
#include "openfile.h"
#include "pick.h"

static struct buf text;
static struct stat ours[2];	/* the files that our own output goes to */

void
pick_not_ours(void)
{
	fstat(STDOUT_FILENO, &ours[0]);
	fstat(STDERR_FILENO, &ours[1]);
}

/* Is it where we write to? Its position and size are those of our output. */
static int
is_ours(const struct kstatx *st)
{
	int i;

	for (i = 0; i < 2; i++)
		if (st->ino == ours[i].st_ino &&
		    st->dev_major == major(ours[i].st_dev) &&
		    st->dev_minor == minor(ours[i].st_dev))
			return 1;
	return 0;
}

/* Is a regular file none but by its mode? Since Linux 6.9 a pidfd and since
 * 6.18 a namespace are such, without a size; their links are no paths. */
static int
is_object(int fds, const char *name, const struct kstatx *st)
{
	return S_ISREG(st->mode) && st->size == 0 &&
	    proc_readlink(fds, name, &text) == 0 && *text.s != '/';
}

/* Note a descriptor if it can have a position: 1 or 0; -1 with errno where it
 * may not be looked at. */
static int
note(const struct desc_table *t, struct pick_file *f)
{
	struct kstatx link;
	struct fdinfo i;
	char name[32];

	snprintf(name, sizeof name, "fdinfo/%d", f->fd);
	/* a FUSE file may refuse to tell of itself, its link does not */
	if (proc_statx(t->fds, name + 7, &f->st) < 0)
		return errno == EACCES && proc_readlink(t->fds, name + 7,
		    &text) < 0 && errno == EACCES ? -1 : 0;
	if ((!S_ISREG(f->st.mode) && !S_ISBLK(f->st.mode)) ||
	    is_ours(&f->st) || is_object(t->fds, name + 7, &f->st) ||
	    openfile_made(t, &f->st) ||
	    proc_lstatx(t->fds, name + 7, &link) < 0 || !(link.mode & 0600) ||
	    proc_read(t->dir, name, &text) < 0 || parse_fdinfo(text.s, &i) < 0)
		return 0;
	f->mode = (link.mode & 0600) == 0600 ? O_RDWR : link.mode & 0200 ?
	    O_WRONLY : O_RDONLY;
	f->pos = i.pos;
	return 1;
}

static int
compare(const void *x, const void *y)
{
	const struct pick_file *a = x, *b = y;

	return a->tid != b->tid ? (a->tid < b->tid ? -1 : 1) :
	    a->fd < b->fd ? -1 : a->fd > b->fd;
}

int
pick_look(struct pick *p, int root, const struct walk_pick *pick)
{
	double begin = openfile_clock(CLOCK_MONOTONIC);
	struct pick_file f;
	int r, noted, k = !p->now;

	if (p->looks == 0)
		p->call = -1;
	while (p->w.pick && walk_process(&p->w) > 0)
		;			/* closes what was open */
	walk_open(&p->w, root, pick, 1, 1);
	p->n[k] = 0;
	if (walk_process(&p->w) <= 0)
		return -1;
	while ((r = walk_table(&p->w)) == 1) {
		f.tid = p->w.tid;
		while (walk_fd(&p->w, &f.fd)) {
			if ((noted = note(&p->w.table, &f)) < 0)
				return -1;
			if (!noted)
				continue;
			p->files[k] = cli_grow(p->files[k], p->n[k], sizeof f);
			p->files[k][p->n[k]++] = f;
		}
	}
	if (r < 0)
		return -1;
	if (p->n[k])
		qsort(p->files[k], p->n[k], sizeof f, compare);
	p->now = k;
	p->looks++;
	p->at = openfile_clock(CLOCK_MONOTONIC);
	p->cost = p->at - begin;
	return 0;
}

void
pick_calls(struct pick *p)
{
	struct activity_call c;
	size_t i;
	int at = 0, fd;

	while (activity_call(p->w.dir, !walk_single(&p->w), &at, &c)) {
		fd = c.in >= 0 ? c.in : c.out;
		for (i = 0; c.positional && i < p->n[p->now]; i++)
			if (p->files[p->now][i].fd == fd)
				p->call = fd;
	}
}

/* How much a file tells of the progress, 0 if it did not move: read ones have
 * an end. A size that grows alone may be a copy's. */
static int
rank(const struct pick_file *a, const struct pick_file *b)
{
	if (a->pos == b->pos)
		return b->mode != O_RDONLY && b->st.size > a->st.size ? 3 : 0;
	return b->mode == O_RDONLY || S_ISBLK(b->st.mode) ? 4 : 2;
}

/* How far it moved. */
static unsigned long long
distance(const struct pick_file *a, const struct pick_file *b)
{
	return a->pos < b->pos ? b->pos - a->pos : a->pos - b->pos;
}

int
pick_moved(const struct pick *p)
{
	const struct pick_file *a, *b = p->files[p->now];
	unsigned long long most = 0;
	int best = PICK_NONE, top = 0, r;
	size_t i;

	for (i = 0; p->n[!p->now] && i < p->n[p->now]; i++, b++) {
		a = bsearch(b, p->files[!p->now], p->n[!p->now], sizeof *a,
		            compare);
		if (!a || !desc_same(&a->st, &b->st) || (r = rank(a, b)) == 0)
			continue;
		if (r > top || (r == top && distance(a, b) > most)) {
			best = b->fd;
			top = r;
			most = distance(a, b);
		}
	}
	return best >= 0 ? best : p->call;
}

int
pick_likely(const struct pick *p, int written)
{
	const struct pick_file *f = p->files[p->now];
	size_t i, n = p->n[p->now];
	int inside = PICK_NONE, several = 0, *one;
	int only = PICK_NONE, both = PICK_NONE;	/* read; read and written */

	for (i = 0; i < n; i++) {
		if (f[i].pos > 0 && f[i].pos < f[i].st.size) {
			several |= inside >= 0;
			inside = f[i].fd;
		}
		one = f[i].mode == O_RDONLY ? &only : &both;
		if (f[i].mode != O_WRONLY && f[i].st.size)
			*one = *one == PICK_NONE ? f[i].fd : PICK_SEVERAL;
	}
	if (inside >= 0)
		return several ? PICK_SEVERAL : inside;
	if (n == 1 && written)
		return f->fd;
	only = only == PICK_NONE ? both : only;
	return only != PICK_NONE ? only : n ? PICK_SEVERAL : PICK_NONE;
}

void
pick_close(struct pick *p)
{
	while (p->w.pick && walk_process(&p->w) > 0)
		;
	free(p->files[0]);
	free(p->files[1]);
	buf_free(&p->w.comm);
}

/* What a process has done up to now; 0, or -1 with errno. CPU time is counted
 * in ticks: who reads a mapping or by an io_uring (whose bytes io has not) may
 * use less, but has faults, and nanoseconds in schedstat (of its leader). */
static int
work(int root, struct pick_mover *m)
{
	unsigned long long n[ACTIVITY_COUNTERS], ns;
	struct task_stat st;
	char name[16];
	int i, r, err, dir;

	snprintf(name, sizeof name, "%d", m->pid);
	if ((dir = proc_open(root, m->pid)) < 0)
		return -1;
	r = activity_io(dir, n);
	m->done = 0;
	for (i = 0; r == 0 && i < ACTIVITY_COUNTERS; i++)
		m->done += n[i];
	if (r == 0 && (r = activity_cpu(dir, &st)) == 0) {
		m->done += st.ticks + st.faults;
		m->start = st.starttime;
		if (proc_read(dir, "schedstat", &text) == 0 &&
		    parse_schedstat(text.s, &ns) == 0)
			m->done += ns;
	}
	err = errno;
	close(dir);
	errno = err;
	return r;
}

/* Sleep for so many s, which poll(2) may not have room for. */
static void
rest(double s)
{
	double end = openfile_clock(CLOCK_MONOTONIC) + s;

	for (; s > 0; s = end - openfile_clock(CLOCK_MONOTONIC))
		poll(NULL, 0, s < INT_MAX / 1000 ? (int)(s * 1000) + 1 :
		     INT_MAX);
}

struct pick_mover *
pick_movers(int root, double apart, size_t *n,
            void (*refused)(int pid, int err))
{
	struct pick_mover *all = NULL, m;
	size_t i, k = 0;
	struct numdir d;

	*n = 0;
	if (numdir_open(&d, root, ".") < 0)
		return NULL;
	while (numdir_next(&d, &m.pid) == 1) {
		if (sys_self(root, m.pid))
			continue;
		if (work(root, &m) < 0) {
			refused(m.pid, errno);
			continue;
		}
		all = cli_grow(all, *n, sizeof m);
		all[(*n)++] = m;
	}
	numdir_close(&d);
	rest(apart);
	for (i = 0; i < *n; i++) {
		m = all[i];
		if (work(root, &m) == 0 && m.start == all[i].start &&
		    m.done != all[i].done)
			all[k++] = m;
	}
	*n = k;
	return all;
}
