/* pstack - show where in the kernel the threads of processes wait */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "call.h"
#include "guard.h"
#include "kernel.h"
#include "num.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "walk.h"

const char usage[] =
"usage: pstack [-J] [-T SECS] [-R DIR] PID[/TID]...\n"
"  -J, --json          an object a line\n"
CLI_USAGE;

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' },
	CLI_OPTIONS,
	{ 0 }
};

static const struct out_column columns[] = {
	{ "PID", 0 }, { "TID", 0 }, { "COMMAND", 0 }, { "STATE", 0 },
	{ "WHAT", 0 }, { 0 }
};

/* Why something could not be read. What is so for the whole run is said once,
 * what is about an operand once for it. */
enum { NO_ADMIN, NO_STACKTRACE, NO_TRACEHOOK, NOT_OURS, NO_PTRACE };
static const char *const causes[] = {
	[NO_ADMIN] = "kernel stacks need root or CAP_SYS_ADMIN;"
	    " showing wait channels",
	[NO_STACKTRACE] = "this kernel shows no stacks (CONFIG_STACKTRACE);"
	    " showing wait channels",
	[NO_TRACEHOOK] = "this kernel shows no system calls"
	    " (CONFIG_HAVE_ARCH_TRACEHOOK)",
	[NOT_OURS] = "Permission denied"
	    " (needs root, or CAP_SYS_ADMIN and CAP_SYS_PTRACE)",
	[NO_PTRACE] = "Operation not permitted: ptrace access is refused"
	    " (needs CAP_SYS_PTRACE)",
};

struct thread {
	const char *object;		/* the operand as it was given */
	int root, pid, tid, dir;
	struct task_status st;
	int unanswered;			/* by its risky files */
	int stacked;			/* stack is read */
	int calls;			/* it is in a call, which is sys */
	struct task_syscall sys;
	const char *word;		/* what it does else */
};

static int noperands;
static char **operands;
static struct walk_pick *picks;

/* What a child that got stuck leaves to the next. */
static struct {
	int operand;
	int printed;			/* a paragraph */
	unsigned said, said_of_operand;	/* causes, as bits */
} *kept;

static struct call call;
static struct buf comm, text, stack, wchan, value, rec;
static struct out out = { .rec = &rec, .columns = columns };

/* Is the thread still there? Directory descriptors don't lead to a new one that
 * got its number. */
static int
alive(const struct thread *t)
{
	return proc_read(t->dir, "status", &text) == 0 && text.n;
}

static void
refused(const struct thread *t, int cause)
{
	unsigned *said = cause >= NOT_OURS ? &kept->said_of_operand :
	    &kept->said;

	cli_fail(3);
	if (*said & 1U << cause)
		return;
	*said |= 1U << cause;
	if (cause >= NOT_OURS)
		cli_warn("%s: %s", t->object, causes[cause]);
	else
		cli_warn("%s", causes[cause]);
}

/* Read the file stack or syscall: 1, 0 if it can't be had, which is said, or -1
 * if the thread is gone. */
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
	if (err == ETIMEDOUT)
		t->unanswered = 1;
	else if (err == ENOENT)
		refused(t, stacks ? NO_STACKTRACE : NO_TRACEHOOK);
	else if (err == EACCES)
		refused(t, fd >= 0 && stacks ? NO_ADMIN : NOT_OURS);
	else if (err == EPERM)
		refused(t, NO_PTRACE);
	else
		cli_error(t->object, err);
	return 0;
}

/* Append short text; a failure is kept for the record's end. */
static void __attribute__((format(printf, 2, 3)))
put(struct buf *b, const char *fmt, ...)
{
	char s[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s, sizeof s, fmt, ap);
	va_end(ap);
	if (buf_put(b, s, (size_t)n) < 0)
		out.failed = errno;
}

/* Append a foreign line, indented as a frame is. */
static void
put_frame(const char *s, size_t n)
{
	put(&rec, "\t");
	if (out_quote(&rec, s, n, 0) < 0)
		out.failed = errno;
	put(&rec, "\n");
}

/* The word for a thread that is in no call whatever the file syscall says (it
 * has an old number then), or NULL. */
static const char *
state_word(const struct thread *t)
{
	switch (t->st.state) {
	case 'Z':
		return "zombie";
	case 'T':
		return "stopped";
	case 't':
		return "traced";
	case 'R':
		return t->st.kthread ? "kernel thread" : "running";
	default:
		return t->st.kthread ? "kernel thread" : NULL;
	}
}

/* Find out by the file syscall what the thread does; 0, or -1 if it is gone. */
static int
read_call(struct thread *t)
{
	int r = read_file(t, "syscall", &text);

	if (r <= 0)
		return r;
	if (parse_syscall(text.s, &t->sys) < 0)
		return alive(t) ? 0 : -1;	/* empty: it ended meanwhile */
	if (t->sys.what == TASK_RUNNING) {
		t->st.state = 'R';		/* since status was read */
		t->word = "running";
	} else if (t->sys.sp == 0 && t->sys.pc == 0) {
		/* a process's thread that the kernel made, such as a worker of
		 * io_uring, shows its maker's call */
		t->word = "kernel thread";
	} else if (t->sys.what == TASK_CALL) {
		t->calls = 1;
		call.root = t->root;
		call.dir = t->dir;
		call.sys = &t->sys;
		call.stack = t->stacked ? stack.s : "";
		if (call_decode(&call) < 0)
			out.failed = errno;
	} else if (call_is_fault(t->stacked ? stack.s : "")) {
		t->word = "page fault";
	}
	return 0;
}

/* Read all that is shown of a thread; 0, or -1 if it is gone. */
static int
read_thread(struct thread *t)
{
	int r;

	t->unanswered = t->stacked = t->calls = 0;
	wchan.n = 0;
	if (proc_read(t->dir, "status", &text) < 0 ||
	    parse_status(text.s, &t->st) < 0 || t->st.state == 'X' ||
	    proc_read(t->dir, "comm", &comm) < 0)
		return -1;
	if (comm.n && comm.s[comm.n - 1] == '\n')
		comm.n--;
	if (t->st.state != 'Z') {
		if ((r = read_file(t, "stack", &stack)) < 0)
			return -1;
		t->stacked = r;
	}
	t->word = state_word(t);
	if (!t->word && !t->unanswered && read_call(t) < 0)
		return -1;
	if (!t->word || t->unanswered)
		t->word = "unknown";
	if (t->st.state != 'Z' && (!t->stacked || cli.mode == OUT_JSON) &&
	    proc_read(t->dir, "wchan", &wchan) < 0)
		wchan.n = 0;
	if (wchan.n == 1 && *wchan.s == '0')
		wchan.n = 0;
	return 0;
}

/* Print the record of a thread; a blank line stands between two. */
static void
print_text(const struct thread *t)
{
	const char *s = t->stacked ? stack.s : "";
	struct task_frame f;
	int n = 0;

	put(&rec, "%s%d/%d %c ", kept->printed ? "\n" : "", t->pid, t->tid,
	    t->st.state);
	if (comm.n == 0 || (comm.n == 1 && *comm.s == '-'))
		put(&rec, comm.n ? "\\055" : "-");
	else if (out_quote(&rec, comm.s, comm.n, 1) < 0)
		out.failed = errno;
	put(&rec, " ");
	if (t->calls && buf_put(&rec, call.text.s, call.text.n) < 0)
		out.failed = errno;
	put(&rec, "%s\n", t->calls ? "" : t->word);
	for (; parse_frame(&s, &f) == 1; n++)
		put_frame(f.s, f.n);
	if (!t->stacked && wchan.n)
		put_frame(wchan.s, wchan.n);
	else if (n == 0)
		put(&rec, "\t?\n");
	if (out.failed || guard_write(STDOUT_FILENO, rec.s, rec.n) < 0) {
		cli_warn("%s", strerror(out.failed ? out.failed : errno));
		_exit(1);
	}
	rec.n = 0;
	kept->printed = 1;
}

static void
json_call(const struct thread *t)
{
	int i;

	value.n = 0;
	if (t->calls && call.name)
		put(&value, "{\"nr\":%ld,\"name\":\"%s\"}", t->sys.nr,
		    call.name);
	else if (t->calls)
		put(&value, "{\"nr\":%ld,\"name\":null}", t->sys.nr);
	else
		put(&value, "null");
	out_key_json(&out, "syscall", value.s, value.n);
	value.n = 0;
	for (i = 0; t->calls && i < 6; i++)
		put(&value, "%c%llu", i ? ',' : '[', t->sys.args[i]);
	put(&value, t->calls ? "]" : "null");
	out_key_json(&out, "args", value.s, value.n);
	if (t->calls && call.fd >= 0)
		out_key_num(&out, "fd", (unsigned)call.fd);
	else
		out_key_null(&out, "fd");
	if (t->calls && call.fd >= 0 && call.target.n)
		out_key_str(&out, "target", call.target.s, call.target.n);
	else
		out_key_null(&out, "target");
}

static void
print_json(const struct thread *t)
{
	const char *s = t->stacked ? stack.s : "";
	struct task_frame f;

	out_num(&out, (unsigned)t->pid);
	out_num(&out, (unsigned)t->tid);
	out_str(&out, comm.s, comm.n);
	out_str(&out, &t->st.state, 1);
	if (t->calls)
		out_str(&out, call.text.s, call.text.n);
	else
		out_str(&out, t->word, strlen(t->word));
	json_call(t);
	out_key_str(&out, "wchan", wchan.n ? wchan.s : NULL, wchan.n);
	value.n = 0;
	while (parse_frame(&s, &f) == 1) {
		put(&value, value.n ? "," : "[");
		if (out_json(&value, f.s, f.n) < 0)
			out.failed = errno;
	}
	if (t->stacked || t->st.state == 'Z')
		put(&value, value.n ? "]" : "[]");
	else
		put(&value, "null");
	out_key_json(&out, "stack", value.s, value.n);
	cli_emit(&out);
}

/* Show one thread; 1, or 0 if it is gone. */
static int
show_thread(struct thread *t, int process, int tid)
{
	int gone;

	t->tid = tid;
	if ((t->dir = proc_thread(process, tid)) < 0)
		return 0;
	if (!(gone = read_thread(t) < 0)) {
		if (cli.mode == OUT_JSON)
			print_json(t);
		else
			print_text(t);
	}
	close(t->dir);
	return !gone;
}

/* Show all threads; 0, or -1 with errno. After a stall: from the thread that
 * did not answer on, or what came after its number if it is gone. */
static int
show_threads(struct thread *t, int process, const struct guard_at *from)
{
	struct numdir tasks;
	int tid, r, n = 0, stuck = -1, passed = 0;

	if (from && (stuck = proc_thread(process, from->tid)) >= 0)
		close(stuck);
	if (numdir_open(&tasks, process, "task") < 0)
		return -1;
	while ((r = numdir_next(&tasks, &tid)) == 1) {
		if (from && (stuck >= 0 ? !passed && tid != from->tid :
		    tid < from->tid))
			continue;
		passed = 1;
		n += show_thread(t, process, tid);
	}
	numdir_close(&tasks);
	if (n == 0 && !from)
		errno = ESRCH;
	return n || from ? 0 : -1;
}

static void
show_operand(int root, int i, const struct guard_at *from)
{
	struct thread t = { .object = operands[i], .root = root };
	struct walk_pick pick;
	int dir, r;

	if (walk_resolve(root, picks[i].pid, &pick) < 0 ||
	    (dir = proc_open(root, pick.pid)) < 0) {
		cli_error(t.object, errno);
		return;
	}
	t.pid = pick.pid;
	if (picks[i].tid && !show_thread(&t, dir, picks[i].tid)) {
		cli_warn("%s: No such thread", t.object);
		cli_fail(1);
	} else if (!picks[i].tid) {
		r = pick.tid ? show_thread(&t, dir, pick.tid) - 1 :
		    show_threads(&t, dir, from);
		if (r < 0)
			cli_error(t.object, errno == ENOENT || pick.tid ?
			          ESRCH : errno);
	}
	close(dir);
}

static int
scan(void)
{
	const struct guard_at *from = guard_resume();
	int root = cli_root(), i;

	for (i = from ? kept->operand : 0; i < noperands; i++) {
		if (!from)
			kept->said_of_operand = 0;
		kept->operand = i;
		show_operand(root, i, from);
		from = NULL;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	int c, i;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "JR:T:hV", options, NULL)) != -1)
		cli_option(c);
	noperands = argc - optind;
	operands = argv + optind;
	if (noperands == 0)
		cli_usage("no process is named");
	picks = calloc((size_t)noperands, sizeof *picks);
	kept = guard_share(sizeof *kept);
	if (!picks || !kept) {
		cli_warn("%s", strerror(errno));
		return 1;
	}
	for (i = 0; i < noperands; i++)
		if (num_task(operands[i], &picks[i].pid, &picks[i].tid) < 0)
			cli_usage("%s: not a process ID", *operands[i] ?
			          operands[i] : "''");
	out.mode = cli.mode;
	return cli_run(scan, 0);
}
