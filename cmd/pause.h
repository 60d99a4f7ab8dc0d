/*
 * pause - stop processes while a file is copied. That is done by a process of
 * its own: when it ends, for whatever reason, the kernel has them go on.
 */

/* Start it, before anything of the source is open, and what of it survives a
 * child that got stuck; ms milliseconds (0: no limit) for each process to stop.
 * 0, or -1 with errno. */
int pause_init(void);
int pause_start(unsigned ms);

/* Stop all threads of a process: 1, or 0 if they were, or -1 with errno
 * (ETIMEDOUT: the thread did not stop; EPERM: not permitted, or traced). */
int pause_process(int pid, int *tid);

/* Have all go on: 1 if those that were to be stopped were so up to now. */
int pause_end(void);

/* The same for what a child that got stuck has left. */
void pause_clean(void);
