/*
 * copy - the data of an open file with its holes, and its metadata, from
 * descriptor to descriptor; the source stays as it is. Include kernel.h and file.h
 * before, for struct kstatx and struct file.
 */
#include <sys/types.h>

struct copy {
	struct file from;		/* open for reading */
	int borrowed;			/* ... the holder's: must not move */
	struct file to;			/* its fd is -1: standard output */
	const volatile int *stop;	/* not 0: stop with EINTR */
	/* filled by copy_data */
	struct kstatx st;		/* of the source, before it was read */
	unsigned long long bytes;
	int blind;	/* changes through a mapping would not have been seen */
	int reading;			/* what failed was a read */
	/* the rest is copy's */
	int leased;
	off_t unwritten;		/* bytes since the last fdatasync */
	int whole;			/* there are no extents to go by */
	int plain;			/* copy_file_range can't do it */
};

/* Copy the data: 1 if it is the file at one moment, 0 if the file changed
 * meanwhile, -1 with errno. */
int copy_data(struct copy *);

/* Copy owner, extended attributes and ACLs, mode and times, without setid no
 * set-ID bits and capabilities, and say what could not be kept; name is the
 * target's. 0, or -1 with errno. */
int copy_metadata(struct copy *, int setid, const char *name);
