/* lsfd - list the open file descriptors of processes */
#include <sys/types.h>
#include <errno.h>
#include <getopt.h>
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
#include "count.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "name.h"
#include "onmount.h"
#include "proc.h"
#include "row.h"
#include "select.h"
#include "walk.h"
#include "still.h"

const char usage[] =
"usage: lsfd [-adlJH0] [-t TYPE[,TYPE]...] [-m MOUNTPOINT] [-T SECS] [-R DIR]\n"
"            [PID | FILE]...\n"
"       lsfd --count [-JH0] [-R DIR] [PID]...\n"
"  -a, --all           also the working and root directory, executable and\n"
"                      mapped files\n"
"      --count         how many descriptors each process has, and its limit\n"
"  -d, --deleted       only deleted files\n"
"  -l, --long          also user, flags, device, inode, links and position\n"
"  -m, --mount MOUNTPOINT\n"
"                      only files of this mounted file system\n"
"  -t, --type TYPE     only these types, with commas between them\n"
CLI_RECORD_USAGE;

enum { COUNT = 256 };

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "count", no_argument, NULL, COUNT },
	{ "deleted", no_argument, NULL, 'd' },
	{ "long", no_argument, NULL, 'l' },
	{ "mount", required_argument, NULL, 'm' },
	{ "type", required_argument, NULL, 't' },
	CLI_RECORD_OPTIONS,
	{ 0 }
};

enum {
	CHUNK = 512,		/* descriptors that are listed together */
	PART = 64 * 1024	/* bytes that are enough to wait for a proof */
};

static int all, detailed, counts;
static struct walk_pick *picks;
static size_t npicks;
static int asked_pids;
static char **args;		/* argv, operands from optind on */

/* What a child that got stuck leaves to the next. */
static struct {
	unsigned rows, undecided;
	int unseen;
} *kept;

static struct walk w;
static struct desc desc;
static struct name words;
static int want;		/* of a descriptor, DESC_WANT_* */
static struct buf rec;
static struct out out = { .rec = &rec };
static unsigned pending;	/* rows put and not yet printed */

/* Print the rows that were put. */
static void
print_rows(void)
{
	cli_print(&out);
	kept->rows += pending;
	pending = 0;
}

/* Put a file's row, if it is asked for. */
static void
list(const struct desc *d)
{
	int r;

	if (name_read(&w.table, d, &words) < 0)
		out.failed = errno;
	r = select_has(&w, d, &words);
	kept->unseen |= r == SELECT_UNSEEN;
	kept->undecided += r == SELECT_UNDECIDED;
	if (r != SELECT_YES)
		return;
	row_put(&out, &w, d, &words, detailed);
	cli_end(&out);
	pending++;
}

/* Put the row of a descriptor; 0, or the errno of what may not be read. */
static int
list_fd(int fd, int once)
{
	if (desc_read(&w.table, fd, want | once, &desc) == 0) {
		list(&desc);
		return 0;
	}
	return errno == ENOENT || errno == ESRCH ? 0 : errno;
}

/* May nobody have run so far, as far as n descriptors are worth to know it? A
 * process that did not answer is not asked that again. */
static int
begin_proof(int n)
{
	return (!w.from || w.from->pid != w.pid) && still_begin(&w, (size_t)n);
}

/*
 * Some descriptors of a table. No row may be half an old file and half a new
 * one: until it is proved that nobody ran nothing is printed, and after a stall
 * in between the first of them is the one to go on with.
 */
static int
list_chunk(const int *fds, int n)
{
	unsigned undecided;
	int i = 0, k, e, known, unseen, err = 0;

	while (i < n && begin_proof(n - i)) {
		undecided = kept->undecided;
		unseen = kept->unseen;
		known = err;
		guard_fd(fds[i]);
		for (k = i; k < n && rec.n < PART; k++) {
			guard_among(fds[k]);
			err = (e = list_fd(fds[k], DESC_ONCE)) ? e : err;
		}
		if (!still_holds(&w)) {
			rec.n = pending = 0;
			kept->undecided = undecided;
			kept->unseen = unseen;
			err = known;
			break;
		}
		print_rows();
		i = k;
	}
	for (; i < n; i++) {
		guard_fd(fds[i]);
		err = (e = list_fd(fds[i], 0)) ? e : err;
		print_rows();
	}
	return err;
}

/* Which of n descriptors may be asked for; how many, put into fds. After a
 * stall the first of all is the one to go on with. */
static int
choose(const int *given, int n, int *fds)
{
	int i, k, once = select_by_kind() && begin_proof(n) ? DESC_ONCE : 0;

	for (;; once = 0) {
		for (i = k = 0; i < n; i++) {
			guard_fd(given[0]);
			guard_among(given[i]);
			fds[k] = given[i];
			k += select_may(&w, given[i], once);
		}
		if (!once || still_holds(&w))
			return k;
	}
}

/* The process's files that are no descriptors; as list_fd. */
static int
list_others(void)
{
	int given[DESC_MEM - DESC_CWD], fds[DESC_MEM - DESC_CWD];
	int n = 0, fd, r = 0, err;
	struct kstatx exe = { 0 };

	for (fd = DESC_CWD; fd < DESC_MEM; fd++)
		if (walk_begin(&w, fd))
			given[n++] = fd;
	n = choose(given, n, fds);
	err = list_chunk(fds, n);
	if (n && fds[n - 1] == DESC_EXE && desc.fd == DESC_EXE && desc.known)
		exe = desc.st;
	while (walk_begin(&w, DESC_MEM) && (r = walk_map(&w, &desc)) == 1) {
		if (!desc_same(&desc.st, &exe))
			list(&desc);
		print_rows();
	}
	return r < 0 && errno != ENOENT && errno != ESRCH ? errno : err;
}

/* As list_fd, for the whole table. */
static int
list_table(void)
{
	int given[CHUNK], fds[CHUNK], n, e, err = 0;

	if (want & DESC_WANT_INFO)
		walk_infos(&w);
	do {
		for (n = 0; n < CHUNK && walk_fd(&w, &given[n]) == 1; n++)
			;
		e = list_chunk(fds, choose(given, n, fds));
		err = e ? e : err;
	} while (n == CHUNK);
	return err;
}

static void
list_process(void)
{
	unsigned before = kept->rows;
	int r, e, err = 0;

	row_process();
	while ((r = walk_table(&w)) == 1) {
		words.net = NULL;
		if (w.others && w.tid == 0)
			err = list_others();
		err = (e = list_table()) ? e : err;
	}
	if (r < 0)
		err = errno;
	if (err) {
		kept->unseen = 1;
		cli_process_error(w.pid, err, !w.pick);
	} else if (w.pick && !select_narrows() && kept->rows == before) {
		cli_warn("%d: no open descriptors", w.pid);
		cli_fail(1);
	}
}

/* A record of --count; 0, or the errno of what may not be read. */
static int
count_table(void)
{
	if (count_put(&out, &w) == 0) {
		cli_end(&out);
		pending++;
		print_rows();
		return 0;
	}
	rec.n = 0;
	return errno;
}

/* That of the process, or of the threads that were asked for: one each that has
 * a table of its own. */
static void
count_process(void)
{
	int r = 0, e, err = 0;

	if (!w.pick || w.pick->tid == 0)
		err = count_table();
	else
		while ((r = walk_table(&w)) == 1)
			err = (e = count_table()) ? e : err;
	if (r < 0)
		err = errno;
	if (err && err != ENOENT && err != ESRCH)
		cli_process_error(w.pid, err, !w.pick);
}

/* Look the operands up: processes by their number, files by what they are. */
static int
resolve(int root)
{
	int i, pid, first = !guard_resume();

	npicks = 0;
	asked_pids = 0;
	if (select_begin(root, args) < 0)
		return -1;
	for (i = optind; args[i]; i++) {
		if (num_pid(args[i], &pid) < 0) {
			select_file(root, args[i], i, !first);
			continue;
		}
		asked_pids = 1;
		if (walk_resolve(root, pid, &picks[npicks]) == 0)
			npicks++;
		else if (first)
			cli_error(args[i], errno);
	}
	npicks = walk_sort(picks, npicks);
	/* No process or no file of those asked for is there: that does not mean
	 * any of them. */
	return (asked_pids && !npicks) || (selection.asked &&
	    !selection.nfiles) ? -1 : 0;
}

static int
scan(void)
{
	int root = cli_root(), r;

	if (resolve(root) < 0)
		return 0;
	want = DESC_WANT_STAT | (detailed || (selection.mount &&
	    onmount_wants_info()) ? DESC_WANT_INFO : DESC_WANT_NAME);
	w.others = all || select_by_place();
	if (walk_open(&w, root, npicks ? picks : NULL, npicks, 0) < 0) {
		cli_error(cli.procfs, errno);
		return 0;
	}
	while ((r = walk_process(&w)) != 0) {
		if (r < 0)
			cli_process_error(w.pid, errno, !w.pick);
		else if (!w.pick && walk_self(&w))
			continue;
		else if (counts)
			count_process();
		else
			list_process();
	}
	if (cli_refused())
		kept->unseen = 1;
	if (kept->rows == 0 && !npicks && cli_hidden(root))
		kept->unseen = 1;
	cli_undecided(kept->undecided);
	if (select_narrows() && kept->rows == 0)
		cli_fail(kept->unseen || kept->undecided ? 3 : 1);
	return 0;
}

static void
parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "adlJH0m:t:R:T:hV", options,
	                        NULL)) != -1) {
		switch (c) {
		case 'a':
			all = 1;
			break;
		case 'd':
			selection.deleted = 1;
			break;
		case 'l':
			detailed = 1;
			break;
		case 'm':
			if (selection.mount || !*optarg)
				cli_usage("-m: one mount point");
			selection.mount = optarg;
			break;
		case 't':
			select_types(optarg);
			break;
		case COUNT:
			counts = 1;
			break;
		default:
			cli_option(c);
		}
	}
	if (counts && (all || detailed || select_narrows()))
		cli_usage("--count goes with none of -adlmt");
}

int
main(int argc, char **argv)
{
	int i, pid;

	cli_open(argv);
	parse_options(argc, argv);
	args = argv;
	for (i = optind; i < argc; i++) {
		const char *s = argv[i];

		/* digits only are a process, anything else is a file */
		if (num_pid(s, &pid) < 0 &&
		    (counts || s[strspn(s, "0123456789")] == '\0'))
			cli_usage("%s: not a process ID", *s ? s : "''");
	}
	picks = calloc((size_t)(argc - optind) + 1, sizeof *picks);
	kept = guard_share(sizeof *kept);
	if (!picks || !kept) {
		cli_warn("%s", strerror(errno));
		return 1;
	}
	out.mode = cli.mode;
	detailed |= out.mode == OUT_JSON;
	out.columns = counts ? count_columns : detailed ? row_long_columns :
	    row_columns;
	return cli_run(scan, 0);
}
