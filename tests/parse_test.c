/*
 * parse_test - tables of input and expected result for what decodes and encodes
 * text: num, buf, out, sysname and the parsers. Prints TAP; ends with 1 if
 * anything is not as expected.
 */
#include <sys/syscall.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "num.h"
#include "out.h"
#include "parse_maps.h"
#include "parse_task.h"
#include "sysname.h"
#include "parse_test.h"

#define ONES "0xffffffffffffffff"

static int tests, failures;

void
ok(int good, const char *fmt, ...)
{
	char name[512], *p;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof name, fmt, ap);
	va_end(ap);
	for (p = name; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = '~';
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
}

char *
copy(const char *s)
{
	char *p = strdup(s);

	if (!p)
		abort();
	return p;
}

static void
test_num(void)
{
	static const struct {
		const char *s;
		int pid, tid;		/* pid 0: -1 with tid as errno */
	} t[] = {
		{ "1", 1, 0 }, { "007", 7, 0 }, { "2147483647", INT_MAX, 0 },
		{ "12/34", 12, 34 }, { "12/034", 12, 34 },
		{ "2147483648", 0, ERANGE }, { "1/2147483648", 0, ERANGE },
		{ "99999999999999999999999", 0, ERANGE },
		{ "0", 0, EINVAL }, { "", 0, EINVAL }, { "abc", 0, EINVAL },
		{ "1e3", 0, EINVAL }, { "0x10", 0, EINVAL },
		{ "-1", 0, EINVAL }, { "+1", 0, EINVAL }, { " 1", 0, EINVAL },
		{ "1 ", 0, EINVAL }, { "1\n", 0, EINVAL }, { "1.0", 0, EINVAL },
		{ "1/", 0, EINVAL }, { "/1", 0, EINVAL }, { "1/0", 0, EINVAL },
		{ "0/1", 0, EINVAL }, { "1/2/3", 0, EINVAL },
		{ "1//2", 0, EINVAL }, { "1/-2", 0, EINVAL }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		int pid = -5, tid = -5, r;

		errno = 0;
		r = num_task(t[i].s, &pid, &tid);
		if (t[i].pid)
			ok(r == 0 && pid == t[i].pid && tid == t[i].tid,
			   "num_task %s", t[i].s);
		else
			ok(r == -1 && errno == t[i].tid && pid == -5 &&
			   tid == -5, "num_task '%s' fails", t[i].s);
		pid = -5;
		r = num_pid(t[i].s, &pid);
		if (t[i].pid && !strchr(t[i].s, '/'))
			ok(r == 0 && pid == t[i].pid, "num_pid %s", t[i].s);
		else
			ok(r == -1 && pid == -5, "num_pid '%s' fails", t[i].s);
	}
}

static void
test_num_limits(void)
{
	static const struct {
		const char *s;
		unsigned long long max, v;
		int err;
	} t[] = {
		{ "0", 0, 0, 0 }, { "1", 0, 0, ERANGE }, { "9", 8, 0, ERANGE },
		{ "255", 255, 255, 0 }, { "256", 255, 0, ERANGE },
		{ "0000000000000000000000000000255", 255, 255, 0 },
		{ "18446744073709551615", ULLONG_MAX, ULLONG_MAX, 0 },
		{ "18446744073709551616", ULLONG_MAX, 0, ERANGE },
		{ "28446744073709551615", ULLONG_MAX, 0, ERANGE },
		{ "", 9, 0, EINVAL }, { "1x", 9, 0, EINVAL }
	};
	unsigned long long v;
	char s[24];
	size_t i;
	int fd, r;

	for (i = 0; i < LEN(t); i++) {
		errno = 0;
		r = num_parse(t[i].s, t[i].max, &v);
		ok(t[i].err ? r == -1 && errno == t[i].err :
		   r == 0 && v == t[i].v, "num_parse '%s' up to %llu", t[i].s,
		   t[i].max);
	}
	ok(strcmp(num_text(s, 0), "0") == 0, "num_text 0");
	ok(strcmp(num_text(s, ULLONG_MAX), "18446744073709551615") == 0,
	   "num_text of the largest number");
	ok(num_fd("0", &fd) == 0 && fd == 0, "num_fd 0");
	ok(num_fd("2147483647", &fd) == 0 && fd == INT_MAX, "num_fd INT_MAX");
	ok(num_fd("2147483648", &fd) == -1 && errno == ERANGE, "num_fd beyond");
	ok(num_fd("cwd", &fd) == -1 && errno == EINVAL, "num_fd cwd fails");
}

static void
test_secs(void)
{
	static const struct {
		const char *s;
		unsigned ms;
		int err;
	} t[] = {
		{ "0", 0, 0 }, { "0.0", 0, 0 }, { "1", 1000, 0 },
		{ "1.5", 1500, 0 }, { "0.25", 250, 0 }, { "0.001", 1, 0 },
		{ "0.00001", 1, 0 }, { "1.9996", 2000, 0 },
		{ "0.000000000000000000000000000000000000000000001", 1, 0 },
		{ "1.99999999999999999999999999", 2000, 0 },
		{ "4294966", 4294966000, 0 }, { "4294967", 0, ERANGE },
		{ "99999999999999999999", 0, ERANGE },
		{ "", 0, EINVAL }, { ".5", 0, EINVAL }, { "1.", 0, EINVAL },
		{ "1e3", 0, EINVAL }, { "-1", 0, EINVAL }, { "inf", 0, EINVAL },
		{ "nan", 0, EINVAL }, { "1,5", 0, EINVAL }, { "1s", 0, EINVAL },
		{ "1.5.5", 0, EINVAL }, { "0x1", 0, EINVAL }
	};
	size_t i;
	unsigned ms;
	int r;

	for (i = 0; i < LEN(t); i++) {
		errno = 0;
		r = num_secs(t[i].s, &ms);
		ok(t[i].err ? r == -1 && errno == t[i].err :
		   r == 0 && ms == t[i].ms, "num_secs '%s'", t[i].s);
	}
}

static void
test_size(void)
{
	static const struct {
		const char *s;
		unsigned long long v;
		int err;
	} t[] = {
		{ "0", 0, 0 }, { "1", 1, 0 }, { "4096", 4096, 0 },
		{ "1K", 1024, 0 }, { "1M", 1 << 20, 0 }, { "3G", 3ULL << 30, 0 },
		{ "2T", 2ULL << 40, 0 }, { "1P", 1ULL << 50, 0 },
		{ "1.5K", 1536, 0 }, { "0.5M", 1 << 19, 0 },
		{ "1kB", 1000, 0 }, { "1MB", 1000000, 0 },
		{ "3.003kB", 3003, 0 }, { "3.000019MB", 3000019, 0 },
		{ "4.29GB", 4290000000, 0 }, { "1TB", 1000000000000, 0 },
		{ "1PB", 1000000000000000, 0 }, { "1.0", 1, 0 },
		{ "16383P", 16383ULL << 50, 0 }, { "16384P", 0, ERANGE },
		{ "18446744073709551615", ULLONG_MAX, 0 },
		{ "16383.999999999999999999999P", 0, ERANGE },
		{ "18446744073709551.615kB", ULLONG_MAX, 0 },
		{ "18446744073709551.7kB", 0, ERANGE },
		{ "18446744073709551616", 0, ERANGE },
		{ "99999999999999999999999", 0, ERANGE },
		{ "", 0, EINVAL }, { "K", 0, EINVAL }, { "1k", 0, EINVAL },
		{ "1KB", 0, EINVAL }, { "1KiB", 0, EINVAL }, { "1B", 0, EINVAL },
		{ "1E", 0, EINVAL }, { "1m", 0, EINVAL }, { "1mB", 0, EINVAL },
		{ "1 K", 0, EINVAL }, { "1K ", 0, EINVAL }, { "-1K", 0, EINVAL },
		{ "1.5", 0, EINVAL }, { "1.K", 0, EINVAL }, { "1e3", 0, EINVAL },
		{ "0x10", 0, EINVAL }, { "1MBB", 0, EINVAL }
	};
	unsigned long long v;
	size_t i;
	int r;

	for (i = 0; i < LEN(t); i++) {
		errno = 0;
		r = num_size(t[i].s, &v);
		ok(t[i].err ? r == -1 && errno == t[i].err :
		   r == 0 && v == t[i].v, "num_size '%s'", t[i].s);
	}
}

static void
test_buf(void)
{
	struct buf b = { 0 };
	size_t i;
	char *s;

	ok(buf_grow(&b, 0) == 0 && b.s && b.n == 0 && *b.s == '\0',
	   "buf_grow of an empty buffer ends it with NUL");
	ok(buf_put(&b, "ab\0c", 4) == 0 && b.n == 4 &&
	   memcmp(b.s, "ab\0c", 5) == 0, "buf_put keeps NUL bytes");
	for (i = 0; i < 100000; i++)
		if (buf_put(&b, "x", 1) < 0 || b.s[b.n] != '\0')
			break;
	ok(i == 100000 && b.n == 100004 && b.cap > b.n && b.s[4] == 'x',
	   "buf_put grows");
	s = b.s;
	errno = 0;
	ok(buf_grow(&b, (size_t)-1) == -1 && errno == ENOMEM && b.s == s &&
	   b.n == 100004, "buf_grow beyond the address space fails");
	errno = 0;
	ok(buf_grow(&b, (size_t)-1 / 2) == -1 && errno == ENOMEM,
	   "buf_grow of half of it fails");
	buf_free(&b);
	ok(!b.s && b.n == 0 && buf_put(&b, "y", 1) == 0 &&
	   strcmp(b.s, "y") == 0, "a freed buffer may be used again");
	buf_free(&b);
}

static void
test_quote(void)
{
	static const struct {
		const char *s;
		size_t n;
		const char *quoted, *json;
	} t[] = {
		{ "", 0, "", "\"\"" },
		{ "a b", 3, "a\\040b", "\"a b\"" },
		{ "a\tb\nc", 5, "a\\011b\\012c", "\"a\\u0009b\\u000ac\"" },
		{ "a\\b\"", 4, "a\\134b\"", "\"a\\\\b\\\"\"" },
		{ "a\0b", 3, "a\\000b", "\"a\\u0000b\"" },
		{ "\033[2J", 4, "\\033[2J", "\"\\u001b[2J\"" },
		{ "\177", 1, "\\177", "\"\\u007f\"" },
		{ "gr\303\274n", 5, "gr\303\274n", "\"gr\303\274n\"" },
		{ "\360\237\220\237", 4, "\360\237\220\237",
		  "\"\360\237\220\237\"" },
		/* C1: NEL and CSI are controls, U+00A0 is a character */
		{ "\302\205", 2, "\\302\\205", "\"\\u0085\"" },
		{ "\302\233m", 3, "\\302\\233m", "\"\\u009bm\"" },
		{ "\302\240", 2, "\302\240", "\"\302\240\"" },
		{ "\302\237\302\200", 4, "\\302\\237\\302\\200",
		  "\"\\u009f\\u0080\"" },
		{ "\233m", 2, "\\233m", "\"\\udc9bm\"" },
		/* no UTF-8: lone, cut off, overlong, surrogate, beyond */
		{ "\377", 1, "\\377", "\"\\udcff\"" },
		{ "\200", 1, "\\200", "\"\\udc80\"" },
		{ "a\303", 2, "a\\303", "\"a\\udcc3\"" },
		{ "\342\202", 2, "\\342\\202", "\"\\udce2\\udc82\"" },
		{ "\342\202a", 3, "\\342\\202a", "\"\\udce2\\udc82a\"" },
		{ "\300\200", 2, "\\300\\200", "\"\\udcc0\\udc80\"" },
		{ "\301\277", 2, "\\301\\277", "\"\\udcc1\\udcbf\"" },
		{ "\340\237\277", 3, "\\340\\237\\277",
		  "\"\\udce0\\udc9f\\udcbf\"" },
		{ "\360\217\277\277", 4, "\\360\\217\\277\\277",
		  "\"\\udcf0\\udc8f\\udcbf\\udcbf\"" },
		{ "\355\240\200", 3, "\\355\\240\\200",
		  "\"\\udced\\udca0\\udc80\"" },
		{ "\355\237\277", 3, "\355\237\277", "\"\355\237\277\"" },
		{ "\364\220\200\200", 4, "\\364\\220\\200\\200",
		  "\"\\udcf4\\udc90\\udc80\\udc80\"" },
		{ "\364\217\277\277", 4, "\364\217\277\277",
		  "\"\364\217\277\277\"" },
		{ "\365\200\200\200", 4, "\\365\\200\\200\\200",
		  "\"\\udcf5\\udc80\\udc80\\udc80\"" },
		{ "-", 1, "-", "\"-\"" }
	};
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		char *s = malloc(t[i].n + 1);

		if (!s)
			abort();
		memcpy(s, t[i].s, t[i].n);
		s = realloc(s, t[i].n ? t[i].n : 1);
		b.n = 0;
		ok(out_quote(&b, s, t[i].n, 1) == 0 &&
		   strcmp(b.s, t[i].quoted) == 0 && b.n == strlen(b.s),
		   "out_quote %zu: %s", i, t[i].quoted);
		b.n = 0;
		ok(out_json(&b, s, t[i].n) == 0 &&
		   strcmp(b.s, t[i].json) == 0, "out_json %zu: %s", i,
		   t[i].json);
		free(s);
	}
	b.n = 0;
	ok(out_quote(&b, "a b", 3, 0) == 0 && strcmp(b.s, "a b") == 0,
	   "out_quote leaves a blank where it may");
	buf_free(&b);
}

/* Each byte at each place among others. */
static void
test_quote_places(void)
{
	static const char others[] = "xxxxxxxxxxxxxxxxxxxx";
	char s[sizeof others - 1], quoted[32];
	struct buf b = { 0 };
	unsigned c, at, wrong = 0;

	for (c = 0; c < 256; c++)
		for (at = 0; at < sizeof s; at++) {
			int plain = c > ' ' && c < 0x7f && c != '\\';

			memcpy(s, others, sizeof s);
			s[at] = (char)c;
			sprintf(quoted, plain ? "%.*s%c%s" : "%.*s\\%03o%s",
			        (int)at, others, c, &others[at + 1]);
			b.n = 0;
			wrong += out_quote(&b, s, sizeof s, 1) < 0 ||
			    strcmp(b.s, quoted) != 0;
		}
	ok(wrong == 0, "out_quote: %u of 5,120 wrong", wrong);
	buf_free(&b);
}

/* A record of two fields, in all four modes; %c stands for what ends it. */
static void
test_record(void)
{
	static const struct out_column columns[] = {
		{ "PID", -4 }, { "SIZE", 6 }, { "NAME", 0 }, { NULL, 0 }
	};
	static const struct {
		const char *name;
		int deleted;
		const char *text, *raw, *json;
	} t[] = {
		{ "/a b", 0, "/a b", "/a b", "\"/a b\"" },
		{ "/a", 1, "/a (deleted)", "/a", "\"/a\"" },
		{ "/a (deleted)", 0, "/a\\040(deleted)", "/a (deleted)",
		  "\"/a (deleted)\"" },
		{ "/a (deleted)", 1, "/a\\040(deleted) (deleted)",
		  "/a (deleted)", "\"/a (deleted)\"" },
		{ "-", 0, "\\055", "-", "\"-\"" },
		{ "--", 0, "--", "--", "\"--\"" },
		{ "/a\n7 x", 0, "/a\\0127 x", "/a\n7 x", "\"/a\\u000a7 x\"" },
		{ NULL, 0, "-", "-", "null" }
	};
	static const char *const formats[] = {
		"7     1.50K %s\n", "7\t1536\t%s\n", "7\t1536\t%s",
		"{\"pid\":7,\"size\":1536,\"name\":%s,\"deleted\":%s}\n"
	};
	struct buf b = { 0 };
	struct out o = { .rec = &b, .columns = columns };
	char want[256];
	size_t i, n;
	int mode;

	for (i = 0; i < LEN(t); i++) {
		for (mode = OUT_TEXT; mode <= OUT_JSON; mode++) {
			b.n = 0;
			o.mode = (enum out_mode)mode;
			out_num(&o, 7);
			out_size(&o, 1536);
			out_name(&o, t[i].name,
			         t[i].name ? strlen(t[i].name) : 0,
			         t[i].deleted);
			out_key_bool(&o, "deleted", t[i].deleted);
			n = (size_t)snprintf(want, sizeof want, formats[mode],
			    mode == OUT_JSON ? t[i].json :
			    mode == OUT_NUL ? t[i].raw : t[i].text,
			    t[i].deleted ? "true" : "false");
			n += mode == OUT_NUL;
			ok(out_end(&o) == 0 && b.n == n &&
			   memcmp(b.s, want, n) == 0, "a record in mode %d: %s",
			   mode, want);
		}
	}
	buf_free(&b);
}

static void
test_fields(void)
{
	static const struct out_column columns[] = {
		{ "PID", -3 }, { "COMMAND", 8 }, { "NAME", 0 }, { NULL, 0 }
	};
	struct buf b = { 0 };
	struct out o = { .rec = &b, .columns = columns };

	out_heading(&o);
	ok(out_end(&o) == 0 && strcmp(b.s, "PID  COMMAND NAME\n") == 0,
	   "a heading has the columns' widths");
	b.n = 0;
	out_str(&o, "-", 1);
	out_str(&o, "", 0);
	out_str(&o, NULL, 0);
	ok(out_end(&o) == 0 && strcmp(b.s, "\\055        - -\n") == 0,
	   "no field is empty, and a dash is none");
	b.n = 0;
	out_str(&o, "a long command", 14);
	out_fixed(&o, 45.678, 2);
	out_null(&o);
	ok(out_end(&o) == 0 &&
	   strcmp(b.s, "a\\040long\\040command    45.68 -\n") == 0,
	   "nothing is cut off");
	b.n = 0;
	o.mode = OUT_JSON;
	out_str(&o, "", 0);
	out_str(&o, NULL, 0);
	out_null(&o);
	out_key_str(&o, "a", "x\377", 2);
	out_key_str(&o, "b", NULL, 0);
	out_key_num(&o, "c", ULLONG_MAX);
	out_key_bool(&o, "d", -1);
	out_key_json(&o, "e", "[1,2]", 5);
	out_key_null(&o, "f");
	ok(out_end(&o) == 0 && strcmp(b.s, "{\"pid\":\"\",\"command\":null,"
	   "\"name\":null,\"a\":\"x\\udcff\",\"b\":null,"
	   "\"c\":18446744073709551615,\"d\":null,\"e\":[1,2],\"f\":null}\n")
	   == 0, "JSON members of all kinds");
	b.n = 0;
	o.mode = OUT_TAB;
	out_key_str(&o, "a", "x", 1);
	out_str(&o, "a b\tc", 5);
	out_null(&o);
	out_null(&o);
	ok(out_end(&o) == 0 && strcmp(b.s, "a b\\011c\t-\t-\n") == 0,
	   "members are JSON's alone; a TAB in a field is none");
	buf_free(&b);
}

static void
test_scale(void)
{
	static const struct {
		unsigned long long v;
		const char *s;
	} t[] = {
		{ 0, "0" }, { 1, "1" }, { 999, "999" }, { 1023, "1023" },
		{ 1024, "1.00K" }, { 1536, "1.50K" }, { 10234, "9.99K" },
		{ 10235, "10.0K" }, { 102348, "99.9K" }, { 102400, "100K" },
		{ 1023487, "999K" }, { 1024000, "1000K" },
		{ 1048063, "1023K" }, { 1048064, "1.00M" },
		{ 1048576, "1.00M" }, { 2083059139, "1.94G" },
		{ 190840832, "182M" }, { 1ULL << 40, "1.00T" },
		{ 1ULL << 50, "1.00P" }, { 1ULL << 60, "1.00E" },
		{ ULLONG_MAX, "16.0E" }
	};
	char s[16];
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		out_scale(s, t[i].v);
		ok(strcmp(s, t[i].s) == 0, "out_scale %llu is %s", t[i].v,
		   t[i].s);
	}
}

static void
test_status(void)
{
	static const struct {
		const char *name, *text;
		int ok;
		struct task_status st;
	} t[] = {
		{ "6.18", "Name:\tcat\nUmask:\t0022\nState:\tS (sleeping)\n"
		  "Tgid:\t7\nNgid:\t0\nPid:\t8\nPPid:\t1\nTracerPid:\t0\n"
		  "Uid:\t1000\t1001\t1000\t1000\nNStgid:\t7\nNSpid:\t8\n"
		  "NSpgid:\t7\nKthread:\t0\nVmSize:\t  100 kB\n"
		  "Threads:\t2\n"
		  "voluntary_ctxt_switches:\t5\n"
		  "nonvoluntary_ctxt_switches:\t3\n", 1,
		  { 'S', 7, 8, 8, 0, 1001, 8, 1, 2 } },
		{ "another pid namespace",
		  "Name:\tcat\nState:\tD (disk sleep)\nTgid:\t7\nPid:\t7\n"
		  "Uid:\t0\t0\t0\t0\nNSpid:\t7\t1\nKthread:\t0\n", 1,
		  { 'D', 7, 7, -1, 0, 0, 0, 0, 0 } },
		{ "3.10: no NSpid, no Kthread",
		  "Name:\tcat\nState:\tR (running)\nTgid:\t7\nPid:\t7\n"
		  "PPid:\t1\nUid:\t0\t0\t0\t0\nVmSize:\t  100 kB\n"
		  "voluntary_ctxt_switches:\t5\n"
		  "nonvoluntary_ctxt_switches:\t3\n", 1,
		  { 'R', 7, 7, 7, 0, 0, 8, 1, 0 } },
		{ "3.10: a kernel thread",
		  "Name:\tkswapd0\nState:\tS (sleeping)\nTgid:\t7\nPid:\t7\n"
		  "Uid:\t0\t0\t0\t0\n", 1, { 'S', 7, 7, 7, 1, 0, 0, 0, 0 } },
		{ "6.18: a kernel thread",
		  "Name:\tkworker/0:1\nState:\tI (idle)\nTgid:\t7\nPid:\t7\n"
		  "Uid:\t0\t0\t0\t0\nNSpid:\t7\nKthread:\t1\n", 1,
		  { 'I', 7, 7, 7, 1, 0, 0, 0, 0 } },
		{ "3.10: a zombie is no kernel thread",
		  "Name:\tcat\nState:\tZ (zombie)\nTgid:\t7\nPid:\t7\n"
		  "Uid:\t0\t0\t0\t0\n", 1, { 'Z', 7, 7, 7, 0, 0, 0, 0, 0 } },
		{ "a name that looks like other lines",
		  "Name:\tUid:\t0 0\\nState:\tZ\nState:\tS (sleeping)\n"
		  "Tgid:\t7\nPid:\t7\nUid:\t1000\t1000\t1000\t1000\n"
		  "Kthread:\t0\n", 1, { 'S', 7, 7, 7, 0, 1000, 0, 0, 0 } },
		{ "an uid of 32 bits",
		  "Name:\tcat\nState:\tS\nTgid:\t7\nPid:\t7\n"
		  "Uid:\t4294967294\t4294967294\t0\t0\nKthread:\t0\n", 1,
		  { 'S', 7, 7, 7, 0, 4294967294, 0, 0, 0 } },
		{ "without a state", "Name:\tcat\nTgid:\t7\nPid:\t7\n"
		  "Uid:\t0\t0\t0\t0\n", 0, { 0 } },
		{ "without Uid", "State:\tS\nTgid:\t7\nPid:\t7\n", 0, { 0 } },
		{ "without Pid", "State:\tS\nTgid:\t7\nPPid:\t1\n"
		  "Uid:\t0\t0\t0\t0\n", 0, { 0 } },
		{ "an empty value", "State:\tS\nTgid:\nPid:\t7\n"
		  "Uid:\t0\t0\t0\t0\n", 0, { 0 } },
		{ "cut off", "Name:\tcat\nState:", 0, { 0 } },
		{ "nothing", "", 0, { 0 } },
		{ "newlines only", "\n\n\n", 0, { 0 } }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		struct task_status st = { 0 };
		const struct task_status *w = &t[i].st;
		char *s = copy(t[i].text);
		int r = parse_status(s, &st);

		ok(t[i].ok ? r == 0 && st.state == w->state &&
		   st.tgid == w->tgid && st.pid == w->pid &&
		   st.nspid == w->nspid && st.kthread == w->kthread &&
		   st.euid == w->euid && st.switches == w->switches &&
		   st.ppid == w->ppid && st.threads == w->threads : r == -1,
		   "parse_status: %s", t[i].name);
		free(s);
	}
}

static void
test_field(void)
{
	static const struct {
		const char *text, *key, *value;
	} t[] = {
		{ "a:\t1\nb: 2\n", "a", "1\nb: 2\n" },
		{ "a:\t1\nb: \t2\n", "b", "2\n" },
		{ "xb: 1\nb:2", "b", "2" },
		{ "b: 1\nb: 2\n", "b", "1\nb: 2\n" },
		{ "bb: 1\n", "b", NULL }, { "b 1\n", "b", NULL },
		{ "b:", "b", "" }, { "\nb:x", "b", "x" }, { "", "b", NULL },
		{ "b", "b", NULL }, { "a: b: 1", "b", NULL }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		char *s = copy(t[i].text);
		const char *v = parse_field(s, t[i].key);

		ok(t[i].value ? v && strcmp(v, t[i].value) == 0 : !v,
		   "parse_field %s of '%s'", t[i].key, t[i].text);
		free(s);
	}
}

static void
test_name(void)
{
	static const struct {
		const char *text, *name;
	} t[] = {
		{ "Name:\tcat\nState:\tS\n", "cat" },
		{ "Name:\ta  b \n", "a  b " },
		{ "Name:\t \tx\n", " \tx" },
		{ "Name:\ta\\nb\\\\n\\\\\n", "a\nb\\n\\" },
		{ "Name:\t\\q\\", "\\q\\" },	/* never so written */
		{ "Name:\t\nState:\tS\n", "" },
		{ "Name:\t0123456789abcdefg\n", "0123456789abcdef" },
		{ "Name: x\n", "" }, { "Umask:\t1\nName:\tx\n", "" }, { "", "" }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		char *s = copy(t[i].text), name[16];
		size_t n = parse_name(s, name, sizeof name);

		ok(n == strlen(t[i].name) && memcmp(name, t[i].name, n) == 0,
		   "parse_name %zu: '%s'", i, t[i].name);
		free(s);
	}
}

static void
test_schedstat(void)
{
	static const struct {
		const char *text;
		int ok;
		unsigned long long ns;
	} t[] = {
		{ "84362041 173526 172\n", 1, 84362041 },
		{ "0 0 0\n", 1, 0 },
		{ "18446744073709551615 0 0\n", 1, 18446744073709551615ULL },
		{ "", 0, 0 }, { "x", 0, 0 }, { "12", 0, 0 }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		char *s = copy(t[i].text);
		unsigned long long ns;
		int r = parse_schedstat(s, &ns);

		ok(t[i].ok ? r == 0 && ns == t[i].ns : r == -1,
		   "parse_schedstat %zu", i);
		free(s);
	}
}

static void
test_stat(void)
{
#define REST " 1 2 3 34816 5 6 7 8 9 10 100 20 13 14 15 16 17 18 9999 20 21"
#define TO_51 " 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44" \
	" 45 46 47 48 49 50 51"
	static const struct {
		const char *text;
		char state;		/* 0: malformed */
		int exit_code;
	} t[] = {
		{ "7 (cat) S" REST " 22\n", 'S', -1 },
		{ "7 (a b) c) R) D" REST "\n", 'D', -1 },
		{ "7 () Z" REST "\n", 'Z', -1 },
		{ "7 (a\n8 (b) S 1 2) R" REST "\n", 'R', -1 },
		/* field 52; exit 3, killed by 9, none of it before 3.5 */
		{ "7 (a) Z" REST TO_51 " 768\n", 'Z', 768 },
		{ "7 (a) Z" REST TO_51 " 9", 'Z', 9 },
		{ "7 (a) S" REST TO_51 " 0\n", 'S', 0 },
		{ "7 (a) Z" REST TO_51 "\n", 'Z', -1 },
		{ "7 (a) Z" REST TO_51 " 768 53\n", 'Z', 768 },
		{ "7 (cat) S 1 2 3 34816 5 6 7 8 9 10 100 20 13 14 15 16 17 18",
		  0, 0 },
		{ "7 (cat) S 1 2 3 x 5 6 7 8 9 10 100 20 13 14 15 16 17 18 9 2",
		  0, 0 },
		{ "7 (cat)", 0, 0 }, { "7 (cat) ", 0, 0 },
		{ "7 (cat) S", 0, 0 }, { "7 cat S 1 2", 0, 0 }, { "", 0, 0 }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		struct task_stat st;
		char *s = copy(t[i].text);
		int r = parse_stat(s, &st);

		ok(t[i].state ? r == 0 && st.state == t[i].state &&
		   st.tty_nr == 34816 && st.flags == 6 && st.ticks == 120 &&
		   st.faults == 16 && st.exit_code == t[i].exit_code &&
		   st.starttime == 9999 : r == -1, "parse_stat: %s",
		   t[i].text);
		free(s);
	}
}

static void
test_stack(void)
{
	/* the frames as the tool prints them, "/" behind the symbol */
	static const struct {
		const char *name, *text, *frames;
	} t[] = {
		{ "4.14", "[<ffffffff946b3b03>] down_write+0x13/0x20\n"
		  "[<ffffffff811d6b8e>] vfs_read+0x8e/0x130 [ext4]\n"
		  "[<ffffffffffffffff>] " ONES "\n",
		  "down_write/+0x13/0x20|vfs_read/+0x8e/0x130 [ext4]|" },
		{ "4.15 to 5.1", "[<0>] do_wait+0x1/0x2\n[<0>] " ONES "\n",
		  "do_wait/+0x1/0x2|" },
		{ "of a 32-bit kernel", "[<c0101234>] do_wait+0x1/0x2\n"
		  "[<ffffffff>] 0xffffffff\n", "do_wait/+0x1/0x2|" },
		{ "6.18", "[<0>] anon_pipe_read+0x3a1/0x4d0\n"
		  "[<0>] poll.constprop.0+0x1/0x2\n"
		  "[<0>] fuse_get+0x1/0x2 [fuse]\n",
		  "anon_pipe_read/+0x3a1/0x4d0|poll.constprop.0/+0x1/0x2|"
		  "fuse_get/+0x1/0x2 [fuse]|" },
		{ "raw addresses", "[<0>] 0xffffffffc0a01234\n[<0>] 0x1f\n",
		  "0xffffffffc0a01234/|0x1f/|" },
		{ "without a prefix", "do_wait+0x1/0x2\nschedule\n",
		  "do_wait/+0x1/0x2|schedule/|" },
		{ "a symbol without an offset, in a module",
		  "[<0>] nfs_wait [nfs]\n", "nfs_wait/ [nfs]|" },
		{ "no newline at the end", "[<0>] a+0x1/0x2\n[<0>] b+0x3/0x4",
		  "a/+0x1/0x2|b/+0x3/0x4|" },
		{ "empty lines", "\n\n[<0>] a\n\n[<0>] \n", "a/|" },
		{ "a cut prefix", "[<0>]", "[<0>]/|" },
		{ "a prefix cut at the line's end", "[<0>\n] x\n", "[<0>/|]/ x|" },
		{ "nothing", "", "" }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		char got[512] = "", *text = copy(t[i].text);
		const char *s = text;
		struct task_frame f;

		while (parse_frame(&s, &f) == 1)
			snprintf(got + strlen(got), sizeof got - strlen(got),
			         "%.*s/%.*s|", (int)f.symbol, f.s,
			         (int)(f.n - f.symbol), f.s + f.symbol);
		ok(strcmp(got, t[i].frames) == 0 && *s == '\0',
		   "parse_frame: %s: %s", t[i].name, got);
		free(text);
	}
}

static void
test_syscall(void)
{
	static const struct {
		const char *text;
		int r;
		struct task_syscall c;
	} t[] = {
		{ "running\n", 0, { .what = TASK_RUNNING } },
		{ "-1 0x7ffc1 0x55d0\n", 0, { .what = TASK_NO_CALL, .nr = -1,
		  .sp = 0x7ffc1, .pc = 0x55d0 } },
		{ "-1 0x0 0x0\n", 0, { .what = TASK_NO_CALL, .nr = -1 } },
		/* a number that no call has, made by the task itself */
		{ "-38 0x1 0x2\n", 0, { .what = TASK_NO_CALL, .nr = -38,
		  .sp = 1, .pc = 2 } },
		{ "0 0x3 0x7ffd5c 0x20000 0x22 0x0 0x0 0x7ffd58 0x7f2c1a\n", 0,
		  { .what = TASK_CALL, .nr = 0, .args = { 3, 0x7ffd5c, 0x20000,
		    0x22 }, .sp = 0x7ffd58, .pc = 0x7f2c1a } },
		{ "61 " ONES " 0x0 0x0 0x0 0x0 " ONES " 0x1 0x2\n", 0,
		  { .what = TASK_CALL, .nr = 61, .args = { ULLONG_MAX, 0, 0, 0,
		    0, ULLONG_MAX }, .sp = 1, .pc = 2 } },
		{ "0 0x3 0x7ffd5c\n", -1, { 0 } },
		{ "0 0x3 0x7 0x2 0x22 0x0 0x0 0x7ffd58\n", -1, { 0 } },
		{ "-1 0x7ffc1\n", -1, { 0 } }, { "-1\n", -1, { 0 } },
		{ "0 x\n", -1, { 0 } }, { "read 3\n", -1, { 0 } },
		{ "run\n", -1, { 0 } }, { "\n", -1, { 0 } }, { "", -1, { 0 } }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		struct task_syscall c;
		const struct task_syscall *w = &t[i].c;
		char *s = copy(t[i].text);
		int r = parse_syscall(s, &c);

		ok(r == t[i].r && (r < 0 || (c.what == w->what &&
		   c.nr == w->nr && c.sp == w->sp && c.pc == w->pc &&
		   memcmp(c.args, w->args, sizeof c.args) == 0)),
		   "parse_syscall: %s", t[i].text);
		free(s);
	}
	ok(parse_compat(&(struct task_syscall){ .sp = 0xffffd000 }) ==
	   (sizeof(long) == 8) &&
	   !parse_compat(&(struct task_syscall){ .sp = 0x7ffd58001000 }),
	   "parse_compat: a user stack of 32 bits");
}

static void
test_maps(void)
{
	static const struct {
		const char *name, *text;
		int r;
		struct map_row m;
	} t[] = {
		{ "a file", "7f1c2000-7f1c4000 r-xp 00001000 fd:1f 4242"
		  "                       /usr/lib/a b\n", 1,
		  { 0x7f1c2000, 0x7f1c4000, 4242, 0xfd, 0x1f, "r-xp",
		    "/usr/lib/a b", 12 } },
		{ "nothing behind it", "7f1c2000-7f1c4000 rw-p 00000000 00:00 0\n",
		  1, { 0x7f1c2000, 0x7f1c4000, 0, 0, 0, "rw-p", "", 0 } },
		{ "a blank behind it", "7f1c2000-7f1c4000 rw-p 00000000 00:00 0 \n",
		  1, { 0x7f1c2000, 0x7f1c4000, 0, 0, 0, "rw-p", "", 0 } },
		{ "no newline", "1000-2000 rw-s 0 08:01 5 /a\\012b", 1,
		  { 0x1000, 0x2000, 5, 8, 1, "rw-s", "/a\\012b", 7 } },
		{ "the highest", "ffffffffff600000-ffffffffff601000 --xp 00000000 "
		  "00:00 0                  [vsyscall]\n", 1,
		  { 0xffffffffff600000, 0xffffffffff601000, 0, 0, 0, "--xp",
		    "[vsyscall]", 10 } },
		{ "the end", "", 0, { .n = 0 } },
		{ "no inode", "1000-2000 rw-s 0 08:01 \n1000-2000 rw-s\n", -1,
		  { .n = 0 } },
		{ "no range", "1000 rw-s 0 08:01 5 /a\n", -1, { .n = 0 } },
		{ "short permissions", "1000-2000 rw- 0 08:01 5 /a\n", -1,
		  { .n = 0 } },
		{ "cut in the permissions", "1000-2000 rw", -1, { .n = 0 } },
		{ "cut in the device", "1000-2000 rw-s 0 08:", -1, { .n = 0 } },
		{ "no hexadecimal", "x-y rw-s 0 08:01 5 /a\n", -1, { .n = 0 } },
		{ "an empty line", "\n", -1, { .n = 0 } }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		const struct map_row *w = &t[i].m;
		char *text = copy(t[i].text);
		const char *s = text;
		struct map_row m;
		int r = parse_map(&s, &m);

		ok(r == t[i].r && (r < 1 || (m.start == w->start &&
		   m.end == w->end && m.ino == w->ino && m.major == w->major &&
		   m.minor == w->minor && memcmp(m.perms, w->perms, 4) == 0 &&
		   m.n == w->n && memcmp(m.path, w->path, m.n) == 0 &&
		   *s == '\0')), "parse_map: %s", t[i].name);
		free(text);
	}
}

static void
test_smaps(void)
{
#define ROW "1000-9000 r--s 0 08:01 5 /a\n"
	static const struct {
		const char *name, *text;
		const char *rss;	/* of all mappings, then the last r */
	} t[] = {
		{ "two", ROW "Size:       32 kB\nRss:        12 kB\n"
		  "Pss_Dirty:   0 kB\nVmFlags: rd sh\n" ROW "Rss: 4 kB\n",
		  "12288 4096 0" },
		{ "only Rss counts", ROW "Pss: 8 kB\nShmemPmdMapped: 8 kB\n"
		  "Rss: 16 kB\nRssFile: 8 kB\n", "16384 0" },
		{ "without Rss, before one with it", ROW "Size: 8 kB\n"
		  ROW "Rss: 4 kB\n", "0 4096 0" },
		{ "no keys", ROW ROW, "0 0 0" },
		{ "more than 4 GB", ROW "Rss: 8388608 kB\n", "8589934592 0" },
		{ "cut in the key", ROW "Rss: 4 kB\nRs", "4096 0" },
		{ "cut in the number", ROW "Rss:", "0 0" },
		{ "an empty line", ROW "Rss: 4 kB\n\n", "4096 -1" },
		{ "keys only", "Rss: 4 kB\n", "-1" }, { "the end", "", "0" }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		char *text = copy(t[i].text), got[128] = "";
		const char *s = text;
		unsigned long long rss;
		struct map_row m;
		size_t n = 0;
		int r;

		while ((r = parse_smap(&s, &m, &rss)) == 1)
			n += (size_t)snprintf(got + n, sizeof got - n, "%llu ",
			                      rss);
		snprintf(got + n, sizeof got - n, "%d", r);
		ok(strcmp(got, t[i].rss) == 0, "parse_smap: %s: %s", t[i].name,
		   got);
		free(text);
	}
}

static void
test_mounts(void)
{
	static const struct {
		const char *name, *text;
		int r;
		struct mount_row m;
	} t[] = {
		{ "a mount", "29 1 253:17 / / rw,relatime shared:1 - ext4 "
		  "/dev/vda1 rw\n", 1,
		  { 29, 253, 17, "/", 1, "ext4", "/dev/vda1", 4, 9 } },
		{ "a bind mount of a name with blanks", "30 29 0:25 /a\\040b "
		  "/mnt/c\\040d ro - tmpfs a\\040b rw", 1,
		  { 30, 0, 25, "/mnt/c\\040d", 11, "tmpfs", "a\\040b", 5, 6 } },
		{ "several optional fields, no source",
		  "31 29 0:25 / /a ro shared:1 master:2 - fuse.x  rw\n", 1,
		  { 31, 0, 25, "/a", 2, "fuse.x", "", 6, 0 } },
		{ "no end of optional fields", "31 29 0:25 / /a ro shared:1\n",
		  -1, { .n = 0 } },
		{ "no type", "31 29 0:25 / /a ro - \n", -1, { .n = 0 } },
		{ "no source", "31 29 0:25 / /a ro - ext4\n", -1, { .n = 0 } },
		{ "the end", "", 0, { .n = 0 } },
		{ "cut behind the device", "29 1 253:17\n", -1, { .n = 0 } },
		{ "cut in the root", "29 1 253:17 /\n", -1, { .n = 0 } },
		{ "cut in the point", "29 1 253:17 / /mnt\n", -1, { .n = 0 } },
		{ "no numbers", "a b c:d / / rw\n", -1, { .n = 0 } },
		{ "an empty line", "\n", -1, { .n = 0 } }
	};
	const char *two = "1 0 0:1 / /a rw - x x\n2 0 0:2 / /b rw - x x";
	struct mount_row m = { .id = 0 };
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		const struct mount_row *w = &t[i].m;
		char *text = copy(t[i].text);
		const char *s = text;
		int r = parse_mount(&s, &m);

		ok(r == t[i].r && (r < 1 || (m.id == w->id &&
		   m.major == w->major && m.minor == w->minor && m.n == w->n &&
		   memcmp(m.point, w->point, m.n) == 0 &&
		   m.ntype == w->ntype && m.nsource == w->nsource &&
		   memcmp(m.type, w->type, m.ntype) == 0 &&
		   memcmp(m.source, w->source, m.nsource) == 0 && !*s)),
		   "parse_mount: %s", t[i].name);
		free(text);
	}
	ok(parse_mount(&two, &m) == 1 && m.id == 1 &&
	   parse_mount(&two, &m) == 1 && m.id == 2 &&
	   parse_mount(&two, &m) == 0, "parse_mount: one row after the other");
}

static void
test_octal(void)
{
	static const char *const t[][2] = {
		{ "/a\\040b", "/a b" }, { "\\134040", "\\040" },
		{ "\\377\\000x", "\377" }, { "\\04", "\\04" },
		{ "\\400\\080\\", "\\400\\080\\" }, { "", "" }
	};
	size_t i;

	for (i = 0; i < LEN(t); i++) {
		char *s = copy(t[i][0]);

		parse_octal(s);
		ok(strcmp(s, t[i][1]) == 0, "parse_octal: %s", t[i][0]);
		free(s);
	}
}

static int
is_name(long nr, int compat, const char *want)
{
	const char *s = sysname(nr, compat);

	return want ? s && strcmp(s, want) == 0 : !s;
}

static void
test_sysname(void)
{
	ok(is_name(SYS_read, 0, "read"), "sysname of read");
	ok(is_name(SYS_epoll_pwait, 0, "epoll_pwait"),
	   "sysname of epoll_pwait");
	ok(is_name(-1, 0, NULL) && is_name(-1, 1, NULL) &&
	   is_name(100000, 0, NULL) && is_name(100000, 1, NULL),
	   "sysname of no call");
#ifdef __x86_64__
	/* younger than many headers */
	ok(is_name(434, 0, "pidfd_open") && is_name(434, 1, "pidfd_open"),
	   "sysname of pidfd_open");
	ok(is_name(455, 0, "futex_wait"), "sysname of futex_wait");
	/* in the 32-bit table, where the headers have it */
	ok(is_name(3, 1, "read") || is_name(3, 1, NULL), "sysname of call 3");
#endif
}

int
main(void)
{
	test_num();
	test_num_limits();
	test_secs();
	test_size();
	test_buf();
	test_quote();
	test_quote_places();
	test_record();
	test_fields();
	test_scale();
	test_status();
	test_field();
	test_name();
	test_schedstat();
	test_stat();
	test_stack();
	test_syscall();
	test_fdinfo();
	test_maps();
	test_smaps();
	test_mounts();
	test_octal();
	test_net();
	test_sysname();
	printf("1..%d\n", tests);
	return failures != 0;
}
