#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kernel.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "memory.h"

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif

/* The kernel's own mounts of memory: tmpfs; hugetlbfs, one for each size of
 * its pages by the binary logarithm; and that of secretmem. */
enum { SHARED, HUGE_FIRST = 12, HUGE_LAST = 40, SECRET };

/* Is it on one of these mounts? Each has a device of its own, that of a memfd
 * which we make there. */
static int
is_own(int first, int last, const struct kstatx *st)
{
	static struct stat own[SECRET + 1];
	static char asked[SECRET + 1];
	int i, fd;

	for (i = first; i <= last; i++) {
		if (!asked[i]) {
			asked[i] = 1;
			fd = i == SECRET ? (int)syscall(SYS_memfd_secret,
			                                O_CLOEXEC) :
			    memfd_create("", MFD_CLOEXEC | (i == SHARED ? 0U :
			                 MFD_HUGETLB | (unsigned)i << 26));
			if (fd >= 0) {
				fstat(fd, &own[i]);
				close(fd);
			}
		}
		if (own[i].st_ino && major(own[i].st_dev) == st->dev_major &&
		    minor(own[i].st_dev) == st->dev_minor)
			return 1;
	}
	return 0;
}

static int
begins(const char *s, const char *word)
{
	return strncmp(s, word, strlen(word)) == 0;
}

static int
is_secret(const char *s)
{
	return strcmp(s, "/secretmem (deleted)") == 0;
}

/* Is the file on a mount that the kernel keeps for itself? */
static int
is_memory(const char *s, const struct kstatx *st)
{
	if (is_own(SHARED, SHARED, st))
		return 1;
	if (begins(s, "/memfd:") || begins(s, "/SYSV") ||
	    begins(s, "/anon_hugepage"))
		return is_own(HUGE_FIRST, HUGE_LAST, st);
	return is_secret(s) && is_own(SECRET, SECRET, st);
}

enum desc_type
memory_type(const char *text, const struct kstatx *st)
{
	if (st && !is_memory(text, st))
		return DESC_UNKNOWN;
	if (begins(text, "/memfd:") || is_secret(text))
		return DESC_MEMFD;
	return st || begins(text, "/SYSV") ||
	    strcmp(text, "/dev/zero (deleted)") == 0 ? DESC_ANON :
	    DESC_UNKNOWN;
}
