#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "file.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "deleted.h"
#include "bypath.h"
#include "proc.h"

/* What the path may be in the kernel's words: as it stands, and with that of
 * the directory that it leads to now, as far as that is still there. */
static char *names[2];

static struct file
lookup(int at)
{
	return (struct file){ AT_FDCWD,
		{ .fd = at, .kind = GUARD_PATH } };
}

/* Open the last directory of the path that is there, and leave what follows it;
 * -1 with errno. */
static int
open_dir(const struct file *cwd, char *path, char **rest)
{
	char *slash = strrchr(path, '/'), *up;
	int fd;

	for (;; slash = up) {
		*slash = '\0';
		up = strrchr(path, '/');
		fd = file_open(cwd, up ? path : "/",
		               O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		*slash = '/';
		*rest = slash;
		if (fd >= 0 || errno == ETIMEDOUT || !up)
			return fd;
	}
}

/* Find the names; 0, or -1 with errno. */
static int
find_names(const char *path, int at)
{
	struct file cwd = lookup(at);
	struct buf dir = { 0 };
	char own[32], *rest;
	int fd;

	if (!(names[0] = cli_path(path)))
		return -1;
	if ((fd = open_dir(&cwd, names[0], &rest)) < 0)
		return errno == ETIMEDOUT ? -1 : 0;
	snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
	if (proc_readlink(AT_FDCWD, own, &dir) == 0 &&
	    asprintf(&names[1], "%s%s", strcmp(dir.s, "/") ? dir.s : "",
	             rest) < 0)
		names[1] = NULL;
	close(fd);
	buf_free(&dir);
	return 0;
}

/* Say that there is none, and why that may be. */
static void
say_none(int root, const char *path, int at, int unsure)
{
	struct file cwd = lookup(at);
	struct kstatx st;
	int unseen = deleted_unseen(root, 1) || unsure;

	if (unsure)
		cli_warn("%s: can't tell whether it is a path of another mount "
		         "namespace: give PID and FD", path);
	else if (file_statx(&cwd, path, &st) == 0)
		cli_warn("%s: is not deleted, and no deleted file that is open "
		         "had this path", path);
	else
		cli_warn("%s: no deleted file that is open had this path",
		         path);
	cli_fail(unseen ? 3 : 1);
}

/* Show all of them, as the list does. */
static void
say_several(const char *path, struct deleted **files, size_t n, size_t hits)
{
	struct buf rec = { 0 };
	struct out out = { .rec = &rec, .columns = deleted_columns };
	size_t i;

	out_heading(&out);
	cli_end(&out);
	for (i = 0; i < n; i++)
		if (files[i]->wanted == DELETED_WANTED) {
			deleted_put(&out, files[i]);
			cli_end(&out);
		}
	guard_write(STDERR_FILENO, rec.s, rec.n);
	buf_free(&rec);
	cli_warn("%s: %zu deleted files had this path: give PID and FD", path,
	         hits);
	cli_fail(1);
}

const struct deleted *
bypath_find(int root, const char *path, int at)
{
	struct deleted **files, *found = NULL;
	size_t n, i, hits = 0;
	int unsure = 0;

	if (find_names(path, at) < 0) {
		cli_error(path, errno);
		return NULL;
	}
	files = deleted_find(root, names, &n);
	for (i = 0; i < n; i++) {
		if (files[i]->wanted == DELETED_WANTED && hits++ == 0)
			found = files[i];
		unsure |= files[i]->wanted == DELETED_MAYBE;
	}
	if (hits == 0)
		say_none(root, path, at, unsure);
	else if (hits > 1)
		say_several(path, files, n, hits);
	return hits == 1 ? found : NULL;
}
