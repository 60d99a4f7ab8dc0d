# What the tests of pstack share.

# frames PID TID: what the tool should print, by the kernel's file
frames() {
	sed 's/^\[<[0-9a-f]*>\] /\t/' "/proc/$1/task/$2/stack"
}

# nr CALL: its number, by the compiler
nr() {
	printf '#include <sys/syscall.h>\nSYS_%s\n' "$1" |
		"${CC:-cc}" -E -P - | tail -n 1
}

# threads PID: their numbers
threads() {
	(cd "/proc/$1/task" && printf '%s\n' [0-9]* | sort -n)
}

# last_thread PID: the thread that was started last
last_thread() {
	threads "$1" | tail -n 1
}

# in_call PID TID CALL: is the thread asleep in it?
in_call() {
	local n
	state_is "$1/task/$2" S && read -r n _ <"/proc/$1/task/$2/syscall" &&
		[ "$n" = "$(nr "$3")" ]
}

# Frames can be read by root in the first user namespace only.
need_stack() {
	cat /proc/self/stack >/dev/null 2>&1 || skip 'needs CAP_SYS_ADMIN'
}

# thread DIR PID TID STATE COMM: a thread in a fixture tree
thread() {
	local d=$1/$2/task/$3
	mkdir -p "$d/fd"
	printf 'Name:\tx\nState:\t%s (x)\nTgid:\t%d\nPid:\t%d\nUid:\t0\t0\t0\t0\nVmSize:\t1 kB\n' \
		"$4" "$2" "$3" >"$d/status"
	printf '%s\n' "$5" >"$d/comm"
	[ "$2" != "$3" ] || cp "$d/status" "$1/$2/status"
	printf '0' >"$d/wchan"
	: >"$d/stack"
	printf '%s\n' '0 0x3 0x0 0x1 0x0 0x0 0x0 0x7ffc00000000 0x7fc000000000' \
		>"$d/syscall"
	# shellcheck disable=SC2034 # for who calls this
	T=$d
}
