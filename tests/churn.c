/*
 * churn - a process that never rests
 *
 * usage: churn A B
 *
 * Prints its PID and ends with its standard input. Meanwhile, as fast as it
 * can: descriptor 100 is now file A (for reading), now B (for both), now a
 * pipe's end, now nothing; threads begin and end, some with a table of their
 * own in which they open A as 101 or B as 102; and children begin and end, of
 * which some close what they have, become /bin/true or leave a deleted file.
 * At rest are: 200 file A, 201 and 202 a pipe, 203 a deleted file.
 */
#include <sys/prctl.h>
#include <sys/wait.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *names[2];

static void
put(int fd, int at)
{
	if (fd < 0 || dup2(fd, at) < 0)
		err(1, "%d", at);
	close(fd);
}

/* A deleted file. */
static int
removed(void)
{
	char name[] = "churn.XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0 || unlink(name) < 0 || write(fd, "gone", 4) < 0)
		err(1, "%s", name);
	return fd;
}

static _Noreturn void *
churn_descriptors(void *arg)
{
	int ends[2];

	(void)arg;
	for (;;) {
		put(open(names[0], O_RDONLY | O_CLOEXEC), 100);
		put(open(names[1], O_RDWR | O_CLOEXEC), 100);
		if (pipe2(ends, O_CLOEXEC) < 0)
			err(1, "pipe");
		put(ends[0], 100);
		close(ends[1]);
		close(100);
	}
}

static void *
short_life(void *arg)
{
	long n = (long)arg;

	if (n % 3 == 0)
		return NULL;
	if (unshare(CLONE_FILES) < 0)
		err(1, "unshare");
	if (n % 3 == 1)
		put(open(names[0], O_RDONLY), 101);
	else
		put(open(names[1], O_RDWR), 102);
	return NULL;
}

static _Noreturn void *
churn_threads(void *arg)
{
	pthread_t t[4];
	long n = 0;
	int i;

	(void)arg;
	for (;;) {
		for (i = 0; i < 4; i++)
			if ((errno = pthread_create(&t[i], NULL, short_life,
			                            (void *)n++)))
				err(1, "pthread_create");
		for (i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
	}
}

static _Noreturn void
child(long n)
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "child");
	switch (n % 4) {
	case 0:
		for (fd = 3; fd < 210; fd++)
			close(fd);
		break;
	case 1:
		execl("/bin/true", "true", (char *)NULL);
		break;
	case 2:
		removed();
		break;
	}
	_exit(0);
}

/* A process of its own, for a fork copies the table of its parent. */
static _Noreturn void
churn_children(void)
{
	long n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "parent");
	for (n = 0;; n++) {
		pid_t pid = fork();

		if (pid == 0)
			child(n);
		/* now and then a few zombies */
		if (pid < 0 || n % 8 == 7)
			while (waitpid(-1, NULL, 0) > 0)
				;
	}
}

int
main(int argc, char **argv)
{
	pthread_t t;
	int ends[2];
	char c;

	if (argc != 3)
		errx(2, "usage: churn A B");
	names[0] = argv[1];
	names[1] = argv[2];
	for (ends[0] = 3; ends[0] < 256; ends[0]++)
		close(ends[0]);
	put(open(names[0], O_RDONLY), 200);
	if (pipe(ends) < 0)
		err(1, "pipe");
	put(ends[0], 201);
	put(ends[1], 202);
	put(removed(), 203);
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		churn_children();
	}
	if ((errno = pthread_create(&t, NULL, churn_descriptors, NULL)) ||
	    (errno = pthread_create(&t, NULL, churn_threads, NULL)))
		err(1, "pthread_create");
	printf("%d\n", (int)getpid());
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
