/* parse_fdinfo_test - tables for parse_fdinfo */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse_fdinfo.h"
#include "parse_test.h"

static void
test_common(void)
{
	static const struct {
		const char *name, *text;
		int ok;
		struct fdinfo i;
	} t[] = {
		{ "6.18", "pos:\t123\nflags:\t0102000\nmnt_id:\t29\nino:\t77\n",
		  1, { 123, 0102000, 29, 77 } },
		{ "5.13: no ino", "pos:\t0\nflags:\t02\nmnt_id:\t29\n", 1,
		  { 0, 02, 29, 0 } },
		{ "3.14: no mnt_id", "pos:\t5\nflags:\t0100001\n", 1,
		  { 5, 0100001, -1, 0 } },
		{ "a large position", "pos:\t9223372036854775807\nflags:\t02\n",
		  1, { 9223372036854775807, 02, -1, 0 } },
		{ "a negative one, of /dev/mem", "pos:\t-4096\nflags:\t02\n", 1,
		  { (unsigned long long)-4096, 02, -1, 0 } },
		{ "an inode of all bits", "pos:\t1\nflags:\t02\nmnt_id:\t3\n"
		  "ino:\t18446744073709551615\n", 1,
		  { 1, 02, 3, 18446744073709551615ULL } },
		{ "keys of the type do not count",
		  "pos:\t1\nflags:\t02\nmnt_id:\t3\nino:\t4\n"
		  "tfd:        5 events:       19 data:  5 pos:9 ino:3d\n"
		  "pos:\t9\nino:\t9\n", 1, { 1, 02, 3, 4 } },
		{ "a lock's line", "pos:\t1\nflags:\t02\nmnt_id:\t3\nino:\t4\n"
		  "lock:\t1: POSIX  ADVISORY  WRITE 7 fd:00:9 0 EOF\n", 1,
		  { 1, 02, 3, 4 } },
		{ "no newline at the end", "pos:\t1\nflags:\t02", 1,
		  { 1, 02, -1, 0 } },
		{ "without flags", "pos:\t1\nmnt_id:\t3\n", 0, { 0, 0, 0, 0 } },
		{ "without pos", "flags:\t02\n", 0, { 0, 0, 0, 0 } },
		{ "without values", "pos:\nflags:\n", 0, { 0, 0, 0, 0 } },
		{ "without a colon", "pos\nflags\n", 0, { 0, 0, 0, 0 } },
		{ "letters", "pos:\tx\nflags:\ty\n", 0, { 0, 0, 0, 0 } },
		{ "cut off", "pos:", 0, { 0, 0, 0, 0 } },
		{ "nothing", "", 0, { 0, 0, 0, 0 } }
	};
	size_t n;

	for (n = 0; n < LEN(t); n++) {
		struct fdinfo i;
		const struct fdinfo *w = &t[n].i;
		char *s = copy(t[n].text);
		int r = parse_fdinfo(s, &i);

		ok(t[n].ok ? r == 0 && i.pos == w->pos && i.flags == w->flags &&
		   i.mnt_id == w->mnt_id && i.ino == w->ino : r == -1,
		   "parse_fdinfo: %s", t[n].name);
		free(s);
	}
}

/* What a parser found, as text; empty where it found nothing. */
static char found[512];
static size_t nfound;

#define FOUND(...) (nfound += (size_t)snprintf(found + nfound, \
    sizeof found - nfound, __VA_ARGS__))

static void
eventfd(const char *s)
{
	struct eventfd_row e;

	if (parse_eventfd(s, &e) == 0)
		FOUND("%llu %lld %d", e.count, e.id, e.semaphore);
}

static void
tfd(const char *s)
{
	struct tfd_row t;

	while (parse_tfd(&s, &t) == 1)
		FOUND("%d %x %llx %llu@%u:%u;", t.tfd, t.events, t.data, t.ino,
		      t.major, t.minor);
}

static void
inotify(const char *s)
{
	struct inotify_row i;

	while (parse_inotify(&s, &i) == 1)
		FOUND("%d %llu@%u:%u %x%.*s;", i.wd, i.ino, i.major, i.minor,
		      i.mask, (int)i.n, i.n ? i.handle : "");
}

static void
fanotify(const char *s)
{
	struct fanotify_row f;

	while (parse_fanotify(&s, &f) == 1)
		FOUND("%d %llu@%u:%u %llx%.*s;", f.on, f.id, f.major, f.minor,
		      f.mask, (int)f.n, f.n ? f.handle : "");
}

static void
timerfd(const char *s)
{
	struct timerfd_row t;

	if (parse_timerfd(s, &t) == 0)
		FOUND("%d %llu %u %llu.%llu %llu.%llu", t.clockid, t.ticks,
		      t.flags, t.value, t.value_ns, t.interval, t.interval_ns);
}

static void
sigmask(const char *s)
{
	unsigned long long mask;

	if (parse_sigmask(s, &mask) == 0)
		FOUND("%llx", mask);
}

static void
pidfd(const char *s)
{
	struct pidfd_row p;

	if (parse_pidfd(s, &p) == 0)
		FOUND("%d %d", p.pid, p.nspid);
}

static void
bpf(const char *s)
{
	struct bpf_row b;

	if (parse_bpf(s, &b) == 0)
		FOUND("%s %u %u %.*s %.*s", b.kind, b.id, b.prog, (int)b.ntype,
		      b.type ? b.type : "", (int)b.ntag, b.tag ? b.tag : "");
}

static void
uring(const char *s)
{
	struct uring_row u;
	struct userfile_row f;

	if (parse_uring(s, &u) < 0)
		return;
	FOUND("%llu %llu %llu %llu %lld;", u.sqes, u.cqes, u.files, u.bufs,
	      u.thread);
	while (parse_userfile(&u.list, &f) == 1)
		FOUND("%u %.*s;", f.index, (int)f.n, f.path);
}

static void
lock(const char *s)
{
	struct lock_row l;

	while (parse_lock(&s, &l) == 1)
		FOUND("%llu %s%s %s %s %d %u:%u:%llu %llu-%lld;",
		      l.nr, l.waits ? "waits " : "", l.kind, l.how, l.mode, l.pid,
		      l.major, l.minor, l.ino, l.start, l.end);
}

static void
scm_fds(const char *s)
{
	unsigned long long v;

	if (parse_fdinfo_num(s, "scm_fds", &v) == 0)
		FOUND("%llu", v);
}

#define COMMON "pos:\t0\nflags:\t02\nmnt_id:\t17\nino:\t1038\n"
#define URING "SqMask:\t0x7\nSqHead:\t0\nCachedSqHead:\t0\n"
#define FHANDLE "fhandle-bytes:8 fhandle-type:1 f_handle:1300000000000000"

static const struct {
	void (*parse)(const char *);
	const char *name, *text, *want;
} kinds[] = {
	{ eventfd, "eventfd", COMMON "eventfd-count:               1f\n"
	  "eventfd-id: 1\neventfd-semaphore: 1\n", "31 1 1" },
	{ eventfd, "eventfd 4.18", COMMON "eventfd-count: ffffffffffffffff\n",
	  "18446744073709551615 -1 -1" },
	{ eventfd, "eventfd 5.2", COMMON "eventfd-count:                0\n"
	  "eventfd-id: 70000\n", "0 70000 -1" },
	{ eventfd, "eventfd without a count", "eventfd-id: 7\n", "" },
	{ eventfd, "eventfd cut off", "eventfd-count:", "" },
	{ tfd, "epoll", COMMON
	  "tfd:        4 events:       19 data:                4"
	  "  pos:0 ino:56fc sdev:f\n"
	  "tfd:    70000 events: 8000001c data: ffffffffffffffff"
	  "  pos:9223372036854775807 ino:13 sdev:fe00001\n",
	  "4 19 4 22268@0:15;70000 8000001c ffffffffffffffff 19@254:1;" },
	{ tfd, "epoll 4.12", "tfd:        4 events:       19 data:"
	  "                4\n", "4 19 4 0@0:0;" },
	{ tfd, "epoll of nothing", COMMON, "" },
	{ tfd, "epoll: another's keys", "tfd: 4\nevents: 19 data: 4\n", "" },
	{ tfd, "epoll cut off", "tfd:        4 events:       19 data:", "" },
	{ tfd, "epoll: no end", "tfd: 4 events: 19 data: 4  pos:0 ino:5 sdev:f",
	  "4 19 4 5@0:15;" },
	{ inotify, "inotify", COMMON
	  "inotify wd:1 ino:13 sdev:fe00000 mask:fff ignored_mask:0 " FHANDLE "\n"
	  "inotify wd:1f ino:ffffffffff sdev:1a mask:2000002 ignored_mask:0 \n",
	  "1 19@254:0 fff" FHANDLE ";31 1099511627775@0:26 2000002;" },
	{ inotify, "inotify: no mask",
	  "inotify wd:1 ino:13 sdev:fe00000 ignored_mask:0\n", "" },
	{ inotify, "inotify without a place", "inotify wd:1 mask:1\n", "" },
	{ inotify, "inotify of nothing", COMMON, "" },
	{ fanotify, "fanotify", COMMON "fanotify flags:0 event-flags:8000\n"
	  "fanotify sdev:fe00000 mflags:0 mask:8 ignored_mask:1\n"
	  "fanotify mnt_id:1b mflags:40 mask:4001000a ignored_mask:0\n"
	  "fanotify ino:13 sdev:fe00000 mflags:0 mask:8 ignored_mask:0 " FHANDLE "\n"
	  "fanotify mnt_ns:4026531841 mflags:0 mask:1000000 ignored_mask:0\n",
	  "2 0@254:0 8;1 27@0:0 4001000a;0 19@254:0 8" FHANDLE
	  ";3 4026531841@0:0 1000000;"
	},
	{ fanotify, "fanotify without marks",
	  "fanotify flags:10 event-flags:0\n", "" },
	{ fanotify, "fanotify of what is not known",
	  "fanotify mflags:0 mask:8 ignored_mask:0\n", "" },
	{ timerfd, "timerfd", COMMON "clockid: 1\nticks: 12\n"
	  "settime flags: 01\nit_value: (99, 987008130)\n"
	  "it_interval: (2, 5)\n", "1 12 1 99.987008130 2.5" },
	{ timerfd, "timerfd without an interval", "clockid: 1\nticks: 12\n"
	  "settime flags: 01\nit_value: (99, 987008130)\n", "" },
	{ timerfd, "timerfd cut off", "clockid: 1\nticks: 12\n"
	  "settime flags: 01\nit_value: (99,\nit_interval: (2, 5)\n", "" },
	{ timerfd, "timerfd: no number", "clockid: x\n", "" },
	{ sigmask, "signalfd", COMMON "sigmask:\t8000000000004002\n",
	  "8000000000004002" },
	{ sigmask, "signalfd: none", COMMON, "" },
	{ pidfd, "pidfd", COMMON "Pid:\t9470\nNSpid:\t9470\n", "9470 9470" },
	{ pidfd, "pidfd of an inner namespace", "Pid:\t9470\n"
	  "NSpid:\t9470\t12\t1\n", "9470 1" },
	{ pidfd, "pidfd of a dead one", "Pid:\t-1\nNSpid:\t-1\n", "-1 -1" },
	{ pidfd, "pidfd of another namespace", "Pid:\t0\nNSpid:\t0\n",
	  "0 0" },
	{ pidfd, "pidfd without CONFIG_PID_NS", "Pid:\t7\n", "7 7" },
	{ pidfd, "pidfd: no number", "Pid:\t-\n", "" },
	{ pidfd, "pidfd: none", COMMON, "" },
	{ bpf, "bpf map", "map_type:\t2\nkey_size:\t4\nvalue_size:\t8\n"
	  "max_entries:\t3\nmap_flags:\t0x0\nmap_extra:\t0x0\n"
	  "memlock:\t336\nmap_id:\t25\nfrozen:\t0\n", "map 25 0 2 " },
	{ bpf, "bpf map with its owner",
	  "map_type:\t3\nmap_id:\t9\nfrozen:\t0\n"
	  "owner_prog_type:\t1\nowner_jited:\t1\n", "map 9 0 3 " },
	{ bpf, "bpf program", "prog_type:\t8\nprog_jited:\t1\n"
	  "prog_tag:\t03b4eaae2f14641a\nmemlock:\t4096\nprog_id:\t11\n"
	  "run_time_ns:\t0\n", "prog 11 0 8 03b4eaae2f14641a" },
	{ bpf, "bpf link", "link_type:\ttracing\nlink_id:\t4\n"
	  "prog_tag:\t03b4eaae2f14641a\nprog_id:\t11\nattach_type:\t24\n",
	  "link 4 11 tracing 03b4eaae2f14641a" },
	{ bpf, "bpf types", "btf_id:\t88\n", "btf 88 0  " },
	{ bpf, "bpf: none", COMMON, "" },
	{ uring, "io_uring 6.18", COMMON URING "SQEs:\t1\n"
	  "    0: opcode:READ, fd:3, flags:0, off:0\nCQEs:\t2\n"
	  "    1: user_data:5, res:0, flags:0\nSqThread:\t55\n"
	  "SqThreadCpu:\t0\nUserFiles:\t3\n    0: pipe:[22268]\n"
	  "    2: /tmp/a\\040b\nUserBufs:\t1\n    0: 0x7f00/4096\nPollList:\n",
	  "1 2 3 1 55;0 pipe:[22268];2 /tmp/a\\040b;" },
	{ uring, "io_uring 5.10", "SqThread:\t-1\nUserFiles:\t2\n"
	  "    0: <none>\n    1: /a\nUserBufs:\t0\n", "0 0 2 0 -1;1 /a;" },
	{ uring, "io_uring without buffers", "UserFiles:\t2\n", "" },
	{ uring, "io_uring: a lock", "lock:\t1: FLOCK  ADVISORY  READ 9470"
	  " fe:00:9 0 EOF\nUserFiles:\t0\nUserBufs:\t0", "0 0 0 0 -1;" },
	{ lock, "locks of a descriptor", COMMON
	  "lock:\t1: FLOCK  ADVISORY  READ 9470 fe:00:10954421 0 EOF\n"
	  "lock:\t2: POSIX  ADVISORY  WRITE 9470 fe:1f:10954421 5 14\n"
	  "scm_fds: 0\n",
	  "1 FLOCK ADVISORY READ 9470 254:0:10954421 0--1;"
	  "2 POSIX ADVISORY WRITE 9470 254:31:10954421 5-14;" },
	{ lock, "/proc/locks", "1: POSIX  ADVISORY  WRITE 7 08:01:9 0 EOF\n"
	  "1: -> POSIX  ADVISORY  WRITE 8 08:01:9 10 20\n"
	  "1:  -> POSIX  ADVISORY  READ 9 08:01:9 10 20\n"
	  "2: OFDLCK ADVISORY  READ -1 00:15:77 0 EOF\n"
	  "3: LEASE  BREAKING  UNLCK 0 00:15:78 0 EOF\n"
	  "4: DELEG  ACTIVE    READ 5 103:0a:78 0 EOF\n",
	  "1 POSIX ADVISORY WRITE 7 8:1:9 0--1;"
	  "1 waits POSIX ADVISORY WRITE 8 8:1:9 10-20;"
	  "1 waits POSIX ADVISORY READ 9 8:1:9 10-20;"
	  "2 OFDLCK ADVISORY READ -1 0:21:77 0--1;"
	  "3 LEASE BREAKING UNLCK 0 0:21:78 0--1;"
	  "4 DELEG ACTIVE READ 5 259:10:78 0--1;" },
	{ lock, "a lock without an inode",
	  "1: POSIX  *NOINODE* READ  7 <none>:0 0 EOF\n",
	  "1 POSIX *NOINODE* READ 7 0:0:0 0--1;" },
	{ lock, "no locks", "lock:\t\nlock:\t1:\n1: POSIX\n"
	  "1: POSIX ADVISORY WRITE x 08:01:9 0 EOF\n"
	  "1: POSIX ADVISORY WRITE 7 08:01 0 EOF\n"
	  "1: POSIX ADVISORY WRITE 7 08:01:9 0 \n"
	  "1: WORDTHATISTOOLONG ADVISORY WRITE 7 08:01:9 0 EOF\n    0: /a b\n"
	  "1: POSIX ADVISORY WRITE 7 08:01:9", "" },
	{ scm_fds, "scm_fds", COMMON "scm_fds: 2\n", "2" },
	{ scm_fds, "no scm_fds", COMMON "scm_fds: \n", "" },
};

static void
test_kinds(void)
{
	size_t i;

	for (i = 0; i < LEN(kinds); i++) {
		char *s = copy(kinds[i].text);

		*found = '\0';
		nfound = 0;
		kinds[i].parse(s);
		ok(strcmp(found, kinds[i].want) == 0, "fdinfo %s: %s",
		   kinds[i].name, found);
		free(s);
	}
}

void
test_fdinfo(void)
{
	test_common();
	test_kinds();
}
