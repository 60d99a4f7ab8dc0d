/*
 * parse_net - rows of the tables in /proc/PID/net: tcp udp raw icmp (and their
 * v6), unix, netlink, packet, nf_conntrack, fib_trie, if_inet6. Texts are
 * NUL-terminated; what is returned points into them.
 *
 * A row of unix can be forged: a path that a socket is bound to may hold a
 * newline and, behind it, what reads as another row. sock_diag can't be fooled.
 */
#include <stddef.h>
#include <stdint.h>

/* A socket, as far as its table tells. */
struct sock {
	int family;		/* AF_*, AF_UNSPEC: of no table */
	int type;		/* SOCK_*, 0 unknown */
	int proto;		/* IPPROTO_*, NETLINK_*, ETH_P_* */
	int state;		/* SOCK_ESTABLISHED ..., 0 unknown */
	uint32_t ino;		/* 0: of no descriptor (not accepted, closed) */
	uint64_t cookie;	/* sock_diag's, else 0 */
	int has_uid;
	uint32_t uid;
	unsigned char local[16], remote[16];	/* AF_INET: the first 4 */
	uint16_t lport, rport;	/* raw: the protocol */
	uint32_t lid, rid;	/* netlink: port IDs; vsock: CID, ports below */
	uint32_t lsub, rsub;	/* vsock: ports */
	uint32_t ifindex;	/* of a bound device, 0 any */
	int v6only;		/* AF_INET6: it is for no IPv4, if known */
	uint32_t queue;		/* TCP and unix listener: waiting to accept */
	/* unix */
	int shutdown;		/* 1 receives, 2 sends no more; -1 unknown */
	int peered;		/* has another end: 1, 0, -1 unknown */
	uint32_t peer;		/* ... of this inode; 0: closed or to come */
	int abstract;
	const char *path;	/* bound to, raw; NULL for none */
	size_t n;
	int has_vfs;
	uint32_t vfs_dev, vfs_ino;	/* of the path, in the kernel's form */
	const void *icons;	/* inodes of who waits to be accepted: */
	size_t nicons;		/* so many unaligned uint32_t */
};

/* The kernel's TCP states, in which sock_diag tells those of all families. */
enum {
	SOCK_ESTABLISHED = 1, SOCK_SYN_SENT, SOCK_SYN_RECV, SOCK_FIN_WAIT1,
	SOCK_FIN_WAIT2, SOCK_TIME_WAIT, SOCK_CLOSE, SOCK_CLOSE_WAIT,
	SOCK_LAST_ACK, SOCK_LISTEN, SOCK_CLOSING, SOCK_NEW_SYN_RECV,
	SOCK_BOUND_INACTIVE, SOCK_STATES
};

/* The next row of net/unix, net/netlink, net/packet, *text moved behind it; a
 * heading and what is no row are passed over, but a unix path goes on up to the
 * next row. 1, or 0 at the end. */
int parse_net_unix(const char **text, struct sock *);
int parse_net_netlink(const char **text, struct sock *);
int parse_net_packet(const char **text, struct sock *);

/* The same for net/tcp, udp, raw and icmp (AF_INET; IPPROTO_RAW and _ICMP for
 * the latter two) and tcp6 ... (AF_INET6). */
int parse_net_inet(const char **text, int family, int proto, struct sock *);

/* The next address of net/fib_trie or net/if_inet6 that is the namespace's own
 * (IPv4: v4-mapped), *text moved behind it: 1, or 0 at the end. */
int parse_net_own(const char **text, unsigned char addr[16]);

/* A connection that is tracked: what is sent to it, and what comes back, which
 * differ by more than the direction where addresses are translated. */
struct track_way {
	unsigned char src[16], dst[16];	/* IPv4: v4-mapped */
	uint16_t sport, dport;
};
struct track_row {
	int proto;		/* IPPROTO_* */
	struct track_way sent, reply;
};

/* The next row of net/nf_conntrack that has ports, *text moved behind it: 1, or
 * 0 at the end. */
int parse_net_track(const char **text, struct track_row *);
