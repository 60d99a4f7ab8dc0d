/*
 * blocked - whether a thread of a process sleeps in a call that reads from a
 * descriptor, writes to it or locks its file
 */

struct peer_end;

enum blocked {
	BLOCKED_NOT, BLOCKED_READING, BLOCKED_WRITING,
	BLOCKED_LOCKING,	/* it waits for a lock of the file */
	BLOCKED_UNKNOWN		/* a thread's call may not be read */
};

/* Is a thread blocked on the descriptor? Not, where it is not an end of that
 * object any more; unknown, where the file syscall may not be read (ptrace
 * access). */
enum blocked blocked_on(int root, const struct peer_end *);

/* Forget what the processes' threads did: a new scan begins. */
void blocked_forget(void);
