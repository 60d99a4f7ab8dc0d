/*
 * peernet - the sockets of the network namespaces that fdpeer looks at, as
 * much of them as tells who is connected to whom
 */

struct sock;
struct sock_net;

enum peer_group {
	PEER_UNIX,
	PEER_TCP, PEER_UDP,	/* of both IPv4 and IPv6 */
	PEER_NETLINK,
	PEER_MPTCP,		/* PEER_TCP has its connections */
	PEER_GROUPS
};

/* A row; all addresses are IPv6 ones (v4-mapped: ::ffff:127.0.0.1). */
struct peer_sock {
	uint32_t ino;
	uint32_t peer;		/* unix: inode, netlink: port ID */
	uint32_t id;		/* netlink: port ID */
	long uid;		/* or -1 */
	unsigned char local[16], remote[16];
	uint16_t lport, rport;
	unsigned char family, proto, type, state, v6only;
	signed char shutdown, peered;
};

/* The sockets of a group in a namespace, sorted by inode. */
struct peer_socks {
	struct sock_net *net;
	struct peer_sock *rows;
	size_t n;
	const struct peer_sock **index;	/* ... by their addresses */
	unsigned char (*own)[16];	/* of UDP: the namespace's addresses */
	size_t nown;
	int failed;		/* errno: it could not be read */
	int text;		/* it is from procfs: of unix, no peers */
};

/* Read once; NULL only without memory. */
struct peer_socks *peer_socks(struct sock_net *, enum peer_group);

/* The row of that inode, or NULL. */
const struct peer_sock *peer_sock(const struct peer_socks *, uint32_t ino);

/* The row that has these ends, or NULL. */
const struct peer_sock *peer_sock_at(struct peer_socks *,
                                     const struct peer_sock *ends);

/* The group's sockets in the namespace after that of s (NULL: the first), of
 * all namespaces that there are; NULL at the end. */
struct peer_socks *peer_socks_next(const struct walk *, enum peer_group,
                                   const struct peer_socks *s);

/* Namespaces, each once: that of the process, ours, those of all others. */
struct peer_nets {
	int state, dir, pid, nseen;
	struct sock_net **seen;
	struct numdir processes;
};

void peer_nets_open(struct peer_nets *);

/* The next one, from that of a table on, which may be asked until the call
 * after; NULL at the end. */
struct sock_net *peer_nets_next(struct peer_nets *, const struct walk *);

/* Close what the iterator has open, at the end or before. */
void peer_nets_close(struct peer_nets *, const struct walk *);

/* The namespace in which the socket that the descriptor is was made, by a
 * duplicate of it; NULL where that is refused. */
struct sock_net *peer_net_of(const struct peer_end *);

/* Has an internet socket no address yet, by a duplicate of it? 1, or 0. */
int peer_is_unbound(const struct peer_end *);

/* Had a TCP socket a connection that is no more, by a duplicate of it? 1, or
 * 0. */
int peer_was_connected(const struct peer_end *);
