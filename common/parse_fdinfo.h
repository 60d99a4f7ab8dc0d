/*
 * parse_fdinfo - /proc/PID/fdinfo/N, as proc(5) describes it. The text is
 * NUL-terminated; -1 means malformed, errno is left alone.
 */

struct fdinfo {
	unsigned long long pos;
	unsigned flags;			/* as open(2)'s, O_CLOEXEC too */
	long long mnt_id;		/* since Linux 3.15, else -1 */
	unsigned long long ino;		/* since Linux 5.14, else 0 */
};
int parse_fdinfo(const char *, struct fdinfo *);
