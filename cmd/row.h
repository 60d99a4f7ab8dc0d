/*
 * row - one record of lsfd: its columns, and the further members of JSON.
 * Include out.h before.
 */
struct desc;
struct name;
struct walk;

extern const struct out_column row_columns[], row_long_columns[];

/* A process follows: with -l its user is read. */
void row_process(const struct walk *, int detailed);

/* Put the row, without its end. */
void row_put(struct out *, const struct walk *, const struct desc *,
             const struct name *, int detailed);
