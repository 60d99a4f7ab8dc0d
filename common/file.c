#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "guard.h"
#include "kernel.h"
#include "file.h"
#include "proc.h"

/* Make the call as a step on the file, or as one that may wait for a disk. */
#define STEP(f, call) (at(f), guard_enter((f)->at.kind) < 0 ? -1 : leave(call))
#define SLOW_STEP(f, call) \
	(at(f), guard_enter_long((f)->at.kind) < 0 ? -1 : leave(call))

static void
at(const struct file *f)
{
	guard_process(f->at.pid);
	guard_thread(f->at.tid);
	guard_fd(f->at.fd);
}

static off_t
leave(off_t r)
{
	guard_leave();
	return r;
}

int
file_open(const struct file *dir, const char *path, int flags, mode_t mode)
{
	return (int)(flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ?
	    SLOW_STEP(dir, openat(dir->fd, path, flags, mode)) :
	    STEP(dir, openat(dir->fd, path, flags)));
}

int
file_open_real(const struct file *dir, const char *path, int flags)
{
	struct kopen_how how = { .flags = (uint64_t)flags,
		.resolve = KRESOLVE_NO_MAGICLINKS | KRESOLVE_NO_SYMLINKS };

	return (int)STEP(dir, syscall(SYS_openat2, dir->fd, path, &how,
	                              sizeof how));
}

/* Where the kernel has a path to the file of a descriptor of ours. */
static const char *
own_path(char s[32], int fd)
{
	snprintf(s, 32, "/proc/self/fd/%d", fd);
	return s;
}

int
file_reopen(const struct file *f, int flags)
{
	char path[32];

	return (int)STEP(f, open(own_path(path, f->fd), flags));
}

int
file_access(const struct file *f, int mode)
{
	return (int)STEP(f, faccessat(f->fd, ".", mode, 0));
}

int
file_statx(const struct file *f, const char *name, struct kstatx *st)
{
	/* a file server is asked, whatever is cached */
	int flags = (*name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH) |
	    AT_STATX_FORCE_SYNC;

	return (int)STEP(f, proc_attributes(f->fd, name,
	    flags | AT_NO_AUTOMOUNT, st));
}

int
file_statfs(const struct file *f, struct statfs *fs)
{
	return (int)STEP(f, fstatfs(f->fd, fs));
}

off_t
file_seek(const struct file *f, off_t off, int whence)
{
	return STEP(f, lseek(f->fd, off, whence));
}

ssize_t
file_read(const struct file *f, void *p, size_t n)
{
	return (ssize_t)STEP(f, read(f->fd, p, n));
}

ssize_t
file_pread(const struct file *f, void *p, size_t n, off_t off)
{
	return (ssize_t)STEP(f, pread(f->fd, p, n, off));
}

ssize_t
file_write(const struct file *f, const void *p, size_t n)
{
	return (ssize_t)SLOW_STEP(f, write(f->fd, p, n));
}

int
file_truncate(const struct file *f, off_t size)
{
	return (int)SLOW_STEP(f, ftruncate(f->fd, size));
}

ssize_t
file_copy_range(const struct file *from, const struct file *to, size_t n)
{
	return (ssize_t)SLOW_STEP(from, syscall(SYS_copy_file_range, from->fd,
	                          NULL, to->fd, NULL, n, 0U));
}

int
file_clone(const struct file *from, const struct file *to)
{
	return (int)SLOW_STEP(from, ioctl(to->fd, KFICLONE, from->fd));
}

int
file_clone_block(const struct file *from, const struct file *to)
{
	struct kclone_range r = { .from = from->fd };
	struct kstatx st;

	if (file_statx(from, "", &st) < 0)
		return -1;
	r.n = st.size > st.blksize ? st.blksize : 0;
	return (int)SLOW_STEP(from, ioctl(to->fd, KFICLONERANGE, &r));
}

void
file_match(const struct file *from, const struct file *to)
{
	/* the kernel's is an int, whatever the name of the call says */
	int flags, err = errno;

	if (STEP(from, syscall(SYS_ioctl, from->fd, KFS_IOC_GETFLAGS,
	                       &flags)) == 0 && flags & KFS_NOCOW_FL) {
		flags = KFS_NOCOW_FL;
		(void)SLOW_STEP(to, syscall(SYS_ioctl, to->fd,
		                            KFS_IOC_SETFLAGS, &flags));
	}
	errno = err;
}

int
file_on_disk(const struct file *f)
{
	struct kfiemap m = { .length = 1 };

	return STEP(f, syscall(SYS_ioctl, f->fd, KFS_IOC_FIEMAP, &m)) == 0;
}

int
file_sync(const struct file *f)
{
	return (int)SLOW_STEP(f, fsync(f->fd));
}

int
file_sync_data(const struct file *f)
{
	return (int)SLOW_STEP(f, fdatasync(f->fd));
}

int
file_sync_range(const struct file *f, off_t off, off_t n)
{
	return (int)SLOW_STEP(f, sync_file_range(f->fd, off, n,
	    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_BEFORE |
	    SYNC_FILE_RANGE_WAIT_AFTER));
}

int
file_begin_sync(const struct file *f, off_t off, off_t n)
{
	return (int)SLOW_STEP(f, sync_file_range(f->fd, off, n,
	                      SYNC_FILE_RANGE_WRITE));
}

ssize_t
file_listxattr(const struct file *f, char *names, size_t n)
{
	return (ssize_t)STEP(f, flistxattr(f->fd, names, n));
}

ssize_t
file_getxattr(const struct file *f, const char *name, void *p, size_t n)
{
	return (ssize_t)STEP(f, fgetxattr(f->fd, name, p, n));
}

int
file_setxattr(const struct file *f, const char *name, const void *p, size_t n)
{
	return (int)SLOW_STEP(f, fsetxattr(f->fd, name, p, n, 0));
}

int
file_removexattr(const struct file *f, const char *name)
{
	return (int)SLOW_STEP(f, fremovexattr(f->fd, name));
}

int
file_chown(const struct file *f, uid_t uid, gid_t gid)
{
	return (int)SLOW_STEP(f, fchown(f->fd, uid, gid));
}

int
file_chmod(const struct file *f, mode_t mode)
{
	return (int)SLOW_STEP(f, fchmod(f->fd, mode));
}

int
file_utimens(const struct file *f, const struct timespec times[2])
{
	return (int)SLOW_STEP(f, futimens(f->fd, times));
}

int
file_link(const struct file *f, const struct file *dir, const char *name)
{
	char path[32];

	/* AT_EMPTY_PATH needs a capability before Linux 6.10 */
	return (int)SLOW_STEP(dir, linkat(AT_FDCWD, own_path(path, f->fd),
	                      dir->fd, name, AT_SYMLINK_FOLLOW));
}

int
file_rename(const struct file *dir, const char *from, const char *to)
{
	int r = (int)SLOW_STEP(dir, syscall(SYS_renameat2, dir->fd, from,
	                       dir->fd, to, KRENAME_NOREPLACE));

	/* some file systems can't rename so, but link */
	if (r == 0 || (errno != EINVAL && errno != ENOSYS &&
	    errno != EOPNOTSUPP) ||
	    (r = (int)SLOW_STEP(dir, linkat(dir->fd, from, dir->fd, to, 0))))
		return r;
	file_unlink(dir, from);
	return 0;
}

int
file_unlink(const struct file *dir, const char *name)
{
	return (int)SLOW_STEP(dir, unlinkat(dir->fd, name, 0));
}
