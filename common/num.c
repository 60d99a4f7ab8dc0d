#include <errno.h>
#include <limits.h>
#include <string.h>

#include "num.h"

char *
num_text(char s[24], unsigned long long v)
{
	char *p = s + 23;

	*p = '\0';
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	return p;
}

/* Read digits up to the first other byte, which *end points to. */
static int
digits(const char *s, unsigned long long max, unsigned long long *v,
       const char **end)
{
	unsigned long long n = 0;
	const char *p;

	for (p = s; *p >= '0' && *p <= '9'; p++) {
		unsigned d = *p - '0';

		if (d > max || n > (max - d) / 10) {
			errno = ERANGE;
			return -1;
		}
		n = n * 10 + d;
	}
	if (p == s) {
		errno = EINVAL;
		return -1;
	}
	*v = n;
	*end = p;
	return 0;
}

int
num_parse(const char *s, unsigned long long max, unsigned long long *v)
{
	const char *end;

	if (digits(s, max, v, &end) < 0)
		return -1;
	if (*end) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int
num_pid(const char *s, int *pid)
{
	return num_task(strchr(s, '/') ? "" : s, pid, &(int){ 0 });
}

int
num_fd(const char *s, int *fd)
{
	unsigned long long v;

	if (num_parse(s, INT_MAX, &v) < 0)
		return -1;
	*fd = (int)v;
	return 0;
}

int
num_task(const char *s, int *pid, int *tid)
{
	unsigned long long p, t = 0;
	const char *end;

	if (digits(s, INT_MAX, &p, &end) < 0)
		return -1;
	if (*end == '/') {
		if (num_parse(end + 1, INT_MAX, &t) < 0)
			return -1;
		if (t == 0)
			goto invalid;
	} else if (*end) {
		goto invalid;
	}
	if (p == 0)
		goto invalid;
	*pid = (int)p;
	*tid = (int)t;
	return 0;
invalid:
	errno = EINVAL;
	return -1;
}

/*
 * N[.N] times unit; *end is behind it. Digits that a unit cannot tell apart
 * are read and dropped.
 */
static int
decimal(const char *s, unsigned long long *whole, double *frac,
        const char **end)
{
	double scale = 0.1;
	const char *p;

	*frac = 0;
	if (digits(s, ULLONG_MAX, whole, &p) < 0)
		return -1;
	if (*p == '.') {
		if (p[1] < '0' || p[1] > '9') {
			errno = EINVAL;
			return -1;
		}
		for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
			*frac += (*p - '0') * scale;
	}
	*end = p;
	return 0;
}

int
num_secs(const char *s, unsigned *ms)
{
	unsigned long long whole;
	double frac;
	const char *end;

	if (decimal(s, &whole, &frac, &end) < 0)
		return -1;
	if (*end) {
		errno = EINVAL;
		return -1;
	}
	if (whole >= UINT_MAX / 1000) {
		errno = ERANGE;
		return -1;
	}
	*ms = (unsigned)(whole * 1000 + (unsigned)(frac * 1000 + 0.5));
	if (*ms == 0 && frac > 0)
		*ms = 1;
	return 0;
}

int
num_size(const char *s, unsigned long long *bytes)
{
	static const char letters[] = "KMGTP";
	unsigned long long whole, part, unit = 1;
	double frac;
	const char *end, *l;
	char c;

	if (decimal(s, &whole, &frac, &end) < 0)
		return -1;
	if (*end) {
		unsigned base = end[1] == 'B' ? 1000 : 1024;

		c = base == 1000 && *end == 'k' ? 'K' : *end;
		if (end[1] && (base == 1024 || end[2] || *end == 'K'))
			goto invalid;
		if (!(l = strchr(letters, c)))
			goto invalid;
		do
			unit *= base;
		while (l-- != letters);
	} else if (frac > 0) {
		goto invalid;
	}
	part = (unsigned long long)(frac * (double)unit + 0.5);
	if (whole > ULLONG_MAX / unit || whole * unit > ULLONG_MAX - part) {
		errno = ERANGE;
		return -1;
	}
	*bytes = whole * unit + part;
	return 0;
invalid:
	errno = EINVAL;
	return -1;
}
