#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "kernel.h"

enum {
	RING = 256 * 1024,	/* bytes printed and not yet written */
	BATCH = 128 * 1024,	/* bytes that are worth waking the parent */
	PIECE = 16 * 1024,	/* bytes that a slow reader takes in time */
	STALLS = 4096,		/* that many, and the scan is given up */
	TICKS = 4,		/* looks at the step in a limit */
	TICK = 250		/* ms between two, at most */
};

/* Bytes on their way from the child (head) to the parent (tail). */
struct ring {
	_Atomic size_t head, tail;
	char data[RING];
};

/*
 * The step word is odd inside a step and grows with every change, so that it
 * never takes a value twice: a child that was left behind can't mistake the
 * step of its successor for its own.
 */
struct shared {
	_Atomic uint64_t step;
	_Atomic int starved;	/* the child waits for room in a ring */
	unsigned times;		/* time limits that this step may take */
	struct guard_at at;
	struct guard_at stalls[STALLS];
	unsigned nstalls;
	struct ring out, err;
};

static struct shared *sh;
static int sock = -1;		/* to the other process; in the child 0 */
static int child;		/* this is the child */
static int resumed;		/* ... and another one got stuck before it */
static unsigned waited;		/* ms, for the last stall */
static uint64_t mine;		/* the step word as this child set it */
static size_t unsaid;		/* bytes that the parent wasn't woken for */
static int refuse_process, refuse_memory, refuse_object, refuse_tree;
static int refuse_net;
static long long mount;		/* of the next path; 0 unknown */

void *
guard_share(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	               MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

const struct guard_at *
guard_stall(unsigned *ms)
{
	*ms = waited;
	return &sh->stalls[sh->nstalls - 1];
}

const struct guard_at *
guard_resume(void)
{
	return resumed ? &sh->stalls[sh->nstalls - 1] : NULL;
}

void
guard_process(int pid)
{
	int n[GUARD_ASIDE + 1] = { 0 };
	unsigned i;

	if (!child)
		return;
	sh->at.pid = pid;
	sh->at.tid = 0;
	sh->at.fd = sh->at.from = -1;
	for (i = 0; i < sh->nstalls; i++)
		n[sh->stalls[i].kind] += sh->stalls[i].pid == pid;
	refuse_process = n[GUARD_PROCESS];
	refuse_memory = n[GUARD_MEMORY];
	/* A second one is one too many: a process of a thousand epoll
	 * descriptors must not cost a thousand time limits. */
	refuse_object = n[GUARD_OBJECT] > 1;
	refuse_tree = n[GUARD_TREE] > 1;
}

void
guard_thread(int tid)
{
	if (child)
		sh->at.tid = tid;
}

void
guard_fd(int fd)
{
	if (child)
		sh->at.fd = sh->at.from = fd;
}

void
guard_among(int fd)
{
	if (child)
		sh->at.fd = fd;
}

void
guard_mount(long long id)
{
	mount = id;
}

/* Did this very question get no answer before? Or two of a mount: a thousand
 * paths on a dead server must not cost a thousand time limits. Two of unknown
 * mounts stand for those of processes, not for the procfs. */
static int
asked_before(enum guard_kind kind)
{
	unsigned i, paths = 0;

	if ((refuse_process && kind != GUARD_TREE) ||
	    (kind == GUARD_MEMORY && refuse_memory) ||
	    (kind == GUARD_TREE && refuse_tree) ||
	    (kind == GUARD_OBJECT && refuse_object) ||
	    (kind == GUARD_NET && refuse_net))
		return 1;
	for (i = 0; i < sh->nstalls; i++)
		if (sh->stalls[i].kind == kind &&
		    ((kind == GUARD_PATH && (sh->at.mount || sh->at.pid) &&
		    sh->stalls[i].mount == sh->at.mount && ++paths > 1) ||
		    (sh->stalls[i].pid == sh->at.pid &&
		    sh->stalls[i].tid == sh->at.tid &&
		    (sh->stalls[i].fd == sh->at.fd || kind == GUARD_TREE))))
			return 1;
	return 0;
}

static int
enter(enum guard_kind kind, unsigned times)
{
	if (!child)
		return 0;
	if (kind == GUARD_PATH) {
		sh->at.mount = mount;
		mount = 0;
	}
	if (sh->nstalls && asked_before(kind)) {
		errno = ETIMEDOUT;
		return -1;
	}
	sh->at.kind = kind;
	sh->times = times;
	mine = atomic_load_explicit(&sh->step, memory_order_relaxed) + 1;
	atomic_store_explicit(&sh->step, mine, memory_order_release);
	return 0;
}

int
guard_enter(enum guard_kind kind)
{
	return enter(kind, 1);
}

int
guard_enter_long(enum guard_kind kind)
{
	return enter(kind, 10);
}

void
guard_leave(void)
{
	uint64_t step = mine;

	if (!child)
		return;
	/* The parent changes the word when it gives the step up: then it has
	 * killed this process or will, and a successor may be at work. */
	if (!atomic_compare_exchange_strong(&sh->step, &step, mine + 1))
		_exit(1);
}

/* Write all; 0, or -1 with errno. */
static int
write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
			continue;
		}
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Wait for the parent to make room. */
static void
starve(struct ring *r)
{
	char c = 0;
	ssize_t n;

	atomic_store(&sh->starved, 1);
	if (atomic_load(&r->head) - atomic_load(&r->tail) < RING)
		return;
	while (send(sock, &c, 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
	while ((n = recv(sock, &c, 1, 0)) < 0 && errno == EINTR)
		;
	if (n <= 0)		/* the parent is gone */
		_exit(1);
}

void
guard_flush(void)
{
	char c = 0;

	/* EAGAIN: the parent has been told often enough. */
	if (child)
		send(sock, &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	unsaid = 0;
}

int
guard_write(int fd, const void *p, size_t n)
{
	struct ring *r;
	const char *s = p;

	if (!child)
		return write_all(fd, p, n);
	r = fd == 1 ? &sh->out : &sh->err;
	while (n) {
		size_t head = atomic_load(&r->head), at = head % RING;
		size_t room = RING - (head - atomic_load(&r->tail));
		size_t k = n < room ? n : room;

		if (k > RING - at)
			k = RING - at;
		if (k == 0) {
			starve(r);
			continue;
		}
		memcpy(r->data + at, s, k);
		atomic_store(&r->head, head + k);
		/* The first record is written at once, the next ones in
		 * batches that double. */
		if (unsaid + k >= (head < BATCH ? head : BATCH))
			guard_flush();
		else
			unsaid += k;
		s += k;
		n -= k;
	}
	return 0;
}

int
guard_waits(size_t *written)
{
	size_t out = atomic_load(&sh->out.tail);
	size_t err = atomic_load(&sh->err.tail);

	*written = out + err;
	return atomic_load(&sh->out.head) != out ? 1 :
	    atomic_load(&sh->err.head) != err ? 2 : 0;
}

/* In the parent: write what the child printed; 0, or -1 with errno. */
static int
drain(int fd, struct ring *r)
{
	size_t head, end;

	while ((head = atomic_load(&r->head)) != r->tail) {
		size_t at = r->tail % RING, n = head - r->tail;
		char c = 0;

		if (n > RING - at)
			n = RING - at;
		for (end = at + n; at < end; at += n) {
			n = end - at < PIECE ? end - at : PIECE;
			if (write_all(fd, r->data + at, n) < 0)
				return -1;
			atomic_store(&r->tail, r->tail + n);
		}
		if (atomic_exchange(&sh->starved, 0))
			send(sock, &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	return 0;
}

/*
 * Let go of everything that the caller gave us: a child that is stuck in the
 * kernel must not be the last writer of somebody's pipe. Terminals stay; they
 * have no end of file that a second holder could hold back.
 */
static void
drop_descriptors(int keep)
{
	int fd, null, max;

	if (dup2(keep, 0) < 0)
		_exit(1);
	if (syscall(SYS_close_range, 3U, ~0U, 0U) < 0) {
		max = (int)sysconf(_SC_OPEN_MAX);	/* before Linux 5.9 */
		for (fd = 3; fd < max; fd++)
			close(fd);
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (fd = 1; fd <= 2; fd++)
		if (!isatty(fd) && (null < 0 || dup2(null, fd) < 0))
			close(fd);
	if (null > 2)
		close(null);
}

int
guard_fork(int keep)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return (int)pid;
	child = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	drop_descriptors(keep);
	return 0;
}

static void
run_child(int (*scan)(void), int fd, pid_t parent)
{
	unsigned i;

	/* The parent may have died before this could take effect. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	drop_descriptors(fd);
	sock = 0;
	child = 1;
	resumed = sh->nstalls > 0;
	for (i = 0; i < sh->nstalls; i++)
		refuse_net |= sh->stalls[i].kind == GUARD_NET;
	sh->at = (struct guard_at){ .fd = -1, .from = -1 };
	_exit(scan());
}

/* Has the step that is being made outlived its time? */
static int
outlived(uint64_t *seen, unsigned *ticks, unsigned limit)
{
	uint64_t step = atomic_load_explicit(&sh->step, memory_order_acquire);

	if (!(step & 1) || step != *seen) {
		*seen = step;
		*ticks = 0;
		return 0;
	}
	return ++*ticks >= limit * sh->times &&
	    atomic_compare_exchange_strong(&sh->step, &step, step + 1);
}

/* Follow the child to its end or to a stall; as guard_run. */
static int
watch(pid_t pid, unsigned ms)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	unsigned tick = ms && ms < TICKS * TICK ? (ms + TICKS - 1) / TICKS :
	    TICK;
	unsigned ticks = 0, limit = (ms + tick - 1) / tick;
	uint64_t seen = 0;
	char junk[64];
	int status, n, end = 0;

	while (!end) {
		n = poll(&pfd, 1, (int)tick);
		if (n > 0) {
			ssize_t r = recv(sock, junk, sizeof junk, MSG_DONTWAIT);

			end = r == 0 || (r < 0 && errno == ECONNRESET);
		}
		if (drain(1, &sh->out) < 0) {
			kill(pid, SIGKILL);
			return GUARD_STDOUT;
		}
		drain(2, &sh->err);
		/* Time is counted in ticks of our own: a tool that was
		 * stopped for an hour has waited for one. */
		if (n == 0 && ms && outlived(&seen, &ticks, limit)) {
			kill(pid, SIGKILL);
			sh->stalls[sh->nstalls++] = sh->at;
			waited = ms * sh->times;
			return GUARD_STALLED;
		}
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return GUARD_FORK;
	return status;
}

int
guard_run(int (*scan)(void), unsigned ms)
{
	pid_t pid, parent = getpid();
	int sv[2], result;

	if (!sh && !(sh = guard_share(sizeof *sh)))
		return GUARD_FORK;
	if (sh->nstalls == STALLS) {
		errno = ETIMEDOUT;
		return GUARD_FORK;
	}
	if (sh->nstalls && ms)
		ms = ms / 10 > 100 ? ms / 10 : ms < 100 ? ms : 100;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return GUARD_FORK;
	sock = sv[0];
	/* Ignored, which is inherited, it would leave nothing to wait for. */
	signal(SIGCHLD, SIG_DFL);
	if ((pid = fork()) == 0)
		run_child(scan, sv[1], parent);
	close(sv[1]);
	result = pid < 0 ? GUARD_FORK : watch(pid, ms);
	close(sock);
	return result;
}
