#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
#include "walk.h"

#define BTRFS_MAGIC 0x9123683eUL	/* of <linux/magic.h> */

static const struct mount *mounted;	/* by this mount */
static struct kstatx device;		/* or by this block device */
static int in_btrfs;			/* ... of a btrfs: 1, 0, -1 unknown */
static char btrfs[MOUNT_BTRFS];		/* ... of that name */
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

/* Has the path a ".."? Behind a symbolic link that is not what the text
 * says. */
static int
climbs(const char *path)
{
	const char *s;

	for (s = path; (s = strstr(s, "..")); s += 2)
		if ((s == path || s[-1] == '/') && (s[2] == '/' || !s[2]))
			return 1;
	return 0;
}

/* The same as onmount_resolve, for what the text does not tell; on is what the
 * path is on by it, and that mount's point if it is exact. */
static int
look_up(int root, const char *operand, const struct mount *on, int exact)
{
	const struct mount *m = NULL;
	struct kstatx st;

	if (proc_lookup(AT_FDCWD, operand, &st) < 0) {
		if (errno == ETIMEDOUT && exact) {
			mounted = on;
			return 0;
		}
		cli_path_error(operand, errno);
		return -1;
	}
	if (S_ISBLK(st.mode)) {
		device = st;
		in_btrfs = mount_btrfs(&st, btrfs);
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
	if (exact && !climbs(operand)) {
		mounted = on;
		return 0;
	}
	for (i = 0; argv[i + 1] && (operand < argv[i] ||
	     operand > argv[i] + strlen(argv[i])); i++)
		;
	guard_process(0);
	guard_fd(i);
	return look_up(root, operand, on, exact);
}

int
onmount_wants_info(void)
{
	return !has_ids;
}

/* Is the source of a mount a node of the block device, or of another one of the
 * same btrfs? 1, 0, or -1. */
static int
is_source(const char *source)
{
	char name[MOUNT_BTRFS];
	struct kstatx st;
	int r;

	if (strncmp(source, "/dev/", 5) != 0)
		return 0;
	if (proc_lookup(AT_FDCWD, source, &st) < 0)
		return in_btrfs || errno == ETIMEDOUT ? -1 : 0;
	if (!S_ISBLK(st.mode))
		return 0;
	if (st.rdev_major == device.rdev_major &&
	    st.rdev_minor == device.rdev_minor)
		return 1;
	r = in_btrfs ? mount_btrfs(&st, name) : 0;
	return r == 1 && in_btrfs == 1 ? strcmp(name, btrfs) == 0 : r;
}

/*
 * Is the superblock with that device the one that is asked for? That of a btrfs
 * has a device of its own, which is none of a disk: what it was mounted from,
 * or one of several, tells, where that is known.
 */
static int
is_asked(unsigned major, unsigned minor, const char *source)
{
	if (mounted)
		return major == mounted->major && minor == mounted->minor;
	if (major == device.rdev_major && minor == device.rdev_minor)
		return 1;
	return major ? 0 : is_source(source);
}

/*
 * The same of a file of which the mount is in no list: one that the kernel
 * keeps for itself, one that was detached, or one that is not below the
 * process's root directory. The device of stat(2) is the superblock's, but on
 * btrfs.
 */
static int
is_asked_unlisted(const struct walk *w, const struct desc *d)
{
	int dir = d->fd >= 0 ? w->table.fds : d->fd == DESC_MEM ? w->mapdir :
	    w->table.dir;
	unsigned long magic;
	char name[64];

	if (is_asked(d->st.dev_major, d->st.dev_minor, ""))
		return 1;
	if (mounted ? strcmp(mounted->type, "btrfs") != 0 : !in_btrfs)
		return 0;
	if (d->fd >= 0)
		snprintf(name, sizeof name, "%d", d->fd);
	else if (d->fd == DESC_MEM)
		snprintf(name, sizeof name, "map_files/%s", d->range);
	else
		snprintf(name, sizeof name, "%s", desc_fd_name(d->fd));
	if (proc_fstype(dir, name, &magic) < 0)
		return -1;
	return magic == BTRFS_MAGIC ? -1 : 0;
}

/* What was found out of a mount, or with id -1 of a superblock; IDs and devices
 * are those of all mount namespaces. */
static struct known {
	long long id;
	unsigned major, minor;
	int asked;
} *known;
static size_t nknown;

static const struct known *
find_known(long long id, unsigned major, unsigned minor)
{
	size_t i;

	for (i = 0; i < nknown; i++)
		if (known[i].id == id && (id >= 0 || (known[i].major == major &&
		    known[i].minor == minor)))
			return &known[i];
	return NULL;
}

static int
keep(long long id, unsigned major, unsigned minor, int asked)
{
	known = cli_grow(known, nknown, sizeof *known);
	known[nknown++] = (struct known){ id, major, minor, asked };
	return asked;
}

/* Is the superblock with that device the one that is asked for? As onmount. */
static int
by_device(const struct walk *w, unsigned major, unsigned minor)
{
	const struct known *k;
	const struct mount *m = NULL;

	if (mounted || major || (device.rdev_major == major &&
	    device.rdev_minor == minor))
		return is_asked(major, minor, "");
	if ((k = find_known(-1, major, minor)))
		return k->asked;
	while ((m = mount_next(w->root, m)))
		if (m->major == major && m->minor == minor)
			break;
	if (!m && !(m = mount_in(w->table.dir, -1, major, minor)))
		return in_btrfs ? -1 : 0;
	return keep(-1, major, minor, is_asked(major, minor, m->source));
}

/* Is the superblock of the file the one that is asked for? As onmount. */
static int
by_superblock(const struct walk *w, const struct desc *d)
{
	long long id = desc_mount(d);
	const struct known *k;
	const struct mount *m;

	/* maps has the superblock's device */
	if (!d->known && d->fd == DESC_MEM)
		return d->type == DESC_MEMFD ? 0 :
		    by_device(w, d->st.dev_major, d->st.dev_minor);
	if (d->known && d->st.dev_major)
		return is_asked(d->st.dev_major, d->st.dev_minor, "");
	if (id < 0)
		return d->known ? is_asked_unlisted(w, d) : -1;
	if ((k = find_known(id, 0, 0)))
		return k->asked;
	m = mount_by_id(w->root, id);
	if (!m && !(m = mount_in(w->table.dir, id, 0, 0)) && (!d->known ||
	    errno != ENOENT))
		return -1;
	return keep(id, 0, 0, m ? is_asked(m->major, m->minor, m->source) :
	            is_asked_unlisted(w, d));
}

int
onmount(const struct walk *w, const struct desc *d)
{
	long long id = desc_mount(d);

	if (!mounted || d->fd == DESC_MEM)
		return by_superblock(w, d);
	if (id >= 0)
		return id == mounted->id;
	/* before Linux 5.8 what has no fdinfo */
	return !d->known ? -1 : d->st.dev_major == mounted->major &&
	    d->st.dev_minor == mounted->minor;
}

int
onmount_bound(const struct walk *w, const struct sock *k)
{
	if (!k || !k->path || k->abstract)
		return 0;
	if (!k->has_vfs)
		return -1;
	/* the kernel's form of a device number */
	return by_device(w, k->vfs_dev >> 20, k->vfs_dev & 0xfffff);
}
