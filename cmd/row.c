#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "detail.h"
#include "name.h"
#include "num.h"
#include "proc.h"
#include "row.h"
#include "walk.h"

const struct out_column row_columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "FD", 4 }, { "MODE", -4 },
	{ "TYPE", -8 }, { "SIZE", 12 }, { "NAME", 0 }, { 0 }
};

const struct out_column row_long_columns[] = {
	{ "PID", -7 }, { "COMMAND", -15 }, { "USER", -8 }, { "FD", 4 },
	{ "MODE", -4 }, { "FLAGS", -8 }, { "TYPE", -8 }, { "DEV", -7 },
	{ "INODE", 10 }, { "LINKS", 5 }, { "POS", 12 }, { "SIZE", 12 },
	{ "NAME", 0 }, { 0 }
};

static int fresh;		/* no row of the process was put yet */
static struct buf words;	/* of one field */

void
row_process(void)
{
	fresh = 1;
}

static void
put_string(struct out *o, const char *s)
{
	out_str(o, s, s ? strlen(s) : 0);
}

static void
put_text(struct out *o, const char *s)
{
	if (buf_put(&words, s, strlen(s)) < 0)
		o->failed = ENOMEM;
}

/* Append a word and a comma before it if it is not the first. */
static void
put_word(struct out *o, const char *s)
{
	if (words.n)
		put_text(o, ",");
	put_text(o, s);
}

/* The locks that it holds. */
static void
put_locks(struct out *o, const char *text)
{
	struct lock_row l;

	while (parse_lock(&text, &l) == 1) {
		put_word(o, "lock=");
		if (buf_printf(&words, "%s:%s:%s:%d:%llu-", l.kind, l.how,
		               l.mode, l.pid, l.start) < 0 ||
		    (l.end < 0 ? buf_printf(&words, "EOF") :
		     buf_printf(&words, "%lld", l.end)) < 0)
			o->failed = ENOMEM;
	}
}

/* The flags of open(2) that fdinfo tells, in its words; access mode apart.
 * Behind them what JSON has keys for. */
static void
put_flags(struct out *o, const struct desc *d, int seals)
{
	static const struct {
		unsigned bit;
		const char *name;
	} flags[] = {
		{ O_APPEND, "append" }, { O_NONBLOCK, "nonblock" },
		{ O_SYNC & ~O_DSYNC, "sync" }, { O_DSYNC, "dsync" },
		{ O_ASYNC, "async" }, { O_DIRECT, "direct" },
		{ O_DIRECTORY, "directory" }, { O_NOFOLLOW, "nofollow" },
		{ O_NOATIME, "noatime" }, { O_CLOEXEC, "cloexec" },
		{ O_PATH, "path" }, { O_TMPFILE & ~O_DIRECTORY, "tmpfile" },
	};
	/* all but the kernel's own: O_LARGEFILE, which most files have */
	static const unsigned named = O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC |
	    O_DIRECT | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |
	    O_PATH | O_TMPFILE;
	unsigned set = d->informed ? d->info.flags & named : 0;
	size_t i;

	words.n = 0;
	for (i = 0; set && i < sizeof flags / sizeof *flags; i++) {
		if (!(set & flags[i].bit))
			continue;
		/* O_SYNC is two bits, O_TMPFILE goes with O_DIRECTORY */
		if (flags[i].bit == O_DSYNC && set & (O_SYNC & ~O_DSYNC))
			continue;
		if (flags[i].bit == O_DIRECTORY &&
		    set & (O_TMPFILE & ~O_DIRECTORY))
			continue;
		put_word(o, flags[i].name);
	}
	if (o->mode != OUT_JSON && desc_locked(d))
		put_locks(o, d->text.s);
	if (o->mode != OUT_JSON && seals >= 0) {
		put_word(o, "seals=");
		if (name_seals(&words, (unsigned)seals, ':') < 0)
			o->failed = ENOMEM;
	}
	out_str(o, words.n ? words.s : NULL, words.n);
}

/* USER: by name where the local passwd file has one; nothing is asked over a
 * network. */
static void
put_user(struct out *o, struct walk *w)
{
	long long uid = walk_euid(w);
	static long long last = -1;
	static char *name;
	struct passwd *pw;
	char s[24];
	FILE *f;

	if (uid < 0) {
		out_null(o);
		return;
	}
	if (uid != last) {
		free(name);
		name = NULL;
		if ((f = fopen("/etc/passwd", "re"))) {
			while (!name && (pw = fgetpwent(f)))
				if (pw->pw_uid == uid)
					name = strdup(pw->pw_name);
			fclose(f);
		}
		last = uid;
	}
	put_string(o, name ? name : num_text(s, (unsigned)uid));
}

static void
put_long(struct out *o, const struct desc *d)
{
	static char dev[48];
	static unsigned major, minor;

	if (!d->known && (d->fd != DESC_MEM || !d->st.ino)) {
		out_null(o);
		out_null(o);
		out_null(o);
	} else {
		if (!*dev || major != d->st.dev_major ||
		    minor != d->st.dev_minor) {
			major = d->st.dev_major;
			minor = d->st.dev_minor;
			snprintf(dev, sizeof dev, "%u:%u", major, minor);
		}
		out_word(o, dev);
		out_num(o, d->st.ino);
		if (d->known)
			out_num(o, d->st.nlink);
		else				/* maps has no more */
			out_null(o);
	}
	if (d->informed && (d->type == DESC_REG || d->type == DESC_DIR ||
	    d->type == DESC_BLK || d->type == DESC_CHR ||
	    d->type == DESC_MEMFD))
		/* that of /proc/PID/mem may be negative */
		out_int(o, (long long)d->info.pos);
	else
		out_null(o);
}

static void
put_size(struct out *o, const struct desc *d)
{
	if (d->known && (d->type == DESC_REG || d->type == DESC_MEMFD ||
	    d->type == DESC_DIR || d->type == DESC_LNK))
		out_num(o, d->st.size);
	else
		out_null(o);
}

/* NAME: for reading with what it stands for, and with -l its details. */
static void
put_name(struct out *o, int root, const struct desc *d, const struct name *nm,
         int detailed)
{
	if (o->mode == OUT_NUL || o->mode == OUT_JSON) {
		out_name(o, nm->s, nm->n, nm->deleted);
		return;
	}
	words.n = 0;
	if (detailed && d->named && (buf_put(&words, nm->shown, nm->nshown) ||
	    detail_text(root, d, &words)))
		o->failed = ENOMEM;
	if (words.n > nm->nshown)
		out_name(o, words.s, words.n, nm->deleted);
	else
		out_name(o, nm->shown, nm->nshown, nm->deleted);
}

/* What all rows of a table begin with. */
static void
put_head(struct out *o, struct walk *w, int detailed)
{
	static struct out_head head;
	static int tid;
	size_t begin = o->rec->n;

	if (fresh || tid != w->tid) {
		out_num(o, (unsigned)(w->tid && o->mode != OUT_JSON ? w->tid :
		        w->pid));
		out_str(o, w->comm.s, w->comm.n);
		if (detailed)
			put_user(o, w);
		out_keep(o, begin, &head);
		fresh = 0;
		tid = w->tid;
	} else {
		out_again(o, &head);
	}
}

void
row_put(struct out *o, struct walk *w, const struct desc *d,
        const struct name *nm, int detailed)
{
	static const char *const modes[] = { "r", "w", "rw" };
	int seals = detailed ? desc_seals(&w->table, walk_thread(w), d) : -1;

	put_head(o, w, detailed);
	if (d->fd < 0)
		out_word(o, desc_fd_name(d->fd));
	else
		out_num(o, (unsigned)d->fd);
	out_word(o, d->mode < 0 ? NULL : modes[d->mode]);
	if (detailed)
		put_flags(o, d, seals);
	out_word(o, nm->type);
	if (detailed)
		put_long(o, d);
	put_size(o, d);
	put_name(o, w->root, d, nm, detailed);
	if (w->tid)
		out_key_num(o, "tid", (unsigned)w->tid);
	else
		out_key_null(o, "tid");
	out_key_bool(o, "deleted", nm->deleted);
	out_key_str(o, "target", d->named ? d->target.s : NULL, d->target.n);
	detail_put(o, w->root, d, nm, seals);
}
