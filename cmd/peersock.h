/* peersock - what the files of the sockets share; peer.h goes before */

/* Note a link to a socket, with what peer_link says; or to nobody that is seen,
 * with the STATE and user of that. */
void peer_sock_link(uint32_t ino, int dir, enum peer_state held,
                    enum peer_state alone, long uid);
void peer_sock_alone(int dir, enum peer_state, long uid);

/* As a kind's links, for an internet socket of that protocol. */
int peer_inet_links(const struct walk *, struct peer_end *my, int proto);
