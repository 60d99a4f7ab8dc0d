#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "kernel.h"
#include "copy.h"
#include "out.h"
#include "cli.h"
#include "target.h"

#ifndef RESOLVE_NO_SYMLINKS
#define RESOLVE_NO_MAGICLINKS 2
#define RESOLVE_NO_SYMLINKS 4
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1U
#endif

/* INT, TERM and HUP end the tool at once (FREE, then DYING), but not while
 * there is a temporary name (HELD). */
enum { FREE, HELD, DYING };

/* What parent, child and the next child share. */
static struct {
	_Atomic int hold;
	volatile int stop;		/* the signal that was held back */
	int published;
	struct stat made;		/* the new file */
	char dir[PATH_MAX], temp[64];	/* the temporary name, or "" */
	char name[2 * PATH_MAX];
} *kept;

static char base[PATH_MAX];		/* the name in the directory */
static int dir = -1, in_place;

/* Say why there is no target; -1. */
#define refuse(...) (cli_warn(__VA_ARGS__), refused())

static int
refused(void)
{
	cli_fail(1);
	return -1;
}

/* In the parent and in the child. */
static void
on_signal(int sig)
{
	int expected = FREE, err = errno;

	if (atomic_compare_exchange_strong(&kept->hold, &expected, DYING) ||
	    expected == DYING) {
		signal(sig, SIG_DFL);
		raise(sig);
	} else {
		kept->stop = sig;
	}
	errno = err;
}

/* From here on signals are held back. */
static void
hold(void)
{
	int expected = FREE;

	if (!atomic_compare_exchange_strong(&kept->hold, &expected, HELD) &&
	    expected == DYING)
		_exit(1);
}

void
target_end(void)
{
	if (kept->stop) {
		signal(kept->stop, SIG_DFL);
		raise(kept->stop);
	}
}

/* The temporary name is gone: end by the signal that came meanwhile. */
static void
release(void)
{
	kept->temp[0] = '\0';
	atomic_store(&kept->hold, FREE);
	if (!kept->published)
		target_end();
}

int
target_init(const char *name)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART }, old;
	size_t i;

	if (!(kept = guard_share(sizeof *kept)))
		return -1;
	snprintf(kept->name, sizeof kept->name, "%s", name);
	for (i = 0; i < sizeof held / sizeof *held; i++) {
		sigaction(held[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)
			sigaction(held[i], &sa, NULL);
	}
	return 0;
}

const volatile int *
target_stop(void)
{
	return &kept->stop;
}

const char *
target_name(void)
{
	return kept->name;
}

int
target_published(void)
{
	return kept->published;
}

unsigned long long
target_used(void)
{
	return (unsigned long long)kept->made.st_blocks * 512;
}

/* Split a path at its last slash into kept->dir and base; 0, or -1. */
static int
split(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	snprintf(kept->name, sizeof kept->name, "%s", path);
	if (strlen(path) >= PATH_MAX)
		return refuse("%s: %s", path, strerror(ENAMETOOLONG));
	snprintf(base, sizeof base, "%s", slash ? slash + 1 : path);
	if (!slash)
		strcpy(kept->dir, ".");
	else if (n == 0)
		strcpy(kept->dir, "/");
	else
		snprintf(kept->dir, sizeof kept->dir, "%.*s", (int)n, path);
	return 0;
}

/* Open a directory, with openat2's resolve flags; -1 with errno. */
static int
open_dir(const struct copy *c, const char *path, uint64_t resolve)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, resolve };
	int fd;

	for (;;) {
		if (copy_enter_target(c) < 0)
			return -1;
		fd = resolve ? (int)syscall(SYS_openat2, AT_FDCWD, path, &how,
		                            sizeof how) :
		    open(path, (int)how.flags);
		guard_leave();
		/* one may be written to without being readable */
		if (fd >= 0 || errno != EACCES || how.flags & O_PATH)
			return fd;
		how.flags |= O_PATH;
	}
}

int
target_in_place(const struct copy *c, const char *path,
                const struct kstatx *file, int pid)
{
	struct kstatx st;

	in_place = 1;
	if (split(path) < 0)
		return -1;
	dir = open_dir(c, kept->dir,
	               RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (dir < 0 && errno == ELOOP)
		return refuse("%s: a symbolic link has taken a directory's "
		              "place: give a DEST", path);
	if (dir < 0 && errno == ENOSYS)
		return refuse("%s: to restore in place needs openat2 (Linux "
		              "5.6): give a DEST", path);
	if (dir < 0)
		return refuse("%s: %s: give a DEST", kept->dir,
		              strerror(errno));
	if (copy_attributes(c, dir, &st) < 0)
		return refuse("%s: %s", kept->dir, strerror(errno));
	if (!(st.mask & file->mask & KSTATX_MNT_ID))
		return refuse("%s: to restore in place needs mount IDs (Linux "
		              "5.8): give a DEST", path);
	if (st.mnt_id != file->mnt_id)
		return refuse("%s: is on another mount than the file, which "
		              "is of another mount namespace or was mounted "
		              "over: give a DEST, such as /proc/%d/root%s",
		              path, pid, path);
	return 0;
}

int
target_path(const struct copy *c, const char *path, const char *original)
{
	size_t n = strlen(path);
	int err;

	if ((dir = open_dir(c, path, 0)) >= 0) {
		if (!original)
			return refuse("%s: the file's own name is not known: "
			              "give a DEST with a file name", path);
		snprintf(kept->dir, sizeof kept->dir, "%s", path);
		snprintf(base, sizeof base, "%s", strrchr(original, '/') + 1);
		snprintf(kept->name, sizeof kept->name, "%s%s%s", path,
		         path[n - 1] == '/' ? "" : "/", base);
		return 0;
	}
	err = errno;
	if (path[n - 1] == '/')
		return refuse("%s: %s", path, strerror(err));
	if (split(path) < 0)
		return -1;
	if ((dir = open_dir(c, kept->dir, 0)) < 0)
		return refuse("%s: %s", kept->dir, strerror(errno));
	return 0;
}

int
target_check(const struct copy *c, unsigned long long bytes)
{
	struct stat st;
	struct statvfs fs = { 0 };
	unsigned long long avail;
	char need[16], room[16];
	int exists, r;

	if (copy_enter_target(c) < 0)
		return -1;
	exists = fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == 0 ? EEXIST :
	    errno;
	r = fstatvfs(dir, &fs);
	guard_leave();
	if (exists != ENOENT)
		return refuse("%s: %s", kept->name, strerror(exists));
	avail = (unsigned long long)fs.f_bavail * fs.f_frsize;
	/* some file systems don't tell their size */
	if (r == 0 && fs.f_blocks && bytes > avail) {
		out_scale(need, bytes);
		out_scale(room, avail);
		return refuse("%s: needs %s on disk, and %s are free: give a "
		              "DEST on another file system", kept->name, need,
		              room);
	}
	return 0;
}

int
target_make(struct copy *c)
{
	int n;

	if (copy_enter_target(c) < 0)
		return -1;
	c->to = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	guard_leave();
	if (c->to >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return c->to < 0 ? -1 : 0;
	hold();
	for (n = 0; n < 100 && c->to < 0; n++) {
		snprintf(kept->temp, sizeof kept->temp, ".fdrecover-%d-%d",
		         (int)getpid(), n);
		if (copy_enter_target(c) < 0)
			return -1;
		c->to = openat(dir, kept->temp, O_CREAT | O_EXCL | O_RDWR |
		               O_NOFOLLOW | O_CLOEXEC, 0600);
		if (c->to >= 0)
			fstat(c->to, &kept->made);
		guard_leave();
		if (c->to < 0 && errno != EEXIST)
			break;
	}
	if (c->to < 0) {
		n = errno;
		release();
		errno = n;
	}
	return c->to < 0 ? -1 : 0;
}

void
target_remove(const struct copy *c)
{
	if (!kept->temp[0])
		return;
	if (copy_enter_target(c) == 0) {
		unlinkat(dir, kept->temp, 0);
		guard_leave();
	}
	release();
}

/* Give the file its name; 0, or -1 with errno. */
static int
name_file(const struct copy *c)
{
	char path[32];
	int r;

	if (!kept->temp[0]) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", c->to);
		return linkat(AT_FDCWD, path, dir, base, AT_SYMLINK_FOLLOW);
	}
	r = (int)syscall(SYS_renameat2, dir, kept->temp, dir, base,
	                 RENAME_NOREPLACE);
	if (r < 0 && (errno == EINVAL || errno == ENOSYS ||
	    errno == EOPNOTSUPP) &&
	    (r = linkat(dir, kept->temp, dir, base, 0)) == 0)
		unlinkat(dir, kept->temp, 0);
	return r;
}

int
target_publish(const struct copy *c)
{
	int r;

	if (c->to < 0) {
		kept->published = 1;
		return 0;
	}
	if (copy_enter_target(c) < 0)
		return -1;
	r = fsync(c->to);
	guard_leave();
	if (r < 0 || copy_enter_target(c) < 0)
		return -1;
	fstat(c->to, &kept->made);
	kept->published = (r = name_file(c)) == 0;
	guard_leave();
	if (r < 0)
		return -1;
	if (kept->temp[0])
		release();
	if (copy_enter_target(c) == 0) {
		r = fsync(dir);
		guard_leave();
	}
	/* EBADF: it may not be read, and so was not opened */
	if (r < 0 && errno != EBADF && errno != EINVAL)
		cli_warn("%s: %s", kept->dir, strerror(errno));
	return 0;
}

int
target_takes_set_id(const struct copy *c)
{
	struct statvfs from, to;
	int r;

	if (in_place)
		return 1;
	if (copy_enter_source(c) < 0)
		return 0;
	r = fstatvfs(c->from, &from);
	guard_leave();
	if (r < 0 || copy_enter_target(c) < 0)
		return 0;
	r = fstatvfs(dir, &to);
	guard_leave();
	return r == 0 && (!(from.f_flag & ST_NOSUID) || to.f_flag & ST_NOSUID);
}

void
target_clean(const struct copy *c)
{
	struct stat st;
	int gone = !kept->temp[0];

	guard_process(0);
	guard_fd(c->at);
	/* another kind of question than the one that was not answered */
	if (!gone && guard_enter_long(GUARD_OBJECT) == 0) {
		dir = open(kept->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fstatat(dir, kept->temp, &st, AT_SYMLINK_NOFOLLOW) < 0)
			gone = errno == ENOENT;
		else
			gone = st.st_ino == kept->made.st_ino &&
			    st.st_dev == kept->made.st_dev &&
			    unlinkat(dir, kept->temp, 0) == 0;
		guard_leave();
	}
	if (!gone)
		cli_warn("%s/%s: could not be removed", kept->dir, kept->temp);
	release();
}
