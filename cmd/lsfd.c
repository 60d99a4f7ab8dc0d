/* lsfd - list the open file descriptors of processes */
#include <sys/stat.h>
#include <sys/types.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "num.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "name.h"
#include "parse_net.h"
#include "parse_task.h"
#include "proc.h"
#include "sockname.h"
#include "walk.h"

const char usage[] =
"usage: lsfd [-adlJH0] [-T SECS] [-R DIR] [PID | FILE]...\n"
"  -a, --all           also the working and root directory, executable and\n"
"                      mapped files\n"
"  -d, --deleted       only deleted files\n"
"  -l, --long          also user, flags, device, inode, links and position\n"
CLI_RECORD_USAGE;

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "deleted", no_argument, NULL, 'd' },
	{ "long", no_argument, NULL, 'l' },
	CLI_RECORD_OPTIONS,
	{ 0 }
};

static const struct out_column columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "FD", 4 }, { "MODE", -4 },
	{ "TYPE", -8 }, { "SIZE", 12 }, { "NAME", 0 }, { 0 }
};

static const struct out_column long_columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "USER", -8 }, { "FD", 4 },
	{ "MODE", -4 }, { "FLAGS", -8 }, { "TYPE", -8 }, { "DEV", -7 },
	{ "INODE", 10 }, { "LINKS", 5 }, { "POS", 12 }, { "SIZE", 12 },
	{ "NAME", 0 }, { 0 }
};

enum {
	CHUNK = 512,		/* descriptors that are listed together */
	WORTHWHILE = 100,	/* so many are worth a look at the threads */
	WORTH_ONE = 8		/* ... at a single one */
};

/* A FILE operand. */
struct file {
	const char *name;
	struct kstatx st;
	int known;		/* else it is matched by its name */
};

static int all, deleted, detailed;
static struct walk_pick *picks;
static size_t npicks;
static struct file *files;
static size_t nfiles;
static int noperands, asked_pids, asked_files;
static char **operands;

/* What a child that got stuck leaves to the next. */
static struct {
	unsigned rows, undecided;
	int unseen;
} *kept;

static struct walk w;
static struct desc desc;
static struct name words;
static struct buf rec;
static struct out out = { .rec = &rec };
static unsigned pending;	/* rows put and not yet printed */
static unsigned uid;
static int has_uid;

/* The flags of open(2) that fdinfo tells, in its words; access mode apart. */
static void
put_flags(const struct desc *d)
{
	static const struct {
		unsigned bit;
		const char *name;
	} flags[] = {
		{ O_APPEND, "append" }, { O_NONBLOCK, "nonblock" },
		{ O_SYNC & ~O_DSYNC, "sync" }, { O_DSYNC, "dsync" },
		{ O_ASYNC, "async" }, { O_DIRECT, "direct" },
		{ O_DIRECTORY, "directory" }, { O_NOFOLLOW, "nofollow" },
		{ O_NOATIME, "noatime" }, { O_CLOEXEC, "cloexec" },
		{ O_PATH, "path" }, { O_TMPFILE & ~O_DIRECTORY, "tmpfile" },
	};
	char s[128];
	size_t i, n = 0;

	for (i = 0; d->informed && i < sizeof flags / sizeof *flags; i++) {
		if (!(d->info.flags & flags[i].bit))
			continue;
		/* O_SYNC is two bits, O_TMPFILE goes with O_DIRECTORY */
		if (flags[i].bit == O_DSYNC &&
		    d->info.flags & (O_SYNC & ~O_DSYNC))
			continue;
		if (flags[i].bit == O_DIRECTORY &&
		    d->info.flags & (O_TMPFILE & ~O_DIRECTORY))
			continue;
		n += (size_t)snprintf(s + n, sizeof s - n, "%s%s",
		                      n ? "," : "", flags[i].name);
	}
	out_str(&out, n ? s : NULL, n);
}

/* USER: by name where the local passwd file has one; nothing is asked over a
 * network. */
static void
put_user(void)
{
	static unsigned last;
	static char *name;
	static int looked_up;
	struct passwd *pw;
	char s[16];
	FILE *f;

	if (!has_uid) {
		out_null(&out);
		return;
	}
	if (!looked_up || uid != last) {
		free(name);
		name = NULL;
		if ((f = fopen("/etc/passwd", "re"))) {
			while (!name && (pw = fgetpwent(f)))
				if (pw->pw_uid == uid)
					name = strdup(pw->pw_name);
			fclose(f);
		}
		last = uid;
		looked_up = 1;
	}
	snprintf(s, sizeof s, "%u", uid);
	out_str(&out, name ? name : s, strlen(name ? name : s));
}

static void
put_long(const struct desc *d)
{
	char dev[32];

	snprintf(dev, sizeof dev, "%u:%u", d->st.dev_major, d->st.dev_minor);
	if (!d->known) {
		out_null(&out);
		out_null(&out);
		out_null(&out);
	} else {
		out_str(&out, dev, strlen(dev));
		out_num(&out, d->st.ino);
		out_num(&out, d->st.nlink);
	}
	if (d->informed && (d->type == DESC_REG || d->type == DESC_DIR ||
	    d->type == DESC_BLK || d->type == DESC_CHR ||
	    d->type == DESC_MEMFD))
		out_num(&out, d->info.pos);
	else
		out_null(&out);
}

static void
put_size(const struct desc *d)
{
	if (d->known && (d->type == DESC_REG || d->type == DESC_MEMFD ||
	    d->type == DESC_DIR || d->type == DESC_LNK))
		out_num(&out, d->st.size);
	else
		out_null(&out);
}

static void
put_string(const char *s)
{
	out_str(&out, s, s ? strlen(s) : 0);
}

/* A member that a buffer holds, null if that is empty. */
static void
put_key(const char *key, const struct buf *b)
{
	out_key_str(&out, key, b->n ? b->s : NULL, b->n);
}

/* The members of a socket. */
static void
put_sock_keys(const struct desc *d, const struct sock *k)
{
	static struct buf b;
	const char *s = sockname_family(k);
	unsigned long long n;
	size_t i;

	out_key_str(&out, "family", s, s ? strlen(s) : 0);
	b.n = 0;
	if (sockname_proto(k, &b) < 0)
		out.failed = errno;
	for (i = 0; i < b.n; i++)
		b.s[i] = (char)tolower((unsigned char)b.s[i]);
	put_key("proto", &b);
	b.n = 0;
	if (k->ino && sockname_local(k, &b) < 0)
		out.failed = errno;
	put_key("local", &b);
	b.n = 0;
	if (k->ino && sockname_remote(k, &b) < 0)
		out.failed = errno;
	put_key("remote", &b);
	s = sockname_state(k);
	out_key_str(&out, "state", s, s ? strlen(s) : 0);
	/* descriptors in messages that are not received; Linux 5.13 or so */
	if (d->informed && parse_fdinfo_num(d->text.s, "scm_fds", &n) == 0)
		out_key_num(&out, "scm_fds", n);
}

static void
put_row(const struct desc *d)
{
	static const char *const modes[] = { "r", "w", "rw" };
	int reads = cli.mode == OUT_TEXT || cli.mode == OUT_TAB;

	if (name_read(&w.table, d, &words) < 0)
		out.failed = errno;
	out_num(&out, (unsigned)(w.tid && cli.mode != OUT_JSON ? w.tid :
	        w.pid));
	out_str(&out, w.comm.s, w.comm.n);
	if (detailed)
		put_user();
	if (d->fd < 0)
		put_string(desc_fd_name(d->fd));
	else
		out_num(&out, (unsigned)d->fd);
	put_string(d->mode < 0 ? NULL : modes[d->mode]);
	if (detailed)
		put_flags(d);
	put_string(words.type);
	if (detailed)
		put_long(d);
	put_size(d);
	out_name(&out, reads ? words.shown : words.s, reads ? words.nshown :
	         words.n, words.deleted);
	if (w.tid)
		out_key_num(&out, "tid", (unsigned)w.tid);
	else
		out_key_null(&out, "tid");
	out_key_bool(&out, "deleted", d->deleted);
	out_key_str(&out, "target", d->named ? d->target.s : NULL, d->target.n);
	if (words.sock && cli.mode == OUT_JSON)
		put_sock_keys(d, words.sock);
	cli_end(&out);
	pending++;
}

/* Print the rows that were put. */
static void
print_rows(void)
{
	cli_print(&out);
	kept->rows += pending;
	pending = 0;
}

/* Is the path the operand's text? */
static int
reads_so(const struct file *f, const char *path, size_t len)
{
	static char *cwd;
	size_t n;

	if (*f->name == '/')
		return strlen(f->name) == len && memcmp(f->name, path, len) == 0;
	if (!cwd && !(cwd = getcwd(NULL, 0)))
		return 0;
	n = strlen(cwd);
	return len == n + 1 + strlen(f->name) && memcmp(path, cwd, n) == 0 &&
	    path[n] == '/' &&
	    memcmp(path + n + 1, f->name, strlen(f->name)) == 0;
}

/* Does an unanswered FILE operand read as the link does? */
static int
named_so(const struct file *f, const struct desc *d)
{
	return d->named && reads_so(f, d->target.s, d->namelen);
}

/* Is the socket bound to the file, or one that was accepted there? Where only
 * procfs tells of it, its path must read as the operand does. */
static int
bound_to(const struct file *f, const struct desc *d)
{
	const struct sock *k;

	if (name_read(&w.table, d, &words) < 0)
		out.failed = errno;
	if (!(k = words.sock) || !k->path || k->abstract)
		return 0;
	if (!k->has_vfs)
		return reads_so(f, k->path, k->n);
	/* the kernel's form of a device number, and 32 bits of the inode */
	return k->vfs_ino == (uint32_t)f->st.ino &&
	    k->vfs_dev >> 20 == f->st.dev_major &&
	    (k->vfs_dev & 0xfffff) == f->st.dev_minor;
}

static int
is_file(const struct file *f, const struct desc *d)
{
	if (!f->known)
		return named_so(f, d);
	if (S_ISSOCK(f->st.mode) && d->type == DESC_SOCK && bound_to(f, d))
		return 1;
	if (!d->known && d->fd == DESC_MEM && d->st.ino == f->st.ino) {
		/* maps has another device than stat on btrfs */
		kept->unseen |= !desc_same(&f->st, &d->st);
		return desc_same(&f->st, &d->st);
	}
	if (!d->known)
		return 0;
	/* a device may have several nodes */
	if (S_ISBLK(f->st.mode) && d->type == DESC_BLK)
		return f->st.rdev_major == d->st.rdev_major &&
		    f->st.rdev_minor == d->st.rdev_minor;
	return desc_same(&f->st, &d->st);
}

static int
selected(const struct desc *d)
{
	size_t i;

	if (deleted && d->deleted <= 0) {
		kept->undecided += d->deleted < 0;
		return 0;
	}
	for (i = 0; i < nfiles; i++)
		if (is_file(&files[i], d))
			return 1;
	return nfiles == 0;
}

/* A file's row, if it is asked for. */
static void
list(const struct desc *d)
{
	if (selected(d))
		put_row(d);
}

/* Put the row of a descriptor; 0, or the errno of what may not be read. */
static int
list_fd(int fd, int once)
{
	int want = DESC_WANT_STAT | (detailed ? DESC_WANT_INFO :
	    DESC_WANT_NAME);

	if (desc_read(&w.table, fd, want | once, &desc) == 0) {
		list(&desc);
		return 0;
	}
	return errno == ENOENT || errno == ESRCH ? 0 : errno;
}

/* The process's files that are no descriptors; as list_fd. */
static int
list_others(void)
{
	struct kstatx exe = { 0 };
	int fd, r = 0, e, err = 0;

	for (fd = DESC_CWD; fd < DESC_MEM; fd++) {
		if (walk_begin(&w, fd))
			err = (e = list_fd(fd, 0)) ? e : err;
		print_rows();
	}
	if (!err && desc.fd == DESC_EXE)
		exe = desc.st;
	while (walk_begin(&w, DESC_MEM) && (r = walk_map(&w, &desc)) == 1) {
		if (!desc_same(&desc.st, &exe))
			list(&desc);
		print_rows();
	}
	return r < 0 && errno != ENOENT && errno != ESRCH ? errno : err;
}

/*
 * Some descriptors of a table. That no row is half an old file and half a new
 * one costs two more calls a row; for many of them it is cheaper to prove that
 * none of the threads ran. Until then nothing is printed, so that a stall in
 * between is one in the first of them.
 */
static int
list_chunk(const int *fds, int n)
{
	unsigned long long before, after;
	int i, e, err = 0;

	if (n >= (walk_single(&w) ? WORTH_ONE : WORTHWHILE) &&
	    (!w.from || w.from->pid != w.pid) && walk_asleep(&w, &before)) {
		guard_fd(fds[0]);
		for (i = 0; i < n; i++)
			err = (e = list_fd(fds[i], DESC_ONCE)) ? e : err;
		if (walk_asleep(&w, &after) && after == before) {
			print_rows();
			return err;
		}
		rec.n = pending = 0;
	}
	for (i = err = 0; i < n; i++) {
		guard_fd(fds[i]);
		err = (e = list_fd(fds[i], 0)) ? e : err;
		print_rows();
	}
	return err;
}

/* As list_fd, for the whole table. */
static int
list_table(void)
{
	int fds[CHUNK], n, e, err = 0;

	do {
		for (n = 0; n < CHUNK && walk_fd(&w, &fds[n]) == 1; n++)
			;
		err = (e = list_chunk(fds, n)) ? e : err;
	} while (n == CHUNK);
	return err;
}

static void
list_process(void)
{
	static struct buf status;
	struct task_status st;
	unsigned before = kept->rows;
	int r, e, err = 0;

	if (detailed)
		has_uid = proc_read(w.dir, "status", &status) == 0 &&
		    parse_status(status.s, &st) == 0;
	uid = has_uid ? st.euid : 0;
	while ((r = walk_table(&w)) == 1) {
		words.net = NULL;
		if ((all || nfiles) && w.tid == 0)
			err = list_others();
		err = (e = list_table()) ? e : err;
	}
	if (r < 0)
		err = errno;
	if (err) {
		kept->unseen = 1;
		cli_process_error(w.pid, err, !w.pick);
	} else if (w.pick && !deleted && !nfiles && kept->rows == before) {
		cli_warn("%d: no open descriptors", w.pid);
		cli_fail(1);
	}
}

/* Say that a FILE operand can't be looked up; is it certainly not there? */
static void
say_unknown(const char *name, int err)
{
	int refused = err == EACCES || err == EPERM;

	cli_warn("%s: %s%s", name, strerror(err), refused ?
	         " (needs root or CAP_DAC_READ_SEARCH)" : "");
	cli_fail(err == ENOENT || err == ENOTDIR || err == ELOOP ||
	    err == ENAMETOOLONG ? 1 : 3);
}

/* Look the operands up: processes by their number, files by what they are. */
static void
resolve(int root)
{
	int i, pid, first = !guard_resume();

	npicks = nfiles = asked_pids = asked_files = 0;
	for (i = 0; i < noperands; i++) {
		struct file *f = &files[nfiles];

		if (num_pid(operands[i], &pid) == 0) {
			asked_pids = 1;
			if (walk_resolve(root, pid, &picks[npicks]) == 0)
				npicks++;
			else if (first)
				cli_error(operands[i], errno);
			continue;
		}
		asked_files = 1;
		guard_process(0);
		guard_fd(optind + i);
		f->name = operands[i];
		f->known = proc_lookup(AT_FDCWD, f->name, &f->st) == 0;
		if (f->known || errno == ETIMEDOUT) {
			nfiles++;
		} else if (first) {
			say_unknown(f->name, errno);
		}
	}
	npicks = walk_sort(picks, npicks);
}

static int
scan(void)
{
	int root = cli_root(), r;

	resolve(root);
	/* No process or no file of those asked for is there: that does not mean
	 * any of them. */
	if ((asked_pids && !npicks) || (asked_files && !nfiles))
		return 0;
	if (walk_open(&w, root, npicks ? picks : NULL, npicks, 0) < 0) {
		cli_error(cli.procfs, errno);
		return 0;
	}
	while ((r = walk_process(&w)) != 0) {
		if (r < 0)
			cli_process_error(w.pid, errno, 0);
		else if (w.pick || !walk_self(&w))
			list_process();
	}
	if (cli_refused())
		kept->unseen = 1;
	if (kept->rows == 0 && !npicks && cli_hidden(root))
		kept->unseen = 1;
	cli_undecided(kept->undecided);
	if ((deleted || nfiles) && kept->rows == 0)
		cli_fail(kept->unseen || kept->undecided ? 3 : 1);
	return 0;
}

int
main(int argc, char **argv)
{
	int c, i, pid;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "adlJH0R:T:hV", options,
	                        NULL)) != -1) {
		switch (c) {
		case 'a':
			all = 1;
			break;
		case 'd':
			deleted = 1;
			break;
		case 'l':
			detailed = 1;
			break;
		default:
			cli_option(c);
		}
	}
	noperands = argc - optind;
	operands = argv + optind;
	for (i = 0; i < noperands; i++) {
		const char *s = operands[i];

		/* digits only are a process, anything else is a file */
		if (s[strspn(s, "0123456789")] == '\0' && num_pid(s, &pid) < 0)
			cli_usage("%s: not a process ID", *s ? s : "''");
	}
	picks = calloc((size_t)noperands + 1, sizeof *picks);
	files = calloc((size_t)noperands + 1, sizeof *files);
	kept = guard_share(sizeof *kept);
	if (!picks || !files || !kept) {
		cli_warn("%s", strerror(errno));
		return 1;
	}
	out.mode = cli.mode;
	detailed |= out.mode == OUT_JSON;
	out.columns = detailed ? long_columns : columns;
	return cli_run(scan, 0);
}
