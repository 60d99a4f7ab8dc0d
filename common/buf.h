/* buf - a growable byte buffer; the owner frees it with buf_free */
#include <stdarg.h>
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

/* Append as printf(3) does; 0, or -1 with ENOMEM. */
__attribute__((format(printf, 2, 3))) int
buf_printf(struct buf *, const char *fmt, ...);
int buf_vprintf(struct buf *, const char *fmt, va_list);

/* Free the memory; the buffer may be used again. */
void buf_free(struct buf *);
