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

static void
add_call(const struct call *c)
{
	calls = cli_grow(calls, ncalls, sizeof *c);
	calls[ncalls++] = *c;
}

/* The calls that block on an object with two ends, and which arguments are what
 * they read from and write to. preadv2 at offset -1 is a readv. */
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
		{ "recvfrom", 0, -1 }, { "recvmsg", 0, -1 },
		{ "recvmmsg", 0, -1 }, { "recvmmsg_time64", 0, -1 },
		{ "recv", 0, -1 }, { "accept", 0, -1 }, { "accept4", 0, -1 },
		{ "sendto", -1, 0 }, { "sendmsg", -1, 0 },
		{ "sendmmsg", -1, 0 }, { "send", -1, 0 },
		{ "mq_timedreceive", 0, -1 },
		{ "mq_timedreceive_time64", 0, -1 },
		{ "mq_timedsend", -1, 0 }, { "mq_timedsend_time64", -1, 0 },
	};
	static const char *const locks[] = { "flock", "fcntl", "fcntl64" };
	/* a 32-bit program has nothing above 4 GB */
	int compat = c->sp <= UINT32_MAX && c->pc <= UINT32_MAX &&
	    sizeof(long) == 8;
	const char *name = sysname(c->nr, compat);
	struct call call = { .pid = pid, .tid = tid, .fd = (int)c->args[0],
		.state = BLOCKED_LOCKING };
	size_t i;

	for (i = 0; name && i < sizeof locks / sizeof *locks; i++)
		if (strcmp(name, locks[i]) == 0)
			add_call(&call);
	for (i = 0; name && i < sizeof known / sizeof *known; i++) {
		if (strcmp(name, known[i].name) != 0)
			continue;
		call.several = known[i].in >= 0 && known[i].out >= 0;
		call.state = BLOCKED_READING;
		call.fd = (int)c->args[known[i].in < 0 ? 0 : known[i].in];
		if (known[i].in >= 0)
			add_call(&call);
		call.state = BLOCKED_WRITING;
		call.fd = (int)c->args[known[i].out < 0 ? 0 : known[i].out];
		if (known[i].out >= 0)
			add_call(&call);
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
		if (proc_read(dir, name, &text) < 0)
			add_call(&(struct call){ .pid = pid, .fd = -1,
			         .state = BLOCKED_UNKNOWN });
		else if (parse_syscall(text.s, &c) == 0 && c.what == TASK_CALL)
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
	for (i = 0; i < ncalls; i++) {
		const struct call *c = &calls[i];

		refused = c->state == BLOCKED_READING ? PEER_WRITES :
		    c->state == BLOCKED_WRITING ? PEER_READS : -1;
		if (c->pid != e->pid || (c->fd != e->fd && c->fd >= 0))
			continue;
		if (c->state == BLOCKED_UNKNOWN)
			state = c->state;
		else if (e->roles != refused && is_blocked(root, dir, c, e))
			break;
	}
	close(dir);
	return i < ncalls ? calls[i].state : state;
}
