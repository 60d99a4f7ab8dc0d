/*
 * desc - one descriptor at one moment: what it refers to, its identity, access
 * mode and type, and whether its file is deleted
 */
#include <stddef.h>
#include <stdint.h>

struct map_row;

enum desc_type {
	DESC_UNKNOWN, DESC_REG, DESC_DIR, DESC_CHR, DESC_BLK, DESC_LNK,
	DESC_FIFO, DESC_PIPE, DESC_SOCK, DESC_MEMFD, DESC_MQUEUE,
	DESC_EVENTFD, DESC_EPOLL, DESC_INOTIFY, DESC_FANOTIFY, DESC_TIMERFD,
	DESC_SIGNALFD, DESC_PIDFD, DESC_URING, DESC_BPF, DESC_PERF, DESC_NS,
	DESC_ANON
};

/* In the place of a descriptor's number: the other files of a process. */
enum { DESC_CWD = -4, DESC_ROOT, DESC_EXE, DESC_MEM };

enum { DESC_MODE_UNKNOWN = -2 };

/* What desc_read reads besides the link: attributes and access mode with the
 * decision whether it is deleted; fdinfo; fdinfo only of what has its name in
 * it, see name.h. DESC_WANT_MODE: access mode
 * without the rest. DESC_ONCE: the caller proves that nothing changed
 * meanwhile. DESC_GONE: of what is no deleted file that is all that is asked;
 * for most one call or two tell. */
enum {
	DESC_WANT_STAT = 1, DESC_WANT_INFO = 2, DESC_WANT_NAME = 4,
	DESC_ONCE = 8, DESC_WANT_MODE = 16, DESC_GONE = 32
};

/* Where a table is read: the procfs, the directory of the process or thread,
 * its directory fd, and if it is not 0 its directory fdinfo. */
struct desc_table {
	int root, dir, fds, infos;
};

struct desc {
	int fd;
	char range[40];			/* DESC_MEM: as in map_files */
	int stores;			/* ... and it can be written through */
	struct buf target;		/* the link's text */
	int named;			/* the text is known */
	size_t namelen;			/* of it without the mark */
	enum desc_type type;
	int mode;			/* O_RDONLY O_WRONLY O_RDWR, -1 none, */
					/* or DESC_MODE_UNKNOWN */
	int deleted;			/* 1, 0, or -1: unknown */
	int known;			/* st is filled */
	struct kstatx st;
	int informed;			/* info and text are filled */
	struct fdinfo info;
	struct buf text;		/* of fdinfo */
};

/* Read descriptor fd (or DESC_CWD, DESC_ROOT, DESC_EXE) of a table; 0, 1 of
 * what is certainly no deleted file with DESC_GONE, or -1 with errno (ENOENT:
 * not open, or no longer). Of one that is another file's
 * each time that it is looked at nothing is known but that it is open. The
 * buffers in the struct, which begins zeroed, are used again and again. */
int desc_read(const struct desc_table *, int fd, int want, struct desc *);

/* Describe a mapping (DESC_MEM) by map_files below dir, which needs a
 * capability (CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN), else as maps has it:
 * then known is 0, and of st only ino and dev are filled, the latter wrong on
 * btrfs and some overlays. 0, or -1 with errno (ENOENT: no longer mapped). */
int desc_map(const struct desc_table *, int dir, const struct map_row *,
             struct desc *);

/* The type in lsfd's words, or NULL for DESC_UNKNOWN. */
const char *desc_type_name(enum desc_type);

/* "cwd", "root", "exe", "mem", or NULL for a number. */
const char *desc_fd_name(int fd);

/* Does a link's text end in the mark of a deleted file? It may be its name. */
int desc_marked(const char *text, size_t n);

/* Is it a dma-buf? Its text is "/dmabuf:" and what it was called, if it was. */
int desc_dmabuf(const struct desc *);

/* The ID of the mount that it is on, or -1. */
long long desc_mount(const struct desc *);

/* Does fdinfo tell of locks that are held by way of it? */
int desc_locked(const struct desc *);

/* The seals of a memfd (F_SEAL_* of fcntl(2)), or -1 where they can't be known.
 * Only the descriptor tells: it is duplicated from the thread for a moment. */
int desc_seals(const struct desc_table *, int tid, const struct desc *);

/* Do the attributes name the same file? */
int desc_same(const struct kstatx *, const struct kstatx *);
