#include <sys/stat.h>
#include <errno.h>
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

/* The device that all namespaces are on, or 0. */
static uint64_t
nsfs(void)
{
	static int known;
	static uint64_t dev;
	struct kstatx st;

	if (!known && !proc_is_copy() &&
	    proc_statx(peer.root, "self/ns/net", &st) == 0)
		dev = PEER_DEVICE(st.dev_major, st.dev_minor);
	known = 1;
	return dev;
}

/* A namespace that is opened by a name has it from where it is mounted. */
struct peer_key
peer_file(const struct kstatx *st)
{
	uint64_t dev = PEER_DEVICE(st->dev_major, st->dev_minor);

	if (dev == nsfs())
		return (struct peer_key){ PEER_NAMESPACE, 0, st->ino };
	return (struct peer_key){ PEER_FILE, dev, st->ino };
}

uint64_t
peer_number(const char *text)
{
	const char *s = strchr(text, '[');

	return s ? strtoull(s + 1, NULL, 10) : 0;
}

const char *
peer_info(const struct desc_table *t)
{
	static struct buf text;
	char name[32];

	if (peer.desc.informed)
		return peer.desc.text.s;
	snprintf(name, sizeof name, "fdinfo/%d", peer.desc.fd);
	return proc_read(t->dir, name, &text) < 0 ? NULL : text.s;
}

int
peer_leads_to(int dirfd, const char *name, const struct peer_key *k)
{
	static struct buf text;
	struct kstatx st;
	struct peer_key file;

	switch (k->class) {
	case PEER_PIPE:
	case PEER_SOCKET:
		return proc_readlink(dirfd, name, &text) == 0 &&
		    strncmp(text.s, k->class == PEER_PIPE ? "pipe:[" :
		            "socket:[", 6) == 0 &&
		    peer_number(text.s) == k->id;
	case PEER_FILE:
		if (proc_statx(dirfd, name, &st) < 0)
			return 0;
		file = peer_file(&st);
		return file.dev == k->dev && file.id == k->id;
	case PEER_TERMINAL:
		return proc_statx(dirfd, name, &st) == 0 &&
		    S_ISCHR(st.mode);
	default:
		return proc_readlink(dirfd, name, &text) == 0;
	}
}

void
peer_equal(const struct peer_key *k, int roles)
{
	if (peer.asked >= 0)
		peer_link((struct peer_link){ .key = *k, .roles = roles,
			.dir = PEER_EQUAL, .alone = PEER_SILENT, .uid = -1 });
}

void
peer_kernel(int dir)
{
	peer_link((struct peer_link){ .key.class = PEER_NOTHING, .dir = dir,
		.alone = PEER_KERNEL, .uid = -1 });
}

int
peer_numbered(const char *text, struct peer_key *k)
{
	const struct peer_kind *kind = peer_kind(text);

	*k = (struct peer_key){ kind->class, 0, peer_number(text) };
	return kind->class != PEER_NOTHING;
}

/* One of O_PATH is no end. */
static void
pipe_ends(const struct walk *w)
{
	struct peer_key k;

	if (peer.desc.mode >= 0 && peer_numbered(peer.desc.target.s, &k))
		peer_end(w, &k, peer.desc.mode + 1);
}

static int
pipe_links(const struct walk *w, struct peer_end *my)
{
	(void)w;
	if (peer.desc.mode < 0)
		return peer.desc.mode == -1 ? 0 : -1;
	peer_numbered(peer.desc.target.s, &my->key);
	my->roles = peer.desc.mode + 1;
	peer_link((struct peer_link){ .key = my->key, .dir = PEER_FLOW,
		.roles = PEER_READS | PEER_WRITES, .held = PEER_OPEN,
		.alone = PEER_PROVE, .uid = -1 });
	return 1;
}

static void
namespace_ends(const struct walk *w)
{
	struct peer_key k;

	if (peer_numbered(peer.desc.target.s, &k))
		peer_end(w, &k, PEER_HOLDS);
}

/* The processes in it are found by peer.c: they need no descriptor of it. */
int
peer_namespace_links(const struct walk *w, struct peer_end *my)
{
	(void)w;
	if (my->key.class != PEER_NAMESPACE)
		peer_numbered(peer.desc.target.s, &my->key);
	my->roles = PEER_HOLDS;
	peer_link((struct peer_link){ .key = my->key, .roles = PEER_MEMBER,
		.dir = PEER_TO, .held = PEER_OPEN, .alone = PEER_HIDDEN,
		.uid = -1 });
	peer_equal(&my->key, PEER_HOLDS | PEER_REGISTERED);
	return 1;
}

static int
other_links(const struct walk *w, struct peer_end *my)
{
	(void)w, (void)my;
	return peer.desc.mode == -1 && peer.desc.type != DESC_UNKNOWN ? 0 : -1;
}

#define NUMBERED(name, class, ends, links) \
	{ name ":[", PEER_IN(class), class, NULL, ends, links }
#define NAMESPACE(name) \
	NUMBERED(name, PEER_NAMESPACE, namespace_ends, \
	         peer_namespace_links)

static const struct peer_kind kinds[] = {
	{ "/", PEER_IN(PEER_NAMESPACE) | PEER_IN(PEER_FILE) |
	  PEER_IN(PEER_TERMINAL) | PEER_IN(PEER_OPEN_FILE) |
	  PEER_IN(PEER_SEEN), PEER_NOTHING,
	  peer_path_glance, peer_path_ends, peer_path_links },
	NUMBERED("pipe", PEER_PIPE, pipe_ends, pipe_links),
	NUMBERED("socket", PEER_SOCKET, peer_sock_ends, peer_sock_links),
	{ "anon_inode:", PEER_IN(PEER_PIPE) | PEER_IN(PEER_SOCKET) |
	  PEER_IN(PEER_NAMESPACE) | PEER_IN(PEER_FILE) |
	  PEER_IN(PEER_WATCHED) | PEER_IN(PEER_POLLED) |
	  PEER_IN(PEER_EVENTFD) | PEER_IN(PEER_PIDFD) | PEER_IN(PEER_BPF) |
	  PEER_IN(PEER_OPEN_FILE), PEER_NOTHING, peer_anon_glance,
	  peer_anon_ends, peer_anon_links },
	{ "pidfd:", PEER_IN(PEER_PIDFD), PEER_NOTHING, peer_anon_glance,
	  peer_anon_ends, peer_anon_links },
	NAMESPACE("cgroup"), NAMESPACE("ipc"), NAMESPACE("mnt"),
	NAMESPACE("net"), NAMESPACE("pid"), NAMESPACE("time"),
	NAMESPACE("user"), NAMESPACE("uts"),
	{ NULL, 0, PEER_NOTHING, NULL, NULL, other_links },
};

const struct peer_kind *
peer_kind(const char *text)
{
	const struct peer_kind *k = kinds;

	while (k->prefix && strncmp(text, k->prefix, strlen(k->prefix)) != 0)
		k++;
	return k;
}
