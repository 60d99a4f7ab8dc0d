/* follow - what fdprogress does with -f: records until the end, and how it
 * ended */

struct job;

/* Follow the job to its end and set the exit status. */
void follow(struct job *);
