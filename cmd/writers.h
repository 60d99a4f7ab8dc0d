/*
 * writers - the processes that can write to a file, by a descriptor or by a
 * mapping
 */
#include <stddef.h>

struct kstatx;

/* A process, or a thread with a descriptor table of its own (else tid 0). */
struct writer {
	int pid, tid;
	char comm[16];
	size_t ncomm;
};

struct writers {
	struct writer *list;
	size_t n;
	int mapped;			/* one has it mapped */
	int unseen;			/* one can't be looked at */
	char *text;			/* "1257 (qemu), 1300 (sh)", at most 10
					 * of them, or NULL without one */
};

/* Find those that have the file open or mapped for writing, as far as they may
 * be looked at. What was found before is replaced. */
void writers_find(int root, const struct kstatx *file, struct writers *);
