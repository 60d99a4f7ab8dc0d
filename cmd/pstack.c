#include <errno.h>
#include <getopt.h>
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
#include "sys.h"
#include "walk.h"
#include "tasks.h"
#include "thread.h"
#include "sample.h"
#include "group.h"
#include "show.h"

const char usage[] =
"usage: pstack [-auFJ] [-s STATES] [-i SECS] [-T SECS] [-R DIR]"
" [PID[/TID]]...\n"
"  -a, --all           every thread, those of the kernel too\n"
"  -s, --state STATES  only threads in these states, such as D\n"
"  -u, --unique        one paragraph for threads that are told alike\n"
"  -F, --folded        a line for each different stack, for flame graphs\n"
"  -J, --json          an object a line\n"
"  -i, --interval SECS look twice, and tell what ran in between\n"
CLI_USAGE;

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "state", required_argument, NULL, 's' },
	{ "unique", no_argument, NULL, 'u' },
	{ "folded", no_argument, NULL, 'F' },
	{ "json", no_argument, NULL, 'J' },
	{ "interval", required_argument, NULL, 'i' },
	CLI_OPTIONS,
	{ 0 }
};

/* What is so for the whole run is said once, from NOT_OURS on what is about an
 * operand once for it. */
static const char *const causes[] = {
	[NO_ADMIN] = "kernel stacks need root or CAP_SYS_ADMIN;"
	    " showing wait channels",
	[NO_STACKTRACE] = "this kernel shows no stacks (CONFIG_STACKTRACE);"
	    " showing wait channels",
	[NO_TRACEHOOK] = "this kernel shows no system calls"
	    " (CONFIG_HAVE_ARCH_TRACEHOOK)",
	[NOT_OURS] = "Permission denied"
	    " (needs root, or CAP_SYS_ADMIN, CAP_SYS_PTRACE and"
	    " CAP_DAC_READ_SEARCH)",
	[NO_PTRACE] = "Operation not permitted: ptrace access is refused"
	    " (needs CAP_SYS_PTRACE)",
};


enum { RIGHTS = 1U << NO_ADMIN | 1U << NOT_OURS | 1U << NO_PTRACE };

static int all;
static const char *states;
static unsigned interval;		/* ms */
static int shape;			/* u F J */
static int noperands;
static char **operands;
static struct walk_pick *picks;

/* What a child that got stuck leaves to the next. */
static struct {
	int operand;			/* the last one that was come to */
	int next;			/* the one that is looked at */
	int printed;			/* a paragraph */
	unsigned said, said_of_operand;	/* causes, as bits */
	unsigned refused;		/* processes, under -a */
	int refused_pid;		/* the last of them */
	int listed;			/* process 1 is, under -a */
} *kept;

static struct tasks tasks;
static struct thread thread;

/* After a stall a scan for groups begins anew: was everything that there is to
 * say of this operand said by the one before? */
static int
told(void)
{
	return tasks.at < kept->operand;
}

static void
count_refused(int pid)
{
	if (kept->refused_pid != pid)
		kept->refused++;
	kept->refused_pid = pid;
}

/* Say what could not be had of the thread. */
static void
say_missing(const struct thread *t, const char *object)
{
	unsigned *said, cause, missing = t->missing;

	if (told())
		return;
	if (t->err)
		cli_error(object, t->err);
	if (!noperands && missing & RIGHTS) {
		count_refused(t->pid);
		missing &= ~RIGHTS;
	}
	if (missing)
		cli_fail(3);
	for (cause = NO_ADMIN; cause <= NO_PTRACE; cause++) {
		said = cause < NOT_OURS ? &kept->said : &kept->said_of_operand;
		if (!(missing & ~*said & 1U << cause))
			continue;
		*said |= 1U << cause;
		if (cause < NOT_OURS)
			cli_warn("%s", causes[cause]);
		else
			cli_warn("%s: %s", object, causes[cause]);
	}
}

static int
selected(const struct thread *t)
{
	return !states || strchr(states, t->st.state);
}

/* Is the process, whose status was read, a child that was left behind when it
 * got stuck? It goes as soon as the kernel lets it. */
static int
left_behind(const struct thread *t)
{
	const char *parent;

	return guard_resume() && sys_self(t->root, getppid()) &&
	    (parent = parse_field(t->text.s, "PPid")) &&
	    strtol(parent, NULL, 10) == getppid();
}

/* Show the thread; 1, or 0 if it is gone. That it does not answer was said. */
static int
show_thread(struct thread *t, const char *object)
{
	struct run ran, *run = interval ? &ran : NULL;

	if (thread_status(t) < 0)
		return errno == ETIMEDOUT;
	if (!selected(t) || (!noperands && left_behind(t)))
		return 1;
	if (thread_read(t, cli.mode == OUT_JSON) < 0)
		return 0;
	/* Last, so that a thread that has not run was all the time in what is
	 * shown. */
	if (run && thread_run(t, run) < 0)
		return errno == ETIMEDOUT;
	if (!selected(t))		/* it was woken meanwhile */
		return 1;
	if (run)
		sample_since(t->pid, t->tid, run);
	say_missing(t, object);
	if (shape == 'u' || shape == 'F')
		group_add(shape == 'F', t, run);
	else if (cli.mode == OUT_JSON)
		show_json(t, run);
	else
		show_text(t, run, kept->printed++);
	return 1;
}

/* Show the process, or the one thread of it that was asked for. */
static void
show_process(const char *object)
{
	struct thread *t = &thread;
	int n = 0;

	t->root = tasks.root;
	t->pid = tasks.pid;
	while ((t->dir = tasks_thread(&tasks, &t->tid)) >= 0) {
		n += show_thread(t, object);
		close(t->dir);
	}
	if (n || tasks.unanswered || !noperands || told())
		return;
	if (proc_shortage()) {
		cli_error(object, proc_shortage());
		return;
	}
	cli_warn("%s: No such %s", object, picks[tasks.at].tid ? "thread" :
	         "process");
	cli_fail(1);
}

static void
say_error(const char *object, int err)
{
	int rights = err == EACCES || err == EPERM;

	if (!noperands && rights)
		count_refused(tasks.pid);
	else if (!told() && (noperands || (err != ESRCH && !proc_shortage())))
		cli_error(object, err);
}

static void
show_processes(void)
{
	char number[16];
	const char *object = number;
	int r;

	for (;;) {
		kept->next = tasks.at + 1;
		/* what there is to say of those before it was said */
		if (noperands && kept->next > kept->operand) {
			kept->operand = kept->next;
			kept->said_of_operand = 0;
		}
		if ((r = tasks_process(&tasks)) == 0)
			break;
		if (noperands)
			object = operands[tasks.at];
		else
			snprintf(number, sizeof number, "%d", tasks.pid);
		kept->listed |= tasks.pid == 1;
		if (r < 0)
			say_error(object, errno);
		else
			show_process(object);
	}
}

/* The first of two looks: at all threads, whatever state they will be in. */
static void
look(int root)
{
	struct thread *t = &thread;
	struct run run;
	int r;

	sample_begin();
	if (tasks_open(&tasks, root, picks, noperands, 0, NULL) < 0)
		return;			/* the second one tells */
	while ((r = tasks_process(&tasks)) != 0)
		while (r > 0 && (t->dir = tasks_thread(&tasks, &t->tid)) >= 0) {
			if (thread_run(t, &run) == 0)
				sample_add(tasks.pid, t->tid, &run);
			close(t->dir);
		}
	sample_wait();
}

static int
scan(void)
{
	const struct guard_at *from = cli.again ? NULL : guard_resume();
	int root = cli_root();

	if (interval && !sample_taken()) {
		look(root);
		from = NULL;		/* a stall was in the first look */
	}
	if (cli.again)
		kept->refused = (unsigned)(kept->refused_pid = 0);
	if (tasks_open(&tasks, root, picks, noperands,
	               from ? kept->next : 0, from) < 0) {
		cli_error(cli.procfs, errno);
		return 0;
	}
	show_processes();
	if (shape == 'u' || shape == 'F')
		group_print(shape == 'F', interval > 0);
	if (kept->refused)
		cli_warn("%u process%s not be read whole (needs root, or "
		         "CAP_SYS_ADMIN, CAP_SYS_PTRACE and "
		         "CAP_DAC_READ_SEARCH)", kept->refused,
		         kept->refused == 1 ? " could" : "es could");
	if (!noperands && !kept->listed)
		cli_hidden(root);
	return 0;
}

static void
take_option(int c)
{
	switch (c) {
	case 'a':
		all = 1;
		break;
	case 's':
		if (!*optarg || optarg[strspn(optarg, "DIKPRSTWXZtx")])
			cli_usage("%s: not states", *optarg ? optarg : "''");
		states = optarg;
		break;
	case 'i':
		if (num_secs(optarg, &interval) < 0 || interval == 0)
			cli_usage("%s: not an interval", *optarg ? optarg :
			          "''");
		break;
	case 'u':
	case 'F':
	case 'J':
		if (shape && shape != c)
			cli_usage("-u, -F and -J exclude each other");
		shape = c;
		if (c == 'J')
			cli_option(c);
		break;
	default:
		cli_option(c);
	}
}

static void
take_operands(int n, char **names)
{
	int i;

	noperands = n;
	operands = names;
	if (n == 0 && !all && !states)
		cli_usage("no process is named; -a shows all");
	if (n && all)
		cli_usage("-a shows all processes and takes none");
	if (shape == 'F' && interval)
		cli_usage("-F excludes -i");
	picks = calloc((size_t)n + 1, sizeof *picks);
	kept = guard_share(sizeof *kept);
	if (!picks || !kept)
		cli_die();
	kept->operand = -1;
	for (i = 0; i < n; i++)
		if (num_task(names[i], &picks[i].pid, &picks[i].tid) < 0)
			cli_usage("%s: not a process ID", *names[i] ?
			          names[i] : "''");
}

int
main(int argc, char **argv)
{
	int c;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "aFJR:T:hi:s:uV", options,
	                        NULL)) != -1)
		take_option(c);
	take_operands(argc - optind, argv + optind);
	if (interval)
		sample_share(interval);
	return cli_run(scan, shape == 'u' || shape == 'F');
}
