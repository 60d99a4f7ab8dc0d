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

/* Is the name free, and is there room for so many bytes? */
int target_check(unsigned long long bytes);

/* Make the file: without a name, or where the file system can't do that under a
 * temporary one; 0, or -1 with errno. */
int target_make(struct file *);

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
