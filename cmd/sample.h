/* sample - what threads run between two moments: -i */
#include <stddef.h>

struct buf;
struct run;

/* Make room for the first moment, ms milliseconds before the second, that the
 * children of the guard share; before the first of them. */
void sample_share(unsigned ms);

/* Was the first moment's look taken, by this child or one before it? */
int sample_taken(void);

/* Begin it, forgetting one that got stuck; keep what a thread had run, which
 * exits when memory ran out. */
void sample_begin(void);
void sample_add(int pid, int tid, const struct run *);

/* End it, and wait for the second moment if there was any thread. */
void sample_wait(void);

/* Take off what the thread had run at the first moment; all of it is new if the
 * thread is. */
void sample_since(int pid, int tid, struct run *);

/* Append " [ran 22 times, 3 ms CPU in 5 s]" to the buffer. */
void sample_put(struct buf *, const struct run *);
