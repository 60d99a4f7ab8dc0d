/*
 * progress - the line on a terminal that shows how far a long copy is; nothing
 * where standard error is none
 */

/* Begin: what is copied, and how much; later the bytes that are done. */
void progress_begin(const char *name, unsigned long long total);
void progress_at(unsigned long long bytes);

/* Take the line away. */
void progress_end(void);
