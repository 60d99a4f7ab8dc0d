#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "blocked.h"
#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "sys.h"
#include "sysname.h"
#include "walk.h"
#include "peer.h"

/* A descriptor that a thread is blocked on. */
struct call {
	int pid, tid, fd;
	enum blocked state;
	int several;		/* the call may wait for another one as well */
};

static struct call *calls;
static size_t ncalls;
static int *pids;		/* the processes whose calls they are */
static size_t npids;
static struct buf text;

/* The calls that block on a pipe, and which arguments are what they read from
 * and write to. preadv2 at offset -1 is a readv. */
static void
note_call(int pid, int tid, const struct task_syscall *c)
{
	static const struct {
		const char *name;
		int in, out;
	} known[] = {
		{ "read", 0, -1 }, { "readv", 0, -1 }, { "preadv2", 0, -1 },
		{ "write", -1, 0 }, { "writev", -1, 0 }, { "pwritev2", -1, 0 },
		{ "splice", 0, 2 }, { "tee", 0, 1 }, { "vmsplice", 0, 0 },
		{ "sendfile", 1, 0 }, { "sendfile64", 1, 0 },
	};
	/* a 32-bit program has nothing above 4 GB */
	int compat = c->sp <= UINT32_MAX && c->pc <= UINT32_MAX &&
	    sizeof(long) == 8;
	const char *name = sysname(c->nr, compat);
	size_t i;

	for (i = 0; name && i < sizeof known / sizeof *known; i++) {
		struct call call = { .pid = pid, .tid = tid };

		if (strcmp(name, known[i].name) != 0)
			continue;
		call.several = known[i].in >= 0 && known[i].out >= 0;
		call.fd = (int)c->args[known[i].in < 0 ? 0 : known[i].in];
		call.state = BLOCKED_READING;
		calls = cli_grow(calls, ncalls, sizeof call);
		if (known[i].in >= 0)
			calls[ncalls++] = call;
		call.fd = (int)c->args[known[i].out < 0 ? 0 : known[i].out];
		call.state = BLOCKED_WRITING;
		calls = cli_grow(calls, ncalls, sizeof call);
		if (known[i].out >= 0)
			calls[ncalls++] = call;
	}
}

/* Read what the threads of a process are blocked in, if we may. */
static void
load_calls(int dir, int pid)
{
	struct task_syscall c;
	struct numdir tasks;
	char name[40];
	int tid;
	size_t i;

	for (i = 0; i < npids; i++)
		if (pids[i] == pid)
			return;
	pids = cli_grow(pids, npids, sizeof *pids);
	pids[npids++] = pid;
	if (numdir_open(&tasks, dir, "task") < 0)
		return;
	while (numdir_next(&tasks, &tid) == 1) {
		snprintf(name, sizeof name, "task/%d/syscall", tid);
		if (proc_read(dir, name, &text) == 0 &&
		    parse_syscall(text.s, &c) == 0 && c.what == TASK_CALL)
			note_call(pid, tid, &c);
	}
	numdir_close(&tasks);
}

/* Does a file of a thread say so (a whole line)? */
static int
reads_as(int dir, int tid, const char *file, const char *s)
{
	char name[48];

	snprintf(name, sizeof name, "task/%d/%s", tid, file);
	return proc_read(dir, name, &text) == 0 &&
	    strncmp(text.s, s, strlen(s)) == 0 &&
	    text.s[strlen(s) + strspn(text.s + strlen(s), "\n")] == '\0';
}

/* Is the thread asleep in its call, in which the end is its descriptor? */
static int
is_blocked(int root, int dir, const struct call *c, const struct peer_end *e)
{
	struct task_status st;
	char name[48];
	int r;

	snprintf(name, sizeof name, "task/%d/status", c->tid);
	if (proc_read(dir, name, &text) < 0 ||
	    parse_status(text.s, &st) < 0 || !strchr("SD", st.state))
		return 0;
	/* since Linux 5.6 */
	if (c->several && !reads_as(dir, c->tid, "wchan",
	    c->state == BLOCKED_READING ? "pipe_wait_readable" :
	    "pipe_wait_writable"))
		return 0;
	if (c->tid != e->thread) {
		r = sys_kcmp(root, c->tid, e->thread, SYS_KCMP_FILES, 0, 0);
		if (r > 0 || (r < 0 && (errno == ESRCH || errno == ETIMEDOUT)))
			return 0;
	}
	/* where kcmp is refused this has to do */
	snprintf(name, sizeof name, "task/%d/fd/%d", c->tid, c->fd);
	return peer_leads_to(dir, name, &e->key);
}

void
blocked_forget(void)
{
	npids = ncalls = 0;
}

enum blocked
blocked_on(int root, const struct peer_end *e)
{
	int dir = proc_open(root, e->pid), refused;
	enum blocked state = BLOCKED_NOT;
	size_t i;

	if (dir < 0)
		return BLOCKED_NOT;
	load_calls(dir, e->pid);
	for (i = 0; i < ncalls && state == BLOCKED_NOT; i++) {
		refused = calls[i].state == BLOCKED_READING ? PEER_WRITES :
		    PEER_READS;
		if (calls[i].pid == e->pid && calls[i].fd == e->fd &&
		    e->roles != refused && is_blocked(root, dir, &calls[i], e))
			state = calls[i].state;
	}
	close(dir);
	return state;
}
