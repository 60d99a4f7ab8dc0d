/*
 * out - records: columns of text, TAB- or NUL-separated fields, JSON lines
 *
 * A record is built field by field in the order of a table of columns, behind
 * what the buffer holds; the caller prints and empties that. Failures are kept
 * and returned by out_end. Include buf.h before.
 */
#include <stddef.h>

enum out_mode {
	OUT_TEXT,	/* a heading, padded columns */
	OUT_TAB,	/* -H: one TAB between fields, exact numbers */
	OUT_NUL,	/* -0: as -H, NUL at the end, names raw */
	OUT_JSON	/* -J: an object a line */
};

/* A heading, whose lower case is the JSON key, and printf's width: negative
 * is left. The table ends with a NULL heading; its last column is NAME. */
struct out_column {
	const char *heading;
	int width;
};

struct out {
	struct buf *rec;		/* the caller's */
	const struct out_column *columns;
	enum out_mode mode;
	int at, members;		/* fields in the record, JSON members */
	int failed;
};

/* The headings as a record, in OUT_TEXT; nothing in the other modes. */
void out_heading(struct out *);

/* The next field. NULL is "-" or null; foreign bytes are escaped. */
void out_str(struct out *, const char *, size_t n);

/* The same, of a word of our own, in which nothing needs to be escaped. */
void out_word(struct out *, const char *);
void out_num(struct out *, unsigned long long);
void out_int(struct out *, long long);
void out_null(struct out *);

/* Fields that many records begin with: keep those that were put behind the
 * first n bytes of the buffer, and begin a record with them. */
struct out_head {
	struct buf text;
	int at, members;
};
void out_keep(struct out *, size_t n, struct out_head *);
void out_again(struct out *, const struct out_head *);

/* The next field as a number with so many decimals. */
void out_fixed(struct out *, double, int decimals);

/* The next field, a size in bytes: scaled (powers of 1024) under a heading. */
void out_size(struct out *, unsigned long long);

/* The last field: a name, and in text the mark of a deleted file. Negative:
 * that is unknown, and the name is the kernel's text with its own mark. */
void out_name(struct out *, const char *, size_t n, int deleted);

/* A further member of the JSON object, nothing in the other modes; a bool is
 * null if negative. */
void out_key_str(struct out *, const char *key, const char *, size_t n);
void out_key_num(struct out *, const char *key, unsigned long long);
void out_key_bool(struct out *, const char *key, int);
void out_key_null(struct out *, const char *key);

/* The same, of a value that is JSON already. */
void out_key_json(struct out *, const char *key, const char *json, size_t n);

/* End the record and forget what failed in it; 0, or -1 with errno. */
int out_end(struct out *);

/* Append n foreign bytes to the buffer, safe for a terminal and a pipe: what
 * is control, backslash or no UTF-8 is written \ooo, as the kernel does in
 * /proc/self/mountinfo; with blank, a blank as well. 0, or -1 with ENOMEM. */
int out_quote(struct buf *, const char *, size_t n, int blank);

/* Append n foreign bytes as a JSON string; a byte that is no UTF-8 is the lone
 * surrogate U+DCxx. 0, or -1 with ENOMEM. */
int out_json(struct buf *, const char *, size_t n);

/* The size in three digits and a letter, as sort -h reads it: "1.94G". */
void out_scale(char s[16], unsigned long long);
