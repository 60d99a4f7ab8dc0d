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
	int fd;				/* its first descriptor, or -1 */
	struct buf target;		/* and that one's link, or nothing */
	int failed;
};

/* Decode a call; 0, or -1 with ENOMEM. The buffers are used again and again. */
int call_decode(struct call *);

/* Outside a call a thread sleeps in a page fault, unless its stack ends in
 * another exception (a breakpoint, the work before it returns): is it one? */
int call_is_fault(const char *stack);
