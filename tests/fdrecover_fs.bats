# What differs from one file system to another: each in an image of its own.
load recover

@test "fdrecover: on ext4 the data is copied, holes are kept" {
	loops e=ext4
	lost e/f
	run -0 --separate-stderr ns fdrecover -n "$PID" 100
	[[ $stderr =~ ^"fdrecover: $PWD/e/f: would be copied, 3000000 bytes (2.86M on disk, "[0-9]+"M free); open for writing in $PID (hold)"$ ]]
	run -0 --separate-stderr ns fdrecover "$PWD/e/f"
	[[ $stderr == "fdrecover: $PWD/e/f: copied, 3000000 bytes (2.86M on disk); open for writing in $PID (hold): "* ]]
	ns cmp e/f ref
	run -0 --separate-stderr ns fdrecover -m e
	[[ ${lines[1]} == *" $PWD/e/f" ]]
	ns truncate -s 100G e/sparse
	for at in 0 1 50 99; do
		ns dd if=ref of=e/sparse bs=1M count=1 seek="${at}G" oflag=seek_bytes conv=notrunc status=none
	done
	hold_as "nsenter -t $NS -m -w --" 100=r:e/sparse unlink:e/sparse
	used=$(stat -L -c %b "/proc/$PID/fd/100")
	run -0 ns fdrecover "$PID" 100
	[ "$(ns stat -c %s e/sparse)" -eq $((100 << 30)) ]
	[ "$(ns stat -c %b e/sparse)" -le "$used" ]
	for at in 0 1 50 99; do
		ns cmp -n 1048576 -i "$((at << 30)):0" e/sparse ref
	done
}

@test "fdrecover: on ext4 stores through a mapping are seen" {
	loops e=ext4
	ns sh -c 'head -c 30000000 /dev/zero >e/f'
	stores e/f ns
	# where they wait for the disk meanwhile, it is of one moment
	for _ in {1..10}; do
		run --separate-stderr ns fdrecover -T 10 "$PID" 100 e/new
		[ "$status" -eq 0 ] || break
		ns cat e/new >new
		whole new
		ns rm e/new
	done
	[ "$status" -eq 3 ]
	[ "${stderr_lines[1]}" = 'fdrecover: e/new: the file changed while it was copied' ]
	run -0 --separate-stderr ns fdrecover -T 10 --pause "$PID" 100 e/paused
	ns cat e/paused >paused
	whole paused
}

@test "fdrecover: on xfs and btrfs it is cloned, of one moment" {
	loops x=xfs b=btrfs
	for dir in x b; do
		lost "$dir/f"
		run -0 --separate-stderr ns fdrecover -n "$PID" 100
		[[ $stderr == "fdrecover: $PWD/$dir/f: would be cloned, 3000000 bytes (2.86M on disk); "* ]]
		run -0 --separate-stderr ns fdrecover "$PID" 100
		[[ $stderr == "fdrecover: $PWD/$dir/f: cloned, 3000000 bytes (2.86M on disk); open for writing in $PID (hold): "* ]]
		ns cmp "$dir/f" ref
		ns truncate -s 20M "$dir/m"
		stores "$dir/m" nsenter -t "$NS" -m -w --
		for nth in 1 2 3; do
			run -0 ns fdrecover -T 10 "$PID" 100 "$dir/m$nth"
			ns cat "$dir/m$nth" >m
			whole m
		done
	done
}

@test "fdrecover: a clone needs no space, and is tried before the space is checked" {
	need fallocate
	loops x=xfs
	lost x/f
	free() { ns stat -f -c '%a %S' x | awk '{ printf "%d", $1 * $2 }'; }
	ns fallocate -l $(($(free) - 2500000)) x/fill
	[ "$(free)" -lt 2900000 ]
	run -0 --separate-stderr ns fdrecover "$PID" 100
	[[ $stderr == "fdrecover: $PWD/x/f: cloned, 3000000 bytes "* ]]
	ns cmp x/f ref
	hold 100=r:ref
	run -1 --separate-stderr ns fdrecover "$PID" 100 x
	[[ $stderr =~ ^'fdrecover: x/ref: needs 2.86M on disk, and '[0-9.]+[MK]' are free: give a DEST on another file system'$ ]]
	[ "$(ns ls -A x | xargs)" = 'f fill' ]
}

@test "fdrecover: on btrfs a file without copy-on-write is cloned into one" {
	need chattr lsattr
	loops b=btrfs
	ns touch b/f
	ns chattr +C b/f
	data ref 3000000
	ns sh -c 'cat ref >b/f'
	hold_as "nsenter -t $NS -m -w --" 100=rw:b/f unlink:b/f
	run -0 --separate-stderr ns fdrecover -n "$PID" 100
	[[ $stderr == *': would be cloned, '* ]]
	run -0 --separate-stderr ns fdrecover "$PID" 100
	[[ $stderr == *': cloned, 3000000 bytes '* ]]
	ns cmp b/f ref
	[[ $(ns lsattr b/f) == *C*' b/f' ]]
	run -0 --separate-stderr ns fdrecover -H -m b
	[ "$(rows | cut -f 7)" = "$PWD/b/f" ]
}

@test "fdrecover: between file systems the data is read and written" {
	loops x=xfs e=ext4
	lost x/f
	run -0 --separate-stderr ns fdrecover "$PID" 100 e
	[[ $stderr == 'fdrecover: e/f: copied, 3000000 bytes (2.86M on disk); '* ]]
	ns cmp e/f ref
}

@test "fdrecover: set-ID bits and capabilities stay on a mount with nosuid, as is said" {
	need python3
	need_root
	mkdir t u
	mounts 'mount -t tmpfs -o nosuid none t && mount -t tmpfs -o suid none u && echo x >t/f &&
		chmod 4755 t/f && python3 -c "import os
os.setxattr(\"t/f\", \"security.capability\", bytes([1, 0, 0, 2] + [4] + 15 * [0]))"'
	hold_as "nsenter -t $NS -m -w --" 100=r:t/f unlink:t/f
	run -0 --separate-stderr ns fdrecover "$PID" 100
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$(ns stat -c %a t/f)" = 4755 ]
	run -0 --separate-stderr ns fdrecover "$PID" 100 u/f
	[ "${stderr_lines[0]}" = 'fdrecover: u/f: capabilities are left out' ]
	[ "${stderr_lines[1]}" = 'fdrecover: u/f: set-ID bits are left out' ]
	[ "$(ns stat -c %a u/f)" = 755 ]
	has='import os, sys; sys.exit("security.capability" not in os.listxattr(sys.argv[1]))'
	ns python3 -c "$has" t/f
	run -1 ns python3 -c "$has" u/f
}

@test "fdrecover: attributes that can't be listed, and so are lost, are said" {
	need python3
	loops x=xfs
	data ref 5000
	ns cp --reflink=never ref x/f
	ns python3 -c 'import os
for i in range(300):
    os.setxattr("x/f", "user.%0240d" % i, b"")'
	hold_as "nsenter -t $NS -m -w --" 100=r:x/f unlink:x/f
	run -0 --separate-stderr ns fdrecover "$PID" 100
	[ "${stderr_lines[0]}" = "fdrecover: $PWD/x/f: attributes: Argument list too long" ]
	ns cmp x/f ref
}

@test "fdrecover: a file of the lower layer of an overlay, whose link count stays 1" {
	need_root
	mkdir -p l u o
	data ref 5000
	mounts 'mount -t tmpfs none u && mkdir u/up u/work && cp ref l/gone && cp ref l/over && cp ref l/kept &&
		mount -t overlay -o lowerdir=l,upperdir=u/up,workdir=u/work none o || : >no-overlay'
	[ ! -e no-overlay ] || skip 'needs overlayfs'
	hold_as "nsenter -t $NS -m -w --" 100=r:o/gone 101=r:o/over 102=r:o/kept unlink:o/gone
	ns sh -c 'echo new >o/new && mv o/new o/over'
	[ "$(stat -L -c %h "/proc/$PID/fd/100")" -eq 1 ]
	run -0 --separate-stderr ns fdrecover -H -m o
	rows
	[ "$(rows | sort | cut -f 1,4,5,7)" = "$(printf '100\t1\t5000\t%s\n101\t1\t5000\t%s' "$PWD/o/gone" "$PWD/o/over")" ]
	run -0 --separate-stderr ns fdrecover -n "$PID" 100
	[[ $stderr == "fdrecover: $PWD/o/gone: would be linked or else copied, 5000 bytes ("*" on disk, "*' free)' ]]
	run -0 --separate-stderr ns fdrecover -cn "$PID" 100
	[[ $stderr == "fdrecover: $PWD/o/gone: would be copied, 5000 bytes "* ]]
	run -0 --separate-stderr ns fdrecover "$PID" 100
	[[ $stderr == "fdrecover: $PWD/o/gone: copied, 5000 bytes "* ]]
	ns cmp o/gone ref
	run -1 --separate-stderr ns fdrecover "$PWD/o/over"
	[ "$stderr" = "fdrecover: $PWD/o/over: File exists" ]
}

@test "fdrecover: -m of an overlay, and a file that another mount namespace has" {
	need_root
	mkdir l u o
	data f 5000
	mounts 'mount -t tmpfs none u && mkdir u/up u/work && cp f l/f && cp f l/g &&
		mount -t overlay -o lowerdir=l,upperdir=u/up,workdir=u/work none o || : >no-overlay'
	[ ! -e no-overlay ] || skip 'needs overlayfs'
	# the device of a lower file is none of the overlay
	ns sh -c 'test "$(stat -c %d o)" -ne "$(stat -c %d o/f)"' || skip 'needs two file systems'
	hold_as "nsenter -t $NS -m -w -- unshare -m" 100=r:o/f unlink:o/f
	run -3 --separate-stderr ns fdrecover -m o
	[[ $stderr == 'fdrecover: 1 file of another mount namespace, '* ]]
	run -1 --separate-stderr ns fdrecover -m u
	[ -z "$stderr" ]
}

@test "fdrecover: stores through a mapping of an overlay's file are seen if it is on a disk" {
	need_root
	need mkfs.ext4
	mkdir t e o
	truncate -s 30M image
	mkfs.ext4 -q image
	data ref 5000
	# shellcheck disable=SC2016 # for that shell
	apart '{ mount -t tmpfs none t && mount -o loop image e && mkdir t/l t/u t/w e/l e/u e/w &&
		mount -t overlay -o lowerdir=e/l,upperdir=e/u,workdir=e/w none o; } || : >no-overlay'
	[ ! -e no-overlay ] || skip 'needs overlayfs and loop devices'
	ns cp ref o/f
	hold_as "$INTO" 100=r:o/f map:o/f unlink:o/f
	run -0 --separate-stderr ns fdrecover "$PID" 100
	[[ $stderr == "fdrecover: $PWD/o/f: copied, 5000 bytes "*"; open for writing in $PID (hold): "* ]]
	exec {HELD}>&-
	until_true ns umount o
	ns mount -t overlay -o lowerdir=t/l,upperdir=t/u,workdir=t/w none o
	ns cp ref o/f
	hold_as "$INTO" 100=r:o/f map:o/f unlink:o/f
	run -3 --separate-stderr ns fdrecover "$PID" 100
	[ "${stderr_lines[1]}" = "fdrecover: $PWD/o/f: the file may have changed while it was copied: on this file system stores through a mapping can't be seen" ]
	ns cmp o/f ref
}

@test "fdrecover: where times are whole seconds a change within one is seen" {
	need_root
	need mkfs.ext4 python3
	mkdir e
	truncate -s 30M image
	# inodes without room for nanoseconds
	mkfs.ext4 -q -I 128 image 2>/dev/null
	# shellcheck disable=SC2016 # for that shell
	mounts 'mount -o loop image e || : >no-loop'
	[ ! -e no-loop ] || skip 'needs loop devices'
	ns sh -c 'head -c 3000000 /dev/zero >e/f'
	start ns python3 -c 'import os
os.dup2(os.open("e/f", os.O_RDWR), 100)
open("writing", "w").write("%d\n" % os.getpid())
while True: os.pwrite(100, os.urandom(8), 0)'
	until_true test -s writing
	read -r PID <writing
	run -3 --separate-stderr ns fdrecover "$PID" 100 e/new
	[ "${stderr_lines[-1]}" = 'fdrecover: e/new: the file changed while it was copied' ]
}

@test "fdrecover: of memory no lease proves that nobody writes to it" {
	need_root
	need python3
	cat >memory.py <<-'EOF'
	import mmap, os, sys, threading
	how, size = sys.argv[1], 20 << 20
	if how == 'shared':
	    m = mmap.mmap(-1, size)
	    at, = [s.split()[0] for s in open('/proc/self/maps') if '/dev/zero' in s]
	    fd = os.open('/proc/self/map_files/' + at, os.O_RDWR)
	else:
	    fd = os.memfd_create('m')
	    os.truncate(fd, size)
	    m = mmap.mmap(fd, size) if how == 'mapped' else None
	os.dup2(fd, 100)
	os.closerange(3, 100)
	open('held', 'w').write('%d\n' % os.getpid())
	while how == 'written':
	    os.pwrite(100, b'x', 0)
	threading.Event().wait()
	EOF
	for how in written mapped shared rests; do
		apart :
		rm -f held
		# shellcheck disable=SC2086 # words
		start $INTO python3 memory.py "$how"
		until_true test -s held
		run --separate-stderr ns fdrecover "$(cat held)" 100 "$how"
		[[ ${stderr_lines[0]} == "fdrecover: $how: copied, 20971520 bytes "* ]]
		case $how in
		written) said='the file changed while it was copied' ;;
		rests) said='' ;;
		*) said='the file may have changed while it was copied: on this file system stores through a mapping can'\''t be seen' ;;
		esac
		[ "${stderr_lines[1]}" = "${said:+fdrecover: $how: $said}" ]
		[ "$status" -eq "$((${#said} ? 3 : 0))" ]
		end_started
	done
}
