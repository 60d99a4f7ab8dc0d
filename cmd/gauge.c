#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Bytes that are more than a command read or a line written. */
#define SOME 4096
/* ... or a page fault fetched */
#define PAGES (1 << 18)
/* METER_BACK is fed with this, less the position. */
#define BACK (1ULL << 62)
/* s that are no time to say that it stands still. */
#define BRIEF 0.1
/* ... and that are long enough to say why, or where it is at the end. */
#define PATIENCE 10.0
#define AT_END 1.0
/* s between two looks at its pages and CPU time. */
#define CHECK 0.25
/* Turns among the last ten movements or so that are no more a direction. */
#define TURNS 2.0

static struct buf text;

static int
readable(const struct gauge *g)
{
	return g->f.fd < 0 || g->f.d.mode != O_WRONLY;
}

static int
writable(const struct gauge *g)
{
	return g->f.fd >= 0 && g->f.d.mode != O_RDONLY;
}

int
gauge_attach(struct gauge *g)
{
	struct openfile *f = &g->f;

	g->partner = -1;
	if (f->fd < 0) {
		if (openfile_process(f) < 0 || walk_table(&f->w) < 0 ||
		    openfile_look(f) < 0)
			return -1;
		f->seekable = 0;
		f->d.named = f->d.known = 0;
		if (!f->kept->attached) {
			f->kept->since = f->now;
			f->kept->attached = 1;
		}
	} else if (openfile_attach(f) < 0) {
		return -1;
	}
	meter_start(&g->m[METER_POS], f->now, f->pos);
	meter_start(&g->m[METER_BACK], f->now, BACK - f->pos);
	g->alive = f->now;
	g->aside = g->direction = 0;
	g->turns = 0;
	return 0;
}

void
gauge_close(struct gauge *g)
{
	openfile_close(&g->f);
	free(g->files[0].written);
	free(g->files[1].written);
	buf_free(&g->f.w.comm);
	buf_free(&g->f.d.target);
	buf_free(&g->f.d.text);
	buf_free(&g->f.found.target);
	buf_free(&g->f.found.text);
}

/* Give the position to the meters of both directions. */
static void
move(struct gauge *g)
{
	struct meter *m = &g->m[METER_POS];
	unsigned long long was = m->pos, pos = g->f.pos;
	int direction = pos > was ? 1 : -1, again = 0;

	if (pos == was) {
		meter_add(m, g->f.now, pos);
		meter_add(&g->m[METER_BACK], g->f.now, BACK - pos);
		return;
	}
	/* back to the beginning after it went on: once more through the file */
	if (direction < 0 && g->direction > 0 && pos <= was / 10) {
		g->kept->passes++;
		again = 1;
	}
	g->turns *= 0.9;
	if (g->direction && direction != g->direction && !again)
		g->turns++;
	g->direction = again ? 0 : direction;
	meter_add(m, g->f.now, pos);
	meter_add(&g->m[METER_BACK], g->f.now, BACK - pos);
	g->kept->file.moved = 1;
	g->kept->elsewhere = 0;
	g->alive = g->f.now;
}

/* When the position moved last. */
static double
moved(const struct gauge *g)
{
	double a = g->m[METER_POS].moved, b = g->m[METER_BACK].moved;

	return a > b ? a : b;
}

double
gauge_moved(const struct gauge *g)
{
	return g->by == BY_IO || g->by == BY_UNKNOWN ? moved(g) : g->alive;
}

static void
read_ticks(struct gauge *g, unsigned long long *ticks)
{
	struct task_stat st;

	if (activity_cpu(g->f.w.dir, &st) == 0)
		*ticks = st.ticks;
}

/* Begin to look at what else moves. */
static void
begin(struct gauge *g)
{
	unsigned long long n[ACTIVITY_COUNTERS] = { 0 };
	struct openfile *f = &g->f;
	int i;

	g->counted = activity_io(f->w.dir, n) == 0;
	g->counters = 0;
	for (i = 0; i < ACTIVITY_COUNTERS; i++) {
		meter_start(&g->m[METER_IO + i], f->now, n[i]);
		g->counters += n[i];
	}
	meter_start(&g->m[METER_SIZE], f->now, f->size);
	g->mapped = activity_mapped(f->w.dir);
	meter_start(&g->m[METER_MAP], f->now, g->mapped);
	read_ticks(g, &g->ticks);
	g->checked = f->now;
	g->looked = g->cost = 0;
	if (f->seekable && f->w.table.dir >= 0) {
		activity_files(&f->w.table, f->fd, &g->files[0]);
		g->looked = f->now;
		g->cost = openfile_clock(CLOCK_MONOTONIC) - f->now;
	}
	g->partner = -1;
	g->target = -1;
	g->here = g->there = g->mixed = 0;
	g->aside = 1;
}

/* See which calls the threads are in: is it this file that they move? */
static void
calls(struct gauge *g)
{
	struct activity_call c;
	int at = 0;

	while (activity_call(g->f.w.dir, !walk_single(&g->f.w), &at, &c)) {
		int mine = g->f.fd == c.in || g->f.fd == c.out;

		g->there += !mine && (readable(g) ? c.in >= 0 : c.out >= 0);
		if (!mine)
			continue;
		if (g->f.fd == c.in && c.out >= 0)
			g->target = c.out;
		if (c.positional && g->here && c.offset < g->offset)
			g->mixed++;
		if (c.positional)
			g->offset = c.offset;
		g->here += c.positional;
	}
}

/* Is there another file that grows as if this one were copied to it? The one
 * that the call says, or else the one that grew most. */
static void
find_partner(struct gauge *g)
{
	struct activity_files *a = &g->files[0], *b = &g->files[1];
	unsigned long long grown, most = SOME;
	size_t i, j = 0;

	activity_files(&g->f.w.table, g->f.fd, b);
	for (i = 0; i < b->nwritten; i++) {
		while (j < a->nwritten && a->written[j].fd < b->written[i].fd)
			j++;
		if (j == a->nwritten || a->written[j].fd != b->written[i].fd ||
		    !desc_same(&a->written[j].st, &b->written[i].st) ||
		    a->written[j].st.size >= b->written[i].st.size ||
		    (g->target >= 0 && b->written[i].fd != g->target))
			continue;
		grown = b->written[i].st.size - a->written[j].st.size;
		if (grown < most)
			continue;
		most = grown;
		g->copy = b->written[i];
		g->partner = g->copy.fd;
		meter_start(&g->m[METER_SIZE], g->looked,
		            a->written[j].st.size);
		meter_add(&g->m[METER_SIZE], g->f.now, g->copy.st.size);
	}
}

/* Follow the size of this file, if it is written, or of the other one. */
static void
sizes(struct gauge *g, int all)
{
	struct openfile *f = &g->f;
	struct kstatx st;
	char name[16];

	if (writable(g)) {
		meter_add(&g->m[METER_SIZE], f->now, f->size);
	} else if (g->partner >= 0) {
		snprintf(name, sizeof name, "%d", g->partner);
		if (proc_statx(f->w.table.fds, name, &st) == 0 &&
		    desc_same(&st, &g->copy.st)) {
			g->copy.st = st;
			meter_add(&g->m[METER_SIZE], f->now, st.size);
		}
	} else if (all || f->now - g->looked > 0.25 + 20 * g->cost) {
		find_partner(g);
		if (g->partner >= 0)
			return;
		if (!all)
			g->looked = f->now;
	}
}

/* Look at what is neither read nor written: pages and CPU time. */
static void
check(struct gauge *g)
{
	unsigned long long ticks = g->ticks;
	double since = g->m[METER_IO].start;

	g->checked = g->f.now;
	meter_add(&g->m[METER_MAP], g->f.now, activity_mapped(g->f.w.dir));
	read_ticks(g, &ticks);
	g->computing = (double)(ticks - g->ticks) /
	    (double)sysconf(_SC_CLK_TCK) > (g->f.now - since) / 10;
	g->kept->elsewhere |= g->computing && g->f.now - since > 0.1;
}

/* Look at what else moves. */
static void
others(struct gauge *g, int all)
{
	unsigned long long n[ACTIVITY_COUNTERS], sum = 0;
	struct openfile *f = &g->f;
	int i;

	if (g->counted && activity_io(f->w.dir, n) == 0) {
		for (i = 0; i < ACTIVITY_COUNTERS; i++) {
			meter_add(&g->m[METER_IO + i], f->now, n[i]);
			sum += n[i];
		}
	}
	if (f->seekable) {
		calls(g);
		if (f->w.table.dir >= 0)
			sizes(g, all);
	}
	if (all || f->now - g->checked > CHECK)
		check(g);
	if (sum >= g->counters + SOME ||
	    (g->m[METER_SIZE].moves && g->m[METER_SIZE].moved > g->alive) ||
	    g->m[METER_MAP].pos >= g->mapped + PAGES) {
		g->counters = sum;
		g->mapped = g->m[METER_MAP].pos;
		g->alive = f->now;
		g->kept->elsewhere = 1;
	}
}

int
gauge_sample(struct gauge *g, int all)
{
	struct openfile *f = &g->f;

	if (openfile_look(f) < 0)
		return -1;
	if (f->seekable)
		move(g);
	if (f->seekable && !g->changing && g->turns < 0.5 &&
	    f->now - moved(g) < g->idle)
		g->aside = 0;
	else if (!g->aside)
		begin(g);
	else
		others(g, all);
	return 0;
}

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
	int i, first = readable(g) ? ACTIVITY_READ : ACTIVITY_WRITTEN;

	if (!g->aside || !g->counted)
		return 0;
	if (active(g, METER_IO + first, SOME, within))
		return METER_IO + first;
	/* what is written does not tell how much was read from a stream */
	if (g->f.fd >= 0 && !g->f.seekable && g->f.d.mode != O_RDWR)
		return 0;
	for (i = 0; i < ACTIVITY_COUNTERS; i++)
		if (active(g, METER_IO + i, SOME, within))
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
	    (writable(g) || b <= a || b - a <= n / 2);
}

/* What moves beside the position. */
static enum gauge_by
beside(const struct gauge *g, double within)
{
	enum gauge_meter c = counter(g, within);

	if (!g->aside)
		return BY_NONE;
	if (g->f.seekable && !g->changing) {
		if (active(g, METER_SIZE, 1, within) &&
		    (writable(g) || (in_kernel(g) && !g->there)))
			return BY_SIZE;
		if ((c == METER_IO + ACTIVITY_READ && readable(g)) ||
		    (c == METER_IO + ACTIVITY_WRITTEN && writable(g))) {
			if (may_be(g, &g->m[c]))
				return BY_PREAD;
		} else if (active(g, METER_MAP, PAGES, within) &&
		    activity_resident(g->f.w.dir, &g->f.d.st)) {
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

static void
by_pos(struct gauge *g, int once)
{
	struct meter *m = &g->m[METER_POS], *b = &g->m[METER_BACK];
	double size = (double)g->f.size;

	g->known = 1;
	g->pos = g->f.pos;
	g->total = g->whole ? g->whole : openfile_total(&g->f);
	g->size = g->whole ? g->whole : g->f.size;
	g->backwards = b->moves > 1 && b->moves > m->moves;
	if (g->total && g->pos <= g->total)
		g->percent = (double)g->pos * 100 / (double)g->total;
	if (g->backwards) {
		reckon(g, b, g->whole ? 0 : BACK, once);
		g->percent = g->pos <= g->f.size && size > 0 ?
		    (size - (double)g->pos) * 100 / size : -1;
	} else if (!b->moves || m->moves > b->moves) {
		reckon(g, m, g->total, once);
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

static void
by_pread(struct gauge *g, double within, int once)
{
	struct meter *m = &g->m[counter(g, within)];

	g->known = g->here && g->mixed <= g->here / 10 &&
	    g->offset <= g->f.size;
	g->pos = g->offset;
	g->jumps = g->here && !g->known;
	if (g->known)
		g->total = g->whole ? g->whole : g->f.size;
	m->total = 0;		/* the two do not go in step */
	reckon(g, m, g->known ? m->pos + g->total - g->pos : 0, once);
}

static void
by_map(struct gauge *g, int once)
{
	struct meter *m = &g->m[METER_MAP];

	g->pos = activity_resident(g->f.w.dir, &g->f.d.st);
	g->known = g->pos > 0;
	g->total = g->whole ? g->whole : g->f.size;
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

/* What it goes by now. */
static enum gauge_by
choose(struct gauge *g, double within, int once)
{
	const struct meter *m = &g->m[METER_POS];
	double still = g->f.now - (g->f.seekable ? moved(g) : g->alive);
	enum gauge_by by;

	g->jumps = g->turns > TURNS;
	if (still > BRIEF) {
		read_state(g);
		g->patient &= !strchr("Tt", g->state);
		if (!g->patient && !once)
			return BY_NONE;
	}
	if (g->f.seekable && !g->changing && g->kept->file.moved &&
	    still <= within && !g->jumps)
		return BY_POS;
	/* too soon to know */
	if (!once && !g->aside && !g->kept->file.moved)
		return g->f.seekable ? BY_POS : BY_UNKNOWN;
	by = beside(g, g->jumps ? 1e9 : within);
	if (g->jumps && by == BY_NONE)
		return BY_POS;
	/* what moves in steps does other things between them */
	if (g->f.seekable && g->kept->file.moved && !once && !g->changing &&
	    meter_stalled(m) <= 0 && (by == BY_IO || by == BY_NONE) &&
	    !g->jumps && !at_end(g))
		return BY_POS;
	if (by == BY_NONE && g->aside && g->computing &&
	    (!g->f.seekable || g->f.pos == 0 || !g->kept->file.moved))
		return BY_UNKNOWN;
	return by;
}

void
gauge_judge(struct gauge *g, double every)
{
	int once = every <= 0;
	double within = once ? 1e9 : every > 0.5 ? every : 0.5;

	g->known = g->backwards = 0;
	g->pos = g->total = 0;
	g->size = g->f.seekable ? g->f.size : g->whole;
	g->rate = g->average = g->eta = g->percent = -1;
	g->stalled = 0;
	g->patient = !once;
	g->by = choose(g, within, once);
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
			g->patient = g->stalled < (at_end(g) ? AT_END :
			                           PATIENCE);
	}
	if (g->percent < 0 && g->total && g->known && g->pos <= g->total)
		g->percent = (double)g->pos * 100 / (double)g->total;
	if (g->wordy && g->by != BY_NONE) {
		g->stated = 0;
		read_state(g);
	}
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
	else if (g->by == BY_NONE && at_end(g))
		snprintf(s, n, "at the end of the file, which is open: state "
		         "%c, %s", g->state ? g->state : '?',
		         *g->call ? g->call : in);
	else if (g->by == BY_NONE)
		snprintf(s, n, "%s: state %c, %s", g->computing &&
		         g->state != 'T' ? "computing" : "stalled",
		         g->state ? g->state : '?', in);
	else if (g->by == BY_SIZE && g->partner >= 0)
		snprintf(s, n, "measured by the size of descriptor %d",
		         g->partner);
	else if (g->jumps)
		snprintf(s, n, "random access");
	else if (g->backwards)
		snprintf(s, n, "backwards");
	else if (g->by == BY_POS && g->f.pos > g->f.size && g->f.size)
		snprintf(s, n, "the file is shorter than the position");
}
