/* The blocks of a file and of its copy tell how much of the data is copied,
 * and nothing need be opened. They are rounded, and may have a few more in them
 * that map the others (ext4), or were taken in advance (XFS). */
#include <sys/stat.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "kernel.h"
#include "meter.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "activity.h"
#include "openfile.h"
#include "gauge.h"

/* The positions of a file and its copy differ by what is read at a time. */
#define APART (4 << 20)

static int
sparse(const struct kstatx *st)
{
	return S_ISREG(st->mode) && st->blocks &&
	    (double)st->blocks * 512 < 0.9 * (double)st->size;
}

/* The bytes of data in the copy, and in the file that is copied. */
static unsigned long long
data(const struct gauge *g, unsigned long long *total)
{
	const struct kstatx *this = &g->f.d.st, *other = &g->twin.st;

	*total = (gauge_writes(g) ? other : this)->blocks * 512;
	return (gauge_writes(g) ? this : other)->blocks * 512;
}

/* May it be the copy, or what is copied? It has holes too, and is read or
 * written at the same place. */
static int
is_twin(const struct gauge *g, const struct activity_file *f)
{
	unsigned long long a = activity_pos(&g->f.w.table, f->fd);
	unsigned long long b = activity_pos(&g->f.w.table, g->f.fd);

	return sparse(&f->st) && !desc_same(&f->st, &g->f.d.st) &&
	    (a > b ? a - b : b - a) <= APART;
}

static void
find_twin(struct gauge *g)
{
	static struct activity_files files;
	unsigned long long total;
	unsigned n = 0;
	size_t i;

	activity_files(&g->f.w.table, g->f.fd, &files);
	if (gauge_writes(g) && files.sources == 1 &&
	    is_twin(g, &files.source)) {
		g->twin = files.source;
		n = 1;
	}
	for (i = 0; !gauge_writes(g) && i < files.nwritten; i++) {
		if (!is_twin(g, &files.written[i]))
			continue;
		g->twin = files.written[i];
		n++;
	}
	if (n != 1)
		g->twin.fd = -1;
	else
		meter_start(&g->m[METER_DATA], g->f.now, data(g, &total));
}

void
gauge_holes(struct gauge *g, int all)
{
	struct openfile *f = &g->f;
	struct meter *m = &g->m[METER_DATA];
	unsigned long long total, n;
	struct kstatx st;
	char name[16];

	if (!f->seekable || f->w.table.dir < 0 || !sparse(&f->d.st))
		return;
	if (g->twin.fd >= 0) {
		snprintf(name, sizeof name, "%d", g->twin.fd);
		if (proc_statx(f->w.table.fds, name, &st) == 0 &&
		    desc_same(&st, &g->twin.st)) {
			g->twin.st = st;
			/* blocks are less for a moment while ext4 allocates
			 * what it had reserved */
			n = data(g, &total);
			meter_add(m, f->now, n > m->pos ? n : m->pos);
			return;
		}
		g->twin.fd = -1;
	}
	if (all || f->now >= g->seek) {
		find_twin(g);
		g->seek = f->now + 1 +
		    100 * (openfile_clock(CLOCK_MONOTONIC) - f->now);
	}
}

int
gauge_data(struct gauge *g)
{
	unsigned long long done, total;

	if (g->twin.fd < 0 || g->whole || g->backwards || g->jumps ||
	    !sparse(&g->f.d.st) || !sparse(&g->twin.st))
		return 0;
	data(g, &total);
	done = g->m[METER_DATA].pos;
	/* a little more is what maps the blocks */
	if (done > total + total / 64)
		return 0;
	g->data = done < total ? done : total;
	g->data_size = total;
	return 1;
}
