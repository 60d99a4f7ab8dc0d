/* fdprogress - how far a process is in a file, how fast, and for how long */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
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
#include "activity.h"
#include "openfile.h"
#include "gauge.h"
#include "pick.h"
#include "report.h"
#include "once.h"
#include "follow.h"

const char usage[] =
"usage: fdprogress [-fqJH0] [-i SECS] [--size SIZE] [--stall SECS] [-T SECS]\n"
"                  [-R DIR] [PID [FD]]\n"
"  -f, --follow        until the file is closed or the process ends\n"
"  -q, --quiet         with -f: say nothing, only wait\n"
"  -i, --interval SECS\n"
"                      time between two samples, default 0.25; between two\n"
"                      records of -f, default 1\n"
"      --size SIZE     the total; of all that the process reads without FD\n"
"      --stall SECS    with -f: give up when nothing moved for so long\n"
CLI_RECORD_USAGE;

enum { OPT_SIZE = 256, OPT_STALL };

static const struct option options[] = {
	{ "follow", no_argument, NULL, 'f' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "interval", required_argument, NULL, 'i' },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "stall", required_argument, NULL, OPT_STALL },
	CLI_RECORD_OPTIONS,
	{ 0 }
};

static int following;
static struct job job = { .fd = -1 };

static int
scan(void)
{
	job.root = cli_root();
	if (!job.operand)
		once_machine(&job);
	else if (walk_resolve(job.root, job.pid, &job.pick) < 0)
		job_refuse(&job, NULL, errno);
	else if (following)
		follow(&job);
	else
		once(&job);
	return 0;
}

/* SECS that are more than 0. */
static double
seconds(const char *s, const char *what)
{
	unsigned ms;

	if (num_secs(s, &ms) < 0 || ms == 0)
		cli_usage("%s: not %s", *s ? s : "''", what);
	return ms / 1000.0;
}

static void
parse(int c)
{
	switch (c) {
	case 'f':
		following = 1;
		break;
	case 'q':
		report.quiet = 1;
		break;
	case 'i':
		job.interval = seconds(optarg, "an interval");
		break;
	case OPT_SIZE:
		if (num_size(optarg, &job.size) < 0 || job.size == 0)
			cli_usage("%s: not a size", *optarg ? optarg : "''");
		break;
	case OPT_STALL:
		job.stall = seconds(optarg, "a number of seconds");
		break;
	default:
		cli_option(c);
	}
}

static void
operands(int argc, char **argv)
{
	const char *pid = argv[0], *fd = argc > 1 ? argv[1] : NULL;

	if (argc > 2)
		cli_usage("more than a PID and a descriptor");
	if (following && argc == 0)
		cli_usage("-f needs a PID");
	if (!following && (report.quiet || job.stall > 0))
		cli_usage("%s needs -f", report.quiet ? "-q" : "--stall");
	if (job.size && argc == 0)
		cli_usage("--size needs a PID");
	if (argc && num_pid(pid, &job.pid) < 0)
		cli_usage("%s: not a process ID", *pid ? pid : "''");
	if (fd && num_fd(fd, &job.fd) < 0)
		cli_usage("%s: not a descriptor", *fd ? fd : "''");
	job.operand = pid;
	job.picks = !fd;
}

int
main(int argc, char **argv)
{
	const char *term = getenv("TERM");
	int c;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "fqi:JH0R:T:hV", options,
	                        NULL)) != -1)
		parse(c);
	operands(argc - optind, argv + optind);
	pick_not_ours();
	report.mode = cli.mode;
	report.redraw = following && cli.mode == OUT_TEXT &&
	    isatty(STDOUT_FILENO) && term && *term &&
	    strcmp(term, "dumb") != 0;
	if (!(job.kept = guard_share(2 * sizeof *job.kept))) {
		cli_warn("%s", strerror(errno));
		return 1;
	}
	return cli_run(scan, 1);
}
