/*
 * gauge - what the progress of a process in a file goes by: a position, or
 * whatever else moves; and what it says
 */

/* Bytes that are more than a command read or a line written. */
#define GAUGE_SOME 4096
/* ... or a page fault fetched */
#define GAUGE_PAGES (1 << 18)
/* METER_BACK is fed with this, less the position. */
#define GAUGE_BACK (1ULL << 62)

/* In the order of preference. */
enum gauge_by {
	BY_POS, BY_SIZE, BY_PREAD, BY_MAP, BY_IO, BY_NONE, BY_UNKNOWN
};

/* What is measured all the time. */
enum gauge_meter {
	METER_POS, METER_BACK,		/* METER_BACK falls as pos rises */
	METER_SIZE, METER_MAP, METER_DATA,
	METER_IO, GAUGE_METERS = METER_IO + ACTIVITY_COUNTERS
};

/* What a child that got stuck leaves to the next. */
struct gauge_kept {
	struct openfile_kept file;
	int elsewhere;			/* what moved last was not it */
	unsigned passes;		/* back to the beginning */
};

struct gauge {
	struct openfile f;
	struct gauge_kept *kept;
	/* the caller's */
	unsigned long long whole;	/* --size, 0: not known */
	double idle;			/* s without movement, and the other */
					/* signals are looked at */
	int changing;			/* its file is another each time */
	int wordy;			/* the state is wanted in any case */
	/* what it says, after gauge_judge */
	enum gauge_by by;
	int known;			/* pos is */
	unsigned long long pos, size, total;	/* total 0: unknown */
	double percent, rate, average, eta, stalled;	/* negative: unknown */
	int backwards, jumps, computing;
	int follows;			/* it reads what is being appended */
	const char *busy;		/* BY_POS, but that stands while it */
					/* does this; "": too soon to know */
	int patient;			/* BY_NONE, but that says nothing yet */
	int partner;			/* BY_SIZE of that descriptor, or -1 */
	/* how much of the data is copied, if percent, rate and eta are of it:
	 * the file has holes; size 0: they are of the range */
	unsigned long long data, data_size;
	struct activity_file twin;	/* its copy, or what is copied; or -1 */
	char state, word[24], wchan[64], call[24];
	double alive;			/* when anything moved last */
	/* the rest is gauge's */
	struct meter m[GAUGE_METERS];
	double turns, looked, cost, checked, stated, seek, map_again;
	double listed, listing;		/* the rings: when, and how long it
					 * took */
	double rang;			/* when one of them moved; 0: not */
	int direction, aside, counted, here, there, mixed;
	int target;			/* of a copy, or -1 */
	unsigned long long offset;	/* that a call was seen to have */
	unsigned long long since[2];	/* ... the counters then */
	double offset_at;		/* ... and when */
	int strayed;			/* they may be of another place since */
	unsigned long long counters, mapped, ticks, resident;
	unsigned long long ends;	/* the size at whose end it was ... */
	int grew;			/* ... and that it outgrew */
	struct activity_files files[2];
	struct activity_file copy;
	struct activity_rings rings;
};

/* Open the process, and its descriptor unless that is -1; 0, or -1 with errno
 * (as openfile_attach). The struct is zeroed but for what is the caller's. */
int gauge_attach(struct gauge *);

/* Take a sample; the last one before gauge_judge needs all; 0, or -1 with
 * errno (as openfile_look). */
int gauge_sample(struct gauge *, int all);

/* Part of a sample: if the file has holes, find the copy that a process makes
 * of it, or the file of which it is one, or follow that. */
void gauge_holes(struct gauge *, int all);

/* Set data and data_size; 0 if it is no copy with holes. */
int gauge_data(struct gauge *);

/* Is the descriptor read, or written? Without one the process is read. */
int gauge_reads(const struct gauge *);
int gauge_writes(const struct gauge *);

/* When its position moved last. */
double gauge_pos_moved(const struct gauge *);

/* Decide what it goes by and what that says: once, or as one of many times,
 * that many s apart. */
void gauge_judge(struct gauge *, double every);

/* When it was last seen that something moves in its file: what it goes by, if
 * that is the file's own. */
double gauge_moved(const struct gauge *);

/* Its word for the column BY; NULL for what is unknown. */
const char *gauge_word(enum gauge_by);

/* What there is to say beside the numbers; empty if nothing. */
void gauge_remark(const struct gauge *, char *s, size_t n);

/* Free the memory and close what is open. */
void gauge_close(struct gauge *);
