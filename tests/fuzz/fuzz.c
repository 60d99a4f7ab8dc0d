/*
 * fuzz - a libFuzzer target over all that decodes foreign bytes, and what
 * quotes them
 *
 * The first byte of an input is a letter of the table at the end; any other
 * one is taken modulo its size. What follows is the text. Besides what the
 * sanitizers see, a decoder must return what lies inside of the text and must
 * come to an end, and what was quoted must read back as it was.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "num.h"
#include "out.h"
#include "parse_diag.h"
#include "parse_fdinfo.h"
#include "parse_maps.h"
#include "parse_net.h"
#include "parse_task.h"
#include "sockname.h"

#define LEN(a) (sizeof (a) / sizeof *(a))

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int good)
{
	if (!good)
		abort();
}

/* Do n bytes at p lie in the text? */
static void
must_be_in(const char *p, size_t n, const char *text, size_t len)
{
	must(p >= text && p <= text + len && n <= (size_t)(text + len - p));
}

static void
fuzz_num(const char *s, size_t n)
{
	unsigned long long v, max = 4194304;
	int pid, tid;
	unsigned ms;
	char back[64], digits[24];

	(void)n;
	if (num_parse(s, max, &v) == 0) {
		must(v <= max);
		snprintf(back, sizeof back, "%llu", v);
		must(strcmp(s + strspn(s, "0"), back) == 0 || v == 0);
		must(strcmp(num_text(digits, v), back) == 0);
	}
	if (num_pid(s, &pid) == 0)
		must(pid > 0);
	if (num_task(s, &pid, &tid) == 0)
		must(pid > 0 && tid >= 0 && (tid == 0) == !strchr(s, '/'));
	if (num_fd(s, &pid) == 0)
		must(pid >= 0);
	if (num_secs(s, &ms) == 0)
		must(ms > 0 || s[strspn(s, "0.")] == '\0');
	num_size(s, &v);
}

static void
fuzz_status(const char *s, size_t n)
{
	struct task_status st;
	char name[16];
	const char *v;

	must(parse_name(s, name, sizeof name) <= sizeof name);
	if (parse_status(s, &st) == 0)
		must(st.state && st.tgid >= 0 && st.pid >= 0);
	/* a key of any text: its first line */
	if ((v = parse_field(s, "Uid")))
		must_be_in(v, 0, s, n);
}

static void
fuzz_stat(const char *s, size_t n)
{
	struct task_stat st;
	unsigned long long ns;

	(void)n;
	parse_schedstat(s, &ns);
	if (parse_stat(s, &st) == 0)
		must(st.state != '\0');
}

static void
fuzz_stack(const char *s, size_t n)
{
	const char *text = s, *before;
	struct task_frame f;

	for (before = s; parse_frame(&text, &f) == 1; before = text) {
		must(text > before && f.n > 0 && f.symbol <= f.n);
		must_be_in(f.s, f.n, s, n);
		must(!memchr(f.s, '\n', f.n));
	}
	must(text == s + n);
}

static void
fuzz_syscall(const char *s, size_t n)
{
	struct task_syscall c;

	(void)n;
	if (parse_syscall(s, &c) == 0) {
		must(c.what != TASK_CALL || c.nr >= 0);
		must(!parse_compat(&c) || c.sp >> 32 == 0);
	}
}

/* The rows of the files that have many. */
static void
fuzz_rows(const char *s, size_t n)
{
	const char *text;
	struct tfd_row t;
	struct inotify_row i;
	struct fanotify_row f;
	struct lock_row l;

	for (text = s; parse_tfd(&text, &t) == 1; must_be_in(text, 0, s, n))
		must(t.tfd >= 0);
	for (text = s; parse_inotify(&text, &i) == 1; ) {
		must_be_in(text, 0, s, n);
		must_be_in(i.n ? i.handle : s, i.n, s, n);
	}
	for (text = s; parse_fanotify(&text, &f) == 1; ) {
		must_be_in(text, 0, s, n);
		must_be_in(f.n ? f.handle : s, f.n, s, n);
	}
	for (text = s; parse_lock(&text, &l) == 1; ) {
		must_be_in(l.s, l.n, s, n);
		must(*l.kind && *l.how && *l.mode && l.end >= -1);
		must(!memchr(l.s, '\n', l.n));
	}
}

static void
fuzz_fdinfo(const char *s, size_t n)
{
	struct fdinfo info;
	struct eventfd_row e;
	struct timerfd_row t;
	struct pidfd_row p;
	struct bpf_row b;
	struct uring_row u;
	struct userfile_row f;
	unsigned long long v;

	parse_fdinfo(s, &info);
	parse_fdinfo_num(s, "tty-index", &v);
	parse_eventfd(s, &e);
	parse_timerfd(s, &t);
	parse_sigmask(s, &v);
	parse_pidfd(s, &p);
	if (parse_bpf(s, &b) == 0 && b.type)
		must_be_in(b.type, b.ntype, s, n);
	if (parse_uring(s, &u) == 0)
		while (parse_userfile(&u.list, &f) == 1)
			must_be_in(f.path, f.n, s, n);
	fuzz_rows(s, n);
}

static void
fuzz_maps(const char *s, size_t n)
{
	const char *text = s, *before;
	unsigned long long rss;
	struct map_row m;

	for (before = s; parse_map(&text, &m) == 1; before = text) {
		must(text > before);
		must_be_in(m.path, m.n, s, n);
		must(!memchr(m.path, '\n', m.n));
	}
	text = s;
	for (before = s; parse_smap(&text, &m, &rss) == 1; before = text) {
		must(text > before);
		must_be_in(m.path, m.n, s, n);
	}
}

static void
fuzz_mounts(const char *s, size_t n)
{
	const char *text = s, *before;
	struct mount_row m;
	char *plain = strdup(s);

	for (before = s; parse_mount(&text, &m) == 1; before = text) {
		must(text > before && m.n > 0);
		must_be_in(m.point, m.n, s, n);
		must(!memchr(m.point, ' ', m.n) && !memchr(m.point, '\n', m.n));
		must_be_in(m.type, m.ntype, s, n);
		must_be_in(m.source, m.nsource, s, n);
	}
	if (plain)
		parse_octal(plain);
	free(plain);
}

/* A socket's texts; what it points to must lie in the input. */
static void
use_sock(const struct sock *k, const char *s, size_t n)
{
	struct buf none = { 0 }, b = { 0 };

	if (k->path)
		must_be_in(k->path, k->n, s, n);
	if (k->nicons)
		must_be_in(k->icons, 4 * k->nicons, s, n);
	must(sockname(k, k->ino, &none, &b) == 0 && b.n > 0);
	buf_free(&b);
}

static void
fuzz_net(const char *s, size_t n)
{
	static const int families[] = { 2, 10 };	/* AF_INET, _INET6 */
	const char *text, *before;
	struct track_row t;
	unsigned char addr[16];
	struct sock k;
	size_t i;

	for (i = 0; i < LEN(families); i++)
		for (text = before = s; parse_net_inet(&text, families[i], 6,
		    &k) == 1; before = text) {
			must(text > before);
			use_sock(&k, s, n);
		}
	for (text = s; parse_net_unix(&text, &k) == 1; )
		use_sock(&k, s, n);
	for (text = s; parse_net_netlink(&text, &k) == 1; )
		use_sock(&k, s, n);
	for (text = s; parse_net_packet(&text, &k) == 1; )
		use_sock(&k, s, n);
	must(text == s + n);
	for (text = before = s; parse_net_track(&text, &t) == 1; before = text)
		must(text > before);
	must(text == s + n);
	for (text = before = s; parse_net_own(&text, addr) == 1; before = text)
		must(text > before);
	must(text == s + n);
}

static void
fuzz_diag(const char *s, size_t n)
{
	const char *p = s, *before = s;
	struct sock k;
	int err, r;

	/* the sequence number of the first message, if there is one */
	uint32_t seq = 0;

	if (n >= 12)
		memcpy(&seq, s + 8, sizeof seq);
	while ((r = parse_diag(&p, s + n, seq, &k, &err)) > 0) {
		must(p > before && p <= s + n);
		before = p;
		if (r == DIAG_SOCK)
			use_sock(&k, s, n);
		else
			must(r == DIAG_DONE || (err > 0 && err < 4096));
	}
}

/* Undo the octal. */
static size_t
unquote(char *d, const char *s, size_t n)
{
	size_t i, k = 0;

	for (i = 0; i < n; k++) {
		if (s[i] != '\\') {
			d[k] = s[i++];
			continue;
		}
		must(n - i >= 4);
		d[k] = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 |
		    (s[i + 3] - '0'));
		i += 4;
	}
	return k;
}

static unsigned
hex(const char *s)
{
	char digits[5] = "";
	char *end;
	unsigned v;

	memcpy(digits, s, 4);
	v = (unsigned)strtoul(digits, &end, 16);
	must(*end == '\0');
	return v;
}

/* Undo a JSON string: of the escapes only controls, '"', '\' and the lone
 * surrogates that stand for a byte may be there. */
static size_t
unjson(char *d, const char *s, size_t n)
{
	size_t i, k = 0;
	unsigned c;

	must(n >= 2 && s[0] == '"' && s[n - 1] == '"');
	for (i = 1; i < n - 1; ) {
		if (s[i] != '\\') {
			must(s[i] != '"');
			d[k++] = s[i++];
		} else if (s[i + 1] != 'u') {
			must(s[i + 1] == '"' || s[i + 1] == '\\');
			d[k++] = s[i + 1];
			i += 2;
		} else {
			must(n - 1 - i >= 6);
			c = hex(s + i + 2);
			i += 6;
			must(c < 0xa0 || (c >= 0xdc80 && c <= 0xdcff));
			if (c >= 0x80 && c < 0xa0)
				d[k++] = (char)0xc2;
			d[k++] = (char)c;
		}
	}
	return k;
}

/* No control byte is left, and every byte comes back. */
static void
must_be_safe(const struct buf *b, const char *s, size_t n,
             size_t (*undo)(char *, const char *, size_t))
{
	char *back = malloc(b->n + 1);
	size_t i;

	must(back != NULL);
	for (i = 0; i < b->n; i++)
		must((unsigned char)b->s[i] >= ' ' && b->s[i] != 0x7f &&
		    !((unsigned char)b->s[i] == 0xc2 &&
		      (unsigned char)b->s[i + 1] < 0xa0));
	must(undo(back, b->s, b->n) == n && (n == 0 || !memcmp(back, s, n)));
	free(back);
}

static void
fuzz_out(const char *s, size_t n)
{
	struct buf b = { 0 };

	must(out_quote(&b, s, n, 1) == 0 && !memchr(b.s, ' ', b.n));
	must_be_safe(&b, s, n, unquote);
	b.n = 0;
	must(out_json(&b, s, n) == 0);
	must_be_safe(&b, s, n, unjson);
	buf_free(&b);
}

static const struct {
	char letter;
	void (*f)(const char *, size_t);
} targets[] = {
	{ 'n', fuzz_num }, { 's', fuzz_status }, { 't', fuzz_stat },
	{ 'k', fuzz_stack }, { 'c', fuzz_syscall }, { 'i', fuzz_fdinfo },
	{ 'm', fuzz_maps }, { 'o', fuzz_mounts }, { 'q', fuzz_out },
	{ 'w', fuzz_net }, { 'd', fuzz_diag },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t i, n;
	char *text;

	if (size == 0)
		return 0;
	for (i = 0; i < LEN(targets); i++)
		if ((char)data[0] == targets[i].letter)
			break;
	if (i == LEN(targets))
		i = data[0] % LEN(targets);
	/* memory that ends behind the NUL; texts have none of their own */
	n = size - 1;
	if (targets[i].f != fuzz_out && targets[i].f != fuzz_diag)
		n = strnlen((const char *)data + 1, n);
	text = malloc(n + 1);
	must(text != NULL);
	memcpy(text, data + 1, n);
	text[n] = '\0';
	targets[i].f(text, n);
	free(text);
	return 0;
}
