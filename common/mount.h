/*
 * mount - mounts, from mountinfo, where that of our own mount namespace is read
 * once; no path of it is looked up. IDs of mounts are the kernel's: another
 * namespace has others for its copies.
 */

struct kstatx;

struct mount {
	long long id;
	unsigned major, minor;		/* of the superblock: btrfs has another
					 * one in stat(2) */
	const char *point, *type, *source;
	unsigned nth;			/* in mountinfo: later covers earlier */
};

/* The mount with that ID, or NULL. */
const struct mount *mount_by_id(int root, long long id);

/* A mount of the process or thread with the directory dir: the one with that ID
 * or, if that is negative, one with that device. It stays good until the next
 * call. NULL with errno (ENOENT: none below its root directory). */
const struct mount *mount_in(int dir, long long id, unsigned major,
                             unsigned minor);

/* The mounts one after the other, from NULL to NULL. */
const struct mount *mount_next(int root, const struct mount *);

/* The mount that an absolute path, in which "." and ".." are only text, is on,
 * if it is no symbolic link: of several on one point the topmost; exact is set
 * if the path is its point. NULL where mountinfo can't be read. */
const struct mount *mount_of(int root, const char *path, int *exact);

enum { MOUNT_BTRFS = 256 };

/* The name in sysfs of the btrfs that has the block device of that node, and is
 * mounted somewhere: 1, 0 for none, -1 where it can't be told. */
int mount_btrfs(const struct kstatx *, char name[MOUNT_BTRFS]);
