/* peersock - what the files of the sockets share; peer.h and peernet.h
 * go before */

/* The namespace of the socket whose links are noted from here on. */
extern const struct sock_net *peer_sock_home;

/* Note a link to a socket of a namespace, with the STATE that it has with a
 * holder, PEER_OPEN or PEER_BACKLOG; or to nobody that is seen, with the STATE
 * of that. */
void peer_sock_link(const struct peer_sock *, const struct sock_net *, int dir,
                    enum peer_state);
void peer_sock_alone(int dir, enum peer_state);

/* As a kind's links, for an internet socket of that protocol, which
 * of MPTCP is its own. */
int peer_inet_links(const struct walk *, struct peer_end *my, int proto);
