/*
 * name - a descriptor in words, as lsfd prints it: TYPE, and NAME, which is a
 * path or the object decoded from what desc_read took with DESC_WANT_NAME
 */
#include <stddef.h>

struct desc;
struct desc_table;
struct sock;
struct sock_net;

struct name {
	const char *type;	/* NULL: unknown */
	const char *s;		/* NAME itself, n bytes: a path without the */
	size_t n;		/* mark. NULL: unknown */
	int deleted;		/* as a desc's */
	const char *shown;	/* for reading: NAME, and behind " -> " what */
	size_t nshown;		/* a device stands for */
	const char *key, *to;	/* the latter alone, and a word for it, or */
	size_t nto;		/* NULL */
	const struct sock *sock;	/* what a socket is, else NULL */
	/* to be NULL before the first descriptor of another table */
	struct sock_net *net;
	/* the rest is name's */
	struct buf text, protocol;
};

/* The words for d of the table, which point into d and the struct, and of a
 * socket stay until the next call; 0, or -1 with ENOMEM. The struct, which
 * begins zeroed, is used again and again. */
int name_read(const struct desc_table *, const struct desc *d, struct name *);

/* All words that TYPE may be, from the first one to NULL. */
extern const char *const name_types[];

/* Append the names of a set of signals (bit 0 is signal 1) as "INT,TERM,34",
 * real-time signals by number; 0, or -1 with ENOMEM. */
int name_signals(struct buf *, unsigned long long set);

/* The same of a set of seals (F_SEAL_* of fcntl(2)), with that character
 * between them, "none" for none. */
int name_seals(struct buf *, unsigned set, char between);

/* The name of a timerfd's clock (clock_gettime(2)), or NULL. */
const char *name_clock(int clockid);
