/*
 * hold - have descriptors open and wait
 *
 * usage: hold ACTION...
 *
 * Does the actions in their order, prints its PID and a newline on standard
 * output, and ends when its standard input does. Descriptors are put where the
 * action says:
 *	N=r:PATH  w: rw: a: path:	open(2); a appends, path is O_PATH
 *	N=tmp:DIR			O_TMPFILE
 *	N,M=pipe  N,M=unix  N,M=dgram	a pipe (read end first), a socket pair
 *	N=eventfd  inotify:PATH  timerfd  signalfd  memfd:NAME  pidfd
 *	seal:N:SEALS			add seals (fcntl(2)'s number)
 *	N=OBJECT			see hold_object.h, hold_socket.h
 *	N=tcp:PORT			a listener on 127.0.0.1; 0 is any port
 *	N=dup:M
 *	N,M=pty				a pseudoterminal, its master first
 *	comm:NAME  unlink:PATH  rename:PATH:PATH  pos:N:OFFSET  close:N
 *	inflight:N:M			send descriptor N through socket M and
 *					close it: only the message holds it
 *	flock:N  waitlock:N		take the lock; wait for it in a thread
 *	lock:N:BYTE  waitbyte:N:BYTE	the same for fcntl(2)'s of a byte
 *	ofd:N:BYTE  waitofd:N:BYTE	and for one of the open file
 *	map:PATH  rmap:PATH		a shared mapping, writable or not, and
 *					nothing open
 *	text:N:STRING			write the string
 *	many:N:PATH			so many descriptors, from 1000 on
 *	undumpable			prctl(PR_SET_DUMPABLE, 0)
 *	thread				a thread that shares everything
 *	private:ACTION			a thread with a table of its own, in which
 *					the action is done
 *	read:N  write:N			a thread blocks in that call (write: what
 *					it writes to is filled first, before
 *					the next action)
 *	spin  nap			a thread that never sleeps, or only briefly
 *	call:NR:ARG...			a thread makes the system call; @ is the
 *					address of zeroed memory
 *	int80:NR:ARG...			the same by the 32-bit entry (x86-64)
 *	vfork				a thread's vfork(2) child waits
 *	child:ACTION			a child that does the action and waits
 *	sharer:PATH:PATH		a child that shares the descriptors and
 *					makes 100 the one or the other (rw),
 *					again and again
 *	jobs:PATH:PATH			threads, one after the other: each sleeps
 *					twice and makes 1000 to 1199 the one (r)
 *					or the other (rw)
 *	zombie				a child that ended and is not waited for
 *	deadleader			the leader ends, a thread waits; last
 */
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <netinet/in.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hold_object.h"
#include "hold_socket.h"

static void act(const char *);

/* The part of the action behind the word, if it begins with it. */
static const char *
after(const char *s, const char *word)
{
	size_t n = strlen(word);

	return strncmp(s, word, n) == 0 ? s + n : NULL;
}

static void
put(int fd, int at)
{
	if (fd < 0)
		err(1, "%d", at);
	if (fd == at)
		return;
	if (dup2(fd, at) < 0)
		err(1, "dup2 %d", at);
	close(fd);
}

static int
listener(const char *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&in, sizeof in) < 0 ||
	    listen(fd, 5) < 0)
		err(1, "listen");
	return fd;
}

static int
make(const char *s)
{
	sigset_t set;
	const char *a;
	int fd;

	if ((a = after(s, "r:")))
		return open(a, O_RDONLY);
	if ((a = after(s, "w:")))
		return open(a, O_WRONLY | O_CREAT, 0644);
	if ((a = after(s, "rw:")))
		return open(a, O_RDWR | O_CREAT, 0644);
	if ((a = after(s, "a:")))
		return open(a, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if ((a = after(s, "path:")))
		return open(a, O_PATH | O_NOFOLLOW);
	if ((a = after(s, "tmp:")))
		return open(a, O_TMPFILE | O_RDWR, 0600);
	if ((a = after(s, "memfd:")))
		return memfd_create(a, MFD_ALLOW_SEALING);
	if ((a = after(s, "dup:")))
		return dup(atoi(a));
	if ((a = after(s, "tcp:")))
		return listener(a);
	if (strcmp(s, "eventfd") == 0)
		return eventfd(0, 0);
	if (strcmp(s, "timerfd") == 0)
		return timerfd_create(CLOCK_MONOTONIC, 0);
	if (strcmp(s, "pidfd") == 0)
		return (int)syscall(434 /* pidfd_open */, getpid(), 0);
	if (strcmp(s, "signalfd") == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		return signalfd(-1, &set, 0);
	}
	if ((a = after(s, "inotify:"))) {
		fd = inotify_init();
		if (inotify_add_watch(fd, a, IN_MODIFY) < 0)
			err(1, "%s", a);
		return fd;
	}
	if ((fd = hold_object(s)) != -2 || (fd = hold_socket(s)) != -2)
		return fd;
	errx(2, "%s: no such action", s);
}

static _Noreturn void *
wait_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void *
do_private(void *arg)
{
	if (unshare(CLONE_FILES) < 0)
		err(1, "unshare");
	act(arg);
	return NULL;
}

static char junk[4096];

/*
 * Until nothing more goes in: a thread that does it while others act leaves them
 * room. O_NONBLOCK is of the open file, so it must be gone before one blocks.
 */
static void
fill(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		err(1, "write:%d", fd);
	while (write(fd, junk, sizeof junk) > 0)
		;
	if (errno != EAGAIN)
		err(1, "write:%d", fd);
	if (fcntl(fd, F_SETFL, flags) < 0)
		err(1, "write:%d", fd);
}

static _Noreturn void *
do_io(void *arg)
{
	int fd = atoi(strchr(arg, ':') + 1);

	for (;;)
		if ((*(char *)arg == 'r' ? read(fd, junk, 1) :
		     write(fd, junk, sizeof junk)) <= 0)
			pause();
}

static _Noreturn void *
do_lock(void *arg)
{
	flock(atoi(strchr(arg, ':') + 1), LOCK_EX);
	for (;;)
		pause();
}

/* "N:BYTE" */
static int
lock_byte(const char *s, int command)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1,
		.l_start = atoll(strchr(s, ':') + 1) };

	return fcntl(atoi(s), command, &l);
}

static _Noreturn void *
do_lock_byte(void *arg)
{
	lock_byte(strchr(arg, ':') + 1, after(arg, "waitofd") ?
	          F_OFD_SETLKW : F_SETLKW);
	wait_for_ever(NULL);
}

static _Noreturn void *
do_spin(void *arg)
{
	volatile unsigned n = 0;

	(void)arg;
	for (;;)
		n++;
}

static _Noreturn void *
do_nap(void *arg)
{
	(void)arg;
	for (;;)
		usleep(50);
}

static _Noreturn void *
do_call(void *arg)
{
	static char zeros[4096];
	const char *s = arg;
	long v[7] = { 0 };
	int i;

	for (i = 0; i < 7 && (s = strchr(s, ':')); i++)
		v[i] = *++s == '@' ? (long)zeros : strtol(s, NULL, 0);
	if (*(char *)arg == 'c')
		syscall(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
#ifdef __x86_64__
	else
		__asm__ volatile ("int $0x80" : "+a" (v[0]) : "b" (v[1]),
		                  "c" (v[2]), "d" (v[3]), "S" (v[4]) :
		                  "r8", "r9", "r10", "r11", "memory");
#endif
	wait_for_ever(NULL);
}

static _Noreturn void *
do_vfork(void *arg)
{
	(void)arg;
	if (vfork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	wait_for_ever(NULL);
}

struct start {
	void *(*f)(void *);
	void *arg;
	int ready;
};

/* Threads that act for themselves say when they are through. */
static void *
start(void *arg)
{
	struct start s = *(struct start *)arg;

	if (s.f == do_private) {
		s.f(s.arg);
		s.f = wait_for_ever;
	}
	__atomic_store_n(&((struct start *)arg)->ready, 1, __ATOMIC_SEQ_CST);
	return s.f(s.arg);
}

static void
thread(void *(*f)(void *), const char *arg)
{
	struct start s = { .f = f, .arg = (void *)(size_t)arg };
	pthread_t t;

	if ((errno = pthread_create(&t, NULL, start, &s)))
		err(1, "pthread_create");
	while (!__atomic_load_n(&s.ready, __ATOMIC_SEQ_CST))
		sched_yield();
}

static void
fork_child(const char *action)
{
	int fds[2];
	char c;

	if (pipe(fds) < 0)
		err(1, "pipe");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		if (!action)
			_exit(0);
		act(action);
		close(fds[1]);
		wait_for_ever(NULL);
	}
	close(fds[1]);
	if (read(fds[0], &c, 1) < 0)	/* it has acted, or ended */
		err(1, "read");
	close(fds[0]);
}

static _Noreturn int
do_share(void *arg)
{
	char *first = arg, *second = strchr(first, ':');

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	*second++ = '\0';
	for (;;) {
		put(open(first, O_RDONLY), 100);
		put(open(second, O_RDWR), 100);
	}
}

/* A process, and no thread: without CLONE_VM the stack is a copy. */
static void
fork_sharer(const char *paths)
{
	static _Alignas(16) char stack[16384];

	if (clone(do_share, stack + sizeof stack, CLONE_FILES | SIGCHLD,
	          strdup(paths)) < 0)
		err(1, "clone");
}

static void *
do_job(void *arg)
{
	static int fds[2], turn;
	char *second = strchr(arg, ':') + 1;
	int i;

	if (!fds[0]) {
		fds[1] = open(second, O_RDWR);
		second[-1] = '\0';
		fds[0] = open(arg, O_RDONLY);
		second[-1] = ':';
	}
	usleep(1500);
	usleep(1500);
	turn = !turn;
	for (i = 1000; i < 1200; i++)
		dup2(fds[turn], i);
	return NULL;
}

static _Noreturn void *
do_jobs(void *arg)
{
	pthread_t t;

	for (;;)
		if ((errno = pthread_create(&t, NULL, do_job, arg)) ||
		    (errno = pthread_join(t, NULL)))
			err(1, "pthread_create");
}

static void
act_at(const char *s, int n, int m, const char *what)
{
	int sv[2], r;

	if (m < 0) {
		put(make(what), n);
		return;
	}
	if (strcmp(what, "pipe") == 0)
		r = pipe(sv);
	else if (strcmp(what, "pty") == 0)
		r = openpty(&sv[0], &sv[1], NULL, NULL, NULL);
	else
		r = socketpair(AF_UNIX, strcmp(what, "dgram") == 0 ?
		               SOCK_DGRAM : SOCK_STREAM, 0, sv);
	if (r < 0)
		err(1, "%s", s);
	/* neither number may be the other's place */
	put(fcntl(sv[1], F_DUPFD, 900), 900);
	close(sv[1]);
	put(sv[0], n);
	put(900, m);
}

static void
send_away(const char *s)
{
	int fd = atoi(s), sock = atoi(strchr(s, ':') + 1);
	struct iovec iov = { .iov_base = (char[1]){ 0 }, .iov_len = 1 };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	if (sendmsg(sock, &msg, 0) < 0)
		err(1, "sendmsg");
	close(fd);
}

static void
map(const char *path, int prot)
{
	int fd = open(path, prot & PROT_WRITE ? O_RDWR : O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	if (mmap(NULL, (size_t)st.st_size, prot, MAP_SHARED, fd, 0) ==
	    MAP_FAILED)
		err(1, "mmap");
	close(fd);
}

/* "N:PATH": descriptors from 1000 on. */
static void
open_many(const char *s)
{
	struct rlimit l;
	char *path;
	int i, n = (int)strtol(s, &path, 10);

	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
	for (i = 0; i < n; i++)
		put(open(path + 1, O_RDONLY), 1000 + i);
}

/* An action of a thread: 1, or 0 if there is none of that name. */
static int
start_thread(const char *s)
{
	const char *a;

	if (strcmp(s, "thread") == 0) {
		thread(wait_for_ever, NULL);
	} else if (strcmp(s, "spin") == 0) {
		thread(do_spin, NULL);
	} else if (strcmp(s, "nap") == 0) {
		thread(do_nap, NULL);
	} else if (strcmp(s, "vfork") == 0) {
		thread(do_vfork, NULL);
	} else if (after(s, "waitlock:")) {
		thread(do_lock, s);
	} else if (after(s, "waitbyte:") || after(s, "waitofd:")) {
		thread(do_lock_byte, s);
	} else if (after(s, "call:") || after(s, "int80:")) {
		thread(do_call, s);
	} else if ((a = after(s, "private:"))) {
		thread(do_private, a);
	} else if ((a = after(s, "jobs:"))) {
		thread(do_jobs, strdup(a));
	} else if ((a = after(s, "write:"))) {
		fill(atoi(a));
		thread(do_io, s);
	} else if (after(s, "read:")) {
		thread(do_io, s);
	} else {
		return 0;
	}
	return 1;
}

static void
act(const char *s)
{
	int n, m = -1, len = 0;
	const char *a, *b;
	char *from;

	if (sscanf(s, "%d,%d=%n", &n, &m, &len) == 2 && len) {
		act_at(s, n, m, s + len);
	} else if (m = -1, sscanf(s, "%d=%n", &n, &len) == 1 && len) {
		act_at(s, n, m, s + len);
	} else if ((a = after(s, "comm:"))) {
		prctl(PR_SET_NAME, a);
	} else if ((a = after(s, "unlink:"))) {
		if (unlink(a) < 0)
			err(1, "%s", a);
	} else if ((a = after(s, "rename:"))) {
		if (!(b = strrchr(a, ':')) || !(from = strndup(a, (size_t)(b - a))) ||
		    rename(from, b + 1) < 0)
			err(1, "%s", s);
	} else if ((a = after(s, "pos:"))) {
		if (lseek(atoi(a), atoll(strchr(a, ':') + 1), SEEK_SET) < 0)
			err(1, "%s", s);
	} else if ((a = after(s, "seal:"))) {
		if (fcntl(atoi(a), F_ADD_SEALS, atoi(strchr(a, ':') + 1)) < 0)
			err(1, "%s", s);
	} else if ((a = after(s, "text:"))) {
		b = strchr(a, ':') + 1;
		if (write(atoi(a), b, strlen(b)) < 0)
			err(1, "%s", s);
	} else if ((a = after(s, "close:"))) {
		close(atoi(a));
	} else if ((a = after(s, "inflight:"))) {
		send_away(a);
	} else if ((a = after(s, "many:"))) {
		open_many(a);
	} else if ((a = after(s, "flock:"))) {
		if (flock(atoi(a), LOCK_EX) < 0)
			err(1, "%s", s);
	} else if ((a = after(s, "lock:"))) {
		if (lock_byte(a, F_SETLK) < 0)
			err(1, "%s", s);
	} else if ((a = after(s, "ofd:"))) {
		if (lock_byte(a, F_OFD_SETLK) < 0)
			err(1, "%s", s);
	} else if ((a = after(s, "map:"))) {
		map(a, PROT_READ | PROT_WRITE);
	} else if ((a = after(s, "rmap:"))) {
		map(a, PROT_READ);
	} else if ((a = after(s, "child:"))) {
		fork_child(a);
	} else if ((a = after(s, "sharer:"))) {
		fork_sharer(a);
	} else if (strcmp(s, "zombie") == 0) {
		fork_child(NULL);
	} else if (strcmp(s, "undumpable") == 0) {
		prctl(PR_SET_DUMPABLE, 0);
	} else if (!start_thread(s)) {
		errx(2, "%s: no such action", s);
	}
}

/* The last thread that lives ends the process with the standard input. */
static _Noreturn void *
wait_for_input(void *arg)
{
	char c;

	(void)arg;
	while (read(0, &c, 1) > 0)
		;
	exit(0);
}

int
main(int argc, char **argv)
{
	pthread_t t;
	int i;

	syscall(436 /* close_range */, 3U, ~0U, 0U);
	for (i = 1; i < argc && strcmp(argv[i], "deadleader") != 0; i++)
		act(argv[i]);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	if (i < argc) {
		pthread_create(&t, NULL, wait_for_input, NULL);
		pthread_exit(NULL);
	}
	wait_for_input(NULL);
}
