#include <sys/types.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "name.h"
#include "parse_net.h"
#include "parse_task.h"
#include "proc.h"
#include "sock.h"
#include "sockname.h"
#include "socktab.h"

const char *const name_types[] = {
	"reg", "dir", "chr", "blk", "lnk", "fifo", "pipe", "tcp", "udp", "raw",
	"icmp", "unix", "netlink", "packet", "vsock", "sock", "eventfd",
	"epoll", "inotify", "fanotify", "timerfd", "signalfd", "pidfd",
	"memfd", "mqueue", "uring", "bpf", "perf", "ns", "anon", NULL
};

const char *
name_clock(int clockid)
{
	/* those that a timerfd may have */
	static const char *const names[] = {
		[0] = "realtime", [1] = "monotonic", [7] = "boottime",
		[8] = "realtime_alarm", [9] = "boottime_alarm"
	};

	return clockid >= 0 && (size_t)clockid < sizeof names / sizeof *names ?
	    names[clockid] : NULL;
}

int
name_signals(struct buf *b, unsigned long long set)
{
#define S(name) { SIG##name, #name }
	static const struct {
		int nr;
		const char *name;
	} names[] = {
		S(HUP), S(INT), S(QUIT), S(ILL), S(TRAP), S(ABRT), S(BUS),
		S(FPE), S(KILL), S(USR1), S(SEGV), S(USR2), S(PIPE), S(ALRM),
		S(TERM), S(CHLD), S(CONT), S(STOP), S(TSTP), S(TTIN), S(TTOU),
		S(URG), S(XCPU), S(XFSZ), S(VTALRM), S(PROF), S(WINCH), S(IO),
		S(PWR), S(SYS),
#ifdef SIGSTKFLT		/* not on every architecture */
		S(STKFLT),
#endif
	};
#undef S
	const char *comma = "";
	size_t i;
	int nr, r = 0;

	for (nr = 1; nr <= 64; nr++) {
		if (!(set >> (nr - 1) & 1))
			continue;
		for (i = 0; i < sizeof names / sizeof *names; i++)
			if (names[i].nr == nr)
				break;
		if (i < sizeof names / sizeof *names)
			r |= buf_printf(b, "%s%s", comma, names[i].name);
		else
			r |= buf_printf(b, "%s%d", comma, nr);
		comma = ",";
	}
	return r;
}

int
name_seals(struct buf *b, unsigned set, char between)
{
	static const char *const names[] = {
		"seal", "shrink", "grow", "write", "future_write", "exec"
	};
	size_t begin = b->n;
	unsigned i;
	int r = set ? 0 : buf_printf(b, "none");

	for (i = 0; i < 32; i++) {
		if (!(set >> i & 1))
			continue;
		if (b->n > begin)
			r |= buf_put(b, &between, 1);
		if (i < sizeof names / sizeof *names)
			r |= buf_printf(b, "%s", names[i]);
		else
			r |= buf_printf(b, "%#x", 1U << i);
	}
	return r;
}

static int
name_eventfd(const struct desc *d, struct buf *b)
{
	struct eventfd_row e;

	if (parse_eventfd(d->text.s, &e) < 0)
		return 0;
	if (e.id < 0)
		return buf_printf(b, "eventfd count=%llu", e.count);
	return buf_printf(b, "eventfd:[%lld] count=%llu%s", e.id, e.count,
	           e.semaphore > 0 ? " semaphore" : "");
}

static int
by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

/* The kernel has them in the order of their addresses. */
static int
name_epoll(const struct desc *d, struct buf *b)
{
	struct buf fds = { 0 };
	const char *text = d->text.s;
	struct tfd_row t;
	size_t i, n;
	int fd, r = buf_printf(b, "epoll of ");

	while (parse_tfd(&text, &t) == 1)
		r |= buf_put(&fds, &t.tfd, sizeof t.tfd);
	n = fds.n / sizeof fd;
	if (n)
		qsort(fds.s, n, sizeof fd, by_number);
	for (i = 0; i < n; i++) {
		memcpy(&fd, fds.s + i * sizeof fd, sizeof fd);
		r |= buf_printf(b, "%s%d", i ? "," : "", fd);
	}
	buf_free(&fds);
	return n ? r : r | buf_printf(b, "nothing");
}

static int
name_inotify(const struct desc *d, struct buf *b)
{
	const char *text = d->text.s;
	struct inotify_row i;
	unsigned n = 0;

	while (parse_inotify(&text, &i) == 1)
		n++;
	return buf_printf(b, "inotify %u watch%s", n, n == 1 ? "" : "es");
}

static int
name_fanotify(const struct desc *d, struct buf *b)
{
	const char *text = d->text.s;
	struct fanotify_row f;
	unsigned n = 0;

	while (parse_fanotify(&text, &f) == 1)
		n++;
	return buf_printf(b, "fanotify %u mark%s", n, n == 1 ? "" : "s");
}

/* Seconds with as many decimals as are needed. */
static int
put_time(struct buf *b, const char *what, unsigned long long s,
         unsigned long long ns)
{
	char frac[16];
	int n = snprintf(frac, sizeof frac, "%09llu", ns % 1000000000);

	while (n && frac[n - 1] == '0')
		frac[--n] = '\0';
	return buf_printf(b, " %s=%llu%s%s", what, s, n ? "." : "", frac);
}

static int
name_timerfd(const struct desc *d, struct buf *b)
{
	struct timerfd_row t;
	const char *clock;
	int r;

	if (parse_timerfd(d->text.s, &t) < 0)
		return 0;
	clock = name_clock(t.clockid);
	r = buf_printf(b, "timerfd %s", clock ? clock : "?");
	if (t.value || t.value_ns)
		r |= put_time(b, "left", t.value, t.value_ns);
	else
		r |= buf_printf(b, " off");
	if (t.interval || t.interval_ns)
		r |= put_time(b, "interval", t.interval, t.interval_ns);
	return t.ticks ? r | buf_printf(b, " ticks=%llu", t.ticks) : r;
}

static int
name_signalfd(const struct desc *d, struct buf *b)
{
	unsigned long long set;

	if (parse_sigmask(d->text.s, &set) < 0)
		return 0;
	return buf_printf(b, "signalfd of %s", set ? "" : "nothing") < 0 ? -1 :
	    name_signals(b, set);
}

static int
name_pidfd(int root, const struct desc *d, struct buf *b)
{
	struct buf comm = { 0 };
	struct pidfd_row p;
	char name[32];
	int r;

	if (parse_pidfd(d->text.s, &p) < 0)
		return 0;
	if (p.pid <= 0)
		return buf_printf(b, "pid of a %s", p.pid < 0 ? "dead process" :
		           "process of another namespace");
	snprintf(name, sizeof name, "%d/comm", p.pid);
	r = buf_printf(b, "pid %d", p.pid);
	if (r == 0 && proc_read(root, name, &comm) == 0 && comm.n > 1)
		r = buf_printf(b, " %.*s", (int)comm.n - 1, comm.s);
	buf_free(&comm);
	return r;
}

static int
name_uring(const struct desc *d, struct buf *b)
{
	struct uring_row u;
	int r;

	if (parse_uring(d->text.s, &u) < 0)
		return 0;
	r = buf_printf(b, "io_uring files=%llu buffers=%llu", u.files, u.bufs);
	return u.thread < 0 ? r : r | buf_printf(b, " thread=%lld", u.thread);
}

static int
name_bpf(const struct desc *d, struct buf *b)
{
	struct bpf_row f;
	int r;

	if (parse_bpf(d->text.s, &f) < 0)
		return 0;
	r = buf_printf(b, "bpf %s %u", f.kind, f.id);
	if (f.type)
		r |= buf_printf(b, " type=%.*s", (int)f.ntype, f.type);
	return f.prog ? r | buf_printf(b, " prog=%u", f.prog) : r;
}

static int
name_dmabuf(const struct desc *d, struct buf *b)
{
	const char *s = parse_field(d->text.s, "exp_name");
	unsigned long long size, count;
	int r;

	/* since Linux 5.3 */
	if (!s || parse_fdinfo_num(d->text.s, "size", &size) < 0 ||
	    parse_fdinfo_num(d->text.s, "count", &count) < 0)
		return 0;
	r = buf_printf(b, "dmabuf size=%llu count=%llu exp_name=%.*s", size,
	               count, (int)strcspn(s, "\n"), s);
	if (d->namelen == 8)
		return r;
	return r | buf_printf(b, " name=") |
	    buf_put(b, d->target.s + 8, d->namelen - 8);
}

/* What has no type of its own: a dma-buf, or a userfaultfd's faults that
 * wait. */
static int
name_anon(const struct desc *d, struct buf *b)
{
	unsigned long long pending;

	if (desc_dmabuf(d))
		return name_dmabuf(d, b);
	if (strcmp(d->target.s, "anon_inode:[userfaultfd]") != 0 ||
	    parse_fdinfo_num(d->text.s, "pending", &pending) < 0)
		return 0;
	return buf_printf(b, "userfaultfd pending=%llu", pending);
}

/* What a device stands for, behind what the buffer holds, and the word for it;
 * NULL for nothing. */
static const char *
name_device(const struct desc *d, struct buf *b)
{
	unsigned major = d->st.rdev_major, minor = d->st.rdev_minor;
	struct buf file = { 0 };
	unsigned long long v;
	const char *s, *key = NULL;
	char path[64];

	if (d->type == DESC_BLK && major == 7 && !proc_is_copy()) {
		snprintf(path, sizeof path,
		         "/sys/dev/block/7:%u/loop/backing_file", minor);
		if (proc_read(-1, path, &file) == 0 && file.n > 1 &&
		    buf_put(b, file.s, file.n - 1) == 0)
			key = "backing_file";
		buf_free(&file);
	}
	if (d->type != DESC_CHR || !d->informed)
		return key;
	if (major == 5 && minor == 2 &&
	    parse_fdinfo_num(d->text.s, "tty-index", &v) == 0)
		return buf_printf(b, "pts/%llu", v) == 0 ? "tty" : NULL;
	if (major == 10 && minor == 229 &&
	    parse_fdinfo_num(d->text.s, "fuse_connection", &v) == 0)
		return buf_printf(b, "0:%llu", v) == 0 ? "connection" : NULL;
	if (major == 10 && minor == 200 &&
	    (s = parse_field(d->text.s, "iff")) && *s != '\n')
		return buf_put(b, s, strcspn(s, "\n")) == 0 ? "interface" :
		    NULL;
	return NULL;
}

/* The object decoded, where it is one that is; else nothing is put. */
static int
name_object(int root, const struct desc *d, struct buf *b)
{
	static int (*const decode[])(const struct desc *, struct buf *) = {
		[DESC_EVENTFD] = name_eventfd, [DESC_EPOLL] = name_epoll,
		[DESC_INOTIFY] = name_inotify,
		[DESC_FANOTIFY] = name_fanotify,
		[DESC_TIMERFD] = name_timerfd,
		[DESC_SIGNALFD] = name_signalfd, [DESC_URING] = name_uring,
		[DESC_BPF] = name_bpf, [DESC_ANON] = name_anon
	};

	if (!d->informed)
		return 0;
	if (d->type == DESC_PIDFD)
		return name_pidfd(root, d, b);
	return decode[d->type] ? decode[d->type](d, b) : 0;
}

/* A socket, if it is one that has a number, by the tables of the network
 * namespace of its holder. */
static int
name_sock(const struct desc_table *t, const struct desc *d, struct name *nm)
{
	static struct sock k;
	uint32_t ino = sock_ino(d->target.s);

	if (!ino || (!nm->net && !(nm->net = sock_net(t->root, t->dir))))
		return 0;
	if (socktab_find(nm->net, t->fds, d->fd, ino, &k, &nm->protocol) < 0 &&
	    (errno == ENOMEM || errno == ENOENT))
		return errno == ENOENT ? 0 : -1;
	nm->sock = &k;
	nm->type = sockname_kind(&k);
	return sockname(&k, ino, &nm->protocol, &nm->text);
}

int
name_read(const struct desc_table *t, const struct desc *d, struct name *nm)
{
	struct buf *b = &nm->text;

	nm->type = desc_type_name(d->type);
	nm->s = d->named ? d->target.s : NULL;
	nm->n = d->named ? d->namelen : 0;
	nm->deleted = d->deleted;
	nm->key = nm->to = NULL;
	nm->nto = 0;
	nm->sock = NULL;
	b->n = 0;
	if (d->type == DESC_SOCK && d->named && name_sock(t, d, nm) < 0)
		return -1;
	if (d->named && name_object(t->root, d, b) < 0)
		return -1;
	if (b->n) {
		nm->s = b->s;
		nm->n = b->n;
	}
	nm->shown = nm->s;
	nm->nshown = nm->n;
	if ((d->type != DESC_CHR && d->type != DESC_BLK) || !d->named ||
	    d->deleted)
		return 0;
	if (buf_put(b, nm->s, nm->n) < 0 || buf_put(b, " -> ", 4) < 0)
		return -1;
	if ((nm->key = name_device(d, b))) {
		nm->to = b->s + nm->n + 4;
		nm->nto = b->n - nm->n - 4;
		nm->shown = b->s;
		nm->nshown = b->n;
	}
	return 0;
}
