/*
 * proc - I/O on a procfs tree, relative to directory descriptors; nothing
 * here looks inside a file. All risky reads are steps of the guard, by a table
 * of the names that are safe: status, comm, sched, schedstat, statm, limits,
 * cgroup, children, net/ and mountinfo never wait for a lock that a stuck
 * process holds, nor do directories. In a tree that is no procfs every look is
 * a step. A step that was given up before fails with ETIMEDOUT.
 */
#include <stddef.h>

struct buf;
struct kstatx;

/* An iterator over a directory's decimal names: /proc, task, fd, fdinfo. They
 * come in ascending order (task's by age), as procfs has them. */
struct numdir {
	int fd;
	unsigned at, len;
	int *sorted;			/* all names, where it is no procfs */
	size_t next, nsorted;
	_Alignas(8) char ents[8192];
};

/* Open the directory name below dirfd; 0, or -1 with errno. */
int numdir_open(struct numdir *, int dirfd, const char *name);

/* The next number in *num: 1, or 0 at the end, or -1 with errno. */
int numdir_next(struct numdir *, int *num);

/* Close what numdir_open opened. */
void numdir_close(struct numdir *);

/* Open a procfs or what stands for one; a directory descriptor, or -1 with
 * errno (ENODEV: /proc is no procfs, or no process is in the tree). */
int proc_root(const char *path);

/* Is the tree that was opened none of a procfs, but a copy or a stand-in? */
int proc_is_copy(void);

/* Why the first of these functions that failed for want of descriptors or of
 * memory did so, as errno; or 0. What was not seen for that is not gone. */
int proc_shortage(void);

/* Open the directory of a process or a thread, and make it the one that the
 * guard speaks of; a descriptor, which pins it (its reads give ESRCH once it is
 * gone, also when the number is used again), or -1 with errno (ESRCH). */
int proc_open(int root, int pid);

/* The directory of thread tid below that of a process; as proc_open. */
int proc_thread(int dir, int tid);

/* Read a whole file into the buffer, what it held before is lost; 0, or -1
 * with errno. */
int proc_read(int dirfd, const char *name, struct buf *);

/* Open a directory below another one, for proc_read_in; a descriptor, or -1
 * with errno. */
int proc_dir(int dirfd, const char *name);

/* As proc_read, of a file below such a directory whose name is the one from
 * above it ("fdinfo/7"): to find it costs less, which counts for thousands. */
int proc_read_in(int dirfd, const char *name, struct buf *);

/* Open a file for proc_reread; a descriptor, or -1 with errno. */
int proc_file(int dirfd, const char *name);

/* Read an open file again from its beginning; name as in proc_file. */
int proc_reread(int fd, const char *name, struct buf *);

/* Read the target of a link into the buffer; 0, or -1 with errno
 * (ENAMETOOLONG: a path of over 4,095 bytes). */
int proc_readlink(int dirfd, const char *name, struct buf *);

/* Open what a link leads to, so that it stays (O_PATH: nothing else happens to
 * it); a descriptor, or -1 with errno. */
int proc_pin(int dirfd, const char *name);

/* statx(2), in no step of the guard and also where a filter refuses it: then
 * the mount is not in the mask. 0, or -1 with errno. */
int proc_attributes(int dirfd, const char *path, int flags, struct kstatx *);

/* The attributes behind a link, as the kernel has them cached; 0, or -1. */
int proc_statx(int dirfd, const char *name, struct kstatx *);

/* The attributes of the link itself: the access mode is in its mode bits. */
int proc_lstatx(int dirfd, const char *name, struct kstatx *);

/* Read an extended attribute of what a link below the directory leads to into
 * the buffer; 0, or -1 with errno. */
int proc_getxattr(int dirfd, const char *name, const char *attr, struct buf *);

/* The number of the file system (statfs(2)) that a link leads to, which its
 * server is asked for, in a step about that file only; 0, or -1 with errno. */
int proc_fstype(int dirfd, const char *name, unsigned long *magic);

/* The handle of the file that a link leads to, as fdinfo of an inotify has it
 * ("fhandle-bytes:8 fhandle-type:1 f_handle:..."), in a step about that file
 * only; 0, or -1 with errno (EOPNOTSUPP: its file system has none). */
int proc_handle(int dirfd, const char *name, struct buf *);

/* The attributes of a path of any file system, symlinks followed, in a step
 * of its own kind; 0, or -1 with errno. */
int proc_lookup(int dirfd, const char *path, struct kstatx *);
