/*
 * trace_test - how wrong the time left is, on made-up jobs whose truth is
 * known; prints TAP
 *
 * Each job is sampled once a second and joined at 0, 10, 30 and 60 % of its
 * bytes. An error is |log2(told / true)|: 1 is a factor of two. Each job has a
 * median and a p90 of them, of which the means are taken: the long jobs do not
 * count more. They are held against the mean since we joined, a window of 10 s,
 * and the figures that the estimator was chosen for.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"

enum { LONGEST = 2000, MOST = 10000 };

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
	steady, waves, blocks, small_blocks, dirty, noise, slower, cached, decay, bursts, rare,
	stall, mixed
};

enum { METER, MEAN, WINDOW, WAYS };

static double errors[WAYS][MOST];
static size_t count;

/* The time left by three ways, from the bytes at each second. */
static void
join(const double *pos, int from, int end)
{
	unsigned long long total = (unsigned long long)pos[end];
	struct meter m;
	double told[WAYS], truth;
	int t, k, back;

	meter_start(&m, from, (unsigned long long)pos[from]);
	for (t = from + 1; t < end; t++) {
		meter_add(&m, t, (unsigned long long)pos[t]);
		told[METER] = meter_eta(&m, total);
		back = t - from < 10 ? from : t - 10;
		told[MEAN] = (pos[end] - pos[t]) * (t - from) /
		    (pos[t] - pos[from]);
		told[WINDOW] = (pos[end] - pos[t]) * (t - back) /
		    (pos[t] - pos[back]);
		truth = end - t;
		/* the last seconds are nobody's */
		if (told[METER] < 0 || truth < 3)
			continue;
		for (k = 0; k < WAYS; k++) {
			if (!(told[k] < 1e9))	/* it did not move */
				told[k] = 1e9;
			errors[k][count] = fabs(log2((told[k] + 0.5) /
			                             (truth + 0.5)));
		}
		count++;
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
	static const char *const ways[] = { "meter", "mean", "10 s" };
	double median[WAYS] = { 0 }, most[WAYS] = { 0 };
	size_t i, n = sizeof jobs / sizeof *jobs;
	int k, bad;

	for (i = 0; i < n; i++) {
		count = 0;
		run(jobs[i]);
		for (k = 0; k < WAYS; k++) {
			qsort(errors[k], count, sizeof errors[k][0], compare);
			median[k] += errors[k][count / 2] / (double)n;
			most[k] += errors[k][count * 9 / 10] / (double)n;
		}
		printf("# job %zu: median %.3f, p90 %.3f\n", i,
		       errors[METER][count / 2], errors[METER][count * 9 / 10]);
	}
	for (k = 0; k < WAYS; k++)
		printf("# %s: median %.3f, p90 %.3f\n", ways[k], median[k],
		       most[k]);
	bad = check(median[METER] <= 0.367, "median at most .367");
	bad |= check(most[METER] <= 0.802, "p90 at most .802");
	bad |= check(median[METER] <= median[MEAN] && most[METER] <= most[MEAN],
	             "better than the mean");
	bad |= check(median[METER] <= median[WINDOW] &&
	             most[METER] <= most[WINDOW], "better than a window");
	printf("1..4\n");
	return bad;
}
