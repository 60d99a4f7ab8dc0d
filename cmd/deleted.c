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
#include "desc.h"
#include "deleted.h"
#include "mount.h"
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

enum { CHUNK = 4096 };		/* files that one proof is for */

static struct walk w;
static struct desc desc;
static struct deleted **files;
static size_t nfiles, nfolded;	/* all, and after the last fold */
static struct doubt *doubts;
static size_t ndoubts;
static int unseen;
static const struct mount *only;		/* files of this one */
static char *const *wanted;			/* names, or NULL */
static unsigned undecided;
static char *comm;		/* of the current table, or NULL */

static int
compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
compare_inodes(const struct deleted *x, const struct deleted *y)
{
	int r;

	if ((r = compare(x->ino, y->ino)) ||
	    (r = compare(x->dev_major, y->dev_major)))
		return r;
	return compare(x->dev_minor, y->dev_minor);
}

/* By inode, and the holders of one by PID, a descriptor before the executable
 * and a mapping. */
static int
by_inode(const void *a, const void *b)
{
	const struct deleted *x = *(struct deleted *const *)a;
	const struct deleted *y = *(struct deleted *const *)b;
	int r;

	if ((r = compare_inodes(x, y)) ||
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
	const struct deleted *x = *(struct deleted *const *)a;
	const struct deleted *y = *(struct deleted *const *)b;
	int r;

	if ((r = compare(y->blocks, x->blocks)) ||
	    (r = compare(y->size, x->size)))
		return r;
	return by_inode(a, b);
}

/* Is the file to be shown by the first of the two? */
static int
is_better(const struct deleted *f, const struct deleted *shown)
{
	if (f->wanted != shown->wanted)
		return f->wanted > shown->wanted;
	return f->mode > O_RDONLY && shown->mode <= O_RDONLY;
}

/* Make the files one an inode, shown by its first writer or else its first
 * holder, with as many holders as there are processes that have it; between two
 * processes only. What is surely deleted for one holder is so for all. */
static void
fold(void)
{
	size_t i, k = 0;
	int before = 0;			/* the PID of the last one */

	if (nfiles)
		qsort(files, nfiles, sizeof *files, by_inode);
	for (i = 0; i < nfiles; i++) {
		struct deleted *f = files[i], *shown = k ? files[k - 1] : NULL;
		int pid = f->pid;
		unsigned holders;

		if (!shown || compare_inodes(shown, f)) {
			files[k++] = f;
		} else {
			holders = shown->holders;
			holders += pid == before ? 0 : f->holders;
			if (is_better(f, shown)) {
				files[k - 1] = f;
				f = shown;
			}
			files[k - 1]->sure |= f->sure;
			files[k - 1]->holders = holders;
			free(f);
		}
		before = pid;
	}
	nfiles = nfolded = k;
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
 * Is it on the file system that is asked for, by whatever mount, or may it be?
 * That of another mount namespace is in its own mountinfo; the device of stat
 * is the file system's, but not always on btrfs and overlayfs.
 */
static int
on_mount(void)
{
	const struct mount *m = mount_by_id(w.root, desc_mount(&desc));
	int known = desc.known || desc.fd == DESC_MEM;

	if (known && is_only(desc.st.dev_major, desc.st.dev_minor))
		return 1;
	if (!m && (!known || (only->major == 0 && desc.st.dev_major == 0)))
		m = find_mount();
	return m ? is_only(m->major, m->minor) : !known;
}

/* Drop those of which nothing is sure. */
static void
drop_undecided(void)
{
	size_t i, k = 0;

	for (i = 0; i < nfiles; i++)
		if (files[i]->sure) {
			files[k++] = files[i];
		} else {
			undecided++;
			free(files[i]);
		}
	nfiles = k;
}

/* Is the name looked for, and a path of ours? */
static int
is_wanted(const char *name, size_t n, long long mount)
{
	int i;

	for (i = 0; i < 2; i++)
		if (wanted[i] && strlen(wanted[i]) == n &&
		    memcmp(wanted[i], name, n) == 0) {
			/* before Linux 5.8, of what is no descriptor */
			if (mount < 0)
				return DELETED_MAYBE;
			return mount_by_id(w.root, mount) ? DELETED_WANTED :
			    DELETED_OTHER;
		}
	return DELETED_OTHER;
}

/* How long the name is. Where it can't be told whether it is deleted, it has
 * the mark. */
static size_t
name_length(void)
{
	if (!desc.named)
		return 0;
	return desc.namelen - (desc.deleted < 0 &&
	    desc_marked(desc.target.s, desc.namelen) ?
	    sizeof " (deleted)" - 1 : 0);
}

/* Take note of the deleted file that was read into desc. */
static void
note(void)
{
	const char *range = desc.fd == DESC_MEM ? desc.range : "";
	size_t n = name_length();
	struct deleted *f = malloc(sizeof *f + n + strlen(range) + 2);

	if (!f || (!comm && !(comm = strndup(w.comm.n ? w.comm.s : "",
	    w.comm.n))))
		cli_die();
	*f = (struct deleted){ .ino = desc.st.ino, .size = desc.st.size,
		.blocks = desc.st.blocks, .dev_major = desc.st.dev_major,
		.dev_minor = desc.st.dev_minor, .nlink = desc.st.nlink,
		.pid = w.pid, .tid = w.tid, .fd = desc.fd, .mode = desc.mode,
		.holders = 1, .mnt_id = desc_mount(&desc), .comm = comm,
		.ncomm = (unsigned)w.comm.n, .nname = (unsigned)n,
		.named = (char)desc.named, .sure = desc.deleted > 0 };
	if (wanted && f->sure)
		f->wanted = (char)is_wanted(desc.target.s, n, f->mnt_id);
	if (*range)
		f->mode = desc.stores ? O_RDWR : O_RDONLY;
	memcpy(f->name, n ? desc.target.s : "", n);
	f->name[n] = '\0';
	strcpy(f->name + n + 1, range);
	files = cli_grow(files, nfiles, sizeof *files);
	files[nfiles++] = f;
}

/* Take note of what was read into desc, if it is a deleted file or may be. */
static void
add(void)
{
	if ((desc.type != DESC_REG && desc.type != DESC_UNKNOWN) ||
	    desc.deleted == 0 || (only && !on_mount()) || is_internal())
		return;
	if (desc.known)
		note();
	else if (desc.fd == DESC_MEM)
		add_doubt();
	else
		undecided++;
}

/* Look at a descriptor: 1 and noted if it is a deleted file, or may be one, or
 * 0; *err is the errno of what may not be read. */
static int
look_at(int fd, int once, int *err)
{
	int r;

	guard_fd(fd);
	r = desc_read(&w.table, fd, DESC_WANT_STAT | DESC_GONE | once, &desc);
	if (r == 0)
		add();
	else if (r < 0 && errno != ENOENT && errno != ESRCH)
		*err = errno;
	return r == 0;
}

/* Have the descriptors that were read once, of which nfiles was from, been read
 * at one moment each? Else read them anew. */
static void
settle(const int *fds, size_t n, size_t from, unsigned doubtful, int *err)
{
	size_t i;

	if (n == 0 || still_holds(&w))
		return;
	while (nfiles > from)
		free(files[--nfiles]);
	undecided = doubtful;
	for (i = 0; i < n; i++)
		look_at(fds[i], 0, err);
}

/* All descriptors of the current table; 0, or the errno of what may not be
 * read. That a deleted one was read at one moment is proved for the first few
 * one by one, and for the others together: nobody ran. */
static int
look_at_table(void)
{
	static int fds[CHUNK];
	size_t seen = 0, n = 0, from = nfiles;
	unsigned doubtful = undecided;
	int fd, still = 0, err = 0;

	while (walk_fd(&w, &fd) == 1) {
		if (!look_at(fd, still ? DESC_ONCE : 0, &err))
			continue;
		if (still)
			fds[n++] = fd;
		seen++;
		/* a full proof, or is it worth one after 1, 2, 4 ...? */
		if (still ? n < CHUNK : seen & (seen - 1))
			continue;
		settle(fds, n, from, doubtful, &err);
		still = still_begin(&w, seen);
		n = 0;
		from = nfiles;
		doubtful = undecided;
	}
	settle(fds, n, from, doubtful, &err);
	return err;
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
	int r, e, err = 0;

	while ((r = walk_table(&w)) == 1) {
		comm = NULL;
		if (w.tid == 0 && (e = look_at_others()))
			err = e == ENOENT || e == ESRCH ? err : e;
		if ((e = look_at_table()))
			err = e;
	}
	if (r < 0)
		err = errno;
	if (err && err != ENOENT && err != ESRCH)
		refused(err);
	if (nfiles >= 2 * nfolded + CHUNK)
		fold();
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
			known = files[k]->ino == doubts[i].ino;
		n += !known;
	}
	if (n == 0)
		return;
	unseen = 1;
	cli_warn("%zu file%s, deleted and only mapped, could not be looked at "
	         "(needs root or CAP_CHECKPOINT_RESTORE)", n,
	         n == 1 ? "" : "s");
}

const char *
deleted_range(const struct deleted *f)
{
	return f->fd == DESC_MEM ? f->name + f->nname + 1 : NULL;
}

void
deleted_put(struct out *out, const struct deleted *f)
{
	static const char *const modes[] = { "r", "w", "rw" };
	const char *mode = f->mode < 0 ? NULL : modes[f->mode];
	const char *fd = deleted_range(f);
	char dev[32];

	out_num(out, (unsigned)(f->tid && out->mode != OUT_JSON ?
	                         f->tid : f->pid));
	out_str(out, f->comm, f->ncomm);
	if (fd || (fd = desc_fd_name(f->fd)))
		out_word(out, fd);
	else
		out_num(out, (unsigned)f->fd);
	out_word(out, mode);
	out_num(out, f->holders);
	out_num(out, f->nlink);
	out_size(out, f->size);
	out_size(out, f->blocks * 512);
	out_name(out, f->named ? f->name : NULL, f->nname, 0);
	if (f->tid)
		out_key_num(out, "tid", (unsigned)f->tid);
	else
		out_key_null(out, "tid");
	out_key_bool(out, "deleted", 1);
	if (out->mode == OUT_JSON)
		snprintf(dev, sizeof dev, "%u:%u", f->dev_major, f->dev_minor);
	out_key_str(out, "dev", dev, strlen(dev));
	out_key_num(out, "inode", f->ino);
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

struct deleted **
deleted_find(int root, char *const *names, size_t *n)
{
	int r;

	wanted = names;
	if (walk_open(&w, root, NULL, 0, cli.again) < 0)
		cli_error(cli.procfs, errno);
	else
		while ((r = walk_process(&w)) != 0)
			if (r < 0)
				refused(errno);
			else if (!walk_self(&w))
				look_at_process();
	fold();
	drop_undecided();
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
