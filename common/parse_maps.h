/*
 * parse_maps - rows of /proc/PID/maps, smaps and mountinfo, as proc(5)
 * describes them. Texts are NUL-terminated; what is returned points into them.
 */
#include <stddef.h>

/* A mapping; the path is n bytes, newlines in it written \012. */
struct map_row {
	unsigned long long start, end, ino;
	unsigned major, minor;
	char perms[4];		/* rwxp, rwxs */
	const char *path;
	size_t n;
};

/* The next mapping, *text moved behind it: 1, 0 at the end, -1 malformed. */
int parse_map(const char **text, struct map_row *);

/* The next mapping of smaps, and how many bytes of it are resident; as
 * parse_map. */
int parse_smap(const char **text, struct map_row *, unsigned long long *rss);

/* A mount; the point is n bytes, as type and source written as the kernel does
 * (\040). */
struct mount_row {
	long long id;
	unsigned major, minor;
	const char *point;
	size_t n;
	const char *type, *source;
	size_t ntype, nsource;
};

/* Make each \ooo in a string the byte again, as the kernel wrote it. */
void parse_octal(char *);

/* The next mount, *text moved behind it: 1, 0 at the end, -1 malformed. */
int parse_mount(const char **text, struct mount_row *);
