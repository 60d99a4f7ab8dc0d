/*
 * restore - give an open file a name: a copy with its holes and its metadata,
 * whole or not at all
 */
#include <stddef.h>

/* The operands as numbers and as the user's texts: a process, a descriptor of
 * it (or DESC_EXE; DESC_MEM for the range in the text), and DEST, or NULL for
 * the original path. argv[at] is DEST, or without it the process. */
struct restore {
	int pid, fd, at;
	const char *process, *descriptor, *dest;
};

/* Restore it under the guard; the exit status. */
int restore(const struct restore *);
