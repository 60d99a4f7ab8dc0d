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
#include "proc.h"
#include "walk.h"
#include "peer.h"

const char usage[] =
"usage: fdpeer [-JH0] [-T SECS] [-R DIR] PID [FD]\n"
CLI_RECORD_USAGE;

static const struct option options[] = {
	CLI_RECORD_OPTIONS,
	{ 0 }
};

static const struct out_column columns[] = {
	{ "PID", -7 }, { "COMMAND", -10 }, { "FD", 3 }, { "DIR", -3 },
	{ "PEER", -7 }, { "PEERCOMMAND", -11 }, { "PEERFD", 6 },
	{ "STATE", -8 }, { "NAME", 0 }, { 0 }
};

static const char *const state_names[] = {
	[PEER_OPEN] = "open", [PEER_READING] = "read", [PEER_WRITING] = "write",
	[PEER_NONE] = "none", [PEER_CLOSED] = "closed",
	[PEER_BACKLOG] = "backlog", [PEER_INFLIGHT] = "inflight",
	[PEER_HIDDEN] = "hidden", [PEER_REMOTE] = "remote",
	[PEER_KERNEL] = "kernel"
};

static const char *const dir_names[] = { "->", "<-", "<->", "==" };

static char **operands;
static int pid;

static struct buf rec;
static struct out out = { .rec = &rec, .columns = columns };

/* The number that the text shows. */
static int
number(const struct peer_end *e)
{
	return !e ? 0 : e->tid ? e->tid : e->pid;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct peer_row *x = a, *y = b;
	int d = 0;

	if (x->its && y->its)
		d = x->its->fd - y->its->fd;
	if (number(x->its) != number(y->its))
		d = number(x->its) < number(y->its) ? -1 : 1;
	if (x->dir != y->dir)
		d = x->dir - y->dir;
	if (x->my->fd != y->my->fd)
		d = x->my->fd < y->my->fd ? -1 : 1;
	return d ? d : number(x->my) - number(y->my);
}

static void
put_number(const struct peer_end *e)
{
	if (e)
		out_num(&out, (unsigned)(cli.mode == OUT_JSON ? e->pid :
		        number(e)));
	else
		out_null(&out);
}

static void
put_string(const char *s)
{
	out_str(&out, s, s ? strlen(s) : 0);
}

/* The members of a JSON object that no column has. */
static void
put_keys(const struct peer_end *e, const char *mode, const char *tid)
{
	static const char *const modes[] = { NULL, "r", "w", "rw" };
	const char *s = modes[e ? e->roles & 3 : 0];

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
	put_number(r->my);
	put_string(r->my->comm);
	out_num(&out, (unsigned)r->my->fd);
	put_string(dir_names[r->dir]);
	put_number(r->its);
	put_peer_command(r);
	if (r->its && r->its->fd >= 0)
		out_num(&out, (unsigned)r->its->fd);
	else
		out_null(&out);
	put_string(state_names[r->state]);
	out_name(&out, r->my->namelen ? r->my->name : NULL, r->my->namelen,
	         r->my->deleted);
	put_keys(r->my, "mode", "tid");
	put_keys(r->its, "peermode", "peertid");
	out_key_bool(&out, "deleted", r->my->deleted);
	cli_emit(&out);
}

/* Say why there are no rows. */
static void
say_nothing(void)
{
	struct walk_pick pick;
	const char *p = operands[0], *fd = operands[1];
	int other;

	if (peer.unseen) {
		return;
	} else if (walk_resolve(peer.root, pid, &pick) < 0) {
		cli_error(p, errno);
	} else if (!fd && peer.untold == 0) {
		cli_warn("%s: no descriptor has another end", p);
		cli_fail(1);
	} else if (!fd) {
		cli_fail(3);
	} else if (peer.untold) {
		cli_warn("%s: cannot tell the other end of descriptor %s "
		         "(%s)", p, fd, peer.endless);
		cli_fail(3);
	} else if (*peer.endless) {
		cli_warn("%s: descriptor %s has no other end (%s)", p, fd,
		         peer.endless);
		cli_fail(1);
	} else {
		other = peer.asked ? proc_open(peer.root, peer.asked) : -1;
		cli_warn("%s: no descriptor %s%s", p, fd, other < 0 ? "" :
		         " (one process at a time)");
		cli_fail(1);
	}
}

static void
report(void)
{
	size_t i, hidden = 0, seen = 0;

	if (peer.nrows)
		qsort(peer.rows, peer.nrows, sizeof *peer.rows, compare_rows);
	for (i = 0; i < peer.nrows; i++) {
		put_row(&peer.rows[i]);
		hidden += peer.rows[i].state == PEER_HIDDEN;
		seen += peer.rows[i].its && peer.rows[i].dir != PEER_EQUAL;
	}
	if (peer.asked < 0 && peer.untold)
		cli_warn("%s: %d descriptor%s of kinds that are not looked at",
		         operands[0], peer.untold, peer.untold == 1 ? "" : "s");
	if (peer.nrows == 0)
		say_nothing();
	else if (peer.asked >= 0 && !seen)
		cli_fail(1);
	if (hidden)
		cli_refused();
	if (hidden && peer.asked >= 0)
		cli_fail(3);
}

static int
scan(void)
{
	peer.root = cli_root();
	peer.operand = operands[0];
	if (peer_find(pid) < 0)
		cli_error(operands[0], errno);
	else
		report();
	return 0;
}

int
main(int argc, char **argv)
{
	int c;

	cli_open(argv);
	while ((c = getopt_long(argc, argv, "JH0R:T:hV", options, NULL)) != -1)
		cli_option(c);
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
