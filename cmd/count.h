/*
 * count - the records of lsfd --count: descriptors and limit of a process, or
 * of a thread with a table of its own.
 * Include out.h before.
 */
struct walk;

extern const struct out_column count_columns[];

/* Put the record of the process that walk_process gave, or if walk_table did of
 * a thread then of that one, without its end: 0, or -1 with errno. */
int count_put(struct out *, const struct walk *);
