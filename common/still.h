/*
 * still - the proof that a table did not change while it was read: nobody who
 * has it ran. It costs some calls a table; what else tells, to read each of the
 * descriptors again and again, costs as many for each. Include walk.h before.
 */
#include <stddef.h>

/* Do all sleep who have the current table? 1, or 0: one does not, it can't be
 * told, or to read n descriptors again costs less than to find it out. */
int still_begin(struct walk *, size_t n);

/* Did nobody run since then? 1, and it is the beginning of the next proof, or
 * 0. */
int still_holds(struct walk *);
