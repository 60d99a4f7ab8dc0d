/*
 * report - what is said of a gauge: a record, the line of a terminal, the
 * verdict
 */

/* How the output is made, set before the first of it. */
extern struct report {
	enum out_mode mode;
	int redraw;			/* a line of a terminal, not records */
	int quiet;			/* nothing at all */
} report;

/* The gauge was judged: say it, and what there is to remark where that has
 * changed, about the operand. */
void report_show(struct gauge *, const char *operand);

/* What became of a file or, with last, of the job. */
struct report_end {
	enum openfile_end how;
	int stalled;			/* for --stall */
	int status;			/* as wait(2)'s; negative: unknown */
	int complete;			/* 1, 0, or -1: unknown */
	int last;
	int whole;			/* the total was known */
};

/* Say the verdict, with the last record. */
void report_end(struct gauge *, const char *operand, const struct report_end *);
