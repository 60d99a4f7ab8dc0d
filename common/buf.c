#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

int
buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;
	char *s;

	if (n < b->cap - b->n)
		return 0;
	if (n >= (size_t)-1 / 2 - b->n) {
		errno = ENOMEM;
		return -1;
	}
	while (cap < b->n + n + 1)
		cap *= 2;
	if (!(s = realloc(b->s, cap)))
		return -1;
	b->s = s;
	b->cap = cap;
	s[b->n] = '\0';
	return 0;
}

int
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n >= b->cap - b->n && buf_grow(b, n) < 0)
		return -1;
	memcpy(b->s + b->n, p, n);
	b->n += n;
	b->s[b->n] = '\0';
	return 0;
}

int
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = 128;
	va_list again;
	int n;

	do {
		if (buf_grow(b, room) < 0)
			return -1;
		va_copy(again, ap);
		n = vsnprintf(b->s + b->n, room, fmt, again);
		va_end(again);
	} while (n >= (int)room && (room = (size_t)n + 1));
	b->n += n > 0 ? (size_t)n : 0;
	return 0;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

void
buf_free(struct buf *b)
{
	free(b->s);
	b->s = NULL;
	b->n = b->cap = 0;
}
