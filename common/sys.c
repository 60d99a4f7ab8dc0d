#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "parse_task.h"
#include "proc.h"
#include "sys.h"

int
sys_ours(int root)
{
	static int known = -1;
	struct buf b = { 0 };
	struct task_status st;

	if (known < 0) {
		known = proc_read(root, "self/status", &b) == 0 &&
		    parse_status(b.s, &st) == 0 && st.nspid == getpid();
		buf_free(&b);
	}
	if (!known)
		errno = EXDEV;
	return known;
}

int
sys_self(int root, int pid)
{
	static int self = -1, parent;
	struct buf b = { 0 };
	const char *v;

	/* by that procfs's numbers; a copy has not us */
	if (self < 0 && !proc_is_copy() &&
	    proc_read(root, "self/status", &b) == 0) {
		if ((v = parse_field(b.s, "Pid")))
			self = (int)strtol(v, NULL, 10);
		if ((v = parse_field(b.s, "PPid")))
			parent = (int)strtol(v, NULL, 10);
		buf_free(&b);
	}
	return self > 0 && (pid == self || pid == parent);
}

static int
compare(int root, enum guard_kind kind, int tid1, int tid2, int what, int fd1,
        unsigned long other)
{
	long r;

	/* Takes exec_update_lock of both since Linux 5.10. */
	if (!sys_ours(root) || guard_enter(kind) < 0)
		return -1;
	r = syscall(SYS_kcmp, tid1, tid2, what, (unsigned long)fd1, other);
	guard_leave();
	return (int)r;
}

int
sys_kcmp(int root, int tid1, int tid2, int what, int fd1, int fd2)
{
	return compare(root, GUARD_PROCESS, tid1, tid2,
	               what == SYS_KCMP_FILE ? KCMP_FILE_ : KCMP_FILES_, fd1,
	               (unsigned long)fd2);
}

int
sys_shares(int root, int tid, int other)
{
	int r = compare(root, GUARD_ASIDE, tid, other, KCMP_FILES_, 0, 0);

	return r < 0 ? -1 : r == 0;
}

int
sys_kcmp_epoll(int root, int tid1, int fd1, int tid2, int epfd, int tfd,
               int nth)
{
	/* struct kcmp_epoll_slot */
	uint32_t slot[3] = { (uint32_t)epfd, (uint32_t)tfd, (uint32_t)nth };

	return compare(root, GUARD_PROCESS, tid1, tid2, KCMP_EPOLL_TFD_, fd1,
	               (unsigned long)slot);
}

int
sys_nofile(int root, int pid, unsigned long long *max)
{
	struct rlimit r;

	if (!sys_ours(root) || prlimit(pid, RLIMIT_NOFILE, NULL, &r) < 0)
		return -1;
	*max = r.rlim_cur;
	return 0;
}

int
sys_exists(int root, int tid)
{
	if (!sys_ours(root))
		return -1;
	/* This sends nothing. pidfd_open(2) takes no thread's ID, but with
	 * PIDFD_THREAD since Linux 6.9. */
	return kill(tid, 0) < 0 && errno != EPERM ? -1 : 0;
}

int
sys_pidfd_open(int root, int pid)
{
	return sys_ours(root) ? (int)syscall(SYS_pidfd_open, pid, 0U) : -1;
}

int
sys_getfd(int root, int tid, int fd)
{
	int r = -1, pidfd;

	if (!sys_ours(root))
		return -1;
	/* PIDFD_THREAD */
	pidfd = (int)syscall(SYS_pidfd_open, tid, (unsigned)O_EXCL);
	if (pidfd < 0 && errno == EINVAL)
		pidfd = sys_pidfd_open(root, tid);
	if (pidfd < 0)
		return -1;
	if (guard_enter(GUARD_PROCESS) == 0) {
		r = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0U);
		guard_leave();
	}
	close(pidfd);
	return r;
}

int
sys_stop(int root, int tid)
{
	if (!sys_ours(root) || ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return -1;
	return (int)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
}

int
sys_stopped(void)
{
	int status;

	return (int)waitpid(-1, &status, __WALL | WNOHANG);
}
