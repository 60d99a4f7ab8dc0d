#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "peer.h"

/* What an epoll asked about waits for and its own process does not have under
 * that number any more. */
static struct target {
	uint64_t ino;
	int thread, epfd, tfd, nth;
} *targets;
static size_t ntargets;

/* How many rows before this one have the same number. */
static int
nth_of(const char *text, const struct tfd_row *row, const char *end)
{
	struct tfd_row r;
	int n = 0;

	while (parse_tfd(&text, &r) == 1 && text < end)
		n += r.tfd == row->tfd;
	return n;
}

/* Is descriptor fd of a thread what the row of an epoll stands for? 1, 0, or
 * -1 with errno. */
static int
is_target(int thread, int fd, const struct target *t)
{
	int r = sys_kcmp_epoll(peer.root, thread, fd, t->thread, t->epfd,
	                       t->tfd, t->nth);

	return r < 0 ? -1 : r == 0;
}

static void
target_link(const struct walk *w, const struct peer_end *my,
            const struct tfd_row *row, int nth)
{
	static struct desc d;
	struct target t = { row->ino, my->thread, my->fd, row->tfd, nth };
	struct peer_link l = { .roles = PEER_HOLDS, .dir = PEER_TO,
		.held = PEER_OPEN, .alone = PEER_HIDDEN, .uid = -1 };
	struct peer_end e = { .roles = PEER_HOLDS, .pid = w->pid,
		.tid = w->tid, .thread = my->thread, .fd = row->tfd,
		.comm = my->comm, .mode = DESC_MODE_UNKNOWN };
	char name[16];
	struct kstatx st;
	int r;

	snprintf(name, sizeof name, "%d", row->tfd);
	r = is_target(my->thread, row->tfd, &t);
	/* where kcmp is refused the same file has to do */
	if (r < 0)
		r = proc_statx(w->table.fds, name, &st) == 0 &&
		    st.ino == row->ino;
	if (r) {
		if (desc_read(&w->table, row->tfd, DESC_WANT_MODE, &d) == 0)
			e.mode = d.mode;
		peer_direct(l, e);
		return;
	}
	targets = cli_grow(targets, ntargets, sizeof t);
	targets[ntargets] = t;
	l.key = (struct peer_key){ PEER_TARGET, 0, ntargets++ };
	peer_link(l);
}

static int
epoll_links(const struct walk *w, const struct peer_end *my)
{
	const char *info = peer_info(&w->table), *text = info;
	struct tfd_row row;

	if (!info && errno != ETIMEDOUT)
		return -1;
	if (!info)	/* not that the kernel can't tell */
		peer_link((struct peer_link){ .key.class = PEER_NOTHING,
			.dir = PEER_BOTH, .alone = PEER_HIDDEN, .uid = -1 });
	while (info && parse_tfd(&text, &row) == 1)
		target_link(w, my, &row, nth_of(info, &row, text));
	return 1;
}

void
peer_target_ends(const struct walk *w)
{
	struct peer_key k = { PEER_TARGET, 0, 0 };
	struct kstatx st;
	char name[16];

	snprintf(name, sizeof name, "%d", peer.desc.fd);
	if (proc_statx(w->table.fds, name, &st) < 0)
		return;
	for (; k.id < ntargets; k.id++)
		if (targets[k.id].ino == st.ino && is_target(walk_thread(w),
		    peer.desc.fd, &targets[k.id]) == 1)
			peer_end(w, &k, PEER_HOLDS);
}

/* An epoll: does it wait for what is asked about? */
static void
epoll_ends(const struct walk *w)
{
	const char *info = peer_info(&w->table), *text = info;
	const struct peer_end *my = peer.mine;
	struct tfd_row row;

	while (info && parse_tfd(&text, &row) == 1) {
		struct peer_key k = { PEER_POLLED,
			PEER_DEVICE(row.major, row.minor), row.ino };
		struct target t = { k.id, walk_thread(w), peer.desc.fd,
			row.tfd, nth_of(info, &row, text) };

		/* where kcmp is refused the same file has to do */
		if (peer_wants(&k) && is_target(my->thread, my->fd, &t) != 0)
			peer_end(w, &k, PEER_HOLDS);
	}
}

/* The kernel's own number of what peer.desc refers to: 1, or 0 if it has none
 * or does not tell. */
static int
has_id(const struct walk *w, struct peer_key *k)
{
	const char *info = peer_info(&w->table);
	struct eventfd_row event;
	struct pidfd_row pid;
	struct bpf_row bpf;

	k->dev = 0;
	switch (info ? peer.desc.type : DESC_UNKNOWN) {
	case DESC_EVENTFD:
		k->class = PEER_EVENTFD;
		if (parse_eventfd(info, &event) < 0 || event.id < 0)
			return 0;
		k->id = (uint64_t)event.id;
		return 1;
	case DESC_PIDFD:
		k->class = PEER_PIDFD;
		if (parse_pidfd(info, &pid) < 0 || pid.pid <= 0)
			return 0;
		k->id = (uint64_t)pid.pid;
		return 1;
	case DESC_BPF:
		k->class = PEER_BPF;
		if (parse_bpf(info, &bpf) < 0)
			return 0;
		k->dev = (uint64_t)*bpf.kind;	/* no two begin alike */
		k->id = bpf.id;
		return 1;
	default:
		return 0;
	}
}

/* Has the process ended, or the thread, which nobody waited for yet? A leader
 * that ended is no ended process as long as it has other threads. */
static int
has_ended(const struct task_status *st, int thread)
{
	return strchr("ZX", st->state) && (thread || st->threads <= 1);
}

/* The process of a pidfd, or its thread (PIDFD_THREAD, since Linux 6.9, which
 * is O_EXCL). */
static void
pidfd_link(const struct walk *w, int pid, int thread)
{
	static struct buf text;
	struct peer_link l = { .roles = ~0, .dir = PEER_TO, .held = PEER_OPEN,
		.uid = -1 };
	struct peer_end e = { .fd = PEER_NO_FD, .mode = -1,
		.roles = PEER_HOLDS, .pid = pid, .thread = pid };
	struct task_status st;
	char name[32];

	snprintf(name, sizeof name, "%d/status", pid);
	if (proc_read(w->root, name, &text) == 0 &&
	    parse_status(text.s, &st) == 0) {
		e.pid = st.tgid;
		thread |= st.tgid != pid;
		if (has_ended(&st, thread))
			l.held = PEER_CLOSED;
	}
	e.tid = thread ? pid : 0;
	snprintf(name, sizeof name, "%d/comm", pid);
	text.n = 0;
	if (proc_read(w->root, name, &text) == 0 && text.n)
		text.s[text.n - 1] = '\0';
	e.comm = peer_copy(text.s, text.n ? strlen(text.s) : 0);
	peer_direct(l, e);
}

static int
pidfd_links(const struct walk *w)
{
	const char *info = peer_info(&w->table);
	struct peer_link l = { .key.class = PEER_NOTHING, .dir = PEER_TO,
		.alone = PEER_CLOSED, .uid = -1 };
	struct fdinfo f;
	struct pidfd_row row;

	if (!info || parse_pidfd(info, &row) < 0)
		return -1;
	if (row.pid > 0) {
		pidfd_link(w, row.pid, parse_fdinfo(info, &f) == 0 &&
		           f.flags & O_EXCL);
		return 1;
	}
	/* 0: it is in a pid namespace that we don't see into */
	if (row.pid == 0)
		l.alone = PEER_HIDDEN;
	peer_link(l);
	return 1;
}

void
peer_open_file_ends(const struct walk *w)
{
	const struct peer_end *my = peer.mine;
	struct peer_key k = { PEER_OPEN_FILE, 0, 0 };

	if (peer_wants(&k) && sys_kcmp(w->root, my->thread, walk_thread(w),
	    SYS_KCMP_FILE, my->fd, peer.desc.fd) == 0)
		peer_end(w, &k, PEER_HOLDS);
}

/* The class of what has a number of its own. */
static enum peer_class
id_class(const char *name)
{
	return strcmp(name, "[eventfd]") == 0 ? PEER_EVENTFD :
	    strcmp(name, "[pidfd]") == 0 ? PEER_PIDFD :
	    strncmp(name, "bpf", 3) == 0 || strcmp(name, "btf") == 0 ?
	    PEER_BPF : PEER_NOTHING;
}

int
peer_anon_glance(const struct desc_table *t, int fd, const char *text)
{
	(void)t, (void)fd;
	text += strcspn(text, ":") + 1;
	if (peer_wants_class(PEER_OPEN_FILE) ||
	    peer_wants_class(id_class(text)))
		return 1;
	if (strcmp(text, "[eventpoll]") == 0)
		return peer_wants_class(PEER_POLLED);
	if (strcmp(text, "[io_uring]") == 0)
		return 1;
	return (strcmp(text, "inotify") == 0 || strcmp(text, "[fanotify]") == 0)
	    && peer_wants_class(PEER_WATCHED);
}

void
peer_anon_ends(const struct walk *w)
{
	struct peer_key k;

	switch (peer.desc.type) {
	case DESC_EPOLL:
		if (peer_wants_class(PEER_POLLED))
			epoll_ends(w);
		break;
	case DESC_INOTIFY:
	case DESC_FANOTIFY:
		if (peer_wants_class(PEER_WATCHED))
			peer_watch_ends(w);
		break;
	case DESC_URING:
		peer_ring_ends(w);
		break;
	default:
		if (has_id(w, &k))
			peer_end(w, &k, PEER_HOLDS);
	}
	peer_open_file_ends(w);
}

int
peer_anon_links(const struct walk *w, struct peer_end *my)
{
	int r = 0;

	my->roles = PEER_HOLDS;
	switch (peer.desc.type) {
	case DESC_EPOLL:
		r = epoll_links(w, my);
		break;
	case DESC_INOTIFY:
	case DESC_FANOTIFY:
		r = peer_watch_links(w);
		break;
	case DESC_URING:
		r = peer_ring_links(w);
		break;
	case DESC_PIDFD:
		r = pidfd_links(w);
		break;
	default:
		/* whose memory it is about is nowhere told */
		if (strcmp(peer.desc.target.s, "anon_inode:[userfaultfd]") == 0)
			r = -1;
	}
	if (peer.asked < 0)
		return r;
	if (!has_id(w, &my->key)) {
		if (!sys_ours(w->root))
			return -1;
		my->key = (struct peer_key){ PEER_OPEN_FILE, 0, 0 };
	}
	peer_equal(&my->key, PEER_HOLDS);
	return r < 0 ? -1 : 1;
}
