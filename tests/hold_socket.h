/* Open a socket: a descriptor, -1 with errno, or -2 for no such word:
 *	socket:FAMILY,TYPE[/PROTO][,reuseport][,v6only][,bind=ADDR][,listen]
 *			[,to=ADDR][,shut=HOW]
 *			FAMILY unix inet inet6 netlink packet vsock; TYPE
 *			stream dgram seqpacket raw; ADDR is a path, @NAME
 *			(each @ is a NUL), IP/PORT or #N (the address of
 *			descriptor N); HOW is shutdown(2)'s number
 *	accept:N	a connection that waits at the listener */
int hold_socket(const char *);
