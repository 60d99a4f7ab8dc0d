/* call - the system call of a thread in words, its descriptors decoded */

struct task_syscall;

struct call {
	int root, dir;			/* the procfs, the thread's */
	const struct task_syscall *sys;
	const char *stack;		/* the file, or "" */
	/* what call_decode finds */
	struct buf text;		/* "read(3</mnt/f>)", quoted */
	const char *name;		/* of the call, or NULL */
	int compat;			/* it is of the 32-bit table */
	int none;			/* it has no arguments */
	int fd;				/* its first descriptor, or -1 */
	struct buf target;		/* and that one's link, or nothing */
};

/* Decode a call; exits when memory ran out. The buffers are used again and
 * again. */
void call_decode(struct call *);

/* Outside a call a thread sleeps in a page fault, unless its stack ends in
 * another exception (a breakpoint) or it is on its way back to user space (a
 * signal, other work): is it one? */
int call_is_fault(const char *stack);
