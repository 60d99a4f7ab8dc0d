/* once - what fdprogress does without -f: one record of each that is asked for,
 * after as short a time as tells enough */

/* What is asked for. */
struct job {
	const char *operand;		/* the PID as it was given, or NULL */
	int pid, fd, picks;		/* picks: no descriptor was given */
	double interval, stall;		/* s; 0: not given */
	unsigned long long size;	/* the same */
	int root;
	struct walk_pick pick;
	/* what a child that got stuck leaves to the next */
	struct gauge_kept *kept;	/* two */
};

/* One record of a process. */
void once(struct job *);

/* One of each process of the machine that moves. */
void once_machine(struct job *);

/* Say that what was asked for has no position. */
void job_no_position(const struct job *, const struct desc *);

/* Say why there is nothing to measure; the gauge may be NULL, but for ESPIPE.
 */
void job_refuse(const struct job *, const struct gauge *, int err);
