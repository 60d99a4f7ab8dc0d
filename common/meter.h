/*
 * meter - how fast something moves and when it is through, from samples of
 * (seconds, bytes), and the line that shows it. No I/O, no clock of its own.
 */
#include <stddef.h>

enum { METER_MARKS = 48 };

struct meter {
	double start, now;		/* the first sample and the last one */
	unsigned long long from, pos;	/* ... their bytes */
	unsigned moves;			/* samples that were further on */
	double moved;			/* ... the last of them */
	int fell;			/* it went back, and not on since */
	double peak;			/* the fastest between two samples */
	/* the rest is the meter's */
	double since, updated, first, gap, rate, end;
	unsigned long long first_pos;
	unsigned long long counted, total;
	int seeded;
	unsigned nmarks;
	struct {
		double at;
		unsigned long long pos;
	} marks[METER_MARKS];
};

/* Begin with a sample, which is only a baseline. */
void meter_start(struct meter *, double now, unsigned long long pos);

/* Know that all up to the last sample was done in so many seconds. */
void meter_seed(struct meter *, double age);

/* The next sample: 1 if it is further on, 0 if not, -1 if it went back, which
 * begins anew. */
int meter_add(struct meter *, double now, unsigned long long pos);

/* Bytes a second over the last 3 s or two movements, whichever is longer, or
 * since the start; negative: unknown. */
double meter_rate(const struct meter *);
double meter_average(const struct meter *);

/* The same from the first movement to the last one, where they span most of
 * the time, so that their number says nothing: for few samples. */
double meter_between(const struct meter *);

/* How many seconds lie between two movements; 0: unknown. */
double meter_gap(const struct meter *);

/* Seconds left to the total; negative: unknown. */
double meter_eta(struct meter *, unsigned long long total);

/* Seconds without movement, if they are more than its steps explain; else 0. */
double meter_stalled(const struct meter *);

/* Seconds as "0:13", "1:30:00", "2d04h", the rounder the longer. */
void meter_clock(char s[16], double seconds);

/* The parts of the line, NULL where there is none, foreign bytes quoted. */
struct meter_text {
	const char *head, *name, *percent, *bytes, *rate, *clock, *verdict;
};

/* Compose the line, of less than width columns: the name is cut first, then go
 * rate, clock, head, bytes and percent. Its length, less than size. */
size_t meter_line(char *s, size_t size, size_t width, struct meter_text);
