/* num - strict numbers: the whole string or nothing; no sign, no blank */

/* The number in decimal digits, which end where s does; where they begin. */
char *num_text(char s[24], unsigned long long);

/* Decimal digits only, at most max; 0, or -1 with EINVAL or ERANGE. */
int num_parse(const char *, unsigned long long max, unsigned long long *);

/* A process ID, 1 to INT_MAX; 0, or -1 with EINVAL or ERANGE. */
int num_pid(const char *, int *pid);

/* A descriptor, 0 to INT_MAX; 0, or -1 with EINVAL or ERANGE. */
int num_fd(const char *, int *fd);

/* PID or PID/TID, tid 0 without one; 0, or -1 with EINVAL or ERANGE. */
int num_task(const char *, int *pid, int *tid);

/* Seconds N[.N] as milliseconds, at most UINT_MAX; 0, or -1 with EINVAL or
 * ERANGE. What is more than 0 is at least 1. */
int num_secs(const char *, unsigned *ms);

/* N[.N] with K M G T P (powers of 1024) or kB MB GB TB PB (of 1000) as
 * bytes; 0, or -1 with EINVAL or ERANGE. */
int num_size(const char *, unsigned long long *bytes);
