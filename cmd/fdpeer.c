/* fdpeer - say who is at the other end of a descriptor */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "num.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "walk.h"
#include "peer.h"
#include "dot.h"

const char usage[] =
"usage: fdpeer [-rJH0] [--sockets] [--dot] [-T SECS] [-R DIR] PID [FD]\n"
"  -r, --recursive     the whole pipeline, upstream first\n"
"      --sockets       with -r: through sockets and terminals too\n"
"      --dot           a graph for dot(1)\n"
CLI_RECORD_USAGE;

enum { OPT_SOCKETS = 256, OPT_DOT };

static const struct option options[] = {
	{ "recursive", no_argument, NULL, 'r' },
	{ "sockets", no_argument, NULL, OPT_SOCKETS },
	{ "dot", no_argument, NULL, OPT_DOT },
	CLI_RECORD_OPTIONS,
	{ 0 }
};

static const struct out_column columns[] = {
	{ "PID", -7 }, { "COMMAND", -10 }, { "FD", 3 }, { "DIR", -3 },
	{ "PEER", -7 }, { "PEERCOMMAND", -11 }, { "PEERFD", 6 },
	{ "STATE", -8 }, { "NAME", 0 }, { 0 }
};

static const char *const dir_names[] = { "->", "<-", "<->", "==" };

static char **operands;
static int pid, dot, sockets;

static struct buf rec;
static struct out out = { .rec = &rec, .columns = columns };

static int
compare_rows(const void *a, const void *b)
{
	const struct peer_row *x = a, *y = b;
	int d = 0;

	if (x->its && y->its)
		d = x->its->fd - y->its->fd;
	if (peer_shown_pid(x->its) != peer_shown_pid(y->its))
		d = peer_shown_pid(x->its) < peer_shown_pid(y->its) ? -1 : 1;
	if (x->dir != y->dir)
		d = x->dir - y->dir;
	if (x->my->fd != y->my->fd)
		d = x->my->fd < y->my->fd ? -1 : 1;
	return d ? d : peer_shown_pid(x->my) - peer_shown_pid(y->my);
}

static void
put_number(const struct peer_end *e)
{
	if (e)
		out_num(&out, (unsigned)(cli.mode == OUT_JSON ? e->pid :
		        peer_shown_pid(e)));
	else
		out_null(&out);
}

static void
put_string(const char *s)
{
	out_str(&out, s, s ? strlen(s) : 0);
}

/* A descriptor, or what stands for it: mapped only, or a whole process. */
static void
put_fd(const struct peer_end *e)
{
	if (e && e->fd >= 0)
		out_num(&out, (unsigned)e->fd);
	else
		put_string(e && e->fd != PEER_NO_FD ? desc_fd_name(e->fd) :
		           NULL);
}

/* The members of a JSON object that no column has. */
static void
put_keys(const struct peer_end *e, const char *mode, const char *tid)
{
	static const char *const modes[] = { "r", "w", "rw" };
	const char *s = e && e->mode >= 0 ? modes[e->mode] : NULL;

	out_key_str(&out, mode, s, s ? strlen(s) : 0);
	if (e && e->tid)
		out_key_num(&out, tid, (unsigned)e->tid);
	else
		out_key_null(&out, tid);
}

/* The command of a peer, or whose it is where it is not seen. */
static void
put_peer_command(const struct peer_row *r)
{
	char uid[32];

	snprintf(uid, sizeof uid, "uid=%ld", r->uid);
	put_string(r->its ? r->its->comm : r->uid >= 0 ? uid : NULL);
}

static void
put_row(const struct peer_row *r)
{
	int reads = cli.mode == OUT_TEXT || cli.mode == OUT_TAB;

	put_number(r->my);
	put_string(r->my->comm);
	put_fd(r->my);
	put_string(dir_names[r->dir]);
	put_number(r->its);
	put_peer_command(r);
	put_fd(r->its);
	put_string(peer_state_name(r->state));
	out_name(&out, reads ? r->my->shown : r->my->name,
	         reads ? r->my->nshown : r->my->namelen, r->my->deleted);
	put_keys(r->my, "mode", "tid");
	put_keys(r->its, "peermode", "peertid");
	out_key_bool(&out, "deleted", r->my->deleted);
	if (r->net)
		out_key_num(&out, "peernet", r->net);
	cli_emit(&out);
}

/* Is the descriptor's number that of a process, as in "fdpeer $(pgrep cat)"?
 * Those of the standard streams, and of kernel threads, are not meant so. */
static int
is_process(int fd)
{
	struct buf text = { 0 };
	struct task_status st;
	char name[32];
	int r;

	snprintf(name, sizeof name, "%d/status", fd);
	r = fd > 2 && proc_read(peer.root, name, &text) == 0 &&
	    parse_status(text.s, &st) == 0 && !st.kthread;
	buf_free(&text);
	return r;
}

/* Could a row be missing? Then say why, as far as that is not said yet. */
static int
is_unsure(void)
{
	if (peer.traced || !(operands[1] ? peer.nmine :
	    peer.nlinks + (size_t)peer.unheard))
		return 0;
	if (peer.unheard)
		cli_warn("%s: who sends from another network namespace can't "
		         "be told (needs CAP_SYS_ADMIN)", operands[0]);
	return cli_refused() || cli_hidden(peer.root) || peer.doubt ||
	    peer.unheard;
}

/* Say why there are no rows. */
static void
say_nothing(void)
{
	struct walk_pick pick;
	const char *p = operands[0], *fd = operands[1];

	if (peer.unseen)
		return;
	if (walk_resolve(peer.root, pid, &pick) < 0) {
		cli_error(p, errno);
		return;
	}
	if (!fd && peer.traced)
		cli_warn("%s: nothing flows through its descriptors", p);
	else if (!fd)
		cli_warn("%s: no descriptor %s another end", p,
		         peer.nlinks || peer.unheard ? "is seen to have" :
		         "has");
	else if (peer.nmine && peer.traced)
		cli_warn("%s: nothing flows through descriptor %s (%s)", p, fd,
		         peer.endless);
	else if (peer.nmine)
		cli_warn("%s: nobody else is seen to have descriptor %s "
		         "(%s)%s%s", p, fd, peer.endless, peer.doubt ?
		         ": this kernel cannot tell of " : "",
		         peer.doubt ? peer.doubt : "");
	else if (*peer.endless)
		cli_warn("%s: descriptor %s has no other end (%s)", p, fd,
		         peer.endless);
	else
		cli_warn("%s: no descriptor %s%s", p, fd,
		         is_process(peer.asked) ?
		         " (one process at a time)" : "");
	cli_fail(is_unsure() ? 3 : 1);
}

/* Say of which descriptors nothing can be told. */
static void
say_untold(void)
{
	if (peer.untold && peer.asked >= 0)
		cli_warn("%s: this kernel cannot tell the other end of "
		         "descriptor %s (%s)", operands[0], operands[1],
		         peer.endless);
	else if (peer.untold)
		cli_warn("%s: this kernel cannot tell the other end of %d "
		         "descriptor%s", operands[0], peer.untold,
		         peer.untold == 1 ? "" : "s");
}

/* The graph is printed as one record. */
static void
put_graph(void)
{
	out.mode = OUT_TAB;
	if (dot_graph(&rec) < 0)
		out.failed = errno;
	cli_print(&out);
}

/* Is the row about the descriptor that is asked about? */
static int
is_asked(const struct peer_row *r)
{
	return peer.asked >= 0 && r->my->pid == peer.mine->pid &&
	    r->my->tid == peer.mine->tid && r->my->fd == peer.asked;
}

/* Sort the rows. One descriptor may have several links to another one, such as
 * a fanotify's marks on a file and on its mount: that is one row. */
static void
sort_rows(void)
{
	struct peer_row *r = peer.rows;
	size_t i, n = 0;

	if (peer.nrows)
		qsort(r, peer.nrows, sizeof *r, compare_rows);
	for (i = 0; i < peer.nrows; i++)
		if (!n || !r[i].its || !r[n - 1].its ||
		    compare_rows(&r[i], &r[n - 1]) != 0)
			r[n++] = r[i];
	peer.nrows = n;
}

static void
report(void)
{
	size_t i, hidden = 0, asked_hidden = 0, gone = 0;

	if (!peer.traced)
		sort_rows();
	for (i = 0; i < peer.nrows; i++) {
		if (!dot)
			put_row(&peer.rows[i]);
		hidden += peer.rows[i].state == PEER_HIDDEN;
		if (!is_asked(&peer.rows[i]))
			continue;
		asked_hidden += peer.rows[i].state == PEER_HIDDEN;
		gone += peer.rows[i].state == PEER_NONE ||
		    peer.rows[i].state == PEER_CLOSED;
	}
	if (dot)
		put_graph();
	say_untold();
	if (peer.nrows == 0)
		say_nothing();
	else if (gone)
		cli_fail(1);
	if (hidden && !cli_refused())
		cli_hidden(peer.root);
	if (asked_hidden)
		cli_fail(3);
}

static int
scan(void)
{
	peer.root = cli_root();
	peer.operand = operands[0];
	if ((peer.traced ? peer_trace(pid) : peer_find(pid)) < 0)
		cli_error(operands[0], errno);
	else
		report();
	return 0;
}

static void
read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "rJH0R:T:hV", options, NULL)) != -1)
		switch (c) {
		case 'r':
			peer.traced |= PEER_IN(PEER_PIPE) | PEER_IN(PEER_FILE);
			break;
		case OPT_SOCKETS:
			sockets = 1;
			break;
		case OPT_DOT:
			dot = 1;
			break;
		default:
			cli_option(c);
		}
	if (sockets && !peer.traced)
		cli_usage("--sockets needs -r");
	if (sockets)
		peer.traced |= PEER_IN(PEER_SOCKET) | PEER_IN(PEER_TERMINAL);
	if (dot && cli.mode != OUT_TEXT)
		cli_usage("--dot excludes -J, -H and -0");
}

int
main(int argc, char **argv)
{
	cli_open(argv);
	read_options(argc, argv);
	operands = argv + optind;
	if (optind == argc)
		cli_usage("which process?");
	if (num_pid(operands[0], &pid) < 0)
		cli_usage("%s: not a process ID", *operands[0] ? operands[0] :
		          "''");
	if (operands[1] && num_fd(operands[1], &peer.asked) < 0)
		cli_usage("%s: not a descriptor", *operands[1] ? operands[1] :
		          "''");
	if (operands[1] && operands[2])
		cli_usage("%s: one process and one descriptor at a time",
		          operands[2]);
	out.mode = cli.mode;
	return cli_run(scan, 1);
}
