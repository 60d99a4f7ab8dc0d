/*
 * openfile - the open file behind a descriptor: found in the tables of its
 * process, sampled, and lost
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

struct openfile {
	/* the caller's; fd -1: the process only; pidfd may be -1 */
	int root, fd, pidfd;
	struct walk_pick pick;
	struct openfile_kept *kept;
	/* what it is */
	struct walk w;
	struct desc d;
	int tid;			/* of a private table, else 0 */
	int seekable;			/* it has a position */
	double now;			/* of the last sample */
	unsigned long long pos, size;
	/* the rest is openfile's */
	struct desc found;
	int info, unread;		/* less than pos was read */
	unsigned long long read;	/* by the process, when it was found */
	char info_name[32];
};

/* What became of it; ENDED: the process did; ENDING: it has let go of its
 * descriptors and may hang at that, as in a close that is not answered. */
enum openfile_end { OPEN, ENDING, CLOSED, REPLACED, ENDED };

/* A clock in seconds. */
double openfile_clock(clockid_t);

/* Is it a file of a procfs that has no size? It is made as it is read, and its
 * position is part of nothing. */
int openfile_made(const struct desc_table *, const struct kstatx *);

/* Open the process's directory; info must be -1 at first. 0, or -1. */
int openfile_process(struct openfile *);

/* Find the descriptor and take the first sample; 0, or -1 with errno (ENOENT:
 * no table has it; ESPIPE: such are not measured; ESTALE: it is another
 * file's). */
int openfile_attach(struct openfile *);

/* Take a sample; 0, or -1 with errno (ENOENT, ESRCH: closed; ESTALE). */
int openfile_look(struct openfile *);

/* Close all that is open of it. */
void openfile_close(struct openfile *);

/* The position at the end, 0 if that is unknown. */
unsigned long long openfile_total(const struct openfile *);

/* For how long the process has done nothing but read this file: seconds since
 * its start; 0 if it has done anything else, or is too young to tell. busy: it
 * never waited for anything meanwhile but a CPU. */
double openfile_age(const struct openfile *, int *busy);

/* After a sample that failed with that errno: what became of the file? */
enum openfile_end openfile_lost(struct openfile *, int err);

/* Has the process ended, or does it within so many ms? */
int openfile_ended(const struct openfile *, int ms);

/* How it ended, as wait(2) has it; 0, or -1 if that can't be had. */
int openfile_exit_status(const struct openfile *, int *status);
