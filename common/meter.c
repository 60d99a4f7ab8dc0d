#include <stdio.h>
#include <string.h>

#include "meter.h"

#define STEPS 2.0	/* s between movements: judge it at its movements */
#define PATIENCE 10.0	/* s without movement that are no stall */
#define SPACING 0.1	/* s between two marks, so that they reach back 3 s */

void
meter_start(struct meter *m, double now, unsigned long long pos)
{
	memset(m, 0, sizeof *m);
	m->start = m->now = m->since = m->updated = m->moved = now;
	m->from = m->pos = m->counted = pos;
	m->marks[0].at = now;
	m->marks[0].pos = pos;
	m->nmarks = 1;
}

void
meter_seed(struct meter *m, double age)
{
	m->seeded = 1;
	m->since = m->now - age;
	m->rate = (double)m->pos / age;
	m->updated = m->now;
	m->counted = m->pos;
}

static double
patience(const struct meter *m)
{
	return 3 * m->gap > PATIENCE ? 3 * m->gap : PATIENCE;
}

/* Does it move in long steps, of which none is overdue? */
static int
stepping(const struct meter *m)
{
	return m->gap >= STEPS && m->now - m->moved <= patience(m);
}

static void
mark(struct meter *m)
{
	unsigned n = m->nmarks;

	if (n > 1 && m->marks[n - 1].at - m->marks[n - 2].at < SPACING) {
		n--;
	} else if (n == METER_MARKS) {
		n--;
		memmove(m->marks, m->marks + 1, n * sizeof *m->marks);
	}
	m->marks[n].at = m->now;
	m->marks[n].pos = m->pos;
	m->nmarks = n + 1;
}

/* It moved: learn the mean gap between movements. */
static void
movement(struct meter *m)
{
	double gap = m->now - m->moved;

	if (m->moves == 0) {
		m->first = m->now;
		m->first_pos = m->pos;
	}
	if (m->moves)
		m->gap += (gap - m->gap) / (m->moves < 8 ? m->moves : 8);
	/* We came in the middle of the first step. */
	if (m->moves == 1 && gap >= STEPS && !m->seeded)
		m->since = m->updated = m->moved;
	m->moved = m->now;
	m->moves++;
	m->fell = 0;
	mark(m);
}

/*
 * The mean rate, weighted by time: what counts is the newer half of the run,
 * but no less than 10 s and no more than 120 s. Before that, the plain mean.
 */
static void
update(struct meter *m)
{
	double dt = m->now - m->updated, elapsed = m->now - m->since;
	double tau = elapsed / 2, weight;

	if (dt <= 0)
		return;
	tau = tau < 10 ? 10 : tau > 120 ? 120 : tau;
	weight = dt / (tau + dt);
	if (weight < dt / elapsed)
		weight = dt / elapsed;
	m->rate += ((double)(m->pos - m->counted) / dt - m->rate) * weight;
	m->updated = m->now;
	m->counted = m->pos;
}

int
meter_add(struct meter *m, double now, unsigned long long pos)
{
	int moved = pos > m->pos;

	if (pos < m->pos) {
		meter_start(m, now, pos);
		m->fell = 1;
		return -1;
	}
	/* between samples that are too close the clock's grain is the rate */
	if (moved && now - m->now >= 0.005 &&
	    (double)(pos - m->pos) / (now - m->now) > m->peak)
		m->peak = (double)(pos - m->pos) / (now - m->now);
	m->now = now;
	m->pos = pos;
	if (moved)
		movement(m);
	if (moved || !stepping(m))
		update(m);
	return moved;
}

double
meter_rate(const struct meter *m)
{
	double end = stepping(m) ? m->moved : m->now;
	unsigned i = m->nmarks > 2 ? m->nmarks - 3 : 0;

	while (i && end - m->marks[i].at < 3)
		i--;
	if (m->fell || end <= m->marks[i].at)
		return -1;
	return (double)(m->pos - m->marks[i].pos) / (end - m->marks[i].at);
}

double
meter_average(const struct meter *m)
{
	if (m->fell || m->now <= m->start)
		return -1;
	return (double)(m->pos - m->from) / (m->now - m->start);
}

double
meter_between(const struct meter *m)
{
	double span = m->moved - m->first;

	if (m->fell || m->moves < 2 || span < (m->now - m->start) / 3)
		return meter_average(m);
	return (double)(m->pos - m->first_pos) / span;
}

double
meter_gap(const struct meter *m)
{
	return m->gap;
}

double
meter_stalled(const struct meter *m)
{
	double still = m->now - m->moved;

	return still > patience(m) ? still : 0;
}

double
meter_eta(struct meter *m, unsigned long long total)
{
	double rate = m->rate, left, step, off;

	/* what grows runs away */
	if (m->total == 0 || total < m->total)
		m->total = total;
	if (total > m->total && m->now > m->start)
		rate -= (double)(total - m->total) / (m->now - m->start);
	if (m->fell || total <= m->pos || rate <= 0 || meter_stalled(m) > 0)
		return -1;
	if (!m->seeded && (m->now - m->start < 3 || m->moves < 2))
		return -1;
	left = (double)(total - m->pos) / rate;
	if (stepping(m)) {
		step = m->now - m->moved < m->gap ? m->now - m->moved : m->gap;
		left = left > step ? left - step : 0;
	}
	/* It counts down by the clock unless it is more than 5 % wrong. */
	off = m->now + left - m->end;
	if (m->end <= m->now || off > left / 20 || off < -left / 20)
		m->end = m->now + left;
	return m->end - m->now;
}

void
meter_clock(char s[16], double seconds)
{
	unsigned t, unit = seconds < 60 ? 1 : seconds < 3600 ? 5 :
	    seconds < 86400 ? 60 : 3600;

	if (!(seconds < 99 * 86400.0)) {
		snprintf(s, 16, ">99d");
		return;
	}
	t = ((unsigned)(seconds + 0.5) + unit / 2) / unit * unit;
	if (t == 0 && seconds > 0)
		t = 1;
	if (t < 3600)
		snprintf(s, 16, "%u:%02u", t / 60, t % 60);
	else if (t < 86400)
		snprintf(s, 16, "%u:%02u:%02u", t / 3600, t / 60 % 60, t % 60);
	else
		snprintf(s, 16, "%ud%02uh", t / 86400, t / 3600 % 24);
}

/* Characters that take two columns, or none, in order; the blocks of emoji and
 * symbols are taken to be wide as a whole, for what wraps can't be redrawn. */
static const struct {
	unsigned first, last, columns;
} widths[] = {
	{ 0x300, 0x36f, 0 }, { 0x483, 0x489, 0 }, { 0x591, 0x5bd, 0 },
	{ 0x64b, 0x65f, 0 }, { 0x1100, 0x115f, 2 }, { 0x1ab0, 0x1aff, 0 },
	{ 0x1dc0, 0x1dff, 0 }, { 0x200b, 0x200f, 0 }, { 0x202a, 0x202e, 0 },
	{ 0x2060, 0x2064, 0 }, { 0x20d0, 0x20ff, 0 }, { 0x231a, 0x231b, 2 },
	{ 0x2329, 0x232a, 2 }, { 0x23e9, 0x23ff, 2 }, { 0x25fb, 0x27bf, 2 },
	{ 0x2b00, 0x2bff, 2 }, { 0x2e80, 0xa4cf, 2 }, { 0xa960, 0xa97f, 2 },
	{ 0xac00, 0xd7a3, 2 }, { 0xf900, 0xfaff, 2 }, { 0xfe00, 0xfe0f, 0 },
	{ 0xfe10, 0xfe19, 2 }, { 0xfe20, 0xfe2f, 0 }, { 0xfe30, 0xfe6f, 2 },
	{ 0xfeff, 0xfeff, 0 }, { 0xff00, 0xff60, 2 }, { 0xffe0, 0xffe6, 2 },
	{ 0x16fe0, 0x1b2ff, 2 }, { 0x1f000, 0x1faff, 2 },
	{ 0x20000, 0x3ffff, 2 }, { 0xe0000, 0xe0fff, 0 },
};

/* The bytes of the UTF-8 character at s and its columns. */
static size_t
character(const char *s, size_t *width)
{
	unsigned char first = (unsigned char)*s;
	unsigned c = first < 0xe0 ? first & 0x1f : first < 0xf0 ? first & 0xf :
	    first & 7;
	size_t n, i;

	for (n = 1; (s[n] & 0xc0) == 0x80; n++)
		c = c << 6 | (s[n] & 0x3f);
	*width = 1;
	for (i = 0; n > 1 && i < sizeof widths / sizeof *widths; i++)
		if (c >= widths[i].first && c <= widths[i].last)
			*width = widths[i].columns;
	return n;
}

static size_t
columns(const char *s)
{
	size_t n = 0, width;

	while (s && *s) {
		s += character(s, &width);
		n += width;
	}
	return n;
}

/* The end of a name that fits into so many columns with "..." before it. */
static const char *
tail(const char *name, size_t room)
{
	size_t width = 1;

	/* nor does it begin with what belongs to the character before it */
	while (*name && (columns(name) + 3 > room || width == 0)) {
		name += character(name, &width);
		character(name, &width);
	}
	return name;
}

static size_t
append(char *s, size_t size, size_t n, const char *part)
{
	size_t len = strlen(part);

	if (n + len >= size)
		return n;
	memcpy(s + n, part, len + 1);
	return n + len;
}

size_t
meter_line(char *s, size_t size, size_t width, struct meter_text t)
{
	const char **drop[] = { &t.name, &t.rate, &t.clock, &t.head, &t.bytes,
		&t.percent };
	const char **part[] = { &t.head, &t.name, &t.percent, &t.bytes,
		&t.rate, &t.clock, &t.verdict };
	size_t i, n, sum, fits = width ? width - 1 : 0, cut = 0;

	for (i = 0; ; i++) {
		for (n = sum = 0; n < 7; n++)
			if (*part[n])
				sum += columns(*part[n]) +
				    (sum ? n == 1 ? 1 : 2 : 0);
		if (sum <= fits || i == 6)
			break;
		if (i == 0 && t.name && fits + columns(t.name) >= sum + 8) {
			cut = 1;
			t.name = tail(t.name, fits + columns(t.name) - sum);
			break;
		}
		*drop[i] = NULL;
	}
	*s = '\0';
	for (n = i = 0; i < 7; i++) {
		if (!*part[i])
			continue;
		if (n)
			n = append(s, size, n, i == 1 ? " " : "  ");
		if (i == 1 && cut)
			n = append(s, size, n, "...");
		n = append(s, size, n, *part[i]);
	}
	while (n && columns(s) > fits) {
		while (--n && (s[n] & 0xc0) == 0x80)
			;
		s[n] = '\0';
	}
	return n;
}
