/* fdrecover - list deleted files that are still open, and bring them back */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "num.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "deleted.h"
#include "restore.h"

const char usage[] =
"usage: fdrecover [-JH0] [-m MOUNTPOINT] [-T SECS] [-R DIR]\n"
"       fdrecover [-cn] [--pause] [-T SECS] [-R DIR] PID FD [DEST]\n"
"       fdrecover [-cn] [--pause] [-T SECS] [-R DIR] PATH [DEST]\n"
"  -c, --copy          a copy also where the file could be linked\n"
"  -m, --mount MOUNTPOINT  list only files of this mounted file system\n"
"  -n, --dry-run       only say what would be done\n"
"      --pause         stop all that can write to the file during a copy\n"
CLI_RECORD_USAGE;

enum { PAUSE = 256 };
enum { BATCH = 4096 };		/* bytes that are worth a write */

static const struct option options[] = {
	{ "copy", no_argument, NULL, 'c' },
	{ "mount", required_argument, NULL, 'm' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "pause", no_argument, NULL, PAUSE },
	CLI_RECORD_OPTIONS,
	{ 0 }
};

static struct buf rec;
static struct out out = { .rec = &rec };
static const char *mount;

static void
say_total(struct deleted **files, size_t n)
{
	unsigned long long total = 0;
	char s[24];
	size_t i;

	for (i = 0; i < n; i++)
		total += files[i]->blocks * 512;
	if (cli.mode == OUT_TEXT)
		out_scale(s, total);
	else
		snprintf(s, sizeof s, "%llu", total);
	cli_warn("%s in %zu deleted files", s, n);
}

static int
list(void)
{
	struct deleted **files;
	int root = cli_root();
	size_t n, i;

	if (mount && deleted_mount(root, mount) < 0)
		return 0;
	files = deleted_find(root, NULL, &n);
	for (i = 0; i < n; i++) {
		deleted_put(&out, files[i]);
		cli_end(&out);
		if (rec.n >= BATCH)
			cli_print(&out);
	}
	cli_print(&out);
	if (deleted_unseen(root, n == 0) && n == 0)
		cli_fail(3);
	if (n == 0)
		cli_fail(1);
	if (n > 1)
		say_total(files, n);
	return 0;
}

/* What the column FD prints: a number, exe, the range of a mapping; 0 or -1. */
static int
parse_fd(const char *s, int *fd)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = strspn(s, hex);

	if (num_fd(s, fd) == 0)
		return 0;
	*fd = strcmp(s, "exe") == 0 ? DESC_EXE : DESC_MEM;
	if (*fd == DESC_EXE || (n && s[n] == '-' && s[n + 1] &&
	    s[n + 1 + strspn(s + n + 1, hex)] == '\0'))
		return 0;
	return -1;
}

/* The number that a path goes on with, as a text of its own that has no end,
 * and the path moved behind it; NULL if it is none. */
static char *
part(const char **path, int *pid)
{
	size_t n = strcspn(*path, "/");
	char *s = strndup(*path, n);

	if (!s || (*path)[n] == '\0' || num_pid(s, pid) < 0) {
		free(s);
		return NULL;
	}
	*path += n;
	*path += strspn(*path, "/");
	return s;
}

/* What follows in the path, or NULL if it does not begin so. Several slashes
 * are as good as one. */
static const char *
behind(const char *path, const char *prefix)
{
	while (*prefix) {
		if (*prefix != *path)
			return NULL;
		if (*prefix == '/') {
			prefix += strspn(prefix, "/");
			path += strspn(path, "/");
		} else {
			prefix++;
			path++;
		}
	}
	return path;
}

/* A path such as /proc/PID/fd/N or /proc/PID/task/TID/exe, as it is pasted:
 * take it for what it names. */
static void
parse_path(struct restore *r)
{
	static char *process;		/* stays as long as *r */
	const char *s = behind(r->path, cli.procfs), *fd;

	if (!s || (*s != '/' && s[-1] != '/'))
		return;
	s += strspn(s, "/");
	if (!(process = part(&s, &r->pid)))
		return;
	if ((fd = behind(s, "task/"))) {
		s = fd;
		free(process);
		if (!(process = part(&s, &r->pid)))
			return;
	}
	if (!(fd = behind(s, "fd/")) && !(fd = behind(s, "map_files/")))
		fd = strcmp(s, "exe") == 0 ? s : "";
	if (parse_fd(fd, &r->fd) == 0) {
		r->process = process;
		r->descriptor = fd;
	}
}

static void
parse_operands(struct restore *r, char **v)
{
	if (**v == '\0')
		cli_usage("'': not a process ID and not a path");
	if (v[0][strspn(v[0], "0123456789")]) {
		r->path = *v++;
		parse_path(r);
	} else {
		if (num_pid(v[0], &r->pid) < 0)
			cli_usage("%s: not a process ID", v[0]);
		if (!v[1])
			cli_usage("%s: which descriptor? (PID FD [DEST])",
			          v[0]);
		if (parse_fd(v[1], &r->fd) < 0)
			cli_usage("%s: not a descriptor (a number, exe, or "
			          "A-B of a mapping)", *v[1] ? v[1] : "''");
		r->process = v[0];
		r->descriptor = v[1];
		v += 2;
	}
	if (*v && v[1])
		cli_usage("%s: one operand too many", v[1]);
	if (*v && **v == '\0')
		cli_usage("'': not a file name");
	r->dest = *v;
}

int
main(int argc, char **argv)
{
	struct restore r = { 0 };
	int c;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "cm:nJH0R:T:hV", options,
	    NULL)) != -1) {
		if (c == 'm' && (mount || !*optarg))
			cli_usage("-m: one mount point");
		else if (c == 'm')
			mount = optarg;
		else if (c == 'c')
			r.copy = 1;
		else if (c == 'n')
			r.dry = 1;
		else if (c == PAUSE)
			r.pause = 1;
		else
			cli_option(c);
	}
	out.mode = cli.mode;
	out.columns = deleted_columns;
	if (optind == argc) {
		if (r.copy || r.dry || r.pause)
			cli_usage("-c, -n and --pause are for a file: PID FD "
			          "or PATH");
		return cli_run(list, 1);
	}
	if (cli.mode || mount)
		cli_usage("-J, -H, -0 and -m are for the list, without "
		          "operands");
	parse_operands(&r, argv + optind);
	r.at = optind + (r.dest ? argc - optind - 1 : 0);
	return restore(&r);
}
