/*
 * sys - system calls that take a process by its number. With a procfs of
 * another pid namespace the number would name somebody else: where self/status
 * of the tree does not show one NSpid, and ours, they fail with EXDEV.
 */

/* Are the process numbers of this tree ours? */
int sys_ours(int root);

/* Is the process this tool, or the parent that guards it? */
int sys_self(int root, int pid);

enum { SYS_KCMP_FILE, SYS_KCMP_FILES };

/* kcmp(2) of two threads' descriptors (FILE) or descriptor tables (FILES): 0
 * the same, 1 the first sorts before, 2 behind, 3 unequal, or -1 with errno. */
int sys_kcmp(int root, int tid1, int tid2, int what, int fd1, int fd2);

/* The same of descriptor fd1 of tid1 and the nth one (from 0) that the epoll
 * epfd of tid2 knows by the number tfd. Since Linux 4.13. */
int sys_kcmp_epoll(int root, int tid1, int fd1, int tid2, int epfd, int tfd,
                   int nth);

/* Do two threads share their table? 1, 0, or -1 with errno, also where the
 * other one does not answer, which is not held against tid. */
int sys_shares(int root, int tid, int other);

/* The soft limit of a process's descriptors; 0, or -1 with errno (EPERM). */
int sys_nofile(int root, int pid, unsigned long long *max);

/* Is there a process or thread of that number, also one that the procfs hides?
 * 0, or -1 with errno (ESRCH). */
int sys_exists(int root, int tid);

/* A pidfd of a process, or -1 with errno. */
int sys_pidfd_open(int root, int pid);

/* A duplicate of a thread's descriptor, to be closed at once: it delays the
 * end of file and holds locks; before Linux 6.9 only of one that is a process's
 * first. -1 with errno. */
int sys_getfd(int root, int tid, int fd);

/* Have a thread stop, by ptrace(2) as a debugger does, until this process ends
 * or it is let go, whatever signals come meanwhile; 0, or -1 with errno (EPERM:
 * not permitted, or another process traces it). sys_stopped waits for one
 * that did, or ended: its ID, 0 if none did yet, or -1. */
int sys_stop(int root, int tid);
int sys_stopped(void);
