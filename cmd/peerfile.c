#include <sys/stat.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocked.h"
#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "walk.h"
#include "peer.h"

/* Device numbers, as the kernel's Documentation/admin-guide/devices.txt. */
enum {
	TTY_MAJOR_SLAVE = 136, TTY_MAJOR_LAST = 143,
	MISC_MAJOR = 10, TUN_MINOR = 200, FUSE_MINOR = 229
};

static struct buf locks;	/* /proc/locks, read once a scan of a target */

static int
is_device(const struct kstatx *st, unsigned major, unsigned minor)
{
	return S_ISCHR(st->mode) && st->rdev_major == major &&
	    st->rdev_minor == minor;
}

static int
is_slave(const struct kstatx *st)
{
	return S_ISCHR(st->mode) && st->rdev_major >= TTY_MAJOR_SLAVE &&
	    st->rdev_major <= TTY_MAJOR_LAST;
}

static int
is_terminal(const struct kstatx *st)
{
	return is_slave(st) || is_device(st, 5, 0) || is_device(st, 5, 2);
}

/* Is each open file of the device something of its own? */
static int
is_driver(const struct kstatx *st)
{
	return is_device(st, MISC_MAJOR, TUN_MINOR) ||
	    is_device(st, MISC_MAJOR, FUSE_MINOR);
}

static uint64_t
device_of(const struct kstatx *st)
{
	return peer_file(st).dev;
}

/* The devpts of a /dev/ptmx: the one that the device itself is on, or the one
 * that is mounted at "pts" beside it (as ptmx_open of the kernel has it). */
static int
master_device(const struct walk *w, uint64_t *dev)
{
	const struct desc *d = &peer.desc;
	struct buf path = { 0 };
	struct kstatx beside, parent;
	const char *slash = d->named ? strrchr(d->target.s, '/') : NULL;
	size_t n = slash ? (size_t)(slash - d->target.s) : 0;
	int r = -1;

	*dev = device_of(&d->st);
	if (!slash || (n >= 4 && strncmp(slash - 4, "/pts", 4) == 0))
		return slash ? 0 : -1;
	if (buf_put(&path, "root", 4) == 0 &&
	    buf_put(&path, d->target.s, n) == 0 &&
	    proc_lookup(w->dir, path.s, &parent) == 0 &&
	    buf_put(&path, "/pts", 4) == 0) {
		r = 0;
		/* not its directory's: mounted over */
		if (device_of(&parent) == device_of(&d->st) &&
		    (r = proc_lookup(w->dir, path.s, &beside)) == 0)
			*dev = device_of(&beside);
	}
	buf_free(&path);
	return r;
}

/* What /dev/tty is for the process, if that is a pseudoterminal. Whoever opened
 * it may have had another one. */
static int
controlling(const struct walk *w, struct peer_key *k)
{
	static struct buf text;
	struct task_stat st;
	struct kstatx pts;
	unsigned major, minor;

	if (proc_read(w->dir, "stat", &text) < 0 ||
	    parse_stat(text.s, &st) < 0 ||
	    proc_lookup(w->dir, "root/dev/pts", &pts) < 0)
		return -1;
	major = (unsigned)st.tty_nr >> 8 & 0xfff;
	minor = ((unsigned)st.tty_nr & 0xff) |
	    ((unsigned)st.tty_nr >> 12 & 0xfff00);
	if (major < TTY_MAJOR_SLAVE || major > TTY_MAJOR_LAST)
		return -1;
	k->dev = device_of(&pts);
	k->id = minor + 256 * (major - TTY_MAJOR_SLAVE);
	return 0;
}

/* The key of peer.desc, a terminal, and its role; 0, or -1 if it is no
 * pseudoterminal or that can't be told. */
static int
terminal_key(const struct walk *w, struct peer_key *k, int *role)
{
	const struct kstatx *st = &peer.desc.st;
	const char *info;
	unsigned long long n;

	k->class = PEER_TERMINAL;
	*role = PEER_SLAVE;
	if (is_slave(st)) {
		k->dev = device_of(st);
		k->id = st->rdev_minor +
		    256 * (st->rdev_major - TTY_MAJOR_SLAVE);
		return 0;
	}
	if (is_device(st, 5, 0))
		return controlling(w, k);
	*role = PEER_MASTER;
	if (!(info = peer_info(&w->table)) ||
	    parse_fdinfo_num(info, "tty-index", &n) < 0)
		return -1;
	k->id = n;
	return master_device(w, &k->dev);
}

static int
terminal_links(const struct walk *w, struct peer_end *my)
{
	struct peer_link l = { .roles = PEER_MASTER | PEER_SLAVE,
		.dir = PEER_FLOW, .held = PEER_OPEN, .alone = PEER_PROVE,
		.uid = -1 };

	if (terminal_key(w, &my->key, &my->roles) < 0)
		return -1;
	l.key = my->key;
	peer_link(l);
	return 1;
}

/* Is the lock on that file? */
static int
locks_file(const struct lock_row *l, const struct peer_key *k)
{
	return l->ino == k->id && PEER_DEVICE(l->major, l->minor) == k->dev;
}

/* Does somebody wait for a lock of the file? */
static int
is_contested(const struct peer_key *k)
{
	const char *text = locks.n ? locks.s : "";
	struct lock_row row;

	while (parse_lock(&text, &row) == 1)
		if (row.waits && locks_file(&row, k))
			return 1;
	return 0;
}

static void
add_lock(struct peer_end *e, unsigned long long nr, int role)
{
	const struct peer_lock l = { nr, role };

	e->locks = cli_grow(e->locks, e->nlocks, sizeof l);
	e->locks[e->nlocks++] = l;
	e->roles |= role;
}

/* Note the lock, which the end has, if somebody waits for it: those who do come
 * behind it, with its number. */
static void
add_held(struct peer_end *e, const struct lock_row *lock,
         const struct peer_key *k)
{
	const char *text = locks.n ? locks.s : "";
	struct lock_row row;
	int held = 0;

	while (parse_lock(&text, &row) == 1) {
		if (!row.waits) {
			held = row.n == lock->n &&
			    memcmp(row.s, lock->s, lock->n) == 0;
		} else if (held && locks_file(&row, k)) {
			add_lock(e, row.nr, PEER_LOCKS);
			held = 0;
		}
	}
}

/* Is the process listed as one that waits for a lock of the file? */
static int
is_listed(int pid, const struct peer_key *k)
{
	const char *text = locks.n ? locks.s : "";
	struct lock_row row;

	while (parse_lock(&text, &row) == 1)
		if (row.waits && row.pid == pid && locks_file(&row, k))
			return 1;
	return 0;
}

/* Does a thread wait for a lock through peer.desc? Where its call may not be
 * read the list of locks has to do, which knows the process. */
static int
waits(const struct walk *w, const struct peer_key *superblock)
{
	struct peer_end e = { .key = peer_file(&peer.desc.st), .pid = w->pid,
		.tid = w->tid, .thread = walk_thread(w), .fd = peer.desc.fd };

	switch (blocked_on(w->root, &e)) {
	case BLOCKED_LOCKING:
		return 1;
	case BLOCKED_UNKNOWN:
		return is_listed(w->pid, superblock);
	default:
		return 0;
	}
}

/* Note the locks of the file that the process waits for: by which of its
 * descriptors, and who waits for an OFD lock, the list does not tell. */
static void
add_awaited(struct peer_end *e, int pid, const struct peer_key *k)
{
	const char *text = locks.n ? locks.s : "";
	int of = is_listed(pid, k) ? pid : -1;
	struct lock_row row;

	while (parse_lock(&text, &row) == 1)
		if (row.waits && row.pid == of && locks_file(&row, k))
			add_lock(e, row.nr, PEER_WAITS);
}

/* What peer.desc, whose end it is, has to do with the locks of its file. */
static void
add_locks(const struct walk *w, struct peer_end *e)
{
	struct peer_key k = peer_superblock(&w->table, &peer.desc.st);
	const char *info;
	struct lock_row row;

	if (!is_contested(&k))
		return;
	info = peer_info(&w->table);
	while (info && parse_lock(&info, &row) == 1)
		add_held(e, &row, &k);
	if (waits(w, &k))
		add_awaited(e, w->pid, &k);
}

/* Any name may be the file's. */
int
peer_path_glance(const struct desc_table *t, int fd, const char *text)
{
	struct kstatx st;
	struct peer_key k;
	char name[16];

	(void)text;
	snprintf(name, sizeof name, "%d", fd);
	if (proc_statx(t->fds, name, &st) < 0)
		return -1;
	k = peer_file(&st);
	if (peer.traced)
		return S_ISFIFO(st.mode) || (is_terminal(&st) &&
		    peer_wants_class(PEER_TERMINAL));
	if (is_driver(&st) && peer_wants_class(PEER_OPEN_FILE))
		return 1;
	return peer_wants(&k) || peer_is_watched(t, &st) ||
	    (is_terminal(&st) && peer_wants_class(PEER_TERMINAL));
}

void
peer_path_ends(const struct walk *w)
{
	const struct desc *d = &peer.desc;
	struct peer_end *e;
	struct peer_key k;
	int role;

	if (d->mode == -1 || !d->known)
		return;
	if (is_terminal(&d->st) && peer_wants_class(PEER_TERMINAL) &&
	    terminal_key(w, &k, &role) == 0)
		peer_end(w, &k, role);
	if (is_driver(&d->st))
		peer_open_file_ends(w);
	if (peer_wants_class(PEER_SEEN))
		peer_watched_ends(w);
	k = peer_file(&d->st);
	if (!peer_wants(&k))
		return;
	if (d->type == DESC_FIFO || d->type == DESC_MQUEUE)
		peer_end(w, &k, d->mode + 1);
	else if ((e = peer_end(w, &k, PEER_HOLDS)))
		add_locks(w, e);
}

/* Who has the same file, waits for its lock or has the lock I wait for, and who
 * watches it. */
static int
file_links(const struct walk *w, struct peer_end *my)
{
	static int tries = -1;
	struct peer_key k = peer_superblock(&w->table, &peer.desc.st);

	/* another time they may have other numbers */
	if (tries != peer.tries && proc_read(w->root, "locks", &locks) < 0)
		locks.n = 0;
	tries = peer.tries;
	my->roles = PEER_HOLDS;
	if (!peer.traced)	/* nothing flows by a lock */
		add_locks(w, my);
	if (peer.asked >= 0 || my->roles != PEER_HOLDS)
		peer_link((struct peer_link){ .key = my->key, .roles = ~0,
			.dir = PEER_FLOW, .held = PEER_OPEN,
			/* it is listed that somebody holds it, or waits */
			.alone = my->roles != PEER_HOLDS ? PEER_HIDDEN :
			PEER_SILENT, .uid = -1 });
	peer.map = k;
	peer.mapped = peer.asked >= 0 && peer.desc.type != DESC_DIR;
	return peer.asked >= 0 || my->roles != PEER_HOLDS;
}

/* Is it one behind which is what its driver alone knows? By the major numbers
 * of drm and, of misc, vfio, vhost-net and vhost-vsock; a dma-buf by its name,
 * which is on no file system. */
static int
is_opaque(const struct desc *d)
{
	return (S_ISCHR(d->st.mode) && d->st.rdev_major == 226) ||
	    is_device(&d->st, MISC_MAJOR, 196) ||
	    is_device(&d->st, MISC_MAJOR, 238) ||
	    is_device(&d->st, MISC_MAJOR, 241) ||
	    desc_dmabuf(d);
}

/* Is it a loop device with a file behind it? */
static int
is_loop(const struct kstatx *st)
{
	static struct buf file;
	char path[64];

	if (!S_ISBLK(st->mode) || st->rdev_major != 7 || proc_is_copy())
		return 0;
	snprintf(path, sizeof path, "/sys/dev/block/7:%u/loop/backing_file",
	         st->rdev_minor);
	return proc_read(-1, path, &file) == 0;
}

/* Behind a tun is an interface, behind a FUSE server its mount. */
static int
driver_links(const struct walk *w, struct peer_end *my)
{
	const char *info = peer_info(&w->table);
	const char *iff = info ? parse_field(info, "iff") : NULL;
	unsigned long long n;

	my->roles = PEER_HOLDS;
	my->key = (struct peer_key){ PEER_OPEN_FILE, 0, 0 };
	if ((iff && *iff && *iff != '\n') || (info &&
	    parse_fdinfo_num(info, "fuse_connection", &n) == 0))
		peer_kernel(PEER_BOTH);
	peer_equal(&my->key, PEER_HOLDS);
	return 1;
}

static int
flow_links(struct peer_end *my, enum peer_state alone)
{
	if (peer.desc.mode < 0)
		return -1;
	my->roles = peer.desc.mode + 1;
	peer_link((struct peer_link){ .key = my->key, .dir = PEER_FLOW,
		.roles = PEER_READS | PEER_WRITES, .held = PEER_OPEN,
		.alone = alone, .uid = -1 });
	return 1;
}

int
peer_path_links(const struct walk *w, struct peer_end *my)
{
	const struct desc *d = &peer.desc;
	int r;

	if (d->mode == -1 && d->type != DESC_UNKNOWN)
		return 0;
	if (!d->known)
		return -1;
	my->key = peer_file(&d->st);
	if (my->key.class == PEER_NAMESPACE)
		return peer_namespace_links(w, my);
	if (peer.asked >= 0)
		peer_watchers(w);
	if (d->type == DESC_FIFO)
		return flow_links(my, PEER_PROVE);
	if (is_terminal(&d->st))
		return terminal_links(w, my);
	if (d->type == DESC_MQUEUE)
		return flow_links(my, PEER_HIDDEN);
	if (is_driver(&d->st))
		return driver_links(w, my);
	if (is_loop(&d->st)) {
		peer_kernel(PEER_BOTH);
		file_links(w, my);
		return 1;
	}
	r = file_links(w, my);
	return is_opaque(d) ? -1 : r;
}
