#include <sys/stat.h>
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
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "deleted.h"
#include "mount.h"
#include "num.h"
#include "proc.h"
#include "walk.h"
#include "still.h"

/* A mapping of what may be a deleted file, of which only maps could be read. */
struct doubt {
	uint64_t ino;
	uint32_t major, minor;
};

const struct out_column deleted_columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "FD", 4 }, { "MODE", -4 },
	{ "HOLDERS", 7 }, { "LINKS", 5 }, { "SIZE", 5 }, { "USED", 5 },
	{ "NAME", 0 }, { 0 }
};

/* Suspects that are looked at together, and so many in a row that the next ones
 * are taken for suspects, too. */
enum { CHUNK = 4096, RUN = 16 };

static struct walk w;
static struct desc desc;
static struct deleted *files;
static size_t nfiles;
static struct doubt *doubts;
static size_t ndoubts;
static int unseen;
static const struct mount *only;		/* files of this one */
static unsigned undecided;

static char *
copy_bytes(const char *s, size_t n)
{
	char *p = malloc(n + 1);

	if (!p)
		cli_die();
	memcpy(p, n ? s : "", n);
	return p;
}

static int
compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* By inode, and of one inode in the order of preference: a writer, the lowest
 * PID, a descriptor before the executable and a mapping. */
static int
by_inode(const void *a, const void *b)
{
	const struct deleted *x = a, *y = b;
	int r;

	if ((r = compare(x->st.dev_major, y->st.dev_major)) ||
	    (r = compare(x->st.dev_minor, y->st.dev_minor)) ||
	    (r = compare(x->st.ino, y->st.ino)) ||
	    (r = (y->mode > O_RDONLY) - (x->mode > O_RDONLY)) ||
	    (r = compare((unsigned)x->pid, (unsigned)y->pid)) ||
	    (r = compare((unsigned)x->tid, (unsigned)y->tid)))
		return r;
	/* as unsigned numbers DESC_EXE and DESC_MEM are the largest */
	return compare((unsigned)x->fd, (unsigned)y->fd);
}

/* The most disk space first. */
static int
by_used(const void *a, const void *b)
{
	const struct deleted *x = a, *y = b;
	int r;

	if ((r = compare(y->st.blocks, x->st.blocks)) ||
	    (r = compare(y->st.size, x->st.size)))
		return r;
	return by_inode(a, b);
}

static void
drop(struct deleted *f)
{
	free(f->comm);
	free(f->name);
}

/* Make the files from the given one on one an inode; the holders are summed up
 * over the processes, but are one within a process. */
static void
fold(size_t from, int sum)
{
	size_t i, k = from;

	if (nfiles > from)
		qsort(files + from, nfiles - from, sizeof *files, by_inode);
	for (i = from; i < nfiles; i++) {
		struct deleted *last = files + k - 1;

		if (k == from || !desc_same(&last->st, &files[i].st)) {
			files[k++] = files[i];
			continue;
		}
		if (sum)
			last->holders += files[i].holders;
		drop(&files[i]);
	}
	nfiles = k;
}

/* Its mount among those of the process; NULL with errno (ENOENT: none). */
static const struct mount *
find_mount(void)
{
	errno = EINVAL;
	return desc_mount(&desc) < 0 ? NULL :
	    mount_in(w.table.dir, desc_mount(&desc), 0, 0);
}

/*
 * Is it an object of a mount that the kernel keeps for itself (DRM, AIO,
 * secretmem, dma-buf)? Its text is "/NAME (deleted)" and its mount is in no
 * mountinfo.
 */
static int
is_internal(void)
{
	return desc.named && desc.known && desc.st.dev_major == 0 &&
	    !memchr(desc.target.s + 1, '/', desc.target.n - 1) &&
	    !find_mount() && errno == ENOENT;
}

static void
add_doubt(void)
{
	struct doubt *d;

	if (strncmp(desc.target.s, "/[", 2) == 0)
		return;		/* the rings of AIO and the like */
	doubts = cli_grow(doubts, ndoubts, sizeof *doubts);
	d = &doubts[ndoubts++];
	d->ino = desc.st.ino;
	d->major = desc.st.dev_major;
	d->minor = desc.st.dev_minor;
}

static int
is_only(unsigned major, unsigned minor)
{
	return major == only->major && minor == only->minor;
}

/*
 * Is it on the file system that is asked for, by whatever mount? That of
 * another mount namespace is in its own mountinfo; the device of stat is the
 * file system's, but on btrfs.
 */
static int
on_mount(void)
{
	const struct mount *m = mount_by_id(w.root, desc_mount(&desc));

	if (is_only(desc.st.dev_major, desc.st.dev_minor))
		return 1;
	if (!m && strcmp(only->type, "btrfs") == 0)
		m = find_mount();
	return m && is_only(m->major, m->minor);
}

/* Take note of what was read into desc, if it is a deleted file. */
static void
add(void)
{
	struct deleted *f;

	if ((desc.type != DESC_REG && desc.type != DESC_UNKNOWN) ||
	    desc.deleted == 0 || (only && !on_mount()) || is_internal())
		return;
	if (desc.deleted < 0 || !desc.known) {
		if (desc.known || desc.fd != DESC_MEM)
			undecided++;
		else
			add_doubt();
		return;
	}
	files = cli_grow(files, nfiles, sizeof *files);
	f = &files[nfiles++];
	*f = (struct deleted){ .st = desc.st, .pid = w.pid, .tid = w.tid,
		.fd = desc.fd, .mode = desc.mode, .holders = 1,
		.mnt_id = desc_mount(&desc) };
	if (f->fd == DESC_MEM) {
		memcpy(f->range, desc.range, sizeof f->range);
		f->mode = desc.stores ? O_RDWR : O_RDONLY;
	}
	f->comm = copy_bytes(w.comm.s, f->ncomm = w.comm.n);
	if (desc.named)
		f->name = copy_bytes(desc.target.s, f->nname = desc.namelen);
}

/* May it be a deleted file? Most are told by one call or two: what is no
 * regular file, or has a link left and not the mark. */
static int
is_suspect(int fd)
{
	static struct buf target;
	char number[24];
	const char *name = num_text(number, (unsigned)fd);
	struct kstatx st;

	if (proc_statx(w.table.fds, name, &st) < 0)
		return 1;
	return S_ISREG(st.mode) && (!st.nlink ||
	    proc_readlink(w.table.fds, name, &target) < 0 ||
	    desc_marked(target.s, target.n));
}

/* Read these descriptors and take note of deleted files; 0, or the errno of
 * what may not be read. */
static int
look_at(const int *fds, size_t n, int once)
{
	size_t i;
	int err = 0;

	for (i = 0; i < n; i++) {
		guard_fd(fds[i]);
		if (!once && !is_suspect(fds[i]))
			continue;
		if (desc_read(&w.table, fds[i], DESC_WANT_STAT | once,
		    &desc) == 0)
			add();
		else if (errno != ENOENT && errno != ESRCH)
			err = errno;
	}
	return err;
}

/* The same; that each of many was read at one moment is proved for all of them
 * at once: no thread ran meanwhile. */
static int
look_at_suspects(const int *fds, size_t n)
{
	unsigned doubtful = undecided;
	size_t from = nfiles;
	int err;

	if (still_begin(&w, n)) {
		err = look_at(fds, n, DESC_ONCE);
		if (still_holds(&w))
			return err;
		while (nfiles > from)
			drop(&files[--nfiles]);
		undecided = doubtful;
	}
	return look_at(fds, n, 0);
}

/* All descriptors of the current table; as look_at. */
static int
look_at_table(void)
{
	static int fds[CHUNK];
	size_t n = 0, run = 0;
	int fd, e, err = 0;

	while (walk_fd(&w, &fd) == 1) {
		/* where all are, one of them tells that they still are */
		if ((run < RUN || run % RUN == 0) && !is_suspect(fd)) {
			run = 0;
			continue;
		}
		run++;
		fds[n++] = fd;
		if (n == CHUNK) {
			err = (e = look_at_suspects(fds, n)) ? e : err;
			n = 0;
		}
	}
	return (e = look_at_suspects(fds, n)) ? e : err;
}

/* The executable and the mapped files; 0, or the errno of what may not be
 * read. */
static int
look_at_others(void)
{
	int r, err = 0;

	if (desc_read(&w.table, DESC_EXE, DESC_WANT_STAT, &desc) == 0)
		add();
	else
		err = errno;
	while ((r = walk_map(&w, &desc)) == 1)
		add();
	return r < 0 ? errno : err;
}

/* The current process can't be read. */
static void
refused(int err)
{
	unseen = 1;
	cli_process_error(w.pid, err, 1);
}

static void
look_at_process(void)
{
	size_t before = nfiles;
	int r, e, err = 0;

	while ((r = walk_table(&w)) == 1) {
		if (w.tid == 0 && (e = look_at_others()))
			err = e == ENOENT || e == ESRCH ? err : e;
		if ((e = look_at_table()))
			err = e;
	}
	if (r < 0)
		err = errno;
	if (err && err != ENOENT && err != ESRCH)
		refused(err);
	fold(before, 0);
}

static int
by_doubt(const void *a, const void *b)
{
	const struct doubt *x = a, *y = b;
	int r;

	if ((r = compare(x->ino, y->ino)) || (r = compare(x->major, y->major)))
		return r;
	return compare(x->minor, y->minor);
}

/* Say how many mapped files may be deleted ones that are not in the list. The
 * device of maps is another one on btrfs: those in the list are told by their
 * inode number alone. */
static void
say_doubts(void)
{
	size_t i, k, n = 0;

	if (ndoubts)
		qsort(doubts, ndoubts, sizeof *doubts, by_doubt);
	for (i = 0; i < ndoubts; i++) {
		int known = i && by_doubt(&doubts[i - 1], &doubts[i]) == 0;

		for (k = 0; k < nfiles && !known; k++)
			known = files[k].st.ino == doubts[i].ino;
		n += !known;
	}
	if (n == 0)
		return;
	unseen = 1;
	cli_warn("%zu file%s, deleted and only mapped, could not be looked at "
	         "(needs root or CAP_CHECKPOINT_RESTORE)", n,
	         n == 1 ? "" : "s");
}

void
deleted_put(struct out *out, const struct deleted *f)
{
	static const char *const modes[] = { "r", "w", "rw" };
	const char *mode = f->mode < 0 ? NULL : modes[f->mode];
	const char *fd = f->fd == DESC_MEM ? f->range : desc_fd_name(f->fd);
	char dev[32];

	out_num(out, (unsigned)(f->tid && out->mode != OUT_JSON ?
	                         f->tid : f->pid));
	out_str(out, f->comm, f->ncomm);
	if (fd)
		out_str(out, fd, strlen(fd));
	else
		out_num(out, (unsigned)f->fd);
	out_str(out, mode, mode ? strlen(mode) : 0);
	out_num(out, f->holders);
	out_num(out, f->st.nlink);
	out_size(out, f->st.size);
	out_size(out, f->st.blocks * 512);
	out_name(out, f->name, f->nname, 0);
	if (f->tid)
		out_key_num(out, "tid", (unsigned)f->tid);
	else
		out_key_null(out, "tid");
	out_key_bool(out, "deleted", 1);
	snprintf(dev, sizeof dev, "%u:%u", f->st.dev_major, f->st.dev_minor);
	out_key_str(out, "dev", dev, strlen(dev));
	out_key_num(out, "inode", f->st.ino);
}

int
deleted_mount(int root, const char *path)
{
	char *s = cli_path(path);
	const struct mount *m = NULL;
	int exact = 0;

	if (!s)
		cli_die();
	only = mount_of(root, s, &exact);
	while (!exact && (m = mount_next(root, m)))
		if (*path == '/' && strcmp(m->source, path) == 0) {
			only = m;	/* a device that is mounted somewhere */
			exact = 1;
		}
	free(s);
	if (!only)
		cli_warn("%s: the mounts can't be read", path);
	else if (!exact)
		cli_warn("%s: not a mount point (it is on %s)", path,
		         only->point);
	cli_fail(!only ? 3 : !exact);
	return only && exact ? 0 : -1;
}

struct deleted *
deleted_find(int root, size_t *n)
{
	int r;

	if (walk_open(&w, root, NULL, 0, cli.again) < 0)
		cli_error(cli.procfs, errno);
	else
		while ((r = walk_process(&w)) != 0)
			if (r < 0)
				refused(errno);
			else if (!walk_self(&w))
				look_at_process();
	fold(0, 1);
	if (nfiles)
		qsort(files, nfiles, sizeof *files, by_used);
	*n = nfiles;
	return files;
}

int
deleted_unseen(int root, int hidden)
{
	cli_refused();
	say_doubts();
	cli_undecided(undecided);
	return (hidden && cli_hidden(root)) || unseen || undecided;
}
