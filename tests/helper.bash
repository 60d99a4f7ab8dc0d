# What the tests share. Every process that a test starts is ended by teardown,
# by its PID; nothing is waited for by sleeping a guessed time.
bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
TESTS=$TOP/tests
PATH=$TOP/cmd:$PATH
export LC_ALL=C.UTF-8

# hold ACTION...: start tests/hold; its PID in $PID. See tests/hold.c.
hold() {
	hold_as '' "$@"
}

# hold_as PREFIX ACTION...: the same below a command such as "setpriv ...".
hold_as() {
	local prefix=$1 dir
	shift
	dir=$(mktemp -d "$BATS_TEST_TMPDIR/hold.XXXXXX")
	chmod 711 "$dir"
	mkfifo "$dir/in" "$dir/out"
	# shellcheck disable=SC2086 # the prefix is words
	$prefix "$TESTS/hold" "$@" <"$dir/in" >"$dir/out" 3>&- 4>&- 10>&- 251>&- &
	STARTED+=($!)
	exec {HELD}>"$dir/in"
	HELDS+=("$HELD")
	read -r PID <"$dir/out" && until_true rests "$PID"
}

# rests PID: has the leader gone to sleep after what it did last, or ended?
rests() {
	local key state
	while read -r key state _; do
		[ "$key" != State: ] || [ "$state" != R ] || return
	done 2>/dev/null <"/proc/$1/status" || true
}

# start COMMAND...: run it in the background; its PID in $PID.
start() {
	"$@" 3>&- 4>&- 10>&- 251>&- &
	PID=$!
	STARTED+=("$PID")
}

# end_started: what teardown does; a test may call it earlier.
end_started() {
	local fd pid
	for fd in "${HELDS[@]}"; do
		exec {fd}>&-
	done
	for pid in "${LAST[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	for pid in "${STARTED[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	HELDS=() STARTED=() LAST=()
}

setup() {
	HELDS=() STARTED=()
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	end_started
}

# until_true COMMAND...: repeat it until it is true, at most 30 s.
until_true() {
	local end=$((SECONDS + 30))
	while [ "$SECONDS" -lt "$end" ]; do
		"$@" && return
		sleep 0.01
	done
	echo "never true: $*" >&2
	return 1
}

# state_is PID STATE: is the process (PID or PID/task/TID) in that state?
state_is() {
	[ "$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status")" = "$2" ]
}

# inode PID FD: of what the descriptor refers to, as stat(1) has it.
inode() {
	stat -L -c %i "/proc/$1/fd/$2"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
}

need_user() {
	[ "$(id -u)" -ne 0 ] || skip 'needs an ordinary user'
}

# need COMMAND...: all of them, or skip.
need() {
	local c
	for c; do
		command -v "$c" >/dev/null || skip "needs $c"
	done
}

# as_user COMMAND...: as root, run it as nobody; else as who we are.
as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}
