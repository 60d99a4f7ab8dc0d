#include <sys/types.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "parse_maps.h"
#include "mount.h"
#include "proc.h"

static struct mount *mounts;
static size_t nmounts;

/* A decoded copy of n bytes; NULL without memory. */
static char *
decode(const char *s, size_t n)
{
	char *copy = strndup(s, n);

	if (copy)
		parse_octal(copy);
	return copy;
}

/* Make a mount of the nth row; 0, or -1 without memory. */
static int
take(struct mount *m, const struct mount_row *row, unsigned nth)
{
	*m = (struct mount){ row->id, row->major, row->minor,
		decode(row->point, row->n), decode(row->type, row->ntype),
		decode(row->source, row->nsource), nth };
	return m->point && m->type && m->source ? 0 : -1;
}

static int
compare(const void *a, const void *b)
{
	const struct mount *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void
load(int root)
{
	static int loaded;
	struct buf b = { 0 };
	struct mount_row row;
	struct mount *more;
	const char *text;

	if (loaded)
		return;
	loaded = 1;
	if (proc_read(root, "self/mountinfo", &b) < 0)
		return;
	for (text = b.s; parse_mount(&text, &row) == 1; nmounts++) {
		more = nmounts & (nmounts - 1) ? mounts :
		    realloc(mounts, 2 * (nmounts + 1) * sizeof *more);
		if (!more)
			break;
		mounts = more;
		if (take(&mounts[nmounts], &row, (unsigned)nmounts) < 0)
			break;
	}
	buf_free(&b);
	if (nmounts)
		qsort(mounts, nmounts, sizeof *mounts, compare);
}

const struct mount *
mount_by_id(int root, long long id)
{
	struct mount key = { .id = id };

	load(root);
	return nmounts ? bsearch(&key, mounts, nmounts, sizeof key, compare) :
	    NULL;
}

const struct mount *
mount_next(int root, const struct mount *m)
{
	load(root);
	m = m ? m + 1 : mounts;
	return m && m < mounts + nmounts ? m : NULL;
}

const struct mount *
mount_in(int dir, long long id, unsigned major, unsigned minor)
{
	static struct buf b;
	static struct mount m;
	struct mount_row row;
	const char *text;

	if (proc_read(dir, "mountinfo", &b) < 0)
		return NULL;
	for (text = b.s; parse_mount(&text, &row) == 1; ) {
		if (id < 0 ? row.major != major || row.minor != minor :
		    row.id != id)
			continue;
		free((char *)m.point);
		free((char *)m.type);
		free((char *)m.source);
		return take(&m, &row, 0) < 0 ? NULL : &m;
	}
	errno = ENOENT;
	return NULL;
}

/* The path without "//", "." and ".."; NULL without memory. */
static char *
plain(const char *path)
{
	char *s = malloc(strlen(path) + 2), *end = s;
	size_t n;

	for (; s && *path; path += n) {
		n = strcspn(path, "/");
		if (n == 0) {
			n = 1;
		} else if (n == 2 && strncmp(path, "..", 2) == 0) {
			while (end > s && *--end != '/')
				;
		} else if (n != 1 || *path != '.') {
			*end++ = '/';
			memcpy(end, path, n);
			end += n;
		}
	}
	if (s) {
		if (end == s)
			*end++ = '/';
		*end = '\0';
	}
	return s;
}

const struct mount *
mount_of(int root, const char *path, int *exact)
{
	const struct mount *m, *best = NULL;
	char *s = plain(path);
	size_t n, len = 0;

	*exact = 0;
	for (m = NULL; s && (m = mount_next(root, m)); ) {
		n = strcmp(m->point, "/") ? strlen(m->point) : 0;
		if (strncmp(s, m->point, n) || (s[n] && s[n] != '/'))
			continue;
		if (best && (n < len || (n == len && m->nth < best->nth)))
			continue;
		best = m;
		len = n;
		*exact = strcmp(s, m->point) == 0;
	}
	free(s);
	return best;
}

/* As mount_btrfs, in its step. */
static int
find_btrfs(const struct kstatx *node, char name[MOUNT_BTRFS])
{
	char path[PATH_MAX], link[PATH_MAX], *disk;
	struct dirent *e;
	DIR *dir;
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof path, "/sys/dev/block/%u:%u", node->rdev_major,
	         node->rdev_minor);
	if ((n = readlink(path, link, sizeof link - 1)) < 0)
		return -1;
	link[n] = '\0';
	if (!(disk = strrchr(link, '/')))
		return -1;
	if (!(dir = opendir("/sys/fs/btrfs")))
		return errno == ENOENT ? 0 : -1;  /* 0: no btrfs */
	while (r == 0 && (e = readdir(dir))) {
		snprintf(name, MOUNT_BTRFS, "%s", e->d_name);
		snprintf(path, sizeof path, "/sys/fs/btrfs/%s/devices%.255s",
		         name, disk);
		r = *name != '.' && access(path, F_OK) == 0;
	}
	closedir(dir);
	return r;
}

int
mount_btrfs(const struct kstatx *node, char name[MOUNT_BTRFS])
{
	int r;

	if (guard_enter(GUARD_PATH) < 0)
		return -1;
	r = find_btrfs(node, name);
	guard_leave();
	return r;
}
