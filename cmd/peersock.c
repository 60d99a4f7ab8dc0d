#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kernel.h"
#include "out.h"
#include "cli.h"
#include "parse_diag.h"
#include "parse_fdinfo.h"
#include "parse_net.h"
#include "desc.h"
#include "proc.h"
#include "sock.h"
#include "sockname.h"
#include "socktab.h"
#include "walk.h"
#include "peer.h"
#include "peernet.h"
#include "peersock.h"

/* So many questions for one socket each; more sockets are cheaper read all at
 * once. */
enum { SINGLE = 16 };

static unsigned singles;

const struct sock_net *peer_sock_home;

static struct peer_key
key(uint32_t ino)
{
	return (struct peer_key){ PEER_SOCKET, 0, ino };
}

void
peer_sock_ends(const struct walk *w)
{
	struct peer_key k = key(sock_ino(peer.desc.target.s));

	peer_end(w, &k, PEER_READS | PEER_WRITES);
}

void
peer_sock_link(const struct peer_sock *its, const struct sock_net *net, int dir,
               enum peer_state state)
{
	peer_link((struct peer_link){ .key = key(its->ino), .dir = dir,
		.roles = PEER_READS | PEER_WRITES, .held = state,
		.alone = state == PEER_OPEN ? PEER_PROVE : state,
		.uid = its->uid,
		.net = net == peer_sock_home ? 0 : sock_net_number(net) });
}

void
peer_sock_alone(int dir, enum peer_state state)
{
	peer_link((struct peer_link){ .key.class = PEER_NOTHING, .dir = dir,
		.alone = state, .uid = -1 });
}

/* A socket that has no direction left is still connected. */
static int
direction(int shutdown)
{
	if (shutdown < 0 || (shutdown & 3) == 0 || (shutdown & 3) == 3)
		return PEER_BOTH;
	return shutdown & 1 ? PEER_TO : PEER_FROM;
}

/* Name my end, without reading a table for it. */
static void
name_it(struct peer_end *my, const struct sock *k)
{
	static struct buf b, none;

	b.n = 0;
	if (sockname(k, k->ino, &none, &b) < 0 ||
	    !(my->name = malloc(b.n + 1)))
		return;
	memcpy(my->name, b.s, b.n + 1);
	my->namelen = b.n;
}

/* The unix socket of that inode in the namespace: 1, 0 for none, -1 where it
 * can't be told. My end gets a name, or may be NULL. */
static int
ask_unix(struct sock_net *net, uint32_t ino, struct peer_sock *r,
         struct peer_end *my)
{
	const struct peer_socks *s;
	const struct peer_sock *found;
	struct sock k;
	int n;

	if (singles++ < SINGLE) {
		n = sock_unix(net, ino, DIAG_NAME | DIAG_PEER | DIAG_UID, &k);
		if (n != 1)
			return n;
		*r = (struct peer_sock){ .ino = k.ino, .peer = k.peer,
			.uid = k.has_uid ? (long)k.uid : -1,
			.type = (unsigned char)k.type,
			.state = (unsigned char)k.state,
			.shutdown = (signed char)k.shutdown,
			.peered = (signed char)k.peered };
		if (my)
			name_it(my, &k);
		return 1;
	}
	if (!(s = peer_socks(net, PEER_UNIX)) || s->failed || s->text)
		return -1;
	if (!(found = peer_sock(s, ino)))
		return 0;
	*r = *found;
	return 1;
}

/* Who waits to be accepted where, in all namespaces; read once. */
static struct waiting {
	uint32_t client;
	struct peer_sock listener;
	const struct sock_net *net;
} *waiting;
static size_t nwaiting;

static void
read_waiting(struct sock_net *net)
{
	struct sock_iter it;
	struct waiting v = { .net = net };
	struct sock k;
	size_t i;

	if (sock_open(&it, net, SOCKS_UNIX, 1U << SOCK_LISTEN,
	              DIAG_ICONS | DIAG_UID) < 0)
		return;
	while (sock_next(&it, &k) == 1)
		for (i = 0; i < k.nicons; i++) {
			memcpy(&v.client, (const char *)k.icons + 4 * i, 4);
			v.listener.ino = k.ino;
			v.listener.uid = k.has_uid ? (long)k.uid : -1;
			waiting = cli_grow(waiting, nwaiting, sizeof v);
			waiting[nwaiting++] = v;
		}
	sock_close(&it);
}

/* The listeners in whose backlog the client is: they are in the namespace where
 * they listen, to which a path leads from another one. How many. */
static int
link_listeners(const struct walk *w, uint32_t client)
{
	static int known;
	struct peer_nets nets;
	struct sock_net *net;
	size_t i;
	int n = 0;

	if (!known) {
		known = 1;
		peer_nets_open(&nets);
		while ((net = peer_nets_next(&nets, w)))
			read_waiting(net);
		peer_nets_close(&nets, w);
	}
	for (i = 0; i < nwaiting; i++) {
		if (waiting[i].client != client)
			continue;
		peer_sock_link(&waiting[i].listener, waiting[i].net, PEER_BOTH,
		               PEER_BACKLOG);
		n++;
	}
	return n;
}

/* The unix socket of that inode in a namespace, or in any one, for a path leads
 * from one to another: that which it is in, and at least inode and user. */
static const struct sock_net *
find_its(const struct walk *w, struct sock_net *net, uint32_t ino,
         struct peer_sock *its)
{
	static int all;			/* were read: net may be gone */
	const struct peer_socks *s = NULL;
	const struct peer_sock *r;

	if (!all && ask_unix(net, ino, its, NULL) == 1)
		return net;
	all = 1;
	while ((s = peer_socks_next(w, PEER_UNIX, s)))
		if ((r = peer_sock(s, ino))) {
			*its = *r;
			return s->net;
		}
	*its = (struct peer_sock){ .ino = ino, .uid = -1, .peered = -1 };
	return net;
}

/* Who waits to be accepted at the listener. */
static void
link_waiting(const struct walk *w, struct sock_net *net, uint32_t listener)
{
	const struct sock_net *where;
	struct peer_sock its;
	struct sock k;
	uint32_t *icons;
	size_t i, n;

	if (sock_unix(net, listener, DIAG_ICONS, &k) != 1 || !k.nicons)
		return;
	n = k.nicons;
	if (!(icons = malloc(4 * n)))
		return;
	memcpy(icons, k.icons, 4 * n);
	for (i = 0; i < n; i++) {
		where = find_its(w, net, icons[i], &its);
		peer_sock_link(&its, where, PEER_BOTH, PEER_BACKLOG);
	}
	free(icons);
}

/* Whoever sends to the socket and is not its own peer; a path leads from one
 * namespace to another. */
static void
link_senders(const struct walk *w, uint32_t ino, uint32_t but)
{
	const struct peer_socks *s = NULL;
	size_t i;

	while ((s = peer_socks_next(w, PEER_UNIX, s))) {
		/* net/unix has no peers */
		peer.unheard |= s->failed || s->text;
		for (i = 0; i < s->n; i++)
			if (s->rows[i].peered > 0 && s->rows[i].peer == ino &&
			    s->rows[i].ino != but)
				peer_sock_link(&s->rows[i], s->net, PEER_FROM,
				               PEER_OPEN);
	}
}

static void
link_unix(const struct walk *w, struct sock_net *net, const struct peer_sock *r)
{
	const struct sock_net *where;
	struct peer_sock its;
	int dgram = r->type == SOCK_DGRAM, one_way;

	peer_sock_home = net;
	if (r->state == SOCK_LISTEN) {
		link_waiting(w, net, r->ino);
	} else if (r->peered && r->peer) {
		where = find_its(w, net, r->peer, &its);
		one_way = dgram && its.peered >= 0 &&
		    (!its.peered || its.peer != r->ino);
		peer_sock_link(&its, where, one_way ? PEER_TO :
		               direction(r->shutdown), PEER_OPEN);
		/* many to one, if it has a name */
		if (dgram)
			link_senders(w, r->ino, r->peer);
	} else if (r->peered) {
		if (dgram || link_listeners(w, r->ino) == 0)
			peer_sock_alone(PEER_BOTH, dgram || r->shutdown == 3 ?
			                PEER_CLOSED : PEER_BACKLOG);
	} else if (dgram) {
		link_senders(w, r->ino, 0);
	}
}

/* Find the socket in the namespace of its holder, in ours, in others', in that
 * which it tells itself: 1 and its links are noted, 0 for none, -1 where it
 * can't be told. */
static int
find_unix(const struct walk *w, struct peer_end *my)
{
	uint32_t ino = (uint32_t)my->key.id;
	struct peer_nets nets;
	struct sock_net *net;
	struct peer_sock r;
	int n = 0, untold = 0;

	peer_nets_open(&nets);
	while (n != 1 && (net = peer_nets_next(&nets, w)))
		if ((n = ask_unix(net, ino, &r, my)) == 1)
			link_unix(w, net, &r);
		else
			untold |= n < 0;
	peer_nets_close(&nets, w);
	if (n != 1 && (net = peer_net_of(my)) &&
	    (n = ask_unix(net, ino, &r, my)) == 1)
		link_unix(w, net, &r);
	return n == 1 ? 1 : untold || !net ? -1 : 0;
}

/* A netlink socket talks to the kernel, or to who has the port that it is
 * connected to. */
static int
link_netlink(const struct walk *w, const struct peer_end *my)
{
	const struct peer_socks *s = NULL;
	const struct peer_sock *r = NULL;
	size_t i;
	int n = 0;

	while (!r && (s = peer_socks_next(w, PEER_NETLINK, s)))
		r = peer_sock(s, (uint32_t)my->key.id);
	peer_sock_home = s ? s->net : NULL;
	for (i = 0; r && i < s->n; i++) {
		const struct peer_sock *o = &s->rows[i];

		if (o == r || o->proto != r->proto || !o->ino)
			continue;
		if (r->peer && o->id == r->peer) {
			peer_sock_link(o, s->net, o->peer == r->id ?
			               PEER_BOTH : PEER_TO, PEER_OPEN);
			n++;
		} else if (r->id && o->peer == r->id) {
			peer_sock_link(o, s->net, PEER_FROM, PEER_OPEN);
			n++;
		}
	}
	if (r && r->peer && n == 0)
		peer_sock_alone(PEER_TO, s->failed ? PEER_HIDDEN : PEER_NONE);
	else if (n == 0)
		peer_kernel(PEER_BOTH);
	return 1;
}

int
peer_sock_links(const struct walk *w, struct peer_end *my)
{
	static struct buf protocol;
	struct sock_net *net;
	struct sock k;
	int known;

	if (peer.desc.mode < 0)
		return peer.desc.mode == -1 ? 0 : -1;
	my->key = key(sock_ino(peer.desc.target.s));
	my->roles = PEER_READS | PEER_WRITES;
	known = socktab_kind(w->table.fds, peer.desc.fd, (uint32_t)my->key.id,
	                     &k, &protocol);
	/* a copy of a procfs has tables, but no name of the protocol */
	if (known == 0 && !protocol.n &&
	    (net = sock_net(w->root, w->table.dir)))
		known = socktab_find(net, w->table.fds, peer.desc.fd,
		                     (uint32_t)my->key.id, &k, &protocol);
	if (known == 1)
		snprintf(peer.endless, sizeof peer.endless, "%s",
		         sockname_kind(&k));
	peer_equal(&my->key, PEER_READS | PEER_WRITES | PEER_REGISTERED);
	switch (known == 1 ? k.family : AF_UNSPEC) {
	case AF_UNIX:
		if (find_unix(w, my) < 0)
			peer_sock_alone(PEER_BOTH, PEER_HIDDEN);
		return 1;
	case AF_INET:
	case AF_INET6:
		return peer_inet_links(w, my,
		    strncmp(protocol.s, "MPTCP", 5) == 0 ? SOCK_MPTCP :
		    k.proto);
	case AF_NETLINK:
		return link_netlink(w, my);
	case AF_PACKET:
		peer_kernel(PEER_BOTH);
		return 1;
	default:
		/* crypto of the kernel's own */
		if (strcmp(protocol.s ? protocol.s : "", "ALG") != 0)
			return -1;
		peer_kernel(PEER_BOTH);
		return 1;
	}
}
