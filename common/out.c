#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "num.h"
#include "out.h"

/* The length of the UTF-8 character at s, at most n bytes; 0 for none. */
static size_t
utf8(const unsigned char *s, size_t n)
{
	size_t i, len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
	    s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, surrogate, beyond U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* Is the character a control: C0, DEL or C1? */
static int
control(const unsigned char *s, size_t len)
{
	return (len == 1 && (s[0] < 0x20 || s[0] == 0x7f)) ||
	    (len == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

static int
put_octal(struct buf *b, const unsigned char *s, size_t n)
{
	char esc[8];

	for (; n; s++, n--) {
		snprintf(esc, sizeof esc, "\\%03o", *s);
		if (buf_put(b, esc, 4) < 0)
			return -1;
	}
	return 0;
}

/* How many of the bytes are what most are: visible ASCII, no backslash. */
static size_t
visible(const unsigned char *s, size_t n)
{
	const uint64_t each = 0x0101010101010101, high = 0x80 * each;
	uint64_t v;
	size_t i;

	/* Eight at a time: a high bit marks a byte beyond ASCII, one below '!'
	 * (a borrow), DEL (a carry), a backslash, or the one next to these. */
	for (i = 0; n - i >= sizeof v; i += sizeof v) {
		memcpy(&v, s + i, sizeof v);
		if ((v | (v - '!' * each) | (v + each) |
		    ((v ^ '\\' * each) - each)) & high)
			break;
	}
	while (i < n && s[i] > ' ' && s[i] < 0x7f && s[i] != '\\')
		i++;
	return i;
}

int
out_quote(struct buf *b, const char *str, size_t n, int blank)
{
	const unsigned char *s = (const unsigned char *)str;
	size_t i, len, from = 0;	/* from there on they wait to be put */

	for (i = 0; ; i += len) {
		i += visible(s + i, n - i);
		if (i == n)
			break;
		len = utf8(s + i, n - i);
		if (len && !control(s + i, len) && s[i] != '\\' &&
		    !(blank && s[i] == ' '))
			continue;
		if (len == 0)
			len = 1;
		if (buf_put(b, str + from, i - from) < 0 ||
		    put_octal(b, s + i, len) < 0)
			return -1;
		from = i + len;
	}
	return buf_put(b, str + from, n - from);
}

int
out_json(struct buf *b, const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;
	size_t i, len;
	char esc[8];
	int r = buf_put(b, "\"", 1);

	for (i = 0; i < n; i += len ? len : 1) {
		/* what most bytes are */
		for (len = 0; i + len < n && s[i + len] >= ' ' &&
		     s[i + len] < 0x7f && s[i + len] != '"' &&
		     s[i + len] != '\\'; len++)
			;
		if (len) {
			r |= buf_put(b, str + i, len);
			continue;
		}
		len = utf8(s + i, n - i);
		if (len == 0)
			snprintf(esc, sizeof esc, "\\udc%02x", s[i]);
		else if (s[i] == '"' || s[i] == '\\')
			snprintf(esc, sizeof esc, "\\%c", s[i]);
		else if (control(s + i, len))
			snprintf(esc, sizeof esc, "\\u%04x", s[i + len - 1]);
		else
			*esc = '\0';
		r |= *esc ? buf_put(b, esc, strlen(esc)) :
		    buf_put(b, str + i, len);
	}
	return r | buf_put(b, "\"", 1);
}

static void
put(struct out *o, const char *s, size_t n)
{
	if (buf_put(o->rec, s, n) < 0)
		o->failed = errno;
}

/* The key of a member: a heading's lower case. */
static void
key(struct out *o, const char *name)
{
	size_t n = strlen(name) + 4;
	char *s;

	if (buf_grow(o->rec, n) < 0) {
		o->failed = errno;
		return;
	}
	s = o->rec->s + o->rec->n;
	o->rec->n += n;
	*s++ = o->members++ ? ',' : '{';
	*s++ = '"';
	for (; *name; name++)
		*s++ = (char)(*name >= 'A' && *name <= 'Z' ? *name | 0x20 :
		    *name);
	memcpy(s, "\":", 3);
}

/* The next field, of n bytes that need no quoting: padded to its column's
 * width, and separated from the one behind it. */
static void
plain(struct out *o, const char *text, size_t n)
{
	const struct out_column *c = &o->columns[o->at++];
	size_t room = n;
	char *s;

	if (o->mode == OUT_JSON)
		key(o, c->heading);
	else if (c[1].heading) {
		if (o->mode == OUT_TEXT && n < (size_t)abs(c->width))
			room = (size_t)abs(c->width);
		room++;
	}
	if (room >= o->rec->cap - o->rec->n && buf_grow(o->rec, room) < 0) {
		o->failed = errno;
		return;
	}
	s = o->rec->s + o->rec->n;
	o->rec->n += room;
	if (room > n)
		memset(s, o->mode == OUT_TEXT ? ' ' : '\t', room);
	memcpy(c->width > 0 && room > n ? s + room - 1 - n : s, text, n);
	s[room] = '\0';
}

void
out_heading(struct out *o)
{
	const struct out_column *c;

	if (o->mode != OUT_TEXT)
		return;
	for (c = o->columns; c->heading; c++)
		plain(o, c->heading, strlen(c->heading));
}

void
out_null(struct out *o)
{
	if (o->mode == OUT_JSON)
		plain(o, "null", 4);
	else
		plain(o, "-", 1);
}

/* The next field, of which r says whether it could be made. */
static void
quoted(struct out *o, const struct buf *b, int r)
{
	if (r < 0)
		o->failed = ENOMEM;
	else
		plain(o, b->s, b->n);
}

void
out_str(struct out *o, const char *s, size_t n)
{
	static struct buf b;
	int r;

	if (!s || (n == 0 && o->mode != OUT_JSON)) {
		out_null(o);
		return;
	}
	b.n = 0;
	if (o->mode == OUT_JSON)
		r = out_json(&b, s, n);
	else if (n == 1 && *s == '-')	/* not the "-" of what is unknown */
		r = buf_put(&b, "\\055", 4);
	else
		r = out_quote(&b, s, n, o->mode == OUT_TEXT);
	quoted(o, &b, r);
}

void
out_word(struct out *o, const char *s)
{
	if (!s)
		out_null(o);
	else if (o->mode == OUT_JSON)
		out_str(o, s, strlen(s));
	else
		plain(o, s, strlen(s));
}

void
out_keep(struct out *o, size_t n, struct out_head *h)
{
	h->text.n = 0;
	if (buf_put(&h->text, o->rec->s + n, o->rec->n - n) < 0)
		o->failed = errno;
	h->at = o->at;
	h->members = o->members;
}

void
out_again(struct out *o, const struct out_head *h)
{
	put(o, h->text.s, h->text.n);
	o->at = h->at;
	o->members = h->members;
}

void
out_num(struct out *o, unsigned long long v)
{
	char s[24], *p = num_text(s, v);

	plain(o, p, (size_t)(s + sizeof s - 1 - p));
}

void
out_int(struct out *o, long long v)
{
	char s[24];

	if (v >= 0)
		out_num(o, (unsigned long long)v);
	else
		plain(o, s, (size_t)snprintf(s, sizeof s, "%lld", v));
}

void
out_fixed(struct out *o, double v, int decimals)
{
	char s[64];

	plain(o, s, (size_t)snprintf(s, sizeof s, "%.*f", decimals, v));
}

void
out_scale(char s[16], unsigned long long v)
{
	static const char unit[] = "BKMGTPE";
	char text[24];
	double d = (double)v;
	int i = 0;

	/* 999.5K is 1000K, 1023.5K is 1.00M */
	while (d >= 1023.5) {
		d /= 1024;
		i++;
	}
	if (i == 0)
		strcpy(s, num_text(text, v));
	else
		snprintf(s, 16, "%.*f%c", d < 9.995 ? 2 : d < 99.95 ? 1 : 0, d,
		         unit[i]);
}

void
out_size(struct out *o, unsigned long long v)
{
	char s[16];

	if (o->mode != OUT_TEXT || v < 1000) {	/* out_scale has the same */
		out_num(o, v);
		return;
	}
	out_scale(s, v);
	plain(o, s, strlen(s));
}

void
out_name(struct out *o, const char *s, size_t n, int deleted)
{
	static const char mark[] = " (deleted)";
	static struct buf b;
	const size_t m = sizeof mark - 1;
	size_t i;
	int r;

	if (!s || o->mode == OUT_JSON) {
		out_str(o, s, n);
		return;
	}
	b.n = 0;
	if (o->mode == OUT_NUL) {
		r = buf_put(&b, s, n);
		/* as net/unix has it: no NUL of a name ends a record */
		for (i = 0; i < b.n; i++)
			if (b.s[i] == '\0')
				b.s[i] = '@';
	} else if (n == 0 || (n == 1 && *s == '-')) {
		r = buf_put(&b, n ? "\\055" : "-", n ? 4 : 1);
	} else if (deleted >= 0 && n >= m &&
	           memcmp(s + n - m, mark, m) == 0) {
		/* a name that really ends so */
		r = out_quote(&b, s, n - m, 0) < 0 ? -1 :
		    buf_printf(&b, "\\040%s", mark + 1);
	} else {
		r = out_quote(&b, s, n, 0);
	}
	if (deleted > 0 && o->mode != OUT_NUL)
		r |= buf_put(&b, mark, m);
	quoted(o, &b, r);
}

void
out_key_str(struct out *o, const char *name, const char *s, size_t n)
{
	if (o->mode != OUT_JSON)
		return;
	key(o, name);
	if (!s)
		put(o, "null", 4);
	else if (out_json(o->rec, s, n) < 0)
		o->failed = ENOMEM;
}

void
out_key_num(struct out *o, const char *name, unsigned long long v)
{
	char s[24], *p;

	if (o->mode != OUT_JSON)
		return;
	key(o, name);
	p = num_text(s, v);
	put(o, p, strlen(p));
}

void
out_key_bool(struct out *o, const char *name, int v)
{
	if (o->mode != OUT_JSON)
		return;
	key(o, name);
	if (v < 0)
		put(o, "null", 4);
	else
		put(o, v ? "true" : "false", v ? 4 : 5);
}

void
out_key_json(struct out *o, const char *name, const char *json, size_t n)
{
	if (o->mode != OUT_JSON)
		return;
	key(o, name);
	put(o, json, n);
}

void
out_key_null(struct out *o, const char *name)
{
	out_key_str(o, name, NULL, 0);
}

int
out_end(struct out *o)
{
	int failed;

	if (o->mode == OUT_JSON)
		put(o, "}\n", 2);
	else
		put(o, o->mode == OUT_NUL ? "" : "\n", 1);
	o->at = o->members = 0;
	failed = o->failed;
	o->failed = 0;
	if (failed) {
		errno = failed;
		return -1;
	}
	return 0;
}
