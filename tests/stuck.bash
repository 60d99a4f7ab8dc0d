# What hangs, for tests/hang.bats and tests/bench/hang: processes that are stuck
# in the kernel, in namespaces of their own. All of it ends with the standard
# inputs that whoever runs this holds, and so in whatever way he ends.

# alone COMMAND...: run it without what keep holds: that is ours alone.
alone() {
	local fd
	for fd in "${HELDS[@]}"; do
		exec {fd}>&-
	done
	exec "$@" 3>&- 4>&- 10>&- 251>&-
}

# keep COMMAND...: start it; its standard input is ours, $HELD, and its output a
# file, $LOG, whose first line is in $PID when this returns.
keep() {
	local dir
	dir=$(mktemp -d "$BATS_TEST_TMPDIR/keep.XXXXXX")
	LOG=$dir/log
	mkfifo "$dir/in"
	(alone "$@") <"$dir/in" >"$LOG" 2>"$dir/err" &
	STARTED+=($!)
	exec {HELD}>"$dir/in"
	HELDS+=("$HELD")
	until_true spoke && read -r PID <"$LOG" && return
	cat "$dir/err" >&2
	return 1
}

# Has what was kept last said something, or ended?
spoke() {
	[ -s "$LOG" ] || ! kill -0 "${STARTED[-1]}" 2>/dev/null
}

# ns COMMAND...: run it in the namespaces, here.
ns() {
	"${IN[@]}" "$@"
}

# bystander N: a process with a deleted file 6 KiB long, goneN, at 60, and a
# pipe, 61 and 62; its PID in the namespace in $PID.
bystander() {
	head -c 6144 /dev/zero >"gone$1"
	keep "${@:2}" "$TESTS/hold" "60=rw:gone$1" "unlink:gone$1" 61,62=pipe
	[ "$1" -eq 1 ] || until_true ns grep -q '^State:.S' "/proc/$PID/status"
}

# make_bench: new namespaces, in which a bystander is process 1, and a FUSE server
# serves mnt. IN is how to get into them, SERVER where it takes commands.
make_bench() {
	bystander 1 unshare -pfm --mount-proc --kill-child
	NS=/proc/${STARTED[-1]}/ns
	IN=(nsenter --pid="$NS/pid_for_children" --mount="$NS/mnt"
		env -C "$PWD" --)
	mkdir mnt
	keep nsenter --mount="$NS/mnt" "$TESTS/fuse" "$PWD/mnt"
	SERVER=$HELD SERVERLOG=$LOG
}

# server COMMAND: tell it the FUSE server.
server() {
	local n
	n=$(grep -cx -- "$1" "$SERVERLOG" || true)
	echo "$1" >&"$SERVER"
	until_true logged "$1" $((n + 1))
}

# logged LINE [N]: has the FUSE server said that, N times?
logged() {
	[ "$(grep -cx -- "$1" "$SERVERLOG")" -ge "${2:-1}" ]
}

# victim HOW [FILE]: get a process stuck (tests/victim.c); its PID in the
# namespace in $V. Returns when it is.
victim() {
	local request='' n=0
	case $1 in
	read | fault | epoll) request=READ ;;
	mmap | exec) request=WRITE ;;
	crash) request=FLUSH ;;
	esac
	if [ "$request" ]; then
		server "hang $request"
		n=$(grep -cx "held $request" "$SERVERLOG" || true)
	fi
	keep "${IN[@]}" "$TESTS/victim" "$@"
	V=$PID
	case $1 in
	fifo) until_true ns grep -q wait_for_partner "/proc/$V/wchan" ;;
	vfork) until_true stuck_threads 1 ;;
	freeze) until_true stuck_threads 3 ;;
	*) until_true logged "held $request" $((n + 1)) ;;
	esac
}

# stuck_threads N: has the victim so many threads in D?
stuck_threads() {
	# shellcheck disable=SC2016 # expanded there
	[ "$(ns sh -c 'cat "/proc/$1/task/"*/status' sh "$V" |
		grep -c '^State:.D')" -eq "$1" ]
}

# frozen: an ext4 on a loop device, mounted on ext4 in the namespace, for a
# victim to freeze; it thaws before all else ends: nothing could end the victim.
frozen() {
	truncate -s 8M image
	mkfs.ext4 -q image
	mkdir ext4
	ns mount -o loop image ext4
	head -c 4096 /dev/zero | ns tee ext4/f >/dev/null
	keep nsenter --mount="$NS/mnt" "$TESTS/victim" thaw "$PWD/ext4/f"
	LAST+=("${STARTED[-1]}")
}
