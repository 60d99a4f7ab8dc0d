/*
 * guard - what the guarded scan costs, in ratios; nothing is judged
 *
 * usage: guard LSFD
 *
 * The same scan of /proc (a link and its attributes for each descriptor, a line
 * printed for it) in this process, its output in blocks, and under guard_run; and
 * a whole run of LSFD on one process against the start of grep. CPU time with
 * that of the children, the medians of runs that take turns.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "proc.h"

enum { SCANS = 31, STARTS = 201, HOLDERS = 2, FILES = 15000 };

extern char **environ;

static struct buf target, lines;
static unsigned *seen;
static int guarding;

static double
cpu(void)
{
	struct rusage self, children;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
#define MS(t) ((double)(t).tv_sec * 1e3 + (double)(t).tv_usec / 1e3)
	return MS(self.ru_utime) + MS(self.ru_stime) +
	    MS(children.ru_utime) + MS(children.ru_stime);
}

static double
wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
print(size_t enough)
{
	if (lines.n > enough &&
	    guard_write(STDOUT_FILENO, lines.s, lines.n) < 0)
		_exit(1);
	if (lines.n > enough)
		lines.n = 0;
}

static void
scan_process(int dir)
{
	struct numdir fds;
	struct kstatx st;
	char name[32];
	int fd;

	if (numdir_open(&fds, dir, "fd") < 0)
		return;
	while (numdir_next(&fds, &fd) == 1) {
		guard_fd(fd);
		snprintf(name, sizeof name, "%d", fd);
		if (proc_readlink(fds.fd, name, &target) < 0 ||
		    proc_statx(fds.fd, name, &st) < 0)
			continue;
		++*seen;
		buf_put(&lines, target.s, target.n);
		buf_put(&lines, "\n", 1);
		print(guarding ? 0 : 32 * 1024);
	}
	numdir_close(&fds);
}

static int
scan(void)
{
	struct numdir all;
	int root = proc_root("/proc"), pid, dir;

	*seen = 0;
	if (root < 0 || numdir_open(&all, root, ".") < 0)
		return 1;
	while (numdir_next(&all, &pid) == 1) {
		if ((dir = proc_open(root, pid)) < 0)
			continue;
		guard_process(pid);
		scan_process(dir);
		close(dir);
	}
	print(0);
	numdir_close(&all);
	close(root);
	return 0;
}

/* A process with something to scan, on an idle machine too; it ends with us. */
static void
hold_files(void)
{
	struct rlimit files = { FILES + 64, FILES + 64 };
	int i, fds[2];
	char c;

	if (pipe(fds) < 0)
		err(1, "pipe");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_NOFILE, &files);
		for (i = 0; i < FILES; i++)
			if (open("/dev/null", O_RDONLY) < 0)
				break;
		close(fds[1]);
		for (;;)
			pause();
	}
	close(fds[1]);
	while (read(fds[0], &c, 1) > 0)
		;
	close(fds[0]);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, compare);
	return v[n / 2];
}

static double
start(char **argv)
{
	double t = wall();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, *argv, NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) < 0)
		err(1, "%s", *argv);
	return wall() - t;
}

int
main(int argc, char **argv)
{
	char pid[16], *lsfd[] = { argv[argc - 1], pid, NULL },
	    *grep[] = { "grep", "-c", "x", "/dev/null", NULL };
	double direct[SCANS], guarded[SCANS], a[STARTS], b[STARTS], t;
	int i, null = open("/dev/null", O_WRONLY), out = dup(1);

	if (argc != 2 || null < 0 || !(seen = guard_share(sizeof *seen)))
		errx(2, "usage: guard LSFD");
	dup2(null, 1);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	for (i = 0; i < STARTS; i++) {
		a[i] = start(grep);
		b[i] = start(lsfd);
	}
	for (i = 0; i < HOLDERS; i++)
		hold_files();
	for (i = 0; i < SCANS; i++) {
		guarding = 0;
		t = cpu();
		scan();
		direct[i] = cpu() - t;
		guarding = 1;
		t = cpu();
		if (guard_run(scan, 1000) != 0)
			errx(1, "the guarded scan failed");
		guarded[i] = cpu() - t;
	}
	dprintf(out, "scan of %u descriptors, CPU: direct %.2f ms, guarded "
	        "%.2f ms, ratio %.3f\n", *seen, median(direct, SCANS),
	        median(guarded, SCANS),
	        median(guarded, SCANS) / median(direct, SCANS));
	dprintf(out, "run from start to end: grep -c x /dev/null %.2f ms, lsfd "
	        "of one process %.2f ms, ratio %.2f\n", median(a, STARTS),
	        median(b, STARTS), median(b, STARTS) / median(a, STARTS));
	return 0;
}
