/* thread - what one thread does, by its files in /proc */

/* Why a file can't be had: by the right to see stacks, the kernel's build, the
 * owner, ptrace(2)'s check. */
enum {
	NO_ADMIN, NO_STACKTRACE, NO_TRACEHOOK, NOT_OURS, NO_PTRACE
};

/* How often a thread ran, and how long (ns). */
struct run {
	unsigned long long times, ns;
};

struct thread {
	int root, dir;			/* the procfs, and task/TID of it */
	int pid, tid;
	struct task_status st;
	struct buf comm, stack, wchan;	/* wchan is empty if unknown */
	int stacked;			/* stack is known */
	int calls;			/* it is in a call: sys, call */
	const char *word;		/* else what it does */
	struct task_syscall sys;
	struct call call;
	unsigned missing;		/* causes, as bits */
	int err;			/* another one, as errno */
	struct buf text;
};

/* Read the state: 0, or -1 if the thread is gone. Nothing that could block. */
int thread_status(struct thread *);

/* Read all that is shown, behind thread_status; wchan only with always or where
 * the stack may not be read: 0, or -1 if the thread is gone. */
int thread_read(struct thread *, int always);

/* What it has run since it began, from files that can't block: 0, or -1 if the
 * thread is gone. */
int thread_run(struct thread *, struct run *);

/* Text for parse_frame: the stack, else the wait channel as a frame, or "". */
const char *thread_frames(const struct thread *);

/* The name of the call it is in, without arguments, or else what it does. */
const char *thread_word(const struct thread *);

/* Append the command, quoted as a column, to the buffer. */
void thread_put_command(const struct thread *, struct buf *);
