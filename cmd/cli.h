/*
 * cli - what the mains of the five tools share: the common options, messages,
 * the exit status, and the guarded run. Only here and in the tools is anything
 * printed on standard error.
 */
#include <stddef.h>

struct meter_text;
struct buf;

/* What the usage texts and the option tables (getopt.h) have in common: of all
 * tools, and of those that print records. */
#define CLI_USAGE \
"  -R, --procfs DIR    read this procfs instead of /proc\n" \
"  -T, --timeout SECS  limit for one answer of the kernel, default 1; " \
"0: none\n" \
"  -h, --help          this text\n" \
"  -V, --version       the version\n"
#define CLI_OPTIONS \
	{ "procfs", required_argument, NULL, 'R' }, \
	{ "timeout", required_argument, NULL, 'T' }, \
	{ "help", no_argument, NULL, 'h' }, \
	{ "version", no_argument, NULL, 'V' }
#define CLI_RECORD_USAGE \
"  -J, --json          an object a line\n" \
"  -H, --script        no heading, one TAB between fields, exact numbers\n" \
"  -0, --null          as -H, records end in NUL, names raw\n" \
CLI_USAGE
#define CLI_RECORD_OPTIONS \
	{ "json", no_argument, NULL, 'J' }, \
	{ "script", no_argument, NULL, 'H' }, \
	{ "null", no_argument, NULL, '0' }, \
	CLI_OPTIONS

struct cli {
	const char *procfs;	/* -R */
	unsigned timeout;	/* -T, milliseconds */
	enum out_mode mode;	/* -H -0 -J */
	int again;		/* this scan begins anew after a stall */
};
extern struct cli cli;

/* The tool's usage text, defined by the tool; what -h prints. */
extern const char usage[];

/* Make sure that descriptors 0 to 2 are open, and name the tool as it is
 * called; the first thing in main. */
void cli_open(char **argv);

/* An option that several tools share (h V J H 0 R T), or one that getopt does
 * not know: takes it, or exits. */
void cli_option(int c);

/* Say what is wrong with the command line and exit 2. */
_Noreturn void cli_usage(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* "TOOL: " and the message, its foreign bytes escaped, on standard error. */
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "TOOL: OBJECT: " and what the errno value means, with what would help; the
 * status becomes 1 if the object is not there, 3 if it can't be looked at.
 * ETIMEDOUT is not said again: that was done when it happened. That descriptors
 * or memory ran out is said once. */
void cli_error(const char *object, int err);

/* As cli_error for a path that was looked up. */
void cli_path_error(const char *path, int err);

/* As cli_error for a process; in a scan of everything a vanished one is nothing
 * and a refused one is counted. */
void cli_process_error(int pid, int err, int scan);

/* Say in one line how many processes of a scan were refused, if any were; their
 * number. */
unsigned cli_refused(void);

/* Say of how many files it can't be told whether they are deleted, if any. */
void cli_undecided(unsigned n);

/* Say that the procfs hides processes from us, if it does; 1, or 0. */
int cli_hidden(int root);

/* Say what errno means, such as that memory ran out, and exit 1. */
_Noreturn void cli_die(void);

/* Raise the exit status: 3 beats 1 beats 0. */
void cli_fail(int status);

/* End and print the record, and before the first one the heading; exits when
 * memory ran out. */
void cli_emit(struct out *);

/* The two halves of cli_emit: end the record; print all that were ended, which
 * may be none. */
void cli_end(struct out *);
void cli_print(struct out *);

/* Draw the line of descriptor fd, a terminal, anew in its present width; one
 * that stays is the last one drawn there. */
void cli_draw(int fd, const struct meter_text *, int stays);

/* The columns of that terminal. */
unsigned cli_width(int fd);

/* Print a buffer and empty it; exits if that fails. */
void cli_write(struct buf *);

/* Append text to a buffer, or foreign bytes as out_quote does; they exit when
 * memory ran out. */
void cli_put(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_quote(struct buf *, const char *, size_t n, int blank);

/* The array of n members with room for one more; exits when memory ran out. */
void *cli_grow(void *array, size_t n, size_t size);

/* An operand as an absolute path without "//" and ".", as the kernel writes
 * paths, but with ".."; to be freed. NULL with errno. */
char *cli_path(const char *);

/* The procfs of -R; exits if it can't be opened. */
int cli_root(void);

/*
 * Run scan() under the guard until it is through and return the exit status:
 * what scan returned if not 0, else the worst of cli_fail, 3 after a stall. A
 * stall is said once a process; where it was not in a process
 * (guard_process(0)), at.fd is an index of argv. With anew the next scan begins
 * from the start, and what the former one failed and counted is forgotten; else
 * it goes on (guard_resume). That descriptors or memory ran out meanwhile is
 * said at the end, and is 3.
 */
int cli_run(int (*scan)(void), int anew);
