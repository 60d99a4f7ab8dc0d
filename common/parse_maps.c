#include <stdlib.h>
#include <string.h>

#include "parse_maps.h"

/* A number in *s up to the byte end, *s moved behind that; 0 or -1. */
static int
upto(const char **s, int base, char end, unsigned long long *v)
{
	char *p;

	*v = strtoull(*s, &p, base);
	if (p == *s || *p != end)
		return -1;
	*s = p + 1;
	return 0;
}

/* *s moved behind the next blank; 0 or -1. */
static int
skip(const char **s)
{
	size_t n = strcspn(*s, " \n");

	if ((*s)[n] != ' ')
		return -1;
	*s += n + 1;
	return 0;
}

int
parse_map(const char **text, struct map_row *m)
{
	const char *s = *text;
	unsigned long long major, minor;
	char *end;

	if (!*s)
		return 0;
	if (upto(&s, 16, '-', &m->start) < 0 || upto(&s, 16, ' ', &m->end) < 0)
		return -1;
	if (strcspn(s, " \n") != 4)
		return -1;
	memcpy(m->perms, s, 4);
	if (skip(&s) < 0 || skip(&s) < 0 || upto(&s, 16, ':', &major) < 0 ||
	    upto(&s, 16, ' ', &minor) < 0)
		return -1;
	m->major = (unsigned)major;
	m->minor = (unsigned)minor;
	/* "INO" and then blanks up to column 73, but none without a path on
	 * some kernels */
	if (*s < '0' || *s > '9')
		return -1;
	m->ino = strtoull(s, &end, 10);
	m->path = s = end + strspn(end, " ");
	m->n = strcspn(s, "\n");
	*text = s + m->n + (s[m->n] == '\n');
	return 1;
}

int
parse_smap(const char **text, struct map_row *m, unsigned long long *rss)
{
	const char *s;
	int r = parse_map(text, m);

	*rss = 0;
	/* "Key:   value kB"; addresses are in small letters */
	for (s = *text; r == 1 && *s >= 'A' && *s <= 'Z'; *text = s) {
		if (strncmp(s, "Rss:", 4) == 0)
			*rss = strtoull(s + 4, NULL, 10) * 1024;
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return r;
}

int
parse_mount(const char **text, struct mount_row *m)
{
	const char *s = *text;
	unsigned long long id, parent, major, minor;

	if (!*s)
		return 0;
	if (upto(&s, 10, ' ', &id) < 0 || upto(&s, 10, ' ', &parent) < 0 ||
	    upto(&s, 10, ':', &major) < 0 || upto(&s, 10, ' ', &minor) < 0 ||
	    skip(&s) < 0)
		return -1;
	m->id = (long long)id;
	m->major = (unsigned)major;
	m->minor = (unsigned)minor;
	m->point = s;
	m->n = strcspn(s, " \n");
	if (m->n == 0 || skip(&s) < 0 || skip(&s) < 0)
		return -1;
	/* optional fields up to a "-" */
	while (strncmp(s, "- ", 2) != 0)
		if (skip(&s) < 0)
			return -1;
	m->type = s += 2;
	m->ntype = strcspn(s, " \n");
	if (m->ntype == 0 || skip(&s) < 0)
		return -1;
	m->source = s;
	m->nsource = strcspn(s, " \n");	/* may be empty */
	s += strcspn(s, "\n");
	*text = s + (*s == '\n');
	return 1;
}

void
parse_octal(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' &&
		    s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
			    (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}
