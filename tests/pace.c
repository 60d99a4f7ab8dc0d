/*
 * pace - move the position of a descriptor on command
 *
 * usage: pace FD FLAGS PATH [leave]
 *
 * Opens PATH (FLAGS: r w rw) at FD, prints its PID, then does what the lines of
 * standard input say and answers each with the position it then has:
 *	step N		read or write N bytes
 *	rate N		go on by N bytes a second from here on, 0: stand still
 *	via WHAT	from here on move by read, write, pread, pwrite, copy,
 *			size, map, open, random, back or uring
 *	seek N  open PATH  close  grow PATH N  exit N  kill N
 * copy writes to PATH.copy what it reads by pread, size only has it grow, map
 * touches the pages of a mapping, open begins with PATH anew for each step, by
 * turns with PATH.copy, random reads anywhere, uring reads at offsets by an
 * io_uring. It ends with its input.
 * leave: the leader ends at once, and a thread does all this.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char junk[1 << 20], via[16], *map;
static volatile char sink;
static const char *path;
static int fd, flags, copy = -1;
static long long at;		/* where pread and copy are */

static void
put(int from)
{
	if (from < 0)
		err(1, "open");
	if (from != fd && (dup2(from, fd) < 0 || close(from) < 0))
		err(1, "dup2");
}

static void
reopen(void)
{
	static int odd;
	char name[4200];

	snprintf(name, sizeof name, "%.4000s%s", path, odd ? ".copy" : "");
	odd = !odd;
	put(open(name, flags));
}

/* As pread by an io_uring of one entry (<linux/io_uring.h>, which musl lacks).
 */
static ssize_t
ring_read(size_t m)
{
	static uint32_t p[30];		/* struct io_uring_params */
	static char *ring, *entry;
	static int ringfd;
	uint32_t *tail, *head;
	struct { int32_t res, flags; } *done;

	if (!ring) {
		ringfd = (int)syscall(425 /* io_uring_setup */, 1, p);
		ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		            ringfd, 0);
		entry = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		             ringfd, 0x10000000 /* IORING_OFF_SQES */);
		if (ring == MAP_FAILED || entry == MAP_FAILED)
			err(1, "io_uring");
	}
	memset(entry, 0, 64);
	*entry = 22;			/* IORING_OP_READ */
	memcpy(entry + 4, &fd, 4);
	memcpy(entry + 8, &at, 8);
	memcpy(entry + 16, &(uint64_t){ (uintptr_t)junk }, 8);
	memcpy(entry + 24, &(uint32_t){ (uint32_t)m }, 4);
	tail = (uint32_t *)(void *)(ring + p[11]);
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(426 /* io_uring_enter */, ringfd, 1, 1,
	            1 /* IORING_ENTER_GETEVENTS */, NULL, 0) < 0)
		err(1, "io_uring_enter");
	head = (uint32_t *)(void *)(ring + p[20]);
	done = (void *)(ring + p[25] + 16 * (*head & (p[1] - 1)) + 8);
	m = (size_t)done->res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return (ssize_t)m;
}

/* What moves no position; the bytes. */
static ssize_t
aside(size_t m)
{
	size_t i;

	if (strcmp(via, "uring") == 0)
		return ring_read(m);
	if (strcmp(via, "pwrite") == 0)
		return pwrite(fd, junk, m, at);
	if (strcmp(via, "size") == 0)
		return ftruncate(copy, at + (off_t)m) < 0 ? -1 : (ssize_t)m;
	for (i = 0; strcmp(via, "map") == 0 && i < m; i += 4096)
		sink = map[at + (long long)i];
	return *via == 'm' ? (ssize_t)m : pread(fd, junk, m, at);
}

static void
step(long long n)
{
	ssize_t k;

	for (; n > 0; n -= k) {
		size_t m = n < (long long)sizeof junk ? (size_t)n : sizeof junk;

		if (strcmp(via, "back") == 0) {
			lseek(fd, -(off_t)m, SEEK_CUR);
			k = (ssize_t)m;
			continue;
		}
		if (strcmp(via, "random") == 0)
			lseek(fd, (off_t)(rand() % 50) * 1000000, SEEK_SET);
		if (strcmp(via, "open") == 0)
			reopen();
		if (*via == 'w')
			k = write(fd, junk, m);
		else if (*via == 'r' || *via == 'o')
			k = read(fd, junk, m);
		else
			k = aside(m);
		if (k <= 0)
			return;
		at += k;
		if (strcmp(via, "copy") == 0 && write(copy, junk, (size_t)k) != k)
			err(1, "copy");
	}
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
grow(const char *name, long long n)
{
	struct stat st;

	if (stat(name, &st) < 0 || truncate(name, st.st_size + n) < 0)
		err(1, "%s", name);
}

static void
by(const char *what)
{
	char name[4200];
	struct stat st;

	snprintf(via, sizeof via, "%.15s", what);
	at = 0;
	if (strcmp(via, "map") == 0 && fstat(fd, &st) == 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED,
		           fd, 0);
	if (strcmp(via, "copy") != 0 && strcmp(via, "size") != 0)
		return;
	snprintf(name, sizeof name, "%.4000s.copy", path);
	copy = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

static void *
command(void *arg)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	double rate = 0, since = 0, done = 0;
	char line[4200], word[16], name[4096];
	long long n;

	(void)arg;
	for (;;) {
		if (poll(&in, 1, rate > 0 ? 2 : -1) == 0) {
			long long due = (long long)((seconds() - since) *
			                            rate - done);

			step(due);
			done += (double)due;
			continue;
		}
		if (!fgets(line, sizeof line, stdin))
			exit(0);
		n = 0;
		if (sscanf(line, "%15s %4095s %lld", word, name, &n) == 2)
			n = atoll(name);
		if (strcmp(word, "step") == 0)
			step(n);
		else if (strcmp(word, "rate") == 0)
			rate = (double)n, since = seconds(), done = 0;
		else if (strcmp(word, "via") == 0)
			by(name);
		else if (strcmp(word, "seek") == 0)
			lseek(fd, n, SEEK_SET);
		else if (strcmp(word, "open") == 0)
			put(open(name, flags));
		else if (strcmp(word, "close") == 0)
			close(fd);
		else if (strcmp(word, "grow") == 0)
			grow(name, n);
		else if (strcmp(word, "exit") == 0)
			_exit((int)n);
		else if (strcmp(word, "kill") == 0)
			kill(getpid(), (int)n);
		else
			errx(2, "%s: no such command", word);
		printf("%lld\n", (long long)lseek(fd, 0, SEEK_CUR));
		fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	pthread_t t;

	if (argc < 4)
		errx(2, "usage: pace FD FLAGS PATH");
	setvbuf(stdin, NULL, _IONBF, 0);
	fd = atoi(argv[1]);
	path = argv[3];
	flags = strcmp(argv[2], "r") == 0 ? O_RDONLY :
	    strcmp(argv[2], "w") == 0 ? O_WRONLY | O_CREAT : O_RDWR | O_CREAT;
	strcpy(via, flags & O_WRONLY ? "write" : "read");
	put(open(path, flags, 0644));
	printf("%d\n", (int)getpid());
	fflush(stdout);
	if (argc > 4) {
		pthread_create(&t, NULL, command, NULL);
		pthread_exit(NULL);
	}
	command(NULL);
}
