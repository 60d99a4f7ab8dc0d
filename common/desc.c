#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "parse_maps.h"
#include "desc.h"
#include "memory.h"
#include "mount.h"
#include "num.h"
#include "proc.h"
#include "sys.h"

static const char mark[] = " (deleted)";
enum { MARK = sizeof mark - 1 };

enum { TRIES = 500 };		/* to read a descriptor that never rests */

enum { MQUEUE_MAGIC = 0x19800202 };	/* of <linux/magic.h> */

static const char *const type_names[] = {
	[DESC_REG] = "reg", [DESC_DIR] = "dir", [DESC_CHR] = "chr",
	[DESC_BLK] = "blk", [DESC_LNK] = "lnk", [DESC_FIFO] = "fifo",
	[DESC_PIPE] = "pipe", [DESC_SOCK] = "sock",
	[DESC_EVENTFD] = "eventfd", [DESC_EPOLL] = "epoll",
	[DESC_INOTIFY] = "inotify", [DESC_FANOTIFY] = "fanotify",
	[DESC_TIMERFD] = "timerfd", [DESC_SIGNALFD] = "signalfd",
	[DESC_PIDFD] = "pidfd", [DESC_MEMFD] = "memfd",
	[DESC_MQUEUE] = "mqueue",
	[DESC_URING] = "uring", [DESC_BPF] = "bpf", [DESC_PERF] = "perf",
	[DESC_NS] = "ns", [DESC_ANON] = "anon"
};

static const char *const fd_names[] = { "cwd", "root", "exe", "mem" };

const char *
desc_type_name(enum desc_type type)
{
	return type_names[type];
}

const char *
desc_fd_name(int fd)
{
	return fd < 0 ? fd_names[fd - DESC_CWD] : NULL;
}

int
desc_same(const struct kstatx *a, const struct kstatx *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major &&
	    a->dev_minor == b->dev_minor;
}

static enum desc_type
anon_type(const char *name)
{
	static const struct {
		const char *prefix;
		enum desc_type type;
	} types[] = {
		{ "[eventfd]", DESC_EVENTFD }, { "[eventpoll]", DESC_EPOLL },
		{ "inotify", DESC_INOTIFY }, { "[fanotify]", DESC_FANOTIFY },
		{ "[timerfd]", DESC_TIMERFD }, { "[signalfd]", DESC_SIGNALFD },
		{ "[pidfd]", DESC_PIDFD }, { "[io_uring]", DESC_URING },
		{ "bpf", DESC_BPF }, { "btf", DESC_BPF },
		{ "[perf_event]", DESC_PERF },
	};
	size_t i;

	for (i = 0; i < sizeof types / sizeof *types; i++)
		if (strncmp(name, types[i].prefix,
		            strlen(types[i].prefix)) == 0)
			return types[i].type;
	return DESC_ANON;
}

/* The type by the link's text, where it is no path. Since 6.9 a pidfd and since
 * 6.18 a namespace are regular files by their mode. */
static enum desc_type
text_type(const char *s)
{
	static const char *const ns[] = {
		"cgroup:[", "ipc:[", "mnt:[", "net:[", "pid:[", "time:[",
		"user:[", "uts:["
	};
	size_t i;

	if (strncmp(s, "pipe:[", 6) == 0)
		return DESC_PIPE;
	if (strncmp(s, "socket:[", 8) == 0)
		return DESC_SOCK;
	if (strncmp(s, "pidfd:[", 7) == 0)
		return DESC_PIDFD;
	if (strncmp(s, "anon_inode:", 11) == 0)
		return anon_type(s + 11);
	for (i = 0; i < sizeof ns / sizeof *ns; i++)
		if (strncmp(s, ns[i], strlen(ns[i])) == 0)
			return DESC_NS;
	return DESC_ANON;
}

static enum desc_type
mode_type(unsigned mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return DESC_REG;
	case S_IFDIR:
		return DESC_DIR;
	case S_IFCHR:
		return DESC_CHR;
	case S_IFBLK:
		return DESC_BLK;
	case S_IFLNK:
		return DESC_LNK;
	case S_IFIFO:
		return DESC_FIFO;
	case S_IFSOCK:
		return DESC_SOCK;
	default:
		return DESC_ANON;
	}
}

int
desc_marked(const char *text, size_t n)
{
	return n > MARK && memcmp(text + n - MARK, mark, MARK) == 0;
}

static int
has_mark(const struct desc *d)
{
	return d->named && desc_marked(d->target.s, d->target.n);
}

/* Is it certainly no deleted file? */
static int
is_kept(const struct desc *d)
{
	return d->known && (!S_ISREG(d->st.mode) ||
	    (d->st.nlink && d->named && !has_mark(d)));
}

int
desc_dmabuf(const struct desc *d)
{
	return d->named && d->known && !(d->st.mode & S_IFMT) &&
	    strncmp(d->target.s, "/dmabuf:", 8) == 0;
}

/* Objects whose text begins as a path does bear the mark always, and it says
 * nothing of them; but a dma-buf's text is what it is called and no more. */
static size_t
object_end(const struct desc *d)
{
	return d->target.n - (has_mark(d) && !desc_dmabuf(d) ? MARK : 0);
}

long long
desc_mount(const struct desc *d)
{
	if (d->known && d->st.mask & KSTATX_MNT_ID)
		return (long long)d->st.mnt_id;
	return d->informed ? d->info.mnt_id : -1;
}

int
desc_locked(const struct desc *d)
{
	return d->informed && strstr(d->text.s, "\nlock:\t");
}

/* A memfd has no other end and no server that a duplicate could keep waiting.
 * Of what else might have come to the number meanwhile nothing is asked; but
 * its close may have to wait. */
int
desc_seals(const struct desc_table *t, int tid, const struct desc *d)
{
	struct kstatx st;
	int fd, step, r = -1;

	if (d->type != DESC_MEMFD || !d->known || !d->informed || d->fd < 0 ||
	    (fd = sys_getfd(t->root, tid, d->fd)) < 0)
		return -1;
	step = guard_enter(GUARD_OBJECT);
	if (proc_attributes(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
	                    &st) == 0 && desc_same(&st, &d->st))
		r = fcntl(fd, F_GET_SEALS);
	close(fd);
	if (step == 0)
		guard_leave();
	return r;
}

/*
 * Is the regular file a POSIX message queue? It has always 80 bytes and no
 * blocks. mq_open(3) opens it on a mount that the kernel keeps for itself, on
 * which its path is its name.
 */
static int
is_mqueue(const struct desc_table *t, const struct desc *d)
{
	static const char dir[] = "/dev/mqueue/";
	const struct mount *m;
	const char *s = d->target.s;
	unsigned long magic;
	char name[16];

	if (d->fd < 0 || d->st.size != 80 || d->st.blocks || d->st.dev_major)
		return 0;
	if ((m = mount_by_id(t->root, desc_mount(d))))
		return strcmp(m->type, "mqueue") == 0;
	s += strncmp(s, dir, sizeof dir - 1) == 0 ? sizeof dir - 1 : 1;
	snprintf(name, sizeof name, "%d", d->fd);
	return !strchr(s, '/') && proc_fstype(t->fds, name, &magic) == 0 &&
	    magic == MQUEUE_MAGIC;
}

static void
decide_type(const struct desc_table *t, struct desc *d)
{
	const struct kstatx *st = d->known ? &d->st : NULL;

	d->type = DESC_UNKNOWN;
	if (d->named && *d->target.s != '/')
		d->type = text_type(d->target.s);
	else if (has_mark(d) && (st || d->fd == DESC_MEM))
		d->type = memory_type(d->target.s, st);
	if (d->type == DESC_UNKNOWN && st)
		d->type = mode_type(st->mode);
	if (d->type == DESC_REG && d->named && is_mqueue(t, d))
		d->type = DESC_MQUEUE;
}

/* Does the path lead to the file? 1, 0, or -1 where it can't be told. */
static int
leads_to(const char *path, const struct desc *d)
{
	struct kstatx st;

	guard_mount(desc_mount(d));
	if (proc_lookup(AT_FDCWD, path, &st) == 0)
		return desc_same(&st, &d->st);
	return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ||
	    errno == ELOOP ? 0 : -1;
}

/*
 * Is the file deleted? No link is left; or the kernel's mark is neither part of
 * a name nor outdated: the file may have been linked again, and the last name
 * may be another hard link's or, on overlayfs, one in the lower layer, whose
 * count of links stays 1. A path says something only in our mount namespace.
 */
static void
decide_deleted(const struct desc_table *t, struct desc *d)
{
	int named, again;

	d->deleted = 0;
	d->namelen = d->target.n;
	if (d->named && *d->target.s != '/')
		return;
	if (d->type == DESC_MEMFD || d->type == DESC_ANON) {
		d->namelen = object_end(d);
		return;
	}
	if (d->known && d->st.nlink == 0) {
		d->deleted = 1;
		d->namelen -= has_mark(d) ? MARK : 0;
		return;
	}
	if (d->named && !has_mark(d))
		return;
	d->deleted = -1;
	if (!d->known || !d->named || !mount_by_id(t->root, desc_mount(d)))
		return;
	if ((named = leads_to(d->target.s, d)) != 0) {
		d->deleted = named > 0 ? 0 : -1;
		return;
	}
	d->namelen -= MARK;
	d->target.s[d->namelen] = '\0';
	again = leads_to(d->target.s, d);
	d->target.s[d->namelen] = *mark;
	d->deleted = again < 0 ? -1 : !again;
	if (again < 0)
		d->namelen += MARK;
}

/* Without fdinfo (a stuck epoll, a tree without it) the rest is still shown;
 * that the descriptor was closed is found out by the link. */
static int
read_info(const struct desc_table *t, const char *number, struct buf *text,
          struct fdinfo *info, int *informed)
{
	char name[32] = "fdinfo/";

	*informed = 0;
	strcpy(name + 7, number);
	if ((t->infos ? proc_read_in(t->infos, name, text) :
	     proc_read(t->dir, name, text)) < 0)
		return errno == ENOENT || errno == ETIMEDOUT ? 0 : -1;
	*informed = parse_fdinfo(text->s, info) == 0;
	return 0;
}

/* The same for the descriptor itself. */
static int
inform(const struct desc_table *t, const char *name, struct desc *d)
{
	return read_info(t, name, &d->text, &d->info, &d->informed);
}

/* Is what NAME says in fdinfo? */
static int
told_in_info(const struct desc *d)
{
	static const unsigned devices[][2] = {
		{ 5, 2 }, { 10, 200 }, { 10, 229 }	/* ptmx, tun, fuse */
	};
	size_t i;

	if (d->named && *d->target.s != '/') {
		enum desc_type type = text_type(d->target.s);

		return (type >= DESC_EVENTFD && type <= DESC_BPF) ||
		    strcmp(d->target.s, "anon_inode:[userfaultfd]") == 0;
	}
	if (desc_dmabuf(d))
		return 1;
	for (i = 0; i < sizeof devices / sizeof *devices; i++)
		if (d->known && S_ISCHR(d->st.mode) &&
		    d->st.rdev_major == devices[i][0] &&
		    d->st.rdev_minor == devices[i][1])
			return 1;
	return 0;
}

/* Is its mount asked for, which statx(2) tells since Linux 5.8 only? */
static int
lacks_mount(const struct desc *d)
{
	return d->known && !(d->st.mask & KSTATX_MNT_ID) && !is_kept(d);
}

/* The access mode is in the mode bits of the link, but in a copy of a procfs;
 * flags and inode that fdinfo tells are of one moment with its mode. */
static int
read_mode(const struct desc_table *t, const char *name, struct desc *d)
{
	static const int modes[] = { -1, O_WRONLY, O_RDONLY, O_RDWR };
	int copy = proc_is_copy();
	struct kstatx link;

	d->mode = DESC_MODE_UNKNOWN;
	if (copy && !d->informed && inform(t, name, d) < 0)
		return -1;
	if (d->informed) {
		d->mode = (int)(d->info.flags & O_ACCMODE);
		if (d->info.flags & O_PATH || d->mode == O_ACCMODE)
			d->mode = -1;
	} else if (!copy) {
		if (proc_lstatx(t->fds, name, &link) < 0)
			return -1;
		d->mode = modes[link.mode >> 7 & 3];
	}
	return 0;
}

/* Read the attributes; 0, also where they can't be read, or -1 with errno. */
static int
read_attributes(int dir, const char *name, struct desc *d)
{
	d->known = proc_statx(dir, name, &d->st) == 0;
	return !d->known && (errno == ETIMEDOUT || errno == ESRCH) ? -1 : 0;
}

/* Read the link and what is wanted, as far as is needed for DESC_GONE; 0, or -1
 * with errno. */
static int
read_once(const struct desc_table *t, int dir, const char *name, int want,
          struct desc *d)
{
	int r = 0;

	d->informed = d->known = d->named = 0;
	d->mode = -1;
	if (want & DESC_GONE && ((r = read_attributes(dir, name, d)) < 0 ||
	    is_kept(d)))
		return r;
	d->named = proc_readlink(dir, name, &d->target) == 0;
	if (!d->named) {
		d->target.n = 0;
		if (errno != ENAMETOOLONG)
			return -1;
	}
	if (!(want & (DESC_WANT_STAT | DESC_WANT_INFO)))
		return want & DESC_WANT_MODE ? read_mode(t, name, d) : 0;
	if (d->fd >= 0 && want & DESC_WANT_INFO && inform(t, name, d) < 0)
		return -1;
	if (want & DESC_GONE && is_kept(d))
		return 0;
	/* a link that was left may be gone since: the mark was read later */
	if ((!(want & DESC_GONE) || (d->known && d->st.nlink)) &&
	    (r = read_attributes(dir, name, d)) < 0)
		return r;
	if (d->fd < 0)
		return 0;
	if (!d->informed && ((want & DESC_WANT_NAME && told_in_info(d)) ||
	    lacks_mount(d)) && inform(t, name, d) < 0)
		return -1;
	return read_mode(t, name, d);
}

/* Does the link still read so? 1, 0, or -1 with errno. */
static int
same_link(int dir, const char *name, const struct desc *d)
{
	static struct buf text;

	if (proc_readlink(dir, name, &text) < 0)
		return errno != ENAMETOOLONG ? -1 : !d->named;
	return d->named && text.n == d->target.n &&
	    memcmp(text.s, d->target.s, text.n) == 0;
}

/* Is the same file behind it? */
static int
same_file(int dir, const char *name, const struct desc *d)
{
	struct kstatx st;

	if (proc_statx(dir, name, &st) < 0)
		return errno == ENOENT ? -1 : !d->known;
	return d->known && desc_same(&st, &d->st) && st.mode == d->st.mode;
}

/* Is fdinfo of that file by its inode (since Linux 5.14) and mount? Of no other
 * file if so; on some file systems (overlayfs) never. */
static int
info_fits(const struct desc *d)
{
	return d->info.ino == d->st.ino && d->st.mask & KSTATX_MNT_ID &&
	    d->info.mnt_id == (long long)d->st.mnt_id;
}

/* Is fdinfo of that file? Where it does not fit it must read the same again. */
static int
same_info(const struct desc_table *t, const char *name, const struct desc *d)
{
	static struct buf text;
	struct fdinfo i;
	int informed;

	if (!d->informed || info_fits(d))
		return 1;
	if (read_info(t, name, &text, &i, &informed) < 0)
		return -1;
	return !informed || (i.ino == d->info.ino &&
	    i.mnt_id == d->info.mnt_id && i.flags == d->info.flags);
}

/*
 * The same when the process may do anything meanwhile: link (l), attributes (s)
 * and fdinfo (i) are read again and again, in an order without a rhythm (that
 * of Thue and Morse), so many times over. To pass for one record two files
 * would have had to take turns in that very order. An epoll's fdinfo, whose
 * lock may be held for ever, is only read if it is asked for. 1, 0 if it
 * changed, -1 with errno.
 */
static int
read_again(const struct desc_table *t, int dir, const char *name, int want,
           int times, struct desc *d)
{
	const char *order;
	int r = 1;

	if (read_once(t, dir, name, want, d) < 0)
		return -1;
	if (want & DESC_GONE && is_kept(d))
		return 1;
	if (d->fd >= 0 && !d->informed && (!d->named ||
	    strncmp(d->target.s, "anon_inode:", 11) != 0) &&
	    (inform(t, name, d) < 0 || read_mode(t, name, d) < 0))
		return -1;
	if (d->informed && !info_fits(d))
		times += 4;
	while (times-- && r == 1)
		for (order = "slsillsslilslssli"; *order && r == 1; order++)
			r = *order == 'l' ? same_link(dir, name, d) :
			    *order == 's' ? same_file(dir, name, d) :
			    same_info(t, name, d);
	return r;
}

/* Read a descriptor that may change, at most TRIES times: 1, 0 if it never
 * rested, or -1 with errno. */
static int
read_moving(const struct desc_table *t, int dir, const char *name, int want,
            struct desc *d)
{
	int i, r = 0;

	for (i = 0; i < TRIES && r == 0; i++)
		r = read_again(t, dir, name, want, i ? 2 : 1, d);
	return r;
}

int
desc_read(const struct desc_table *t, int fd, int want, struct desc *d)
{
	int dir = fd < 0 ? t->dir : t->fds, r;
	char number[24];
	const char *name = fd < 0 ? desc_fd_name(fd) :
	    num_text(number, (unsigned)fd);

	d->fd = fd;
	/* A descriptor that is closed and opened again between two reads is
	 * read anew: no record is half the old file and half the new one. */
	if (want & DESC_ONCE || !(want & (DESC_WANT_STAT | DESC_WANT_INFO)) ||
	    proc_is_copy())
		r = read_once(t, dir, name, want, d) < 0 ? -1 : 1;
	else
		r = read_moving(t, dir, name, want, d);
	if (r < 0)
		return -1;
	if (!(want & (DESC_WANT_STAT | DESC_WANT_INFO)))
		return 0;
	if (want & DESC_GONE && is_kept(d))
		return 1;
	if (r == 0) {			/* nothing of it holds */
		d->named = d->known = d->informed = 0;
		d->target.n = 0;
		d->mode = DESC_MODE_UNKNOWN;
	}
	decide_type(t, d);
	decide_deleted(t, d);
	return 0;
}

int
desc_map(const struct desc_table *t, int dir, const struct map_row *m,
         struct desc *d)
{
	char name[64];

	snprintf(d->range, sizeof d->range, "%llx-%llx", m->start, m->end);
	snprintf(name, sizeof name, "map_files/%s", d->range);
	d->fd = DESC_MEM;
	d->stores = m->perms[1] == 'w' && m->perms[3] == 's';
	d->mode = -1;
	d->informed = 0;
	d->named = proc_readlink(dir, name, &d->target) == 0;
	if (!d->named) {
		if (errno == ETIMEDOUT || errno == ENOMEM || errno == ENOENT)
			return -1;
		d->target.n = 0;
		if (buf_put(&d->target, m->path, m->n) < 0)
			return -1;
		d->named = 1;
	}
	d->known = proc_statx(dir, name, &d->st) == 0;
	if (!d->known) {
		memset(&d->st, 0, sizeof d->st);
		d->st.ino = m->ino;
		d->st.dev_major = m->major;
		d->st.dev_minor = m->minor;
	}
	decide_type(t, d);
	decide_deleted(t, d);
	return 0;
}
