/* Open a socket: a descriptor, -1 with errno, or -2 for no such word:
 *	socket:FAMILY,TYPE[/PROTO][,bind=ADDR][,listen][,to=ADDR]
 *			FAMILY unix inet inet6 netlink packet vsock; TYPE
 *			stream dgram seqpacket raw; ADDR is a path, @NAME,
 *			IP/PORT or #N (the address of descriptor N)
 *	accept:N	a connection that waits at the listener */
int hold_socket(const char *);
