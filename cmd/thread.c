#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "call.h"
#include "out.h"
#include "cli.h"
#include "parse_task.h"
#include "proc.h"
#include "thread.h"

int
thread_status(struct thread *t)
{
	if (proc_read(t->dir, "status", &t->text) < 0)
		return -1;
	if (parse_status(t->text.s, &t->st) == 0 && t->st.state != 'X')
		return 0;
	errno = ESRCH;
	return -1;
}

int
thread_run(struct thread *t, struct run *run)
{
	struct task_status st;

	run->ns = 0;
	/* Without the file, or all zeroes (CONFIG_SCHED_INFO), the switches
	 * have to tell. */
	if (proc_read(t->dir, "schedstat", &t->text) == 0 && t->text.n)
		parse_schedstat(t->text.s, &run->ns);
	if (proc_read(t->dir, "status", &t->text) < 0)
		return -1;
	errno = ESRCH;
	if (parse_status(t->text.s, &st) < 0)
		return -1;
	run->times = st.switches;
	return 0;
}

const char *
thread_frames(const struct thread *t)
{
	return t->stacked ? t->stack.s : t->wchan.n ? t->wchan.s : "";
}

const char *
thread_word(const struct thread *t)
{
	if (!t->calls)
		return t->word;
	return t->call.name ? t->call.name : t->call.text.s;
}

void
thread_put_command(const struct thread *t, struct buf *b)
{
	if (t->comm.n == 0)
		cli_put(b, "-");
	else if (t->comm.n == 1 && *t->comm.s == '-')
		cli_put(b, "\\055");
	else
		cli_quote(b, t->comm.s, t->comm.n, 1);
}

/* Have what the file comm says: 0, or -1 if the thread is gone. A procfs says
 * the same in status, which was read just now; to open another file costs a
 * tenth of all that is done for a thread. */
static int
read_command(struct thread *t)
{
	char name[256];
	size_t n = 0;

	if (!proc_is_copy())
		n = parse_name(t->text.s, name, sizeof name);
	t->comm.n = 0;
	if (n && buf_put(&t->comm, name, n) < 0)
		cli_die();
	if (n)
		return 0;
	if (proc_read(t->dir, "comm", &t->comm) < 0)
		return -1;
	if (t->comm.n && t->comm.s[t->comm.n - 1] == '\n')
		t->comm.n--;
	return 0;
}

/* Is the thread still there? Directory descriptors don't lead to a new one that
 * got its number. */
static int
alive(struct thread *t)
{
	return proc_read(t->dir, "status", &t->text) == 0 && t->text.n;
}

/* Read the file stack or syscall: 1, 0 if it can't be had, or -1 if the thread
 * is gone. */
static int
read_file(struct thread *t, const char *name, struct buf *b)
{
	int stacks = strcmp(name, "stack") == 0;
	int r = -1, err, fd = proc_file(t->dir, name);

	if (fd >= 0)
		r = proc_reread(fd, name, b);
	err = errno;
	if (fd >= 0)
		close(fd);
	if (r == 0)
		return 1;
	if (err == ESRCH || (err == ENOENT && !alive(t)))
		return -1;
	if (err == ENOENT)
		t->missing |= 1U << (stacks ? NO_STACKTRACE : NO_TRACEHOOK);
	else if (err == EACCES)
		t->missing |= 1U << (fd >= 0 && stacks ? NO_ADMIN : NOT_OURS);
	else if (err == EPERM)
		t->missing |= 1U << NO_PTRACE;
	else
		t->err = err;
	return 0;
}

/* The word for a thread that is in no call whatever the file syscall says (it
 * has an old number then), or NULL. */
static const char *
state_word(const struct task_status *st)
{
	switch (st->state) {
	case 'Z':
		return "zombie";
	case 'T':
		return "stopped";
	case 't':
		return "traced";
	case 'R':
		return st->kthread ? "kernel thread" : "running";
	default:
		return st->kthread ? "kernel thread" : NULL;
	}
}

/* Find out by the file syscall what the thread does; 0, or -1 if it is gone. */
static int
read_call(struct thread *t)
{
	const char *frames = t->stacked ? t->stack.s : "";
	int r = read_file(t, "syscall", &t->text);

	if (r <= 0)
		return r;
	if (parse_syscall(t->text.s, &t->sys) < 0)
		return alive(t) ? 0 : -1;	/* empty: it ended meanwhile */
	if (t->sys.what == TASK_RUNNING) {
		t->st.state = 'R';		/* since status was read */
		t->word = "running";
	} else if (t->sys.what == TASK_NO_CALL && t->sys.sp == 0) {
		/* it ended since status was read, and has no stack any more */
		if (thread_status(t) < 0)
			return -1;
		t->word = state_word(&t->st);
	} else if (t->sys.sp == 0 && t->sys.pc == 0) {
		/* a process's thread that the kernel made, such as a worker of
		 * io_uring, shows its maker's call */
		t->word = "kernel thread";
	} else if (t->sys.what == TASK_CALL) {
		t->calls = 1;
		t->call.root = t->root;
		t->call.dir = t->dir;
		t->call.sys = &t->sys;
		t->call.stack = frames;
		call_decode(&t->call);
	} else if (call_is_fault(frames)) {
		t->word = "page fault";
	}
	return 0;
}

int
thread_read(struct thread *t, int always)
{
	int r;

	t->stacked = t->calls = t->err = 0;
	t->missing = 0;
	t->wchan.n = 0;
	if (read_command(t) < 0)
		return -1;
	if (t->st.state != 'Z') {
		if ((r = read_file(t, "stack", &t->stack)) < 0)
			return -1;
		t->stacked = r;
	}
	t->word = state_word(&t->st);
	if (!t->word && t->err != ETIMEDOUT && read_call(t) < 0)
		return -1;
	if (!t->word || t->err == ETIMEDOUT)
		t->word = "unknown";
	if (t->st.state != 'Z' && (!t->stacked || always) &&
	    proc_read(t->dir, "wchan", &t->wchan) < 0)
		t->wchan.n = 0;
	if (t->wchan.n == 1 && *t->wchan.s == '0')
		t->wchan.n = 0;
	return 0;
}
