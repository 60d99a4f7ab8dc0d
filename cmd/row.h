/*
 * row - one record of lsfd: its columns, and the further members of JSON.
 * Include out.h before.
 */
struct desc;
struct name;
struct walk;

extern const struct out_column row_columns[], row_long_columns[];

/* The rows of another process follow. */
void row_process(void);

/* Put the row, without its end. */
void row_put(struct out *, struct walk *, const struct desc *,
             const struct name *, int detailed);
