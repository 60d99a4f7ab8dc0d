#include <sys/stat.h>
#include <sys/vfs.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "file.h"
#include "copy.h"
#include "out.h"
#include "cli.h"
#include "progress.h"

/* One step each: what a slow disk does in a second, many times over. */
enum { PIECE = 128 << 10, RANGE = 8 << 20, DIRTY = 32 << 20 };

/* <linux/magic.h> */
#define EXT4_MAGIC 0xef53U
#define XFS_MAGIC 0x58465342U
#define BTRFS_MAGIC 0x9123683eU
#define TMPFS_MAGIC 0x01021994U
#define OVERLAY_MAGIC 0x794c7630U

/* The magic number of the file's file system, or 0. */
static uint32_t
filesystem(const struct file *f)
{
	struct statfs fs;

	return file_statfs(f, &fs) < 0 ? 0 : (uint32_t)fs.f_type;
}

int
copy_on_overlay(const struct file *f)
{
	return filesystem(f) == OVERLAY_MAGIC;
}

static int
failed_read(struct copy *c)
{
	c->reading = 1;
	return -1;
}

static ssize_t
read_piece(struct copy *c, char *piece, size_t n, off_t off)
{
	ssize_t r;

	do
		r = c->borrowed ? file_pread(&c->from, piece, n, off) :
		    file_read(&c->from, piece, n);
	while (r < 0 && errno == EINTR && !*c->stop);
	return r < 0 ? failed_read(c) : r;
}

static int
is_zero(const char *p, size_t n)
{
	return n == 0 || (*p == '\0' && memcmp(p, p + 1, n - 1) == 0);
}

static int
write_piece(struct copy *c, const char *piece, size_t n)
{
	ssize_t w = 0;

	if (c->to.fd < 0)
		return guard_write(STDOUT_FILENO, piece, n);
	for (; n; piece += w, n -= (size_t)w) {
		/* without extents to go by, what is zero is left a hole */
		if (c->whole && is_zero(piece, n))
			w = file_seek(&c->to, (off_t)n, SEEK_CUR) < 0 ? -1 :
			    (ssize_t)n;
		else
			w = file_write(&c->to, piece, n);
		if (w < 0 && errno == EINTR && !*c->stop)
			w = 0;
		if (w < 0)
			return -1;
	}
	return 0;
}

/* Let the kernel copy, or share blocks; the number of bytes, or 0 where it
 * can't (it says why when the bytes are read and written). */
static ssize_t
copy_range(struct copy *c, off_t n)
{
	ssize_t r;

	if (c->plain || c->borrowed || c->whole || c->to.fd < 0)
		return 0;
	r = file_copy_range(&c->from, &c->to, (size_t)(n < RANGE ? n : RANGE));
	if (r <= 0)
		c->plain = !(r < 0 && errno == EINTR);
	return r < 0 ? 0 : r;
}

/*
 * Have what was written go to the disk as it comes, so that no step is to wait
 * for all of it: a part is begun when it is complete, and waited for when the
 * next one is. Overlayfs takes no notice of that. 0, or -1 with errno.
 */
static int
sync_target(struct copy *c, off_t end)
{
	int r;

	if (c->to.fd < 0 || c->done - c->dirty < DIRTY)
		return 0;
	if (copy_on_overlay(&c->to))
		r = file_sync_data(&c->to);
	else if ((r = file_begin_sync(&c->to, c->begun, end - c->begun)) == 0)
		r = file_sync_range(&c->to, c->synced, c->begun - c->synced);
	c->dirty = c->done;
	c->synced = c->begun;
	c->begun = end;
	return r;
}

/* Somebody who wants to write waits until the lease is given back. */
static int
lease_broken(struct copy *c)
{
	if (!c->leased || fcntl(c->from.fd, F_GETLEASE) == F_RDLCK)
		return 0;
	fcntl(c->from.fd, F_SETLEASE, F_UNLCK);
	c->leased = 0;
	return 1;
}

/* Copy what is from off, where the descriptors stand, up to end; where the file
 * ended, or -1. */
static off_t
copy_extent(struct copy *c, off_t off, off_t end)
{
	static char piece[PIECE];
	ssize_t n;

	while (off < end) {
		if (*c->stop) {
			errno = EINTR;
			return -1;
		}
		if ((n = copy_range(c, end - off)) == 0) {
			n = read_piece(c, piece, end - off < PIECE ?
			               (size_t)(end - off) : PIECE, off);
			if (n < 0 || write_piece(c, piece, (size_t)n) < 0)
				return -1;
			if (n == 0)
				break;
		}
		off += n;
		c->done += (unsigned long long)n;
		if (sync_target(c, off) < 0)
			return -1;
		progress_at(c->done);
		lease_broken(c);
	}
	return off;
}

/* The next data behind *off up to size: 1, or 0 if there is none, or -1. */
static int
next_extent(struct copy *c, off_t *off, off_t *end, off_t size)
{
	off_t data = *off;

	*end = size;
	if (c->whole)
		return 1;
	if ((data = file_seek(&c->from, *off, SEEK_DATA)) < 0) {
		if (errno == ENXIO)
			return 0;
		if (errno != EINVAL && errno != EOPNOTSUPP)
			return failed_read(c);
		c->whole = 1;
		data = *off;
	} else if ((*end = file_seek(&c->from, data, SEEK_HOLE)) < 0 ||
	           *end > size) {
		*end = size;
	}
	*off = data;
	if (data >= size)
		return 0;
	if (file_seek(&c->from, data, SEEK_SET) < 0)
		return failed_read(c);
	return file_seek(&c->to, data, SEEK_SET) < 0 ? -1 : 1;
}

static int
resize(const struct copy *c, off_t size)
{
	return c->to.fd < 0 ? 0 : file_truncate(&c->to, size);
}

/* Copy the file as it is, up to the size that it began with. */
static int
copy_file(struct copy *c)
{
	/* files of procfs have no size and end where they end */
	off_t size = c->st.size ? (off_t)c->st.size : LLONG_MAX;
	off_t off = 0, end = 0;
	int r = 1;

	/* on the holder's own descriptor even SEEK_DATA moves its position */
	c->whole = c->borrowed || c->to.fd < 0 || c->st.size == 0;
	c->plain = 0;
	if (resize(c, 0) < 0 || resize(c, (off_t)c->st.size) < 0 ||
	    (!c->borrowed && file_seek(&c->from, 0, SEEK_SET) < 0) ||
	    (c->to.fd >= 0 && file_seek(&c->to, 0, SEEK_SET) < 0))
		return -1;
	while (off < size && (r = next_extent(c, &off, &end, size)) == 1) {
		if ((off = copy_extent(c, off, end)) < 0)
			return -1;
		if (off < end)
			break;
	}
	if (r < 0)
		return -1;
	if (r == 0)
		off = size;
	c->bytes = (unsigned long long)off;
	/* it is shorter now, or had no size to begin with */
	return off == (off_t)c->st.size ? 0 : resize(c, off);
}

/*
 * Is a read lease granted on it only when nobody can write? Overlayfs doesn't
 * see mappings, and file servers have writers elsewhere. What the kernel made
 * itself (memfd_create(2), shared memory) was opened without being counted as
 * open for writing; that is on a tmpfs of its own, which has no limit.
 */
static int
counts_writers(const struct file *f)
{
	struct statfs fs;

	if (file_statfs(f, &fs) < 0)
		return 0;
	switch ((uint32_t)fs.f_type) {
	case EXT4_MAGIC:
	case XFS_MAGIC:
	case BTRFS_MAGIC:
		return 1;
	default:
		return (uint32_t)fs.f_type == TMPFS_MAGIC && fs.f_blocks;
	}
}

/* A read lease is granted when nobody can write, neither by a descriptor nor by
 * a mapping, and as long as it lasts nobody begins to. */
static int
lease(struct copy *c)
{
	c->leased = !c->borrowed && counts_writers(&c->from) &&
	    fcntl(c->from.fd, F_SETLEASE, F_RDLCK) == 0;
	return c->leased;
}

void
copy_flush(const struct copy *c)
{
	/* as many parts as it has data for: a sparse file may be large */
	off_t size = (off_t)c->st.size, off;
	off_t n = (size / ((off_t)c->st.blocks * 512 / RANGE + 1) | 4095) + 1;

	for (off = 0; off < size; off += n)
		if (file_sync_range(&c->from, off, n) < 0)
			break;
}

int
copy_clone(struct copy *c)
{
	struct kstatx st;

	if (file_statx(&c->from, "", &c->st) < 0)
		return -1;
	file_match(&c->from, &c->to);
	copy_flush(c);
	if (file_clone(&c->from, &c->to) < 0 ||
	    file_statx(&c->to, "", &st) < 0)
		return -1;
	c->bytes = st.size;
	return 0;
}

/* Before Linux 6.13 a clock tick is the grain of file times, and where there
 * are no nanoseconds one second or two: a write may hide in the tick of the
 * last one. */
static void
wait_for_tick(const struct copy *c)
{
	struct timespec now, tick = { 2, 0 };
	long long age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - (long long)c->st.mtime.sec) * 1000000000 +
	    now.tv_nsec - (long long)c->st.mtime.nsec;
	if (c->st.mtime.nsec)
		tick = (struct timespec){ 0, 20 * 1000 * 1000 };
	if (age >= 0 && age < tick.tv_sec * 1000000000LL + tick.tv_nsec)
		nanosleep(&tick, NULL);
}

/* As copy_data, but once. */
static int
copy_once(struct copy *c)
{
	struct kstatx after;
	int r;

	c->blind = 0;
	c->done = 0;
	c->dirty = 0;
	c->begun = c->synced = 0;
	lease(c);
	if (file_statx(&c->from, "", &c->st) < 0)
		return failed_read(c);
	if (!c->leased) {
		wait_for_tick(c);
		/* A store through a mapping must fault again and so change the
		 * modification time: between the two looks at that. */
		copy_flush(c);
		/* without write-back nothing makes a page clean */
		c->blind = file_sync_data(&c->from) < 0 ||
		    !file_on_disk(&c->from);
	}
	progress_begin(c->name, c->st.blocks * 512 < c->st.size ?
	               c->st.blocks * 512 : c->st.size);
	r = copy_file(c);
	progress_end();
	if (r < 0)
		return -1;
	if (c->leased && !lease_broken(c)) {
		fcntl(c->from.fd, F_SETLEASE, F_UNLCK);
		return 1;
	}
	if (file_statx(&c->from, "", &after) < 0)
		return failed_read(c);
	return after.size == c->st.size &&
	    after.mtime.sec == c->st.mtime.sec &&
	    after.mtime.nsec == c->st.mtime.nsec;
}

int
copy_data(struct copy *c)
{
	struct timespec t0, t1;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	if ((r = copy_once(c)) < 0 || c->to.fd < 0 || (r && !c->blind))
		return r;
	clock_gettime(CLOCK_MONOTONIC, &t1);
	/* once more if the last writer is gone, or if that was quick */
	if (lease(c) || (r == 0 && t1.tv_sec - t0.tv_sec < 2))
		r = copy_once(c);
	return r;
}

int
copy_at_rest(struct copy *c)
{
	if (!lease(c))
		return 0;
	fcntl(c->from.fd, F_SETLEASE, F_UNLCK);
	return 1;
}

/* Attributes that belong to the layer of a file system, not to the file. */
static int
is_alien(const char *name)
{
	return strncmp(name, "trusted.overlay.", 16) == 0 ||
	    strncmp(name, "trusted.SGI_ACL", 15) == 0;
}

/* 0, or -1 with errno. */
static int
copy_xattr(const struct copy *c, const char *name, struct buf *value)
{
	/* a value has at most 64 KiB (xattr(7)) */
	ssize_t n = file_getxattr(&c->from, name, value->s, value->cap);

	if (n < 0)
		return errno == ENODATA ? 0 : -1;
	return file_setxattr(&c->to, name, value->s, (size_t)n);
}

static int
copy_xattrs(const struct copy *c, int setid)
{
	struct buf names = { 0 }, value = { 0 };
	const char *name;
	ssize_t n;

	/* one that the target has from its directory */
	file_removexattr(&c->to, "system.posix_acl_access");
	if (buf_grow(&names, 65536) < 0 || buf_grow(&value, 65536) < 0)
		return -1;
	n = file_listxattr(&c->from, names.s, 65536);
	/* E2BIG: XFS can have more of them than can be listed */
	if (n < 0 && errno != EOPNOTSUPP)
		cli_warn("%s: attributes: %s", c->name, strerror(errno));
	for (name = names.s; n > 0 && name < names.s + n;
	     name += strlen(name) + 1) {
		if (is_alien(name))
			continue;
		if (!setid && strcmp(name, "security.capability") == 0)
			cli_warn("%s: capabilities are left out", c->name);
		else if (copy_xattr(c, name, &value) < 0)
			cli_warn("%s: attribute %s: %s", c->name, name,
			         strerror(errno));
	}
	buf_free(&names);
	buf_free(&value);
	return 0;
}

int
copy_metadata(struct copy *c, int setid)
{
	struct timespec times[2] = {
		{ (time_t)c->st.atime.sec, (long)c->st.atime.nsec },
		{ (time_t)c->st.mtime.sec, (long)c->st.mtime.nsec }
	};
	mode_t mode = c->st.mode & 07777;

	/* a change of the owner clears set-ID bits and capabilities, so it is
	 * first, and a file that stays ours must not run as ours */
	if (file_chown(&c->to, c->st.uid, c->st.gid) < 0) {
		cli_warn("%s: owner %u:%u: %s", c->name, c->st.uid, c->st.gid,
		         strerror(errno));
		setid = 0;
	}
	if (copy_xattrs(c, setid) < 0)
		return -1;
	if (!setid && mode & (S_ISUID | S_ISGID)) {
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
		cli_warn("%s: set-ID bits are left out", c->name);
	}
	if (file_chmod(&c->to, mode) < 0)
		cli_warn("%s: mode %o: %s", c->name, mode, strerror(errno));
	if (file_utimens(&c->to, times) < 0)
		cli_warn("%s: times: %s", c->name, strerror(errno));
	return 0;
}
