#include <sys/types.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "detail.h"
#include "mount.h"
#include "name.h"
#include "parse_maps.h"
#include "parse_net.h"
#include "proc.h"
#include "sockname.h"

static struct buf json;		/* the value of one key */
static int plain;		/* it is no JSON, but text for NAME */
static int failed;
static int procfs;

__attribute__((format(printf, 1, 2))) static void
put(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	failed |= buf_vprintf(&json, fmt, ap);
	va_end(ap);
}

static void
put_string(const char *key, const char *s, size_t n)
{
	put("%s", key);
	if (s)
		failed |= out_json(&json, s, n);
	else
		put("null");
}

/* A member, null if it is not known. */
static void
put_known(const char *key, int known, long long v)
{
	if (known)
		put("%s%lld", key, v);
	else
		put("%snull", key);
}

/* What JSON has and text has not. */
static void
put_json(const char *s)
{
	if (!plain)
		put("%s", s);
}

/* A comma before all members but the first; in text a blank before all. */
static void
next(void)
{
	if (plain)
		put(" ");
	else if (json.n && json.s[json.n - 1] != '[' &&
	    json.s[json.n - 1] != '{')
		put(",");
}

struct bit {
	unsigned long long bit;
	const char *name;
};

/* What inotify and fanotify have in common. */
static const struct bit notify[] = {
	{ 1, "access" }, { 2, "modify" }, { 4, "attrib" }, { 8, "close_write" },
	{ 0x10, "close_nowrite" }, { 0x20, "open" }, { 0x40, "moved_from" },
	{ 0x80, "moved_to" }, { 0x100, "create" }, { 0x200, "delete" },
	{ 0x400, "delete_self" }, { 0x800, "move_self" },
	{ 0x4000, "q_overflow" }, { 0, NULL }
};

static const char *
bit_name(const struct bit *b, unsigned long long bit)
{
	while (b->name && b->bit != bit)
		b++;
	return b->name;
}

/* A set as an array of words, or as "=word+word", from one table or (if it is
 * not NULL) another; a bit that none is known for as a number. */
static void
put_bits(const char *key, unsigned long long set, const struct bit *bits,
         const struct bit *more)
{
	const char *name, *quote = plain ? "" : "\"";
	const char *before = plain ? "=" : "";
	unsigned long long bit;

	if (!plain)
		put(",\"%s\":[", key);
	for (bit = 1; bit && bit <= set; bit <<= 1) {
		if (!(set & bit))
			continue;
		name = bit_name(bits, bit);
		if (!name && more)
			name = bit_name(more, bit);
		put("%s%s", before, quote);
		if (name)
			put("%s", name);
		else
			put("%#llx", bit);
		put("%s", quote);
		before = plain ? "+" : ",";
	}
	if (!plain)
		put("]");
}

static void
put_place(unsigned major, unsigned minor, unsigned long long ino)
{
	put(plain ? "%u:%u:%llu" : "\"dev\":\"%u:%u\",\"inode\":%llu", major,
	    minor, ino);
}

static void
detail_eventfd(const struct desc *d)
{
	struct eventfd_row e;

	if (parse_eventfd(d->text.s, &e) < 0)
		return;
	put_known("{\"id\":", e.id >= 0, e.id);
	put(",\"count\":%llu,\"semaphore\":%s}", e.count, e.semaphore < 0 ?
	    "null" : e.semaphore ? "true" : "false");
}

static void
detail_epoll(const struct desc *d)
{
	static const struct bit bits[] = {
		{ 1, "in" }, { 2, "pri" }, { 4, "out" }, { 8, "err" },
		{ 0x10, "hup" }, { 0x40, "rdnorm" }, { 0x80, "rdband" },
		{ 0x100, "wrnorm" }, { 0x200, "wrband" }, { 0x400, "msg" },
		{ 0x2000, "rdhup" }, { 1U << 28, "exclusive" },
		{ 1U << 29, "wakeup" }, { 1U << 30, "oneshot" },
		{ 1U << 31, "et" }, { 0, NULL }
	};
	const char *text = d->text.s;
	struct tfd_row t;

	put_json("[");
	while (parse_tfd(&text, &t) == 1) {
		next();
		put(plain ? "%d" : "{\"fd\":%d", t.tfd);
		put_bits("events", t.events, bits, NULL);
		if (plain)
			continue;
		put(",\"data\":%llu,", t.data);
		put_place(t.major, t.minor, t.ino);
		put("}");
	}
	put_json("]");
}

static void
detail_inotify(const struct desc *d)
{
	static const struct bit bits[] = {
		{ 0x2000, "unmount" }, { 0x8000, "ignored" },
		{ 1U << 24, "onlydir" }, { 1U << 25, "dont_follow" },
		{ 1U << 26, "excl_unlink" }, { 1U << 30, "isdir" },
		{ 1U << 31, "oneshot" }, { 0, NULL }
	};
	const char *text = d->text.s;
	struct inotify_row i;

	put_json("[");
	while (parse_inotify(&text, &i) == 1) {
		next();
		if (!plain)
			put("{\"wd\":%d,", i.wd);
		put_place(i.major, i.minor, i.ino);
		put_bits("mask", i.mask, notify, bits);
		put_json("}");
	}
	put_json("]");
}

/* What a mark is on. */
static void
put_marked(const struct fanotify_row *f)
{
	const struct mount *m = NULL;

	switch (f->on) {
	case FANOTIFY_INODE:
		put_json("\"on\":\"inode\",");
		put_place(f->major, f->minor, f->id);
		return;
	case FANOTIFY_MOUNT:
		put(plain ? "mount:%llu" : "\"on\":\"mount\",\"mount\":%llu",
		    f->id);
		m = mount_by_id(procfs, (long long)f->id);
		break;
	case FANOTIFY_FS:
		put(plain ? "filesystem:%u:%u" :
		    "\"on\":\"filesystem\",\"dev\":\"%u:%u\"", f->major,
		    f->minor);
		while ((m = mount_next(procfs, m)))
			if (m->major == f->major && m->minor == f->minor)
				break;
		break;
	case FANOTIFY_MNTNS:
		put(plain ? "namespace:%llu" :
		    "\"on\":\"namespace\",\"inode\":%llu", f->id);
		return;
	}
	if (!plain)
		put_string(",\"path\":", m ? m->point : NULL,
		           m ? strlen(m->point) : 0);
	else if (m)
		put(":%s", m->point);
}

static void
detail_fanotify(const struct desc *d)
{
	static const struct bit bits[] = {
		{ 0x1000, "open_exec" }, { 0x8000, "fs_error" },
		{ 0x10000, "open_perm" }, { 0x20000, "access_perm" },
		{ 0x40000, "open_exec_perm" }, { 0x100000, "pre_access" },
		{ 1U << 24, "mnt_attach" }, { 1U << 25, "mnt_detach" },
		{ 1U << 27, "event_on_child" }, { 1U << 28, "rename" },
		{ 1U << 30, "ondir" }, { 0, NULL }
	};
	const char *text = d->text.s;
	struct fanotify_row f;

	put_json("[");
	while (parse_fanotify(&text, &f) == 1) {
		next();
		put_json("{");
		put_marked(&f);
		put_bits("mask", f.mask, notify, bits);
		put_json("}");
	}
	put_json("]");
}

static void
detail_timerfd(const struct desc *d)
{
	struct timerfd_row t;
	const char *clock;

	if (parse_timerfd(d->text.s, &t) < 0)
		return;
	clock = name_clock(t.clockid);
	put_string("{\"clock\":", clock, clock ? strlen(clock) : 0);
	put(",\"left\":%llu.%09llu,\"interval\":%llu.%09llu,\"ticks\":%llu,"
	    "\"absolute\":%s}", t.value, t.value_ns, t.interval,
	    t.interval_ns, t.ticks, t.flags & 1 ? "true" : "false");
}

/* Names with commas between them, as an array. */
static void
put_names(const char *s)
{
	size_t n;

	put("[");
	for (; *s; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		next();
		failed |= out_json(&json, s, n);
	}
	put("]");
}

static void
detail_signalfd(const struct desc *d)
{
	struct buf names = { 0 };
	unsigned long long set;

	if (parse_sigmask(d->text.s, &set) < 0)
		return;
	failed |= name_signals(&names, set);
	put_names(names.n ? names.s : "");
	buf_free(&names);
}

/* The member for a memfd. */
static void
detail_seals(struct out *o, int seals)
{
	struct buf names = { 0 };

	json.n = 0;
	if (seals < 0)
		put("null");
	else if (seals)
		failed |= name_seals(&names, (unsigned)seals, ',');
	if (seals >= 0)
		put_names(names.n ? names.s : "");
	out_key_json(o, "seals", json.s, json.n);
	buf_free(&names);
}

static void
detail_pidfd(const struct desc *d)
{
	struct buf comm = { 0 };
	struct pidfd_row p;
	char name[32];

	if (parse_pidfd(d->text.s, &p) < 0)
		return;
	put_known("{\"pid\":", p.pid > 0, p.pid);
	put(",\"dead\":%s", p.pid < 0 ? "true" : "false");
	put_known(",\"nspid\":", p.nspid > 0, p.nspid);
	snprintf(name, sizeof name, "%d/comm", p.pid);
	if (p.pid > 0 && proc_read(procfs, name, &comm) == 0 && comm.n)
		put_string(",\"command\":", comm.s, comm.n - 1);
	else
		put_string(",\"command\":", NULL, 0);
	put("}");
	buf_free(&comm);
}

static void
detail_uring(const struct desc *d)
{
	static struct buf path;
	struct uring_row u;
	struct userfile_row f;

	if (parse_uring(d->text.s, &u) < 0)
		return;
	put("{\"sqes\":%llu,\"cqes\":%llu,\"buffers\":%llu", u.sqes, u.cqes,
	    u.bufs);
	put_known(",\"thread\":", u.thread >= 0, u.thread);
	put(",\"files\":[");
	while (parse_userfile(&u.list, &f) == 1) {
		next();
		put("{\"index\":%u", f.index);
		path.n = 0;
		if ((failed |= buf_put(&path, f.path, f.n)))
			return;
		/* before Linux 6.13 the last name only, as it is */
		if (*path.s == '/')
			parse_octal(path.s);
		put_string(",\"target\":", path.s, strlen(path.s));
		put("}");
	}
	put("]}");
}

static void
detail_bpf(const struct desc *d)
{
	struct bpf_row b;

	if (parse_bpf(d->text.s, &b) < 0)
		return;
	put("{\"kind\":\"%s\",\"id\":%u", b.kind, b.id);
	/* links have a word */
	if (b.ntype && strcmp(b.kind, "link") != 0)
		put(",\"type\":%d", atoi(b.type));
	else
		put_string(",\"type\":", b.type, b.ntype);
	put_string(",\"tag\":", b.tag, b.ntag);
	put_known(",\"prog\":", b.prog != 0, b.prog);
	put("}");
}

static void
detail_locks(const char *text)
{
	struct lock_row l;

	json.n = 0;
	put("[");
	while (parse_lock(&text, &l) == 1) {
		next();
		put("{\"kind\":\"%s\",\"how\":\"%s\",\"mode\":\"%s\"", l.kind,
		    l.how, l.mode);
		put_known(",\"pid\":", l.pid > 0, l.pid);
		put(",");
		put_place(l.major, l.minor, l.ino);
		put(",\"start\":%llu", l.start);
		put_known(",\"end\":", l.end >= 0, l.end);
		put("}");
	}
	put("]");
}

/* A member that the buffer holds, null if that is empty. */
static void
put_key(struct out *o, const char *key)
{
	out_key_str(o, key, json.n ? json.s : NULL, json.n);
	json.n = 0;
}

/* How many descriptors are in messages that a unix socket has not received? 0,
 * or -1 where it is not told (before Linux 5.13 or so). */
static int
in_flight(const struct desc *d, unsigned long long *n)
{
	return d->informed ? parse_fdinfo_num(d->text.s, "scm_fds", n) : -1;
}

/* The members of a socket. */
static void
detail_sock(struct out *o, const struct desc *d, const struct sock *k)
{
	const char *s = sockname_family(k);
	unsigned long long n;
	size_t i;

	out_key_str(o, "family", s, s ? strlen(s) : 0);
	failed |= sockname_proto(k, &json);
	for (i = 0; i < json.n; i++)
		json.s[i] = (char)tolower((unsigned char)json.s[i]);
	put_key(o, "proto");
	failed |= k->ino ? sockname_local(k, &json) : 0;
	put_key(o, "local");
	failed |= k->ino ? sockname_remote(k, &json) : 0;
	put_key(o, "remote");
	s = sockname_state(k);
	out_key_str(o, "state", s, s ? strlen(s) : 0);
	if (in_flight(d, &n) == 0)
		out_key_num(o, "scm_fds", n);
}

int
detail_text(int root, const struct desc *d, struct buf *b)
{
	unsigned long long n;

	if (!d->informed)
		return 0;
	procfs = root;
	failed = 0;
	json.n = 0;
	plain = 1;
	if (d->type == DESC_EPOLL)
		detail_epoll(d);
	else if (d->type == DESC_INOTIFY)
		detail_inotify(d);
	else if (d->type == DESC_FANOTIFY)
		detail_fanotify(d);
	else if (d->type == DESC_SOCK && in_flight(d, &n) == 0 && n)
		put(" scm_fds=%llu", n);
	plain = 0;
	return json.n ? failed | buf_put(b, json.s, json.n) : failed;
}

void
detail_put(struct out *o, int root, const struct desc *d,
           const struct name *nm, int seals)
{
	static void (*const detail[])(const struct desc *) = {
		[DESC_EVENTFD] = detail_eventfd, [DESC_EPOLL] = detail_epoll,
		[DESC_INOTIFY] = detail_inotify,
		[DESC_FANOTIFY] = detail_fanotify,
		[DESC_TIMERFD] = detail_timerfd,
		[DESC_SIGNALFD] = detail_signalfd,
		[DESC_PIDFD] = detail_pidfd, [DESC_URING] = detail_uring,
		[DESC_BPF] = detail_bpf, [DESC_ANON] = NULL
	};

	if (o->mode != OUT_JSON)
		return;
	procfs = root;
	failed = 0;
	json.n = 0;
	if (d->informed && detail[d->type])
		detail[d->type](d);
	if (nm->sock)
		detail_sock(o, d, nm->sock);
	if (json.n)
		out_key_json(o, nm->type, json.s, json.n);
	if (d->type == DESC_MEMFD)
		detail_seals(o, seals);
	if (nm->key)
		out_key_str(o, nm->key, nm->to, nm->nto);
	if (desc_locked(d)) {
		detail_locks(d->text.s);
		out_key_json(o, "locks", json.s, json.n);
	}
	if (failed)
		o->failed = ENOMEM;
}
