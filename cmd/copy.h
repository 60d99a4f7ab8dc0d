/*
 * copy - the data of an open file with its holes, and its metadata, from
 * descriptor to descriptor; the source stays as it is. Include kernel.h,
 * guard.h and file.h before.
 */
#include <sys/types.h>

struct copy {
	struct file from;		/* open for reading */
	int borrowed;			/* ... the holder's: must not move */
	struct file to;			/* its fd is -1: standard output */
	const char *name;		/* of the target */
	const volatile int *stop;	/* not 0: stop with EINTR */
	/* filled by copy_data */
	struct kstatx st;		/* of the source, before it was read */
	unsigned long long bytes;	/* the target's size */
	int blind;	/* changes through a mapping would not have been seen */
	int reading;			/* what failed was a read */
	/* the rest is copy's */
	unsigned long long done, dirty;	/* bytes of data, before this part */
	int leased;
	off_t begun, synced;		/* up to there it is being written to */
					/* the disk, and is there */
	int whole;			/* there are no extents to go by */
	int plain;			/* copy_file_range can't do it */
};

/* Is the file on an overlay? */
int copy_on_overlay(const struct file *);

/* Have the file's dirty pages written, in steps that a slow disk can make: what
 * a clone, or a link that is to last, waits for. */
void copy_flush(const struct copy *);

/* Make the empty target a clone of the source, with the flag that btrfs wants
 * to be the same in both; 0, or -1 with errno where that can't be. */
int copy_clone(struct copy *);

/* Copy the data: 1 if it is the file at one moment, 0 if the file changed
 * meanwhile, -1 with errno. */
int copy_data(struct copy *);

/* Is it certain that nobody can write to the source any more? */
int copy_at_rest(struct copy *);

/* Copy owner, extended attributes and ACLs, mode and times, without setid no
 * set-ID bits and capabilities, and say what could not be kept. 0, or -1 with
 * errno. */
int copy_metadata(struct copy *, int setid);
