#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "meter.h"
#include "out.h"
#include "cli.h"
#include "progress.h"

#define FIRST 1.0	/* s before there is a line */
#define EACH 0.25	/* s from one to the next */

static struct meter meter;
static struct buf name;
static unsigned long long total;
static double next;			/* when to draw; 0: never */
static int drawn;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
progress_begin(const char *s, unsigned long long bytes)
{
	double t = now();

	next = isatty(STDERR_FILENO) ? t + FIRST : 0;
	total = bytes;
	name.n = 0;
	out_quote(&name, s, strlen(s), 0);
	meter_start(&meter, t, 0);
}

static void
draw(unsigned long long bytes)
{
	char percent[16], amount[40], of[16], rate[24] = "", clock[24] = "ETA ";
	double r = meter_rate(&meter), eta = meter_eta(&meter, total);

	snprintf(percent, sizeof percent, "%.1f%%",
	         (double)bytes * 100 / (double)total);
	out_scale(amount, bytes);
	out_scale(of, total);
	strcat(strcat(amount, "/"), of);
	if (r >= 0) {
		out_scale(rate, (unsigned long long)r);
		strcat(rate, "/s");
	}
	if (eta >= 0)
		meter_clock(clock + 4, eta);
	cli_draw(STDERR_FILENO, &(struct meter_text){
		.name = name.s, .percent = total ? percent : NULL,
		.bytes = amount, .rate = *rate ? rate : NULL,
		.clock = eta >= 0 ? clock : NULL
	}, 0);
	drawn = 1;
}

void
progress_at(unsigned long long bytes)
{
	double t;

	if (next <= 0 || (t = now()) < next)
		return;
	next = t + EACH;
	/* compressed, it takes less space than it has bytes */
	if (total && bytes > total)
		total = bytes;
	meter_add(&meter, t, bytes);
	draw(bytes);
}

void
progress_end(void)
{
	if (drawn)
		guard_write(STDERR_FILENO, "\r\033[K", 4);
	drawn = 0;
	next = 0;
}
