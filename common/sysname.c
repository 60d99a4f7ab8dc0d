#include <sys/syscall.h>
#include <stddef.h>

#include "sysname.h"

struct row {
	long nr;
	const char *name;
};

static const struct row native[] = {
#include "sysname_native.h"
	{ -1, NULL }
};

static const struct row compat_rows[] = {
#include "sysname_compat.h"
	{ -1, NULL }
};

/* Calls that the headers may be too old for. Since Linux 5.1 a new one has the
 * same number everywhere, on top of the architecture's own first number. */
enum { UNIFIED = 424 };
static const char *const unified[] = {
	"pidfd_send_signal", "io_uring_setup", "io_uring_enter",
	"io_uring_register", "open_tree", "move_mount", "fsopen", "fsconfig",
	"fsmount", "fspick", "pidfd_open", "clone3", "close_range", "openat2",
	"pidfd_getfd", "faccessat2", "process_madvise", "epoll_pwait2",
	"mount_setattr", "quotactl_fd", "landlock_create_ruleset",
	"landlock_add_rule", "landlock_restrict_self", "memfd_secret",
	"process_mrelease", "futex_waitv", "set_mempolicy_home_node",
	"cachestat", "fchmodat2", "map_shadow_stack", "futex_wake",
	"futex_wait", "futex_requeue", "statmount", "listmount",
	"lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "mseal",
	"setxattrat", "getxattrat", "listxattrat", "removexattrat",
	"open_tree_attr", "file_getattr", "file_setattr", "listns"
};
#ifdef SYS_pidfd_send_signal
#define FIRST (SYS_pidfd_send_signal - UNIFIED)
#else
#define FIRST 0
#endif

const char *
sysname(long nr, int compat)
{
	const struct row *r = compat ? compat_rows : native;
	long i = nr - UNIFIED - (compat ? 0 : FIRST);

	for (; r->name; r++)
		if (r->nr == nr)
			return r->name;
	if (i < 0 || i >= (long)(sizeof unified / sizeof *unified))
		return NULL;
	return unified[i];
}
