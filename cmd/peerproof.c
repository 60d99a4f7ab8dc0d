#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "desc.h"
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

int
peer_queued(void)
{
	static int known = -1;
	static struct buf text;
	static struct walk w;
	char name[32];
	unsigned long long n;
	int r, fd;

	if (known >= 0 || walk_open(&w, peer.root, NULL, 0, 1) < 0)
		return known > 0;
	known = 0;
	while (walk_process(&w) == 1)
		while ((r = walk_table(&w)) == 1)
			while (walk_fd(&w, &fd) == 1) {
				snprintf(name, sizeof name, "%d", fd);
				if (proc_readlink(w.table.fds, name, &text) < 0
				    || strncmp(text.s, "socket:[", 8) != 0)
					continue;
				snprintf(name, sizeof name, "fdinfo/%d", fd);
				if (proc_read(w.table.dir, name, &text) == 0 &&
				    parse_fdinfo_num(text.s, "scm_fds", &n)
				    == 0 && n)
					known = 1;
			}
	return known;
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
