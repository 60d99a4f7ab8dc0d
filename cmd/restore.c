#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "file.h"
#include "copy.h"
#include "num.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "restore.h"
#include "sys.h"
#include "target.h"
#include "walk.h"

/* What a child that got stuck leaves to the next. */
static struct {
	int changed, blind, deleted;
	unsigned long long bytes;
	struct kstatx st;		/* of the source */
} *kept;

static const struct restore *op;
static struct walk w;
static struct walk_pick pick;
static struct desc desc;
static struct copy copy = { .from.fd = -1, .to.fd = -1 };
static struct file pin = { .fd = -1 };
static char object[64];		/* the source as it is called in messages */
static int to_stdout;

/* Say why nothing is restored; -1. */
#define refuse(...) (cli_warn(__VA_ARGS__), refused())

static int
refused(void)
{
	cli_fail(1);
	return -1;
}

/* Find the process and open its table; 0 or -1. */
static int
find_process(int root)
{
	int r;

	if (walk_resolve(root, op->pid, &pick) < 0) {
		cli_error(op->process, errno);
		return -1;
	}
	walk_open(&w, root, &pick, 1, 1);
	if (walk_process(&w) < 0 || (r = walk_table(&w)) < 0) {
		cli_error(op->process, errno);
		return -1;
	}
	if (r == 0)
		return refuse("%s: no open descriptors", op->process);
	pin.at = (struct guard_at){ w.pid, w.tid, op->fd, GUARD_OBJECT };
	copy.from.at = pin.at;
	return 0;
}

/* Say that the process has no such descriptor; -1. */
static int
no_descriptor(int root)
{
	struct walk_pick other;
	int pid;

	if (op->fd == DESC_EXE)
		return refuse("%s: no executable", op->process);
	if (op->fd == DESC_MEM)
		return refuse("%s: no mapped file at %s", op->process,
		              op->descriptor);
	if (num_pid(op->descriptor, &pid) == 0 &&
	    walk_resolve(root, pid, &other) == 0)
		return refuse("%s: no descriptor %s (one process at a time)",
		              op->process, op->descriptor);
	return refuse("%s: no descriptor %s", op->process, op->descriptor);
}

/* Read what the operands name into desc; its directory and name for open, or
 * -1 with errno. */
static int
look(char name[64])
{
	int r;

	if (op->fd != DESC_MEM) {
		snprintf(name, 64, "%d", op->fd);
		if (op->fd < 0)
			snprintf(name, 64, "exe");
		r = desc_read(&w.table, op->fd, DESC_WANT_STAT, &desc);
		return r < 0 ? -1 : op->fd < 0 ? w.table.dir : w.table.fds;
	}
	while ((r = walk_map(&w, &desc)) == 1)
		if (strcmp(desc.range, op->descriptor) == 0) {
			snprintf(name, 64, "map_files/%s", desc.range);
			return w.mapdir;
		}
	if (r == 0)
		errno = ENOENT;
	return -1;
}

/* Pin the file, whatever its holder does from here on; 0 or -1. */
static int
pin_file(int root)
{
	char name[64];
	int from, tries, mode;

	for (tries = 0; tries < 100; tries++) {
		if ((from = look(name)) < 0)
			break;
		if ((pin.fd = proc_pin(from, name)) < 0)
			break;
		if (file_statx(&pin, "", &kept->st) < 0) {
			cli_error(object, errno);
			return -1;
		}
		mode = kept->st.mode & S_IFMT;
		if (mode != S_IFREG || (desc.named && *desc.target.s != '/'))
			return refuse("%s: not a regular file", object);
		/* closed and opened again between the two? */
		if (!desc.known || desc_same(&desc.st, &kept->st))
			return 0;
		close(pin.fd);
		errno = EAGAIN;
	}
	if (errno == ENOENT)
		return no_descriptor(root);
	cli_error(errno == ESRCH ? op->process : object, errno);
	return -1;
}

/* The original path without the mark, or NULL where none is known: memory, an
 * O_TMPFILE that never had a name, a path of over 4,095 bytes. */
static const char *
original(void)
{
	char unnamed[32];
	const char *slash;

	if (!desc.named || desc.type == DESC_MEMFD || desc.type == DESC_ANON)
		return NULL;
	desc.target.s[desc.namelen] = '\0';
	slash = strrchr(desc.target.s, '/');
	snprintf(unnamed, sizeof unnamed, "#%llu",
	         (unsigned long long)kept->st.ino);
	if (kept->st.nlink == 0 && slash && strcmp(slash + 1, unnamed) == 0)
		return NULL;
	return slash ? desc.target.s : NULL;
}

/* Make the original path the target; 0 or -1. */
static int
in_place(void)
{
	const char *path = original();

	if (!path)
		return refuse("%s: its path is not known: give a DEST", object);
	if (desc.deleted < 0)
		return refuse("%s: can't tell whether %s is deleted: give a "
		              "DEST", object, path);
	if (!desc.deleted)
		return refuse("%s: %s is not deleted: give a DEST for a copy",
		              object, path);
	return target_in_place(path, &kept->st, op->pid);
}

/* Open the pinned file anew; -1 with errno. */
static int
reopen(void)
{
	static const struct timespec pause = { 0, 10 * 1000 * 1000 };
	int flags = O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC, fd, tries;

	for (tries = 0; tries < 100; ) {
		if ((fd = file_reopen(&pin, flags)) >= 0)
			return fd;
		if (errno == EPERM && flags & O_NOATIME) {
			flags &= ~O_NOATIME;	/* not ours */
		} else if (errno == EAGAIN) {
			nanosleep(&pause, NULL);	/* a lease breaks */
			tries++;
		} else {
			return -1;
		}
	}
	return -1;
}

/* The holder's own descriptor, for a file whose mode does not let us in; -1
 * with errno. */
static int
borrow(int root)
{
	struct file own = pin;
	struct kstatx st;
	int pidfd;

	if (op->fd < 0 || w.tid || desc.mode < 0 || desc.mode == O_WRONLY ||
	    (pidfd = sys_pidfd_open(root, w.pid)) < 0) {
		errno = EACCES;
		return -1;
	}
	own.fd = sys_pidfd_getfd(pidfd, op->fd);
	close(pidfd);
	if (own.fd < 0 || (file_statx(&own, "", &st) == 0 &&
	    desc_same(&st, &kept->st)))
		return own.fd;
	close(own.fd);
	errno = EACCES;
	return -1;
}

static int
open_source(int root)
{
	if ((copy.from.fd = reopen()) < 0 && errno == EACCES) {
		copy.from.fd = borrow(root);
		copy.borrowed = copy.from.fd >= 0;
	}
	if (copy.from.fd < 0)
		cli_error(object, errno);
	return copy.from.fd < 0 ? -1 : 0;
}

/* Say what was done, in one line, and whether it is the file of one moment. */
static void
report(const char *writers)
{
	char used[16], disk[32] = "";

	if (!to_stdout) {
		out_scale(used, target_used());
		snprintf(disk, sizeof disk, " (%s on disk)", used);
	}
	cli_warn("%s: copied, %llu bytes%s%s%s%s", target_name(), kept->bytes,
	         disk, writers ? "; open for writing in " : "",
	         writers ? writers : "", writers ?
	         ": what is written there is not in it" : "");
	if (kept->changed) {
		cli_warn("%s: the file changed while it was copied",
		         target_name());
		cli_fail(3);
	}
}

/* Copy the pinned file to the target; 0 or -1. */
static int
copy_file(void)
{
	int same = 0, r = -1;

	if (to_stdout || (r = target_make(&copy.to)) == 0)
		same = r = copy_data(&copy);
	kept->changed = same == 0;
	kept->bytes = copy.bytes;
	kept->blind = copy.blind;
	if (r >= 0 && !to_stdout)
		r = copy_metadata(&copy, target_takes_set_id(&copy.from),
		                  target_name());
	if (r >= 0)
		r = target_publish(&copy.to);
	if (r < 0) {
		r = errno;
		target_remove();
		if (copy.reading)
			cli_error(object, r);
		else if (r != ETIMEDOUT)
			refuse("%s: %s", target_name(), strerror(r));
		return -1;
	}
	return 0;
}

/* Add the process to the list of writers. */
static void
add_writer(struct buf *list, unsigned *n)
{
	char pid[16];

	if (++*n > 10)
		return;
	buf_put(list, ", ", *n > 1 ? 2 : 0);
	snprintf(pid, sizeof pid, "%d (", w.tid ? w.tid : w.pid);
	if (buf_put(list, pid, strlen(pid)) == 0 &&
	    buf_put(list, w.comm.s, w.comm.n) == 0)
		buf_put(list, ")", 1);
}

/* Can the current table's process write to the file? Bit 0: through a
 * descriptor, bit 1: through a mapping. */
static int
is_writer(void)
{
	struct kstatx st;
	char name[16];
	int fd, found = 0;

	while (w.tid == 0 && !found && walk_map(&w, &desc) == 1)
		if (desc.stores && desc_same(&desc.st, &kept->st))
			found = 2;
	while (walk_fd(&w, &fd) == 1) {
		snprintf(name, sizeof name, "%d", fd);
		if (found & 1 || proc_statx(w.table.fds, name, &st) < 0 ||
		    !desc_same(&st, &kept->st))
			continue;
		if (desc_read(&w.table, fd, DESC_WANT_STAT, &desc) == 0 &&
		    desc_same(&desc.st, &kept->st) && desc.mode > O_RDONLY)
			found |= 1;
	}
	return found;
}

/* Report with those who still write to the deleted file, and say whether stores
 * through a mapping may have been missed. */
static void
report_writers(int root)
{
	struct buf list = { 0 };
	unsigned n = 0;
	int r, found, mapped = 0;

	/* each process, from the first one also after a stall */
	memset(&w, 0, sizeof w);
	if ((!kept->deleted && !kept->blind) ||
	    walk_open(&w, root, NULL, 0, 1) < 0) {
		report(NULL);
		return;
	}
	while (walk_process(&w) == 1)
		while (!walk_self(&w) && (r = walk_table(&w)) == 1) {
			if ((found = is_writer()))
				add_writer(&list, &n);
			mapped |= found & 2;
		}
	if (n > 10)
		buf_put(&list, " and others", 11);
	report(n && kept->deleted ? list.s : NULL);
	if (mapped && kept->blind) {
		cli_warn("%s: the file may have changed while it was copied: "
		         "on tmpfs stores through a mapping can't be seen",
		         target_name());
		cli_fail(3);
	}
	buf_free(&list);
}

/* After a step that was not answered: take away what the child left. */
static int
give_up(void)
{
	target_clean();
	cli_warn("%s: not restored", object);
	return 3;
}

static int
scan(void)
{
	int root = cli_root();

	if (cli.again && !target_published())
		return give_up();
	if (!target_published()) {
		if (find_process(root) < 0 || pin_file(root) < 0)
			return 0;
		kept->deleted = desc.deleted > 0;
		if (!to_stdout && ((op->dest ?
		    target_path(op->dest, original()) : in_place()) < 0 ||
		    target_check(kept->st.blocks * 512) < 0))
			return 0;
		if (open_source(root) < 0 || copy_file() < 0)
			return 0;
	}
	report_writers(root);
	target_end();
	return 0;
}

int
restore(const struct restore *r)
{
	op = r;
	snprintf(object, sizeof object, "%s %s", r->process, r->descriptor);
	to_stdout = r->dest && strcmp(r->dest, "-") == 0;
	if (!(kept = guard_share(sizeof *kept)) ||
	    target_init(to_stdout ? "stdout" : "", r->at) < 0) {
		cli_warn("%s", strerror(errno));
		return 1;
	}
	if (to_stdout && isatty(STDOUT_FILENO)) {
		cli_warn("stdout is a terminal: not written to it");
		return 1;
	}
	copy.stop = target_stop();
	signal(SIGIO, SIG_IGN);		/* who breaks our lease sends it */
	signal(SIGXFSZ, SIG_IGN);	/* an error like others */
	if (!to_stdout)
		signal(SIGPIPE, SIG_IGN);
	return cli_run(scan, 1);
}
