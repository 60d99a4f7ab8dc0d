/*
 * sock - the sockets of network namespaces, by inode
 *
 * Asked of sock_diag, by a netlink socket that is made in the namespace (which
 * the calling process enters for the moment: only in the guard's child); where
 * that is refused (rights, seccomp) or the kernel has none, read from
 * /proc/PID/net. A socket belongs to the namespace in which it was
 * made, whoever holds it.
 */
#include <stddef.h>
#include <stdint.h>

struct buf;
struct sock;

enum sock_table {
	SOCKS_UNIX, SOCKS_TCP, SOCKS_TCP6, SOCKS_UDP, SOCKS_UDP6, SOCKS_RAW,
	SOCKS_RAW6, SOCKS_ICMP, SOCKS_ICMP6, SOCKS_NETLINK, SOCKS_PACKET,
	SOCKS_VSOCK, SOCKS_TABLES,
	/* sockets of which TCP's tables have the connections; procfs has none,
	 * sock_diag since Linux 5.9 */
	SOCKS_MPTCP = SOCKS_TABLES, SOCKS_MPTCP6, SOCKS_ALL
};

/* A network namespace; there is one of it, which is never freed. */
struct sock_net;

/* The namespace of the process or thread with that directory; our own if dir is
 * negative. NULL with errno. It may be asked as long as dir is open, or else
 * after it was got again with another one. */
struct sock_net *sock_net(int root, int dir);

/* The namespace in which a socket of ours was made, which needs CAP_NET_ADMIN;
 * NULL with errno. */
struct sock_net *sock_net_of(int root, int fd);

/* Read net/FILE of the namespace, as parse_net.h knows it; 0, or -1 with
 * errno. */
int sock_read(const struct sock_net *, const char *file, struct buf *);

/* The N of its "net:[N]"; 0 for NULL, or where that may not be read. */
uint64_t sock_net_number(const struct sock_net *);

/* The inode of "socket:[N]", 0 for another text. */
uint32_t sock_ino(const char *target);

/* A table read row by row. */
struct sock_iter {
	struct sock_net *net;
	enum sock_table table;
	int text;			/* it is read from procfs */
	/* the rest is sock's */
	unsigned states, rows;
	uint32_t seq;
	int fd, done;
	const char *at, *end;
	char *data;
};

/* Begin to read a table: the sockets in one of the states (a set of 1 << state,
 * ~0U for all), of unix ones what parse_diag's DIAG_* show. 0, or -1 with
 * errno. */
int sock_open(struct sock_iter *, struct sock_net *, enum sock_table,
              unsigned states, unsigned show);

/* The next row: 1, 0 at the end, -1 with errno. Rows of unix that were read
 * from procfs may be forged, and don't tell the peer. */
int sock_next(struct sock_iter *, struct sock *);

/* End it, before the end or there. */
void sock_close(struct sock_iter *);

/* The unix socket with that inode, of which the pointers stay good until the
 * next call: 1, 0 for none in this namespace, -1 with errno where it can't be
 * told (no right to enter the namespace). */
int sock_unix(struct sock_net *, uint32_t ino, unsigned show, struct sock *);
