/* group - threads that are told alike, counted: -u and -F */

struct run;
struct thread;

/* Count a thread in; folded: for a line that flame graph tools read, else for a
 * paragraph. What it ran (or NULL) is summed up, and threads that have not run
 * at all are a group of their own. Exits when memory ran out. */
void group_add(int folded, const struct thread *, const struct run *);

/* Print all groups, a paragraph with what its threads ran. */
void group_print(int folded, int ran);
