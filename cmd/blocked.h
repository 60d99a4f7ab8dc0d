/*
 * blocked - whether a thread of a process sleeps in a call that reads from a
 * descriptor or writes to it
 */

struct desc;
struct walk;

enum blocked { BLOCKED_NOT, BLOCKED_READING, BLOCKED_WRITING };

/* Is a thread blocked on the descriptor, which is one of the walk's current
 * table? Not, where its file syscall may not be read (ptrace access). */
enum blocked blocked_on(const struct walk *, const struct desc *);

/* Forget what the last process's threads did: a new scan begins. */
void blocked_forget(void);
