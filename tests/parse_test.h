/* parse_test - what the files of tables share */
#include <stddef.h>

#define LEN(a) (sizeof (a) / sizeof *(a))

/* One test, named by the format; what is in it must be printable. */
void ok(int good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A copy that ends where its memory ends, for the sanitizer. */
char *copy(const char *);

void test_fdinfo(void);
void test_net(void);
