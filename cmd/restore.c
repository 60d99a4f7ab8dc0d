#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
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
#include "deleted.h"
#include "bypath.h"
#include "pause.h"
#include "proc.h"
#include "restore.h"
#include "sys.h"
#include "target.h"
#include "walk.h"
#include "writers.h"

/* What a child that got stuck leaves to the next. */
static struct {
	int begun;			/* what gets stuck now ends it */
	const char *method;
	int changed, blind, deleted, at_rest, paused, unasked;
	int shared;			/* memory: who maps it is not told */
	unsigned long long bytes;
	struct kstatx st;		/* of the source */
} *kept;

static const struct restore *op;
static struct walk w;
static struct walk_pick pick;
static struct desc desc;
static struct copy copy = { .from.fd = -1, .to.fd = -1 };
static struct file pin = { .fd = -1 };
static struct writers writers;
static char object[PATH_MAX];	/* the source as it is called in messages */
static int to_stdout;
static int doubtful;		/* a rehearsal: a link may be refused */

/* Say why nothing is restored; -1. */
#define refuse(...) (cli_warn(__VA_ARGS__), cli_fail(1), -1)

/* Find what the operand PATH names, and make it PID and FD; 0 or -1. */
static int
search(int root)
{
	static struct restore by_number;
	static char process[16], range[sizeof desc.range];
	const struct deleted *f = bypath_find(root, op->path, op->at);

	if (!f)
		return -1;
	by_number = *op;
	by_number.pid = f->tid ? f->tid : f->pid;
	by_number.fd = f->fd;
	snprintf(process, sizeof process, "%d", by_number.pid);
	if (f->fd == DESC_MEM)
		snprintf(range, sizeof range, "%s", deleted_range(f));
	else
		snprintf(range, sizeof range, "%d", f->fd);
	by_number.process = process;
	by_number.descriptor = range;
	op = &by_number;
	kept->st.ino = f->ino;
	kept->st.dev_major = f->dev_major;
	kept->st.dev_minor = f->dev_minor;
	return 0;
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
	pin.at = (struct guard_at){ .pid = w.pid, .tid = w.tid, .fd = op->fd,
		.kind = GUARD_OBJECT };
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
	if (!op->path && num_pid(op->descriptor, &pid) == 0 &&
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
	struct kstatx found = kept->st;		/* by its path */

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
		if (found.ino && !desc_same(&found, &kept->st))
			return refuse("%s: %s has closed it", object,
			              op->process);
		/* closed and opened again between the two? */
		if (!desc.known || desc_same(&desc.st, &kept->st))
			return 0;
		close(pin.fd);
		errno = EAGAIN;
	}
	if (errno == ENOENT)
		return no_descriptor(root);
	if (errno == EPERM && op->fd == DESC_MEM) {
		/* what may be listed may not be followed; CAP_SYS_ADMIN alone
		 * before Linux 5.9 */
		cli_warn("%s: %s (needs root or CAP_CHECKPOINT_RESTORE)",
		         object, strerror(EPERM));
		cli_fail(3);
		return -1;
	}
	cli_error(errno == ESRCH ? op->process : object, errno);
	return -1;
}

/* Was it opened with O_TMPFILE, and had no name since? */
static int
is_nameless(void)
{
	char unnamed[32];
	const char *slash = strrchr(desc.target.s, '/');

	snprintf(unnamed, sizeof unnamed, "#%llu",
	         (unsigned long long)kept->st.ino);
	return (!kept->st.nlink && desc.informed &&
	    desc.info.flags & O_TMPFILE & ~O_DIRECTORY) ||
	    (slash && strncmp(slash + 1, unnamed, strlen(unnamed)) == 0 &&
	     slash + 1 + strlen(unnamed) == desc.target.s + desc.namelen);
}

/* The original path without the mark, or NULL where none is known: memory, an
 * O_TMPFILE that never had a name, a path of over 4,095 bytes. */
static const char *
original(void)
{
	size_t n = desc.namelen;

	if (!desc.named || desc.type == DESC_MEMFD ||
	    desc.type == DESC_ANON || is_nameless())
		return NULL;
	/* it may be part of the name, but hardly is */
	if (desc.deleted < 0 && desc_marked(desc.target.s, n))
		n -= sizeof " (deleted)" - 1;
	desc.target.s[n] = '\0';
	return desc.target.s;
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
	int flags = O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC, fd;
	unsigned tries;

	for (tries = 0; !cli.timeout || 10U * tries < cli.timeout; ) {
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

	if (op->fd < 0 || desc.mode < 0 || desc.mode == O_WRONLY ||
	    !sys_ours(root)) {
		errno = EACCES;
		return -1;
	}
	own.fd = sys_getfd(root, walk_thread(&w), op->fd);
	if (own.fd < 0 || (file_statx(&own, "", &st) == 0 &&
	    desc_same(&st, &kept->st)))
		return own.fd;
	close(own.fd);
	errno = EACCES;
	return -1;
}

/* Open the source; 0, or -1 with errno. */
static int
open_source(int root)
{
	if ((copy.from.fd = reopen()) < 0 && errno == EACCES) {
		copy.from.fd = borrow(root);
		copy.borrowed = copy.from.fd >= 0;
	}
	return copy.from.fd < 0 ? -1 : 0;
}

/* May the file itself get its name back? A count of links that is 0 stays 0,
 * unless it was never more. A file that is not deleted is to be copied. */
static int
may_link(void)
{
	return !op->copy && !to_stdout && kept->deleted &&
	    (kept->st.nlink || is_nameless()) && target_links(&kept->st);
}

/* Give the file its name back, with its data on the disk; 1, or 0 where that
 * can't be, or -1. */
static int
link_it(void)
{
	if (copy.from.fd >= 0) {
		copy.st = kept->st;
		copy_flush(&copy);
		if (file_sync(&copy.from) < 0 && errno == ETIMEDOUT)
			return -1;
	}
	if (target_link(&pin, &kept->st) == 0) {
		kept->method = "linked";
		kept->bytes = kept->st.size;
		return 1;
	}
	if (errno == EEXIST)
		return refuse("%s: %s", target_name(), strerror(errno));
	return 0;
}

/* Say what was done, or would be, in one line. */
static void
report(const char *where)
{
	char disk[64] = "", s[16], room[16];
	long long avail = -1;
	int copied = strcmp(kept->method, "copied") == 0;

	out_scale(s, op->dry ? kept->st.blocks * 512 : target_used());
	if (op->dry && !to_stdout && copied)
		target_room(0, &avail);
	if (avail >= 0) {
		out_scale(room, (unsigned long long)avail);
		snprintf(disk, sizeof disk, " (%s on disk, %s free)", s, room);
	} else if (!to_stdout) {
		snprintf(disk, sizeof disk, " (%s on disk)", s);
	}
	cli_warn("%s: %s%s%s, %llu bytes%s%s%s%s", target_name(),
	         op->dry ? "would be " : "", doubtful ? "linked or else " : "",
	         kept->method, kept->bytes, disk,
	         where ? "; open for writing in " : "", where ? where : "",
	         !where ? "" : !op->dry ? ": what is written there is not in "
	         "it" : op->pause && copied ? ", to be paused" : "");
	if (kept->changed) {
		cli_warn("%s: the file changed while it was copied",
		         target_name());
		cli_fail(3);
	}
}

/* Say that stores through a mapping, which leave no trace where dirty pages are
 * not written back, may have been missed. */
static void
say_blind(void)
{
	cli_warn("%s: the file may have changed while it was copied: %son this "
	         "file system stores through a mapping can't be seen",
	         target_name(), writers.unseen ?
	         "some processes could not be looked at, and " : "");
	cli_fail(3);
}

/* Report with those who still write to the deleted file. */
static void
report_writers(int root)
{
	int told = op->dry || kept->deleted;
	int look = kept->blind || (told && !kept->at_rest &&
	    strcmp(kept->method, "linked") != 0);

	if (look)
		writers_find(root, &kept->st, &writers);
	report(look && told ? writers.text : NULL);
	if (kept->blind && !kept->changed && (writers.unseen || kept->shared ||
	    (!kept->paused && (kept->at_rest || writers.mapped))))
		say_blind();
	if (kept->unasked)
		cli_warn("%s: what gave no answer was not stopped",
		         target_name());
}

enum { REFUSED = -2 };		/* that was said */

/* Make the target and bring the data into it; as copy_data, or REFUSED. */
static int
transfer(int root)
{
	long long avail;
	int r;

	if (!to_stdout) {
		if (target_make(&copy.to) < 0)
			return -1;
		kept->method = "cloned";
		if (copy_clone(&copy) == 0)
			return 1;
		if (errno == ETIMEDOUT)
			return -1;
		if (target_room(copy.st.blocks * 512, &avail) < 0)
			return REFUSED;
	}
	kept->method = "copied";
	if (op->pause) {
		/* who gives no answer is left out by the next child */
		kept->begun = 0;
		r = pause_writers(root, &kept->st, object);
		kept->begun = 1;
		if (r < 0)
			return REFUSED;
		kept->unasked = cli.again;
	}
	r = copy_data(&copy);
	if (op->pause)
		kept->paused = pause_end();
	return r;
}

/* Copy the pinned file to the target. */
static void
copy_file(int root)
{
	int r = transfer(root), err;

	kept->changed = r == 0;
	kept->bytes = copy.bytes;
	kept->blind = copy.blind;
	kept->at_rest = r >= 0 && copy_at_rest(&copy);
	if (r >= 0 && !to_stdout)
		r = copy_metadata(&copy, target_takes_set_id(&copy.from));
	if (r >= 0)
		r = target_publish(&copy.to);
	if (r >= 0)
		return;
	err = r == REFUSED ? ETIMEDOUT : errno;
	target_remove();
	if (err == ETIMEDOUT)
		return;
	if (copy.reading)
		cli_error(object, err);
	else
		(void)refuse("%s: %s", target_name(), strerror(err));
}

/* Find out what would be done with it. Overlayfs makes no link to a file of a
 * lower layer whose name is gone, but its count of links stays. */
static void
rehearse(int root)
{
	int links = may_link();
	long long avail;

	doubtful = links && copy_on_overlay(&pin);
	kept->bytes = kept->st.size;
	kept->method = to_stdout || !target_clones(&copy.from) ? "copied" :
	    "cloned";
	if (links && !doubtful)
		kept->method = "linked";
	else if (!links && !to_stdout && strcmp(kept->method, "copied") == 0 &&
	         target_room(kept->st.blocks * 512, &avail) < 0)
		return;
	report_writers(root);
}

/* Find the file and its place, and do what was asked for. */
static void
restore_file(int root)
{
	int err;

	if (!op->process && search(root) < 0)
		return;
	kept->begun = !op->dry;
	if (find_process(root) < 0)
		return;
	if (op->pause && !sys_ours(root)) {
		(void)refuse("%s: is not of our PID namespace: no --pause",
		             cli.procfs);
		return;
	}
	if (op->pause && !op->dry && pause_start() < 0) {
		cli_error("fork", errno);
		return;
	}
	if (pin_file(root) < 0)
		return;
	/* where that can't be told there is the mark, or no text */
	kept->deleted = desc.deleted > 0 || (desc.deleted < 0 && desc.named);
	kept->shared = desc.type == DESC_ANON;
	if (!to_stdout && ((op->dest ?
	    target_path(op->dest, original()) : in_place()) < 0 ||
	    target_check() < 0))
		return;
	copy.name = target_name();
	err = open_source(root) < 0 ? errno : 0;
	if (!op->dry && may_link() && link_it() != 0)
		return;
	/* what will be linked is not read */
	if (op->dry && may_link() && !copy_on_overlay(&pin))
		err = 0;
	if (err == EAGAIN) {
		cli_warn("%s: its holder does not give up its lease: try again "
		         "or with a longer -T", object);
		cli_fail(3);
	} else if (err == EACCES) {
		cli_path_error(object, err);
	} else if (err) {
		cli_error(object, err);
	} else if (op->dry) {
		rehearse(root);
	} else {
		copy_file(root);
	}
}

static int
scan(void)
{
	int root = cli_root();

	if (!target_published()) {
		pause_clean();
		target_clean();
		if (kept->begun) {
			cli_warn("%s: not restored", object);
			return 3;
		}
		restore_file(root);
	}
	if (target_published()) {
		report_writers(root);
		target_end();
	}
	return 0;
}

int
restore(const struct restore *r)
{
	op = r;
	if (r->path)
		snprintf(object, sizeof object, "%s", r->path);
	else
		snprintf(object, sizeof object, "%s %s", r->process,
		         r->descriptor);
	to_stdout = r->dest && strcmp(r->dest, "-") == 0;
	if (!(kept = guard_share(sizeof *kept)) || pause_init() < 0 ||
	    target_init(to_stdout ? "stdout" : "", r->at) < 0) {
		cli_warn("%s", strerror(errno));
		return 1;
	}
	if (to_stdout && !r->dry && isatty(STDOUT_FILENO)) {
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
