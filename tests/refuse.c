/*
 * refuse - run a command that the kernel refuses some calls
 *
 * usage: refuse ERRNO CALL[,CALL]... COMMAND...
 *
 * ERRNO is EPERM, as a seccomp(2) filter of old answers, or ENOSYS, as an old
 * kernel does. CALL is kcmp, pidfd_open, pidfd_getfd, statx or netlink: sockets
 * of that family. Ends with 125 where there is no seccomp, else as the command.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* The half of an argument that holds an int. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define INT 4
#else
#define INT 0
#endif

static struct sock_filter filter[64];
static unsigned short len;

static void
put(unsigned code, unsigned k, unsigned char yes, unsigned char no)
{
	filter[len++] = (struct sock_filter){ (unsigned short)code, yes, no, k };
}

static void
load(size_t offset)
{
	put(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

/* Go on if the value is k, else pass over so many. */
static void
is(unsigned k, unsigned char otherwise)
{
	put(BPF_JMP | BPF_JEQ | BPF_K, k, 0, otherwise);
}

static void
refuse(const char *call, unsigned error)
{
	static const struct {
		const char *name;
		unsigned nr;
	} calls[] = {
		{ "kcmp", SYS_kcmp }, { "pidfd_open", SYS_pidfd_open },
		{ "pidfd_getfd", SYS_pidfd_getfd }, { "statx", SYS_statx },
		{ "netlink", SYS_socket },
	};
	size_t i;

	for (i = 0; i < sizeof calls / sizeof *calls; i++) {
		if (strcmp(call, calls[i].name) != 0)
			continue;
		load(offsetof(struct seccomp_data, nr));
		if (calls[i].nr == SYS_socket) {
			is(calls[i].nr, 3);
			load(offsetof(struct seccomp_data, args[0]) + INT);
			is(AF_NETLINK, 1);
		} else {
			is(calls[i].nr, 1);
		}
		put(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0, 0);
		return;
	}
	errx(2, "%s: no such call", call);
}

int
main(int argc, char **argv)
{
	struct sock_fprog prog = { .filter = filter };
	char *call;

	if (argc < 4)
		errx(2, "usage: refuse ERRNO CALL[,CALL]... COMMAND...");
	for (call = strtok(argv[2], ","); call; call = strtok(NULL, ","))
		refuse(call, strcmp(argv[1], "ENOSYS") == 0 ? ENOSYS : EPERM);
	put(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	prog.len = len;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		err(125, "seccomp");
	execvp(argv[3], argv + 3);
	err(127, "%s", argv[3]);
}
