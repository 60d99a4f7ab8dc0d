#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kernel.h"
#include "meter.h"
#include "parse_fdinfo.h"
#include "parse_task.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "activity.h"
#include "openfile.h"
#include "gauge.h"

/* s that are no time to say that it stands still. */
#define BRIEF 0.1
/* ... and that are long enough to say why, or where it is at the end. */
#define PATIENCE 10.0
#define AT_END 1.0
/* Bytes that one who follows a growing file may be behind it. */
#define BEHIND (1 << 20)
/* s that an offset is news where several files or threads are read. */
#define FRESH 0.5
/* s between two looks at its state. */
#define CHECK 0.25
/* Turns among the last ten movements or so that are no more a direction. */
#define TURNS 2.0

static struct buf text;

/* Has it moved by so much, and within so many s? */
static int
active(const struct gauge *g, enum gauge_meter i, unsigned some, double within)
{
	const struct meter *m = &g->m[i];
	double gap = 2.5 * meter_gap(m);

	return m->moves && m->pos >= m->from + some &&
	    m->now - m->moved <= (gap > within ? gap : within);
}

/* The counter that says most, or 0. */
static enum gauge_meter
counter(const struct gauge *g, double within)
{
	int i, first = gauge_reads(g) ? ACTIVITY_READ : ACTIVITY_WRITTEN;

	if (!g->aside || !g->counted)
		return 0;
	if (active(g, METER_IO + first, GAUGE_SOME, within))
		return METER_IO + first;
	/* what is written does not tell how much was read from a stream */
	if (g->f.fd >= 0 && !g->f.seekable && g->f.d.mode != O_RDWR)
		return 0;
	for (i = 0; i < ACTIVITY_COUNTERS; i++)
		if (active(g, METER_IO + i, GAUGE_SOME, within))
			return METER_IO + i;
	return 0;
}

/* Did the size grow without a write? Then the kernel copies (copy_file_range,
 * sendfile), and position and counters wait until the call returns. */
static int
in_kernel(const struct gauge *g)
{
	const struct meter *w = &g->m[METER_IO + ACTIVITY_WRITTEN];
	const struct meter *s = &g->m[METER_SIZE];

	return g->counted && w->pos - w->from < (s->pos - s->from) / 2;
}

/* May they be this file's, the bytes that a counter has and no position? Not if
 * a thread was seen to read another one, if other positions tell of them, or if
 * they are more than the file has. */
static int
may_be(const struct gauge *g, const struct meter *m)
{
	unsigned long long n = m->pos - m->from;
	unsigned long long a = g->files[0].read, b = g->files[1].read;

	if (g->here)
		return 1;
	return !g->there && !g->kept->file.moved && n <= g->f.size &&
	    (gauge_writes(g) || b <= a || b - a <= n / 2);
}

/* Is the file mapped, or without a descriptor that of a mapping, and how much
 * of it is resident? To ask that takes long, so it is not done often. */
static int
mapped(struct gauge *g)
{
	const struct meter *m = &g->m[METER_MAP];
	double begin = openfile_clock(CLOCK_MONOTONIC), took;

	if (begin < g->map_again)
		return 1;
	g->resident = g->f.fd < 0 ? activity_mapping(&g->f.w.table,
	    g->f.w.dir, m->pos - m->from, &g->f.d) :
	    activity_resident(g->f.w.dir, &g->f.d.st);
	took = openfile_clock(CLOCK_MONOTONIC) - begin;
	if (g->resident)
		g->map_again = begin + (took < 0.0009 ? 1000 * took : 0.9);
	return g->resident > 0;
}

/* What moves beside the position. */
static enum gauge_by
beside(struct gauge *g, double within)
{
	enum gauge_meter c = counter(g, within);

	if (!g->aside)
		return BY_NONE;
	if (g->f.fd < 0 && !g->changing &&
	    active(g, METER_MAP, GAUGE_PAGES, within) &&
	    c != METER_IO + ACTIVITY_READ &&
	    c != METER_IO + ACTIVITY_WRITTEN && mapped(g))
		return BY_MAP;
	if (g->f.seekable && !g->changing) {
		if (active(g, METER_SIZE, 1, within) &&
		    (gauge_writes(g) || (in_kernel(g) && !g->there)))
			return BY_SIZE;
		if ((c == METER_IO + ACTIVITY_READ && gauge_reads(g)) ||
		    (c == METER_IO + ACTIVITY_WRITTEN && gauge_writes(g))) {
			if (may_be(g, &g->m[c]))
				return BY_PREAD;
		} else if (active(g, METER_MAP, GAUGE_PAGES, within) &&
		    mapped(g)) {
			return BY_MAP;
		}
	}
	return c ? BY_IO : BY_NONE;
}

/* The rate of a meter and the time left to the total, seen once or many
 * times. */
static void
reckon(struct gauge *g, struct meter *m, unsigned long long total, int once)
{
	if (m->moves == 0 && !g->aside)
		return;
	g->rate = once ? meter_between(m) : meter_rate(m);
	g->average = meter_average(m);
	if (!once)
		g->eta = meter_eta(m, total);
	else if (g->rate > 0 && total > m->pos)
		g->eta = (double)(total - m->pos) / g->rate;
}

/* The time left of a file that grows meanwhile. */
static double
later(const struct gauge *g)
{
	const struct openfile_kept *k = &g->kept->file;
	double growth = g->f.size > k->size ? (double)(g->f.size - k->size) /
	    (g->f.now - k->since) : 0;

	return g->eta < 0 || g->rate <= growth ? -1 :
	    g->eta * g->rate / (g->rate - growth);
}

static void
by_pos(struct gauge *g, int once)
{
	struct meter *m = &g->m[METER_POS], *b = &g->m[METER_BACK];
	double size = (double)g->f.size;

	g->known = 1;
	g->pos = g->f.pos;
	g->total = g->whole ? g->whole : openfile_total(&g->f);
	g->size = g->whole ? g->whole : g->f.size;
	g->follows = g->grew && g->pos <= g->f.size &&
	    g->f.size - g->pos <= BEHIND;
	if (g->follows && !g->whole)
		g->total = 0;
	g->backwards = b->moves > 1 && b->moves > m->moves;
	if (g->total && g->pos <= g->total)
		g->percent = (double)g->pos * 100 / (double)g->total;
	if (g->backwards) {
		reckon(g, b, g->whole ? 0 : GAUGE_BACK, once);
		g->percent = g->pos <= g->f.size && size > 0 ?
		    (size - (double)g->pos) * 100 / size : -1;
	} else if (!b->moves || m->moves > b->moves) {
		reckon(g, m, g->total, once);
		if (once && !g->whole)
			g->eta = later(g);
	}
}

static void
by_size(struct gauge *g, int once)
{
	struct activity_files *files = &g->files[g->partner >= 0];
	int copies = in_kernel(g);

	g->known = 1;
	g->pos = g->partner >= 0 ? g->copy.st.size : g->f.size;
	if (g->partner >= 0)
		g->total = g->f.size;
	else if (copies && files->sources == 1)
		g->total = files->source.st.size;
	if (g->whole)
		g->total = g->whole;
	if (g->total < g->pos)
		g->total = 0;
	if (g->total)
		g->size = g->total;
	reckon(g, &g->m[METER_SIZE], g->total, once);
}

/* Where it is: where it was seen, and what was read since, if that can only be
 * of this file; else it must have been seen just now. 1, or 0: unknown. */
static int
sighted(struct gauge *g, enum gauge_meter c)
{
	g->pos = g->offset;
	if (!g->strayed)
		g->pos += g->m[c].pos - g->since[c - METER_IO];
	else if (g->f.now - g->offset_at > FRESH)
		return 0;
	return g->here && !g->jumps && g->pos <= g->f.size;
}

static void
by_pread(struct gauge *g, double within, int once)
{
	enum gauge_meter c = counter(g, within);
	struct meter *m = &g->m[c];

	g->jumps = g->here &&
	    (g->mixed > g->here / 10 || g->offset > g->f.size);
	g->known = sighted(g, c);
	if (g->known)
		g->total = g->whole ? g->whole : g->f.size;
	m->total = 0;		/* the two do not go in step */
	reckon(g, m, g->known ? m->pos + g->total - g->pos : 0, once);
}

static void
by_map(struct gauge *g, int once)
{
	struct meter *m = &g->m[METER_MAP];

	g->pos = g->resident;
	g->known = 1;
	if (g->f.fd < 0)
		g->size = g->f.d.known ? g->f.d.st.size : 0;
	g->total = g->whole ? g->whole : g->size;
	m->total = 0;
	reckon(g, m, m->pos + (g->total > g->pos ? g->total - g->pos : 0),
	       once);
}

static void
by_io(struct gauge *g, double within, int once)
{
	struct meter *m = &g->m[counter(g, within)];

	g->known = 1;
	g->pos = m->pos;
	g->total = g->whole;
	g->size = g->whole;
	reckon(g, m, g->total, once);
}

/* The data instead of the range, where that is another thing. */
static void
by_data(struct gauge *g, int once)
{
	if (!gauge_data(g))
		return;
	g->percent = (double)g->data * 100 / (double)g->data_size;
	if (g->by == BY_NONE)
		return;
	g->rate = g->average = g->eta = -1;
	reckon(g, &g->m[METER_DATA], g->data_size, once);
}

/* Why it does not move: state, wchan and the call; all may be missing. They
 * cost more than a sample, and need not be of this very moment. */
static void
read_state(struct gauge *g)
{
	int dir = g->f.w.table.dir >= 0 ? g->f.w.table.dir : g->f.w.dir;
	const char *s;

	if (g->stated > 0 && g->f.now - g->stated < CHECK)
		return;
	g->stated = g->f.now;
	g->state = *g->word = *g->wchan = *g->call = '\0';
	if (proc_read(dir, "status", &text) < 0 ||
	    !(s = parse_field(text.s, "State")))
		return;
	g->state = *s;
	sscanf(s, "%*c (%23[^)\n]", g->word);
	if (proc_read(dir, "wchan", &text) == 0 &&
	    text.n < sizeof g->wchan && strcmp(text.s, "0") != 0)
		memcpy(g->wchan, text.s, text.n + 1);
	if ((s = activity_name(dir)))
		snprintf(g->call, sizeof g->call, "%s", s);
}

/* Is the position at the end, and was perhaps for long? */
static int
at_end(const struct gauge *g)
{
	return g->f.seekable && g->f.size && g->f.pos == g->f.size;
}

/* Was all before the position read, as far as can be known? */
static int
reached(const struct gauge *g)
{
	return g->f.seekable && g->f.d.mode == O_RDONLY && g->f.pos > 0 &&
	    g->f.pos <= g->f.size && !g->changing && !g->jumps &&
	    (g->kept->file.moved || !g->f.unread);
}

/* What the process does with what it has read before it reads on; NULL if
 * that is not what it does. */
static const char *
digests(const struct gauge *g, enum gauge_by by, double within)
{
	enum gauge_meter c = counter(g, within);

	if (!reached(g))
		return NULL;
	if (by == BY_NONE)
		return g->aside && g->computing ? "computing" : NULL;
	return by == BY_IO && (c == METER_IO + ACTIVITY_WRITTEN ||
	    c == METER_IO + ACTIVITY_STORED) ? "writing" : NULL;
}

/* Does one of its io_urings move? */
static int
rings(const struct gauge *g, double within)
{
	return g->rang > 0 && g->f.now - g->rang <= within;
}

/* What it goes by now. */
static enum gauge_by
choose(struct gauge *g, double within, int once)
{
	const struct meter *m = &g->m[METER_POS];
	double still = g->f.now -
	    (g->f.seekable ? gauge_pos_moved(g) : g->alive);
	enum gauge_by by;

	g->jumps = g->turns > TURNS;
	if (still > BRIEF) {
		read_state(g);
		g->patient &= g->state != 'T' && g->state != 't';
		if (!g->patient && !once)
			return BY_NONE;
	}
	if (g->f.seekable && !g->changing && g->kept->file.moved &&
	    still <= within && !g->jumps)
		return BY_POS;
	by = beside(g, g->jumps ? 1e9 : within);
	if (by == BY_NONE && !once && !g->kept->file.moved &&
	    (!g->aside || g->checked <= g->m[METER_IO].start)) {
		g->busy = "";		/* too soon to know */
		return g->f.seekable ? BY_POS : BY_UNKNOWN;
	}
	if (g->jumps && by == BY_NONE)
		return BY_POS;
	/* what moves in steps does other things between them */
	if (g->f.seekable && g->kept->file.moved && !once && !g->changing &&
	    meter_stalled(m) <= 0 && (by == BY_IO || by == BY_NONE) &&
	    !g->jumps && !at_end(g))
		return BY_POS;
	if ((g->busy = digests(g, by, within))) {
		if (!at_end(g))
			return BY_POS;
		g->busy = NULL;
		return BY_NONE;
	}
	/* without a position it is only the counters that tell */
	if (by == BY_NONE && g->aside && !g->counted && !g->f.seekable)
		return BY_UNKNOWN;
	if (by == BY_NONE && g->aside && (rings(g, within) || (g->computing &&
	    (!g->f.seekable || g->f.pos == 0 || !g->kept->file.moved))))
		return BY_UNKNOWN;
	return by;
}

void
gauge_judge(struct gauge *g, double every)
{
	int once = every <= 0;
	double within = once ? 1e9 : every > 0.5 ? every : 0.5;

	g->known = g->backwards = g->follows = 0;
	g->busy = NULL;
	g->pos = g->total = 0;
	g->size = g->f.seekable ? g->f.size : g->whole;
	g->rate = g->average = g->eta = g->percent = -1;
	g->stalled = 0;
	g->patient = !once;
	g->by = choose(g, within, once);
	if (g->f.fd < 0 && g->by != BY_MAP)
		g->f.d.named = g->f.d.known = 0;
	if (g->by == BY_POS)
		by_pos(g, once);
	else if (g->by == BY_SIZE)
		by_size(g, once);
	else if (g->by == BY_PREAD)
		by_pread(g, within, once);
	else if (g->by == BY_MAP)
		by_map(g, once);
	else if (g->by == BY_IO)
		by_io(g, within, once);
	else if (g->by == BY_NONE) {
		if (g->f.seekable) {
			by_pos(g, once);
			g->eta = -1;
		}
		g->rate = 0;
		g->stalled = g->f.now - g->alive;
		if (g->patient)
			g->patient = at_end(g) ?
			    g->f.now - gauge_pos_moved(g) < AT_END :
			    g->stalled < PATIENCE;
	}
	if (g->percent < 0 && g->total && g->known && g->pos <= g->total)
		g->percent = (double)g->pos * 100 / (double)g->total;
	g->data = g->data_size = 0;
	if (g->by == BY_POS || g->by == BY_SIZE || g->by == BY_NONE)
		by_data(g, once);
	if (g->busy)
		g->rate = g->eta = -1;
	if (g->busy && !reached(g))
		g->percent = -1;
	if (g->wordy && g->by != BY_NONE) {
		g->stated = 0;
		read_state(g);
	}
}

double
gauge_moved(const struct gauge *g)
{
	return g->by == BY_IO || g->by == BY_UNKNOWN ||
	    (g->busy && !g->kept->file.moved) ? gauge_pos_moved(g) : g->alive;
}

const char *
gauge_word(enum gauge_by by)
{
	static const char *const words[] = { [BY_POS] = "pos",
		[BY_SIZE] = "size", [BY_PREAD] = "pread", [BY_MAP] = "map",
		[BY_IO] = "io", [BY_NONE] = "none", [BY_UNKNOWN] = NULL };

	return words[by];
}

void
gauge_remark(const struct gauge *g, char *s, size_t n)
{
	const char *in = g->state == 'T' ? g->word : *g->wchan ? g->wchan :
	    *g->call ? g->call : *g->word ? g->word : "unknown";

	*s = '\0';
	if (g->by == BY_NONE && g->patient)
		return;
	if (g->by == BY_UNKNOWN && g->f.seekable)
		snprintf(s, n, "its position is not what moves");
	else if (g->follows)
		snprintf(s, n, "following a growing file");
	else if (g->by == BY_NONE && at_end(g))
		snprintf(s, n, "at the end of the file, which is open: state "
		         "%c, %s", g->state ? g->state : '?',
		         *g->call ? g->call : in);
	else if (g->by == BY_NONE || (g->busy && *g->busy))
		snprintf(s, n, "%s: state %c, %s", g->busy ? g->busy :
		         g->computing && g->state != 'T' ? "computing" :
		         g->f.seekable && g->f.pos > g->f.size && g->f.size ?
		         "behind the end of the file" : "stalled",
		         g->state ? g->state : '?', in);
	else if (g->data_size)
		snprintf(s, n, "percent of the data: the file has holes, and "
		         "is copied %s descriptor %d", gauge_writes(g) ?
		         "from" : "to", g->twin.fd);
	else if (g->by == BY_SIZE && g->partner >= 0)
		snprintf(s, n, "measured by the size of descriptor %d",
		         g->partner);
	else if (g->jumps)
		snprintf(s, n, "random access");
	else if (g->backwards)
		snprintf(s, n, "backwards");
	else if (g->by == BY_POS && g->f.pos > g->f.size && g->f.size)
		snprintf(s, n, "the file is shorter than the position");
	else if (g->by == BY_POS && g->kept->passes)
		snprintf(s, n, "pass %u", g->kept->passes + 1);
}
