/*
 * pick - which descriptor of a process moves, and which processes do
 */

/* An open regular file or block device at one moment. */
struct pick_file {
	int tid, fd, mode;
	struct kstatx st;
	unsigned long long pos;
};

/* Two looks at all that a process has open; zeroed at first. */
struct pick {
	struct pick_file *files[2];
	size_t n[2];
	int now;			/* index of the last look */
	unsigned looks;
	double at;			/* its time */
	double cost;			/* how long it took, s */
	struct walk w;
	int call;			/* the descriptor of a pread, or -1 */
};

/* Pass over the files of our own standard output and standard error from here
 * on: what moves in them may be what we print. */
void pick_not_ours(void);

/* Take a look; 0, or -1 with errno. */
int pick_look(struct pick *, int root, const struct walk_pick *);

/* See whether the process is in a pread or the like of one of its files. */
void pick_calls(struct pick *);

enum { PICK_NONE = -1, PICK_SEVERAL = -2 };

/* The descriptor that moved between two looks: one that is read before one
 * that is written. Else, or PICK_NONE. */
int pick_moved(const struct pick *);

/* The one that may be meant though it did not move: the only one that is read,
 * or the only one whose position is inside of it; with written also the only
 * one; PICK_NONE or PICK_SEVERAL without one. */
int pick_likely(const struct pick *, int written);

/* Free the memory and close what is open. */
void pick_close(struct pick *);

/* A process that did something between two looks at all of them. */
struct pick_mover {
	int pid;
	unsigned long long done, start;	/* the sum of what counts it; when it
					 * was started */
};

/* All processes of the machine, twice, so many s apart: those that did
 * something, in an array of *n; NULL if none did. refused is called for each
 * one that may not be looked at. */
struct pick_mover *pick_movers(int root, double apart, size_t *n,
                               void (*refused)(int pid, int err));
