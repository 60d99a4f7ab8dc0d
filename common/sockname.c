#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "parse_net.h"
#include "sockname.h"

enum { LAST = 22 };	/* of the netlink protocols with a name */

const char *
sockname_kind(const struct sock *k)
{
	switch (k->family) {
	case AF_UNIX:
		return "unix";
	case AF_INET:
	case AF_INET6:
		return k->proto == IPPROTO_TCP ? "tcp" :
		    k->proto == IPPROTO_UDP ? "udp" :
		    k->proto == IPPROTO_RAW ? "raw" : "icmp";
	case AF_NETLINK:
		return "netlink";
	case AF_PACKET:
		return "packet";
	case AF_VSOCK:
		return "vsock";
	default:
		return "sock";
	}
}

const char *
sockname_family(const struct sock *k)
{
	switch (k->family) {
	case AF_INET:
		return "inet";
	case AF_INET6:
		return "inet6";
	case AF_UNIX:
	case AF_NETLINK:
	case AF_PACKET:
	case AF_VSOCK:
		return sockname_kind(k);
	default:
		return NULL;
	}
}

const char *
sockname_type(const struct sock *k)
{
	switch (k->type) {
	case SOCK_STREAM:
		return "STREAM";
	case SOCK_DGRAM:
		return "DGRAM";
	case SOCK_RAW:
		return "RAW";
	case SOCK_SEQPACKET:
		return "SEQPACKET";
	case SOCK_PACKET:
		return "PACKET";
	default:
		return NULL;
	}
}

const char *
sockname_state(const struct sock *k)
{
	static const char *const names[SOCK_STATES] = {
		NULL, "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
		"LISTEN", "CLOSING", "SYN_RECV", "CLOSE"
	};
	int tcp = (k->family == AF_INET || k->family == AF_INET6) &&
	    k->proto == IPPROTO_TCP;

	if (k->state <= 0 || k->state >= SOCK_STATES)
		return NULL;
	/* the others share TCP's numbers */
	if (k->state == SOCK_CLOSE && !tcp)
		return "UNCONNECTED";
	return names[k->state];
}

int
sockname_proto(const struct sock *k, struct buf *b)
{
	static const char *const netlink[LAST + 1] = {
		"ROUTE", NULL, "USERSOCK", "FIREWALL", "SOCK_DIAG", "NFLOG",
		"XFRM", "SELINUX", "ISCSI", "AUDIT", "FIB_LOOKUP", "CONNECTOR",
		"NETFILTER", "IP6_FW", "DNRTMSG", "KOBJECT_UEVENT", "GENERIC",
		NULL, "SCSITRANSPORT", "ECRYPTFS", "RDMA", "CRYPTO", "SMC"
	};
	const char *type = sockname_type(k);

	if (k->family == AF_UNIX)
		return type ? buf_printf(b, "%s", type) : 0;
	if (k->proto < 0 || k->family == AF_UNSPEC || k->family == AF_VSOCK)
		return 0;
	if (k->family == AF_NETLINK) {
		if (k->proto <= LAST && netlink[k->proto])
			return buf_printf(b, "%s", netlink[k->proto]);
		return buf_printf(b, "%d", k->proto);
	}
	if (k->family == AF_PACKET)
		return k->proto == 3 ? buf_printf(b, "ALL") :
		    buf_printf(b, "0x%04x", (unsigned)k->proto);
	return buf_printf(b, "%s", sockname_kind(k));
}

static int
inet(const struct sock *k, const unsigned char *addr, unsigned port,
     struct buf *b)
{
	char s[INET6_ADDRSTRLEN];

	if (!inet_ntop(k->family, addr, s, sizeof s))
		return 0;
	return buf_printf(b, k->family == AF_INET ? "%s:%u" : "[%s]:%u", s,
	    port);
}

/* A path that begins with '@' is no abstract name. */
static int
unix_path(const struct sock *k, struct buf *b)
{
	if (!k->path)
		return 0;
	if (k->abstract && buf_put(b, "@", 1) < 0)
		return -1;
	if (!k->abstract && k->n && *k->path == '@' && buf_put(b, "./", 2) < 0)
		return -1;
	return buf_put(b, k->path, k->n);
}

int
sockname_local(const struct sock *k, struct buf *b)
{
	switch (k->family) {
	case AF_UNIX:
		return unix_path(k, b);
	case AF_INET:
	case AF_INET6:
		return inet(k, k->local, k->lport, b);
	case AF_NETLINK:
		return sockname_proto(k, b) < 0 ? -1 :
		    buf_printf(b, ":%u", k->lid);
	case AF_PACKET:
		if (sockname_proto(k, b) < 0)
			return -1;
		return k->ifindex ? buf_printf(b, ":%u", k->ifindex) :
		    buf_printf(b, ":*");
	case AF_VSOCK:
		return buf_printf(b, "%u:%u", k->lid, k->lsub);
	default:
		return 0;
	}
}

int
sockname_remote(const struct sock *k, struct buf *b)
{
	static const unsigned char any[16];

	switch (k->family) {
	case AF_INET:
	case AF_INET6:
		if (!k->rport && memcmp(k->remote, any, sizeof any) == 0)
			return 0;
		return inet(k, k->remote, k->rport, b);
	case AF_NETLINK:
		return k->rid ? buf_printf(b, "%u", k->rid) : 0;
	case AF_VSOCK:
		return k->state == SOCK_ESTABLISHED ?
		    buf_printf(b, "%u:%u", k->rid, k->rsub) : 0;
	default:
		return 0;
	}
}

int
sockname(const struct sock *k, uint32_t ino, const struct buf *protocol,
         struct buf *b)
{
	const char *type = sockname_type(k), *state = sockname_state(k);
	size_t begin = b->n, arrow;
	int known = k->ino || k->state;

	if (known && sockname_local(k, b) < 0)
		return -1;
	if (b->n == begin && buf_printf(b, "socket:[%u]", (unsigned)ino) < 0)
		return -1;
	if (k->family == AF_UNSPEC)
		return !protocol->n ? 0 : buf_put(b, " ", 1) < 0 ? -1 :
		    buf_put(b, protocol->s, protocol->n);
	if (known) {
		arrow = b->n;
		if (buf_printf(b, "->") < 0 || sockname_remote(k, b) < 0)
			return -1;
		if (b->n == arrow + 2)
			b->s[b->n = arrow] = '\0';
	}
	if ((k->family == AF_UNIX || k->family == AF_PACKET) && type &&
	    buf_printf(b, " %s", type) < 0)
		return -1;
	return state ? buf_printf(b, " %s", state) : 0;
}
