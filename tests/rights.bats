load helper

# victim: a process with a deleted file at 100, a pipe at 101 and 102, and a
# thread with a table of its own; its PID in $PID.
victim() {
	head -c 5000 /dev/urandom >gone
	cp gone ref
	hold 100=r:gone unlink:gone 101,102=pipe 'private:103=dup:100'
}

# runs PID: a command line a tool, on the victim.
runs() {
	printf '%s\n' "pstack $1" "lsfd $1" "fdpeer $1 101" "fdrecover $1 100 -" \
		"fdprogress -i 0.02 $1 100"
}

# each_is STATUS MESSAGE [PREFIX...]: each tool ends so, and says one line that
# ends in MESSAGE; $PID is the victim.
each_is() {
	local want=$1 message=$2 command
	shift 2
	runs "$PID" >commands
	while read -r command; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr "$@" $command
		echo "$command: $status: $stderr"
		[ "$status" -eq "$want" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == "${command%% *}: $PID"*": "$message ]]
	done <commands
}

# counted FILE: without the number of processes that could not be read: there are
# more and fewer of them
counted() {
	sed 's/[0-9]* processe*s* /N processes /' "$1"
}

# refused ERRNO CALL COMMAND...: does it what it does without the filter?
refused() {
	local error=$1 call=$2 want=0 got=0
	shift 2
	"$@" >with 2>with.err || want=$?
	"$TESTS/refuse" "$error" "$call" "$@" >without 2>without.err || got=$?
	echo "$*: $want, without $call $got"
	diff with without
	diff <(counted with.err) <(counted without.err)
	[ "$got" -eq "$want" ]
}

need_seccomp() {
	"$TESTS/refuse" EPERM kcmp true || skip 'needs seccomp'
}

# Another user for root's victims must be let in to the tools.
need_others() {
	need_root
	chmod 711 "$BATS_TEST_TMPDIR"
	as_user test -x "$TOP/cmd/lsfd" || skip 'the tree is closed to others'
}

# Another user with some of root's capabilities.
with_caps() {
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$1" \
		--ambient-caps "$1" "${@:2}"
}

@test "rights: another user's process: one line, 3" {
	need_root
	need_others
	victim
	each_is 3 'Permission denied (needs root*CAP_SYS_PTRACE*)' as_user
}

@test "rights: an own process that is not dumpable is another user's" {
	local prefix=
	if [ "$(id -u)" -eq 0 ]; then
		need_others
		prefix='setpriv --reuid 65534 --regid 65534 --clear-groups'
	fi
	hold_as "$prefix" 100=r:/etc/passwd 101,102=pipe undumpable
	each_is 3 'Permission denied (needs root*CAP_SYS_PTRACE*)' as_user
}

@test "rights: another user's process: the capabilities that are named" {
	need_root
	need_others
	victim
	each_is 3 'Permission denied (needs root*CAP_SYS_PTRACE*)' \
		with_caps +sys_ptrace
	run -0 --separate-stderr with_caps +sys_ptrace,+dac_read_search \
		"$TOP/cmd/lsfd" -H "$PID"
	[ "$output" = "$(lsfd -H "$PID")" ]
	[ -z "$stderr" ]
	run -0 --separate-stderr with_caps +sys_ptrace,+dac_read_search \
		"$TOP/cmd/fdpeer" -H "$PID" 101
	[[ $output == "$PID"*"101"*"$PID"*"102"* ]]
}

@test "rights: root without CAP_SYS_PTRACE" {
	need_root
	victim
	each_is 3 '* (needs*CAP_SYS_PTRACE*)' setpriv --bounding-set -sys_ptrace
}

@test "rights: root without CAP_SYS_ADMIN: only stacks are missing" {
	need_root
	cat /proc/self/stack >/dev/null 2>&1 || skip 'needs CAP_SYS_ADMIN'
	victim
	set -- setpriv --bounding-set -sys_admin
	run -3 --separate-stderr "$@" pstack "$PID/$PID"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == 'pstack: '*CAP_SYS_ADMIN* ]]
	[ "${lines[1]}" = "	$(cat "/proc/$PID/wchan")" ]
	lsfd -H "$PID" >expected
	run -0 --separate-stderr "$@" lsfd -H "$PID"
	[ "$output" = "$(cat expected)" ]
	[ -z "$stderr" ]
	run -0 --separate-stderr "$@" fdpeer -H "$PID" 101
	[[ $output == "$PID"*"101"*"$PID"*"102"* ]]
	run -0 --separate-stderr "$@" fdrecover "$PID" 100 back
	cmp back ref
	run -0 --separate-stderr "$@" fdprogress -i 0.02 -H "$PID" 100
	[[ $output == "$PID"*5000* ]]
}

@test "rights: what hidepid hides is not permitted, not absent" {
	need_root
	need unshare
	need_others
	cat >inside <<-'E'
		mount -t proc -o hidepid=2 proc /proc || exit 9
		mkfifo in
		"$1"/hold 100=r:/etc/passwd 101,102=pipe thread <in >out &
		exec 9>in
		read -r pid <out
		tid=$(ls "/proc/$pid/task" | grep -vx "$pid")
		user='setpriv --reuid 65534 --regid 65534 --clear-groups'
		for t in pstack lsfd 'fdpeer 101' 'fdrecover 100 -' 'fdprogress -i 0.02 100'; do
			set -- $t
			tool=$1
			shift
			$user $tool $pid "$@" 2>&1
			echo "$?"
			$user $tool $tid "$@" 2>&1
			echo "$?"
			$user $tool 2147483647 "$@" 2>&1
			echo "$?"
		done
		echo "$pid"
		echo "$tid"
	E
	mkfifo out
	# shellcheck disable=SC2016 # for that shell
	run --separate-stderr unshare -pfm --mount-proc sh inside "$TESTS"
	echo "$output"
	[ "$status" -ne 9 ] || skip 'needs hidepid'
	pid=${lines[-2]} tid=${lines[-1]}
	for t in pstack lsfd fdpeer fdrecover fdprogress; do
		for o in "$pid" "$tid"; do
			printf '%s: %s: %s\n' \
				$t "$o" 'Operation not permitted (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)'
			echo 3
		done
		printf '%s: 2147483647: No such process\n1\n' $t
	done >expected
	printf '%s\n' "$pid" "$tid" >>expected
	diff expected <(printf '%s\n' "$output")
}

@test "rights: no procfs at /proc is said by each tool" {
	need_root
	! grep -q __asan_init "$TOP/cmd/lsfd" || skip 'the sanitizer needs /proc'
	for t in 'pstack 1' 'lsfd' 'lsfd 1' 'lsfd /etc/passwd' 'fdpeer 1 0' \
		'fdrecover' 'fdrecover 1 0' 'fdprogress 1 0'; do
		# shellcheck disable=SC2086 # words
		run -1 --separate-stderr unshare -m sh -c \
			"while umount -l /proc 2>/dev/null; do :; done; exec $t"
		[ -z "$output" ]
		[ "$stderr" = "${t%% *}: /proc: no procfs is mounted there" ]
	done
}

@test "rights: twenty descriptors are enough" {
	victim
	local pid=$PID
	hold 100=r:ref
	PID=$pid
	for t in "pstack $PID/$PID" "lsfd -H $PID" "lsfd -H ./ref" "fdpeer -H $PID 101" \
		"fdrecover $PID 100 -" "fdprogress -i 0.02 -H $PID 100"; do
		$t >expected 2>expected.err && want=0 || want=$?
		# shellcheck disable=SC2086 # words
		run -$want bash -c "ulimit -n 20; exec $t 2>err >out"
		diff expected out
		diff <(counted expected.err) <(counted err)
	done
}

# short N COMMAND...: run it with descriptors below N only
short() {
	run --separate-stderr bash -c "exec 3>&- 4>&- 10>&- 251>&-
		ulimit -n $1; exec ${*:2}"
}

@test "rights: too few descriptors: said once, and nobody is gone for that" {
	victim
	for n in 5 6 7 8; do
		for t in "pstack $PID" "pstack $PID/$PID" 'pstack -a' 'pstack -ua' \
			"pstack -i 0.02 $PID" 'lsfd --count -H' fdrecover; do
			short $n "$t"
			echo "$n: $t: $status: $output $stderr"
			# not one of them can be enough for all
			[ $n -gt 5 ] || [ -z "$output" ]
			if [[ $stderr == *'Too many open files'* ]]; then
				[ "$status" -eq 3 ]
				[ "$(grep -c ': Too many open files$' <<<"$stderr")" -eq 1 ]
				[[ $stderr != *'No such'* ]]
			else
				grep -qE "(^|[ 	])${PID}[/ 	]" <<<"$output"
			fi
		done
	done
	short 5 pstack 4194304
	[ "$status" -eq 1 ]
	[ "$stderr" = 'pstack: 4194304: No such process' ]
}

@test "rights: closed standard descriptors" {
	victim
	echo sentinel >sentinel
	runs "$PID" | grep -v fdrecover >commands
	echo "fdrecover $PID 100 back" >>commands
	runs 2147483647 >>commands
	while read -r t; do
		rm -f back
		$t >with 2>with.err </dev/null && want=0 || want=$?
		rm -f back
		# what is opened next would be standard input, output, error
		run -$want bash -c "exec $t <&- >out 2>err"
		diff with out
		diff <(counted with.err) <(counted err)
		rm -f back
		run -$want bash -c "exec $t 2>&- >out"
		diff with out
		rm -f back
		# its data can't be written, unless there is none
		[ ! -s with ] || want=1
		run -$want bash -c "exec $t >&- 2>err"
		[ ! -s with ] || grep -q ': stdout: Bad file descriptor$' err
		rm -f back
		run -$want bash -c "exec $t <&- >&- 2>&-"
		[ ! -e back ] || cmp back ref
	done <commands
	run -1 bash -c "exec fdrecover $PID 100 - >&- 2>err"
	grep -q '^fdrecover: stdout: ' err
}

@test "rights: without kcmp tables that read the same are one" {
	need_seccomp
	victim
	for e in EPERM ENOSYS; do
		refused $e kcmp lsfd -lH "$PID"
		refused $e kcmp pstack "$PID/$PID"
		refused $e kcmp fdpeer -H "$PID" 101
		refused $e kcmp fdrecover "$PID" 100 -
		refused $e kcmp fdprogress -i 0.02 -H "$PID" 100
		refused $e kcmp lsfd -H 2147483647
	done
	# and that was asked for: the private table is seen
	grep -q 103 <(lsfd -H "$PID" | cut -f 3)
}

@test "rights: without statx by the older call" {
	need_seccomp
	victim
	for e in EPERM ENOSYS; do
		refused $e statx lsfd -alH "$PID"
		refused $e statx lsfd -H "$PWD/ref"
		refused $e statx pstack "$PID/$PID"
		refused $e statx fdpeer -H "$PID" 101
		refused $e statx fdrecover "$PID" 100 -
		refused $e statx fdprogress -i 0.02 -H "$PID" 100
	done
}

@test "rights: without statx the mounts of deleted files are those of fdinfo" {
	need_seccomp
	echo f >f && cp f ref && cp f h && ln h left && cp "$TESTS/hold" prog
	hold 100=r:f 101=r:f 102=r:h 103=r:f unlink:f unlink:h
	run -0 --separate-stderr "$TESTS/refuse" EPERM statx fdrecover -H
	[ "$(cut -f 3,6,9 <<<"$output" | sort | tr '\n' ' ')" = "100	0	$PWD/f 102	1	$PWD/h " ]
	[[ $stderr == *' in 2 deleted files' ]]
	run -0 "$TESTS/refuse" EPERM statx fdrecover "$PWD/f" new
	cmp new ref
	# of an executable fdinfo tells nothing
	mkfifo in
	start ./prog <>in >out
	until_true test -s out
	rm prog
	run -3 --separate-stderr "$TESTS/refuse" EPERM statx fdrecover "$PWD/prog" new2
	[[ $stderr == *"fdrecover: $PWD/prog: can't tell "*': give PID and FD' ]]
	[ ! -e new2 ]
}

@test "rights: without pidfds, by number" {
	need_seccomp
	victim
	for e in EPERM ENOSYS; do
		for t in pstack lsfd 'fdpeer 101' 'fdrecover 100 -' 'fdprogress -i 0.02 100'
		do
			# shellcheck disable=SC2086 # words
			set -- $t
			refused $e pidfd_open "$1" "$PID" "${@:2}"
			refused $e pidfd_open "$1" 2147483647 "${@:2}"
		done
	done
}

@test "rights: without netlink sockets are read from procfs" {
	need_seccomp
	hold 100=socket:inet,stream,bind=127.0.0.1/0,listen \
		101=socket:inet,stream,to=#100 102=accept:100 \
		103=socket:unix,stream,bind=path,listen \
		104=socket:unix,dgram 105=socket:inet6,dgram,bind=::1/0 \
		106=socket:unix,stream,bind=$'with\nnewline'
	for e in EPERM ENOSYS; do
		refused $e netlink lsfd -H "$PID"
		refused $e netlink pstack "$PID/$PID"
		refused $e netlink fdprogress -H "$PID" 100
		refused $e netlink fdrecover "$PID" 100
	done
	[[ $(lsfd -H "$PID") == *'	path STREAM LISTEN'* ]]
	[[ $(lsfd -H "$PID") == *'	with\012newline STREAM UNCONNECTED'* ]]
}
