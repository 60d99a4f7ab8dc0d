/*
 * parse_fdinfo - /proc/PID/fdinfo/N, as proc(5) describes it, and what it says
 * of one kind of file only. Which kind it is, the caller must know: a driver
 * may print any key. Texts are NUL-terminated; -1 means malformed, errno is
 * left alone; what is returned points into the text.
 */
#include <stddef.h>

struct fdinfo {
	unsigned long long pos;
	unsigned flags;			/* as open(2)'s, O_CLOEXEC too */
	long long mnt_id;		/* since Linux 3.15, else -1 */
	unsigned long long ino;		/* since Linux 5.14, else 0 */
};
int parse_fdinfo(const char *, struct fdinfo *);

/* The number of the line "key: N", as tty-index, scm_fds, fuse_connection and
 * the userfaultfd's "pending" have it; 0 or -1. A name (iff, exp_name) is
 * parse_field's. */
int parse_fdinfo_num(const char *, const char *key, unsigned long long *);

struct eventfd_row {
	unsigned long long count;
	long long id;			/* since Linux 5.2, else -1 */
	int semaphore;			/* since Linux 6.5, else -1 */
};
int parse_eventfd(const char *, struct eventfd_row *);

/* A descriptor that an epoll waits for, by the number that it had there. */
struct tfd_row {
	int tfd;
	unsigned events;		/* EPOLLIN ... of epoll_ctl(2) */
	unsigned long long data, ino;
	unsigned major, minor;		/* of the file's superblock */
};

/* The next one, *text moved behind it: 1, or 0 at the end. */
int parse_tfd(const char **text, struct tfd_row *);

struct inotify_row {
	int wd;
	unsigned long long ino;
	unsigned major, minor;		/* of the superblock: not stat's on */
					/* btrfs */
	unsigned mask;			/* IN_ACCESS ... of inotify(7) */
	const char *handle;		/* n bytes, "fhandle-bytes" and on, */
	size_t n;			/* or NULL */
};

/* The next watch, *text moved behind it: 1, or 0 at the end. */
int parse_inotify(const char **text, struct inotify_row *);

struct fanotify_row {
	enum { FANOTIFY_INODE, FANOTIFY_MOUNT, FANOTIFY_FS, FANOTIFY_MNTNS } on;
	unsigned long long id;		/* inode, mount ID; of FS 0 */
	unsigned major, minor;		/* of INODE and FS */
	unsigned long long mask;	/* FAN_ACCESS ... of fanotify_mark(2) */
	const char *handle;		/* as an inotify's, of INODE */
	size_t n;
};

/* The next mark, *text moved behind it: 1, or 0 at the end. */
int parse_fanotify(const char **text, struct fanotify_row *);

struct timerfd_row {
	int clockid;			/* CLOCK_REALTIME ... of <time.h> */
	unsigned long long ticks;	/* expirations not yet read */
	unsigned flags;			/* of timerfd_settime(2) */
	unsigned long long value, value_ns;	/* left: s and ns, 0 is off */
	unsigned long long interval, interval_ns;
};
int parse_timerfd(const char *, struct timerfd_row *);

/* A signalfd's signals: bit 0 is signal 1. */
int parse_sigmask(const char *, unsigned long long *);

struct pidfd_row {
	int pid;	/* 0: of another pid namespace; -1: dead, waited for */
	int nspid;	/* its ID in its own pid namespace, or as pid */
};
int parse_pidfd(const char *, struct pidfd_row *);

struct bpf_row {
	const char *kind;		/* link, map, prog, btf */
	unsigned id;
	unsigned prog;			/* a link's program, or 0 */
	const char *type, *tag;		/* as they are printed, or NULL */
	size_t ntype, ntag;
};
int parse_bpf(const char *, struct bpf_row *);

struct uring_row {
	unsigned long long sqes, cqes;	/* entries that wait */
	unsigned long long files, bufs;	/* registered */
	long long thread;		/* of SQPOLL, else -1 */
	const char *list;		/* the files, for parse_userfile */
};
int parse_uring(const char *, struct uring_row *);

/* A file that is registered with an io_uring, which alone may hold it. */
struct userfile_row {
	unsigned index;
	const char *path;		/* n bytes; if it begins with a / */
					/* parse_octal undoes its escapes */
	size_t n;
};

/* The next one, *list moved behind it: 1, or 0 at the end. */
int parse_userfile(const char **list, struct userfile_row *);

/* A lock, of fdinfo or of /proc/locks. */
struct lock_row {
	unsigned long long nr;		/* who waits has its blocker's */
	char kind[8];			/* POSIX FLOCK OFDLCK LEASE DELEG ... */
	char how[10];			/* ADVISORY BREAKING ACTIVE ... */
	char mode[6];			/* READ WRITE UNLCK ... */
	int waits;			/* it is not held but waited for */
	int pid;	/* -1: an OFD's; 0: of another pid namespace */
	unsigned major, minor;		/* of the superblock */
	unsigned long long ino;
	unsigned long long start;
	long long end;			/* the last byte; -1: the end of file */
	const char *s;			/* all behind its number, n bytes */
	size_t n;
};

/* The next lock, other lines passed over, *text moved behind it: 1, or 0 at
 * the end. */
int parse_lock(const char **text, struct lock_row *);
