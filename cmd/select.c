#include <sys/stat.h>
#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "parse_net.h"
#include "desc.h"
#include "mount.h"
#include "name.h"
#include "num.h"
#include "onmount.h"
#include "proc.h"
#include "select.h"
#include "walk.h"

struct selection selection;

/* A FILE operand. */
struct file {
	struct kstatx st;
	int known;		/* else it is matched by its name */
	const struct mount *on;	/* of a socket, or NULL */
	char *path;		/* absolute, or NULL */
};

static struct file *files;
static int by_name;		/* a file of which only that is known */
static int sockets;		/* a file is a socket's name */
static char *types;		/* ",reg,dir," */

void
select_types(const char *list)
{
	struct buf known = { 0 };
	const char *s, *const *t;
	char *before = types;
	size_t n;

	for (s = list; ; s += n + 1) {
		n = strcspn(s, ",");
		for (t = name_types; *t; t++)
			if (strlen(*t) == n && strncmp(s, *t, n) == 0)
				break;
		if (!*t)
			break;
		if (!s[n]) {
			if (asprintf(&types, "%s%s,", before ? before : ",",
			             list) < 0)
				cli_usage("-t: %s", strerror(errno));
			free(before);
			return;
		}
	}
	for (t = name_types; *t; t++)
		if (buf_put(&known, " ", 1) < 0 ||
		    buf_put(&known, *t, strlen(*t)) < 0)
			break;
	cli_usage("%.*s: no such type; there are%s", n ? (int)n : 2,
	          n ? s : "''", known.s);
}

int
select_narrows(void)
{
	return selection.deleted || selection.mount || selection.asked || types;
}

int
select_by_kind(void)
{
	return selection.deleted || types;
}

int
select_by_place(void)
{
	return selection.mount || selection.asked;
}

int
select_begin(int root, char **argv)
{
	selection.nfiles = selection.asked = by_name = sockets = 0;
	if (!selection.mount)
		return 0;
	return onmount_resolve(root, selection.mount, argv);
}

void
select_file(int root, const char *name, int arg, int quiet)
{
	const struct mount *on;
	struct file *f;
	int exact;

	selection.asked++;
	files = cli_grow(files, (size_t)selection.nfiles, sizeof *files);
	f = &files[selection.nfiles];
	guard_process(0);
	guard_fd(arg);
	f->path = cli_path(name);
	if (f->path && (on = mount_of(root, f->path, &exact)))
		guard_mount(on->id);
	f->known = proc_lookup(AT_FDCWD, name, &f->st) == 0;
	if (f->known || errno == ETIMEDOUT) {
		f->on = NULL;
		selection.nfiles++;
		by_name |= !f->known;
		if (f->known && S_ISSOCK(f->st.mode)) {
			sockets = 1;
			if (f->st.mask & KSTATX_MNT_ID)
				f->on = mount_by_id(root,
				                    (long long)f->st.mnt_id);
		}
	} else if (!quiet) {
		cli_path_error(name, errno);
	}
}

/* Is the path the operand's text? */
static int
reads_so(const struct file *f, const char *path, size_t len)
{
	return f->path && strlen(f->path) == len &&
	    memcmp(f->path, path, len) == 0;
}

/* Is the socket bound to the file, or one that was accepted there? Where only
 * procfs tells of it, its path must read as the operand does: another one may be
 * relative, or the file was renamed. As select_has. */
static int
bound_to(const struct file *f, const struct sock *k)
{
	unsigned major, minor;

	if (!k || !k->path || k->abstract)
		return SELECT_NO;
	if (!f->known || !k->has_vfs)
		return reads_so(f, k->path, k->n) ? SELECT_YES :
		    f->known ? SELECT_UNSEEN : SELECT_NO;
	/* 32 bits of the inode; the kernel's form of a device number, which is
	 * the superblock's: stat(2) has another one on btrfs and overlays */
	if (k->vfs_ino != (uint32_t)f->st.ino)
		return SELECT_NO;
	major = k->vfs_dev >> 20;
	minor = k->vfs_dev & 0xfffff;
	if (f->on ? f->on->major == major && f->on->minor == minor :
	    f->st.dev_major == major && f->st.dev_minor == minor)
		return SELECT_YES;
	return f->on || major ? SELECT_NO : SELECT_UNSEEN;
}

/* As select_has, by one file only. */
static int
is_file(const struct file *f, const struct desc *d, const struct sock *k)
{
	int r;

	if (!f->known)
		return d->named && reads_so(f, d->target.s, d->namelen) ?
		    SELECT_YES : bound_to(f, k);
	if (S_ISSOCK(f->st.mode) && (r = bound_to(f, k)) != SELECT_NO)
		return r;
	if (!d->known && d->fd == DESC_MEM && d->st.ino == f->st.ino)
		/* maps has another device than stat on btrfs */
		return desc_same(&f->st, &d->st) ? SELECT_YES : SELECT_UNSEEN;
	if (!d->known)
		return SELECT_NO;
	/* a device may have several nodes */
	if (S_ISBLK(f->st.mode) && d->type == DESC_BLK)
		return f->st.rdev_major == d->st.rdev_major &&
		    f->st.rdev_minor == d->st.rdev_minor;
	return desc_same(&f->st, &d->st);
}

/* The same by all files. */
static int
is_asked(const struct desc *d, const struct sock *k)
{
	int i, r, all = SELECT_NO;

	for (i = 0; i < selection.nfiles && all != SELECT_YES; i++)
		if ((r = is_file(&files[i], d, k)) != SELECT_NO)
			all = r;
	return selection.asked ? all : SELECT_YES;
}

/* Is it a type of those that are asked for? */
static int
is_type(const char *type)
{
	size_t n = strlen(type);
	const char *word;

	for (word = types; (word = strstr(word, type)); word++)
		if (word[-1] == ',' && word[n] == ',')
			return 1;
	return 0;
}

/* The same of a row. The type of what is mapped is not known without the right
 * to look at it: it is the one of a file that was asked for and is that one, or
 * any that can be mapped by a path. */
static int
has_type(const struct desc *d, const struct name *nm)
{
	int i;

	if (!types || nm->type)
		return !types || is_type(nm->type) ? SELECT_YES : SELECT_NO;
	if (d->fd != DESC_MEM)
		return SELECT_UNSEEN;
	for (i = 0; i < selection.nfiles; i++)
		if (files[i].known && desc_same(&files[i].st, &d->st))
			return is_type(S_ISREG(files[i].st.mode) ? "reg" :
			    S_ISCHR(files[i].st.mode) ? "chr" : "blk") ?
			    SELECT_YES : SELECT_NO;
	return is_type("reg") || is_type("chr") || is_type("blk") ?
	    SELECT_UNSEEN : SELECT_NO;
}

/* Is the file deleted, as far as -d is concerned: 1, 0, or -1 where that is
 * unknown? A memfd has no name to lose: it counts if its type is asked for. */
static int
is_deleted(const struct desc *d)
{
	return types && d->type == DESC_MEMFD ? 1 : d->deleted;
}

/* Can it be so by type and deletion? Nothing is asked of what it is, such as of
 * an epoll that does not answer. */
static int
may_be_kind(const struct walk *w, int fd, int once)
{
	static struct desc d;
	const char *type;

	if (desc_read(&w->table, fd, DESC_WANT_STAT | once, &d) < 0)
		return 1;
	if (selection.deleted && is_deleted(&d) == 0)
		return 0;
	type = desc_type_name(d.type);
	return !types || !type || d.type == DESC_SOCK || is_type(type);
}

int
select_may(const struct walk *w, int fd, int once)
{
	static struct desc d = { .known = 1 };
	char number[24];
	int i, on, dir = fd < 0 ? w->table.dir : w->table.fds;

	if (select_by_kind() && !may_be_kind(w, fd, once))
		return 0;
	if (!select_by_place() || by_name || (selection.mount &&
	    onmount_wants_info()))
		return 1;
	d.fd = fd;
	if (proc_statx(dir, fd < 0 ? desc_fd_name(fd) :
	               num_text(number, (unsigned)fd), &d.st) < 0)
		return 1;
	if (S_ISSOCK(d.st.mode))	/* its name may be there */
		return !selection.asked || sockets;
	on = selection.mount ? onmount(w, &d) : 1;
	if (!on || !selection.asked)
		return on != 0;
	d.type = S_ISBLK(d.st.mode) ? DESC_BLK : DESC_UNKNOWN;
	for (i = 0; i < selection.nfiles; i++)
		if (is_file(&files[i], &d, NULL))
			return 1;
	return 0;
}

int
select_has(const struct walk *w, const struct desc *d, const struct name *nm)
{
	int r, type = has_type(d, nm);

	if (type == SELECT_NO)
		return SELECT_NO;
	if (selection.mount && (r = onmount(w, d)) <= 0 &&
	    (r = onmount_bound(w, nm->sock)) <= 0)
		return r < 0 ? SELECT_UNSEEN : SELECT_NO;
	if ((r = is_asked(d, nm->sock)) != SELECT_YES)
		return r;
	if (selection.deleted && (r = is_deleted(d)) <= 0)
		return r < 0 ? SELECT_UNDECIDED : SELECT_NO;
	return type;
}
