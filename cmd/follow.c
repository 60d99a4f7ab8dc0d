#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kernel.h"
#include "meter.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "activity.h"
#include "openfile.h"
#include "gauge.h"
#include "pick.h"
#include "report.h"
#include "once.h"
#include "follow.h"

#define GLANCE 0.1	/* s, to see whether something else moves */
#define STEP 0.1	/* s between two samples, at most */
#define LOOKS 0.2	/* s between two looks for what moves */
#define BRIEF 0.2	/* s that a file was seen and has no verdict */

static struct gauge g;		/* of the file that is followed; fd -1: none */
static struct gauge all;	/* of the process, where no FD was given */
static struct pick pick;
static struct job *job;
static double gap;		/* from the last sample to the end, s */
static double age;		/* of the process, if it only read this file */
static double next;		/* when the next record is due */
static unsigned brief;		/* files in a row that were seen briefly */
static int last_complete;	/* of the file before; -1: unknown */
static unsigned width;		/* of the terminal */

/* Was it too short a time to see whether it is the position that moves? */
static int
unseen(enum openfile_end how)
{
	return how == ENDED && !g.kept->file.moved &&
	    g.f.now - g.kept->file.since < GLANCE;
}

/* Is it through? 1, 0, or -1 where it can't be known. */
static int
completed(enum openfile_end how, int status)
{
	double rate = meter_rate(&g.m[METER_POS]), since = gap;
	double peak = g.m[METER_POS].peak;

	if (status > 0)
		return 0;
	if (g.total == 0)
		return status == 0 ? 1 : -1;
	if (g.pos >= g.total && !g.backwards)
		return 1;
	if ((g.by != BY_POS || g.data_size) && status == 0)
		return 1;
	/* what ended well, or goes on without this file, may have been as fast
	 * as ever since it was seen */
	if ((status == 0 || how != ENDED) && rate >= 0) {
		rate = peak > rate ? peak : rate;
		since = gap > 0.1 ? gap : 0.1;
	}
	if (rate < 0 || unseen(how))
		return -1;
	if ((double)g.pos + 2 * rate * since < (double)g.total)
		return 0;
	return how == ENDED && status < 0 ? -1 : 1;
}

/* When anything moved last. */
static double
alive(void)
{
	return all.alive > g.alive ? all.alive : g.alive;
}

/* What the record is about: the file, or, while that is another one all the
 * time, the process. */
static struct gauge *
shown(void)
{
	return g.f.fd < 0 || (brief && g.f.now - g.kept->file.since < BRIEF) ?
	    &all : &g;
}

/* What is said last is about the same. */
static void
stand_in(void)
{
	if (job->picks && shown() == &all)
		g = all;
}

/* Say by the last sample where it was: 1, or 0 if it does not tell how much
 * was done. The total is 0 where the position does not decide: it went back, or
 * something else moved last. */
static int
judge_end(void)
{
	int other = g.kept->elsewhere && g.f.seekable && !g.whole;
	int known;

	gauge_judge(&g, 1);
	g.eta = -1;
	if (g.by == BY_NONE && g.f.seekable)
		g.by = other ? BY_UNKNOWN : BY_POS;
	if (g.by == BY_PREAD || g.by == BY_MAP || g.by == BY_UNKNOWN ||
	    (other && g.by == BY_POS && g.pos < g.total))
		g.total = g.whole;
	known = g.total != 0;
	if (g.m[METER_POS].fell)
		g.total = 0;
	return known;
}

/* The last record, the verdict and the status that goes with it. */
static void
finish(enum openfile_end how)
{
	struct report_end e = { .how = how, .status = -1, .last = 1 };

	stand_in();
	if (how == ENDED && openfile_exit_status(&g.f, &e.status) < 0)
		e.status = -1;
	e.whole = judge_end();
	if (g.f.fd < 0 && !g.whole && e.status < 0)
		e.complete = last_complete;
	else
		e.complete = completed(how, e.status);
	/* it goes on from file to file: none of them is its end */
	if (job->picks && !g.whole && e.status == 0)
		e.complete = 1;
	e.whole &= e.complete <= 0 || g.total;
	report_end(&g, job->operand, &e);
	cli_fail(e.complete > 0 ? 0 : e.complete < 0 ? 3 : 5);
}

static void
give_up(void)
{
	struct report_end e = { .status = -1, .last = 1, .stalled = 1 };
	double since = alive();

	stand_in();
	gauge_judge(&g, 1);
	e.whole = g.total != 0;
	g.stalled = g.f.now - since;
	report_end(&g, job->operand, &e);
	cli_fail(4);
}

/* The process goes on, but not with this file; is that worth a verdict? */
static void
file_end(enum openfile_end how)
{
	struct report_end e = { .how = how, .status = -1 };

	brief = g.f.now - g.kept->file.since < BRIEF ? brief + 1 : 0;
	e.whole = judge_end();
	e.complete = last_complete = completed(how, -1);
	if (!brief)
		report_end(&g, job->operand, &e);
}

/* Begin with a descriptor, or without one; 0, or -1 with errno. */
static int
begin(struct gauge *to, int fd, int again)
{
	struct gauge fresh = { .kept = &job->kept[to == &all],
		.idle = GLANCE, .whole = job->size,
		.wordy = report.mode == OUT_JSON };

	fresh.f = to->f;
	fresh.f.fd = fd;
	fresh.f.kept = &fresh.kept->file;
	fresh.f.tid = 0;
	fresh.files[0] = to->files[0];
	fresh.files[1] = to->files[1];
	fresh.rings = to->rings;
	if (!again)
		memset(fresh.kept, 0, sizeof *fresh.kept);
	*to = fresh;
	if (gauge_attach(to) < 0)
		return -1;
	age = fd < 0 ? 0 : openfile_age(&to->f, &(int){ 0 });
	return 0;
}

/* Look for what moves, if none is followed or this one stands still; what
 * takes long is done seldom. */
static void
look(double now)
{
	int fd, fresh = now - pick.at < 1 + 100 * pick.cost;

	if (job->size || now - pick.at < LOOKS + 50 * pick.cost ||
	    (g.f.fd >= 0 && now - gauge_moved(&g) < LOOKS))
		return;
	if (pick_look(&pick, job->root, &job->pick) < 0)
		return;
	/* what moved since a look of long ago may rest since then */
	if (g.f.fd >= 0 && !fresh)
		return;
	fd = pick_moved(&pick);
	if (fd < 0 && g.f.fd < 0 && brief < 2 && pick.looks > 1)
		fd = pick_likely(&pick, 0);
	if (fd >= 0 && fd != g.f.fd && begin(&g, fd, 0) < 0)
		g.f.fd = -1;
}

/* How long to wait for the next sample, in ms: closer to the end, less. */
static int
pause_for(void)
{
	double left = STEP, rate = meter_rate(&g.m[METER_POS]), rest;
	unsigned long long total = openfile_total(&g.f);

	if (job->interval > 0 && job->interval < left)
		left = job->interval;
	if (g.f.now - g.kept->file.since < left) /* a rate soon after we came */
		left = g.f.now - g.kept->file.since;
	rest = rate > 0 && g.f.pos < total ?
	    (double)(total - g.f.pos) / rate / 10 : left;
	left = rest < left ? rest : left;
	return left > 0.002 ? (int)(left * 1000) : 2;
}

/* A record, if it is time for one; a line also when the window changes. */
static void
tick(double now)
{
	double every = job->interval > 0 ? job->interval : 1;
	unsigned columns;

	if (report.redraw && (columns = cli_width(STDOUT_FILENO)) != width) {
		if (width)
			report_show(shown(), job->operand);
		width = columns;
	}
	if (next <= 0)
		next = now + every;
	if (now < next)
		return;
	gauge_judge(shown(), every);
	report_show(shown(), job->operand);
	while (next <= now)
		next += every;
}

/* Let the meter know what was before it, once that is sure. */
static void
seed(void)
{
	struct meter *m = &g.m[METER_POS];
	double old = age + m->now - m->start, mean, rate = meter_average(m);

	if (age <= 0 || m->now - m->start <= 0.5)
		return;
	mean = (double)g.f.pos / old;
	if (rate > 0 && mean > rate * 0.75 && mean < rate * 1.33)
		meter_seed(m, old);
	age = 0;
}

/* The file is lost: 1 if that is the end of all. */
static int
lost(enum openfile_end how)
{
	int fd = g.f.fd;

	if (how == OPEN || how == ENDING)
		return 0;
	if (how == ENDED || !job->picks) {
		finish(how);
		return 1;
	}
	file_end(how);
	/* the same number again, unless it is another file each time */
	if (how == CLOSED || brief > 2 || begin(&g, fd, 0) < 0 ||
	    !g.f.seekable)
		g.f.fd = -1;
	return 0;
}

/* Take a sample of what is followed: 1 if that was the end of all. */
static int
sample(double now)
{
	if (g.f.fd >= 0 && gauge_sample(&g, 0) < 0 &&
	    lost(openfile_lost(&g.f, errno)))
		return 1;
	if (job->picks && (g.f.fd < 0 || now - all.f.now >= GLANCE))
		gauge_sample(&all, 0);
	return 0;
}

static void
loop(void)
{
	const struct openfile *f = job->picks ? &all.f : &g.f;
	double now;
	int wait = 2, over;

	if (g.f.fd >= 0) {
		gauge_judge(&g, 1);
		if (report.redraw) {
			width = cli_width(STDOUT_FILENO);
			report_show(&g, job->operand);
		}
	}
	for (;;) {
		over = openfile_ended(f, wait);
		now = openfile_clock(CLOCK_MONOTONIC);
		gap = now - g.m[METER_POS].now;
		if (over) {
			finish(ENDED);
			return;
		}
		if (sample(now))
			return;
		seed();
		if (job->picks)
			look(now);
		tick(now);
		if (job->stall > 0 && now - alive() >= job->stall) {
			give_up();
			return;
		}
		wait = g.f.fd >= 0 ? pause_for() : (int)(STEP * 1000);
	}
}

static void
prepare(struct gauge *to)
{
	to->f.root = job->root;
	to->f.pick = job->pick;
	to->f.info = to->f.fd = -1;
	/* before anything else: what ends from here on is seen to end */
	to->f.pidfd = sys_pidfd_open(job->root, job->pick.pid);
}

/* A step was not answered, and is not made again: nothing more is to be learned
 * but the end. Whether it moves is unknown, which is no stall. */
static void
await_end(void)
{
	double begin = openfile_clock(CLOCK_MONOTONIC);

	while (!openfile_ended(&g.f, (int)(STEP * 1000))) {
		if (job->stall <= 0 || openfile_clock(CLOCK_MONOTONIC) -
		    begin < job->stall)
			continue;
		if (!report.quiet)
			cli_warn("%s: not known for %g s whether it moves",
			         job->operand, job->stall);
		cli_fail(3);
		return;
	}
	finish(ENDED);
}

void
follow(struct job *j)
{
	int again = j->kept->file.attached && !j->picks;

	job = j;
	last_complete = -1;
	prepare(&g);
	prepare(&all);
	if (j->picks && pick_look(&pick, j->root, &j->pick) < 0) {
		job_refuse(j, &g, errno ? errno : ESRCH);
		return;
	}
	if (begin(j->picks ? &all : &g, j->fd, again) == 0) {
		if (j->fd >= 0 && !g.f.seekable && !report.quiet)
			job_no_position(j, &g.f.d);
		loop();
	} else if (again && errno == ETIMEDOUT) {
		await_end();
	} else if (again) {
		if (!lost(openfile_lost(&g.f, errno)))
			await_end();
	} else {
		job_refuse(j, &g, errno);
	}
}
