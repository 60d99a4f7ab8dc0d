#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "file.h"
#include "out.h"
#include "cli.h"
#include "target.h"

/* INT, TERM and HUP end the tool at once (FREE, then DYING), but not while
 * there is a temporary name (HELD). */
enum { FREE, HELD, DYING };

/* What parent, child and the next child share. */
static struct {
	_Atomic int hold;
	volatile int stop;		/* the signal that was held back */
	int published;
	struct kstatx made;		/* the new file */
	char dir[PATH_MAX], temp[64];	/* the temporary name, or "" */
	char name[2 * PATH_MAX];
} *kept;

static char base[PATH_MAX];		/* the name in the directory */
static struct file dir;
static int in_place;

/* Say why there is no target; -1. */
#define refuse(...) (cli_warn(__VA_ARGS__), cli_fail(1), -1)

/* The same for what errno says of a path, with what would help. */
static int
refuse_path(const char *path)
{
	int err = errno, rights = err == EACCES || err == EPERM;

	return refuse("%s: %s%s%s", path, strerror(err),
	              err == EACCES ? " (needs root or CAP_DAC_OVERRIDE)" : "",
	              err == EEXIST ? "" : in_place ? ": give a DEST" :
	              rights ? ": give another DEST" : "");
}

/* In the parent and in the child. */
static void
on_signal(int sig)
{
	int expected = FREE, err = errno;

	if (atomic_compare_exchange_strong(&kept->hold, &expected, DYING) ||
	    expected == DYING) {
		signal(sig, SIG_DFL);
		raise(sig);
	} else {
		kept->stop = sig;
	}
	errno = err;
}

/* From here on signals are held back. */
static void
hold(void)
{
	int expected = FREE;

	if (!atomic_compare_exchange_strong(&kept->hold, &expected, HELD) &&
	    expected == DYING)
		_exit(1);
}

void
target_end(void)
{
	if (kept->stop) {
		signal(kept->stop, SIG_DFL);
		raise(kept->stop);
	}
}

/* The temporary name is gone: end by the signal that came meanwhile. */
static void
release(void)
{
	kept->temp[0] = '\0';
	atomic_store(&kept->hold, FREE);
	if (!kept->published)
		target_end();
}

int
target_init(const char *name, int at)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART }, old;
	size_t i;

	if (!(kept = guard_share(sizeof *kept)))
		return -1;
	dir.at = (struct guard_at){ .fd = at, .kind = GUARD_PATH };
	snprintf(kept->name, sizeof kept->name, "%s", name);
	for (i = 0; i < sizeof held / sizeof *held; i++) {
		sigaction(held[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)
			sigaction(held[i], &sa, NULL);
	}
	return 0;
}

const volatile int *
target_stop(void)
{
	return &kept->stop;
}

const char *
target_name(void)
{
	return kept->name;
}

int
target_published(void)
{
	return kept->published;
}

unsigned long long
target_used(void)
{
	return kept->made.blocks * 512;
}

/* Split a path at its last slash into kept->dir and base; 0, or -1. */
static int
split(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	snprintf(kept->name, sizeof kept->name, "%s", path);
	if (strlen(path) >= PATH_MAX)
		return refuse("%s: %s", path, strerror(ENAMETOOLONG));
	snprintf(base, sizeof base, "%s", slash ? slash + 1 : path);
	if (!slash)
		strcpy(kept->dir, ".");
	else if (n == 0)
		strcpy(kept->dir, "/");
	else
		snprintf(kept->dir, sizeof kept->dir, "%.*s", (int)n, path);
	return 0;
}

/* Open a directory, with real one in whose path is no symbolic link; 0, or -1
 * with errno. */
static int
open_dir(const char *path, int real)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, fd;

	dir.fd = AT_FDCWD;
	for (;;) {
		fd = real ? file_open_real(&dir, path, flags) :
		    file_open(&dir, path, flags, 0);
		/* one may be written to without being readable */
		if (fd >= 0 || errno != EACCES || flags & O_PATH)
			break;
		flags |= O_PATH;
	}
	dir.fd = fd;
	return fd < 0 ? -1 : 0;
}

/*
 * The original path as the process sees it, if it leads to the file's own mount
 * from there, else NULL. The file may be of a mount that the process does not
 * see, too: it was mounted over or detached, or came through a socket.
 */
static const char *
seen_by(int pid, const char *path, const struct kstatx *file)
{
	static char seen[3 * PATH_MAX];
	struct file root = { AT_FDCWD, dir.at }, up = root;
	struct kstatx st;
	int n = snprintf(seen, sizeof seen, "%s/%d/root", cli.procfs, pid);

	root.fd = file_open(&root, seen, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (root.fd < 0)
		return NULL;
	up.fd = file_open_real(&root, kept->dir[1] ? kept->dir + 1 : ".",
	                       O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(root.fd);
	if (up.fd < 0)
		return NULL;
	snprintf(seen + n, sizeof seen - (size_t)n, "%s", path);
	if (file_statx(&up, "", &st) < 0 || st.mnt_id != file->mnt_id)
		*seen = '\0';
	close(up.fd);
	return *seen ? seen : NULL;
}

int
target_in_place(const char *path, const struct kstatx *file, int pid)
{
	const char *seen;
	struct kstatx st;
	int failed;

	in_place = 1;
	if (split(path) < 0)
		return -1;
	failed = open_dir(kept->dir, 1) < 0;
	if (failed && errno == ELOOP)
		return refuse("%s: a symbolic link has taken a directory's "
		              "place: give a DEST", path);
	if (failed && errno == ENOSYS)
		return refuse("%s: to restore in place needs openat2 (Linux "
		              "5.6): give a DEST", path);
	if (failed || file_statx(&dir, "", &st) < 0)
		return refuse_path(kept->dir);
	if (!(st.mask & file->mask & KSTATX_MNT_ID))
		return refuse("%s: to restore in place needs mount IDs (Linux "
		              "5.8): give a DEST", path);
	if (st.mnt_id == file->mnt_id)
		return 0;
	seen = seen_by(pid, path, file);
	return refuse("%s: is on another mount than the file, which is of "
	              "another mount namespace or was mounted over: give a "
	              "DEST%s%s", path, seen ? ", such as " : "",
	              seen ? seen : "");
}

int
target_path(const char *path, const char *original)
{
	size_t n = strlen(path);

	if (open_dir(path, 0) == 0) {
		if (!original)
			return refuse("%s: the file's own name is not known: "
			              "give a DEST with a file name", path);
		snprintf(kept->dir, sizeof kept->dir, "%s", path);
		snprintf(base, sizeof base, "%s", strrchr(original, '/') + 1);
		snprintf(kept->name, sizeof kept->name, "%s%s%s", path,
		         path[n - 1] == '/' ? "" : "/", base);
		return 0;
	}
	if (path[n - 1] == '/')
		return refuse_path(path);
	if (split(path) < 0)
		return -1;
	return open_dir(kept->dir, 0) < 0 ? refuse_path(kept->dir) : 0;
}

int
target_check(void)
{
	struct kstatx st;

	if (file_statx(&dir, base, &st) == 0)
		errno = EEXIST;
	if (errno == ENOENT && file_access(&dir, W_OK | X_OK) == 0)
		return 0;
	return refuse_path(kept->name);
}

int
target_room(unsigned long long bytes, long long *avail)
{
	struct statfs fs;
	char need[16], room[16];

	*avail = -1;
	/* some file systems don't tell their size */
	if (file_statfs(&dir, &fs) < 0 || fs.f_blocks == 0)
		return 0;
	*avail = (long long)fs.f_bavail * (long long)fs.f_frsize;
	if (bytes <= (unsigned long long)*avail)
		return 0;
	out_scale(need, bytes);
	out_scale(room, (unsigned long long)*avail);
	return refuse("%s: needs %s on disk, and %s are free: give a DEST on "
	              "another file system", kept->name, need, room);
}

int
target_links(const struct kstatx *file)
{
	struct kstatx st;

	/* before Linux 5.8 the mount is not known */
	return file_statx(&dir, "", &st) == 0 && (st.mask & file->mask &
	    KSTATX_MNT_ID ? st.mnt_id == file->mnt_id :
	    st.dev_major == file->dev_major &&
	    st.dev_minor == file->dev_minor);
}

/* The name is there: have that last. */
static void
sync_dir(void)
{
	/* EBADF: it may not be read, and so was not opened */
	if (file_sync(&dir) < 0 && errno != EBADF && errno != EINVAL)
		cli_warn("%s: %s", kept->dir, strerror(errno));
}

int
target_link(const struct file *f, const struct kstatx *st)
{
	if (file_link(f, &dir, base) < 0)
		return -1;
	kept->made = *st;
	kept->published = 1;
	sync_dir();
	return 0;
}

/* A file without a name in the directory; -1 with errno. */
static int
make_nameless(void)
{
	return file_open(&dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

int
target_clones(const struct file *source)
{
	struct file to = { make_nameless(), dir.at };
	int r;

	if (to.fd < 0)
		return 0;
	file_match(source, &to);
	r = file_clone_block(source, &to);
	close(to.fd);
	return r == 0;
}

int
target_make(struct file *to)
{
	int n;

	to->at = dir.at;
	to->fd = make_nameless();
	if (to->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return to->fd < 0 ? -1 : 0;
	hold();
	for (n = 0; n < 100 && to->fd < 0; n++) {
		snprintf(kept->temp, sizeof kept->temp, ".fdrecover-%d-%d",
		         (int)getpid(), n);
		to->fd = file_open(&dir, kept->temp, O_CREAT | O_EXCL |
		                   O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (to->fd >= 0)
			file_statx(to, "", &kept->made);
		else if (errno != EEXIST)
			break;
	}
	if (to->fd < 0) {
		n = errno;
		release();
		errno = n;
	}
	return to->fd < 0 ? -1 : 0;
}

void
target_remove(void)
{
	if (!kept->temp[0])
		return;
	file_unlink(&dir, kept->temp);
	release();
}

int
target_publish(const struct file *to)
{
	if (to->fd < 0) {
		kept->published = 1;
		return 0;
	}
	if (file_sync(to) < 0)
		return -1;
	file_statx(to, "", &kept->made);
	if ((kept->temp[0] ? file_rename(&dir, kept->temp, base) :
	    file_link(to, &dir, base)) < 0)
		return -1;
	kept->published = 1;
	if (kept->temp[0])
		release();
	sync_dir();
	return 0;
}

int
target_takes_set_id(const struct file *source)
{
	struct statfs from, to;

	if (in_place)
		return 1;
	return file_statfs(source, &from) == 0 && file_statfs(&dir, &to) == 0 &&
	    (!(from.f_flags & ST_NOSUID) || to.f_flags & ST_NOSUID);
}

void
target_clean(void)
{
	struct kstatx st;
	enum guard_kind kind = dir.at.kind;
	int gone = 0;

	if (!kept->temp[0])
		return;
	/* another kind of question than the one that was not answered */
	dir.at.kind = GUARD_OBJECT;
	if (open_dir(kept->dir, 0) == 0) {
		if (file_statx(&dir, kept->temp, &st) < 0)
			gone = errno == ENOENT;
		else
			gone = st.ino == kept->made.ino &&
			    st.dev_major == kept->made.dev_major &&
			    st.dev_minor == kept->made.dev_minor &&
			    file_unlink(&dir, kept->temp) == 0;
	}
	if (!gone)
		cli_warn("%s/%s: could not be removed", kept->dir, kept->temp);
	dir.at.kind = kind;
	release();
}
