#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "parse_fdinfo.h"
#include "parse_task.h"

/* What a digit stands for, or -1. */
static int
digit(char c, int base)
{
	unsigned d = (unsigned char)c - (unsigned)'0';

	if (d > 9)
		d = c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
	return d < (unsigned)base ? (int)d : -1;
}

static const char *
behind_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* The number at s, behind blanks, one too large as ULLONG_MAX; what is behind
 * it, or NULL without one. */
static const char *
behind_number(const char *s, int base, unsigned long long *v)
{
	enum { SURE = 15 };		/* digits that fit */
	unsigned long long n = 0;
	const char *p;
	int d;

	s = behind_blanks(s);
	for (p = s; (d = digit(*p, base)) >= 0; p++)
		n = n * (unsigned)base + (unsigned)d;
	*v = p - s > SURE ? strtoull(s, NULL, base) : n;
	return p > s ? p : NULL;
}

/* The same that may be negative. */
static const char *
behind_signed(const char *s, int base, unsigned long long *v)
{
	int minus;

	s = behind_blanks(s);
	minus = *s == '-';
	if ((s = behind_number(s + minus, base, v)) && minus)
		*v = -*v;
	return s;
}

/* The number at s, which may be NULL; 0, or -1 without one. */
static int
number(const char *s, int base, unsigned long long *v)
{
	return s && behind_number(s, base, v) ? 0 : -1;
}

/* The same that may be negative. */
static int
signed_number(const char *s, long long *v)
{
	unsigned long long n;

	if (!s || !behind_signed(s, 10, &n))
		return -1;
	*v = (long long)n;
	return 0;
}

/* What is behind the word that the text begins with, or NULL. */
static const char *
behind(const char *text, const char *word)
{
	while (*word && *text == *word) {
		text++;
		word++;
	}
	return *word ? NULL : text;
}

/* The number of a line that begins with the key; the next line, or NULL. */
static const char *
line(const char *text, const char *key, int base, unsigned long long *v)
{
	const char *s = behind(text, key);

	if (!s || !(s = behind_signed(s, base, v)))
		return NULL;
	while (*s && *s != '\n')
		s++;
	return s + (*s == '\n');
}

int
parse_fdinfo(const char *text, struct fdinfo *info)
{
	unsigned long long v;
	const char *s;

	memset(info, 0, sizeof *info);
	info->mnt_id = -1;
	if (!(text = line(text, "pos:", 10, &info->pos)) ||
	    !(text = line(text, "flags:", 8, &v)))
		return -1;
	info->flags = (unsigned)v;
	if ((s = line(text, "mnt_id:", 10, &v))) {	/* since Linux 3.15 */
		info->mnt_id = (long long)v;
		text = s;
	}
	if (line(text, "ino:", 10, &v))			/* since Linux 5.14 */
		info->ino = v;
	return 0;
}

int
parse_fdinfo_num(const char *text, const char *key, unsigned long long *v)
{
	return number(parse_field(text, key), 10, v);
}

/* The next line that begins with the word, *text moved behind it; its first
 * byte behind the word, or NULL. */
static const char *
next_line(const char **text, const char *word)
{
	size_t n = strlen(word);
	const char *s;

	while (**text) {
		s = *text;
		*text += strcspn(s, "\n");
		*text += **text == '\n';
		if (strncmp(s, word, n) == 0)
			return s + n;
	}
	return NULL;
}

/* The number behind "key:" in a line of several; 0 or -1. */
static int
member(const char *line, const char *key, int base, unsigned long long *v)
{
	size_t n = strlen(key);
	const char *s = line;

	while (*s && *s != '\n') {
		s += strspn(s, " ");
		if (strncmp(s, key, n) == 0 && s[n] == ':')
			return number(s + n + 1, base, v);
		s += strcspn(s, " \n");
	}
	return -1;
}

/* Inode and superblock of a line. The kernel's own device number has 20 bits
 * for the minor one. 0, or -1 without them. */
static int
place(const char *line, unsigned long long *ino, unsigned *major,
      unsigned *minor)
{
	unsigned long long dev;

	if (member(line, "ino", 16, ino) < 0 ||
	    member(line, "sdev", 16, &dev) < 0)
		return -1;
	*major = (unsigned)(dev >> 20);
	*minor = (unsigned)(dev & 0xfffff);
	return 0;
}

/* The handle in a line, which is its end, n bytes; or NULL. */
static const char *
handle(const char *line, size_t *n)
{
	size_t len = strcspn(line, "\n");
	const char *s = memmem(line, len, "fhandle-bytes:", 14);

	*n = s ? len - (size_t)(s - line) : 0;
	return s;
}

int
parse_eventfd(const char *text, struct eventfd_row *e)
{
	unsigned long long v;

	if (number(parse_field(text, "eventfd-count"), 16, &e->count) < 0)
		return -1;
	e->id = parse_fdinfo_num(text, "eventfd-id", &v) < 0 ? -1 :
	    (long long)v;
	e->semaphore = parse_fdinfo_num(text, "eventfd-semaphore", &v) < 0 ?
	    -1 : v != 0;
	return 0;
}

int
parse_tfd(const char **text, struct tfd_row *t)
{
	unsigned long long tfd, events;
	const char *s;

	while ((s = next_line(text, "tfd:"))) {
		if (number(s, 10, &tfd) < 0 || tfd > INT_MAX ||
		    member(s, "events", 16, &events) < 0 ||
		    member(s, "data", 16, &t->data) < 0)
			continue;
		t->tfd = (int)tfd;
		t->events = (unsigned)events;
		/* since Linux 4.13 */
		if (place(s, &t->ino, &t->major, &t->minor) < 0)
			t->ino = t->major = t->minor = 0;
		return 1;
	}
	return 0;
}

int
parse_inotify(const char **text, struct inotify_row *i)
{
	unsigned long long wd, mask;
	const char *s;

	while ((s = next_line(text, "inotify "))) {
		/* wd is hexadecimal too */
		if (member(s, "wd", 16, &wd) < 0 || wd > INT_MAX ||
		    member(s, "mask", 16, &mask) < 0 ||
		    place(s, &i->ino, &i->major, &i->minor) < 0)
			continue;
		i->handle = handle(s, &i->n);
		i->wd = (int)wd;
		i->mask = (unsigned)mask;
		return 1;
	}
	return 0;
}

int
parse_fanotify(const char **text, struct fanotify_row *f)
{
	unsigned long long dev;
	const char *s;

	while ((s = next_line(text, "fanotify "))) {
		if (member(s, "mask", 16, &f->mask) < 0)
			continue;	/* the group's own flags */
		f->major = f->minor = 0;
		f->id = 0;
		f->handle = handle(s, &f->n);
		if (place(s, &f->id, &f->major, &f->minor) == 0) {
			f->on = FANOTIFY_INODE;
		} else if (member(s, "mnt_id", 16, &f->id) == 0) {
			f->on = FANOTIFY_MOUNT;
		} else if (member(s, "mnt_ns", 10, &f->id) == 0) {
			f->on = FANOTIFY_MNTNS;		/* since Linux 6.14 */
		} else if (member(s, "sdev", 16, &dev) == 0) {
			f->on = FANOTIFY_FS;
			f->major = (unsigned)(dev >> 20);
			f->minor = (unsigned)(dev & 0xfffff);
		} else {
			continue;
		}
		return 1;
	}
	return 0;
}

/* "(SECONDS, NANOSECONDS)"; 0 or -1. */
static int
timespec(const char *s, unsigned long long *sec, unsigned long long *ns)
{
	if (!s || *s != '(' || number(s + 1, 10, sec) < 0)
		return -1;
	s += strcspn(s, ",\n");
	return *s == ',' ? number(s + 1, 10, ns) : -1;
}

int
parse_timerfd(const char *text, struct timerfd_row *t)
{
	unsigned long long clockid, flags;

	if (parse_fdinfo_num(text, "clockid", &clockid) < 0 ||
	    parse_fdinfo_num(text, "ticks", &t->ticks) < 0 ||
	    number(parse_field(text, "settime flags"), 8, &flags) < 0 ||
	    timespec(parse_field(text, "it_value"), &t->value,
	             &t->value_ns) < 0 ||
	    timespec(parse_field(text, "it_interval"), &t->interval,
	             &t->interval_ns) < 0)
		return -1;
	t->clockid = (int)clockid;
	t->flags = (unsigned)flags;
	return 0;
}

int
parse_sigmask(const char *text, unsigned long long *mask)
{
	return number(parse_field(text, "sigmask"), 16, mask);
}

int
parse_pidfd(const char *text, struct pidfd_row *p)
{
	const char *s = parse_field(text, "Pid");
	long long v;

	if (signed_number(s, &v) < 0)
		return -1;
	p->pid = p->nspid = (int)v;
	/* one number for each namespace down to the process's own */
	s = parse_field(text, "NSpid");
	while (s && signed_number(s, &v) == 0) {
		p->nspid = (int)v;
		s += strcspn(s, "\t\n");
		s = *s == '\t' ? s + 1 : NULL;
	}
	return 0;
}

static void
rest_of_line(const char *s, const char **value, size_t *n)
{
	*value = s;
	*n = s ? strcspn(s, "\n") : 0;
}

int
parse_bpf(const char *text, struct bpf_row *b)
{
	/* a link has its program's id too, and a tag */
	static const struct {
		const char *kind, *id, *type;
	} kinds[] = {
		{ "link", "link_id", "link_type" },
		{ "map", "map_id", "map_type" },
		{ "prog", "prog_id", "prog_type" }, { "btf", "btf_id", "" }
	};
	unsigned long long id, prog = 0;
	size_t i;

	for (i = 0; parse_fdinfo_num(text, kinds[i].id, &id) < 0; )
		if (++i == sizeof kinds / sizeof *kinds)
			return -1;
	b->kind = kinds[i].kind;
	b->id = (unsigned)id;
	if (i == 0)
		parse_fdinfo_num(text, "prog_id", &prog);
	b->prog = (unsigned)prog;
	rest_of_line(parse_field(text, kinds[i].type), &b->type, &b->ntype);
	rest_of_line(parse_field(text, "prog_tag"), &b->tag, &b->ntag);
	return 0;
}

int
parse_uring(const char *text, struct uring_row *u)
{
	if (parse_fdinfo_num(text, "UserFiles", &u->files) < 0 ||
	    parse_fdinfo_num(text, "UserBufs", &u->bufs) < 0)
		return -1;
	u->list = parse_field(text, "UserFiles");
	u->list += strcspn(u->list, "\n");
	u->list += *u->list == '\n';
	u->sqes = u->cqes = 0;
	u->thread = -1;
	/* all since Linux 5.17 and 6.0 */
	parse_fdinfo_num(text, "SQEs", &u->sqes);
	parse_fdinfo_num(text, "CQEs", &u->cqes);
	signed_number(parse_field(text, "SqThread"), &u->thread);
	return 0;
}

int
parse_userfile(const char **list, struct userfile_row *u)
{
	unsigned long long index;
	const char *s = *list;

	while ((*s == ' ' || digit(*s, 10) >= 0) &&
	    number(s, 10, &index) == 0) {
		s += strcspn(s, ":\n");
		if (s[0] != ':' || s[1] != ' ')
			break;
		u->index = (unsigned)index;
		rest_of_line(s + 2, &u->path, &u->n);
		s = u->path + u->n;
		*list = s += *s == '\n';
		/* before Linux 6.13 also the empty slots */
		if (u->n != 6 || strncmp(u->path, "<none>", 6) != 0)
			return 1;
	}
	return 0;
}

/* The next word of a line, *s moved behind it and the blanks; 0, or -1 for
 * none or one that does not fit. */
static int
word(const char **s, char *w, size_t size)
{
	size_t n = strcspn(*s, " \n");

	if (n == 0 || n >= size)
		return -1;
	memcpy(w, *s, n);
	w[n] = '\0';
	*s += n;
	*s += strspn(*s, " ");
	return 0;
}

/* "PID MAJOR:MINOR:INODE FIRST LAST" of a lock; 0 or -1. */
static int
lock_range(const char *s, struct lock_row *l)
{
	unsigned long long v;
	long long pid;
	char *end;

	if (signed_number(s, &pid) < 0)
		return -1;
	l->pid = (int)pid;
	l->major = l->minor = 0;
	l->ino = 0;
	s += strcspn(s, " \n");
	s += strspn(s, " ");
	if (digit(*s, 16) >= 0) {		/* else "<none>:0" */
		l->major = (unsigned)strtoul(s, &end, 16);
		if (*end != ':' || digit(end[1], 16) < 0)
			return -1;
		l->minor = (unsigned)strtoul(end + 1, &end, 16);
		if (*end != ':' || number(end + 1, 10, &l->ino) < 0)
			return -1;
	}
	s += strcspn(s, " \n");
	if (*s != ' ' || number(s, 10, &l->start) < 0)
		return -1;
	s += strspn(s, " ");
	s += strcspn(s, " \n");
	if (number(s, 10, &v) < 0)
		return strncmp(s, " EOF", 4) == 0 ? l->end = -1, 0 : -1;
	l->end = v > LLONG_MAX ? LLONG_MAX : (long long)v;
	return 0;
}

int
parse_lock(const char **text, struct lock_row *l)
{
	const char *s;

	while ((s = next_line(text, ""))) {
		if (strncmp(s, "lock:\t", 6) == 0)
			s += 6;
		if (number(s, 10, &l->nr) < 0)
			continue;
		s += strcspn(s, ":\n");
		if (s[0] != ':' || s[1] != ' ')
			continue;
		s += 2;
		rest_of_line(s, &l->s, &l->n);
		s += strspn(s, " ");	/* waiters are indented, as a tree */
		l->waits = strncmp(s, "-> ", 3) == 0;
		s += l->waits ? 3 : 0;
		s += strspn(s, " ");
		if (word(&s, l->kind, sizeof l->kind) == 0 &&
		    word(&s, l->how, sizeof l->how) == 0 &&
		    word(&s, l->mode, sizeof l->mode) == 0 &&
		    lock_range(s, l) == 0)
			return 1;
	}
	return 0;
}
