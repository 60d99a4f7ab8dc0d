#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "call.h"
#include "out.h"
#include "cli.h"
#include "parse_task.h"
#include "thread.h"
#include "sample.h"
#include "group.h"

struct group {
	char *text;		/* what is alike */
	size_t head;		/* of that the first line */
	size_t first, n;	/* thread, and how many */
	struct run run;
	struct buf threads;
};

static struct group *groups;	/* by text */
static size_t ngroups, nthreads;
static struct buf text;

/* Append a frame without its offset, but with its module. */
static void
put_frame(struct buf *b, const struct task_frame *f, const char *before)
{
	const char *module = memchr(f->s, '[', f->n);

	cli_quote(b, f->s, f->symbol, 0);
	if (!module)
		return;
	cli_put(b, "%s", before);
	cli_quote(b, module, f->n - (size_t)(module - f->s), 0);
}

/* Make the text of a thread's paragraph; the length of its first line. */
static size_t
make_paragraph(const struct thread *t)
{
	const char *s = thread_frames(t), *args = "";
	struct task_frame f;
	size_t head;

	if (t->calls && t->call.name)
		args = t->call.none ? "()" : "(...)";
	cli_put(&text, "%c ", t->st.state);
	thread_put_command(t, &text);
	cli_put(&text, " %s%s", thread_word(t), args);
	head = text.n;
	cli_put(&text, "\n");
	while (parse_frame(&s, &f) == 1) {
		cli_put(&text, "\t");
		put_frame(&text, &f, " ");
		cli_put(&text, "\n");
	}
	if (text.n == head + 1)
		cli_put(&text, "\t?\n");
	return head;
}

/* Append to the line of a thread what must hold no ';'. */
static void
put_part(const struct buf *part)
{
	const char *s = part->s, *end = s + part->n;
	size_t n;

	for (; s < end; s += n + 1) {
		n = strcspn(s, ";");
		cli_put(&text, "%.*s%s", (int)n, s, s + n < end ? "\\073" : "");
	}
}

/* Make the line of a thread: command, frames from the outermost on. */
static void
make_line(const struct thread *t)
{
	static struct buf part, frames;
	const char *s = thread_frames(t);
	struct task_frame f;
	size_t i;

	part.n = frames.n = 0;
	thread_put_command(t, &part);
	put_part(&part);
	while (parse_frame(&s, &f) == 1)
		if (buf_put(&frames, &f, sizeof f) < 0)
			cli_die();
	for (i = frames.n; i; i -= sizeof f) {
		memcpy(&f, frames.s + i - sizeof f, sizeof f);
		part.n = 0;
		put_frame(&part, &f, "");
		cli_put(&text, ";");
		put_part(&part);
	}
	if (frames.n == 0)
		cli_put(&text, ";[%s]", thread_word(t));
}

/* The group of the text, made if there is none. */
static struct group *
find(size_t head, int ran)
{
	size_t lo = 0, hi = ngroups, mid;
	struct group *g;
	int r;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		r = strcmp(text.s, groups[mid].text);
		if (r == 0)
			r = ran - (groups[mid].run.times > 0);
		if (r == 0)
			return &groups[mid];
		if (r < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	groups = cli_grow(groups, ngroups, sizeof *groups);
	g = groups + lo;
	memmove(g + 1, g, (ngroups++ - lo) * sizeof *g);
	*g = (struct group){ .text = strdup(text.s), .head = head,
	                     .first = nthreads };
	if (!g->text)
		cli_die();
	return g;
}

void
group_add(int folded, const struct thread *t, const struct run *run)
{
	struct group *g;
	size_t head = 0;

	text.n = 0;
	if (folded)
		make_line(t);
	else
		head = make_paragraph(t);
	g = find(head, run && run->times);
	g->n++;
	nthreads++;
	if (run) {
		g->run.times += run->times;
		g->run.ns += run->ns;
	}
	if (!folded)
		cli_put(&g->threads, "%c%d/%d", g->n > 1 ? ' ' : '\t', t->pid,
		        t->tid);
}

/* Most threads first, then the one that came first. */
static int
compare(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->first < y->first ? -1 : 1;
}

void
group_print(int folded, int ran)
{
	const struct group *g;

	text.n = 0;
	if (!folded && ngroups)
		qsort(groups, ngroups, sizeof *groups, compare);
	for (g = groups; g < groups + ngroups; g++) {
		if (folded) {
			cli_put(&text, "%s %zu\n", g->text, g->n);
		} else {
			cli_put(&text, "%s%zu thread%s %.*s",
			        g > groups ? "\n" : "", g->n,
			        g->n == 1 ? "" : "s", (int)g->head, g->text);
			if (ran)
				sample_put(&text, &g->run);
			cli_put(&text, "%s%s\n", g->text + g->head,
			        g->threads.s);
		}
		cli_write(&text);
	}
}
