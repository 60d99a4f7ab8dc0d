/* Open an object: a descriptor, -1 with errno, or -2 for no such word:
 *	epoll:N,N	waits for these, with EPOLLIN and EPOLLET
 *	eventfd:COUNT	a semaphore
 *	fanotify:PATH	three marks: on the file, its mount, its file system
 *	signalfd:NR,NR
 *	timerfd:S,S	of boottime, to expire, and every so many and a half
 *	pidfd:PID  threadpidfd:TID  deadpidfd
 *	mqueue:NAME	which stays: use a namespace of its own
 *	uring:N,N	with these registered; -1 is an empty slot
 *	bpf  userfaultfd  tun:INTERFACE */
int hold_object(const char *);
