#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "peer.h"

struct peer_key
peer_file(const struct kstatx *st)
{
	return (struct peer_key){ PEER_FILE,
		(uint64_t)st->dev_major << 32 | st->dev_minor, st->ino };
}

int
peer_leads_to(int dirfd, const char *name, const struct peer_key *k)
{
	struct kstatx st;
	struct peer_key file;

	if (proc_statx(dirfd, name, &st) < 0)
		return 0;
	file = peer_file(&st);
	return k->class == PEER_PIPE ? S_ISFIFO(st.mode) && st.ino == k->id :
	    file.dev == k->dev && file.id == k->id;
}

/* What is written at one end is read at the other. */
static void
link_flow(const struct peer_end *my)
{
	peer_link((struct peer_link){ .key = my->key, .dir = PEER_FLOW,
		.roles = PEER_READS | PEER_WRITES, .held = PEER_OPEN,
		.alone = PEER_PROVE, .uid = -1 });
}

static struct peer_key
pipe_key(void)
{
	return (struct peer_key){ PEER_PIPE, 0, strtoull(peer.desc.target.s +
		sizeof "pipe:[" - 1, NULL, 10) };
}

/* One of O_PATH is no end. */
static void
pipe_ends(const struct walk *w)
{
	struct peer_key k = pipe_key();

	if (peer.desc.mode >= 0)
		peer_end(w, &k, peer.desc.mode + 1);
}

static int
pipe_links(const struct walk *w, struct peer_end *my)
{
	(void)w;
	if (peer.desc.mode < 0)
		return 0;
	my->key = pipe_key();
	my->roles = peer.desc.mode + 1;
	link_flow(my);
	return 1;
}

/* Any name may be the file's. */
static int
path_glance(const struct desc_table *t, int fd)
{
	struct kstatx st;
	struct peer_key k;
	char name[16];

	snprintf(name, sizeof name, "%d", fd);
	if (proc_statx(t->fds, name, &st) < 0)
		return -1;
	k = peer_file(&st);
	return peer_wants(&k);
}

static void
path_ends(const struct walk *w)
{
	struct peer_key k = peer_file(&peer.desc.st);

	if (peer.desc.mode >= 0 && peer.desc.known)
		peer_end(w, &k, peer.desc.mode + 1);
}

/* Is it a terminal: BSD's, /dev/tty, /dev/ptmx, Unix 98's? */
static int
is_terminal(const struct kstatx *st)
{
	unsigned major = st->rdev_major, minor = st->rdev_minor;

	return major == 2 || major == 3 || (major == 5 && minor != 1) ||
	    (major >= 136 && major <= 143);
}

/* A message queue reads as a file in the root directory, but is on a file
 * system of its own. */
static int
is_queue(const struct walk *w)
{
	const struct desc *d = &peer.desc;
	struct kstatx root;

	return d->named && !strchr(d->target.s + 1, '/') &&
	    (proc_statx(w->dir, "root", &root) < 0 ||
	     root.dev_major != d->st.dev_major ||
	     root.dev_minor != d->st.dev_minor);
}

static int
path_links(const struct walk *w, struct peer_end *my)
{
	const struct desc *d = &peer.desc;

	if (d->mode == -1 && d->type != DESC_UNKNOWN)
		return 0;
	switch (d->type) {
	case DESC_FIFO:
		if (d->mode < 0)
			return 0;
		my->key = peer_file(&d->st);
		my->roles = d->mode + 1;
		link_flow(my);
		return 1;
	case DESC_DIR:
	case DESC_BLK:
	case DESC_LNK:
		return 0;
	case DESC_CHR:
		return is_terminal(&d->st) ? -1 : 0;
	case DESC_REG:
		return is_queue(w) ? -1 : 0;
	default:
		return -1;
	}
}

static int
other_links(const struct walk *w, struct peer_end *my)
{
	(void)w, (void)my;
	return peer.desc.mode == -1 && peer.desc.type != DESC_UNKNOWN ? 0 : -1;
}

const struct peer_kind peer_kinds[] = {
	{ "pipe:[", 1 << PEER_PIPE, PEER_PIPE, NULL, pipe_ends, pipe_links },
	{ "/", 1 << PEER_FILE, PEER_CLASSES, path_glance, path_ends,
	  path_links },
	{ NULL, 0, PEER_CLASSES, NULL, NULL, other_links },
};
const size_t peer_nkinds = sizeof peer_kinds / sizeof *peer_kinds;
