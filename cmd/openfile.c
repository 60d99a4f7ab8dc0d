#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "parse_maps.h"
#include "desc.h"
#include "mount.h"
#include "parse_task.h"
#include "proc.h"
#include "walk.h"
#include "openfile.h"

static struct buf text;

double
openfile_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The number of a "key: number" line, or 0. */
static unsigned long long
number(const char *s, const char *key)
{
	const char *v = parse_field(s, key);

	return v ? strtoull(v, NULL, 10) : 0;
}

/* The size of a block device, 0 if unknown: its inode has none. */
static unsigned long long
device_size(const struct kstatx *st)
{
	char path[64];

	snprintf(path, sizeof path, "/sys/dev/block/%u:%u/size",
	         st->rdev_major, st->rdev_minor);
	if (proc_read(AT_FDCWD, path, &text) < 0)
		return 0;
	return strtoull(text.s, NULL, 10) * 512;
}

/* Take the descriptor that was found, or after that the one before it. */
static void
exchange(struct openfile *f)
{
	struct desc d = f->d;

	f->d = f->found;
	f->found = d;
}

int
openfile_process(struct openfile *f)
{
	if (f->info >= 0)
		close(f->info);
	f->info = -1;
	while (f->w.pick && walk_process(&f->w) > 0)
		;			/* closes what was open */
	walk_open(&f->w, f->root, &f->pick, 1, 1);
	return walk_process(&f->w) > 0 ? 0 : -1;
}

void
openfile_close(struct openfile *f)
{
	if (f->info >= 0)
		close(f->info);
	f->info = -1;
	while (f->w.pick && walk_process(&f->w) > 0)
		;
	if (f->pidfd >= 0)
		close(f->pidfd);
	f->pidfd = -1;
}

/* Has the process a procfs mounted that is on that device? Mostly the same is
 * asked again. */
static int
on_procfs(int dir, const struct kstatx *st)
{
	static unsigned major, minor;
	static int asked, is;
	struct mount_row m;
	const char *s;

	if (asked && major == st->dev_major && minor == st->dev_minor)
		return is;
	if (proc_read(dir, "mountinfo", &text) < 0)
		return 0;
	asked = 1;
	major = st->dev_major;
	minor = st->dev_minor;
	for (is = 0, s = text.s; !is && parse_mount(&s, &m) == 1; )
		is = m.major == major && m.minor == minor && m.ntype == 4 &&
		    memcmp(m.type, "proc", 4) == 0;
	return is;
}

int
openfile_made(const struct desc_table *t, const struct kstatx *st)
{
	const struct mount *m = NULL;

	/* kcore and config.gz have a size, and a position in it */
	if (!S_ISREG(st->mode) || st->size || st->dev_major)
		return 0;
	if (st->mask & KSTATX_MNT_ID)
		m = mount_by_id(t->root, (long long)st->mnt_id);
	return m ? strcmp(m->type, "proc") == 0 : on_procfs(t->dir, st);
}

/* Has it a position that is one? A directory's is a cookie. */
static int
seekable(const struct desc_table *t, const struct desc *d)
{
	return d->mode >= 0 && d->known && (d->type == DESC_BLK ||
	    d->type == DESC_MEMFD || (d->type == DESC_REG &&
	    !openfile_made(t, &d->st)));
}

/* Has it none, but the process's counters know of it? */
static int
stream(const struct desc *d)
{
	return d->mode >= 0 && (d->type == DESC_CHR || d->type == DESC_FIFO ||
	    d->type == DESC_PIPE || d->type == DESC_SOCK ||
	    d->type == DESC_REG);
}

/* Find the descriptor in one of the process's tables; 0, or -1 with errno
 * (ENOENT: in none of them; ESPIPE: nothing is known of such). */
static int
find(struct openfile *f)
{
	int r, err = ENOENT;

	if (openfile_process(f) < 0)
		return -1;
	while ((r = walk_table(&f->w)) == 1) {
		guard_fd(f->fd);
		if (desc_read(&f->w.table, f->fd, DESC_WANT_STAT,
		              &f->found) == 0)
			break;
		err = errno == ESRCH ? err : errno;
	}
	if (r != 1) {
		errno = r < 0 ? errno : err;
		return -1;
	}
	exchange(f);
	f->tid = f->w.tid;
	f->seekable = seekable(&f->w.table, &f->d);
	if (!f->seekable && !stream(&f->d)) {
		errno = ESPIPE;
		return -1;
	}
	if (f->d.type == DESC_BLK)
		f->size = device_size(&f->d.st);
	f->info = proc_file(f->w.table.dir, f->info_name);
	return f->info < 0 ? -1 : 0;
}

/* Is it the same open file, as far as can be told? fcntl(2) changes flags. */
static int
same_file(const struct openfile_kept *k, const struct fdinfo *i,
          const struct kstatx *st)
{
	const unsigned settable = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT |
	    O_NOATIME | O_CLOEXEC;

	return desc_same(st, &k->st) && i->ino == k->info.ino &&
	    i->mnt_id == k->info.mnt_id &&
	    ((i->flags ^ k->info.flags) & ~settable) == 0;
}

int
openfile_look(struct openfile *f)
{
	struct fdinfo i;
	struct kstatx st;

	f->now = openfile_clock(CLOCK_MONOTONIC);
	if (f->fd < 0)
		return 0;
	if (proc_reread(f->info, f->info_name, &text) < 0)
		return -1;
	if (parse_fdinfo(text.s, &i) < 0) {
		errno = EIO;
		return -1;
	}
	f->now = openfile_clock(CLOCK_MONOTONIC);
	/* The right to follow the link may be lost (setuid), fdinfo's not. */
	if (proc_statx(f->w.table.fds, strchr(f->info_name, '/') + 1,
	               &st) < 0) {
		if (errno != EACCES && errno != EPERM)
			return -1;
		st = f->d.st;
	}
	if (!f->kept->attached) {
		f->kept->info = i;
		f->kept->st = f->d.st;
	}
	if (!same_file(f->kept, &i, &st)) {
		errno = ESTALE;
		return -1;
	}
	f->d.st = st;
	f->pos = i.pos;
	if (f->d.type != DESC_BLK)
		f->size = st.size;
	return 0;
}

int
openfile_attach(struct openfile *f)
{
	int r;

	snprintf(f->info_name, sizeof f->info_name, "fdinfo/%d", f->fd);
	/* it may be another file's before we look for the first time */
	do
		r = find(f) < 0 ? -1 : openfile_look(f);
	while (r < 0 && errno == ESTALE && !f->kept->attached);
	if (r < 0)
		return -1;
	if (!f->kept->attached) {
		f->kept->since = f->now;
		f->kept->pos = f->pos;
		f->kept->size = f->size;
		f->kept->moved = 0;
		f->kept->attached = 1;
	}
	f->read = proc_read(f->w.dir, "io", &text) < 0 ? 0 :
	    number(text.s, "rchar");
	f->unread = !f->read || f->read < f->pos;
	return 0;
}

unsigned long long
openfile_total(const struct openfile *f)
{
	if (f->size == 0 || f->pos > f->size || !f->seekable)
		return 0;
	/* a writer's file mostly grows with it */
	if (f->d.type != DESC_BLK && f->d.mode != O_RDONLY &&
	    (f->size != f->kept->size || f->kept->pos >= f->size))
		return 0;
	/* who set the position to the end has not read all before it */
	if (f->pos == f->size && !f->kept->moved && f->unread)
		return 0;
	return f->size;
}

double
openfile_age(const struct openfile *f, int *busy)
{
	unsigned long long slack = f->pos / 100, ran = 0, waited = 0;
	struct task_stat st;
	double age;

	*busy = 0;
	slack = slack > 65536 ? slack : 65536;	/* ld.so's */
	if (!f->seekable || f->d.mode == O_WRONLY || f->unread ||
	    f->read - f->pos >= slack ||
	    proc_read(f->w.dir, "stat", &text) < 0 ||
	    parse_stat(text.s, &st) < 0)
		return 0;
	age = openfile_clock(CLOCK_BOOTTIME) -
	    (double)st.starttime / (double)sysconf(_SC_CLK_TCK);
	/* ns on a CPU, ns waiting for one */
	if (proc_read(f->w.dir, "schedstat", &text) == 0 &&
	    sscanf(text.s, "%llu %llu", &ran, &waited) == 2)
		*busy = (double)(ran + waited) / 1e9 > 0.95 * age;
	return age > 0.5 ? age : 0;	/* it is counted in 10 ms */
}

int
openfile_ended(const struct openfile *f, int ms)
{
	struct pollfd pfd = { .fd = f->pidfd, .events = POLLIN };
	struct task_status st;

	if (f->pidfd >= 0)
		return poll(&pfd, 1, ms) > 0;
	poll(NULL, 0, ms);
	if (proc_read(f->w.dir, "status", &text) < 0)
		return 1;
	return parse_status(text.s, &st) == 0 && strchr("ZX", st.state) &&
	    number(text.s, "Threads") <= 1;
}

/* What a zombie has left for its parent; 0 or -1. The kernel says 0 to those
 * who may not know, but these may not read io either (nor may the owner). */
static int
zombie_status(const struct openfile *f, int *status)
{
	struct task_stat st;

	if (proc_read(f->w.dir, "stat", &text) < 0 ||
	    parse_stat(text.s, &st) < 0 || st.state != 'Z' ||
	    st.exit_code < 0 ||
	    (st.exit_code == 0 && proc_read(f->w.dir, "io", &text) < 0))
		return -1;
	*status = st.exit_code;
	return 0;
}

int
openfile_exit_status(const struct openfile *f, int *status)
{
	struct pollfd pfd = { .fd = f->pidfd };
	struct kpidfd_info i;
	double end = openfile_clock(CLOCK_MONOTONIC) + 1;

	if (f->pidfd < 0)
		return zombie_status(f, status);
	/* known once the parent has waited for it: POLLHUP */
	do {
		memset(&i, 0, sizeof i);
		i.mask = KPIDFD_INFO_EXIT;
		if (syscall(SYS_ioctl, f->pidfd, KPIDFD_GET_INFO, &i) < 0) {
			if (errno != ESRCH)	/* before Linux 6.13 */
				return zombie_status(f, status);
			/* it was waited for in the middle of the call */
			poll(NULL, 0, 5);
			continue;
		}
		*status = i.exit_code;
		if (i.mask & KPIDFD_INFO_EXIT || zombie_status(f, status) == 0)
			return 0;
	} while (poll(&pfd, 1, 20) >= 0 &&
	    openfile_clock(CLOCK_MONOTONIC) < end);
	return -1;
}

/* Is the process past the release of its descriptors, and not yet ended? */
static int
ending(const struct openfile *f)
{
	int dir = f->w.table.dir >= 0 ? f->w.table.dir : f->w.dir;
	const char *fds, *state;

	if (proc_read(dir, "status", &text) < 0)
		return 0;
	fds = parse_field(text.s, "FDSize");
	state = parse_field(text.s, "State");
	return fds && *fds == '0' && state && !strchr("ZX", *state);
}

enum openfile_end
openfile_lost(struct openfile *f, int err)
{
	unsigned long long size = f->size;

	if (err == ESTALE || err == ESPIPE)
		return REPLACED;
	/* with its leader gone a process has them in its other threads */
	if (find(f) == 0 && openfile_look(f) == 0)
		return OPEN;
	if (errno == ESTALE || errno == ESPIPE) {
		exchange(f);	/* what is told is about the old one */
		f->size = size;
		return REPLACED;
	}
	if (openfile_ended(f, 20))
		return ENDED;
	if (ending(f))
		return ENDING;
	return openfile_ended(f, 80) ? ENDED : CLOSED;
}
