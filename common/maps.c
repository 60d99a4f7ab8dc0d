#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "maps.h"
#include "parse_maps.h"
#include "proc.h"

static int
by_start(const void *a, const void *b)
{
	const struct map_row *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int
compare_numbers(const struct map_row *x, const struct map_row *y)
{
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->major != y->major)
		return x->major < y->major ? -1 : 1;
	return x->minor < y->minor ? -1 : x->minor > y->minor;
}

/*
 * The device of maps is the superblock's, not the one of stat(2). All
 * subvolumes of a btrfs, each of which numbers its inodes anew, and the layers
 * of an overlay have the same, which is none of a disk: there the path counts
 * too.
 */
static int
compare_files(const struct map_row *x, const struct map_row *y)
{
	int r = compare_numbers(x, y);

	if (r || x->major)
		return r;
	return x->n != y->n ? x->n < y->n ? -1 : 1 :
	    memcmp(x->path, y->path, x->n);
}

static int
by_number(const void *a, const void *b)
{
	int r = compare_numbers(a, b);

	return r ? r : by_start(a, b);
}

static int
by_file(const void *a, const void *b)
{
	int r = compare_files(a, b);

	return r ? r : by_start(a, b);
}

/* Keep the first of n mappings of each file; the new n. */
static size_t
fold_maps(struct map_row *r, size_t n)
{
	size_t i, k = 0;

	if (n)
		qsort(r, n, sizeof *r, by_file);
	for (i = 0; i < n; i++)
		if (k == 0 || compare_files(&r[k - 1], &r[i]))
			r[k++] = r[i];
		else if (r[i].perms[1] == 'w' && r[i].perms[3] == 's')
			memcpy(r[k - 1].perms, r[i].perms, sizeof r->perms);
	return k;
}

/* Give n mappings of one number, but several paths, the numbers of stat(2), and
 * then those of one file, which may have several names, one path. Where
 * map_files may not be read they stay as they are. */
static void
tell_apart(int mapdir, struct map_row *r, size_t n)
{
	struct kstatx st;
	char name[64];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof name, "map_files/%llx-%llx", r[i].start,
		         r[i].end);
		if (proc_statx(mapdir, name, &st) < 0)
			return;
		r[i].ino = st.ino;
		r[i].major = st.dev_major;
		r[i].minor = st.dev_minor;
	}
	qsort(r, n, sizeof *r, by_number);
	for (i = 1; i < n; i++)
		if (compare_numbers(&r[i - 1], &r[i]) == 0) {
			r[i].path = r[i - 1].path;
			r[i].n = r[i - 1].n;
		}
}

/* The same for all of n mappings that are folded; the new n. */
static size_t
fold_names(int mapdir, struct map_row *r, size_t n)
{
	size_t i, k, told = 0;

	for (i = 0; i < n; i = k) {
		for (k = i + 1; k < n && compare_numbers(&r[i], &r[k]) == 0; )
			k++;
		if (k - i > 1)
			tell_apart(mapdir, r + i, told = k - i);
	}
	return told ? fold_maps(r, n) : n;
}

int
maps_read(int dir, int mapdir, struct buf *b, struct map_row **rows, size_t *n)
{
	struct map_row m, *more;
	const char *text;

	*n = 0;
	if (proc_read(dir, "maps", b) < 0)
		return -1;
	for (text = b->s; parse_map(&text, &m) == 1; ) {
		if (m.ino == 0 || m.n == 0 || *m.path != '/')
			continue;
		if ((*n & (*n - 1)) == 0) {
			more = realloc(*rows, 2 * (*n + 1) * sizeof m);
			if (!more)
				return -1;
			*rows = more;
		}
		(*rows)[(*n)++] = m;
	}
	*n = fold_names(mapdir, *rows, fold_maps(*rows, *n));
	if (*n)
		qsort(*rows, *n, sizeof m, by_start);
	return 0;
}
