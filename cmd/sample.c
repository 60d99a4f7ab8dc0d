#include <sys/resource.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "buf.h"
#include "call.h"
#include "guard.h"
#include "out.h"
#include "cli.h"
#include "parse_task.h"
#include "thread.h"
#include "sample.h"

struct sample {
	int pid, tid;
	struct run run;
};

enum { MOST = 1 << 22 };	/* threads, by the kernel's own limit */

/* What a child that got stuck leaves to the next: the first look. */
static struct samples {
	int taken;
	size_t n;
	struct sample a[];
} *samples;
static size_t most = MOST;
static double interval;

void
sample_share(unsigned ms)
{
	struct rlimit space;

	interval = ms / 1000.0;
	/* Pages that are not touched cost nothing but address space: where that
	 * is limited, a quarter of it. */
	if (getrlimit(RLIMIT_AS, &space) == 0 &&
	    space.rlim_cur / 4 / sizeof *samples->a < most)
		most = (size_t)space.rlim_cur / 4 / sizeof *samples->a;
	samples = guard_share(sizeof *samples + most * sizeof *samples->a);
	if (!samples)
		cli_die();
}

int
sample_taken(void)
{
	return samples->taken;
}

void
sample_begin(void)
{
	samples->n = 0;
}

void
sample_add(int pid, int tid, const struct run *run)
{
	if (samples->n == most) {
		errno = ENOMEM;
		cli_die();
	}
	samples->a[samples->n++] = (struct sample){ pid, tid, *run };
}

static int
compare(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

void
sample_wait(void)
{
	struct timespec t = { .tv_sec = (time_t)interval };

	t.tv_nsec = (long)((interval - (double)t.tv_sec) * 1e9);
	if (samples->n) {
		qsort(samples->a, samples->n, sizeof *samples->a, compare);
		while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
			;
	}
	samples->taken = 1;
}

void
sample_since(int pid, int tid, struct run *run)
{
	struct sample key = { .pid = pid, .tid = tid }, *s;

	s = bsearch(&key, samples->a, samples->n, sizeof key, compare);
	/* less than before is another thread by that number */
	if (s && s->run.times <= run->times && s->run.ns <= run->ns) {
		run->times -= s->run.times;
		run->ns -= s->run.ns;
	}
	/* it never left its CPU */
	if (run->ns && run->times == 0)
		run->times = 1;
}

void
sample_put(struct buf *b, const struct run *run)
{
	cli_put(b, " [ran %llu time%s", run->times,
	        run->times == 1 ? "" : "s");
	if (run->times)
		cli_put(b, ", %.0f ms CPU", (double)run->ns / 1e6);
	cli_put(b, " in %g s]", interval);
}
