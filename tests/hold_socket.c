/* hold_socket - what hold opens besides files: sockets */
#include <sys/socket.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <err.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hold_socket.h"

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct {
		unsigned short family, pad;
		unsigned pid, groups;
	} netlink;
};

/* The number of a word in a list that ends with NULL. */
static int
number(const char *s, const char *const *words, const int *v)
{
	int i;

	for (i = 0; words[i]; i++)
		if (strcmp(s, words[i]) == 0)
			return v[i];
	errx(2, "%s: no such family or type", s);
}

/* "IP/PORT": IPv4 for IPv6 sockets is mapped. */
static socklen_t
internet(int family, const char *s, union address *a)
{
	char ip[64];
	const char *slash = strchr(s, '/');
	unsigned short port;

	if (!slash)
		errx(2, "%s: no port", s);
	port = htons((unsigned short)atoi(slash + 1));
	snprintf(ip, sizeof ip, "%s%.*s", family == AF_INET6 &&
	         !strchr(s, ':') ? "::ffff:" : "", (int)(slash - s), s);
	a->any.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		a->in.sin_port = port;
		if (inet_pton(family, ip, &a->in.sin_addr) != 1)
			errx(2, "%s: no address", ip);
		return sizeof a->in;
	}
	a->in6.sin6_port = port;
	if (inet_pton(family, ip, &a->in6.sin6_addr) != 1)
		errx(2, "%s: no address", ip);
	return sizeof a->in6;
}

static socklen_t
address(int family, const char *s, union address *a)
{
	socklen_t n = sizeof *a;
	size_t len = strlen(s), i;

	memset(a, 0, sizeof *a);
	if (*s == '#') {
		if (getsockname(atoi(s + 1), &a->any, &n) < 0)
			err(1, "getsockname %s", s + 1);
		return n;
	}
	if (family == AF_NETLINK) {
		a->netlink.family = AF_NETLINK;
		a->netlink.pid = (unsigned)atoi(s);
		return sizeof a->netlink;
	}
	if (family != AF_UNIX)
		return internet(family, s, a);
	if (len >= sizeof a->un.sun_path)
		errx(2, "%s: too long", s);
	a->un.sun_family = AF_UNIX;
	memcpy(a->un.sun_path, s, len);
	if (*s != '@')
		len++;
	for (i = 0; *s == '@' && i < len; i++)
		if (s[i] == '@')
			a->un.sun_path[i] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Do to a socket what the word says. */
static int
apply(int fd, int family, const char *word)
{
	static const int on = 1;
	union address a;
	socklen_t n;

	if (strncmp(word, "bind=", 5) == 0) {
		n = address(family, word + 5, &a);
		return bind(fd, &a.any, n);
	}
	if (strncmp(word, "to=", 3) == 0) {
		n = address(family, word + 3, &a);
		return connect(fd, &a.any, n);
	}
	if (strcmp(word, "listen") == 0)
		return listen(fd, 5);
	if (strncmp(word, "shut=", 5) == 0)
		return shutdown(fd, atoi(word + 5));
	if (strcmp(word, "reuseport") == 0)
		return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on,
		                  sizeof on);
	if (strcmp(word, "v6only") == 0)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		                  sizeof on);
	errx(2, "%s: no such word", word);
}

static int
open_socket(char *s)
{
	static const char *const families[] = { "unix", "inet", "inet6",
		"netlink", "packet", "vsock", NULL };
	static const int family_nrs[] = { AF_UNIX, AF_INET, AF_INET6,
		AF_NETLINK, AF_PACKET, 40 };
	static const char *const types[] = { "stream", "dgram", "seqpacket",
		"raw", NULL };
	static const int type_nrs[] = { SOCK_STREAM, SOCK_DGRAM,
		SOCK_SEQPACKET, SOCK_RAW };
	char *end, *word = strtok_r(s, ",", &end), *proto;
	int fd, family, type;

	family = number(word, families, family_nrs);
	word = strtok_r(NULL, ",", &end);
	if ((proto = strchr(word, '/')))
		*proto++ = '\0';
	type = number(word, types, type_nrs);
	if ((fd = socket(family, type, proto ? atoi(proto) : 0)) < 0)
		return -1;
	while ((word = strtok_r(NULL, ",", &end)))
		if (apply(fd, family, word) < 0)
			err(1, "%s", word);
	return fd;
}

int
hold_socket(const char *s)
{
	char *copy;
	int fd;

	if (strncmp(s, "accept:", 7) == 0)
		return accept(atoi(s + 7), NULL, NULL);
	if (strncmp(s, "socket:", 7) != 0)
		return -2;
	if (!(copy = strdup(s + 7)))
		err(1, NULL);
	fd = open_socket(copy);
	free(copy);
	return fd;
}
