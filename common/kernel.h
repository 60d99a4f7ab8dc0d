/*
 * What the libc's headers may lack: numbers and layouts of the kernel's
 * interface, as <linux/stat.h>, <linux/openat2.h>, <linux/fs.h> and others have
 * them. musl ships no <linux/...>.
 */
#include <stdint.h>

#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif
#ifndef AT_NO_AUTOMOUNT
#define AT_NO_AUTOMOUNT 0x800
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

#define KAT_HANDLE_FID 0x200	/* since Linux 6.5 */

#define KSTATX_BASIC 0x7ffU
#define KSTATX_MNT_ID 0x1000U	/* since Linux 5.8 */
#define KSTATX_ATTR_MOUNT_ROOT 0x2000U	/* since Linux 5.8 */

/* struct statx of statx(2), under a name that no libc has. */
struct kstatx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct {
		int64_t sec;
		uint32_t nsec;
		int32_t pad;
	} atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint64_t spare[13];
};

/* struct open_how of openat2(2), since Linux 5.6 */
struct kopen_how {
	uint64_t flags, mode, resolve;
};
#define KRESOLVE_NO_MAGICLINKS 2U
#define KRESOLVE_NO_SYMLINKS 4U
#define KRENAME_NOREPLACE 1U

/* <linux/fs.h>; with <sys/ioctl.h> */
struct kclone_range {
	int64_t from;
	uint64_t from_off, n, off;
};
#define KFICLONE _IOW(0x94, 9, int)
#define KFICLONERANGE _IOW(0x94, 13, struct kclone_range)
#define KFS_IOC_GETFLAGS _IOR('f', 1, long)
#define KFS_IOC_SETFLAGS _IOW('f', 2, long)
#define KFS_NOCOW_FL 0x00800000

/* <linux/fiemap.h>, without the extents */
struct kfiemap {
	uint64_t start, length;
	uint32_t flags, mapped, count, reserved;
};
#define KFS_IOC_FIEMAP _IOWR('f', 11, struct kfiemap)

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

#define PF_FORKNOEXEC_ 0x40U	/* flags of /proc/PID/stat */

#define KCMP_FILE_ 0
#define KCMP_FILES_ 2
#define KCMP_EPOLL_TFD_ 7

/* struct pidfd_info of <linux/pidfd.h>, as far as it went in Linux 6.15, when
 * it learned how a process ended: known once its parent has waited for it. */
struct kpidfd_info {
	uint64_t mask, cgroupid;
	uint32_t ids[11];
	int32_t exit_code;	/* as wait(2)'s status */
};
#define KPIDFD_GET_INFO _IOWR(0xFF, 11, struct kpidfd_info)
#define KPIDFD_INFO_EXIT 8U
