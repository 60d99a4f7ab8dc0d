#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "parse_net.h"
#include "desc.h"
#include "mount.h"
#include "onmount.h"
#include "proc.h"

static const struct mount *mounted;	/* by this mount */
static struct kstatx device;		/* or by this block device */
static const char *source;		/* ... under this name */
static int has_ids;			/* statx(2) tells mounts */

/* Say that the operand is no mount point. */
static int
refuse(const char *operand, const struct mount *on)
{
	if (on)
		cli_warn("%s: not a mount point (it is on %s)", operand,
		         on->point);
	else
		cli_warn("%s: not a mount point", operand);
	cli_fail(1);
	return -1;
}

/* The same as onmount_resolve, for what no mount point is named; on is what
 * the path is on by its text. */
static int
look_up(int root, const char *operand, const char *path,
        const struct mount *on)
{
	const struct mount *m = NULL;
	struct kstatx st;

	if (proc_lookup(AT_FDCWD, operand, &st) < 0) {
		if (errno == ETIMEDOUT)
			return refuse(operand, on);
		cli_path_error(operand, errno);
		return -1;
	}
	if (S_ISBLK(st.mode)) {
		device = st;
		source = path;
		return 0;
	}
	if (st.mask & KSTATX_MNT_ID)
		m = mount_by_id(root, (long long)st.mnt_id);
	if (!m || !(st.attributes & KSTATX_ATTR_MOUNT_ROOT))
		return refuse(operand, m ? m : on);
	mounted = m;
	return 0;
}

int
onmount_resolve(int root, const char *operand, char **argv)
{
	const struct mount *on;
	struct kstatx st;
	char *path = cli_path(operand);
	int exact, i;

	has_ids = proc_lstatx(root, ".", &st) == 0 && st.mask & KSTATX_MNT_ID;
	if (!path) {
		cli_error(operand, errno);
		return -1;
	}
	on = mount_of(root, path, &exact);
	if (exact) {
		mounted = on;
		return 0;
	}
	for (i = 0; argv[i + 1] && (operand < argv[i] ||
	     operand > argv[i] + strlen(argv[i])); i++)
		;
	guard_process(0);
	guard_fd(i);
	return look_up(root, operand, path, on);
}

int
onmount_wants_info(void)
{
	return !has_ids;
}

int
onmount(int root, const struct desc *d)
{
	long long id = desc_mount(d);
	const struct mount *m;

	if (mounted && id >= 0)
		return id == mounted->id;
	if (!mounted && d->st.dev_major == device.rdev_major &&
	    d->st.dev_minor == device.rdev_minor && (d->known ||
	    d->fd == DESC_MEM))
		return 1;
	if (!mounted) {
		/* btrfs has devices of its own */
		m = mount_by_id(root, id);
		return m && strcmp(m->source, source) == 0 ? 1 :
		    d->known || d->fd == DESC_MEM ? 0 : -1;
	}
	/* a mapping of which only maps could be read; before Linux 5.8 also
	 * what has no fdinfo */
	if (!d->known && d->fd != DESC_MEM)
		return -1;
	return d->st.dev_major == mounted->major &&
	    d->st.dev_minor == mounted->minor;
}

int
onmount_bound(const struct sock *k)
{
	if (!k || !k->path || k->abstract)
		return 0;
	if (!k->has_vfs)
		return -1;
	return k->vfs_dev >> 20 == (mounted ? mounted->major :
	    device.rdev_major) && (k->vfs_dev & 0xfffff) == (mounted ?
	    mounted->minor : device.rdev_minor);
}
