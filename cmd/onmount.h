/*
 * onmount - which descriptors are on the mount of lsfd's -m: on that mount, by
 * its ID, where fdrecover's is the file system by whatever mount
 */
struct desc;
struct sock;
struct walk;

/* Resolve the operand by mountinfo, and only if that has no such mount point,
 * or if the path has a "..", by a lookup: a mount point of our namespace, or a
 * node of a block device. 0, or -1 having said why not and raised the status.
 * argv names the operand that did not answer. */
int onmount_resolve(int root, const char *operand, char **argv);

/* Does it take DESC_WANT_INFO to see what a descriptor is on (before Linux
 * 5.8)? */
int onmount_wants_info(void);

/* Is a file of the current process on that mount, or, if it is mapped, on that
 * file system? 1, 0, or -1 where it can't be told. */
int onmount(const struct walk *, const struct desc *);

/* Is a socket (or NULL) bound to a name on that file system, by whatever mount?
 * As onmount. */
int onmount_bound(const struct walk *, const struct sock *);
