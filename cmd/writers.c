#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "parse_maps.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "writers.h"

static struct walk w;
static struct desc desc;

static int
is_gone(void)
{
	return errno == ENOENT || errno == ESRCH;
}

/* Has the process any file mapped so that it can be written? Few have, and to
 * ask for each mapping which file it is takes longer. -1: can't tell. */
static int
maps_some(void)
{
	static struct buf b;
	struct map_row m;
	const char *text;

	/* a dead leader has none; walk_map knows where they are then */
	if (proc_read(w.dir, "maps", &b) < 0)
		return is_gone() ? 0 : -1;
	if (b.n == 0)
		return 1;
	for (text = b.s; parse_map(&text, &m) == 1; )
		if (m.ino && m.perms[1] == 'w' && m.perms[3] == 's')
			return 1;
	return 0;
}

/* Has it mapped the file so? -1: can't tell. */
static int
maps_it(const struct kstatx *file)
{
	int r = maps_some(), unsure = 0;

	if (r <= 0)
		return r;
	while ((r = walk_map(&w, &desc)) == 1) {
		if (!desc.stores || desc.st.ino != file->ino)
			continue;
		if (desc_same(&desc.st, file))
			return 1;
		/* the device of maps is another one on btrfs */
		unsure |= !desc.known;
	}
	return unsure || (r < 0 && !is_gone()) ? -1 : 0;
}

/* Has the current table a descriptor that writes to the file? -1: can't
 * tell. */
static int
opens_it(const struct kstatx *file)
{
	struct kstatx st;
	char name[16];
	int fd, unsure = 0;

	while (walk_fd(&w, &fd) == 1) {
		snprintf(name, sizeof name, "%d", fd);
		if (proc_statx(w.table.fds, name, &st) < 0) {
			/* by procfs, as for all of them, or by a FUSE server */
			if (errno == EACCES &&
			    proc_lstatx(w.table.fds, name, &st) < 0 &&
			    errno == EACCES)
				return -1;
			unsure |= errno == ETIMEDOUT;
			continue;
		}
		if (!desc_same(&st, file))
			continue;
		if (desc_read(&w.table, fd, DESC_WANT_STAT, &desc) < 0)
			unsure |= errno == ETIMEDOUT;
		else if (desc_same(&desc.st, file) && desc.mode > O_RDONLY)
			return 1;
	}
	return unsure ? -1 : 0;
}

static void
add(struct writers *all)
{
	struct writer *p;

	all->list = cli_grow(all->list, all->n, sizeof *p);
	p = &all->list[all->n++];
	*p = (struct writer){ .pid = w.pid, .tid = w.tid };
	p->ncomm = w.comm.n < sizeof p->comm ? w.comm.n : sizeof p->comm;
	memcpy(p->comm, p->ncomm ? w.comm.s : "", p->ncomm);
}

/* Take note of the current process if it can write to the file. */
static void
look(const struct kstatx *file, struct writers *all)
{
	int unsure = 0, mapped, r;

	while ((r = walk_table(&w)) == 1) {
		mapped = w.tid ? 0 : maps_it(file);
		r = mapped > 0 ? 1 : opens_it(file);
		all->mapped |= mapped > 0;
		unsure |= mapped < 0 || r < 0;
		if (r > 0)
			add(all);
	}
	all->unseen |= unsure || (r < 0 && !is_gone());
}

/* "1257 (qemu), 1300 (sh)", to be freed. */
static char *
text(const struct writers *all)
{
	struct buf b = { 0 };
	char pid[16];
	size_t i;

	for (i = 0; i < all->n && i < 10; i++) {
		const struct writer *p = &all->list[i];

		snprintf(pid, sizeof pid, "%d (", p->tid ? p->tid : p->pid);
		buf_put(&b, ", ", i ? 2 : 0);
		buf_put(&b, pid, strlen(pid));
		buf_put(&b, p->comm, p->ncomm);
		buf_put(&b, ")", 1);
	}
	if (i < all->n)
		buf_put(&b, " and others", 11);
	return b.s;
}

void
writers_find(int root, const struct kstatx *file, struct writers *all)
{
	int r;

	free(all->text);
	all->text = NULL;
	all->n = 0;
	all->mapped = 0;
	/* each process, from the first one also after a stall */
	memset(&w, 0, sizeof w);
	all->unseen = walk_open(&w, root, NULL, 0, 1) < 0 || walk_hides(root);
	while ((r = walk_process(&w)) != 0)
		if (r < 0)
			all->unseen = 1;
		else if (!walk_self(&w))
			look(file, all);
	all->text = text(all);
}
