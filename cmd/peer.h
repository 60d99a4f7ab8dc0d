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
	PEER_FILE,	/* device, inode: FIFOs too */
	PEER_CLASSES
};

struct peer_key {
	enum peer_class class;
	uint64_t dev, id;
};

/* The roles of an end; the first two in the order of access modes: 1 +
 * O_RDONLY ... */
enum { PEER_READS = 1, PEER_WRITES = 2, PEER_HOLDS = 4 };

/* DIR, in its order; PEER_FLOW: as the roles of both ends say. */
enum { PEER_TO, PEER_FROM, PEER_BOTH, PEER_EQUAL, PEER_FLOW };

enum peer_state {
	PEER_SAME,	/* "-" */
	PEER_OPEN, PEER_READING, PEER_WRITING, PEER_NONE, PEER_CLOSED,
	PEER_BACKLOG, PEER_INFLIGHT, PEER_HIDDEN, PEER_REMOTE, PEER_KERNEL,
	/* of a link only: no row; none if that can be proved, else hidden */
	PEER_SILENT, PEER_PROVE
};

/* A descriptor that is an end of an object. */
struct peer_end {
	struct peer_key key;
	int roles;
	int pid, tid, fd;	/* tid: of a thread's private table, else 0 */
	int thread;		/* one that has the table */
	const char *comm;
	int tool;		/* the holder is this tool */
	int looked;		/* state is known */
	enum peer_state state;
	/* of those that are asked about */
	char *name;
	size_t namelen;
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
};

struct peer_row {
	const struct peer_end *my, *its;	/* its: NULL for none */
	int dir;
	enum peer_state state;
	long uid;		/* of a peer that is not seen, or -1 */
};

extern struct peer {
	int root, asked;	/* the caller's; asked: a descriptor, or -1 */
	const char *operand;	/* ... the process, for messages */
	struct walk target;
	int pinned;		/* ... its directory */
	struct desc desc;	/* the descriptor that is looked at */
	struct peer_end *mine, *ends;
	struct peer_link *links;
	struct peer_row *rows;
	size_t nmine, nends, nlinks, nrows;
	int untold;		/* descriptors of kinds not looked at */
	int unseen;		/* something of the target can't be read */
	char endless[16];	/* the type of what has no other end */
} peer;

/* Find all rows of a process's descriptor, or of all of them; 0, or -1 with
 * errno: the process is not there. */
int peer_find(int pid);

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
	/* The classes (1 << class) that its descriptors can be ends of: looked
	 * at only if one of them is asked about. */
	unsigned classes;
	/* The class whose id is the number behind the prefix: then only those
	 * asked about are looked at; else PEER_CLASSES. */
	enum peer_class numbered;
	/* Is descriptor fd worth reading? 1, 0, or -1 with errno. May be NULL. */
	int (*glance)(const struct desc_table *, int fd);
	/* Call peer_end() for what peer.desc, read with its attributes, is an
	 * end of. */
	void (*ends)(const struct walk *);
	/* Call peer_link() for what peer.desc has to do with other objects;
	 * my.roles and my.key are to be set before the first call. 1, 0 if it
	 * has no other end, -1 if it has one that is not looked at. */
	int (*links)(const struct walk *, struct peer_end *my);
};
extern const struct peer_kind peer_kinds[];
extern const size_t peer_nkinds;

/* Note a link of the end that is read; the caller sets all but my. */
void peer_link(struct peer_link);

/* Is the object asked about? */
int peer_wants(const struct peer_key *);

/* Note that peer.desc, of the walk's current table, is an end of it. */
void peer_end(const struct walk *, const struct peer_key *, int roles);

/* Does a link of a procfs lead to the end's object? 1 or 0. */
int peer_leads_to(int dirfd, const char *name, const struct peer_key *);

/* The key of a file. */
struct peer_key peer_file(const struct kstatx *);
