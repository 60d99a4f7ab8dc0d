/*
 * tasks - the processes that were asked for, and their threads
 *
 * Two pull iterators, one inside the other. What vanishes meanwhile is passed
 * over, and in a scan of all processes this tool.
 */

struct tasks {
	int root;			/* the procfs */
	int pid, dir;			/* the process and its directory */
	int at;				/* its operand, counted from 0 */
	int unanswered;			/* a thread of it did not answer */
	/* the rest is tasks's */
	const struct walk_pick *picks;
	int n, tid, fresh, stuck, behind;
	const struct guard_at *from;
	struct numdir processes, threads;
};

/* Begin with the operands, which must stay, or with all processes (n is 0);
 * after a stall with operand at, behind what was done (from). 0, or -1 with
 * errno. */
int tasks_open(struct tasks *, int root, const struct walk_pick *, int n,
               int at, const struct guard_at *from);

/* The next process: 1, 0 at the end, -1 with errno for one that can't be opened
 * (ESRCH; EPERM: hidden). */
int tasks_process(struct tasks *);

/* The next thread of it: its directory, which the caller closes, and number;
 * -1 at the end. */
int tasks_thread(struct tasks *, int *tid);
