#include <stdlib.h>
#include <string.h>

#include "parse_fdinfo.h"

int
parse_fdinfo(const char *text, struct fdinfo *info)
{
	int found = 0;

	memset(info, 0, sizeof *info);
	info->mnt_id = -1;
	/* The keys of the file's own type come behind the common ones. */
	while (*text) {
		size_t n = strcspn(text, ":\n");
		const char *v = text + n + (text[n] == ':');

		v += strspn(v, " \t");
		if (*v != '-' && (*v < '0' || *v > '9'))
			break;
		if (n == 3 && strncmp(text, "pos", n) == 0)
			info->pos = strtoull(v, NULL, 10), found |= 1;
		else if (n == 5 && strncmp(text, "flags", n) == 0)
			info->flags = (unsigned)strtoul(v, NULL, 8), found |= 2;
		else if (n == 6 && strncmp(text, "mnt_id", n) == 0)
			info->mnt_id = strtoll(v, NULL, 10);
		else if (n == 3 && strncmp(text, "ino", n) == 0)
			info->ino = strtoull(v, NULL, 10);
		else
			break;
		text = v + strcspn(v, "\n");
		text += *text == '\n';
	}
	return found == 3 ? 0 : -1;
}
