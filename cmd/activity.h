/*
 * activity - what a process does beside moving the position of one file:
 * its counters, the files that it has open, the calls that it is in
 */

#include <stddef.h>

struct desc;
struct desc_table;
struct task_stat;

/* The counters of the file io, in bytes. */
enum {
	ACTIVITY_READ, ACTIVITY_WRITTEN,	/* by system calls */
	ACTIVITY_FETCHED, ACTIVITY_STORED,	/* from and to disks */
	ACTIVITY_COUNTERS
};

/* Read the counters; 0, or -1 with errno. */
int activity_io(int dir, unsigned long long n[ACTIVITY_COUNTERS]);

/* The CPU time that the process has used, in clock ticks, and its start. */
int activity_cpu(int dir, struct task_stat *);

/* Bytes of files and shared memory that are resident in its mappings; safe to
 * ask for; 0 if unknown. */
unsigned long long activity_mapped(int dir);

/* The same of one file, or 0. */
unsigned long long activity_resident(int dir, const struct kstatx *);

/* The same of the file of which more than half of so many bytes must be, that
 * became resident; it is described (desc_map). 0 if there is no such file. */
unsigned long long activity_mapping(const struct desc_table *, int dir,
                                    unsigned long long grown, struct desc *);

/* A regular file that the process writes. */
struct activity_file {
	int fd;
	struct kstatx st;
};

/* The regular files that it has open, but for one descriptor. */
struct activity_files {
	struct activity_file *written, source;
	size_t nwritten;
	unsigned sources;	/* not empty, and only read; source is one */
	unsigned long long read;	/* the sum of their positions */
};

/* The position of a descriptor; 0 if unknown. */
unsigned long long activity_pos(const struct desc_table *, int fd);

/* List the files of a table; what the struct held before is lost. */
void activity_files(const struct desc_table *, int but,
                    struct activity_files *);

/* A call that moves bytes, the descriptors that are its ends or -1. */
struct activity_call {
	int in, out;
	int positional;			/* pread, pwrite ... */
	unsigned long long offset;	/* of them */
};

/* The next call that a thread of the process is in, beginning with *at = 0:
 * 1, or 0 at the end. */
int activity_call(int dir, int threads, int *at, struct activity_call *);

/* An io_uring of a process. */
struct activity_ring {
	int fd;
	long long completed;		/* requests, modulo 2^32; -1: unknown */
};

struct activity_rings {
	struct activity_ring *ring;
	size_t n;
};

/* List those of a table; what the struct held before is lost. */
void activity_rings(const struct desc_table *, struct activity_rings *);

/* Was one of them seen to have completed a request since the last call? */
int activity_completed(const struct desc_table *, struct activity_rings *);

/* The system call that the process is in, or NULL. */
const char *activity_name(int dir);
