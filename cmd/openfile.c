#include <sys/ioctl.h>
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
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "walk.h"
#include "openfile.h"

/* Bytes that are more than a command read or a line written. */
#define SOME 4096

struct openfile file = { .pidfd = -1 };

static int info = -1;			/* its fdinfo, open */
static char info_name[32];
static int unread;			/* it has not read all before pos */
static struct buf text;
static struct desc found;

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
device_size(void)
{
	char path[64];

	snprintf(path, sizeof path, "/sys/dev/block/%u:%u/size",
	         file.d.st.rdev_major, file.d.st.rdev_minor);
	if (proc_read(AT_FDCWD, path, &text) < 0)
		return 0;
	return strtoull(text.s, NULL, 10) * 512;
}

/* Take the descriptor that was found, or after that the one before it. */
static void
exchange(void)
{
	struct desc d = file.d;

	file.d = found;
	found = d;
}

/* Find the descriptor in one of the process's tables; 0, or -1 with errno
 * (ENOENT: in none of them; ESPIPE: it has no position). */
static int
find(void)
{
	int r, err = ENOENT;

	while (file.w.pick && walk_process(&file.w) > 0)
		;			/* closes what was open */
	if (info >= 0)
		close(info);
	info = -1;
	walk_open(&file.w, file.root, &file.pick, 1, 1);
	if ((r = walk_process(&file.w)) <= 0)
		return -1;
	while ((r = walk_table(&file.w)) == 1) {
		guard_fd(file.fd);
		if (desc_read(&file.w.table, file.fd, DESC_WANT_STAT,
		              &found) == 0)
			break;
		err = errno == ESRCH ? err : errno;
	}
	if (r != 1) {
		errno = r < 0 ? errno : err;
		return -1;
	}
	exchange();
	file.tid = file.w.tid;
	if (file.d.mode < 0 || !file.d.known || (file.d.type != DESC_REG &&
	    file.d.type != DESC_BLK && file.d.type != DESC_MEMFD)) {
		errno = ESPIPE;
		return -1;
	}
	if (file.d.type == DESC_BLK)
		file.size = device_size();
	info = proc_file(file.w.table.dir, info_name);
	return info < 0 ? -1 : 0;
}

/* Is it the same open file, as far as can be told? fcntl(2) changes flags. */
static int
same_file(const struct fdinfo *i, const struct kstatx *st)
{
	const unsigned settable = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT |
	    O_NOATIME | O_CLOEXEC;

	return desc_same(st, &file.kept->st) && i->ino == file.kept->info.ino &&
	    i->mnt_id == file.kept->info.mnt_id &&
	    ((i->flags ^ file.kept->info.flags) & ~settable) == 0;
}

int
openfile_look(void)
{
	struct fdinfo i;
	struct kstatx st;

	if (proc_reread(info, info_name, &text) < 0)
		return -1;
	if (parse_fdinfo(text.s, &i) < 0) {
		errno = EIO;
		return -1;
	}
	file.now = openfile_clock(CLOCK_MONOTONIC);
	/* The right to follow the link may be lost (setuid), fdinfo's not. */
	if (proc_statx(file.w.table.fds, strchr(info_name, '/') + 1, &st) < 0) {
		if (errno != EACCES && errno != EPERM)
			return -1;
		st = file.d.st;
	}
	if (!file.kept->attached) {
		file.kept->info = i;
		file.kept->st = file.d.st;
	}
	if (!same_file(&i, &st)) {
		errno = ESTALE;
		return -1;
	}
	file.d.st = st;
	file.pos = i.pos;
	if (file.d.type != DESC_BLK)
		file.size = st.size;
	return 0;
}

int
openfile_attach(void)
{
	int r;

	snprintf(info_name, sizeof info_name, "fdinfo/%d", file.fd);
	/* it may be another file's before we look for the first time */
	do
		r = find() < 0 ? -1 : openfile_look();
	while (r < 0 && errno == ESTALE && !file.kept->attached);
	if (r < 0)
		return -1;
	if (!file.kept->attached) {
		file.kept->since = file.now;
		file.kept->pos = file.pos;
		file.kept->size = file.size;
		file.kept->moved = 0;
		file.kept->attached = 1;
	}
	unread = proc_read(file.w.dir, "io", &text) < 0 ||
	    number(text.s, "rchar") < file.pos;
	return 0;
}

/*
 * What the whole is, 0 if that is unknown: a writer's file mostly grows with
 * it, and who set the position to the end has not read all before it.
 */
unsigned long long
openfile_total(void)
{
	if (file.size == 0 || file.pos > file.size)
		return 0;
	if (file.d.type != DESC_BLK && file.d.mode != O_RDONLY &&
	    (file.size != file.kept->size || file.kept->pos >= file.size))
		return 0;
	if (file.pos == file.size && !file.kept->moved && unread)
		return 0;
	return file.size;
}

double
openfile_age(void)
{
	unsigned long long rchar, slack = file.pos / 100;
	struct task_stat st;
	double age;

	if (file.d.mode == O_WRONLY || proc_read(file.w.dir, "io", &text) < 0)
		return 0;
	rchar = number(text.s, "rchar");
	slack = slack > 65536 ? slack : 65536;	/* ld.so's */
	if (rchar < file.pos || rchar - file.pos >= slack ||
	    proc_read(file.w.dir, "stat", &text) < 0 ||
	    parse_stat(text.s, &st) < 0)
		return 0;
	age = openfile_clock(CLOCK_BOOTTIME) -
	    (double)st.starttime / (double)sysconf(_SC_CLK_TCK);
	return age > 0.5 ? age : 0;	/* it is counted in 10 ms */
}

struct openfile_activity
openfile_activity(void)
{
	struct openfile_activity a = { .at = openfile_clock(CLOCK_MONOTONIC) };
	struct task_stat st;
	struct kstatx f;
	struct numdir n;
	char name[16];
	int i;

	if (proc_read(file.w.dir, "io", &text) == 0)
		a.io = number(text.s, "rchar") + number(text.s, "wchar") +
		    number(text.s, "read_bytes") +
		    number(text.s, "write_bytes");
	if (proc_read(file.w.dir, "stat", &text) == 0 &&
	    parse_stat(text.s, &st) == 0)
		a.ticks = st.ticks;
	if (numdir_open(&n, file.w.table.dir, "fd") < 0)
		return a;
	while (numdir_next(&n, &i) == 1) {
		snprintf(name, sizeof name, "%d", i);
		/* those that it writes; the link tells */
		if (proc_lstatx(n.fd, name, &f) == 0 && f.mode & 0200 &&
		    proc_statx(n.fd, name, &f) == 0)
			a.sizes += f.size;
	}
	numdir_close(&n);
	return a;
}

int
openfile_busy(const struct openfile_activity *a)
{
	struct openfile_activity b = openfile_activity();

	return a->at > 0 && (b.io - a->io >= SOME || a->sizes != b.sizes ||
	    (double)(b.ticks - a->ticks) / (double)sysconf(_SC_CLK_TCK) >
	    (b.at - a->at) / 10);
}

int
openfile_ended(int ms)
{
	struct pollfd pfd = { .fd = file.pidfd, .events = POLLIN };
	struct task_status st;

	if (file.pidfd >= 0)
		return poll(&pfd, 1, ms) > 0;
	poll(NULL, 0, ms);
	if (proc_read(file.w.dir, "status", &text) < 0)
		return 1;
	return parse_status(text.s, &st) == 0 && strchr("ZX", st.state) &&
	    number(text.s, "Threads") <= 1;
}

int
openfile_exit_status(int *status)
{
	struct pollfd pfd = { .fd = file.pidfd };
	struct kpidfd_info i;
	double end = openfile_clock(CLOCK_MONOTONIC) + 1;

	/* known once the parent has waited for it: POLLHUP */
	do {
		memset(&i, 0, sizeof i);
		i.mask = KPIDFD_INFO_EXIT;
		if (syscall(SYS_ioctl, file.pidfd, KPIDFD_GET_INFO, &i) < 0) {
			if (errno != ESRCH)
				return -1;
			/* it was waited for in the middle of the call */
			poll(NULL, 0, 5);
			continue;
		}
		*status = i.exit_code;
		if (i.mask & KPIDFD_INFO_EXIT)
			return 0;
	} while (poll(&pfd, 1, 20) >= 0 &&
	    openfile_clock(CLOCK_MONOTONIC) < end);
	return -1;
}

/* Is the process past the release of its descriptors, and not yet ended? */
static int
ending(void)
{
	int dir = file.w.table.dir >= 0 ? file.w.table.dir : file.w.dir;
	const char *fds, *state;

	if (proc_read(dir, "status", &text) < 0)
		return 0;
	fds = parse_field(text.s, "FDSize");
	state = parse_field(text.s, "State");
	return fds && *fds == '0' && state && !strchr("ZX", *state);
}

enum openfile_end
openfile_lost(int err)
{
	unsigned long long size = file.size;

	if (err == ESTALE || err == ESPIPE)
		return REPLACED;
	/* with its leader gone a process has them in its other threads */
	if (find() == 0 && openfile_look() == 0)
		return OPEN;
	if (errno == ESTALE || errno == ESPIPE) {
		exchange();	/* what is told is about the old one */
		file.size = size;
		return REPLACED;
	}
	while (!openfile_ended(20))
		if (!ending())
			return openfile_ended(80) ? ENDED : CLOSED;
	return ENDED;
}
