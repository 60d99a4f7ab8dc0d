#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
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

/* s between two looks at its pages and CPU time. */
#define CHECK 0.25

int
gauge_reads(const struct gauge *g)
{
	return g->f.fd < 0 || g->f.d.mode != O_WRONLY;
}

int
gauge_writes(const struct gauge *g)
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
	meter_start(&g->m[METER_BACK], f->now, GAUGE_BACK - f->pos);
	g->alive = f->now;
	g->aside = g->direction = 0;
	g->turns = 0;
	g->twin.fd = -1;
	gauge_holes(g, 1);
	return 0;
}

void
gauge_close(struct gauge *g)
{
	openfile_close(&g->f);
	free(g->files[0].written);
	free(g->files[1].written);
	free(g->rings.ring);
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
		meter_add(&g->m[METER_BACK], g->f.now, GAUGE_BACK - pos);
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
	meter_add(&g->m[METER_BACK], g->f.now, GAUGE_BACK - pos);
	g->kept->file.moved = 1;
	g->kept->elsewhere = 0;
	g->alive = g->f.now;
}

double
gauge_pos_moved(const struct gauge *g)
{
	double a = g->m[METER_POS].moved, b = g->m[METER_BACK].moved;

	return a > b ? a : b;
}

static void
read_ticks(struct gauge *g, unsigned long long *ticks)
{
	struct task_stat st;

	if (activity_cpu(g->f.w.dir, &st) == 0)
		*ticks = st.ticks;
}

/* See whether an io_uring completes requests: of what these read and write at
 * offsets neither the position tells nor the counters. */
static void
rings(struct gauge *g)
{
	struct desc_table *t = &g->f.w.table;

	if (t->dir < 0)
		return;
	if (activity_completed(t, &g->rings)) {
		g->rang = g->alive = g->f.now;
		g->kept->elsewhere = 1;
	}
	if (!g->listed || g->f.now - g->listed > 1 + 100 * g->listing) {
		activity_rings(t, &g->rings);
		g->listed = g->f.now;
		g->listing = openfile_clock(CLOCK_MONOTONIC) - g->f.now;
		activity_completed(t, &g->rings);
	}
	guard_among(g->f.fd);
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
	g->listed = g->rang = 0;
	rings(g);
	g->aside = 1;
}

/* A call was seen at that offset. */
static void
sight(struct gauge *g, unsigned long long offset)
{
	int i;

	g->offset = offset;
	g->offset_at = g->f.now;
	for (i = 0; i < 2; i++)
		g->since[i] = g->m[METER_IO + i].pos;
	/* several threads are at several places */
	g->strayed = !walk_single(&g->f.w);
}

/* See which calls the threads are in: is it this file that they move? */
static void
calls(struct gauge *g)
{
	struct activity_call c;
	int at = 0;

	while (activity_call(g->f.w.dir, !walk_single(&g->f.w), &at, &c)) {
		int mine = g->f.fd == c.in || g->f.fd == c.out;

		if (!mine && (gauge_reads(g) ? c.in >= 0 : c.out >= 0)) {
			g->there++;
			g->strayed = 1;
		}
		if (!mine)
			continue;
		if (g->f.fd == c.in && c.out >= 0)
			g->target = c.out;
		if (c.positional && g->here && c.offset < g->offset)
			g->mixed++;
		if (c.positional)
			sight(g, c.offset);
		g->here += c.positional;
	}
}

/* Is there another file that grows as if this one were copied to it? The one
 * that the call says, or else the one that grew most. */
static void
find_partner(struct gauge *g)
{
	struct activity_files *a = &g->files[0], *b = &g->files[1];
	unsigned long long grown, most = GAUGE_SOME;
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

	if (gauge_writes(g)) {
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
	rings(g);
	if (all || f->now - g->checked > CHECK)
		check(g);
	if (sum >= g->counters + GAUGE_SOME ||
	    (g->m[METER_SIZE].moves && g->m[METER_SIZE].moved > g->alive) ||
	    g->m[METER_MAP].pos >= g->mapped + GAUGE_PAGES) {
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
	g->grew |= g->ends && f->size > g->ends;
	if (f->seekable && f->pos == f->size && f->d.mode == O_RDONLY)
		g->ends = f->size;
	gauge_holes(g, all);
	if (f->seekable && !g->changing && g->turns < 0.5 &&
	    f->now - gauge_pos_moved(g) < g->idle)
		g->aside = 0;
	else if (!g->aside)
		begin(g);
	else
		others(g, all);
	return 0;
}
