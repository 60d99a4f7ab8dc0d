/* fdrecover - list deleted files that are still open, and bring them back */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kernel.h"
#include "num.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "parse_maps.h"
#include "desc.h"
#include "proc.h"
#include "restore.h"
#include "walk.h"

const char usage[] =
"usage: fdrecover [-JH0] [-T SECS] [-R DIR]\n"
"       fdrecover [-T SECS] [-R DIR] PID FD [DEST]\n"
CLI_RECORD_USAGE;

static const struct option options[] = {
	CLI_RECORD_OPTIONS,
	{ 0 }
};

static const struct out_column columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "FD", 4 }, { "MODE", -4 },
	{ "HOLDERS", 7 }, { "LINKS", 5 }, { "SIZE", 5 }, { "USED", 5 },
	{ "NAME", 0 }, { 0 }
};

/* A deleted file and the descriptor that it is shown by. */
struct file {
	struct kstatx st;
	int pid, tid, fd, mode;
	unsigned holders;		/* processes */
	char range[sizeof ((struct desc *)0)->range];
	char *comm, *name;		/* name NULL: over 4,095 bytes */
	size_t ncomm, nname;
};

/* A mapping of what may be a deleted file, of which only maps could be read. */
struct doubt {
	uint64_t ino;
	uint32_t major, minor;
};

static struct walk w;
static struct desc desc;
static struct buf rec;
static struct out out = { .rec = &rec };
static struct file *files;
static size_t nfiles;
static struct doubt *doubts;
static size_t ndoubts;
static int unseen;
static unsigned undecided;

static _Noreturn void
die(void)
{
	cli_warn("%s", strerror(errno));
	_exit(1);
}

static char *
copy_bytes(const char *s, size_t n)
{
	char *p = malloc(n + 1);

	if (!p)
		die();
	memcpy(p, n ? s : "", n);
	return p;
}

static int
compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* By inode, and of one inode in the order of preference: a writer, the lowest
 * PID, a descriptor before the executable and a mapping. */
static int
by_inode(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int r;

	if ((r = compare(x->st.dev_major, y->st.dev_major)) ||
	    (r = compare(x->st.dev_minor, y->st.dev_minor)) ||
	    (r = compare(x->st.ino, y->st.ino)) ||
	    (r = (y->mode > O_RDONLY) - (x->mode > O_RDONLY)) ||
	    (r = compare((unsigned)x->pid, (unsigned)y->pid)) ||
	    (r = compare((unsigned)x->tid, (unsigned)y->tid)))
		return r;
	/* as unsigned numbers DESC_EXE and DESC_MEM are the largest */
	return compare((unsigned)x->fd, (unsigned)y->fd);
}

/* The most disk space first. */
static int
by_used(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int r;

	if ((r = compare(y->st.blocks, x->st.blocks)) ||
	    (r = compare(y->st.size, x->st.size)))
		return r;
	return by_inode(a, b);
}

/* Make the files from the given one on one an inode; the holders are summed up
 * over the processes, but are one within a process. */
static void
fold(size_t from, int sum)
{
	size_t i, k = from;

	if (nfiles > from)
		qsort(files + from, nfiles - from, sizeof *files, by_inode);
	for (i = from; i < nfiles; i++) {
		struct file *last = files + k - 1;

		if (k == from || !desc_same(&last->st, &files[i].st)) {
			files[k++] = files[i];
			continue;
		}
		if (sum)
			last->holders += files[i].holders;
		free(files[i].comm);
		free(files[i].name);
	}
	nfiles = k;
}

/*
 * Is it an object of a mount that the kernel keeps for itself (DRM, AIO,
 * secretmem, dma-buf)? Its text is "/NAME (deleted)" and its mount is in no
 * mountinfo.
 */
static int
is_internal(void)
{
	static struct buf b;
	struct mount_row m;
	const char *text;

	if (!desc.named || memchr(desc.target.s + 1, '/', desc.target.n - 1) ||
	    !desc.known || desc.st.dev_major ||
	    !(desc.st.mask & KSTATX_MNT_ID) ||
	    proc_read(w.table.dir, "mountinfo", &b) < 0)
		return 0;
	for (text = b.s; parse_mount(&text, &m) == 1; )
		if (m.id == (long long)desc.st.mnt_id)
			return 0;
	return 1;
}

static void
add_doubt(void)
{
	struct doubt *d;

	if (strncmp(desc.target.s, "/[", 2) == 0)
		return;		/* the rings of AIO and the like */
	doubts = cli_grow(doubts, ndoubts, sizeof *doubts);
	d = &doubts[ndoubts++];
	d->ino = desc.st.ino;
	d->major = desc.st.dev_major;
	d->minor = desc.st.dev_minor;
}

/* Take note of what was read into desc, if it is a deleted file. */
static void
add(void)
{
	struct file *f;

	if ((desc.type != DESC_REG && desc.type != DESC_UNKNOWN) ||
	    desc.deleted == 0 || is_internal())
		return;
	if (desc.deleted < 0 || !desc.known) {
		if (desc.known || desc.fd != DESC_MEM)
			undecided++;
		else
			add_doubt();
		return;
	}
	files = cli_grow(files, nfiles, sizeof *files);
	f = &files[nfiles++];
	*f = (struct file){ .st = desc.st, .pid = w.pid, .tid = w.tid,
		.fd = desc.fd, .mode = desc.mode, .holders = 1 };
	if (f->fd == DESC_MEM) {
		memcpy(f->range, desc.range, sizeof f->range);
		f->mode = desc.stores ? O_RDWR : O_RDONLY;
	}
	f->comm = copy_bytes(w.comm.s, f->ncomm = w.comm.n);
	if (desc.named)
		f->name = copy_bytes(desc.target.s, f->nname = desc.namelen);
}

/* Read a descriptor; as desc_read. Only what may be deleted is worth the proof
 * that it is read at one moment. */
static int
look(int fd)
{
	if (desc_read(&w.table, fd, DESC_WANT_STAT | DESC_ONCE, &desc) < 0)
		return -1;
	return desc.deleted == 0 ? 0 :
	    desc_read(&w.table, fd, DESC_WANT_STAT, &desc);
}

/* The executable and the mapped files; 0, or the errno of what may not be
 * read. */
static int
look_at_others(void)
{
	int r, err = 0;

	if (desc_read(&w.table, DESC_EXE, DESC_WANT_STAT, &desc) == 0)
		add();
	else
		err = errno;
	while ((r = walk_map(&w, &desc)) == 1)
		add();
	return r < 0 ? errno : err;
}

static void
look_at_process(void)
{
	size_t before = nfiles;
	int fd, r, e, err = 0;

	while ((r = walk_table(&w)) == 1) {
		if (w.tid == 0 && (e = look_at_others()))
			err = e == ENOENT || e == ESRCH ? err : e;
		while (walk_fd(&w, &fd) == 1) {
			if (look(fd) == 0)
				add();
			else if (errno != ENOENT && errno != ESRCH)
				err = errno;
		}
	}
	if (r < 0)
		err = errno;
	if (err && err != ENOENT && err != ESRCH) {
		unseen = 1;
		cli_process_error(w.pid, err, 1);
	}
	fold(before, 0);
}

static void
put_row(const struct file *f)
{
	static const char *const modes[] = { "r", "w", "rw" };
	const char *mode = f->mode < 0 ? NULL : modes[f->mode];
	const char *fd = f->fd == DESC_MEM ? f->range : desc_fd_name(f->fd);
	char dev[32];

	out_num(&out, (unsigned)(f->tid && cli.mode != OUT_JSON ?
	                         f->tid : f->pid));
	out_str(&out, f->comm, f->ncomm);
	if (fd)
		out_str(&out, fd, strlen(fd));
	else
		out_num(&out, (unsigned)f->fd);
	out_str(&out, mode, mode ? strlen(mode) : 0);
	out_num(&out, f->holders);
	out_num(&out, f->st.nlink);
	out_size(&out, f->st.size);
	out_size(&out, f->st.blocks * 512);
	out_name(&out, f->name, f->nname, 0);
	if (f->tid)
		out_key_num(&out, "tid", (unsigned)f->tid);
	else
		out_key_null(&out, "tid");
	out_key_bool(&out, "deleted", 1);
	snprintf(dev, sizeof dev, "%u:%u", f->st.dev_major, f->st.dev_minor);
	out_key_str(&out, "dev", dev, strlen(dev));
	out_key_num(&out, "inode", f->st.ino);
	cli_emit(&out);
}

static int
by_doubt(const void *a, const void *b)
{
	const struct doubt *x = a, *y = b;
	int r;

	if ((r = compare(x->ino, y->ino)) || (r = compare(x->major, y->major)))
		return r;
	return compare(x->minor, y->minor);
}

/* Say how many mapped files may be deleted ones that are not in the list. The
 * device of maps is another one on btrfs: those in the list are told by their
 * inode number alone. */
static void
say_doubts(void)
{
	size_t i, k, n = 0;

	if (ndoubts)
		qsort(doubts, ndoubts, sizeof *doubts, by_doubt);
	for (i = 0; i < ndoubts; i++) {
		int known = i && by_doubt(&doubts[i - 1], &doubts[i]) == 0;

		for (k = 0; k < nfiles && !known; k++)
			known = files[k].st.ino == doubts[i].ino;
		n += !known;
	}
	if (n == 0)
		return;
	unseen = 1;
	cli_warn("%zu file%s, deleted and only mapped, could not be looked at "
	         "(needs root or CAP_CHECKPOINT_RESTORE)", n,
	         n == 1 ? "" : "s");
}

static void
say_total(void)
{
	unsigned long long total = 0;
	char s[24];
	size_t i;

	for (i = 0; i < nfiles; i++)
		total += files[i].st.blocks * 512;
	if (cli.mode == OUT_TEXT)
		out_scale(s, total);
	else
		snprintf(s, sizeof s, "%llu", total);
	cli_warn("%s in %zu deleted files", s, nfiles);
}

static int
list(void)
{
	int root = cli_root(), r;
	size_t i;

	if (walk_open(&w, root, NULL, 0, cli.again) < 0) {
		cli_error(cli.procfs, errno);
		return 0;
	}
	while ((r = walk_process(&w)) == 1)
		if (!walk_self(&w))
			look_at_process();
	if (r < 0)
		cli_error(cli.procfs, errno);
	fold(0, 1);
	if (nfiles)
		qsort(files, nfiles, sizeof *files, by_used);
	for (i = 0; i < nfiles; i++)
		put_row(&files[i]);
	cli_refused();
	say_doubts();
	cli_undecided(undecided);
	if (nfiles == 0)
		cli_fail(cli_hidden(root) || unseen || undecided ? 3 : 1);
	if (nfiles > 1)
		say_total();
	return 0;
}

/* The FD operand: what the column FD prints. */
static int
parse_fd(const char *s)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = strspn(s, hex);
	int fd;

	if (num_fd(s, &fd) == 0)
		return fd;
	if (strcmp(s, "exe") == 0)
		return DESC_EXE;
	if (n && s[n] == '-' && s[n + 1] &&
	    s[n + 1 + strspn(s + n + 1, hex)] == '\0')
		return DESC_MEM;
	cli_usage("%s: not a descriptor (a number, exe, or A-B of a mapping)",
	          *s ? s : "''");
}

int
main(int argc, char **argv)
{
	struct restore r = { 0 };
	int c;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "JH0R:T:hV", options, NULL)) != -1)
		cli_option(c);
	out.mode = cli.mode;
	out.columns = columns;
	argc -= optind;
	argv += optind;
	if (argc == 0)
		return cli_run(list, 1);
	if (num_pid(argv[0], &r.pid) < 0)
		cli_usage("%s: not a process ID", *argv[0] ? argv[0] : "''");
	if (argc == 1)
		cli_usage("%s: which descriptor? (PID FD [DEST])", argv[0]);
	r.fd = parse_fd(argv[1]);
	if (argc > 3)
		cli_usage("%s: one operand too many", argv[3]);
	if (argv[2] && *argv[2] == '\0')
		cli_usage("'': not a file name");
	if (cli.mode)
		cli_usage("-J, -H and -0 are for the list, without operands");
	r.process = argv[0];
	r.descriptor = argv[1];
	r.dest = argv[2];
	r.at = optind + (r.dest ? 2 : 0);
	return restore(&r);
}
