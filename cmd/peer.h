/*
 * peer - what is asked about, the objects behind it, and who holds them;
 * buf.h, desc.h (with what it needs) and walk.h are to be included before
 *
 * A descriptor that is asked about has links: "whoever reads from pipe 77",
 * "who has socket 1234". One scan of the machine finds the ends of these
 * objects that processes hold. A row is a link with one of the ends, or with
 * none. What links and ends a descriptor has is told by its kind (peerkind.c).
 */

/* A class of objects, and what dev and id of a key are in it. */
enum peer_class {
	PEER_PIPE,	/* 0, number */
	PEER_SOCKET,	/* 0, number */
	PEER_NAMESPACE,	/* 0, number */
	PEER_FILE,	/* device, inode: FIFOs and message queues too */
	PEER_TERMINAL,	/* device of its devpts, index */
	PEER_WATCHED,	/* device, inode, or see peerwatch.c: who watches it */
	PEER_SEEN,	/* the same: who has what is watched */
	PEER_POLLED,	/* device, inode: what an epoll waits for */
	PEER_TARGET,	/* 0, number: what an epoll asked about waits for */
	PEER_EVENTFD,	/* 0, id */
	PEER_PIDFD,	/* 0, process */
	PEER_BPF,	/* what, id */
	PEER_OPEN_FILE,	/* 0, number: that of an end asked about (kcmp) */
	PEER_DIRECT,	/* 0, number: peer_direct */
	PEER_NOTHING	/* nothing is looked for */
};

#define PEER_DEVICE(major, minor) ((uint64_t)(major) << 32 | (minor))

struct peer_key {
	enum peer_class class;
	uint64_t dev, id;
};

/* The roles of an end; the first two in the order of access modes: 1 +
 * O_RDONLY ... */
enum {
	PEER_READS = 1, PEER_WRITES = 2, PEER_HOLDS = 4,
	PEER_MASTER = 8, PEER_SLAVE = 16,	/* of a pseudoterminal */
	PEER_LOCKS = 32, PEER_WAITS = 64,	/* for the lock of a file */
	PEER_MEMBER = 128,			/* of a namespace */
	PEER_REGISTERED = 256			/* with an io_uring */
};

/* DIR, in its order; PEER_FLOW: as the roles of both ends say. */
enum { PEER_TO, PEER_FROM, PEER_BOTH, PEER_EQUAL, PEER_FLOW };

enum peer_state {
	PEER_SAME,	/* "-" */
	PEER_OPEN, PEER_READING, PEER_WRITING, PEER_NONE, PEER_CLOSED,
	PEER_BACKLOG, PEER_INFLIGHT, PEER_HIDDEN, PEER_REMOTE, PEER_KERNEL,
	/* of a link only: no row; none if that can be proved, else in flight
	 * or hidden */
	PEER_SILENT, PEER_PROVE
};

/* A lock that is waited for, or that is held and waited for by others. */
struct peer_lock {
	unsigned long long nr;	/* in /proc/locks: of both */
	int role;		/* PEER_LOCKS or PEER_WAITS */
};

/* In the place of a descriptor: the process itself is the end. */
enum { PEER_NO_FD = -100 };

/* A descriptor that is an end of an object. */
struct peer_end {
	struct peer_key key;
	int roles;
	struct peer_lock *locks;	/* of PEER_LOCKS and PEER_WAITS */
	size_t nlocks;
	int mode;		/* the descriptor's, as desc has it */
	int pid, tid;		/* tid: of a thread's private table, else 0 */
	int fd;			/* DESC_MEM: mapped only; PEER_NO_FD */
	int thread;		/* one that has the table */
	const char *comm;
	int tool;		/* the holder is this tool */
	int looked;		/* state is known */
	enum peer_state state;
	const char *handle;	/* of its file, or NULL */
	/* of those that are asked about: as struct name has it */
	char *name, *shown;
	size_t namelen, nshown;
	int deleted;
};

/* What an end that is asked about (mine[my]) has to do with an object. */
struct peer_link {
	size_t my;
	struct peer_key key;
	int roles;		/* the ends in one of these are the peers */
	int dir;
	enum peer_state held;	/* STATE with a peer; PEER_OPEN is looked up */
	enum peer_state alone;	/* STATE where nobody is seen to be one */
	long uid;		/* ... and who it is then, or -1 */
	const char *handle;	/* NULL, or the peers have that or NULL */
	uint64_t net;		/* the network namespace of a peer's socket, if
				 * mine is of another one */
};

struct peer_row {
	const struct peer_end *my, *its;	/* its: NULL for none */
	int dir;
	enum peer_state state;
	long uid;		/* of a peer that is not seen, or -1 */
	uint64_t net;
};

extern struct peer {
	/* the caller's; asked: a descriptor, or -1 */
	int root, asked;
	const char *operand;	/* the process, for messages */
	unsigned traced;	/* -r: the classes (PEER_IN) to look at, or 0 */
	/* what is found */
	struct walk target;
	int pinned;		/* ... its directory */
	struct desc desc;	/* the descriptor that is looked at */
	struct peer_end *mine, *ends;
	struct peer_link *links;
	struct peer_row *rows;
	size_t nmine, nends, nlinks, nrows;
	int mapped;		/* look for processes that only map it, which */
	struct peer_key map;	/* ... maps has under this key */
	int following;		/* what can't be read now is passed over */
	int untold;		/* descriptors of which the kernel can't tell */
	int unseen;		/* something of the target can't be read */
	struct buf text;	/* of the asked descriptor's link, or none */
	int unheard;		/* unix sockets that may send can't be read */
	const char *doubt;	/* of what can't be told whether it has that */
	char endless[16];	/* the type of what has no other end */
	int tries;		/* scans that were made again */
} peer;

/* Find all rows of a process's descriptor, or of all of them; 0, or -1 with
 * errno: the process is not there. */
int peer_find(int pid);

/* Find what flows to the process and from it: rows, upstream first. As
 * peer_find. */
int peer_trace(int pid);

/* The steps of both: resolve and pin the process; note its ends and links
 * behind those that there are; scan for the ends of all links, or of the
 * classes that are traced. 0, or -1 with errno. */
int peer_open(int pid, struct walk_pick *);
void peer_read(const struct walk_pick *);
void peer_scan(void);

/* The ends of the object, n of them. */
struct peer_end *peer_ends(const struct peer_key *, size_t *n);

/* DIR of the link and one of its ends, or (NULL) whoever may have it. */
int peer_dir(const struct peer_link *, const struct peer_end *its);

/* STATE of a holder: is a thread of it blocked on the descriptor? */
enum peer_state peer_state(struct peer_end *);

/* STATE of a link that nobody is seen to be the other end of, and the io_uring
 * that has it, or NULL; -1 if my end is not what it was. */
int peer_alone(const struct peer_link *, struct peer_end **ring);

/* STATE in words, NULL for PEER_SAME. */
const char *peer_state_name(enum peer_state);

/* Note a row; and those of all links: 0, or -1 if an end is not what it was. */
void peer_row(const struct peer_row *);
int peer_rows(void);

/* The number that text shows of its process, or of the thread whose private
 * table it is; 0 for NULL. */
int peer_shown_pid(const struct peer_end *);

/* Are they one descriptor? */
int peer_same(const struct peer_end *, const struct peer_end *);

/* Compare two keys, as qsort(3) and bsearch(3) want it. */
int peer_compare_keys(const void *, const void *);

/* Is the end of a process that is not seen in the queue of a socket, as far as
 * can be told? One of its own may have it; others only if no other user's
 * process, which may have it just so, could not be looked at. */
int peer_queued(int pid);

/* A duplicate of the descriptor, if it is still that object; or -1. */
int peer_duplicate(const struct peer_end *);

/* Prove for an end whose other end nobody is seen to hold that nobody does: 1,
 * or 0 where there is one or that can't be told, or -1 if the descriptor is
 * not what it was. */
int peer_prove(const struct peer_end *);

/*
 * The kinds. A descriptor is of the first one whose prefix its link's text
 * begins with (NULL: of any text).
 */
struct peer_kind {
	const char *prefix;
	/* The classes (PEER_IN) that its descriptors can be ends of: looked at
	 * only if one of them is asked about. */
	unsigned classes;
	/* That of the objects whose number is all of the text, or NOTHING. */
	enum peer_class class;
	/* Is descriptor fd with that text worth reading? 1, 0, or -1 with
	 * errno. NULL: if it is asked about by its number. */
	int (*glance)(const struct desc_table *, int fd, const char *text);
	/* Call peer_end() for what peer.desc, read with its attributes, is an
	 * end of. May be NULL. */
	void (*ends)(const struct walk *);
	/* Call peer_link() for what peer.desc has to do with other objects;
	 * my.roles and my.key are to be set before the first call. 1, 0 if it
	 * has no other end, -1 if the kernel can't tell. */
	int (*links)(const struct walk *, struct peer_end *my);
};
#define PEER_IN(class) (1U << (class))
const struct peer_kind *peer_kind(const char *text);

/* The key that such a number is: 1, or 0 if the text is no such one. */
int peer_numbered(const char *text, struct peer_key *);

/* Note a link of the end that is read; the caller sets all but my. */
void peer_link(struct peer_link);

/* Note a link that has this one end, which needs not be looked for: pid, tid,
 * thread, fd, mode and comm of it are set. */
void peer_direct(struct peer_link, struct peer_end);

/* The peer is the kernel itself. */
void peer_kernel(int dir);

/* Co-holders are asked for: whoever is an end of the object in these roles. */
void peer_equal(const struct peer_key *, int roles);

/* Is the object asked about, or one of the class? */
int peer_wants(const struct peer_key *);
int peer_wants_class(enum peer_class);

/* Note that peer.desc, of the walk's current table, is an end of it, if that is
 * asked about: the end, until the next call, or NULL. */
struct peer_end *peer_end(const struct walk *, const struct peer_key *,
                          int roles);

/* Does a link of a procfs lead to the end's object? 1 or 0. */
int peer_leads_to(int dirfd, const char *name, const struct peer_key *);

/* The key of a file; and as the kernel has it in fdinfo and locks, with the
 * device of the superblock, which is not stat's on btrfs. What has the device
 * of namespaces is one. */
struct peer_key peer_file(const struct kstatx *);
struct peer_key peer_superblock(const struct desc_table *,
                                const struct kstatx *);

/* A copy of n bytes, any of which may be NUL, with a NUL behind them. */
char *peer_copy(const char *, size_t n);

/* The number in "pipe:[77]". */
uint64_t peer_number(const char *text);

/* The text of fdinfo of peer.desc, or NULL; it stays until the next call. */
const char *peer_info(const struct desc_table *);

/* The kinds of paths (peerfile.c). */
int peer_path_glance(const struct desc_table *, int fd, const char *text);
void peer_path_ends(const struct walk *);
int peer_path_links(const struct walk *, struct peer_end *my);

/* The links of a namespace; by its target unless my->key is known. */
int peer_namespace_links(const struct walk *, struct peer_end *my);

/* ... of what has no path nor number (peeranon.c). */
int peer_anon_glance(const struct desc_table *, int fd, const char *text);
void peer_anon_ends(const struct walk *);
int peer_anon_links(const struct walk *, struct peer_end *my);

/* Note peer.desc if it is the same open file as what is asked about. */
void peer_open_file_ends(const struct walk *);

/* ... of inotify and fanotify; who watches peer.desc, and whether what is
 * watched is asked about, of which it is an end (peerwatch.c). */
void peer_watch_ends(const struct walk *);
int peer_watch_links(const struct walk *);
void peer_watchers(const struct walk *);
int peer_is_watched(const struct desc_table *, const struct kstatx *);
void peer_watched_ends(const struct walk *);

/* ... of an io_uring: what is registered with it (peerring.c). */
void peer_ring_ends(const struct walk *);
int peer_ring_links(const struct walk *);

/* ... of sockets (peersock.c). */
void peer_sock_ends(const struct walk *);
int peer_sock_links(const struct walk *, struct peer_end *my);

/* Note what an epoll asked about waits for, if peer.desc is that. */
void peer_target_ends(const struct walk *);
