/*
 * victim - get stuck in the kernel
 *
 * usage: victim HOW [FILE]
 *
 * Opens FILE at descriptor 100 and /dev/null at 0, prints its PID and a
 * newline, and is then stuck until the one who serves FILE answers
 * (tests/fuse.c), or is killed:
 *	read	in D, in read(2)
 *	fault	in a page fault
 *	epoll	in epoll_wait(102), which faults while it holds the lock that
 *		fdinfo/102 takes; it waits for the eventfd 101, and has
 *		descriptor 0 also at 110 to 119
 *	mmap	in mmap(2) of something else over a dirty shared mapping: it
 *		holds mmap_lock for write
 *	exec	in execve(2), while the old address space with a dirty shared
 *		mapping goes: it holds exec_update_lock
 *	fifo	in open(2): FILE is a FIFO, and not at 100
 *	crash	in exit, for SIGSEGV: FILE, not at 100, is closed
 *	vfork	in vfork(2), in D without any rights; no FILE
 *	freeze	freezes the file system of FILE (fsfreeze(8)); a thread is stuck
 *		in write(2), one in a page fault, and the first in mmap(2)
 *		over what that one faults on: it holds mmap_lock for write
 *	thaw	is no victim: it thaws the file system of FILE when its
 *		standard input ends, or after LIFE seconds
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 4096, FILE_FD = 100, LIFE = 120 };

/* <linux/fs.h>, which may be missing (musl) */
#define FREEZE ((int)_IOWR('X', 119, int))
#define THAW ((int)_IOWR('X', 120, int))

static char *mapping;
static atomic_int faulter, writer;

static void
say_pid(void)
{
	printf("%d\n", (int)getpid());
	fflush(stdout);
}

static void
put(int fd, int at)
{
	if (fd < 0 || dup2(fd, at) < 0)
		err(1, "descriptor %d", at);
	close(fd);
}

static void
map(void)
{
	mapping = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, FILE_FD,
	               0);
	if (mapping == MAP_FAILED)
		err(1, "mmap");
}

static void
map_over(void)
{
	if (mmap(mapping, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
	         MAP_FIXED, -1, 0) == MAP_FAILED)
		err(1, "mmap");
}

static void
do_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd;

	for (fd = 110; fd < 120; fd++)
		dup2(0, fd);
	put(eventfd(1, 0), 101);
	put(epoll_create1(0), 102);
	if (epoll_ctl(102, EPOLL_CTL_ADD, 101, &ev) < 0)
		err(1, "epoll_ctl");
	epoll_wait(102, (struct epoll_event *)(void *)mapping, 1, -1);
}

static void *
write_file(void *arg)
{
	(void)arg;
	atomic_store(&writer, (int)syscall(SYS_gettid));
	if (write(FILE_FD, "x", 1) < 0)
		err(1, "write");
	return NULL;
}

static void *
fault(void *arg)
{
	(void)arg;
	atomic_store(&faulter, (int)syscall(SYS_gettid));
	*(volatile char *)mapping = 1;
	return NULL;
}

/* Is a thread of ours in D? */
static int
is_stuck(int tid)
{
	char path[64], text[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
	if ((fd = open(path, O_RDONLY)) < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return strstr(text, "\nState:\tD") != NULL;
}

static void
freeze(void)
{
	pthread_t t;
	int none = 0;

	if (ioctl(FILE_FD, FREEZE, &none) < 0)
		err(1, "freeze");
	if ((errno = pthread_create(&t, NULL, write_file, NULL)) ||
	    (errno = pthread_create(&t, NULL, fault, NULL)))
		err(1, "pthread_create");
	/* A thread that has only begun may map something, and never get there. */
	while (!is_stuck(atomic_load(&writer)) ||
	    !is_stuck(atomic_load(&faulter)))
		usleep(1000);
	map_over();
}

static void
thaw(void)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	int none = 0;

	poll(&in, 1, LIFE * 1000);
	/* EINVAL: it is not frozen */
	if (ioctl(FILE_FD, THAW, &none) < 0 && errno != EINVAL)
		err(1, "thaw");
}

static void
do_vfork(void)
{
	if (vfork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static void
crash(const char *path)
{
	struct rlimit core = { 1, 1 };	/* none, not even to a pipe */

	setrlimit(RLIMIT_CORE, &core);
	signal(SIGSEGV, SIG_DFL);
	if (open(path, O_RDWR) < 0)
		err(1, "%s", path);
	/* not NULL: a sanitizer would have that before the kernel */
	mapping = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fault(NULL);
}

static void
get_stuck(const char *how, char **argv)
{
	char c;

	if (strcmp(how, "read") == 0) {
		(void)!read(FILE_FD, &c, 1);
	} else if (strcmp(how, "fault") == 0) {
		map();
		fault(NULL);
	} else if (strcmp(how, "epoll") == 0) {
		map();
		do_epoll();
	} else if (strcmp(how, "mmap") == 0) {
		map();
		fault(NULL);
		map_over();
	} else if (strcmp(how, "exec") == 0) {
		map();
		fault(NULL);
		execl("/proc/self/exe", argv[0], "rest", NULL);
	} else if (strcmp(how, "fifo") == 0) {
		open(argv[2], O_RDONLY);
	} else if (strcmp(how, "crash") == 0) {
		crash(argv[2]);
	} else if (strcmp(how, "vfork") == 0) {
		do_vfork();
	} else if (strcmp(how, "freeze") == 0) {
		map();
		freeze();
	} else if (strcmp(how, "thaw") == 0) {
		thaw();
		_exit(0);
	} else if (strcmp(how, "rest") != 0) {
		errx(2, "%s: no such way", how);
	}
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: victim HOW [FILE]");
	if (strcmp(argv[1], "thaw") != 0)
		put(open("/dev/null", O_RDONLY), 0);
	if (argc > 2 && strcmp(argv[1], "fifo") != 0 &&
	    strcmp(argv[1], "crash") != 0)
		put(open(argv[2], strcmp(argv[1], "thaw") == 0 ? O_RDONLY :
		         O_RDWR), FILE_FD);
	say_pid();
	get_stuck(argv[1], argv);
	for (;;)
		pause();
}
