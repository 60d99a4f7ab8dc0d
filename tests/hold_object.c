/* hold_object - what hold opens besides files: objects of the kernel */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <net/if.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hold_object.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* The numbers of a list "3,5,7"; how many. */
static int
numbers(const char *s, int *v, int max)
{
	char *end;
	int n = 0;

	while (n < max && *s) {
		v[n++] = (int)strtol(s, &end, 10);
		s = end + (*end == ',');
	}
	return n;
}

static int
open_epoll(const char *s)
{
	int fds[64], i, n = numbers(s, fds, 64), fd = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	for (i = 0; i < n; i++) {
		ev.data.u64 = 0x1234500000000ULL + (unsigned)fds[i];
		if (epoll_ctl(fd, EPOLL_CTL_ADD, fds[i], &ev) < 0)
			err(1, "epoll_ctl");
	}
	return fd;
}

/* Marks on the file, its mount and its file system, from the first to the
 * last of these. */
static int
open_fanotify(const char *path, int first, int last)
{
	static const unsigned on[] = {
		0, FAN_MARK_MOUNT, 0x100 /* FAN_MARK_FILESYSTEM */
	};
	int i, fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);

	for (i = first; fd >= 0 && i <= last; i++)
		if (fanotify_mark(fd, FAN_MARK_ADD | on[i], FAN_CLOSE_WRITE,
		                  AT_FDCWD, path) < 0)
			err(1, "fanotify_mark");
	return fd;
}

static int
open_signalfd(const char *s)
{
	int nr[64], i, n = numbers(s, nr, 64);
	sigset_t set;

	sigemptyset(&set);
	for (i = 0; i < n; i++)
		sigaddset(&set, nr[i]);
	return signalfd(-1, &set, 0);
}

static int
open_timerfd(const char *s)
{
	struct itimerspec t = { .it_value.tv_sec = 0 };
	int v[2] = { 0, 0 }, fd = timerfd_create(CLOCK_BOOTTIME, 0);

	numbers(s, v, 2);
	t.it_value.tv_sec = v[0];
	t.it_interval.tv_sec = v[1];
	t.it_interval.tv_nsec = v[1] ? 500000000 : 0;
	if (fd >= 0 && timerfd_settime(fd, 0, &t, NULL) < 0)
		err(1, "timerfd_settime");
	return fd;
}

/* A pidfd of a child that ended and was waited for. */
static int
open_dead(void)
{
	pid_t pid = fork();
	int fd;

	if (pid == 0)
		pause();
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

static int
open_uring(const char *s)
{
	uint32_t params[30] = { 0 };
	int fds[64], n = numbers(s, fds, 64);
	int fd = (int)syscall(425 /* io_uring_setup */, 4, params);

	if (fd >= 0 && syscall(427 /* io_uring_register */, fd, 2, fds, n) < 0)
		err(1, "io_uring_register");
	return fd;
}

/* A map of type array. */
static int
open_bpf(void)
{
	uint32_t attr[32] = { 2, 4, 8, 3 };

	return (int)syscall(SYS_bpf, 0, attr, sizeof attr);
}

/* Type information: one type, int. */
static int
open_btf(void)
{
	static const uint32_t blob[] = {
		0x0001eb9f, 24, 0, 16, 16, 5,	/* magic, sizes of parts */
		1, 1U << 24, 4, 1U << 24 | 32,	/* int of 32 bits, signed */
		'i' << 8 | 'n' << 16 | (uint32_t)'t' << 24, 0
	};
	uint64_t attr[16] = { (uintptr_t)blob, 0, 24 + 16 + 5 };

	return (int)syscall(SYS_bpf, 18 /* BPF_BTF_LOAD */, attr, sizeof attr);
}

static int
open_tun(const char *name)
{
	struct ifreq r = { .ifr_flags = 1 /* IFF_TUN */ };
	int fd = open("/dev/net/tun", O_RDWR);

	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	if (fd >= 0 && ioctl(fd, 0x400454ca /* TUNSETIFF */, &r) < 0)
		err(1, "tun");
	return fd;
}

int
hold_object(const char *s)
{
	const char *a = strchr(s, ':');
	size_t n = a ? (size_t)(a++ - s) : strlen(s);

#define IS(word) (n == sizeof word - 1 && strncmp(s, word, n) == 0)
	if (a && IS("epoll"))
		return open_epoll(a);
	if (a && IS("eventfd"))
		return eventfd((unsigned)atoi(a), EFD_SEMAPHORE);
	if (a && IS("fanotify"))
		return open_fanotify(a, 0, 2);
	if (a && IS("fanmount"))
		return open_fanotify(a, 1, 1);
	if (a && IS("fanfs"))
		return open_fanotify(a, 2, 2);
	if (a && IS("signalfd"))
		return open_signalfd(a);
	if (a && IS("timerfd"))
		return open_timerfd(a);
	if (a && IS("pidfd"))
		return (int)syscall(SYS_pidfd_open, atoi(a), 0);
	if (a && IS("threadpidfd"))	/* PIDFD_THREAD */
		return (int)syscall(SYS_pidfd_open, atoi(a), O_EXCL);
	if (a && IS("mqueue"))
		return (int)syscall(SYS_mq_open, a, O_RDWR | O_CREAT, 0600,
		                    NULL);
	if (a && IS("huge"))	/* MFD_HUGETLB */
		return memfd_create("huge", 4U | (unsigned)atoi(a) << 26);
	if (IS("secret"))
		return (int)syscall(447 /* memfd_secret */, 0);
	if (a && IS("uring"))
		return open_uring(a);
	if (a && IS("tun"))
		return open_tun(a);
	if (IS("deadpidfd"))
		return open_dead();
	if (IS("bpf"))
		return open_bpf();
	if (IS("btf"))
		return open_btf();
	if (IS("userfaultfd"))
		return (int)syscall(SYS_userfaultfd,
		                    1 /* UFFD_USER_MODE_ONLY */);
	return -2;
}
