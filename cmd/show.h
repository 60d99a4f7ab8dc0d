/* show - a thread as a paragraph or a JSON object */

struct run;
struct thread;

/* Print a paragraph, behind a blank line if that is set; run may be NULL. */
void show_text(const struct thread *, const struct run *, int blank);

/* Print an object; run may be NULL. */
void show_json(const struct thread *, const struct run *);
