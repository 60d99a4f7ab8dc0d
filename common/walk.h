/*
 * walk - processes, their distinct descriptor tables, their descriptors
 *
 * Three pull iterators, one inside the other. A thread that has a table of its
 * own (unshare(CLONE_FILES)) is found, and a dead leader hides nothing. What
 * vanishes meanwhile is passed over.
 */

struct task_status;

/* An operand: all tables of a process (tid 0), or the one of a thread. */
struct walk_pick {
	int pid, tid;
};

struct walk {
	int root;			/* the procfs */
	int pid, dir;			/* the process and its directory */
	int tid;			/* whose own table it is, else 0 */
	struct desc_table table;
	struct buf comm;		/* of the process, or of that thread */
	int mapdir;			/* where walk_map finds map_files */
	int others;			/* set by the caller: what has no
					 * descriptors, but a working directory,
					 * is looked at too */
	/* the rest is walk's */
	const struct walk_pick *pick, *at, *end;
	const struct guard_at *from;	/* go on here, after a stall */
	struct numdir processes, tasks, fds;
	int status;			/* of the process, or -1 */
	long long euid;			/* ... or -1 */
	int parent;			/* ... or 0, once it was read */
	int still;			/* of the table, see still.h */
	unsigned long long switches;	/* ... a hash of them */
	int state, first, *tables;
	size_t ntables;
	struct buf maps;
	struct map_row *maps_begin, *map, *maps_end;
};

/* Resolve an operand that may be a thread's ID to a pick; 0, or -1 with errno
 * (ESRCH; EPERM: it exists but is hidden from us). */
int walk_resolve(int root, int pid, struct walk_pick *);

/* Sort n picks, each once; the new n. */
size_t walk_sort(struct walk_pick *, size_t n);

/* Begin with the picks, which must be sorted and stay, or with every process
 * (NULL); after a stall behind what was done, or with again from the first
 * process. 0, or -1 with errno. */
int walk_open(struct walk *, int root, const struct walk_pick *, size_t n,
              int again);

/* The next process: 1, 0 at the end, -1 with errno for one that can't be
 * opened, of the picks also if it is gone (ESRCH). */
int walk_process(struct walk *);

/* Its next table: 1, 0 at the end, -1 with errno where none may be read
 * (EACCES; ETIMEDOUT). */
int walk_table(struct walk *);

/* A thread that has the current table. */
int walk_thread(const struct walk *);

/* Read comm again, which execve(2) and the process itself change; what it was
 * stays where the process is gone. */
void walk_comm(struct walk *);

/* The next descriptor: 1, 0 at the end. */
int walk_fd(struct walk *, int *fd);

/* Make it cheaper to read all fdinfo of the table. */
void walk_infos(struct walk *);

/* Had the process one thread only when its first table was opened? */
int walk_single(const struct walk *);

/* Read the status of the process, which stays open to be read again; 0 or
 * -1. */
int walk_status(struct walk *, struct task_status *);

/* The effective user ID of the process, or -1 if it can't be read. */
long long walk_euid(struct walk *);

/* Make a descriptor that walk_fd does not give (DESC_CWD ...) the current one:
 * 1, or 0 if it was shown before a stall. */
int walk_begin(const struct walk *, int fd);

/* The next file that the process has mapped, once each, by its first address;
 * to be called while the process's own table is the current one (tid 0). 1, 0
 * at the end, -1 with errno. Shared memory without a name is no file. */
int walk_map(struct walk *, struct desc *);

/* Does the procfs hide other users' processes from us (hidepid)? */
int walk_hides(int root);

/* Is the process this tool, or the parent that guards it? */
int walk_self(const struct walk *);
