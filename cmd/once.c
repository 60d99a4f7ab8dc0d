#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "meter.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "parse_task.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "activity.h"
#include "openfile.h"
#include "gauge.h"
#include "pick.h"
#include "report.h"
#include "once.h"

#define APART 0.25	/* s between two samples */
#define GLANCE 0.1	/* ... that only see what moves */
#define BATCH 64	/* processes that are measured at a time */

/* A process while it is measured. */
struct track {
	struct gauge g;
	struct gauge_kept kept;
	struct pick pick;
	int pid, err, busy, done;
	char operand[16];
	/* how old the process is, if it did nothing but read its file; from
	 * when on it was seen to move, and from where */
	double age, start, from, enough;
	unsigned long long from_pos;
};

void
job_no_position(const struct job *j, const struct desc *d)
{
	const char *kind = d->known && d->mode == -1 ? "O_PATH" :
	    d->type == DESC_REG ? "procfs" : desc_type_name(d->type);

	cli_warn("%s: descriptor %d (%s) has no position", j->operand, j->fd,
	         kind ? kind : "unknown");
}

/* Is the process one that has ended and that its parent has not waited for? A
 * dead leader is none. Then that is said, for it has no descriptors. */
static int
zombie(const struct job *j)
{
	static struct buf text;
	struct task_status st;
	int r, dir = proc_open(j->root, j->pick.pid);

	if (dir < 0)
		return 0;
	r = proc_read(dir, "status", &text);
	close(dir);
	if (r < 0 || parse_status(text.s, &st) < 0 ||
	    !strchr("ZX", st.state) || st.threads > 1)
		return 0;
	cli_warn("%s: ended (zombie): its parent has not waited for it",
	         j->operand);
	cli_fail(1);
	return 1;
}

void
job_refuse(const struct job *j, const struct gauge *g, int err)
{
	int other;

	if ((err == ENOENT || err == ESTALE) && zombie(j))
		return;
	if (err == ESPIPE) {
		job_no_position(j, &g->f.d);
		cli_fail(1);
	} else if (err == ENOENT || err == ESTALE) {
		other = j->fd > 0 ? proc_open(j->root, j->fd) : -1;
		cli_warn("%s: no descriptor %d%s", j->operand, j->fd,
		         other < 0 ? "" : " (one process at a time)");
		cli_fail(1);
	} else {
		cli_error(j->operand, err);
	}
}

/* Say which descriptors there are to choose from. */
static void
choose(const struct job *j, const struct pick *p)
{
	struct buf list = { 0 };
	char s[16];
	size_t i;

	if (zombie(j))
		return;
	for (i = 0; i < p->n[p->now]; i++)
		buf_put(&list, s, (size_t)snprintf(s, sizeof s, " %d",
		        p->files[p->now][i].fd));
	if (list.n)
		cli_warn("%s: nothing moves; name one of the descriptors%s",
		         j->operand, list.s);
	else
		cli_warn("%s: nothing moves, and no file is open", j->operand);
	cli_fail(1);
	buf_free(&list);
}

/* Is the mean since the process's start also what is seen now? A process that
 * waited before it read has another one. */
static int
plausible(double age, unsigned long long pos, double rate)
{
	double mean = age > 0 ? (double)pos / age : 0;

	return rate > 0 && mean > rate * 0.75 && mean < rate * 1.33;
}

/* Is the mean since the process's start its rate? Who never waited for
 * anything but a CPU has moved like this all the time; of another one 30 ms
 * must be seen, from movement to movement. */
static void
prove(struct track *t)
{
	const struct openfile *f = &t->g.f;

	if (t->age <= 0 || f->pos == t->from_pos)
		return;
	if (f->pos < t->from_pos) {
		t->age = 0;
	} else if (t->busy) {
		t->done = 1;
	} else if (t->from <= 0) {
		t->from = f->now;
		t->from_pos = f->pos;
	} else if (f->now - t->from >= t->enough) {
		t->done = plausible(t->age + f->now - t->start, f->pos,
		                    (double)(f->pos - t->from_pos) /
		                    (f->now - t->from));
		/* it may only have waited for a CPU: see more of it */
		t->enough *= 2;
		t->age = t->done || t->enough < 1 ? t->age : 0;
	}
}

/* Begin to measure; errors stay in err. What was picked may be closed again, or
 * another one that is not measured: then it is what the process does. */
static void
attach(struct track *t, const struct job *j)
{
	t->g.idle = 0.02;
	t->g.kept = &t->kept;
	t->g.f.kept = &t->kept.file;
	t->err = gauge_attach(&t->g) < 0 ? errno : 0;
	if (j->picks && (t->err == ENOENT || t->err == ESTALE ||
	    t->err == ESPIPE)) {
		t->g.f.fd = -1;
		t->err = gauge_attach(&t->g) < 0 ? errno : 0;
	}
	t->done = t->err != 0;
	if (t->done)
		return;
	/* the range was not passed evenly where there are holes */
	t->age = t->g.twin.fd >= 0 ? 0 : openfile_age(&t->g.f, &t->busy);
	t->enough = 0.03;
	t->start = t->g.f.now;
	t->from_pos = t->g.f.pos;
}

/* The next sample. What is closed meanwhile, or another file, is measured by
 * what the process does. */
static void
sample(struct track *t, int all)
{
	struct gauge *g = &t->g;

	/* they take turns: say who is asked */
	guard_process(g->f.w.pid);
	guard_thread(g->f.tid);
	guard_fd(g->f.fd);
	if (gauge_sample(g, all) == 0) {
		prove(t);
		return;
	}
	t->err = errno;
	if (t->err == EACCES || t->err == EPERM || t->err == ETIMEDOUT ||
	    g->changing) {
		t->done = 1;
		return;
	}
	g->changing = 1;
	g->f.fd = -1;
	g->f.seekable = g->f.d.named = g->f.d.known = 0;
	t->age = 0;
	t->done = gauge_sample(g, all) < 0;
	t->err = t->done ? errno : 0;
}

/* Decide what it goes by. A file that was only guessed is not what the counters
 * are about, or another one's mapping. */
static void
judge(struct gauge *g, const struct job *j)
{
	int fd = g->f.fd, seekable = g->f.seekable, known = g->f.d.known;

	gauge_judge(g, 0);
	if (!j->picks || fd < 0 || g->f.kept->moved || g->by < BY_IO)
		return;
	g->f.fd = -1;
	g->f.seekable = 0;
	gauge_judge(g, 0);
	if (g->by == BY_IO || g->by == BY_MAP)
		return;
	g->f.fd = fd;
	g->f.seekable = seekable;
	g->f.d.named = 1;
	g->f.d.known = known;
	gauge_judge(g, 0);
}

/* Say what was seen. */
static void
record(struct track *t, const struct job *j)
{
	struct gauge *g = &t->g;
	double age = t->age + g->f.now - t->start;

	if (t->age > 0 && t->done && g->by == BY_POS && !g->data_size) {
		g->rate = g->average = (double)g->f.pos / age;
		g->eta = g->f.pos < g->total ?
		    (double)(g->total - g->f.pos) / g->rate : -1;
	}
	if (g->changing && (g->by == BY_NONE || g->by == BY_UNKNOWN)) {
		job_refuse(j, g, ENOENT);
		return;
	}
	if (!j->picks && g->changing)
		g->f.fd = j->fd;
	if (j->fd >= 0 && !g->changing && !g->f.seekable) {
		job_no_position(j, &g->f.d);
		if (g->by == BY_NONE || g->by == BY_UNKNOWN) {
			cli_fail(1);
			return;
		}
	}
	report_show(g, t->operand);
}

/* Measure them all at once, until enough was seen of each. */
static void
measure(struct track *t, size_t n, double interval)
{
	double now = openfile_clock(CLOCK_MONOTONIC), end = now + interval;
	size_t i, open, young, lively;
	int wait = 0, most;

	do {
		if (end - now < (double)wait / 1000)
			wait = (int)((end - now) * 1000) + 1;
		poll(NULL, 0, wait);
		now = openfile_clock(CLOCK_MONOTONIC);
		for (i = open = young = lively = 0; i < n; i++) {
			if (!t[i].done)
				sample(&t[i], now >= end);
			open += !t[i].done;
			young += !t[i].done && t[i].age > 0;
			lively += t[i].g.alive > t[i].start;
		}
		/* to wake costs more than a sample */
		most = n > 1 ? lively ? 24 : 120 : young ? 4 : 12;
		wait = wait ? wait * 3 : 1;
		wait = wait < most ? wait : most;
	} while (open && now < end);
}

/* Find what moves in each of them; fd is PICK_NONE where nothing does. */
static void
pick(struct track *t, size_t n, int root)
{
	double end = openfile_clock(CLOCK_MONOTONIC) + GLANCE;
	size_t i;

	for (i = 0; i < n; i++)
		if (pick_look(&t[i].pick, root, &t[i].g.f.pick) < 0)
			t[i].err = errno ? errno : ESRCH;
	do {
		poll(NULL, 0, 20);
		for (i = 0; i < n; i++)
			if (!t[i].err) {
				guard_process(t[i].g.f.pick.pid);
				pick_calls(&t[i].pick);
			}
	} while (openfile_clock(CLOCK_MONOTONIC) < end);
	for (i = 0; i < n; i++) {
		if (!t[i].err && pick_look(&t[i].pick, root,
		                           &t[i].g.f.pick) < 0)
			t[i].err = errno ? errno : ESRCH;
		t[i].g.f.fd = t[i].err ? -1 : pick_moved(&t[i].pick);
	}
}

static void
begin(struct track *t, const struct job *j, const struct walk_pick *p)
{
	memset(t, 0, sizeof *t);
	t->g.f.root = j->root;
	t->g.f.pick = *p;
	t->g.f.fd = j->fd;
	t->g.f.pidfd = t->g.f.info = -1;
	t->g.whole = j->size;
	t->g.wordy = report.mode == OUT_JSON;
	snprintf(t->operand, sizeof t->operand, "%d", p->pid);
}

/* Nothing moved between two looks: what is meant? */
static void
guess(struct track *t)
{
	int fd = pick_likely(&t->pick, 1);

	t->g.f.fd = fd;
	if (fd == PICK_SEVERAL)
		t->g.f.fd = -1;
}

void
once(struct job *j)
{
	static struct track t;

	begin(&t, j, &j->pick);
	snprintf(t.operand, sizeof t.operand, "%.15s", j->operand);
	if (j->picks && !j->size) {
		pick(&t, 1, j->root);
		if (!t.err && t.g.f.fd < 0)
			guess(&t);
	} else if (j->picks && pick_look(&t.pick, j->root, &j->pick) < 0) {
		t.err = errno ? errno : ESRCH;
	}
	if (!t.err)
		attach(&t, j);
	if (t.err) {
		job_refuse(j, &t.g, t.err);
		return;
	}
	measure(&t, 1, j->interval > 0 ? j->interval : APART);
	if (t.err && !t.g.changing) {
		job_refuse(j, &t.g, t.err);
		return;
	}
	judge(&t.g, j);
	if (t.g.f.fd < 0 && j->picks && !j->size &&
	    (t.g.by == BY_NONE || t.g.by == BY_UNKNOWN))
		choose(j, &t.pick);
	else
		record(&t, j);
}

static void
refused(int pid, int err)
{
	cli_process_error(pid, err, 1);
}

/* Is it worth a record among those of all processes? */
static int
moves(const struct track *t)
{
	const struct gauge *g = &t->g;

	return !t->err && g->by < BY_NONE && (g->by != BY_IO ||
	    g->rate >= 1 << 20);
}

/* Measure some processes at a time; how many records there were. */
static size_t
batch(const struct job *j, struct track *t, size_t n)
{
	size_t i, shown = 0;

	pick(t, n, j->root);
	for (i = 0; i < n; i++) {
		if (!t[i].err && t[i].g.f.fd < 0)
			guess(&t[i]);
		if (!t[i].err)
			attach(&t[i], j);
		t[i].done |= t[i].err != 0;
	}
	measure(t, n, j->interval > 0 ? j->interval : APART);
	for (i = 0; i < n; i++) {
		guard_process(t[i].g.f.pick.pid);
		if (!t[i].err)
			judge(&t[i].g, j);
		if (moves(&t[i])) {
			record(&t[i], j);
			shown++;
		}
		gauge_close(&t[i].g);
		pick_close(&t[i].pick);
	}
	return shown;
}

void
once_machine(struct job *j)
{
	double apart = j->interval > 0 ? j->interval : APART;
	struct pick_mover *m;
	struct track *t;
	size_t n, i, k, at, shown = 0;

	m = pick_movers(j->root, apart, &n, refused);
	if (n && !(t = calloc(n < BATCH ? n : BATCH, sizeof *t))) {
		cli_error(cli.procfs, errno);
		return;
	}
	for (at = 0; at < n; at += k) {
		k = n - at < BATCH ? n - at : BATCH;
		for (i = 0; i < k; i++)
			begin(&t[i], j, &(struct walk_pick){
				.pid = m[at + i].pid });
		shown += batch(j, t, k);
	}
	cli_hidden(j->root);
	k = cli_refused();
	if (shown == 0) {
		cli_warn("nothing moves");
		cli_fail(k ? 3 : 1);
	}
	free(m);
}
