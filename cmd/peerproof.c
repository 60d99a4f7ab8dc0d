#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#include "parse_task.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "peer.h"

int
peer_duplicate(const struct peer_end *e)
{
	char name[32];
	int fd = sys_getfd(peer.root, e->thread, e->fd);

	snprintf(name, sizeof name, "self/fd/%d", fd);
	if (fd >= 0 && !peer_leads_to(peer.root, name, &e->key)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Ask a duplicate of the end whether it is alone: 1, 0, or -1 for one of
 * another mode. */
static int
poll_end(int fd, const struct peer_end *e)
{
	struct pollfd p = { .fd = fd };

	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != e->mode)
		return -1;
	poll(&p, 1, 0);
	return (p.revents & (e->roles == PEER_WRITES ? POLLERR : POLLHUP)) != 0;
}

/* Processes that have a socket with descriptors in its queue, and whether
 * others than our own could not be looked at for one, or for the end itself. */
static int *queues;
static size_t nqueues;
static int unseen;

/* Has the current process a socket with descriptors in its queue? Or -1 if that
 * can't be told. */
static int
has_queue(struct walk *w)
{
	static struct buf text;
	char name[32];
	unsigned long long n;
	int r, fd;

	while ((r = walk_table(w)) == 1)
		while (walk_fd(w, &fd) == 1) {
			snprintf(name, sizeof name, "%d", fd);
			if (proc_readlink(w->table.fds, name, &text) < 0) {
				if (errno == EACCES)
					return -1;
				continue;
			}
			if (strncmp(text.s, "socket:[", 8) != 0)
				continue;
			snprintf(name, sizeof name, "fdinfo/%d", fd);
			if (proc_read(w->table.dir, name, &text) == 0 &&
			    parse_fdinfo_num(text.s, "scm_fds", &n) == 0 && n)
				return 1;
		}
	return r;
}

/* The capabilities that the process may use, none if it is gone. */
static unsigned long long
capabilities(int dir, const char *status)
{
	static struct buf text;
	const char *s = proc_read(dir, status, &text) == 0 ?
	    parse_field(text.s, "CapPrm") : NULL;

	return s ? strtoull(s, NULL, 16) : 0;
}

/* Is it another user's, or of more rights than ours? */
static int
is_foreign(const struct walk *w)
{
	struct kstatx st;

	return proc_statx(w->dir, ".", &st) == 0 && (st.uid != geteuid() ||
	    capabilities(w->dir, "status") &
	    ~capabilities(peer.root, "self/status"));
}

static void
find_queues(void)
{
	static struct walk w;
	int r, seen;

	if (walk_open(&w, peer.root, NULL, 0, 1) < 0)
		return;
	while ((seen = walk_process(&w)) != 0) {
		r = seen < 0 ? -1 : has_queue(&w);
		if (r < 0)
			unseen |= seen < 0 || is_foreign(&w);
		if (r <= 0)
			continue;
		queues = cli_grow(queues, nqueues, sizeof *queues);
		queues[nqueues++] = w.pid;
	}
}

int
peer_queued(int pid)
{
	static int known;
	size_t i;

	if (!known)
		find_queues();
	known = 1;
	for (i = 0; i < nqueues; i++)
		if (queues[i] == pid || !unseen)
			return 1;
	return 0;
}

/* The process is pinned by its directory: if that still works afterwards, its
 * numbers were its own. */
int
peer_prove(const struct peer_end *e)
{
	char name[48];
	int fd, r = 0;

	if (!sys_ours(peer.root))
		return 0;
	guard_process(e->pid);
	guard_thread(e->tid);
	guard_fd(e->fd);
	if ((fd = peer_duplicate(e)) >= 0) {
		r = poll_end(fd, e);
		close(fd);
	}
	snprintf(name, sizeof name, "task/%d/fd/%d", e->thread, e->fd);
	return peer_leads_to(peer.pinned, name, &e->key) ? r : -1;
}
