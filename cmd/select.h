/*
 * select - which of the descriptors lsfd was asked for: FILE operands, -d, -t
 * and -m, which narrow each other
 */
struct desc;
struct name;
struct walk;

extern struct selection {
	int deleted;		/* -d */
	const char *mount;	/* -m */
	int nfiles;		/* FILE operands that are there, of so many */
	int asked;
} selection;

enum { SELECT_NO, SELECT_YES, SELECT_UNSEEN, SELECT_UNDECIDED };

/* Add the list of -t; exits if there is an unknown word in it. */
void select_types(const char *list);

/* Is anything left out: must what is listed be found first? */
int select_narrows(void);

/* Do type or deletion select? */
int select_by_kind(void);

/* Do files or -m select, so that other files of a process count too? */
int select_by_place(void);

/* Begin with the -m operand, if any: 0, or -1 having said that it is none. */
int select_begin(int root, char **argv);

/* Look a FILE operand up, argv's arg'th; quiet says nothing. */
void select_file(int root, const char *name, int arg, int quiet);

/* Can the descriptor be one of those? The cheap half of select_has, which only
 * asks for link and attributes, with DESC_ONCE once where select_by_kind. */
int select_may(const struct walk *, int fd, int once);

/* Is it one of those? UNSEEN: it can't be told; UNDECIDED: it can't be told
 * whether it is deleted. */
int select_has(const struct walk *, const struct desc *, const struct name *);
