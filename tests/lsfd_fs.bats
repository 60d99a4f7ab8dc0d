# lsfd on file systems whose files have another device than the superblock: btrfs,
# whose subvolumes number their inodes each for itself, and overlays
load recover

NOBODY='setpriv --reuid 65534 --regid 65534 --clear-groups'

# hold_in ACTION...: hold, in the namespace of ns; its descriptors are named by
# what is in its mount namespace.
hold_in() {
	hold_as "nsenter -t $NS -m -w --" "$@"
}

# found: FD and NAME of $output (-H), without what is not of $PID
found() {
	rows | cut -f 1,5 | tr '\t' ' '
}

# overlay: o, of two layers on tmpfs, each with a file, o/x and o/y, of one inode
# number and another device
overlay() {
	need_root
	mkdir a b u o
	mounts 'mount -t tmpfs none a && mount -t tmpfs none b &&
		mount -t tmpfs none u && mkdir u/up u/work || exit
		head -c 5000 /dev/zero >a/x && head -c 5000 /dev/zero >b/y
		mount -t overlay -o lowerdir=a:b,upperdir=u/up,workdir=u/work,xino=off \
			none o || : >no-overlay'
	[ ! -e no-overlay ] || skip 'needs overlayfs'
}

# subvolumes: m, a btrfs with two subvolumes, m/1 and m/2, with a file f, of one
# inode number
subvolumes() {
	need btrfs
	loops m=btrfs
	ns sh -c 'for s in m/1 m/2; do
		btrfs -q subvolume create $s && head -c 5000 /dev/zero >$s/f; done'
}

# same_number FILE FILE: have they one inode number, and two devices?
same_number() {
	[ "$(ns stat -c %i "$1")" = "$(ns stat -c %i "$2")" ] &&
	    [ "$(ns stat -c %d "$1")" != "$(ns stat -c %d "$2")" ]
}

# each_mapped FILE FILE OTHER: $PID has mapped the two, and not the other one
each_mapped() {
	run -0 ns lsfd -aH "$PID"
	[ "$(found | grep -E "^mem $PWD/[mo]/" | sort)" = \
		"$(printf 'mem %s\n' "$PWD/$1" "$PWD/$2" | sort)" ]
	for f in "$1" "$2"; do
		run -0 ns lsfd -H "$f" "$PID"
		[ "$(found)" = "mem $PWD/$f" ]
	done
	run -1 ns lsfd -H "$3" "$PID"
}

@test "lsfd: mapped files of one number, on two subvolumes of a btrfs" {
	subvolumes
	same_number m/1/f m/2/f
	hold_in rmap:m/2/f rmap:m/1/f rmap:m/1/f
	each_mapped m/1/f m/2/f m/1
	# under two names it is one file
	ns ln m/1/f m/1/link
	hold_in rmap:m/1/link rmap:m/1/f
	run -0 ns lsfd -aH "$PID"
	[ "$(found | grep -c " $PWD/m/1/")" -eq 1 ]
	# who may not read map_files can't tell
	hold_as "nsenter -t $NS -m -w -- $NOBODY" rmap:m/1/f rmap:m/2/f
	# shellcheck disable=SC2086 # words
	run -0 ns $NOBODY "$TOP/cmd/lsfd" -aH "$PID"
	[ "$(found | grep -c "^mem $PWD/m/[12]/f$")" -eq 2 ]
	# shellcheck disable=SC2086 # words
	run -3 ns $NOBODY "$TOP/cmd/lsfd" -H m/1/f "$PID"
}

@test "lsfd: mapped files of one number, of two layers of an overlay" {
	overlay
	same_number o/x o/y
	hold_in rmap:o/y rmap:o/x
	each_mapped o/x o/y a/x
}

@test "fdrecover, fdpeer: what is mapped on two subvolumes of a btrfs" {
	subvolumes
	ns sh -c 'echo first >m/1/f; echo second >m/2/f'
	hold_in 100=r:m/1/f 101=r:m/2/f
	opener=$PID
	hold_in map:m/2/f map:m/1/f
	for at in 1 2; do
		run -0 ns fdpeer -H "$opener" "$((99 + at))"
		[ "$(cut -f 5,7 <<<"$output")" = "$(printf '%s\tmem' "$PID")" ]
		range=$(awk -v "f=$PWD/m/$at/f" '$6 == f { print $1 }' "/proc/$PID/maps")
		run -0 ns fdrecover "$PID" "$range" "$PWD/got$at"
	done
	[ "$(cat got1 got2)" = "$(printf 'first\nsecond')" ]
}

@test "lsfd: a unix socket by its name on a subvolume of a btrfs and on an overlay" {
	local name
	subvolumes
	hold_in 100=socket:unix,stream,bind=m/1/s,listen \
		101=socket:unix,stream,to=m/1/s 102=accept:100
	run -0 ns lsfd -H m/1/s "$PID"
	[ "$(found | cut -d ' ' -f 1 | tr '\n' ' ')" = '100 102 ' ]
	# another file of that number
	ns touch m/2/s
	until [ "$(ns stat -c %i m/2/s)" -ge "$(ns stat -c %i m/1/s)" ]; do
		ns rm m/2/s
		ns touch m/2/s
	done
	run -1 ns lsfd -H m/2/s "$PID"
	# through a mount that is not ours
	run -3 lsfd -H "/proc/$NS/root$PWD/m/1/s" "$PID"
	end_started
	overlay
	hold_in 100=socket:unix,stream,bind=o/s,listen
	[ "$(ns stat -c %d o/s)" != "$(ns stat -c %d o)" ]
	run -0 ns lsfd -H o/s "$PID"
	[ "$(found | cut -d ' ' -f 1)" = 100 ]
}

# device DIR: the loop device that is mounted there
device() {
	ns findmnt -no SOURCE "$PWD/$1" | sed 's/\[.*//'
}

@test "lsfd -m: what a btrfs is on, under any name and in any namespace" {
	local dev name other
	need findmnt
	subvolumes
	hold_in 100=r:m/1/f 101=socket:unix,stream,bind=m/2/s,listen rmap:m/2/f \
		102=r:/etc/passwd 103,104=pipe 105=memfd:x
	dev=$(device m)
	ln -s "$dev" link
	for name in "$dev" "$PWD/link" "/dev/../dev//${dev##*/}" "./${dev##*/}"; do
		# where it is mounted, and where it is not
		for in in ns ''; do
			run -0 $in env -C /dev lsfd -H -m "$name" "$PID"
			[ "$(found | cut -d ' ' -f 1 | tr '\n' ' ')" = 'mem 100 101 ' ]
		done
	done
	# of another one it is certain
	loops other=btrfs
	other=$(device other)
	[ "$other" != "$dev" ]
	run -1 --separate-stderr lsfd -H -m "$other" "$PID"
	[ -z "$stderr" ]
}

@test "lsfd -m: each device of a btrfs that is on several" {
	local a b
	need_root
	need mkfs.btrfs btrfs losetup
	mkdir m
	truncate -s 200M a.img b.img
	a=$(losetup --show -f a.img) || skip 'needs loop devices'
	b=$(losetup --show -f b.img) || { losetup -d "$a"; skip 'needs loop devices'; }
	mkfs.btrfs -q "$a" "$b" >/dev/null 2>&1
	mounts "btrfs -q device scan $a $b; mount $a m && touch m/f"
	losetup -d "$a" "$b"		# once it is unmounted
	hold_in 100=r:m/f
	for dev in "$a" "$b"; do
		run -0 ns lsfd -H -m "$dev" "$PID"
		[ "$(found)" = "100 $PWD/m/f" ]
		run -0 lsfd -H -m "$dev" "$PID"
		[ "$(found)" = "100 $PWD/m/f" ]
	done
}

@test "lsfd -m: what is mapped counts by the file system, whoever looks" {
	local m who
	need_root
	mkdir a b c
	mounts 'mount -t tmpfs none a && head -c 5000 /dev/zero >a/f && chmod 644 a/f &&
		mount --bind a b && mount -t tmpfs none c && head -c 5000 /dev/zero >c/f'
	hold_as "nsenter -t $NS -m -w -- $NOBODY" rmap:b/f rmap:c/f 100=r:b/f
	for who in '' "$NOBODY"; do
		for m in a b; do
			# shellcheck disable=SC2086 # words
			run -0 ns $who "$TOP/cmd/lsfd" -H -m $m "$PID"
			[ "$(found | grep -w mem)" = "mem $PWD/b/f" ]
		done
	done
	run -0 ns lsfd -H -m a "$PID"
	[ "$(found)" = "mem $PWD/b/f" ]
	# on a btrfs and on an overlay, too
	end_started
	subvolumes
	ns mkdir n
	ns mount --bind m n
	hold_in rmap:m/1/f rmap:m/2/f
	for m in m n; do
		run -0 ns lsfd -H -m $m "$PID"
		[ "$(found | sort)" = "$(printf 'mem %s\n' "$PWD/m/1/f" "$PWD/m/2/f")" ]
	done
}
