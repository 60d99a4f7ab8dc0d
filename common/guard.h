/*
 * guard - a scan in a child process, and a parent that walks away from it
 *
 * Some reads of /proc and every path lookup can block for ever, a few of them
 * so that not even SIGKILL ends the reader. The scan therefore runs in a
 * forked child that marks each such step; the parent writes what the child
 * prints and, when one step stays unanswered, leaves the child behind and
 * lets the caller start the next one, which does not ask that question again.
 * The child holds no descriptor of its caller but terminals, so that a stuck
 * one keeps no pipe open.
 */
#include <stddef.h>

/* What a step may be stuck on, and so what is not asked again. */
enum guard_kind {
	GUARD_PROCESS,	/* a lock of the process: nothing risky of it */
	GUARD_MEMORY,	/* its mmap_lock: nothing about its mappings */
	GUARD_OBJECT,	/* one descriptor: only that one's */
	GUARD_PATH,	/* a file system: only that lookup, after two none on */
			/* its mount */
	GUARD_TREE,	/* what is safe in a procfs, in a tree that is none: */
			/* only that of this thread */
	GUARD_NET,	/* the kernel's table of sockets: none of them */
	GUARD_ASIDE	/* another process, which is not needed: only that */
			/* question, and no answer is as good as one */
};

/* What is being looked at; fd is -1 before the first descriptor. */
struct guard_at {
	int pid, tid, fd;
	enum guard_kind kind;
	int from;	/* the first descriptor that may not have been shown */
	long long mount;	/* GUARD_PATH: as guard_mount told */
};

/* What guard_run returns besides a wait status. */
enum {
	GUARD_STALLED = -1,	/* a step was not answered; run again */
	GUARD_STDOUT = -2,	/* standard output failed: errno */
	GUARD_FORK = -3		/* no child: errno */
};

/*
 * Run scan() in a child and write what it prints until it ends; its wait
 * status (waitpid(2)) or one of the above. A step may take ms milliseconds (0:
 * no limit), after the first stall of the program a tenth, at least 100.
 */
int guard_run(int (*scan)(void), unsigned ms);

/* Where the last stall was, and how many milliseconds were waited for it. */
const struct guard_at *guard_stall(unsigned *ms);

/* n bytes of zeroed memory that parent and children share, or NULL with errno;
 * call it before the first guard_run. It is never freed. */
void *guard_share(size_t n);

/* In the child: where the child before this one got stuck, or NULL. */
const struct guard_at *guard_resume(void);

/* In the child: fork a process beside it, which the guard does not watch and
 * which ends with the child; as fork(2). It has no descriptor of the child's
 * but keep, as its 0, and terminals. */
int guard_fork(int keep);

/* In the child: say what is looked at from here on. */
void guard_process(int pid);
void guard_thread(int tid);
void guard_fd(int fd);

/* In the child: the same for one of several that are only shown together, of
 * which guard_fd has told the first. */
void guard_among(int fd);

/* In the child: say which mount the next path that is looked up is likely on;
 * else it is an unknown one, of which all are one. */
void guard_mount(long long id);

/* In the child: enter a step; 0, or -1 with ETIMEDOUT where it did not answer
 * before. Outside guard_run a step costs and does nothing. */
int guard_enter(enum guard_kind);

/* The same for a step that may rightly take ten times as long: it waits for a
 * disk to have written. */
int guard_enter_long(enum guard_kind);

/* Leave the step, errno kept; does not return once the parent has gone on. */
void guard_leave(void);

/* Print n bytes to descriptor 1 or 2, through the parent in a child; 0, or -1
 * with errno. They are the parent's from here on, whatever gets stuck later. */
int guard_write(int fd, const void *, size_t n);

/* In the child, or beside it: the descriptor, 1 or 2, whose reader is being
 * waited for, or 0; *written grows as long as something is taken. */
int guard_waits(size_t *written);

/* In the child: have what was printed written now. */
void guard_flush(void);
