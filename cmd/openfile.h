/*
 * openfile - the open file behind a descriptor: found in the tables of its
 * process, sampled, and lost; one at a time
 */
#include <time.h>

/* What a child that got stuck leaves to the next, in shared memory. */
struct openfile_kept {
	int attached;			/* the rest is set */
	int moved;			/* ... the position too, since then */
	struct kstatx st;
	struct fdinfo info;
	double since;			/* the first sample */
	unsigned long long pos, size;
};

extern struct openfile {
	int root, fd, pidfd;		/* the caller's; pidfd may be -1 */
	struct walk_pick pick;
	struct openfile_kept *kept;
	struct walk w;
	struct desc d;
	int tid;			/* of a private table, else 0 */
	double now;			/* of the last sample */
	unsigned long long pos, size;
} file;

/* What became of it; ENDED: the process did. */
enum openfile_end { OPEN, CLOSED, REPLACED, ENDED };

/* What the process does: bytes, sizes of its files, CPU time. */
struct openfile_activity {
	double at;
	unsigned long long io, sizes, ticks;
};

/* A clock in seconds. */
double openfile_clock(clockid_t);

/* Find the descriptor and take the first sample; 0, or -1 with errno (ENOENT:
 * no table has it; ESPIPE: no position; ESTALE: it is another file's). */
int openfile_attach(void);

/* Take a sample; 0, or -1 with errno (ENOENT, ESRCH: closed; ESTALE). */
int openfile_look(void);

/* The position at the end, 0 if that is unknown. */
unsigned long long openfile_total(void);

/* For how long the process has done nothing but read this file: seconds since
 * its start; 0 if it has done anything else, or is too young to tell. */
double openfile_age(void);

/* What the process did up to now, and whether it did something since then. */
struct openfile_activity openfile_activity(void);
int openfile_busy(const struct openfile_activity *since);

/* After a sample that failed with that errno: what became of the file? */
enum openfile_end openfile_lost(int err);

/* Has the process ended, or does it within so many ms? */
int openfile_ended(int ms);

/* How it ended, as wait(2) has it; 0, or -1 if that can't be had. */
int openfile_exit_status(int *status);
