#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <errno.h>
#include <poll.h>
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
#include "out.h"
#include "cli.h"
#include "parse_task.h"
#include "pause.h"
#include "proc.h"
#include "sys.h"
#include "writers.h"

enum { LOOK = 100, MORE = 500 };	/* ms */

/* What the process that stops others says of one of them. */
struct answer {
	int err, tid, fresh;
};

static struct {
	int pid;			/* of that process, or 0 */
	int untaken;			/* 1 or 2: why it has ended */
} *kept;

static int sock = -1;

/* The threads that are stopped, or are to stop. */
static struct thread {
	int tid, stopped;
} *threads;
static size_t nthreads;

/* Has the thread ended? Of one that did and is not waited for ptrace says that
 * it is not permitted. */
static int
is_gone(int dir, int tid)
{
	static struct buf b;
	struct task_status st;
	char name[32];

	snprintf(name, sizeof name, "task/%d/status", tid);
	return proc_read(dir, name, &b) < 0 || parse_status(b.s, &st) < 0 ||
	    strchr("ZX", st.state);
}

/* Begin to stop the threads that are not known yet; their number, or -1. */
static int
stop_more(int root, int dir, struct answer *a)
{
	struct numdir tasks;
	int n = 0, tid;
	size_t i;

	if (numdir_open(&tasks, dir, "task") < 0)
		return 0;
	while (n >= 0 && numdir_next(&tasks, &tid) == 1) {
		for (i = 0; i < nthreads && threads[i].tid != tid; i++)
			;
		if (i < nthreads || is_gone(dir, tid))
			continue;
		if (sys_stop(root, tid) < 0) {
			if (errno == ESRCH || is_gone(dir, tid))
				continue;
			a->err = errno;
			a->tid = tid;
			n = -1;
			break;
		}
		threads = cli_grow(threads, nthreads, sizeof *threads);
		threads[nthreads++] = (struct thread){ .tid = tid };
		n++;
	}
	numdir_close(&tasks);
	return n;
}

/* Wait until all have stopped or ended; 0, or -1. */
static int
wait_for_all(struct answer *a)
{
	static const struct timespec tick = { 0, 1000 * 1000 };
	struct timespec t;
	double end;
	size_t i, left;
	int tid;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end = (double)t.tv_sec + (double)t.tv_nsec / 1e9 + cli.timeout / 1000.0;
	for (;;) {
		while ((tid = sys_stopped()) > 0)
			for (i = 0; i < nthreads; i++)
				if (threads[i].tid == tid)
					threads[i].stopped = 1;
		for (i = left = 0; i < nthreads; i++)
			if (!threads[i].stopped && ++left)
				a->tid = threads[i].tid;
		if (left == 0)
			return 0;
		clock_gettime(CLOCK_MONOTONIC, &t);
		if (cli.timeout &&
		    (double)t.tv_sec + (double)t.tv_nsec / 1e9 > end)
			break;
		nanosleep(&tick, NULL);
	}
	a->err = ETIMEDOUT;
	return -1;
}

/* Stop a process, also the threads that are made meanwhile. */
static struct answer
stop_process(int root, int pid)
{
	struct answer a = { 0 };
	int dir = proc_open(root, pid);

	/* by number, but what is listed in its directory is the process's */
	while (dir >= 0 && stop_more(root, dir, &a) > 0) {
		a.fresh = 1;
		if (wait_for_all(&a) < 0)
			break;
	}
	if (dir >= 0)
		close(dir);
	return a;
}

/* The descriptor whose reader, who may be stopped himself, took nothing for as
 * long as an answer may take, or 0; to be called every LOOK ms. */
static int
find_untaken(void)
{
	static size_t before;
	static unsigned ms;
	size_t written;
	int fd = guard_waits(&written);

	ms = fd && written == before ? ms + LOOK : 0;
	before = written;
	return cli.timeout && ms >= cli.timeout ? fd : 0;
}

/* The process that stops others, until it is told to end by a 0 or by the end
 * of those it works for, or nobody takes what they print. */
static _Noreturn void
serve(pid_t parent)
{
	struct pollfd pfd = { .fd = 0, .events = POLLIN };
	struct answer a = { 0 };
	int root = cli_root(), pid;

	for (;;) {
		if (poll(&pfd, 1, LOOK) == 0 && ((kill(parent, 0) < 0 &&
		    errno == ESRCH) || (kept->untaken = find_untaken())))
			_exit(1);
		if (pfd.revents == 0)
			continue;
		if (recv(0, &pid, sizeof pid, 0) != sizeof pid)
			_exit(1);
		if (pid)
			a = stop_process(root, pid);
		if (send(0, &a, sizeof a, MSG_NOSIGNAL) < 0 || pid == 0)
			_exit(a.err != 0);
	}
}

int
pause_init(void)
{
	return (kept = guard_share(sizeof *kept)) ? 0 : -1;
}

int
pause_start(void)
{
	pid_t parent = getppid();
	int sv[2], pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	kept->untaken = 0;
	if ((pid = guard_fork(sv[1])) == 0)
		serve(parent);
	close(sv[1]);
	sock = sv[0];
	kept->pid = pid < 0 ? 0 : pid;
	return pid < 0 ? -1 : 0;
}

/* Tell it, and have its answer; 0, or -1 with errno. */
static int
ask(int pid, struct answer *a)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };

	if (send(sock, &pid, sizeof pid, MSG_NOSIGNAL) < 0)
		return -1;
	/* it may wait for a lock itself */
	if (poll(&pfd, 1, cli.timeout ? (int)cli.timeout + MORE : -1) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (recv(sock, a, sizeof *a, 0) != sizeof *a) {
		errno = ECHILD;
		return -1;
	}
	return 0;
}

/* Say why a process was not stopped. */
static void
say_running(int root, int pid, const struct answer *a)
{
	struct buf b = { 0 };
	char name[32];
	const char *tracer = NULL;
	int dir = proc_open(root, pid);

	snprintf(name, sizeof name, "task/%d/status", a->tid);
	if (a->err == EPERM && dir >= 0 && proc_read(dir, name, &b) == 0)
		tracer = parse_field(b.s, "TracerPid");
	snprintf(name, sizeof name, "%d", pid);
	if (tracer && atoi(tracer)) {
		cli_warn("%d: can't be stopped: %d traces it", pid,
		         atoi(tracer));
		cli_fail(1);
	} else if (a->err == ETIMEDOUT) {
		cli_warn("%d/%d: did not stop within %g s", pid, a->tid,
		         cli.timeout / 1000.0);
		cli_fail(3);
	} else {
		cli_error(name, a->err);
	}
	if (dir >= 0)
		close(dir);
	buf_free(&b);
}

int
pause_writers(int root, const struct kstatx *file, const char *object)
{
	static struct writers writers;
	struct answer a;
	int tries, fresh;
	size_t i;

	for (tries = 0; tries < 20; tries++) {
		writers_find(root, file, &writers);
		for (i = 0, fresh = 0; i < writers.n; i++) {
			int pid = writers.list[i].pid;

			a = (struct answer){ .tid = pid };
			if (ask(pid, &a) < 0)
				a.err = errno;
			if (a.err) {
				say_running(root, pid, &a);
				return -1;
			}
			fresh |= a.fresh;
		}
		if (!fresh)
			return 0;
	}
	cli_warn("%s: new processes write to it again and again", object);
	cli_fail(1);
	return -1;
}

int
pause_end(void)
{
	struct answer a = { 0 };
	int all = ask(0, &a) == 0 && a.err == 0;

	close(sock);
	kill(kept->pid, SIGKILL);
	waitpid(kept->pid, NULL, 0);
	kept->pid = 0;
	if (kept->untaken) {
		cli_warn("%s: nothing was read for %g s: what was stopped went "
		         "on", kept->untaken == 1 ? "stdout" : "stderr",
		         cli.timeout / 1000.0);
		cli_fail(3);
	}
	return all;
}

void
pause_clean(void)
{
	/* Its parent is stuck and does not wait for it: the number is its. */
	if (kept->pid)
		kill(kept->pid, SIGKILL);
	kept->pid = 0;
}
