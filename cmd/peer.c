#include <sys/stat.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocked.h"
#include "buf.h"
#include "guard.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_fdinfo.h"
#include "desc.h"
#include "name.h"
#include "proc.h"
#include "sys.h"
#include "walk.h"
#include "peer.h"

struct peer peer = { .asked = -1, .pinned = -1 };

static struct walk w;
static struct buf text;
static struct peer_key *wanted;
static size_t nwanted;
static struct peer_end *direct;
static size_t ndirect;
static unsigned classes;	/* of the wanted objects */
static const char *comm;	/* a copy of the current process's, or NULL */
static int in_own_table;	/* the descriptor asked about was found there */
static int first_scan;		/* refused processes are counted once */

char *
peer_copy(const char *s, size_t n)
{
	char *t = malloc(n + 1);

	if (!t)
		cli_die();
	if (n)
		memcpy(t, s, n);
	t[n] = '\0';
	return t;
}

int
peer_compare_keys(const void *a, const void *b)
{
	const struct peer_key *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int
peer_wants_class(enum peer_class class)
{
	return (classes & PEER_IN(class)) != 0;
}

int
peer_wants(const struct peer_key *k)
{
	if (!peer_wants_class(k->class))
		return 0;
	return peer.traced || bsearch(k, wanted, nwanted, sizeof *k,
	                              peer_compare_keys) != NULL;
}

void
peer_link(struct peer_link l)
{
	l.my = peer.nmine;
	peer.links = cli_grow(peer.links, peer.nlinks, sizeof l);
	peer.links[peer.nlinks++] = l;
}

static void
add_end(const struct peer_end *e)
{
	peer.ends = cli_grow(peer.ends, peer.nends, sizeof *e);
	peer.ends[peer.nends++] = *e;
}

void
peer_direct(struct peer_link l, struct peer_end e)
{
	l.key = e.key = (struct peer_key){ PEER_DIRECT, 0, ndirect };
	e.state = PEER_OPEN;
	peer_link(l);
	direct = cli_grow(direct, ndirect, sizeof e);
	direct[ndirect++] = e;
}

struct peer_end *
peer_end(const struct walk *of, const struct peer_key *k, int roles)
{
	const struct peer_end *my = peer.mine;
	struct peer_end e = { .key = *k, .roles = roles, .pid = of->pid,
		.tid = of->tid, .fd = peer.desc.fd, .mode = peer.desc.mode,
		.state = PEER_OPEN };

	if (!peer_wants(k))
		return NULL;
	/* The table of a thread that is asked about may be seen under another
	 * thread that shares it. */
	if (!peer.traced && of->tid && of->pid == my->pid && my->tid &&
	    of->tid != my->tid &&
	    sys_kcmp(of->root, of->tid, my->tid, SYS_KCMP_FILES, 0, 0) == 0)
		e.tid = my->tid;
	e.thread = walk_thread(of);
	e.tool = walk_self(of);
	e.comm = comm = comm ? comm : peer_copy(of->comm.s, of->comm.n);
	add_end(&e);
	return &peer.ends[peer.nends - 1];
}

/* The kind of what was read. */
static const struct peer_kind *
kind_read(void)
{
	return peer_kind(peer.desc.named ? peer.desc.target.s : "/");
}

/* May descriptor fd of a table be an end of an object that is asked about? 1,
 * 0, or -1 with errno. */
static int
glance(const struct desc_table *t, int fd)
{
	const struct peer_kind *kind;
	const char *s;
	struct peer_key k;

	if (desc_read(t, fd, peer.traced ? DESC_WANT_MODE : 0, &peer.desc) < 0)
		return -1;
	kind = kind_read();
	if (peer_wants_class(PEER_TARGET))
		return 1;
	if (!(kind->classes & classes))
		return 0;
	s = peer.desc.target.s;
	if (kind->glance)
		return kind->glance(t, fd, s);
	k = (struct peer_key){ kind->class, 0, peer_number(s) };
	return peer_wants(&k);
}

/* Look at a descriptor of some process; 0, or the errno of a refusal. */
static int
look(int fd)
{
	int r = glance(&w.table, fd);

	if (r == 0)
		return 0;
	/* a number and the mode are all that is asked for when all are noted */
	if (r > 0 && (!peer.traced || kind_read()->glance))
		r = desc_read(&w.table, fd, DESC_WANT_STAT | DESC_WANT_NAME |
		              (peer.traced ? DESC_ONCE : 0), &peer.desc);
	if (r < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : errno;
	if (peer_wants_class(PEER_TARGET))
		peer_target_ends(&w);
	if (kind_read()->ends)
		kind_read()->ends(&w);
	return 0;
}

/* Has the current process a descriptor of the object? */
static int
has_end(const struct peer_key *k)
{
	size_t i = peer.nends;

	while (i-- > 0 && peer.ends[i].pid == w.pid)
		if (peer_compare_keys(&peer.ends[i].key, k) == 0)
			return 1;
	return 0;
}

/* Look for what is asked about among the mapped files of a process; 0, or the
 * errno of a refusal. */
static int
look_mapped(void)
{
	struct peer_key k;
	int r;

	while ((r = walk_map(&w, &peer.desc)) == 1) {
		k = peer_file(&peer.desc.st);
		/* the device of maps is the superblock's */
		if (!peer.desc.known &&
		    peer_compare_keys(&k, &peer.map) == 0)
			k = peer.mine->key;
		if (peer_wants(&k) && !has_end(&k))
			peer_end(&w, &k, PEER_HOLDS);
	}
	return r == 0 || errno == ENOENT || errno == ESRCH ? 0 : errno;
}

/* Is the process in a namespace that is asked about, or will its children be?
 * 0, or an errno. */
static int
look_namespaces(void)
{
	static const char *const names[] = { "ns/cgroup", "ns/ipc", "ns/mnt",
		"ns/net", "ns/pid", "ns/pid_for_children", "ns/time",
		"ns/time_for_children", "ns/user", "ns/uts" };
	struct peer_key k = { .class = PEER_NAMESPACE };
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++) {
		if (proc_readlink(w.dir, names[i], &text) < 0) {
			/* ENOENT: not on this kernel, or it has no child
			 * yet; a zombie has none */
			if (errno == ENOENT || errno == ESRCH)
				continue;
			return errno;
		}
		k.id = peer_number(text.s);
		peer.desc.fd = PEER_NO_FD;
		peer.desc.mode = -1;
		peer_end(&w, &k, PEER_MEMBER);
	}
	return 0;
}

/* Look at the current process; 0, or the errno of a refusal. */
static int
look_at_process(void)
{
	int r, e, fd, err = 0;

	while ((r = walk_table(&w)) == 1) {
		comm = NULL;
		while (walk_fd(&w, &fd) == 1)
			err = (e = look(fd)) ? e : err;
		if (peer_wants_class(PEER_NAMESPACE) && w.tid == 0)
			err = (e = look_namespaces()) ? e : err;
		if (peer.mapped && w.tid == 0)
			err = (e = look_mapped()) ? e : err;
	}
	return r < 0 ? errno : err;
}

/* What the links are to, sorted. */
static void
collect_keys(void)
{
	size_t i;

	free(wanted);
	wanted = calloc(peer.nlinks + 1, sizeof *wanted);
	if (!wanted)
		cli_die();
	classes = peer.traced;
	for (i = nwanted = 0; !peer.traced && i < peer.nlinks; i++) {
		if (peer.links[i].key.class >= PEER_DIRECT)
			continue;
		classes |= PEER_IN(peer.links[i].key.class);
		wanted[nwanted++] = peer.links[i].key;
	}
	if (nwanted)
		qsort(wanted, nwanted, sizeof *wanted, peer_compare_keys);
}

static int
compare_ends(const void *a, const void *b)
{
	const struct peer_end *x = a, *y = b;

	return peer_compare_keys(&x->key, &y->key);
}

void
peer_scan(void)
{
	size_t i;
	int r, err;

	peer.nends = 0;
	peer.doubt = NULL;
	blocked_forget();
	collect_keys();
	if (classes && walk_open(&w, peer.root, NULL, 0, 1) < 0) {
		cli_error(cli.procfs, errno);
		return;
	}
	while (classes && (r = walk_process(&w)) != 0) {
		err = r < 0 ? errno : look_at_process();
		if (err && first_scan)
			cli_process_error(w.pid, err, 1);
	}
	first_scan = 0;
	for (i = 0; i < ndirect; i++)
		add_end(&direct[i]);
	if (peer.nends)
		qsort(peer.ends, peer.nends, sizeof *peer.ends, compare_ends);
}

/* Say once why something of the target can't be read. */
static void
target_error(void)
{
	if (peer.following)
		return;
	if (!peer.unseen)
		cli_error(peer.operand, errno);
	peer.unseen = 1;
}

/* NAME, as lsfd has it. */
static void
name_mine(struct peer_end *e)
{
	static struct name name;

	if (e->name) {
		e->shown = peer_copy(e->name, e->namelen);
		e->nshown = e->namelen;
		return;
	}
	name.net = NULL;
	if (name_read(&peer.target.table, &peer.desc, &name) < 0)
		cli_die();
	e->name = name.s ? peer_copy(name.s, name.n) : NULL;
	e->namelen = name.n;
	e->shown = name.shown ? peer_copy(name.shown, name.nshown) : NULL;
	e->nshown = name.nshown;
	e->deleted = name.deleted;
}

/* Who waits for peer.desc with an epoll. */
static void
link_pollers(void)
{
	const struct desc *d = &peer.desc;
	struct peer_link l = { .roles = PEER_HOLDS, .dir = PEER_FROM,
		.held = PEER_OPEN, .alone = PEER_SILENT, .uid = -1 };

	/* regular files and directories can't be waited for */
	if (peer.asked < 0 || !d->known || S_ISREG(d->st.mode) ||
	    S_ISDIR(d->st.mode))
		return;
	l.key = peer_superblock(&peer.target.table, &d->st);
	l.key.class = PEER_POLLED;
	peer_link(l);
}

/* Note peer.desc, of the target. */
static void
add_mine(int thread)
{
	const struct desc *d = &peer.desc;
	struct peer_end e = { .key.class = PEER_NOTHING, .fd = d->fd,
		.pid = peer.target.pid, .tid = peer.target.tid,
		.thread = thread, .mode = d->mode };
	const char *type = desc_type_name(d->type);
	int r;

	e.comm = peer_copy(peer.target.comm.s, peer.target.comm.n);
	snprintf(peer.endless, sizeof peer.endless, "%s", !type ? "unknown" :
	         d->mode == -1 ? "O_PATH" : type);
	in_own_table |= peer.target.tid == 0;
	peer.text.n = 0;
	if (peer.asked >= 0 && d->named &&
	    buf_put(&peer.text, d->target.s, d->target.n) < 0)
		cli_die();
	if ((r = kind_read()->links(&peer.target, &e)) == 0)
		return;
	if (r < 0) {
		peer.untold++;
		peer_link((struct peer_link){ .key.class = PEER_NOTHING,
			.dir = PEER_BOTH, .alone = PEER_HIDDEN, .uid = -1 });
	}
	link_pollers();
	name_mine(&e);
	peer.mine = cli_grow(peer.mine, peer.nmine, sizeof e);
	peer.mine[peer.nmine++] = e;
}

static void
read_mine(int fd, int thread)
{
	guard_fd(fd);
	if (peer.traced && peer.asked < 0 &&
	    glance(&peer.target.table, fd) == 0)
		return;
	if (desc_read(&peer.target.table, fd, DESC_WANT_STAT | DESC_WANT_NAME,
	              &peer.desc) == 0)
		add_mine(thread);
	else if (errno != ENOENT && errno != ESRCH)
		target_error();
}

/* A descriptor's number is looked up in the process's own table first, and only
 * then in those of its threads. */
void
peer_read(const struct walk_pick *pick)
{
	int r, fd, thread;

	in_own_table = 0;
	if (walk_open(&peer.target, peer.root, pick, 1, 1) < 0) {
		target_error();
		return;
	}
	while ((r = walk_process(&peer.target)) != 0) {
		while (r == 1 && (r = walk_table(&peer.target)) == 1) {
			thread = walk_thread(&peer.target);
			if (peer.asked >= 0 && !in_own_table)
				read_mine(peer.asked, thread);
			while (peer.asked < 0 &&
			    walk_fd(&peer.target, &fd) == 1)
				read_mine(fd, thread);
		}
		if (r < 0)
			target_error();
	}
}

struct peer_end *
peer_ends(const struct peer_key *k, size_t *n)
{
	size_t lo = 0, hi = peer.nends, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (peer_compare_keys(&peer.ends[mid].key, k) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (hi < peer.nends &&
	    peer_compare_keys(&peer.ends[hi].key, k) == 0)
		hi++;
	*n = hi - lo;
	return peer.ends + lo;
}

int
peer_open(int pid, struct walk_pick *pick)
{
	if (peer.pinned >= 0)
		close(peer.pinned);
	if (walk_resolve(peer.root, pid, pick) < 0 ||
	    (peer.pinned = proc_open(peer.root, pick->pid)) < 0)
		return -1;
	peer.nmine = peer.nlinks = ndirect = 0;
	peer.untold = peer.mapped = peer.unheard = 0;
	peer.following = 0;
	classes = peer.traced;
	first_scan = peer.tries == 0;
	return 0;
}

int
peer_find(int pid)
{
	struct walk_pick pick;

	peer.tries = 0;
	do {
		if (peer_open(pid, &pick) < 0)
			return -1;
		peer_read(&pick);
		peer_scan();
	} while (peer_rows() < 0 && ++peer.tries);
	return 0;
}
