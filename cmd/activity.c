#include <sys/stat.h>
#include <sys/syscall.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "parse_maps.h"
#include "parse_task.h"
#include "desc.h"
#include "proc.h"
#include "sysname.h"
#include "activity.h"

#define THREADS 32	/* that many are asked for their call */

static struct buf text;

int
activity_io(int dir, unsigned long long n[ACTIVITY_COUNTERS])
{
	static const char *const keys[] = { [ACTIVITY_READ] = "rchar",
		[ACTIVITY_WRITTEN] = "wchar", [ACTIVITY_FETCHED] =
		"read_bytes", [ACTIVITY_STORED] = "write_bytes" };
	const char *v;
	int i;

	if (proc_read(dir, "io", &text) < 0)
		return -1;
	for (i = 0; i < ACTIVITY_COUNTERS; i++) {
		v = parse_field(text.s, keys[i]);
		n[i] = v ? strtoull(v, NULL, 10) : 0;
	}
	return 0;
}

int
activity_cpu(int dir, struct task_stat *st)
{
	if (proc_read(dir, "stat", &text) < 0)
		return -1;
	return parse_stat(text.s, st);
}

unsigned long long
activity_mapped(int dir)
{
	unsigned long long shared;

	if (proc_read(dir, "statm", &text) < 0 ||
	    sscanf(text.s, "%*u %*u %llu", &shared) != 1)
		return 0;
	return shared * (unsigned long long)sysconf(_SC_PAGESIZE);
}

unsigned long long
activity_resident(int dir, const struct kstatx *st)
{
	unsigned long long rss, sum = 0;
	struct map_row m;
	const char *s;

	if (proc_read(dir, "smaps", &text) < 0)
		return 0;
	/* not by the device, which is another one on btrfs and overlays */
	for (s = text.s; parse_smap(&s, &m, &rss) == 1; )
		if (m.ino == st->ino)
			sum += rss;
	return sum;
}

unsigned long long
activity_mapping(const struct desc_table *t, int dir, unsigned long long grown,
                 struct desc *d)
{
	static struct desc found;
	unsigned long long rss, all = 0, most = 0, mine = 0;
	struct map_row m, big = { 0 };
	struct desc old = *d;
	const char *s;

	if (proc_read(dir, "smaps", &text) < 0)
		return 0;
	for (s = text.s; parse_smap(&s, &m, &rss) == 1; ) {
		all += m.ino ? rss : 0;
		if (m.ino && rss > most) {
			most = rss;
			big = m;
		}
	}
	for (s = text.s; parse_smap(&s, &m, &rss) == 1; )
		mine += m.ino == big.ino ? rss : 0;
	if (!most || (all - mine) * 2 >= grown ||
	    desc_map(t, dir, &big, &found) < 0 || found.type == DESC_ANON)
		return 0;
	*d = found;
	found = old;
	return mine;
}

unsigned long long
activity_pos(const struct desc_table *t, int fd)
{
	struct fdinfo i;
	char name[32];

	snprintf(name, sizeof name, "fdinfo/%d", fd);
	if (proc_read(t->dir, name, &text) < 0 || parse_fdinfo(text.s, &i) < 0)
		return 0;
	return i.pos;
}

void
activity_files(const struct desc_table *t, int but, struct activity_files *a)
{
	struct activity_file f;
	struct kstatx link;
	struct numdir n;
	char name[16];

	a->nwritten = 0;
	a->sources = 0;
	a->read = 0;
	if (numdir_open(&n, t->dir, "fd") < 0)
		return;
	while (numdir_next(&n, &f.fd) == 1) {
		snprintf(name, sizeof name, "%d", f.fd);
		/* the link has the access mode */
		if (f.fd == but || proc_lstatx(n.fd, name, &link) < 0 ||
		    !(link.mode & 0600) || proc_statx(n.fd, name, &f.st) < 0 ||
		    !S_ISREG(f.st.mode))
			continue;
		if (link.mode & 0200) {
			a->written = cli_grow(a->written, a->nwritten,
			                      sizeof f);
			a->written[a->nwritten++] = f;
		} else if (f.st.size) {
			a->source = f;
			a->sources++;
			a->read += activity_pos(t, f.fd);
		}
	}
	numdir_close(&n);
}

/* Decode a call that moves bytes; 1, or 0 for another one. */
static int
decode(const struct task_syscall *c, struct activity_call *a)
{
	*a = (struct activity_call){ .in = -1, .out = -1, .positional = 0 };
	if (c->what != TASK_CALL || parse_compat(c))
		return 0;
	switch (c->nr) {
	case SYS_pread64:
	case SYS_preadv:
#ifdef SYS_preadv2
	case SYS_preadv2:
#endif
		a->positional = 1;
		/* fallthrough */
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
		a->in = (int)c->args[0];
		break;
	case SYS_pwrite64:
	case SYS_pwritev:
#ifdef SYS_pwritev2
	case SYS_pwritev2:
#endif
		a->positional = 1;
		/* fallthrough */
	case SYS_write:
	case SYS_writev:
		a->out = (int)c->args[0];
		break;
	case SYS_sendfile:
		a->out = (int)c->args[0];
		a->in = (int)c->args[1];
		break;
	case SYS_splice:
#ifdef SYS_copy_file_range
	case SYS_copy_file_range:
#endif
		a->in = (int)c->args[0];
		a->out = (int)c->args[2];
		break;
	default:
		return 0;
	}
	a->offset = a->positional ? c->args[3] : 0;
	/* -1 is the position (preadv2) */
	a->positional &= (long long)a->offset >= 0;
	return 1;
}

int
activity_call(int dir, int threads, int *at, struct activity_call *a)
{
	static int tids[THREADS], n;
	struct task_syscall c;
	struct numdir tasks;
	char name[32];

	if (*at == 0) {
		n = 0;
		if (!threads)
			tids[n++] = 0;
		else if (numdir_open(&tasks, dir, "task") == 0) {
			while (n < THREADS &&
			       numdir_next(&tasks, &tids[n]) == 1)
				n++;
			numdir_close(&tasks);
		}
	}
	while (*at < n) {
		snprintf(name, sizeof name, tids[*at] ? "task/%d/syscall" :
		         "syscall", tids[*at]);
		++*at;
		if (proc_read(dir, name, &text) == 0 &&
		    parse_syscall(text.s, &c) == 0 && decode(&c, a))
			return 1;
	}
	return 0;
}

void
activity_rings(const struct desc_table *t, struct activity_rings *r)
{
	struct activity_ring ring = { .completed = -1 };
	struct numdir n;
	char name[16];

	r->n = 0;
	if (numdir_open(&n, t->dir, "fd") < 0)
		return;
	while (numdir_next(&n, &ring.fd) == 1) {
		snprintf(name, sizeof name, "%d", ring.fd);
		if (proc_readlink(n.fd, name, &text) < 0 ||
		    strcmp(text.s, "anon_inode:[io_uring]") != 0)
			continue;
		r->ring = cli_grow(r->ring, r->n, sizeof ring);
		r->ring[r->n++] = ring;
	}
	numdir_close(&n);
}

/* Its fdinfo has CqTail since Linux 5.16; 6.18 leaves it out while somebody
 * else has the lock of the ring, as its own user when it submits. */
int
activity_completed(const struct desc_table *t, struct activity_rings *r)
{
	unsigned long long tail;
	char name[32];
	int moved = 0;
	size_t i;

	for (i = 0; i < r->n; i++) {
		struct activity_ring *ring = &r->ring[i];

		guard_among(ring->fd);
		snprintf(name, sizeof name, "fdinfo/%d", ring->fd);
		if (proc_read(t->dir, name, &text) < 0 ||
		    parse_fdinfo_num(text.s, "CqTail", &tail) < 0)
			continue;
		moved |= ring->completed >= 0 &&
		    ring->completed != (long long)tail;
		ring->completed = (long long)tail;
	}
	return moved;
}

const char *
activity_name(int dir)
{
	struct task_syscall c;

	if (proc_read(dir, "syscall", &text) < 0 ||
	    parse_syscall(text.s, &c) < 0 || c.what != TASK_CALL)
		return NULL;
	return sysname(c.nr, parse_compat(&c));
}
