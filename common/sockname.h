/* sockname - what a socket is called: addresses, paths, types, states */
#include <stdint.h>

struct buf;
struct sock;

/* The kind: tcp udp raw icmp unix netlink packet vsock, or sock. */
const char *sockname_kind(const struct sock *);

/* inet inet6 unix netlink packet vsock, or NULL. */
const char *sockname_family(const struct sock *);

/* STREAM DGRAM SEQPACKET RAW ..., or NULL. */
const char *sockname_type(const struct sock *);

/* LISTEN ESTABLISHED UNCONNECTED ..., or NULL where there is none. */
const char *sockname_state(const struct sock *);

/* Append the protocol: tcp, STREAM, ROUTE, 0x88cc, ...; nothing if unknown. 0,
 * or -1 with ENOMEM. */
int sockname_proto(const struct sock *, struct buf *);

/* Append an address as raw bytes: ADDR:PORT, [ADDR]:PORT, PATH, @NAME,
 * PROTO:PORTID, PROTO:INTERFACE, CID:PORT; nothing where it has none. 0, or -1
 * with ENOMEM. */
int sockname_local(const struct sock *, struct buf *);
int sockname_remote(const struct sock *, struct buf *);

/* Append the whole name: LOCAL[->REMOTE] STATE, a unix one's PATH, @NAME or
 * socket:[N] with TYPE STATE, socket:[N] of what no table has, with the
 * kernel's name of its protocol (or nothing) where no kind is known. 0, or -1
 * with ENOMEM. */
int sockname(const struct sock *, uint32_t ino, const struct buf *protocol,
             struct buf *);
