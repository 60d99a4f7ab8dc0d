/*
 * parse_diag - messages of sock_diag(7), as a netlink socket gives them. Bytes
 * may be cut or malformed anywhere; what is returned points into them.
 */
#include <stddef.h>
#include <stdint.h>

struct sock;

enum { DIAG_END, DIAG_SOCK, DIAG_DONE, DIAG_ERROR };

/*
 * The next message of one datagram, *p moved behind it: DIAG_SOCK with the
 * socket (the protocol of an inet one is the question's), DIAG_DONE behind the
 * last message of an answer, DIAG_ERROR with the errno value in *err, DIAG_END
 * at the end of the datagram, or -1 malformed. What is none of them, or answers
 * another question than seq, is passed over.
 */
int parse_diag(const char **p, const char *end, uint32_t seq, struct sock *,
               int *err);

/* The protocol of MPTCP, which not all <netinet/in.h> have. */
enum { SOCK_MPTCP = 262 };

/* What a question asks for of a unix socket besides state and shutdown. */
enum {
	DIAG_NAME = 1, DIAG_VFS = 2, DIAG_PEER = 4, DIAG_ICONS = 8,
	DIAG_QUEUE = 16, DIAG_UID = 64
};

/* Compose a question into q: for all sockets of a family (and protocol) whose
 * state is in the set of bits, or, with ino, for that unix one alone. Its
 * length. */
size_t diag_ask(char q[128], uint32_t seq, int family, int proto,
                unsigned states, unsigned show, uint32_t ino);
