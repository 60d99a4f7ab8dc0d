#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "num.h"
#include "proc.h"

#define PROCFS_MAGIC 0x9fa0	/* PROC_SUPER_MAGIC of <linux/magic.h> */

/* struct linux_dirent64 of getdents64(2) */
struct dirent_k {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

enum { MAX_HANDLE = 128 };	/* MAX_HANDLE_SZ: glibc only has it */

static int foreign;		/* the tree only stands for a procfs */
static int shortage;		/* the first one, as errno */

/* The result of a call, noted if something ran out. */
static int
note(int r)
{
	if (r < 0 && !shortage &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		shortage = errno;
	return r;
}

int
proc_shortage(void)
{
	return shortage;
}

/* Directories of a procfs never block, those of other trees may; 0 or -1. */
static int
enter_dir(void)
{
	return foreign ? guard_enter(GUARD_TREE) : 0;
}

static void
leave_dir(void)
{
	if (foreign)
		guard_leave();
}

/* Open a directory below another one; -1 with errno. */
static int
open_dir(int dirfd, const char *name, int flags)
{
	int fd;

	if (enter_dir() < 0)
		return -1;
	fd = openat(dirfd, name, flags | O_DIRECTORY | O_CLOEXEC);
	leave_dir();
	return note(fd);
}

/* The next name in the directory's own order; as numdir_next. */
static int
next_name(struct numdir *d, int *num)
{
	for (;;) {
		struct dirent_k *e;
		unsigned long long v;
		long n;

		if (d->at == d->len) {
			n = syscall(SYS_getdents64, d->fd, d->ents,
			            sizeof d->ents);
			if (n <= 0)
				return (int)n;
			d->len = (unsigned)n;
			d->at = 0;
		}
		e = (struct dirent_k *)(void *)(d->ents + d->at);
		d->at += e->reclen;
		if (num_parse(e->name, INT_MAX, &v) == 0) {
			*num = (int)v;
			return 1;
		}
	}
}

static int
compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

/* Read all names and sort them; 0 or -1. */
static int
sort_names(struct numdir *d)
{
	struct buf b = { 0 };
	int num, r;

	if (enter_dir() < 0)
		return -1;
	while ((r = next_name(d, &num)) == 1)
		if ((r = buf_put(&b, &num, sizeof num)) < 0)
			break;
	leave_dir();
	if (r < 0) {
		buf_free(&b);
		return -1;
	}
	d->sorted = (int *)(void *)b.s;
	d->nsorted = b.n / sizeof num;
	if (d->nsorted)
		qsort(d->sorted, d->nsorted, sizeof num, compare);
	return 0;
}

int
numdir_open(struct numdir *d, int dirfd, const char *name)
{
	d->at = d->len = 0;
	d->sorted = NULL;
	d->next = d->nsorted = 0;
	if ((d->fd = open_dir(dirfd, name, O_RDONLY)) < 0)
		return -1;
	if (foreign && sort_names(d) < 0) {
		numdir_close(d);
		return -1;
	}
	return 0;
}

int
numdir_next(struct numdir *d, int *num)
{
	if (!foreign)
		return next_name(d, num);
	if (d->next == d->nsorted)
		return 0;
	*num = d->sorted[d->next++];
	return 1;
}

void
numdir_close(struct numdir *d)
{
	int err = errno;

	close(d->fd);
	free(d->sorted);
	d->sorted = NULL;
	d->fd = -1;
	errno = err;
}

/* Is there a process in the tree? 1, 0, or -1 with errno. */
static int
has_process(int root)
{
	struct numdir d;
	int pid, r;

	if (numdir_open(&d, root, ".") < 0)
		return -1;
	r = numdir_next(&d, &pid);
	numdir_close(&d);
	return r;
}

int
proc_root(const char *path)
{
	struct statfs fs;
	int fd, r = 1;

	if (guard_enter(GUARD_PATH) < 0)
		return -1;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	foreign = fd >= 0 && (fstatfs(fd, &fs) < 0 ||
	    (unsigned long)fs.f_type != PROCFS_MAGIC);
	guard_leave();
	if (fd < 0)
		return -1;
	/* An empty one would say of every process that there is none. */
	if (foreign)
		r = strcmp(path, "/proc") == 0 ? 0 : has_process(fd);
	if (r > 0 || (r < 0 && errno != ETIMEDOUT))
		return fd;
	close(fd);
	errno = r == 0 ? ENODEV : ETIMEDOUT;
	return -1;
}

int
proc_is_copy(void)
{
	return foreign;
}

int
proc_open(int root, int pid)
{
	char name[16];
	int fd;

	guard_process(pid);
	snprintf(name, sizeof name, "%d", pid);
	fd = open_dir(root, name, O_PATH);
	if (fd < 0 && errno == ENOENT)
		errno = ESRCH;
	return fd;
}

int
proc_thread(int dir, int tid)
{
	char name[32];
	int fd;

	guard_thread(tid);
	snprintf(name, sizeof name, "task/%d", tid);
	fd = open_dir(dir, name, O_PATH);
	if (fd < 0 && errno == ENOENT)
		errno = ESRCH;
	return fd;
}

/* Files that are safe to read (notes in proc.h), or are one record: these end
 * with the first read that gives less than was asked for. */
static const struct trait {
	const char *name;
	int safe, record;
} traits[] = {
	{ "status", 1, 1 }, { "comm", 1, 1 }, { "sched", 1, 0 },
	{ "schedstat", 1, 1 }, { "statm", 1, 0 }, { "limits", 1, 0 },
	{ "cgroup", 1, 0 }, { "children", 1, 0 }, { "mountinfo", 1, 0 },
	{ "stack", 0, 1 }, { "syscall", 0, 1 }, { "wchan", 0, 1 },
	{ NULL, 0, 0 }
};

static const struct trait *
trait(const char *name)
{
	const char *base = strrchr(name, '/');
	const struct trait *t;

	base = base ? base + 1 : name;
	for (t = traits; t->name; t++)
		if (strcmp(base, t->name) == 0)
			break;
	return t;
}

static int
is_fdinfo(const char *name)
{
	return strncmp(name, "fdinfo/", 7) == 0;
}

/*
 * What a read of it may be stuck on. An fdinfo file is only unsafe for an epoll
 * descriptor, whose lock the waiter may hold while it faults; nothing tells
 * them apart before the read. What is about mappings takes mmap_lock, and all
 * that is not safe exec_update_lock.
 */
static enum guard_kind
risk(const char *name)
{
	const char *s = name;

	while (*s >= '0' && *s <= '9')
		s++;
	if (!*s)				/* a link below fd */
		return GUARD_PROCESS;
	if (is_fdinfo(name))
		return GUARD_OBJECT;
	if (strcmp(name, "maps") == 0 || strncmp(name, "map_files/", 10) == 0)
		return GUARD_MEMORY;
	return strncmp(name, "net/", 4) == 0 || trait(name)->safe ?
	    GUARD_TREE : GUARD_PROCESS;
}

/* Enter the step that reading a file is, if it is one; 1, or 0 for a safe name,
 * or -1 with ETIMEDOUT. */
static int
step(const char *name)
{
	enum guard_kind kind = risk(name);

	if (kind == GUARD_TREE && !foreign)
		return 0;
	return guard_enter(kind) < 0 ? -1 : 1;
}

int
proc_file(int dirfd, const char *name)
{
	int fd, s = step(name);

	if (s < 0)
		return -1;
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (s)
		guard_leave();
	return note(fd);
}

/* Read fd from its beginning to its end: a seq_file may give less than was
 * asked for long before that, but not in the middle of a record. */
static int
read_all(int fd, const char *name, struct buf *b)
{
	int record = is_fdinfo(name) || trait(name)->record;
	size_t room;
	ssize_t n;

	b->n = 0;
	do {
		if (buf_grow(b, 1024) < 0)
			return -1;
		room = b->cap - b->n - 1;
		n = pread(fd, b->s + b->n, room, (off_t)b->n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		b->n += (size_t)n;
		b->s[b->n] = '\0';
	} while (n && !(record && (size_t)n < room));
	return 0;
}

int
proc_reread(int fd, const char *name, struct buf *b)
{
	int r, s = step(name);

	if (s < 0)
		return -1;
	r = read_all(fd, name, b);
	if (s)
		guard_leave();
	return note(r);
}

/* Read the file at path below dirfd, whose name is as proc_read has it. */
static int
read_path(int dirfd, const char *path, const char *name, struct buf *b)
{
	int fd, r, err, s = step(name);

	if (s < 0)
		return -1;
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -1 : read_all(fd, name, b);
	err = errno;
	if (fd >= 0)
		close(fd);
	if (s)
		guard_leave();
	errno = err;
	return note(r);
}

int
proc_read(int dirfd, const char *name, struct buf *b)
{
	return read_path(dirfd, name, name, b);
}

int
proc_dir(int dirfd, const char *name)
{
	return open_dir(dirfd, name, O_PATH);
}

int
proc_read_in(int dirfd, const char *name, struct buf *b)
{
	return read_path(dirfd, strchr(name, '/') + 1, name, b);
}

int
proc_readlink(int dirfd, const char *name, struct buf *b)
{
	ssize_t n;

	b->n = 0;
	/* links hold at most PATH_MAX - 1 bytes; ENAMETOOLONG beyond. */
	if (buf_grow(b, PATH_MAX) < 0 || guard_enter(risk(name)) < 0)
		return -1;
	n = readlinkat(dirfd, name, b->s, b->cap - 1);
	guard_leave();
	if (n < 0)
		return -1;
	b->n = (size_t)n;
	b->s[n] = '\0';
	return 0;
}

int
proc_pin(int dirfd, const char *name)
{
	int fd;

	if (guard_enter(risk(name)) < 0)
		return -1;
	fd = openat(dirfd, name, O_PATH | O_CLOEXEC);
	guard_leave();
	return note(fd);
}

/* There is no getxattrat(2) before Linux 6.13: the working directory changes
 * for the moment. */
int
proc_getxattr(int dirfd, const char *name, const char *attr, struct buf *b)
{
	ssize_t n = -1;
	int cwd, err;

	b->n = 0;
	if (buf_grow(b, 255) < 0 || guard_enter(GUARD_PROCESS) < 0)
		return -1;
	if ((cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0) {
		if (fchdir(dirfd) == 0)
			n = getxattr(name, attr, b->s, 255);
		err = errno;
		if (fchdir(cwd) < 0)
			n = -1;
		close(cwd);
		errno = err;
	}
	guard_leave();
	b->n = n > 0 ? (size_t)n : 0;
	b->s[b->n] = '\0';
	return n < 0 ? -1 : 0;
}

int
proc_attributes(int dirfd, const char *path, int flags, struct kstatx *st)
{
	struct stat old;
	int r = (int)syscall(SYS_statx, dirfd, path, flags,
	                     KSTATX_BASIC | KSTATX_MNT_ID, st);

	if (r == 0 || (errno != ENOSYS && errno != EPERM))
		return r;
	/* A seccomp filter of before statx(2): the old call has the same flags,
	 * AT_STATX_DONT_SYNC too, but tells no mount. */
	if (fstatat(dirfd, path, &old, flags) < 0)
		return -1;
	*st = (struct kstatx){ .mask = KSTATX_BASIC,
		.blksize = (uint32_t)old.st_blksize,
		.mode = (uint16_t)old.st_mode,
		.nlink = (uint32_t)old.st_nlink, .uid = old.st_uid,
		.gid = old.st_gid, .ino = old.st_ino,
		.size = (uint64_t)old.st_size,
		.blocks = (uint64_t)old.st_blocks,
		.dev_major = major(old.st_dev), .dev_minor = minor(old.st_dev),
		.rdev_major = major(old.st_rdev),
		.rdev_minor = minor(old.st_rdev),
		.atime = { .sec = old.st_atim.tv_sec,
			.nsec = (uint32_t)old.st_atim.tv_nsec },
		.mtime = { .sec = old.st_mtim.tv_sec,
			.nsec = (uint32_t)old.st_mtim.tv_nsec },
		.ctime = { .sec = old.st_ctim.tv_sec,
			.nsec = (uint32_t)old.st_ctim.tv_nsec } };
	return 0;
}

static int
kstatx(int dirfd, const char *path, int flags, enum guard_kind kind,
       struct kstatx *st)
{
	int r;

	if (guard_enter(kind) < 0)
		return -1;
	r = proc_attributes(dirfd, path,
	                    flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, st);
	guard_leave();
	return r;
}

int
proc_statx(int dirfd, const char *name, struct kstatx *st)
{
	return kstatx(dirfd, name, 0, risk(name), st);
}

int
proc_lstatx(int dirfd, const char *name, struct kstatx *st)
{
	return kstatx(dirfd, name, AT_SYMLINK_NOFOLLOW, GUARD_PROCESS, st);
}

int
proc_fstype(int dirfd, const char *name, unsigned long *magic)
{
	struct statfs fs = { 0 };
	int fd, r;

	if (guard_enter(GUARD_OBJECT) < 0)
		return -1;
	fd = openat(dirfd, name, O_PATH | O_CLOEXEC);
	r = fd < 0 ? -1 : fstatfs(fd, &fs);
	if (fd >= 0)
		close(fd);
	guard_leave();
	*magic = (unsigned long)fs.f_type;
	return r;
}

int
proc_handle(int dirfd, const char *name, struct buf *b)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE];
	} u;
	unsigned i;
	int mount, r;

	u.h.handle_bytes = MAX_HANDLE;
	if (guard_enter(GUARD_OBJECT) < 0)
		return -1;
	r = name_to_handle_at(dirfd, name, &u.h, &mount, AT_SYMLINK_FOLLOW |
	                      KAT_HANDLE_FID);
	if (r < 0 && errno == EINVAL)
		r = name_to_handle_at(dirfd, name, &u.h, &mount,
		                      AT_SYMLINK_FOLLOW);
	guard_leave();
	b->n = 0;
	if (r < 0 || buf_printf(b, "fhandle-bytes:%x fhandle-type:%x f_handle:",
	    u.h.handle_bytes, (unsigned)u.h.handle_type) < 0)
		return -1;
	for (i = 0; i < u.h.handle_bytes && r == 0; i++)
		r = buf_printf(b, "%02x", u.h.f_handle[i]);
	return r;
}

int
proc_lookup(int dirfd, const char *path, struct kstatx *st)
{
	return kstatx(dirfd, path, 0, GUARD_PATH, st);
}
