#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "parse_maps.h"
#include "desc.h"
#include "proc.h"
#include "walk.h"
#include "peer.h"

/* The file of a path as the process that registered it has it; 0 or -1. */
static int
look_up(const struct walk *w, const struct userfile_row *file,
        struct peer_key *k)
{
	struct buf path = { 0 };
	struct kstatx st;
	int r = -1;

	if (buf_put(&path, "root", 4) == 0 &&
	    buf_put(&path, file->path, file->n) == 0) {
		parse_octal(path.s);
		if ((r = proc_lookup(w->dir, path.s, &st)) == 0)
			*k = peer_file(&st);
	}
	buf_free(&path);
	return r;
}

/* What a row of a ring names, if it is of a class that is looked for; 0, or -1
 * where that can't be told: most anonymous objects have one name. */
static int
registered(const struct walk *w, const struct userfile_row *file, int all,
           struct peer_key *k)
{
	if (*file->path != '/')
		return peer_numbered(file->path, k) ? 0 : -1;
	return all || peer_wants_class(PEER_FILE) ? look_up(w, file, k) : -1;
}

/* Is it called as what is asked about? */
static int
is_namesake(const struct userfile_row *file)
{
	static struct buf text;

	text.n = 0;
	if (!peer.text.n || buf_put(&text, file->path, file->n) < 0)
		return 0;
	parse_octal(text.s);
	return strcmp(text.s, peer.text.s) == 0;
}

void
peer_ring_ends(const struct walk *w)
{
	const char *info = peer_info(&w->table);
	struct uring_row ring;
	struct userfile_row file;
	struct peer_key k;

	if (!info || parse_uring(info, &ring) < 0)
		return;
	while (parse_userfile(&ring.list, &file) == 1)
		if (registered(w, &file, 0, &k) == 0)
			peer_end(w, &k, PEER_REGISTERED);
		else if (is_namesake(&file))
			peer.doubt = "an io_uring that may have it";
}

int
peer_ring_links(const struct walk *w)
{
	const char *info = peer_info(&w->table);
	struct uring_row ring;
	struct userfile_row file;
	struct peer_link l = { .roles = ~(PEER_REGISTERED | PEER_MEMBER),
		.dir = PEER_TO, .held = PEER_OPEN, .alone = PEER_SILENT,
		.uid = -1 };
	int untold = 0;

	if (!info || parse_uring(info, &ring) < 0)
		return -1;
	while (parse_userfile(&ring.list, &file) == 1)
		if (registered(w, &file, 1, &l.key) == 0)
			peer_link(l);
		else
			untold = 1;
	return untold ? -1 : 1;
}
