/*
 * target - a name in a directory for a file that is not there before it is
 * whole; one a program
 */
struct file;
struct kstatx;

/* Make what survives a child that got stuck, and have INT, TERM and HUP held
 * back while there is a temporary name; once, before the guard's first run.
 * argv[at] is the target, which is called name until another one is set. 0, or
 * -1 with errno. */
int target_init(const char *name, int at);

/* The signal that is held back, or 0; the pointer stays. */
const volatile int *target_stop(void);

/* End by the signal that was held back, if there was one. */
void target_end(void);

/* The target's path, as it is called in messages. */
const char *target_name(void);

/* The target is a path where nothing may be a symbolic link and the directory
 * is on the file's own mount; pid is for the hint. 0, or -1 after a message, as
 * below. */
int target_in_place(const char *path, const struct kstatx *file, int pid);

/* The target is a new path, or original's last component (if it is known) in an
 * existing directory. */
int target_path(const char *path, const char *original);

/* Is the name free, and may one be made there? */
int target_check(void);

/* Is there room for so many bytes? *avail is what is free, or -1: unknown. */
int target_room(unsigned long long bytes, long long *avail);

/* May a name for the file be made there? What link(2) will say to it is not
 * known before. */
int target_links(const struct kstatx *file);

/* Give the name to a file that has none, or has another; 0, or -1 with
 * errno. */
int target_link(const struct file *, const struct kstatx *);

/* Make the file: without a name, or where the file system can't do that under a
 * temporary one; 0, or -1 with errno. */
int target_make(struct file *);

/* Could the file be a clone of the source? It is tried with a block of a file
 * without a name. */
int target_clones(const struct file *source);

/* May set-ID bits be kept, or did the source's mount take their power? */
int target_takes_set_id(const struct file *source);

/* Have the file written and give it its name (nothing if its fd is -1); 0, or
 * -1 with errno. */
int target_publish(const struct file *);

/* Was that done (also by a child before this one)? And the disk space that the
 * file takes. */
int target_published(void);
unsigned long long target_used(void);

/* Remove the temporary name, if there is one. */
void target_remove(void);

/* The same in another child than the one that made it. */
void target_clean(void);
