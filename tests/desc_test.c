/*
 * desc_test - what a descriptor is said to be by the text of its link and its
 * attributes, also of objects that this kernel does not make; prints TAP
 *
 * Link, attributes and fdinfo are those of a table: common/proc is asked for
 * them by way of the linker's --wrap.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "name.h"

#define INFO "pos:\t0\nflags:\t02000002\nmnt_id:\t13\nino:\t7\n"

/* A device that is no memfd's. */
enum { OTHER = 4711 };

static const struct row {
	const char *text, *info;
	unsigned mode, nlink, minor;
	const char *type, *name, *shown;	/* what is wanted */
	int deleted;
} rows[] = {
	{ "/dmabuf:", INFO "size:\t8192\ncount:\t2\nexp_name:\tsystem\n",
	  0600, 1, OTHER, "anon", "/dmabuf:",
	  "dmabuf size=8192 count=2 exp_name=system", 0 },
	{ "/dmabuf:a b", INFO "size:\t4096\ncount:\t1\nexp_name:\tdrm\n"
	  "name:\ta b\n", 0600, 1, OTHER, "anon", "/dmabuf:a b",
	  "dmabuf size=4096 count=1 exp_name=drm name=a b", 0 },
	{ "/dmabuf:x (deleted)", INFO "size:\t1\ncount:\t1\nexp_name:\tdrm\n",
	  0600, 1, OTHER, "anon", "/dmabuf:x (deleted)",
	  "dmabuf size=1 count=1 exp_name=drm name=x (deleted)", 0 },
	{ "/dmabuf:x", INFO, 0600, 1, OTHER, "anon", "/dmabuf:x",
	  "/dmabuf:x", 0 },
	/* a file in the root directory that is called so */
	{ "/dmabuf:x", INFO "size:\t8\ncount:\t2\nexp_name:\tsystem\n",
	  S_IFREG | 0600, 1, OTHER, "reg", "/dmabuf:x", "/dmabuf:x", 0 },
	{ "/dmabuf:x (deleted)", INFO, S_IFREG | 0600, 0, OTHER, "reg",
	  "/dmabuf:x", "/dmabuf:x", 1 },
	/* objects that bear the mark, and one shorter than it */
	{ "/[aio] (deleted)", INFO, 0600, 1, OTHER, "anon", "/[aio]",
	  "/[aio]", 0 },
	{ "/x", INFO, 0600, 1, OTHER, "anon", "/x", "/x", 0 },
	{ "/memfd:x (deleted)", INFO, S_IFREG | 0777, 0, 0, "memfd",
	  "/memfd:x", "/memfd:x", 0 },
	{ "/memfd:x (deleted)", INFO, S_IFREG | 0777, 0, OTHER, "reg",
	  "/memfd:x", "/memfd:x", 1 },
	{ "/SYSV00000000 (deleted)", INFO, S_IFREG | 0600, 0, 0, "anon",
	  "/SYSV00000000", "/SYSV00000000", 0 },
};

static const struct row *now;
static struct stat memory;	/* of a memfd */

int __wrap_proc_readlink(int, const char *, struct buf *);
int __wrap_proc_statx(int, const char *, struct kstatx *);
int __wrap_proc_lstatx(int, const char *, struct kstatx *);
int __wrap_proc_read(int, const char *, struct buf *);

int
__wrap_proc_readlink(int dir, const char *name, struct buf *b)
{
	(void)dir, (void)name;
	b->n = 0;
	return buf_put(b, now->text, strlen(now->text));
}

int
__wrap_proc_statx(int dir, const char *name, struct kstatx *st)
{
	(void)dir, (void)name;
	*st = (struct kstatx){ .mask = KSTATX_BASIC, .ino = 7,
		.mode = (uint16_t)now->mode, .nlink = now->nlink,
		.dev_minor = now->minor };
	if (!now->minor) {
		st->dev_major = major(memory.st_dev);
		st->dev_minor = minor(memory.st_dev);
	}
	return 0;
}

int
__wrap_proc_lstatx(int dir, const char *name, struct kstatx *st)
{
	(void)dir, (void)name;
	*st = (struct kstatx){ .mode = S_IFLNK | 0700 };
	return 0;
}

int
__wrap_proc_read(int dir, const char *name, struct buf *b)
{
	(void)dir;
	b->n = 0;
	if (strcmp(name, "fdinfo/5") == 0)
		return buf_put(b, now->info, strlen(now->info));
	errno = ENOENT;
	return -1;
}

/* Is it so many bytes of that text? */
static int
reads(const char *want, const char *s, size_t n)
{
	return s && n == strlen(want) && memcmp(s, want, n) == 0;
}

int
main(void)
{
	static const struct desc_table table = { .root = -1, .dir = -1,
		.fds = -1 };
	static struct desc d;
	static struct name nm;
	int fd = memfd_create("", 0), failed = 0;
	size_t i, n = sizeof rows / sizeof *rows;

	if (fd < 0 || fstat(fd, &memory) < 0)
		return 1;
	for (i = 0; i < n; i++) {
		const struct row *r = now = &rows[i];
		int good = desc_read(&table, 5, DESC_WANT_STAT |
		    DESC_WANT_NAME | DESC_ONCE, &d) == 0 &&
		    name_read(&table, &d, &nm) == 0 &&
		    strcmp(nm.type, r->type) == 0 &&
		    reads(r->name, d.target.s, d.namelen) &&
		    reads(r->shown, nm.s, nm.n) && d.deleted == r->deleted;

		printf("%sok %zu - %s, mode %o\n", good ? "" : "not ", i + 1,
		       r->text, r->mode);
		failed |= !good;
	}
	printf("1..%zu\n", n);
	close(fd);
	return failed;
}
