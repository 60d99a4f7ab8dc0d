#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "peer.h"
#include "dot.h"

/* Foreign bytes for a label: safe to read, and nothing that dot interprets. */
static int
put_label(struct buf *b, const char *s, size_t n)
{
	static struct buf safe;
	size_t i;
	int r = 0;

	safe.n = 0;
	if (out_quote(&safe, s, n, 0) < 0)
		return -1;
	for (i = 0; i < safe.n; i++) {
		if (safe.s[i] == '&')
			r |= buf_put(b, "&amp;", 5);
		else if (safe.s[i] == '"' || safe.s[i] == '\\')
			r |= buf_put(b, "\\", 1) | buf_put(b, safe.s + i, 1);
		else
			r |= buf_put(b, safe.s + i, 1);
	}
	return r;
}

/* A process: a box, once. */
static int
put_node(struct buf *b, const struct peer_end *e, size_t row)
{
	int pid = peer_shown_pid(e), r;
	size_t i;

	for (i = 0; i < row; i++)
		if (peer_shown_pid(peer.rows[i].my) == pid ||
		    peer_shown_pid(peer.rows[i].its) == pid)
			return 0;
	r = buf_printf(b, "\t%d [label=\"%d ", pid, pid);
	return r | put_label(b, e->comm, strlen(e->comm)) |
	    buf_printf(b, "\"];\n");
}

/* The descriptor at one end of an edge. */
static int
put_fd(struct buf *b, const char *which, const struct peer_end *e)
{
	if (!e || e->fd == PEER_NO_FD)
		return 0;
	if (e->fd < 0)
		return buf_printf(b, ", %s=\"%s\"", which, desc_fd_name(e->fd));
	return buf_printf(b, ", %s=\"%d\"", which, e->fd);
}

/* An object: an edge, in the direction of the flow. */
static int
put_edge(struct buf *b, const struct peer_row *row, size_t i)
{
	static const char *const styles[] = {
		[PEER_TO] = "", [PEER_FROM] = "", [PEER_BOTH] = ", dir=both",
		[PEER_EQUAL] = ", dir=none, style=dashed"
	};
	const struct peer_end *my = row->my, *its = row->its;
	int back = row->dir == PEER_FROM, r = 0;
	char peer_id[32];

	if (its) {
		snprintf(peer_id, sizeof peer_id, "%d", peer_shown_pid(its));
	} else {
		snprintf(peer_id, sizeof peer_id, "nobody%zu", i);
		r |= buf_printf(b, "\t%s [shape=plaintext, label=\"%s", peer_id,
		         peer_state_name(row->state));
		if (row->uid >= 0)
			r |= buf_printf(b, " uid=%ld", row->uid);
		r |= buf_printf(b, "\"];\n");
	}
	if (back)
		r |= buf_printf(b, "\t%s -> %d", peer_id, peer_shown_pid(my));
	else
		r |= buf_printf(b, "\t%d -> %s", peer_shown_pid(my), peer_id);
	r |= buf_printf(b, " [label=\"");
	if (my->shown)
		r |= put_label(b, my->shown, my->nshown);
	return r | buf_printf(b, "\"%s", styles[row->dir]) |
	    put_fd(b, back ? "headlabel" : "taillabel", my) |
	    put_fd(b, back ? "taillabel" : "headlabel", its) |
	    buf_printf(b, "];\n");
}

int
dot_graph(struct buf *b)
{
	size_t i;
	int r = buf_printf(b, "digraph fdpeer {\n\trankdir=LR;\n"
		    "\tnode [shape=box];\n");

	for (i = 0; i < peer.nrows; i++) {
		const struct peer_row *row = &peer.rows[i];

		r |= put_node(b, row->my, i);
		if (row->its &&
		    peer_shown_pid(row->its) != peer_shown_pid(row->my))
			r |= put_node(b, row->its, i);
		r |= put_edge(b, row, i);
	}
	return r | buf_printf(b, "}\n");
}
