/*
 * count - the records of lsfd --count: descriptors and limit of a process.
 * Include out.h before.
 */
struct walk;

extern const struct out_column count_columns[];

/* Put the record of the process that walk_process gave, without its end: 0, or
 * -1 with errno. */
int count_put(struct out *, const struct walk *);
