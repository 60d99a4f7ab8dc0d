#include <sys/ioctl.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "meter.h"
#include "num.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"

/* CAP_SYS_PTRACE passes the checks of ptrace(2), CAP_DAC_READ_SEARCH the modes
 * of the directories of another user's process. */
#define HELP " (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)"

struct cli cli = { .procfs = "/proc", .timeout = 1000 };

/* What survives a child that got stuck. */
static struct {
	int status, headed;
	int shortage;		/* was said */
	unsigned refused;
} *kept;

static char **args;
static int (*scan_of_tool)(void);

/* getopt(3) prints an unknown option as it is, which may be a file's name that
 * a shell put there: the message is ours if there are bytes to escape. */
static void
mute_getopt(char **arg)
{
	const char *s;

	for (; *arg; arg++)
		for (s = *arg; *s && **arg == '-'; s++)
			if (*s < ' ' || *s > '~')
				opterr = 0;
}

void
cli_open(char **argv)
{
	int fd;

	/* What is opened from here on must not become standard output; what is
	 * written to a closed one still fails. */
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
	argv[0] = program_invocation_short_name;
	args = argv;
	mute_getopt(argv + 1);
}

static void
say(const char *fmt, va_list ap)
{
	struct buf line = { 0 };
	char *s;
	int n = vasprintf(&s, fmt, ap);

	if (n < 0)
		return;
	if (out_quote(&line, program_invocation_short_name,
	              strlen(program_invocation_short_name), 0) == 0 &&
	    buf_put(&line, ": ", 2) == 0 &&
	    out_quote(&line, s, (size_t)n, 0) == 0 &&
	    buf_put(&line, "\n", 1) == 0)
		guard_write(STDERR_FILENO, line.s, line.n);
	free(s);
	buf_free(&line);
}

void
cli_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	cli_warn("try '%s --help'", program_invocation_short_name);
	exit(2);
}

static _Noreturn void
print_and_exit(const char *s)
{
	if (guard_write(STDOUT_FILENO, s, strlen(s)) < 0) {
		if (errno != EPIPE)
			cli_warn("stdout: %s", strerror(errno));
		exit(1);
	}
	exit(0);
}

void
cli_option(int c)
{
	struct buf version = { 0 };
	static const char rest[] = " (proctools) " VERSION "\n";

	switch (c) {
	case 'h':
		print_and_exit(usage);
	case 'V':
		out_quote(&version, args[0], strlen(args[0]), 0);
		buf_put(&version, rest, sizeof rest - 1);
		print_and_exit(version.s ? version.s : rest);
	case 'J':
	case 'H':
	case '0':
		if (cli.mode && (cli.mode == OUT_JSON) != (c == 'J'))
			cli_usage("-J excludes -H and -0");
		if (cli.mode != OUT_NUL)
			cli.mode = c == 'J' ? OUT_JSON :
			    c == 'H' ? OUT_TAB : OUT_NUL;
		return;
	case 'R':
		cli.procfs = *optarg ? optarg : "''";
		return;
	case 'T':
		if (num_secs(optarg, &cli.timeout) < 0)
			cli_usage("%s: not a number of seconds",
			          *optarg ? optarg : "''");
		return;
	default:
		if (!opterr && optopt)
			cli_usage("-%c: bad option", optopt);
		if (!opterr)
			cli_usage("%s: bad option", args[optind - 1]);
		/* getopt has said what is wrong */
		cli_warn("try '%s --help'", program_invocation_short_name);
		exit(2);
	}
}

void
cli_fail(int status)
{
	if (status > kept->status)
		kept->status = status;
}

/* Did something run out? Then there is more that can't be looked at. */
static int
is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM;
}

void
cli_error(const char *object, int err)
{
	if (err == ETIMEDOUT)
		return;
	if (err == EACCES || err == EPERM) {
		cli_warn("%s: %s" HELP, object, strerror(err));
		cli_fail(3);
	} else if (is_shortage(err)) {
		if (!kept->shortage)
			cli_warn("%s: %s", object, strerror(err));
		kept->shortage = 1;
		cli_fail(3);
	} else {
		cli_warn("%s: %s", object, strerror(err));
		cli_fail(1);
	}
}

/* The process, or that thread of it, as the user named it, else its number. */
static const char *
name_of(int pid, int tid)
{
	static char number[16];
	struct walk_pick pick;
	int i, p, t, root, found = 0;

	for (i = optind; args[i]; i++)
		if (num_task(args[i], &p, &t) == 0 && (p == pid || p == tid) &&
		    (t == 0 || t == tid))
			return args[i];
	/* By the ID of a thread of it? Only the first operand is a process in
	 * all tools. */
	if (args[optind] && num_pid(args[optind], &p) == 0 &&
	    (root = proc_root(cli.procfs)) >= 0) {
		found = walk_resolve(root, p, &pick) == 0 && pick.pid == pid;
		close(root);
	}
	if (found)
		return args[optind];
	snprintf(number, sizeof number, "%d", pid);
	return number;
}

void
cli_path_error(const char *path, int err)
{
	if (err == ETIMEDOUT)
		return;
	cli_warn("%s: %s%s", path, strerror(err),
	         err == EACCES || err == EPERM ?
	         " (needs root or CAP_DAC_READ_SEARCH)" : "");
	cli_fail(err == ENOENT || err == ENOTDIR || err == ELOOP ||
	    err == ENAMETOOLONG ? 1 : 3);
}

void
cli_process_error(int pid, int err, int scan)
{
	if (scan && (err == EACCES || err == EPERM))
		kept->refused++;
	if (scan && (err == ENOENT || err == ESRCH || err == EACCES ||
	    err == EPERM))
		return;
	cli_error(scan && is_shortage(err) ? cli.procfs : name_of(pid, 0), err);
}

unsigned
cli_refused(void)
{
	if (kept->refused)
		cli_warn("%u process%s not be read" HELP, kept->refused,
		         kept->refused == 1 ? " could" : "es could");
	return kept->refused;
}

void
cli_undecided(unsigned n)
{
	if (n)
		cli_warn("%u file%s of another mount namespace, or not to be "
		         "looked up: can't tell whether deleted", n,
		         n == 1 ? "" : "s");
}

int
cli_hidden(int root)
{
	if (!walk_hides(root))
		return 0;
	cli_warn("%s: other users' processes are hidden" HELP, cli.procfs);
	return 1;
}

void
cli_die(void)
{
	cli_warn("%s", strerror(errno));
	_exit(1);
}

void
cli_end(struct out *o)
{
	if (out_end(o) < 0)
		cli_die();
}

void
cli_put(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	if (r < 0)
		cli_die();
}

void
cli_quote(struct buf *b, const char *s, size_t n, int blank)
{
	if (out_quote(b, s, n, blank) < 0)
		cli_die();
}

void
cli_write(struct buf *b)
{
	if (guard_write(STDOUT_FILENO, b->s, b->n) < 0) {
		cli_warn("stdout: %s", strerror(errno));
		_exit(1);
	}
	b->n = 0;
}

void
cli_print(struct out *o)
{
	struct buf heading = { 0 };
	struct out h = { .rec = &heading, .columns = o->columns };

	if (o->rec->n == 0)
		return;
	if (!kept->headed && o->mode == OUT_TEXT) {
		out_heading(&h);
		cli_end(&h);
		/* in one: what is written first is passed on at once */
		if (buf_put(&heading, o->rec->s, o->rec->n) < 0)
			cli_die();
		cli_write(&heading);
		buf_free(&heading);
		o->rec->n = 0;
	}
	kept->headed = 1;
	cli_write(o->rec);
}

void
cli_emit(struct out *o)
{
	cli_end(o);
	cli_print(o);
}

unsigned
cli_width(int fd)
{
	struct winsize size = { 0 };

	return ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col ? 80 :
	    size.ws_col;
}

void
cli_draw(int fd, const struct meter_text *t, int stays)
{
	char line[4096];
	size_t n = meter_line(line, sizeof line, cli_width(fd), *t);

	guard_write(fd, "\r", 1);
	guard_write(fd, line, n);
	guard_write(fd, "\033[K\n", stays ? 4 : 3);
	guard_flush();
}

void *
cli_grow(void *array, size_t n, size_t size)
{
	if (n & (n - 1))	/* it has room up to the next power of 2 */
		return array;
	if (!(array = realloc(array, 2 * (n + 1) * size)))
		cli_die();
	return array;
}

/* Take "//" and "." out of an absolute path. */
static void
tidy(char *path)
{
	char *to = path;
	const char *s;
	size_t n;

	for (s = path; *s; s += n) {
		s += strspn(s, "/");
		n = strcspn(s, "/");
		if (n == 0 || (n == 1 && *s == '.'))
			continue;
		*to++ = '/';
		memmove(to, s, n);
		to += n;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

char *
cli_path(const char *path)
{
	char *s, *cwd;

	if (*path == '/') {
		s = strdup(path);
	} else {
		if (!(cwd = getcwd(NULL, 0)))
			return NULL;
		if (asprintf(&s, "%s/%s", cwd, path) < 0)
			s = NULL;
		free(cwd);
	}
	if (s)
		tidy(s);
	return s;
}

int
cli_root(void)
{
	int root = proc_root(cli.procfs);

	if (root < 0 && errno == ETIMEDOUT)
		_exit(3);
	if (root < 0) {
		cli_warn("%s: %s", cli.procfs, errno == ENODEV ?
		         "no procfs is mounted there" : strerror(errno));
		_exit(1);
	}
	return root;
}

/* Say that a step was not answered, once for what it was made for; 0 if it was
 * not needed. */
static int
say_stall(void)
{
	static int said;
	const struct guard_at *at;
	unsigned ms;
	int what;

	at = guard_stall(&ms);
	if (at->kind == GUARD_ASIDE)
		return 0;
	what = at->pid ? at->pid : -2 - at->fd;
	if (what == said)
		return 1;
	said = what;
	if (at->pid)
		cli_warn("%s: no answer from %s within %g s",
		         name_of(at->pid, at->tid), cli.procfs, ms / 1000.0);
	else
		cli_warn("%s: no answer within %g s", at->fd < 0 ? cli.procfs :
		         args[at->fd], ms / 1000.0);
	return 1;
}

static int
scan_all(void)
{
	int r = scan_of_tool();

	if (proc_shortage())
		cli_error(cli.procfs, proc_shortage());
	return r;
}

int
cli_run(int (*scan)(void), int anew)
{
	int stalled = 0, r;

	scan_of_tool = scan;
	if (!(kept = guard_share(sizeof *kept)))
		cli_die();
	while ((r = guard_run(scan_all, cli.timeout)) == GUARD_STALLED) {
		stalled |= say_stall();
		cli.again = anew;
		if (anew)
			kept->status = (int)(kept->refused = 0);
	}
	if (r == GUARD_STDOUT || r == GUARD_FORK) {
		if (errno != EPIPE)
			cli_warn("%s: %s", r == GUARD_FORK ? "fork" : "stdout",
			         strerror(errno));
		return 1;
	}
	if (WIFSIGNALED(r)) {
		signal(WTERMSIG(r), SIG_DFL);
		raise(WTERMSIG(r));
		return 1;
	}
	/* A full disk may show only now (NFS, quotas). */
	if (close(STDOUT_FILENO) < 0) {
		cli_warn("stdout: %s", strerror(errno));
		return 1;
	}
	if (WEXITSTATUS(r))
		return WEXITSTATUS(r);
	return stalled ? 3 : kept->status;
}
