/*
 * deleted - the deleted files that are still open or mapped, an inode each;
 * include kernel.h and desc.h before
 */
#include <stddef.h>

struct out;

/* Has it one of the names that are looked for, in our mount namespace? */
enum { DELETED_OTHER, DELETED_MAYBE, DELETED_WANTED };

/* A deleted file and the descriptor that it is shown by: a wanted one if names
 * are looked for, then a writer's, of several that of the lowest PID. */
struct deleted {
	uint64_t ino, size, blocks;	/* as statx(2) has them */
	uint32_t dev_major, dev_minor, nlink;
	int pid, tid, fd, mode;		/* as desc has them */
	unsigned holders;		/* processes */
	long long mnt_id;		/* or -1 */
	const char *comm;
	unsigned ncomm, nname;		/* bytes of it, and of name */
	char named;			/* else it has over 4,095 bytes */
	char wanted;			/* DELETED_OTHER ... */
	char sure;			/* that it is deleted */
	char name[];			/* without the mark */
};

/* Only those of the file system that is mounted at the path (or of the device),
 * whatever their mount; 0, or -1 after a message. */
int deleted_mount(int root, const char *path);

/* Find them all, the most disk space first; names are two that are looked for,
 * or NULL. */
struct deleted **deleted_find(int root, char *const *names, size_t *n);

/* The range of map_files that it is known by, or NULL for a descriptor. */
const char *deleted_range(const struct deleted *);

/* Put its row, of these columns; the caller ends and prints it. */
extern const struct out_column deleted_columns[];
void deleted_put(struct out *, const struct deleted *);

/* Say what could not be looked at meanwhile, with hidden also that the procfs
 * hides processes; 1 if there was something, or 0. */
int deleted_unseen(int root, int hidden);
