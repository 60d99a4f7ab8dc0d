/* buf - a growable byte buffer; the owner frees it with buf_free */
#include <stddef.h>

/* s is NULL before the first use; afterwards s[n] is always '\0'. */
struct buf {
	char *s;
	size_t n, cap;
};

/* Make room for n more bytes and the NUL; 0, or -1 with ENOMEM. */
int buf_grow(struct buf *, size_t n);

/* Append n bytes; 0, or -1 with ENOMEM and the buffer as it was. */
int buf_put(struct buf *, const void *, size_t n);

/* Free the memory; the buffer may be used again. */
void buf_free(struct buf *);
