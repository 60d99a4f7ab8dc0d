/*
 * restore - give an open file a name: the file itself, or a clone or copy with
 * its holes and its metadata, whole or not at all
 */

/*
 * The operands as numbers and as the user's texts: a process, a descriptor of
 * it (or DESC_EXE; DESC_MEM for the range in the text), and DEST, or NULL for
 * the original path. Where path is given, messages name that; if process is
 * NULL, the deleted file that had this path is looked for. argv[at] is DEST, or
 * without it the first operand.
 */
struct restore {
	int pid, fd, at;
	const char *process, *descriptor, *path, *dest;
	int copy, dry, pause;		/* the options */
};

/* Restore it under the guard; the exit status. */
int restore(const struct restore *);
