/*
 * socktab - what a socket is, by its inode: the tables of a network namespace
 * are read once each, when the first socket of that kind is met, and kept in
 * 24 bytes a TCP or UDP socket (48 with IPv6), 12 a unix one (20 and the path
 * if it is bound), at most twice that
 */
#include <stdint.h>

struct buf;
struct sock;
struct sock_net;

/*
 * Find the socket with that inode, which link fd below fds leads to: 1 with its
 * kind, type, addresses, state and (until the next call) path; 0 if no table
 * has it: it is not bound, or is new, or of another namespace, or of a kind
 * that has no table; then only kind and type are known, or not even those, and
 * the kernel's name for its protocol is in the buffer, or nothing. -1 with
 * errno: it could not be looked at (ENOENT: the descriptor is another one by
 * now).
 */
int socktab_find(struct sock_net *, int fds, int fd, uint32_t ino,
                 struct sock *, struct buf *protocol);

/* The kind, type and protocol alone, by the kernel's name for it, which is put
 * into the buffer: 1, 0 for a name that is not known here or where there is
 * none, -1 as above. */
int socktab_kind(int fds, int fd, uint32_t ino, struct sock *,
                 struct buf *protocol);
