/*
 * fuse - a file system that falls silent on command
 *
 * usage: fuse DIR
 *
 * Mounts itself on DIR (needs root) and serves, over /dev/fuse, a directory in
 * which every name is a file of SIZE zeros until it is unlinked; writes go
 * nowhere and nothing is cached for longer than a call. Commands on standard
 * input, each repeated on standard output once it holds:
 *	hang NAME...	give no answer to these requests (READ, WRITE, LOOKUP,
 *			GETATTR, OPEN, FLUSH ...; all); "held NAME" is printed
 *			for each that comes
 *	answer		answer them, and the ones to come
 * It ends with its standard input, or after LIFE seconds, and so never leaves
 * anybody stuck: with it the kernel fails all that it did not answer.
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 64 * 1024, LIFE = 120, NAMES = 256, REQUEST = SIZE + 4096 };

/* What <linux/fuse.h> has; it may be missing (musl). */
enum {
	LOOKUP = 1, FORGET = 2, GETATTR = 3, SETATTR = 4, UNLINK = 10,
	OPEN = 14, READ = 15, WRITE = 16, STATFS = 17, RELEASE = 18,
	FSYNC = 20, FLUSH = 25, INIT = 26, OPENDIR = 27, READDIR = 28,
	RELEASEDIR = 29, ACCESS = 34, INTERRUPT = 36, DESTROY = 38,
	BATCH_FORGET = 42, OPS = 64,
	ASYNC_READ = 1
};

struct in_header {
	uint32_t len, opcode;
	uint64_t unique, nodeid;
	uint32_t uid, gid, pid, padding;
};

struct out_header {
	uint32_t len;
	int32_t error;
	uint64_t unique;
};

struct init {
	uint32_t major, minor, max_readahead, flags;
	uint16_t max_background, congestion_threshold;
	uint32_t max_write, unused[10];
};

struct attr {
	uint64_t ino, size, blocks, times[3];
	uint32_t nsecs[3], mode, nlink, uid, gid, rdev, blksize, flags;
};

struct attr_out {
	uint64_t valid;
	uint32_t nsec, unused;
	struct attr attr;
};

struct entry_out {
	uint64_t nodeid, generation, entry_valid, attr_valid;
	uint32_t entry_nsec, attr_nsec;
	struct attr attr;
};

struct rw_in {
	uint64_t fh, offset;
	uint32_t size, unused;
};

struct rw_out {
	uint32_t size, unused;
};

struct held {
	struct held *next;
	char request[];
};

static const char *const ops[OPS] = {
	[LOOKUP] = "LOOKUP", [GETATTR] = "GETATTR", [SETATTR] = "SETATTR",
	[UNLINK] = "UNLINK", [OPEN] = "OPEN", [READ] = "READ",
	[WRITE] = "WRITE", [STATFS] = "STATFS", [RELEASE] = "RELEASE",
	[FSYNC] = "FSYNC", [FLUSH] = "FLUSH", [OPENDIR] = "OPENDIR",
	[READDIR] = "READDIR", [ACCESS] = "ACCESS"
};

static int dev;
static uint64_t silent;			/* a bit for each opcode */
static struct held *first, **last = &first;
static char *names[NAMES];		/* the file of nodeid i + 2, or NULL */
static int unlinked[NAMES];

/* The nodeid of a file, which is made when it is first looked up; or 0. */
static uint64_t
node(const char *name)
{
	unsigned i;

	for (i = 0; i < NAMES && names[i]; i++)
		if (!unlinked[i] && strcmp(names[i], name) == 0)
			return i + 2;
	for (i = 0; i < NAMES && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return 0;
	if (i == NAMES || !(names[i] = strdup(name)))
		return 0;
	return i + 2;
}

static struct attr
attributes(uint64_t nodeid)
{
	int dir = nodeid == 1;

	return (struct attr){
		.ino = nodeid, .size = dir ? 0 : SIZE, .blksize = 4096,
		.mode = dir ? S_IFDIR | 0777 : S_IFREG | 0666,
		.nlink = dir ? 2 : !unlinked[nodeid - 2]
	};
}

static void
reply(const struct in_header *in, int error, const void *p, size_t n)
{
	static char buf[sizeof(struct out_header) + SIZE];
	struct out_header h = { .len = (uint32_t)(sizeof h + n),
		.error = -error, .unique = in->unique };

	memcpy(buf, &h, sizeof h);
	if (n)
		memcpy(buf + sizeof h, p, n);
	/* ENOENT: the one who asked is gone */
	if (write(dev, buf, sizeof h + n) < 0 && errno != ENOENT)
		err(1, "reply");
}

static void
reply_init(const struct in_header *in, const struct init *asked)
{
	struct init init = {
		.major = 7, .minor = asked->minor < 31 ? asked->minor : 31,
		.max_readahead = asked->max_readahead, .max_write = SIZE,
		.flags = ASYNC_READ,	/* else a reader is not in D */
		.max_background = 1000, .congestion_threshold = 1000
	};

	reply(in, 0, &init, sizeof init);
}

static void
reply_entry(const struct in_header *in, const char *name)
{
	struct entry_out e = { .nodeid = node(name) };

	if (e.nodeid)
		e.attr = attributes(e.nodeid);
	reply(in, e.nodeid ? 0 : ENOENT, &e, e.nodeid ? sizeof e : 0);
}

static void
reply_attr(const struct in_header *in)
{
	struct attr_out a = { .attr = attributes(in->nodeid) };

	reply(in, 0, &a, sizeof a);
}

static void
reply_unlink(const struct in_header *in, const char *name)
{
	uint64_t nodeid = node(name);

	if (nodeid)
		unlinked[nodeid - 2] = 1;
	reply(in, nodeid ? 0 : ENOENT, NULL, 0);
}

static void
reply_read(const struct in_header *in, const struct rw_in *r)
{
	static const char zeros[SIZE];
	size_t n = r->offset >= SIZE ? 0 : SIZE - (size_t)r->offset;

	reply(in, 0, zeros, n < r->size ? n : r->size);
}

static void
reply_write(const struct in_header *in, const struct rw_in *w)
{
	struct rw_out out = { .size = w->size };

	reply(in, 0, &out, sizeof out);
}

static void
answer(const char *request)
{
	static const uint64_t zeros[10];	/* fuse_statfs_out, open_out */
	const struct in_header *in = (const void *)request;
	const void *arg = in + 1;

	switch (in->opcode) {
	case INIT:
		reply_init(in, arg);
		break;
	case LOOKUP:
		reply_entry(in, arg);
		break;
	case GETATTR:
	case SETATTR:
		reply_attr(in);
		break;
	case UNLINK:
		reply_unlink(in, arg);
		break;
	case READ:
		reply_read(in, arg);
		break;
	case WRITE:
		reply_write(in, arg);
		break;
	case OPEN:
	case OPENDIR:
		reply(in, 0, zeros, 16);
		break;
	case STATFS:
		reply(in, 0, zeros, sizeof zeros);
		break;
	case READDIR: case RELEASE: case RELEASEDIR: case FSYNC: case FLUSH:
	case ACCESS: case DESTROY:
		reply(in, 0, NULL, 0);
		break;
	case FORGET: case BATCH_FORGET: case INTERRUPT:
		break;
	default:
		reply(in, ENOSYS, NULL, 0);
	}
}

static void
hold(const char *request, size_t n)
{
	const struct in_header *in = (const void *)request;
	struct held *h = malloc(sizeof *h + n);

	if (!h)
		err(1, "malloc");
	memcpy(h->request, request, n);
	h->next = NULL;
	*last = h;
	last = &h->next;
	printf("held %s\n", ops[in->opcode]);
}

/* Take a request; 0 at the end. */
static int
serve(void)
{
	static _Alignas(8) char request[REQUEST];
	const struct in_header *in = (const void *)request;
	ssize_t n = read(dev, request, sizeof request);

	if (n < 0 && errno == ENODEV)	/* unmounted */
		return 0;
	if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
		err(1, "/dev/fuse");
	if (n < (ssize_t)sizeof *in)
		return 1;
	if (in->opcode < OPS && ops[in->opcode] && silent >> in->opcode & 1)
		hold(request, (size_t)n);
	else
		answer(request);
	return 1;
}

static void
hang(char *names_of_ops)
{
	char *s;
	int i;

	for (s = strtok(names_of_ops, " "); s; s = strtok(NULL, " "))
		for (i = 0; i < OPS; i++)
			if (ops[i] && (strcmp(s, ops[i]) == 0 ||
			    strcmp(s, "all") == 0))
				silent |= (uint64_t)1 << i;
}

static void
speak(void)
{
	struct held *h;

	silent = 0;
	while ((h = first)) {
		first = h->next;
		answer(h->request);
		free(h);
	}
	last = &first;
}

/* Do what standard input says; 0 at its end. */
static int
command(void)
{
	static char line[256];
	char copy[sizeof line];

	if (!fgets(line, sizeof line, stdin))
		return 0;
	line[strcspn(line, "\n")] = '\0';
	strcpy(copy, line);
	if (strncmp(line, "hang ", 5) == 0)
		hang(copy + 5);
	else if (strcmp(line, "answer") == 0)
		speak();
	else
		errx(2, "%s: no such command", line);
	puts(line);
	return 1;
}

int
main(int argc, char **argv)
{
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN },
		{ .events = POLLIN } };
	char options[128];

	if (argc != 2)
		errx(2, "usage: fuse DIR");
	alarm(LIFE);
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	p[1].fd = dev = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (dev < 0)
		err(1, "/dev/fuse");
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,"
	         "group_id=0,allow_other", dev);
	if (mount("fuse", argv[1], "fuse.proctools", MS_NOSUID | MS_NODEV,
	          options) < 0)
		err(1, "%s", argv[1]);
	printf("%d\n", (int)getpid());
	for (;;) {
		if (poll(p, 2, -1) < 0)
			err(1, "poll");
		if (p[1].revents && !serve())
			break;
		if (p[0].revents && !command())
			break;
	}
	umount2(argv[1], MNT_DETACH);
	return 0;
}
