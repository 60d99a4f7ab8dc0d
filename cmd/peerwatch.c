#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "mount.h"
#include "proc.h"
#include "walk.h"
#include "peer.h"

/* In the place of a device: what is watched is a mount, or a file system. */
static const uint64_t on_mount = UINT64_MAX, on_fs = UINT64_MAX - 1;

/* Which device has the superblock of a mount; IDs are those of all mount
 * namespaces. */
static struct known {
	uint64_t mount, dev;
} *known;
static size_t nknown;

/* The device by mountinfo; dev where that does not have the mount. */
static uint64_t
find_device(const struct desc_table *t, uint64_t id, uint64_t dev)
{
	const struct mount *m = mount_by_id(t->root, (long long)id);

	if (!m)
		m = mount_in(t->dir, (long long)id, 0, 0);
	return m ? PEER_DEVICE(m->major, m->minor) : dev;
}

struct peer_key
peer_superblock(const struct desc_table *t, const struct kstatx *st)
{
	struct peer_key k = peer_file(st);
	const struct desc *d = &peer.desc;
	size_t i;

	if (st == &d->st && d->informed && d->info.ino)
		k.id = d->info.ino;
	if (!(st->mask & KSTATX_MNT_ID))
		return k;
	for (i = 0; i < nknown && known[i].mount != st->mnt_id; i++)
		;
	if (i == nknown) {
		known = cli_grow(known, nknown, sizeof *known);
		known[nknown++] = (struct known){ st->mnt_id,
			find_device(t, st->mnt_id, k.dev) };
	}
	k.dev = known[i].dev;
	return k;
}

/* What may be watched, so that a file is. */
enum { INODE, MOUNT, FS, KEYS };

static void
keys_of(const struct desc_table *t, const struct kstatx *st,
        enum peer_class class, struct peer_key k[KEYS])
{
	k[INODE] = peer_superblock(t, st);
	k[INODE].class = class;
	k[MOUNT] = (struct peer_key){ st->mask & KSTATX_MNT_ID ? class :
		PEER_NOTHING, on_mount, st->mnt_id };
	k[FS] = (struct peer_key){ class, on_fs, k[INODE].dev };
}

/* The handle of peer.desc, which tells subvolumes of btrfs apart, as their
 * inodes' numbers do not; NULL: there is none, nor is it needed. */
static const char *
handle_of(const struct desc_table *t, const struct peer_key *k)
{
	static struct buf b;
	struct peer_key file = peer_file(&peer.desc.st);
	char name[16];

	snprintf(name, sizeof name, "%d", peer.desc.fd);
	if (proc_handle(t->fds, name, &b) == 0)
		return peer_copy(b.s, b.n);
	if (file.dev == k->dev)
		return NULL;
	peer.doubt = "the subvolume of what is watched";
	return "";
}

void
peer_watchers(const struct walk *w)
{
	struct peer_key k[KEYS];
	size_t i;

	keys_of(&w->table, &peer.desc.st, PEER_WATCHED, k);
	for (i = 0; i < KEYS; i++)
		peer_link((struct peer_link){ .key = k[i], .dir = PEER_FROM,
			.roles = PEER_HOLDS, .held = PEER_OPEN,
			.alone = PEER_SILENT, .uid = -1,
			.handle = i ? NULL : handle_of(&w->table, k) });
}

int
peer_is_watched(const struct desc_table *t, const struct kstatx *st)
{
	struct peer_key k[KEYS];

	if (!peer_wants_class(PEER_SEEN))
		return 0;
	keys_of(t, st, PEER_SEEN, k);
	return peer_wants(&k[INODE]) || peer_wants(&k[MOUNT]) ||
	    peer_wants(&k[FS]);
}

void
peer_watched_ends(const struct walk *w)
{
	struct peer_key k[KEYS];
	struct peer_end *e;
	size_t i;

	keys_of(&w->table, &peer.desc.st, PEER_SEEN, k);
	for (i = 0; i < KEYS; i++)
		if ((e = peer_end(w, &k[i], PEER_HOLDS)) && i == INODE)
			e->handle = handle_of(&w->table, k);
}

/* The next thing that an inotify or fanotify watches, its key and its handle (n
 * bytes, or 0): 1, or 0 at the end. */
static int
next_watch(const char **text, struct peer_key *k, const char **handle,
           size_t *n)
{
	enum peer_class class = k->class;
	struct inotify_row in;
	struct fanotify_row fan = { .on = FANOTIFY_INODE };

	if (peer.desc.type == DESC_INOTIFY) {
		if (parse_inotify(text, &in) != 1)
			return 0;
		*k = (struct peer_key){ class, PEER_DEVICE(in.major, in.minor),
			in.ino };
		*handle = in.handle;
		*n = in.n;
		return 1;
	}
	if (parse_fanotify(text, &fan) != 1)
		return 0;
	*k = (struct peer_key){ class, PEER_DEVICE(fan.major, fan.minor),
		fan.id };
	if (fan.on == FANOTIFY_MOUNT)
		k->dev = on_mount;
	else if (fan.on == FANOTIFY_FS)
		*k = (struct peer_key){ class, on_fs, k->dev };
	*handle = fan.handle;
	*n = fan.on == FANOTIFY_INODE ? fan.n : 0;
	return fan.on == FANOTIFY_MNTNS ? next_watch(text, k, handle, n) : 1;
}

void
peer_watch_ends(const struct walk *w)
{
	const char *text = peer_info(&w->table), *handle;
	struct peer_key k = { .class = PEER_WATCHED };
	struct peer_end *e;
	size_t n;

	while (text && next_watch(&text, &k, &handle, &n) == 1)
		if ((e = peer_end(w, &k, PEER_HOLDS)) && n)
			e->handle = peer_copy(handle, n);
}

int
peer_watch_links(const struct walk *w)
{
	const char *text = peer_info(&w->table), *handle;
	struct peer_link l = { .key.class = PEER_SEEN, .roles = PEER_HOLDS,
		.dir = PEER_TO, .held = PEER_OPEN, .alone = PEER_SILENT,
		.uid = -1 };
	size_t n;

	if (!text)
		return -1;
	while (next_watch(&text, &l.key, &handle, &n) == 1) {
		l.handle = n ? peer_copy(handle, n) : NULL;
		peer_link(l);
	}
	return 1;
}
