/*
 * scan - the least that "who has this socket?" costs: every link of every
 * descriptor is read, and, with an inode, one question is put to sock_diag
 *
 * usage: scan [INODE]
 */
#include <sys/socket.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "parse_diag.h"

static unsigned links;

static void
scan_table(DIR *dir)
{
	char target[PATH_MAX];
	struct dirent *e;

	while ((e = readdir(dir)))
		if (*e->d_name != '.' && readlinkat(dirfd(dir), e->d_name,
		    target, sizeof target) >= 0)
			links++;
}

static void
ask(uint32_t ino)
{
	static char answer[32768];
	char q[128];
	size_t n = diag_ask(q, 1, AF_UNIX, 0, ~0U, DIAG_NAME | DIAG_PEER |
	                    DIAG_UID, ino);
	int fd = socket(AF_NETLINK, SOCK_DGRAM, 4 /* NETLINK_SOCK_DIAG */);

	if (send(fd, q, n, 0) < 0 || recv(fd, answer, sizeof answer, 0) < 0)
		err(1, "sock_diag");
	close(fd);
}

int
main(int argc, char **argv)
{
	DIR *proc = opendir("/proc"), *dir;
	struct dirent *e;
	char path[300];
	int fd;

	if (!proc)
		err(1, "/proc");
	if (argc > 1)
		ask((uint32_t)strtoul(argv[1], NULL, 10));
	while ((e = readdir(proc))) {
		if (*e->d_name < '0' || *e->d_name > '9')
			continue;
		snprintf(path, sizeof path, "%s/fd", e->d_name);
		fd = openat(dirfd(proc), path, O_RDONLY | O_DIRECTORY);
		if (fd < 0 || !(dir = fdopendir(fd)))
			continue;
		scan_table(dir);
		closedir(dir);
	}
	printf("%u\n", links);
	return 0;
}
