/*
 * parse_task - status, stat, stack and syscall of a process or a thread, as
 * proc(5) describes them. Texts are NUL-terminated; -1 means malformed, errno
 * is left alone; what is returned points into the text.
 */
#include <stddef.h>

/* The file status. */
struct task_status {
	char state;		/* R S D T t Z X I ... */
	int tgid, pid;
	int nspid;		/* ID in its pid namespace, or -1: in several */
	int kthread;
	unsigned euid;
	unsigned long long switches;	/* voluntary and not */
	int ppid;		/* 0: none, or of another pid namespace */
	int threads;		/* of the process; 0: not told */
};
int parse_status(const char *, struct task_status *);

/* The command, which status has in its first line, as the file comm has it: the
 * former writes \n and \\ for newline and backslash. At most size bytes,
 * without a NUL; their number, 0 if it is empty or not there. */
size_t parse_name(const char *, char *name, size_t size);

/* The value of the line that begins with "key:", behind its blanks; NULL
 * without one. The key is matched at the start of a line only: a command named
 * "Uid:..." forges nothing. */
const char *parse_field(const char *text, const char *key);

/* The file stat: what stands behind the last ')' of it. */
struct task_stat {
	char state;
	int tty_nr;
	unsigned flags;		/* PF_... of the kernel */
	unsigned long long ticks;	/* of CPU time, user and system */
	unsigned long long faults;	/* of pages, minor and major */
	unsigned long long starttime;	/* clock ticks since boot */
	int exit_code;		/* a zombie's, as wait(2)'s status; -1: none */
};
int parse_stat(const char *, struct task_stat *);

/* The file schedstat: the CPU time in nanoseconds, 0 where the kernel does not
 * count it (CONFIG_SCHED_INFO). */
int parse_schedstat(const char *, unsigned long long *ns);

/* A frame of the file stack: n bytes as the kernel prints them, of which the
 * first symbol bytes are the name. */
struct task_frame {
	const char *s;
	size_t n, symbol;
};

/* The next frame, *text moved behind it: 1, or 0 at the end. The prefixes and
 * the end mark of kernels before 5.2 are dropped. */
int parse_frame(const char **text, struct task_frame *);

/* The file syscall. */
struct task_syscall {
	enum { TASK_RUNNING, TASK_NO_CALL, TASK_CALL } what;
	long nr;
	unsigned long long args[6], sp, pc;
};
int parse_syscall(const char *, struct task_syscall *);

/* Is it of a 32-bit task on a 64-bit kernel, whose calls have the numbers of
 * another table? Its user stack is where 32 bits reach. */
int parse_compat(const struct task_syscall *);
