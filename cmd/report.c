#include <sys/wait.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "meter.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "activity.h"
#include "openfile.h"
#include "gauge.h"
#include "report.h"

struct report report;

static const struct out_column columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "FD", 4 }, { "BY", -5 },
	{ "POS", 6 }, { "SIZE", 6 }, { "PERCENT", 7 }, { "RATE", 6 },
	{ "ETA", 8 }, { "NAME", 0 }, { 0 }
};

static struct buf rec;
static struct out out = { .rec = &rec, .columns = columns };

/* Percent, never 100 before it is all; negative: unknown. */
static double
percent(const struct gauge *g, int decimals)
{
	double most = decimals == 1 ? 99.9 : 99.99;

	return g->percent > most && g->percent < 100 ? most : g->percent;
}

static void
put_eta(double eta)
{
	char s[16];

	if (eta < 0) {
		out_null(&out);
	} else if (out.mode == OUT_JSON) {
		out_fixed(&out, eta, 1);
	} else if (out.mode != OUT_TEXT) {
		out_fixed(&out, eta, 0);
	} else {
		meter_clock(s, eta);
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
put_word(const char *key, const char *s)
{
	out_key_str(&out, key, s && *s ? s : NULL, s ? strlen(s) : 0);
}

static void
put_keys(const struct gauge *g)
{
	double realtime = openfile_clock(CLOCK_REALTIME);
	char s[32] = "";
	struct tm tm;
	time_t at;

	/* later there is no date, by four digits of a year or by time_t */
	if (g->eta >= 0 && g->eta < (sizeof at > 4 ? 1e11 : 1e8)) {
		at = (time_t)(realtime + g->eta + 0.5);
		gmtime_r(&at, &tm);
		strftime(s, sizeof s, "%Y-%m-%dT%H:%M:%SZ", &tm);
	}
	if (g->f.tid)
		out_key_num(&out, "tid", (unsigned)g->f.tid);
	else
		out_key_null(&out, "tid");
	put_fraction("time", realtime, 3);
	out_key_bool(&out, "deleted", g->f.d.named ? g->f.d.deleted : -1);
	put_fraction("avg_rate", g->average, 0);
	put_word("eta_at", s);
	put_fraction("elapsed", g->f.now - g->kept->file.since, 1);
	out_key_num(&out, "pass", g->kept->passes + 1);
	put_word("state", g->word);
	put_word("wchan", g->by == BY_NONE ? g->wchan : NULL);
	put_fraction("stalled", g->stalled, 1);
	if (g->data_size) {
		out_key_num(&out, "data", g->data);
		out_key_num(&out, "data_size", g->data_size);
	}
}

/* A size, or what is unknown. */
static void
put_bytes(int known, unsigned long long v)
{
	if (known)
		out_size(&out, v);
	else
		out_null(&out);
}

static void
put_fields(struct gauge *g)
{
	int decimals = out.mode == OUT_TEXT ? 1 : 2;
	const char *by = gauge_word(g->by);
	const char *fd = g->by == BY_MAP ? desc_fd_name(DESC_MEM) : NULL;
	struct openfile *f = &g->f;

	out_num(&out, (unsigned)(f->tid && out.mode != OUT_JSON ? f->tid :
	        f->pick.pid));
	out_str(&out, f->w.comm.s, f->w.comm.n);
	if (f->fd >= 0)
		out_num(&out, (unsigned)f->fd);
	else
		out_str(&out, fd, fd ? strlen(fd) : 0);
	out_str(&out, by, by ? strlen(by) : 0);
	put_bytes(g->known, g->pos);
	put_bytes(g->size || (f->seekable && f->d.type != DESC_BLK &&
	          g->by != BY_IO), g->size);
	if (g->percent < 0)
		out_null(&out);
	else
		out_fixed(&out, percent(g, decimals), decimals);
	if (g->rate < 0)
		out_null(&out);
	else
		out_size(&out, (unsigned long long)g->rate);
	put_eta(g->eta);
	if (f->d.known && f->d.st.nlink == 0 && f->d.type == DESC_REG)
		f->d.deleted = 1;		/* since we came */
	out_name(&out, f->d.named ? f->d.target.s : NULL, f->d.namelen,
	         f->d.named ? f->d.deleted : 0);
	if (out.mode == OUT_JSON)
		put_keys(g);
}

/* Draw the line anew; with a verdict it stays. */
static void
draw(const struct gauge *g, const char *verdict)
{
	static struct buf head, name;
	char p[16] = "", bytes[40] = "", of[16], rate[24] = "";
	char clock[192] = "ETA ", *s = clock;

	head.n = name.n = 0;
	out_quote(&head, g->f.w.comm.s, g->f.w.comm.n, 0);
	buf_put(&head, p, (size_t)snprintf(p, sizeof p, "[%d]",
	        g->f.pick.pid));
	if (g->f.fd >= 0)
		buf_put(&head, p, (size_t)snprintf(p, sizeof p, " %d",
		        g->f.fd));
	else if (g->by == BY_MAP)
		buf_put(&head, " mem", 4);
	if (g->f.d.named)
		out_quote(&name, g->f.d.target.s, g->f.d.namelen, 0);
	snprintf(p, sizeof p, "%.1f%%", percent(g, 1));
	if (g->data_size) {
		out_scale(bytes, g->data);
		out_scale(of, g->data_size);
		strcat(strcat(strcat(bytes, "/"), of), " data");
	} else if (g->known) {
		out_scale(bytes, g->pos);
		out_scale(of, g->total);
		if (g->total)
			strcat(strcat(bytes, "/"), of);
	}
	if (g->rate >= 0) {
		out_scale(rate, (unsigned long long)g->rate);
		strcat(rate, "/s");
	}
	if (g->eta >= 0)
		meter_clock(clock + 4, g->eta);
	else
		gauge_remark(g, clock, sizeof clock - 24);
	if (g->by == BY_NONE && *clock && g->eta < 0)
		sprintf(clock + strlen(clock), ", %.0f s", g->stalled);
	cli_draw(STDOUT_FILENO, &(struct meter_text){
		.head = head.s, .name = g->f.d.named ? name.s : NULL,
		.percent = g->percent < 0 ? NULL : p,
		.bytes = *bytes ? bytes : NULL, .rate = *rate ? rate : NULL,
		.clock = verdict || !*s ? NULL : s, .verdict = verdict
	}, verdict != NULL);
}

/* Say it on standard error, once a change; JSON has keys for a stall. Of
 * several processes each has its own. */
static void
announce(const struct gauge *g, const char *operand)
{
	static char said[192], about[16];
	char s[192];

	if (strncmp(operand, about, sizeof about - 1) != 0)
		*said = '\0';
	snprintf(about, sizeof about, "%s", operand);
	gauge_remark(g, s, sizeof s);
	if (*s && strcmp(s, said) != 0 &&
	    (out.mode != OUT_JSON || g->by != BY_NONE))
		cli_warn("%s: %s", operand, s);
	memcpy(said, s, sizeof said);
}

void
report_show(struct gauge *g, const char *operand)
{
	out.mode = report.mode;
	if (report.quiet)
		return;
	walk_comm(&g->f.w);
	if (report.redraw) {
		draw(g, NULL);
		return;
	}
	put_fields(g);
	cli_emit(&out);
	announce(g, operand);
	guard_flush();
}

/* The verdict in words. */
static void
verdict(const struct gauge *g, const struct report_end *e, char *s, size_t n)
{
	static const char *const words[] = { [CLOSED] = "closed",
		[REPLACED] = "replaced by another file",
		[ENDED] = "ended" };
	double p = e->whole ? percent(g, 1) : -1;
	size_t k;

	if (e->stalled) {
		k = (size_t)snprintf(s, n, "stalled for %.0f s", g->stalled);
	} else if (e->complete > 0) {
		k = (size_t)snprintf(s, n, "finished");
		p = p < 100 ? p : -1;
	} else if (e->status > 0 && WIFSIGNALED(e->status)) {
		k = (size_t)snprintf(s, n, "killed by signal %d (%s)",
		                     WTERMSIG(e->status),
		                     strsignal(WTERMSIG(e->status)));
	} else if (e->status > 0) {
		k = (size_t)snprintf(s, n, "failed with exit status %d",
		                     WEXITSTATUS(e->status));
	} else {
		k = (size_t)snprintf(s, n, "%s%s", words[e->how],
		                     e->complete == 0 ? "" : e->how == ENDED &&
		                     e->status < 0 ? ", exit status unknown" :
		                     ", total unknown");
	}
	if (p >= 0)
		k += (size_t)snprintf(s + k, n - k, "%s at %.1f%%",
		                      e->complete > 0 ? ", last seen" : "", p);
	if (e->stalled && g->state)
		snprintf(s + k, n - k, ": state %c, %s", g->state,
		         g->state != 'T' && *g->wchan ? g->wchan : g->word);
}

static void
put_end(const struct report_end *e)
{
	static const char *const reasons[] = { [CLOSED] = "closed",
		[REPLACED] = "replaced", [ENDED] = "exited" };

	put_word("event", e->last ? "end" : "file");
	put_word("reason", e->stalled ? "stalled" : e->status > 0 &&
	         WIFSIGNALED(e->status) ? "killed" : reasons[e->how]);
	if (e->status < 0 || WIFSIGNALED(e->status))
		out_key_null(&out, "exit_code");
	else
		out_key_num(&out, "exit_code",
		            (unsigned)WEXITSTATUS(e->status));
	out_key_bool(&out, "complete", e->complete);
}

void
report_end(struct gauge *g, const char *operand, const struct report_end *e)
{
	static struct buf name;
	char s[256];

	out.mode = report.mode;
	if (report.quiet)
		return;
	verdict(g, e, s, sizeof s);
	if (report.redraw) {
		draw(g, s);
		return;
	}
	put_fields(g);
	put_end(e);
	cli_emit(&out);
	if (e->last) {
		cli_warn("%s: %s", operand, s);
	} else {
		name.n = 0;
		buf_put(&name, g->f.d.target.s, g->f.d.namelen);
		cli_warn("%s: %d %s: %s", operand, g->f.fd,
		         g->f.d.named ? name.s : "-", s);
	}
	guard_flush();
}
