/* sample - what threads run between two moments: -i */
#include <stddef.h>

struct buf;
struct run;

/* Keep what a thread had run at the first moment; exits when memory ran out. */
void sample_add(int pid, int tid, const struct run *);

/* Wait so many milliseconds for the second moment, if there is any thread. */
void sample_wait(unsigned ms);

/* Take off what the thread had run at the first moment; all of it is new if the
 * thread is. */
void sample_since(int pid, int tid, struct run *);

/* Append " [ran 22 times, 3 ms CPU in 5 s]" to the buffer. */
void sample_put(struct buf *, const struct run *);
