/*
 * maps - the files that a process has mapped, which maps tells by numbers that
 * are not those of stat(2)
 */
#include <stddef.h>

struct buf;
struct map_row;

/* Read maps of the process or thread with the directory dir, and the first
 * mapping of each file, in the order of addresses, into *rows, which is grown:
 * their paths are in the buffer. mapdir is where map_files are. 0, or -1 with
 * errno. */
int maps_read(int dir, int mapdir, struct buf *, struct map_row **rows,
              size_t *n);
