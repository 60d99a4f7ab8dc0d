/*
 * file - calls on files outside procfs, each a step of the guard: any of them
 * may end on a file system that is frozen or whose server is gone. Those that
 * may wait until a disk has written are the longer steps. All return what the
 * system call does, so -1 with errno (ETIMEDOUT: it did not answer before).
 * Include guard.h before, for struct guard_at.
 */
#include <sys/types.h>

struct kstatx;
struct statfs;
struct timespec;

/* A descriptor, and whom the steps on it are about: a descriptor of a process,
 * or with pid 0 an operand, whose index in argv fd is. */
struct file {
	int fd;				/* AT_FDCWD: the current directory */
	struct guard_at at;
};

/* Open a path below a directory; the new descriptor. */
int file_open(const struct file *dir, const char *path, int flags, mode_t);

/* The same for a directory where nothing in the path may be a symbolic link;
 * ENOSYS before Linux 5.6. */
int file_open_real(const struct file *dir, const char *path, int flags);

/* Open the file of a descriptor anew; the new descriptor. */
int file_reopen(const struct file *, int flags);

/* faccessat(2) of the descriptor's directory. */
int file_access(const struct file *, int mode);

/* The attributes of a name in a directory (a symbolic link's own), or with an
 * empty one of the descriptor's file; those of its file system. */
int file_statx(const struct file *, const char *name, struct kstatx *);
int file_statfs(const struct file *, struct statfs *);

/* Does the file system tell where on a disk the data is? Those that do write
 * dirty pages back, also where the file is an overlay's. */
int file_on_disk(const struct file *);

/* lseek(2), which may ask a server for data and holes. */
off_t file_seek(const struct file *, off_t, int whence);

/* read(2), pread(2), write(2) and ftruncate(2). */
ssize_t file_read(const struct file *, void *, size_t);
ssize_t file_pread(const struct file *, void *, size_t, off_t);
ssize_t file_write(const struct file *, const void *, size_t);
int file_truncate(const struct file *, off_t);

/* copy_file_range(2) from where the descriptors stand; about the first. */
ssize_t file_copy_range(const struct file *, const struct file *, size_t);

/* Make the second file, which is empty, share the blocks of the first: a copy
 * of one moment. And what tells whether that could be: the first block only. */
int file_clone(const struct file *, const struct file *);
int file_clone_block(const struct file *, const struct file *);

/* Give the second file, which is empty, the NOCOW flag of btrfs if the first
 * one has it: clones want it to be the same. */
void file_match(const struct file *, const struct file *);

/* Have everything written; the data and what finds it; the dirty pages of a
 * range of n bytes. Begin to write those. */
int file_sync(const struct file *);
int file_sync_data(const struct file *);
int file_sync_range(const struct file *, off_t, off_t n);
int file_begin_sync(const struct file *, off_t, off_t n);

/* flistxattr(2) and those that get, set and remove one. */
ssize_t file_listxattr(const struct file *, char *names, size_t);
ssize_t file_getxattr(const struct file *, const char *name, void *, size_t);
int file_setxattr(const struct file *, const char *name, const void *, size_t);
int file_removexattr(const struct file *, const char *name);

/* Set the owner; the mode; the times of access and modification. */
int file_chown(const struct file *, uid_t, gid_t);
int file_chmod(const struct file *, mode_t);
int file_utimens(const struct file *, const struct timespec times[2]);

/* Give the file of a descriptor a name in a directory. */
int file_link(const struct file *, const struct file *dir, const char *name);

/* Rename within a directory; never over another file (EEXIST). */
int file_rename(const struct file *dir, const char *from, const char *to);
int file_unlink(const struct file *dir, const char *name);
