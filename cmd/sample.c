#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "buf.h"
#include "call.h"
#include "out.h"
#include "cli.h"
#include "parse_task.h"
#include "thread.h"
#include "sample.h"

struct sample {
	int pid, tid;
	struct run run;
};

static struct sample *samples;
static size_t n;
static double interval;

void
sample_add(int pid, int tid, const struct run *run)
{
	samples = cli_grow(samples, n, sizeof *samples);
	samples[n++] = (struct sample){ pid, tid, *run };
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
sample_wait(unsigned ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	interval = ms / 1000.0;
	if (n == 0)
		return;
	qsort(samples, n, sizeof *samples, compare);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

void
sample_since(int pid, int tid, struct run *run)
{
	struct sample key = { .pid = pid, .tid = tid }, *s = NULL;

	if (n)
		s = bsearch(&key, samples, n, sizeof key, compare);
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
