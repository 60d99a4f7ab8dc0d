#include <sys/mman.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "call.h"
#include "guard.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "parse_task.h"
#include "proc.h"
#include "sysname.h"

/*
 * What is shown of the arguments of a call, a letter each: f a descriptor,
 * m one if no mapping is anonymous, a an address, u that and the timeout of a
 * futex, o a timeout if there is one, t milliseconds and T a pointer that mean
 * "for ever" below 0 and NULL, w a child and i a kind of it with the next
 * argument; r and R a ring, if not by its place among those that the thread has
 * registered. No letters: the call has no arguments.
 */
static const struct {
	const char *letters, *names;
} calls[] = {
	{ "", " fork getegid getegid32 geteuid geteuid32 getgid getgid32"
	  " getpgrp getpid getppid gettid getuid getuid32 inotify_init"
	  " munlockall pause restart_syscall rt_sigreturn"
	  " sched_yield setsid sigreturn sync vfork vhangup " },
	{ "f", " _llseek accept accept4 arm_fadvise64_64 bind cachestat close"
	  " connect dup execveat faccessat faccessat2"
	  " fadvise64 fadvise64_64 fallocate fchdir fchmod"
	  " fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64"
	  " fdatasync fgetxattr file_getattr file_setattr finit_module"
	  " flistxattr flock fremovexattr fsconfig fsetxattr fsmount fspick"
	  " fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate"
	  " ftruncate64 futimesat getdents getdents64 getpeername getsockname"
	  " getsockopt getxattrat inotify_add_watch inotify_rm_watch"
	  " ioctl landlock_add_rule"
	  " landlock_restrict_self listen listxattrat lseek mkdirat mknodat"
	  " mount_setattr mq_getsetattr mq_notify mq_timedreceive"
	  " mq_timedreceive_time64 mq_timedsend mq_timedsend_time64"
	  " name_to_handle_at newfstatat oldfstat open_by_handle_at open_tree"
	  " open_tree_attr openat openat2 pidfd_getfd pidfd_send_signal pread64"
	  " preadv preadv2 process_madvise process_mrelease pwrite64 pwritev"
	  " pwritev2 quotactl_fd read readahead readdir readlinkat readv recv"
	  " recvfrom recvmmsg recvmmsg_time64 recvmsg removexattrat send"
	  " sendmmsg sendmsg sendto setns setsockopt setxattrat shutdown"
	  " signalfd signalfd4 statx sync_file_range sync_file_range2 syncfs"
	  " timerfd_gettime timerfd_gettime64 timerfd_settime"
	  " timerfd_settime64 unlinkat utimensat utimensat_time64 vmsplice"
	  " write writev " },
	{ "ff", " dup2 dup3 kexec_file_load sendfile sendfile64 tee " },
	{ "f-f", " copy_file_range epoll_ctl linkat move_mount renameat"
	  " renameat2 splice " },
	{ "-f", " symlinkat " },
	{ "f--f", " fanotify_mark " },
	{ "---f", " perf_event_open " },
	{ "r", " io_uring_enter " },
	{ "R", " io_uring_register " },
	{ "----m", " mmap mmap2 " },
	{ "f--t", " epoll_pwait epoll_wait " },
	{ "f--T", " epoll_pwait2 " },
	{ "--t", " poll " },
	{ "--T", " ppoll ppoll_time64 rt_sigtimedwait"
	  " rt_sigtimedwait_time64 " },
	{ "----T", " _newselect io_getevents io_pgetevents"
	  " io_pgetevents_time64 pselect6 pselect6_time64 select " },
	{ "w", " wait4 waitpid " },
	{ "i", " waitid " },
	{ "u", " futex futex_time64 " },
	{ "a---o", " futex_wait " },
	{ "---o", " futex_waitv " },
	{ "a", " futex_wake " },
};

static int
has(const struct task_frame *f, const char *part)
{
	return memmem(f->s, f->symbol, part, strlen(part)) != NULL;
}

/*
 * Is the thread in a 32-bit call? The way it came into the kernel tells, which
 * is the last frame or the one before it; it is also the only sign of an int
 * 0x80 in 64-bit code. Without a stack parse_compat tells the rest.
 */
static int
is_compat(const struct call *c)
{
	static const struct {
		const char *part;
		int compat;
	} entries[] = {
		{ "do_syscall_64", 0 }, { "entry_SYSCALL_64", 0 },
		{ "int80", 1 }, { "INT80", 1 }, { "syscall_32", 1 },
		{ "entry_SYSENTER_compat", 1 }, { "entry_SYSCALL_compat", 1 },
	};
	struct task_frame f[2] = { { 0 } };
	const char *s = c->stack;
	int compat = -1;
	size_t i, k;

	if (sizeof(long) == 4)
		return 0;
	for (k = 0; parse_frame(&s, &f[k % 2]) == 1; k++)
		;
	for (i = 0; i < sizeof entries / sizeof *entries; i++)
		if ((k > 0 && has(&f[0], entries[i].part)) ||
		    (k > 1 && has(&f[1], entries[i].part)))
			compat = entries[i].compat;
	return compat < 0 ? parse_compat(c->sys) : compat;
}

int
call_is_fault(const char *s)
{
	struct task_frame f;
	int other = 0;

	while (parse_frame(&s, &f) == 1) {
		/* on the way back to user space: a signal that ends it, or
		 * work that was put off; how it came in is over */
		if (has(&f, "get_signal") || has(&f, "task_work_run") ||
		    has(&f, "exit_to_user"))
			return 0;
		if (has(&f, "_fault"))
			return 1;
		other = strncmp(f.s, "asm_", 4) == 0;
	}
	return !other;
}

/* Append an argument. */
static void
put_arg(struct call *c, const char *s)
{
	int first = c->text.s[c->text.n - 1] == '(';

	cli_put(&c->text, "%s%s", first ? "" : ", ", s);
}

/* A descriptor with what it refers to, by the thread's own table. */
static void
put_fd(struct call *c, int fd)
{
	static const char mark[] = " (deleted)";
	static struct desc desc;
	static const struct out_column column[] = { { "", 0 }, { 0 } };
	struct out name = { .rec = &c->text, .columns = column };
	struct desc_table table = { .root = c->root, .dir = c->dir };
	struct numdir fds;
	char s[32];
	size_t n;
	int known;

	if (fd < 0)			/* AT_FDCWD */
		return;
	snprintf(s, sizeof s, "%d", fd);
	put_arg(c, s);
	snprintf(s, sizeof s, "fd/%d", fd);
	known = proc_readlink(c->dir, s, &desc.target) == 0;
	n = desc.namelen = desc.target.n;
	desc.deleted = 0;
	if (c->fd < 0) {
		c->fd = fd;
		c->target.n = 0;
		if (known && buf_put(&c->target, desc.target.s, n) < 0)
			cli_die();
	}
	if (known && n >= sizeof mark && strcmp(desc.target.s + n -
	    (sizeof mark - 1), mark) == 0) {
		guard_fd(fd);
		known = numdir_open(&fds, c->dir, "fd") == 0;
		table.fds = fds.fd;
		if (known) {
			known = desc_read(&table, fd, DESC_WANT_STAT,
			                  &desc) == 0 && desc.named;
			numdir_close(&fds);
		}
	}
	if (!known)
		return;
	cli_put(&c->text, "<");
	out_name(&name, desc.target.s, desc.namelen, desc.deleted);
	if (name.failed)
		cli_die();
	cli_put(&c->text, ">");
}

/* Whom waitid waits for, by P_ALL P_PID P_PGID P_PIDFD; the numbers are those
 * of the thread's pid namespace. */
static void
put_child(struct call *c, unsigned long long type, unsigned id)
{
	char s[64];

	if (type == 3) {
		put_fd(c, (int)id);
		return;
	}
	if (type == 0)
		snprintf(s, sizeof s, "any child");
	else if (type == 1)
		snprintf(s, sizeof s, "%u", id);
	else if (id == 0)
		snprintf(s, sizeof s, "any child of its group");
	else
		snprintf(s, sizeof s, "any child of group %u", id);
	put_arg(c, s);
}

static void
put_futex(struct call *c)
{
	/* without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME: WAIT, LOCK_PI,
	 * WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2; the others have a number
	 * where these have a timeout */
	unsigned op = (unsigned)c->sys->args[1] & 127;
	char s[32];

	snprintf(s, sizeof s, "%#llx", c->sys->args[0]);
	put_arg(c, s);
	if ((op == 0 || op == 6 || op == 9 || op == 11 || op == 13) &&
	    c->sys->args[3])
		put_arg(c, "timeout");
}

static void
put_letter(struct call *c, int letter, int i)
{
	const unsigned long long *args = c->sys->args;
	char s[32];

	/* IORING_ENTER_REGISTERED_RING since Linux 5.18,
	 * IORING_REGISTER_USE_REGISTERED_RING since 6.3 */
	if (letter == 'f' || (letter == 'm' && !(args[3] & MAP_ANONYMOUS)) ||
	    (letter == 'r' && !(args[3] & 16)) ||
	    (letter == 'R' && !(args[1] & 1U << 31)))
		put_fd(c, (int)args[i]);
	else if ((letter == 't' && (int)args[i] < 0) ||
	    (letter == 'T' && args[i] == 0))
		put_arg(c, "for ever");
	else if (letter == 'o' && args[i])
		put_arg(c, "timeout");
	else if (letter == 'w')
		put_child(c, (int)args[i] > 0 ? 1 : (int)args[i] == -1 ? 0 : 2,
		          (int)args[i] > 0 ? (unsigned)args[i] :
		          0U - (unsigned)args[i]);
	else if (letter == 'i')
		put_child(c, args[i], (unsigned)args[i + 1]);
	else if (letter == 'u')
		put_futex(c);
	else if (letter == 'a') {
		snprintf(s, sizeof s, "%#llx", args[i]);
		put_arg(c, s);
	}
}

/* The letters of a call, or NULL. On 32 bits mmap and select have one argument,
 * a pointer to the others, and the mask of fanotify_mark is two. */
static const char *
letters_of(const struct call *c)
{
	int narrow = c->compat || sizeof(long) == 4;
	char name[64];
	size_t i;

	if (narrow && (strcmp(c->name, "mmap") == 0 ||
	    strcmp(c->name, "select") == 0))
		return NULL;
	if (narrow && strcmp(c->name, "fanotify_mark") == 0)
		return "f---f";
	snprintf(name, sizeof name, " %s ", c->name);
	for (i = 0; i < sizeof calls / sizeof *calls; i++)
		if (strstr(calls[i].names, name))
			return calls[i].letters;
	return NULL;
}

void
call_decode(struct call *c)
{
	const char *letters;
	size_t begin;
	int i;

	c->text.n = 0;
	c->none = 0;
	c->name = NULL;
	c->fd = -1;
	c->compat = is_compat(c);
	/* a 64-bit task, and this program knows the 32-bit table only */
	if (sizeof(long) == 8 || c->sys->sp <= 0xffffffff)
		c->name = sysname(c->sys->nr, c->compat);
	if (!c->name) {
		cli_put(&c->text, c->compat ? "compat syscall %ld" :
		        "syscall_%ld", c->sys->nr);
		return;
	}
	cli_put(&c->text, "%s(", c->name);
	begin = c->text.n;
	letters = letters_of(c);
	for (i = 0; letters && letters[i]; i++)
		put_letter(c, letters[i], i);
	c->none = letters && !*letters;
	cli_put(&c->text, c->text.n == begin && !c->none ? "...)" : ")");
}
