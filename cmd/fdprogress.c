/* fdprogress - how far a process is in a file, how fast, and for how long */
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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
#include "parse_task.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "openfile.h"

const char usage[] =
"usage: fdprogress [-fJH0] [-i SECS] [-T SECS] [-R DIR] PID FD\n"
"  -f, --follow        until the file is closed or the process ends\n"
"  -i, --interval SECS\n"
"                      time between two samples, default 0.25; with -f between\n"
"                      two records, default 1\n"
CLI_RECORD_USAGE;

static const struct option options[] = {
	{ "follow", no_argument, NULL, 'f' },
	{ "interval", required_argument, NULL, 'i' },
	CLI_RECORD_OPTIONS,
	{ 0 }
};

static const struct out_column columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "FD", 4 }, { "BY", -4 },
	{ "POS", 6 }, { "SIZE", 6 }, { "PERCENT", 7 }, { "RATE", 6 },
	{ "ETA", 8 }, { "NAME", 0 }, { 0 }
};

#define GLANCE 0.1	/* s, to see whether something else moves */

static int follow, redraw, pid;
static double interval = -1;
static const char *operand;

/* What a child that got stuck leaves to the next. */
static struct {
	struct openfile_kept file;
	int elsewhere;			/* what moved was not the position */
	unsigned falls;			/* back to the beginning */
} *kept;

static double gap;			/* from the last sample to the end, s */
static struct meter meter;
static struct openfile_activity before;

/* What the records say. */
static struct {
	const char *by;
	double rate, eta, stalled;
	char state, word[24], wchan[64];
} view;

static struct buf text, rec;
static struct out out = { .rec = &rec, .columns = columns };

/* Is the mean since the process's start also what is seen now? A process that
 * waited before it read has another one. */
static int
plausible(double age, double rate)
{
	double mean = age > 0 ? (double)file.pos / age : 0;

	return rate > 0 && mean > rate * 0.75 && mean < rate * 1.33;
}

/* Why it does not move: state and wchan; both safe to be missing. */
static void
read_state(void)
{
	const char *s;

	view.state = *view.word = *view.wchan = '\0';
	if (proc_read(file.w.table.dir, "status", &text) < 0 ||
	    !(s = parse_field(text.s, "State")))
		return;
	view.state = *s;
	sscanf(s, "%*c (%23[^)\n]", view.word);
	if (view.by && strcmp(view.by, "none") == 0 &&
	    proc_read(file.w.table.dir, "wchan", &text) == 0 &&
	    text.n < sizeof view.wchan && strcmp(text.s, "0") != 0)
		memcpy(view.wchan, text.s, text.n + 1);
}

/* Decide what to say after an interval in which it moved or not. */
static void
judge(int moved)
{
	double still = meter_stalled(&meter);
	int waiting = !kept->file.moved || still > 0;

	view.by = "pos";
	view.rate = meter_rate(&meter);
	view.eta = meter_eta(&meter, openfile_total());
	view.stalled = 0;
	read_state();
	if (moved)
		return;
	if (view.state == 'T' || view.state == 't') {
		still = meter.now - meter.moved;
	} else if (!waiting) {
		return;
	} else if (openfile_busy(&before)) {
		view.by = NULL;
		kept->elsewhere = 1;
	}
	if (view.by)
		view.by = "none";
	view.rate = view.by ? 0 : -1;
	view.eta = -1;
	view.stalled = view.by ? still : 0;
	read_state();
}

/* What is to be said beside the numbers; empty if nothing. */
static void
remark(char *s, size_t n)
{
	*s = '\0';
	if (!view.by)
		snprintf(s, n, "its position is not what moves");
	else if (view.stalled > 0)
		snprintf(s, n, "stalled: state %c, %s", view.state ?
		         view.state : '?', *view.wchan && view.state != 'T' ?
		         view.wchan : *view.word ? view.word : "unknown");
}

/* Say it on standard error, once a change. */
static void
announce(void)
{
	static char said[160];
	char s[160];

	remark(s, sizeof s);
	if (*s && strcmp(s, said) != 0 && (out.mode != OUT_JSON || !view.by))
		cli_warn("%s: %s", operand, s);
	memcpy(said, s, sizeof said);
}

/* Percent, never 100 before it is all; negative: unknown. */
static double
percent(int decimals)
{
	double p, most = decimals == 1 ? 99.9 : 99.99;

	if (!view.by || !openfile_total())
		return -1;
	p = (double)file.pos * 100 / (double)openfile_total();
	return file.pos < openfile_total() && p > most ? most : p;
}

static void
put_eta(void)
{
	char s[16];

	if (view.eta < 0) {
		out_null(&out);
	} else if (out.mode == OUT_JSON) {
		out_fixed(&out, view.eta, 1);
	} else if (out.mode != OUT_TEXT) {
		out_fixed(&out, view.eta, 0);
	} else {
		meter_clock(s, view.eta);
		out_str(&out, s, strlen(s));
	}
}

static void
put_fraction(const char *key, double v, int decimals)
{
	char s[64];

	if (v < 0)
		out_key_null(&out, key);
	else
		out_key_json(&out, key, s, (size_t)snprintf(s, sizeof s,
		             "%.*f", decimals, v));
}

static void
put_keys(void)
{
	double realtime = openfile_clock(CLOCK_REALTIME);
	time_t at = (time_t)(realtime + view.eta + 0.5);
	char s[32] = "";
	struct tm tm;

	if (view.eta >= 0 && gmtime_r(&at, &tm))
		strftime(s, sizeof s, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (file.tid)
		out_key_num(&out, "tid", (unsigned)file.tid);
	else
		out_key_null(&out, "tid");
	put_fraction("time", realtime, 3);
	out_key_bool(&out, "deleted", file.d.deleted);
	put_fraction("avg_rate", view.by ? meter_average(&meter) : -1, 0);
	out_key_str(&out, "eta_at", *s ? s : NULL, strlen(s));
	put_fraction("elapsed", file.now - kept->file.since, 1);
	out_key_num(&out, "pass", kept->falls + 1);
	out_key_str(&out, "state", *view.word ? view.word : NULL,
	            strlen(view.word));
	out_key_str(&out, "wchan", *view.wchan ? view.wchan : NULL,
	            strlen(view.wchan));
	put_fraction("stalled", view.stalled, 1);
}

/* A size, or what is negative and unknown. */
static void
put_bytes(double v)
{
	if (v < 0)
		out_null(&out);
	else
		out_size(&out, (unsigned long long)v);
}

static void
put_fields(void)
{
	int decimals = out.mode == OUT_TEXT ? 1 : 2;
	double p = percent(decimals);

	out_num(&out, (unsigned)(file.tid && out.mode != OUT_JSON ? file.tid :
	        file.pick.pid));
	out_str(&out, file.w.comm.s, file.w.comm.n);
	out_num(&out, (unsigned)file.fd);
	out_str(&out, view.by, view.by ? strlen(view.by) : 0);
	if (view.by)
		out_size(&out, file.pos);
	else
		out_null(&out);
	if (file.size || file.d.type == DESC_REG || file.d.type == DESC_MEMFD)
		out_size(&out, file.size);
	else
		out_null(&out);
	if (p < 0)
		out_null(&out);
	else
		out_fixed(&out, p, decimals);
	put_bytes(view.rate);
	put_eta();
	if (file.d.known && file.d.st.nlink == 0 && file.d.type == DESC_REG)
		file.d.deleted = 1;		/* since we came */
	out_name(&out, file.d.named ? file.d.target.s : NULL, file.d.namelen,
	         file.d.deleted);
	if (out.mode == OUT_JSON)
		put_keys();
}

/* Draw the line anew; with a verdict it stays. */
static void
draw(const char *verdict)
{
	static struct buf head, name;
	char p[16] = "", bytes[40] = "", of[16], rate[24] = "";
	char clock[192] = "ETA ", *s = clock;

	head.n = name.n = 0;
	out_quote(&head, file.w.comm.s, file.w.comm.n, 0);
	buf_put(&head, p, (size_t)snprintf(p, sizeof p, "[%d] ",
	        file.pick.pid));
	buf_put(&head, p, (size_t)snprintf(p, sizeof p, "%d", file.fd));
	if (file.d.named)
		out_quote(&name, file.d.target.s, file.d.namelen, 0);
	snprintf(p, sizeof p, "%.1f%%", percent(1));
	if (view.by) {
		out_scale(bytes, file.pos);
		out_scale(of, openfile_total());
		if (openfile_total())
			strcat(strcat(bytes, "/"), of);
	}
	if (view.rate >= 0) {
		out_scale(rate, (unsigned long long)view.rate);
		strcat(rate, "/s");
	}
	if (view.eta >= 0)
		meter_clock(clock + 4, view.eta);
	else
		remark(clock, sizeof clock);
	cli_draw(STDOUT_FILENO, &(struct meter_text){
		.head = head.s, .name = file.d.named ? name.s : NULL,
		.percent = percent(1) < 0 ? NULL : p,
		.bytes = *bytes ? bytes : NULL, .rate = *rate ? rate : NULL,
		.clock = verdict || !*s ? NULL : s, .verdict = verdict
	}, verdict != NULL);
}

static void
show(void)
{
	if (redraw) {
		draw(NULL);
		return;
	}
	put_fields();
	cli_emit(&out);
	announce();
	guard_flush();
}

/* Say why there is nothing to measure. */
static void
refuse(int err)
{
	const char *kind = desc_type_name(file.d.type);
	int other;

	if (err == ESPIPE) {
		if (file.d.known && file.d.mode == -1)
			kind = "O_PATH";
		cli_warn("%s: descriptor %d (%s) has no position", operand,
		         file.fd, kind ? kind : "unknown");
		cli_fail(1);
	} else if (err == ENOENT || err == ESTALE) {
		other = file.fd > 0 ? proc_open(file.root, file.fd) : -1;
		cli_warn("%s: no descriptor %d%s", operand, file.fd,
		         other < 0 ? "" : " (one process at a time)");
		cli_fail(1);
	} else {
		cli_error(operand, err);
	}
}

/* One record: the mean since the start where the process has only read this
 * file and is seen to move like that, else that between two samples. */
static int
once(void)
{
	double start = file.now;
	double end = start + (interval < 0 ? 0.25 : interval);
	double age = openfile_age(), rate = 0, moved_at = 0;
	unsigned long long moved_to = 0;
	int wait = 1, fell = 0, r;

	while (file.now < end && (age <= 0 || rate <= 0)) {
		poll(NULL, 0, end - file.now < 0.004 ? 1 : wait);
		wait = wait < 4 ? wait * 2 : 4;
		if (before.at <= 0 && !meter.moves && file.now > end - 0.2)
			before = openfile_activity();
		if (openfile_look() < 0)
			return -1;
		fell |= (r = meter_add(&meter, file.now, file.pos)) < 0;
		if (r <= 0)
			continue;
		kept->file.moved = 1;
		/* from movement to movement, of 30 ms at least */
		if (moved_at <= 0) {
			moved_at = file.now;
			moved_to = file.pos;
		} else if (file.now - moved_at >= 0.03 && age > 0) {
			rate = (double)(file.pos - moved_to) /
			    (file.now - moved_at);
			age = plausible(age, rate) ? age : 0;
		}
	}
	judge(meter.moves || fell);
	if (meter.moves && !fell) {
		view.rate = age > 0 && rate > 0 ? (double)file.pos /
		    (age + file.now - start) : meter_average(&meter);
		view.eta = file.pos < openfile_total() ?
		    (double)(openfile_total() - file.pos) / view.rate : -1;
	} else if (fell) {
		view.rate = view.eta = -1;
	} else if (view.by) {
		view.stalled = file.now - start;
	}
	show();
	return 0;
}

/* Was it too short a time to see whether it is the position that moves? */
static int
unseen(enum openfile_end how)
{
	return how == ENDED && !kept->file.moved &&
	    file.now - kept->file.since < GLANCE;
}

/* The total that the end is judged by; 0 where the position says nothing: it
 * went back, or something else moved last. */
static unsigned long long
final_total(void)
{
	if (meter.fell || (file.pos < openfile_total() && kept->elsewhere))
		return 0;
	return openfile_total();
}

/* Is it through? 1, 0, or -1 where it can't be known. status is a negative
 * number if unknown. */
static int
completed(enum openfile_end how, int status)
{
	unsigned long long all = final_total();
	double rate = meter_rate(&meter), since = gap;

	/* what ended well may have been as fast as ever since it was seen */
	if (status == 0 && rate >= 0) {
		rate = meter.peak > rate ? meter.peak : rate;
		since = gap > 0.1 ? gap : 0.1;
	}
	if (status > 0)
		return 0;
	if (all == 0)
		return status == 0 ? 1 : -1;
	if (file.pos >= all)
		return 1;
	if (rate < 0 || unseen(how))
		return -1;
	if ((double)file.pos + 2 * rate * since < (double)all)
		return 0;
	return how == ENDED && status < 0 ? -1 : 1;
}

static void
verdict(char *s, size_t n, enum openfile_end how, int status, int complete)
{
	static const char *const words[] = { [CLOSED] = "closed",
		[REPLACED] = "replaced by another file",
		[ENDED] = "ended" };
	double p = percent(1);
	size_t k;

	if (kept->elsewhere || (complete && !final_total()))
		p = -1;
	if (complete > 0)
		k = (size_t)snprintf(s, n, "finished");
	else if (status > 0 && WIFSIGNALED(status))
		k = (size_t)snprintf(s, n, "killed by signal %d (%s)",
		                     WTERMSIG(status),
		                     strsignal(WTERMSIG(status)));
	else if (status > 0)
		k = (size_t)snprintf(s, n, "failed with exit status %d",
		                     WEXITSTATUS(status));
	else
		k = (size_t)snprintf(s, n, "%s%s", words[how], complete == 0 ?
		                     "" : how == ENDED && status < 0 ?
		                     ", exit status unknown" :
		                     ", total unknown");
	if (p >= 0 && (complete <= 0 || file.pos < openfile_total()))
		snprintf(s + k, n - k, "%s at %.1f%%", complete > 0 ?
		         ", last seen" : "", p);
}

/* The last record, the verdict and the status that goes with it. */
static void
finish(enum openfile_end how)
{
	static const char *const reasons[] = { [CLOSED] = "closed",
		[REPLACED] = "replaced", [ENDED] = "exited" };
	int status = -1, complete;
	char s[160];

	if (how == ENDED && openfile_exit_status(&status) < 0)
		status = -1;
	complete = completed(how, status);
	verdict(s, sizeof s, how, status, complete);
	view.eta = -1;
	if (kept->elsewhere && !final_total()) {
		view.by = NULL;
		view.rate = -1;
	}
	if (redraw) {
		draw(s);
	} else {
		put_fields();
		out_key_str(&out, "event", "end", 3);
		if (status > 0 && WIFSIGNALED(status))
			out_key_str(&out, "reason", "killed", 6);
		else
			out_key_str(&out, "reason", reasons[how],
			            strlen(reasons[how]));
		if (status < 0 || WIFSIGNALED(status))
			out_key_null(&out, "exit_code");
		else
			out_key_num(&out, "exit_code",
			            (unsigned)WEXITSTATUS(status));
		out_key_bool(&out, "complete", complete);
		cli_emit(&out);
		cli_warn("%s: %s", operand, s);
	}
	cli_fail(complete > 0 ? 0 : complete < 0 ? 3 : 5);
}

/* Give the sample to the meter. */
static void
measure(void)
{
	unsigned long long was = meter.pos;
	int fresh = !meter.fell && meter.moves;
	int r = meter_add(&meter, file.now, file.pos);

	/* back to the beginning after it went on: once more through the file */
	if (r < 0 && fresh && file.pos <= was / 10)
		kept->falls++;
	kept->file.moved |= r != 0;
	kept->elsewhere &= r == 0;
}

/* How long to wait for the next sample, in ms: closer to the end, less. */
static int
pause_for(void)
{
	double left = 0.05, rate = meter_rate(&meter), rest;

	if (interval > 0 && interval < left)
		left = interval;
	if (file.now - kept->file.since < left)	/* a rate soon after we came */
		left = file.now - kept->file.since;
	rest = rate > 0 && file.pos < openfile_total() ?
	    (double)(openfile_total() - file.pos) / rate / 10 : left;
	left = rest < left ? rest : left;
	return left > 0.002 ? (int)(left * 1000) : 2;
}

/* A record, if it is time for one. */
static void
tick(void)
{
	static unsigned long long shown;
	static double next, check;
	static int begun;
	double every = interval < 0 ? 1 : interval;

	if (!begun) {
		begun = 1;
		next = file.now + every;
		shown = kept->file.pos;
	}
	/* When the end comes it must be known whether something else moved
	 * since the position did. */
	if (before.at < meter.moved && file.now - meter.moved > 0.5)
		before = openfile_activity();
	if (before.at >= meter.moved && file.now > check) {
		kept->elsewhere |= openfile_busy(&before);
		check = openfile_clock(CLOCK_MONOTONIC);
		/* it takes its time where many files are open */
		check += GLANCE + 20 * (check - file.now);
	}
	if (file.now < next)
		return;
	judge(file.pos != shown);
	show();
	if (file.pos == shown)
		before = openfile_activity();
	shown = file.pos;
	while (next <= file.now)
		next += every;
}

static enum openfile_end
follow_to_end(void)
{
	double age = openfile_age(), old;
	enum openfile_end how;
	int wait = 2, over;

	before = openfile_activity();
	view.by = "pos";
	view.rate = view.eta = -1;
	if (redraw)
		draw(NULL);
	for (;;) {
		over = openfile_ended(wait);
		gap = openfile_clock(CLOCK_MONOTONIC) - file.now;
		if (over)
			return ENDED;
		if (openfile_look() < 0) {
			if ((how = openfile_lost(errno)) != OPEN)
				return how;
		}
		measure();
		if (age > 0 && meter.now - meter.start > 0.5) {
			old = age + meter.now - meter.start;
			if (plausible(old, meter_average(&meter)))
				meter_seed(&meter, old);
			age = 0;
		}
		tick();
		wait = pause_for();
	}
}

static int
scan(void)
{
	file.root = cli_root();
	file.kept = &kept->file;
	kept->file.attached &= follow;
	out.mode = cli.mode;
	if (walk_resolve(file.root, pid, &file.pick) < 0) {
		refuse(errno);
		return 0;
	}
	/* before anything else: what ends from here on is seen to end */
	if (follow)
		file.pidfd = sys_pidfd_open(file.root, file.pick.pid);
	if (openfile_attach() == 0) {
		meter_start(&meter, file.now, file.pos);
		if (follow)
			finish(follow_to_end());
		else if (once() < 0)
			refuse(errno);
	} else if (follow && kept->file.attached && errno == ETIMEDOUT) {
		/* nothing more is to be learned but the end */
		while (!openfile_ended(1000))
			;
		finish(ENDED);
	} else if (follow && kept->file.attached) {
		finish(openfile_lost(errno));
	} else {
		refuse(errno);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const char *term = getenv("TERM");
	unsigned ms;
	int c;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "fi:JH0R:T:hV", options,
	                        NULL)) != -1) {
		switch (c) {
		case 'f':
			follow = 1;
			break;
		case 'i':
			if (num_secs(optarg, &ms) < 0 || ms == 0)
				cli_usage("%s: not an interval", optarg);
			interval = ms / 1000.0;
			break;
		default:
			cli_option(c);
		}
	}
	if (argc - optind != 2)
		cli_usage("need a PID and a descriptor");
	operand = argv[optind];
	if (num_pid(operand, &pid) < 0)
		cli_usage("%s: not a process ID", *operand ? operand : "''");
	if (num_fd(argv[optind + 1], &file.fd) < 0)
		cli_usage("%s: not a descriptor", *argv[optind + 1] ?
		          argv[optind + 1] : "''");
	redraw = follow && cli.mode == OUT_TEXT && isatty(STDOUT_FILENO) &&
	    term && *term && strcmp(term, "dumb") != 0;
	if (!(kept = guard_share(sizeof *kept))) {
		cli_warn("%s", strerror(errno));
		return 1;
	}
	return cli_run(scan, 1);
}
