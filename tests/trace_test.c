/*
 * trace_test - how wrong the time left is, on made-up jobs whose truth is
 * known; prints TAP
 *
 * Each job is sampled once a second and joined at 0, 10, 30 and 60 % of its
 * bytes. An error is |log2(told / true)|: 1 is a factor of two. Each job has a
 * median and a p90 of them, of which the means are taken, so that long jobs do
 * not count more; those of all errors together are printed beside. They are
 * held against the figures that the estimator was chosen for, and against
 * those of other ones on the same jobs: the mean since we joined, which never
 * forgets, may have a p90 that is a little better, and a window of 30 s, which
 * forgets all, a better median. Where a window saw no movement it tells
 * nothing, which is not counted as an error.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"

enum { LONGEST = 2000, MOST = 10000, TOTAL = 100000 };

static unsigned seed = 1;

/* 0 to 1, the same each time. */
static double
chance(void)
{
	seed = seed * 1103515245 + 12345;
	return (double)(seed >> 16 & 0x7fff) / 0x7fff;
}

/* Bytes in second t of each job. These five are like sha256sum, gzip of mixed
 * files, xz -T2 of two levels, and dd until its pages must be written. */
static double
steady(int t)
{
	return t < 120 ? 2e8 * (0.9 + 0.2 * chance()) : 0;
}

static double
waves(int t)
{
	return t < 240 ? t / 40 % 2 ? 1.5e7 : 2.5e7 : 0;
}

static double
blocks(int t)
{
	return t < 244 && t % 14 == 0 ? 5e7 : 0;
}

static double
small_blocks(int t)
{
	return t < 93 && t % 4 == 0 ? 2.5e7 * (0.8 + 0.4 * chance()) : 0;
}

static double
dirty(int t)
{
	return t < 5 ? 4e8 : t < 90 ? 4e7 + 8e7 * chance() : 0;
}

static double
noise(int t)
{
	return t < 300 ? 2e7 * (0.5 + chance()) : 0;
}

static double
slower(int t)
{
	return t < 150 ? 5e7 : t < 300 ? 1e7 : 0;
}

static double
cached(int t)
{
	return t < 10 ? 2e8 : t < 250 ? 2e7 : 0;
}

static double
decay(int t)
{
	return t < 300 ? 5e7 / (1 + t / 60.0) : 0;
}

static double
bursts(int t)
{
	return t < 300 ? t % 5 ? 0 : 1e8 : 0;
}

static double
rare(int t)
{
	return t < 600 ? t % 30 ? 0 : 6e8 : 0;
}

static double
stall(int t)
{
	return t < 330 ? t >= 120 && t < 150 ? 0 : 2e7 : 0;
}

static double
mixed(int t)
{
	static double rate;

	if (t % 7 == 0)
		rate = chance() < 0.3 ? 2e6 : 4e7 * chance();
	return t < 400 ? rate + 1e6 * chance() : 0;
}

static double (*const jobs[])(int) = {
	steady, waves, blocks, small_blocks, dirty, noise, slower, cached,
	decay, bursts, rare, stall, mixed
};

enum { METER, SEEDED, WHOLE, WINDOW5, WINDOW10, WINDOW30, WAYS };

static struct way {
	const char *name;
	int back;			/* s that count; 0: all */
	double errors[MOST], all[TOTAL];
	size_t n, nall;
	double median, most;		/* the sums of those of the jobs */
} ways[WAYS] = {
	[METER] = { .name = "meter" },
	[SEEDED] = { .name = "meter that knows the start" },
	[WHOLE] = { .name = "mean since we joined" },
	[WINDOW5] = { .name = "window of 5 s", .back = 5 },
	[WINDOW10] = { .name = "window of 10 s", .back = 10 },
	[WINDOW30] = { .name = "window of 30 s", .back = 30 },
};

static void
tell(struct way *w, double told, double truth)
{
	double e = fabs(log2((told + 0.5) / (truth + 0.5)));

	/* the last seconds are nobody's */
	if (told < 0 || told > 1e9 || truth < 3)
		return;
	w->errors[w->n++] = e;
	w->all[w->nall++] = e;
}

/* The time left in each way, from the bytes at each second. */
static void
join(const double *pos, int from, int end)
{
	unsigned long long total = (unsigned long long)pos[end];
	struct meter m, seeded;
	int t, k, back;

	meter_start(&m, from, (unsigned long long)pos[from]);
	seeded = m;
	for (t = from + 1; t < end; t++) {
		meter_add(&m, t, (unsigned long long)pos[t]);
		meter_add(&seeded, t, (unsigned long long)pos[t]);
		if (t == from + 1)
			meter_seed(&seeded, t);
		tell(&ways[METER], meter_eta(&m, total), end - t);
		tell(&ways[SEEDED], meter_eta(&seeded, total), end - t);
		for (k = WHOLE; k < WAYS; k++) {
			back = ways[k].back && t - from > ways[k].back ?
			    t - ways[k].back : from;
			if (t - from >= 3)	/* as the meter has it */
				tell(&ways[k], (pos[end] - pos[t]) *
				     (t - back) / (pos[t] - pos[back]),
				     end - t);
		}
	}
}

static void
run(double (*job)(int))
{
	static const double joined[] = { 0, 0.1, 0.3, 0.6 };
	static double pos[LONGEST + 1];
	int t, from, end = 0;
	size_t i;

	for (t = 0; t < LONGEST; t++) {
		pos[t + 1] = pos[t] + job(t);
		end = pos[t + 1] > pos[t] ? t + 1 : end;
	}
	for (i = 0; i < sizeof joined / sizeof *joined; i++) {
		for (from = 0; pos[from] < joined[i] * pos[end]; from++)
			;
		join(pos, from, end);
	}
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The part of the errors that is no larger. */
static double
part(double *errors, size_t n, double p)
{
	qsort(errors, n, sizeof *errors, compare);
	return errors[(size_t)((double)n * p)];
}

static int
check(int ok, const char *what)
{
	static int n;

	printf("%sok %d - %s\n", ok ? "" : "not ", ++n, what);
	return !ok;
}

int
main(void)
{
	size_t i, k, n = sizeof jobs / sizeof *jobs;
	struct way *w;
	int bad = 0;

	for (i = 0; i < n; i++) {
		run(jobs[i]);
		for (w = ways; w < ways + WAYS; w++) {
			w->median += part(w->errors, w->n, 0.5) / (double)n;
			w->most += part(w->errors, w->n, 0.9) / (double)n;
			if (w == &ways[METER])
				printf("# job %zu: median %.3f, p90 %.3f\n",
				       i, part(w->errors, w->n, 0.5),
				       part(w->errors, w->n, 0.9));
			w->n = 0;
		}
	}
	for (w = ways; w < ways + WAYS; w++)
		printf("# %s: median %.3f, p90 %.3f; of all %.3f, %.3f\n",
		       w->name, w->median, w->most,
		       part(w->all, w->nall, 0.5), part(w->all, w->nall, 0.9));
	w = &ways[METER];
	bad |= check(w->median <= 0.367 && w->most <= 0.802,
	             "median at most .367, p90 .802");
	bad |= check(ways[SEEDED].median <= 0.353 && ways[SEEDED].most <= 0.790,
	             "with the start median at most .353, p90 .790");
	bad |= check(w->median <= ways[WHOLE].median &&
	             w->most <= ways[WHOLE].most * 0.802 / 0.774,
	             ways[WHOLE].name);
	for (k = WINDOW5; k < WAYS; k++)
		bad |= check((k == WINDOW30 || w->median <= ways[k].median) &&
		             w->most <= ways[k].most, ways[k].name);
	printf("1..6\n");
	return bad;
}
