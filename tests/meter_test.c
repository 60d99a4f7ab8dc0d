/* meter_test - the meter against traces whose truth is known; prints TAP */
#include <stdio.h>
#include <string.h>

#include "meter.h"

static int n, failed;

static void
check(int ok, const char *what, double got)
{
	failed |= !ok;
	printf("%sok %d - %s (%g)\n", ok ? "" : "not ", ++n, what, got);
}

static void
near(double got, double want, double tolerance, const char *what)
{
	check(got >= want * (1 - tolerance) && got <= want * (1 + tolerance),
	      what, got);
}

/* A steady 10 MB/s, seen from 35 % of 1 GB on. */
static void
steady(void)
{
	struct meter m;
	int i;

	meter_start(&m, 100, 350000000);
	check(meter_rate(&m) < 0, "a first sample is no rate", meter_rate(&m));
	for (i = 1; i <= 25; i++)
		meter_add(&m, 100 + i / 10.0, 350000000ULL + 1000000ULL * i);
	near(meter_rate(&m), 1e7, 0.001, "rate from where we came");
	check(meter_eta(&m, 1000000000) < 0, "no time left before 3 s",
	      meter_eta(&m, 1000000000));
	for (; i <= 100; i++)
		meter_add(&m, 100 + i / 10.0, 350000000ULL + 1000000ULL * i);
	near(meter_eta(&m, 1000000000), 55, 0.01, "steady: time left");
	near(meter_average(&m), 1e7, 0.001, "steady: average");
	check(meter_eta(&m, 450000000) < 0, "at the total: none",
	      meter_eta(&m, 450000000));
	check(meter_eta(&m, 0) < 0, "no total: none", meter_eta(&m, 0));
}

/* 100 s at 50 MB/s, then 100 s at 10: the old rate is left behind. */
static void
slower(void)
{
	struct meter m;
	unsigned long long pos = 0;
	int i;

	meter_start(&m, 0, 0);
	for (i = 1; i <= 200; i++)
		meter_add(&m, i, pos += i <= 100 ? 50000000 : 10000000);
	near(meter_rate(&m), 1e7, 0.001, "slower: rate is that of now");
	/* the mean would say 33 s */
	near(meter_eta(&m, pos + 1000000000), 60, 0.3, "slower: time left");
}

/* 50 MB each 14 s, seen from the middle of a step. */
static void
steps(void)
{
	struct meter m;
	unsigned long long pos = 500000000;
	int i;

	meter_start(&m, 0, pos);
	for (i = 1; i <= 1000; i++)	/* ten a second, steps at 7, 21, 35 */
		meter_add(&m, i / 10.0, pos += i % 140 == 70 ? 50000000 : 0);
	check(meter_stalled(&m) <= 0, "a step is no stall", meter_stalled(&m));
	near(meter_eta(&m, pos + 500000000), 140 - 9, 0.15,
	     "steps: time left, 9 s after a movement");
	for (; i <= 1200; i++)
		meter_add(&m, i / 10.0, pos);
	check(meter_stalled(&m) <= 0, "29 s of a step of 14 s: no stall",
	      meter_stalled(&m));
	for (; i <= 1400; i++)
		meter_add(&m, i / 10.0, pos);
	near(meter_stalled(&m), 49, 0.01, "three steps missing: a stall");
	check(meter_eta(&m, pos + 1) < 0, "a stall has no time left",
	      meter_eta(&m, pos + 1));
}

static void
still(void)
{
	struct meter m;
	int i;

	meter_start(&m, 0, 1000);
	for (i = 1; i <= 99; i++)
		meter_add(&m, i / 10.0, 1000);
	check(meter_stalled(&m) <= 0, "9.9 s are no stall", meter_stalled(&m));
	near(meter_rate(&m), 0, 0, "standing still: rate 0");
	for (; i <= 200; i++)
		meter_add(&m, i / 10.0, 1000);
	near(meter_stalled(&m), 20, 0.001, "20 s are a stall");
}

static void
backwards(void)
{
	struct meter m;
	int i;

	meter_start(&m, 0, 1000000);
	for (i = 1; i <= 50; i++)
		meter_add(&m, i / 10.0, 1000000 + 1000ULL * i);
	check(meter_add(&m, 6, 500000) == -1, "it fell", m.now);
	check(m.fell && meter_rate(&m) < 0 && meter_eta(&m, 2000000) < 0,
	      "nothing is known after a fall", meter_rate(&m));
	for (i = 1; i <= 50; i++)
		meter_add(&m, 6 + i / 10.0, 500000 + 1000ULL * i);
	near(meter_rate(&m), 10000, 0.001, "on again: the new rate");
	near(meter_eta(&m, 650000), 10, 0.01, "on again: the time left");
}

static void
seeded(void)
{
	struct meter m;

	meter_start(&m, 10, 40000000);
	meter_add(&m, 10.5, 42000000);
	meter_seed(&m, 10.5);
	near(meter_eta(&m, 82000000), 10, 0.01, "seeded: time left at once");
}

/* 2 MB each 0.1 s, seen for 0.25 s: two movements or three. */
static void
between(void)
{
	struct meter m;
	unsigned long long pos;
	int i, first;

	for (first = 1; first < 10; first += 3) {
		meter_start(&m, 0, pos = 7);
		for (i = 1; i <= 25; i++)
			meter_add(&m, i / 100.0,
			          pos += i % 10 == first ? 2000000 : 0);
		near(meter_between(&m), 2e7, 0.001, "bursts: their rate");
	}
	/* what moved at one moment only is spread over all the time */
	meter_start(&m, 0, 0);
	meter_add(&m, 0.01, 1000000);
	meter_add(&m, 0.02, 2000000);
	meter_add(&m, 0.25, 2000000);
	near(meter_between(&m), 8e6, 0.001, "one burst: the mean");
}

/* A file that grows by half of what is read. */
static void
growing(void)
{
	struct meter m;
	int i;

	meter_start(&m, 0, 0);
	for (i = 1; i <= 10; i++) {
		meter_add(&m, i, 2000000ULL * i);
		meter_eta(&m, 50000000 + 1000000ULL * i);
	}
	near(meter_eta(&m, 60000000), 40, 0.15, "growing: time left");
}

static void
words(void)
{
	static const struct {
		double s;
		const char *text;
	} clocks[] = {
		{ 0.2, "0:01" }, { 13.4, "0:13" }, { 59.7, "1:00" },
		{ 754, "12:35" }, { 3599, "1:00:00" }, { 5400, "1:30:00" },
		{ 100800, "1d04h" }, { 1e9, ">99d" }, { 1e300, ">99d" },
	};
	char s[16];
	size_t i;

	for (i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		meter_clock(s, clocks[i].s);
		check(strcmp(s, clocks[i].text) == 0, clocks[i].text,
		      clocks[i].s);
	}
}

static void
lines(void)
{
	struct meter_text t = { "sha256sum[7475] 3", "/data/img", "45.2%",
		"1.94G/4.29G", "182M/s", "ETA 0:13", NULL };
	static const struct {
		size_t width;
		const char *line;
	} cases[] = {
		{ 80, "sha256sum[7475] 3 /data/img  45.2%  1.94G/4.29G  182M/s"
		    "  ETA 0:13" },
		{ 66, "sha256sum[7475] 3 /data/img  45.2%  1.94G/4.29G  182M/s"
		    "  ETA 0:13" },
		{ 65, "sha256sum[7475] 3 ...a/img  45.2%  1.94G/4.29G  182M/s"
		    "  ETA 0:13" },
		{ 60, "sha256sum[7475] 3  45.2%  1.94G/4.29G  182M/s"
		    "  ETA 0:13" },
		{ 50, "sha256sum[7475] 3  45.2%  1.94G/4.29G  ETA 0:13" },
		{ 40, "sha256sum[7475] 3  45.2%  1.94G/4.29G" },
		{ 30, "45.2%  1.94G/4.29G" }, { 12, "45.2%" },
		{ 1, "" }, { 0, "" },
	};
	char s[256];
	size_t i, len;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		len = meter_line(s, sizeof s, cases[i].width, t);
		check(strcmp(s, cases[i].line) == 0 && len == strlen(s), s,
		      (double)cases[i].width);
	}
	t.verdict = "killed by signal 9";
	t.name = "/tmp/\303\274\303\274\303\274\303\274\303\274\303\274";
	meter_line(s, sizeof s, 12, t);
	check(strcmp(s, "killed by s") == 0, s, 12);
	meter_line(s, sizeof s, 88, t);
	check(strstr(s, " /tmp/\303\274") != NULL, s, 88);
	meter_line(s, sizeof s, 87, t);
	check(strstr(s, " .../\303\274") != NULL, s, 87);
	/* of two columns, and of none */
	t.name = "/\344\270\255\344\270\255\344\270\255\344\270\255"
	    "\344\270\255e\314\201e\314\201";
	meter_line(s, sizeof s, 90, t);
	check(strstr(s, " /\344\270\255") != NULL, s, 90);
	meter_line(s, sizeof s, 89, t);
	check(strstr(s, " ...\344\270\255\344\270\255\344\270\255"
	    "e\314\201e\314\201 ") != NULL, s, 89);
}

int
main(void)
{
	steady();
	slower();
	steps();
	still();
	backwards();
	seeded();
	between();
	growing();
	words();
	lines();
	printf("1..%d\n", n);
	return failed;
}
