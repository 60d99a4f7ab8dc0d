/*
 * pause - stop processes while a file is copied. That is done by a process of
 * its own: when it ends, for whatever reason, the kernel has them go on.
 */

struct kstatx;

/* Make what survives a child that got stuck; and start it, before anything of
 * the source is open. 0, or -1 with errno. */
int pause_init(void);
int pause_start(void);

/* Stop all that can write to the file, as far as it may be looked at, also what
 * they start meanwhile; 0, or -1 after a message, in which the file is called
 * object. */
int pause_writers(int root, const struct kstatx *file, const char *object);

/* Have all go on: 1 if those that were to be stopped were so up to now. They
 * were not, which is said, where our own reader took nothing for too long: he
 * may be one of them. */
int pause_end(void);

/* The same for what a child that got stuck has left. */
void pause_clean(void);
