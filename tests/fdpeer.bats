load helper

TAB=$'\t'

# row FD...: in $output (-H), the rows of these descriptors without PID and
# COMMAND
row() {
	local fd
	for fd; do
		printf '%s\n' "$output" | awk -F '\t' -v fd="$fd" '$3 == fd' |
			cut -f 3-
	done
}

# fields WORD...: joined by TABs
fields() {
	local IFS=$TAB
	printf '%s' "$*"
}

# pipe_name PID FD
pipe_name() {
	printf 'pipe:[%s]' "$(inode "$1" "$2")"
}

# state PID FD PEERFD: STATE of that row
state() {
	fdpeer -H "$1" "$2" | awk -F '\t' -v fd="$3" '$7 == fd { print $8 }'
}

is_state() {
	[ "$(state "$2" "$3" "$4")" = "$1" ]
}

# Without this right no end can be proved to be alone, and no system call seen.
may_attach() {
	[ "$(id -u)" -eq 0 ] ||
		[ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)" -eq 0 ]
}

need_attach() {
	may_attach || skip 'Yama forbids pidfd_getfd and syscall'
}

# list PID: all of its rows in $output; hold's standard output has no reader
list() {
	run --separate-stderr fdpeer -H "$1"
	[ "$status" -eq 0 ] || { [ "$status" -eq 3 ] && ! may_attach; }
}

# As whom an ordinary user's part runs, also for root.
ordinary() {
	USER_PREFIX=
	[ "$(id -u)" -ne 0 ] ||
		USER_PREFIX='setpriv --reuid 65534 --regid 65534 --clear-groups'
}

# process DIR PID, descriptor DIR PID FD TARGET FLAGS: a tree for -R
process() {
	mkdir -p "$1/$2/fd" "$1/$2/fdinfo"
	echo "c$2" >"$1/$2/comm"
	printf 'Name:\tc\nState:\tS\nTgid:\t%d\nPid:\t%d\nUid:\t0\t0\t0\t0\nVmSize:\t1\n' \
		"$2" "$2" >"$1/$2/status"
}

descriptor() {
	ln -s "$4" "$1/$2/fd/$3"
	printf 'pos:\t0\nflags:\t%s\nmnt_id:\t1\n' "$5" >"$1/$2/fdinfo/$3"
}

@test "fdpeer: bad options and operands are usage errors" {
	for arg in '' -x --bogus '-T' '-Tx 1' '-R' 0 99999999999 abc 1e3 0x10 -1 \
		+1 1/1 '1 abc' '1 -2' '1 99999999999' '1 cwd' '1 2 3' '-J -H 1' \
		'-0 -J 1' '-a 1' '--sockets 1' '--dot -J 1'; do
		# shellcheck disable=SC2086 # some are several words
		run -2 --separate-stderr fdpeer $arg
		[ -z "$output" ]
		[[ ${stderr_lines[0]} == fdpeer:* ]]
	done
	run -2 --separate-stderr fdpeer ''
	[ "${stderr_lines[0]}" = "fdpeer: '': not a process ID" ]
	run -2 --separate-stderr fdpeer 1 ''
	[ "${stderr_lines[0]}" = "fdpeer: '': not a descriptor" ]
}

@test "fdpeer: help and version" {
	run -0 fdpeer --help
	[ "${lines[0]}" = 'usage: fdpeer [-rJH0] [--sockets] [--dot] [-T SECS] [-R DIR] PID [FD]' ]
	run -0 fdpeer -V
	[[ $output == 'fdpeer (proctools) '* ]]
}

@test "fdpeer: what is not there is said, with status 1" {
	run -1 --separate-stderr fdpeer 2147483647
	[ -z "$output" ]
	[ "$stderr" = 'fdpeer: 2147483647: No such process' ]
	hold 100=r:/etc/passwd 101,102=pipe
	run -1 --separate-stderr fdpeer "$PID" 2147483647
	[ -z "$output" ]
	[ "$stderr" = "fdpeer: $PID: no descriptor 2147483647" ]
	first=$PID
	hold
	run -1 --separate-stderr fdpeer "$first" "$PID"
	[ -z "$output" ]
	[ "$stderr" = "fdpeer: $first: no descriptor $PID (one process at a time)" ]
	# descriptor 1 is not process 1
	hold close:2
	run -1 --separate-stderr fdpeer "$PID" 2
	[ "$stderr" = "fdpeer: $PID: no descriptor 2" ]
	run -1 --separate-stderr fdpeer -R /no/such/dir 1
	[[ $stderr == *'/no/such/dir: No such file or directory' ]]
}

@test "fdpeer: a process that has ended, and a zombie" {
	hold zombie
	zombie=$(pgrep -P "$PID")
	until_true state_is "$zombie" Z
	run -1 --separate-stderr fdpeer "$zombie"
	[ "$stderr" = "fdpeer: $zombie: no descriptor has another end" ]
	run -1 --separate-stderr fdpeer "$zombie" 100
	[ "$stderr" = "fdpeer: $zombie: no descriptor 100" ]
	hold 100,101=pipe
	end_started
	run -1 --separate-stderr fdpeer "$PID" 100
	[ -z "$output" ]
	[ "$stderr" = "fdpeer: $PID: No such process" ]
}

@test "fdpeer: what has no other end, what nobody else has" {
	touch file
	mkfifo fifo
	hold 100=r:file 101=r:. 103=path:fifo 107=memfd:m 108=signalfd
	run -1 --separate-stderr fdpeer "$PID" 103
	[ -z "$output" ]
	[ "$stderr" = "fdpeer: $PID: descriptor 103 has no other end (O_PATH)" ]
	# "nobody" is certain only if every process could be looked at
	for fd in 100:reg 107:memfd 108:signalfd; do
		run --separate-stderr fdpeer "$PID" "${fd%:*}"
		[ -z "$output" ]
		[ "${stderr_lines[0]}" = "fdpeer: $PID: nobody else is seen to have descriptor ${fd%:*} (${fd#*:})" ]
		if [[ $stderr == *'could not be read'* ]]; then
			[ "$status" -eq 3 ]
		else
			[ "$status" -eq 1 ]
		fi
	done
	t=$PWD/tree
	process "$t" 7
	descriptor "$t" 7 3 "$PWD/file" 02
	run -1 --separate-stderr fdpeer -R "$t" 7 3
	mkdir "$t/8"
	# a process that may not be read: no fd directory for us
	process "$t" 8
	chmod 0 "$t/8/fd"
	[ "$(id -u)" -eq 0 ] || run -3 --separate-stderr fdpeer -R "$t" 7 3
	chmod 755 "$t/8/fd"
}

@test "fdpeer: nothing has another end" {
	start sleep 100 </dev/null >/dev/null 2>&1
	run -1 --separate-stderr fdpeer "$PID"
	[ "$stderr" = "fdpeer: $PID: no descriptor has another end" ]
}

@test "fdpeer: what the kernel does not tell is hidden" {
	t=$PWD/tree
	process "$t" 7
	descriptor "$t" 7 3 'anon_inode:[eventfd]' 02
	run -3 --separate-stderr fdpeer -H -R "$t" 7 3
	[ "$output" = "$(fields 7 c7 3 '<->' - - - hidden 'anon_inode:[eventfd]')" ]
	[ "$stderr" = 'fdpeer: 7: this kernel cannot tell the other end of descriptor 3 (eventfd)' ]
}

@test "fdpeer: a pipeline, both ways" {
	mkfifo go
	bash -c 'exec 3>&- 4>&- 10>&- 251>&-; cat <>go | cat >/dev/null & echo $! >second; jobs -p >first; wait' &
	STARTED+=($!)
	until_true test -s second
	until_true test -s first
	read -r a <first
	read -r b <second
	STARTED+=("$a" "$b")
	until_true grep -qx cat "/proc/$a/comm"
	until_true grep -qx cat "/proc/$b/comm"
	state=open
	! may_attach || state=read
	until_true is_state $state "$a" 1 0
	run -0 fdpeer -H "$a" 1
	[ "$output" = "$(fields "$a" cat 1 '->' "$b" cat 0 $state "$(pipe_name "$b" 0)")" ]
	run -0 fdpeer -H "$b" 0
	[ "$output" = "$(fields "$b" cat 0 '<-' "$a" cat 1 open "$(pipe_name "$a" 1)")" ]
}

@test "fdpeer: the text, its widths and heading" {
	hold comm:me 100,101=pipe
	run -0 fdpeer "$PID" 100
	[ "${lines[0]}" = 'PID     COMMAND     FD DIR PEER    PEERCOMMAND PEERFD STATE    NAME' ]
	[ "${lines[1]}" = "$(printf '%-7s %-10s %3s %-3s %-7s %-11s %6s %-8s %s' \
		"$PID" me 100 '<-' "$PID" me 101 open "$(pipe_name "$PID" 100)")" ]
	[ "${#lines[@]}" -eq 2 ]
}

@test "fdpeer: a second writer is seen, the same end only with FD" {
	hold 101,100=pipe 103=dup:101 child:close:101
	child=$(pgrep -P "$PID")
	name=$(pipe_name "$PID" 100)
	run -0 fdpeer -H "$PID" 101
	[ "$output" = "$(printf '%s\n' \
		"$(fields "$PID" hold 101 '<-' "$PID" hold 100 open "$name")" \
		"$(fields "$PID" hold 101 '<-' "$child" hold 100 open "$name")" \
		"$(fields "$PID" hold 101 == "$PID" hold 103 - "$name")" \
		"$(fields "$PID" hold 101 == "$child" hold 103 - "$name")" |
		sort -t "$TAB" -k 4,4 -k 5,5n -s)" ]
	list "$PID"
	[ "$(row 101 103 | wc -l)" -eq 4 ]
	[[ $output != *==* ]]
}

@test "fdpeer PID: rows in the order FD, DIR, PEER, PEERFD" {
	mkfifo fifo
	hold 100=rw:fifo 101=r:fifo 102=w:fifo 103=rw:fifo 9,20=pipe 19=dup:20
	run -0 fdpeer -H "$PID" 100
	[ "$(cut -f 4,7 <<<"$output")" = "$(printf '%s\n' "->${TAB}101" \
		"<-${TAB}102" "<->${TAB}103")" ]
	list "$PID"
	[ "$(row 9)" = "$(printf '%s\n' \
		"$(fields 9 '<-' "$PID" hold 19 open "$(pipe_name "$PID" 9)")" \
		"$(fields 9 '<-' "$PID" hold 20 open "$(pipe_name "$PID" 9)")")" ]
	[ "$(cut -f 3 <<<"$output")" = "$(cut -f 3 <<<"$output" | sort -n)" ]
}

@test "fdpeer: O_RDWR is a reader and a writer" {
	mkfifo fifo
	hold 100=rw:fifo 101=r:fifo 102=w:fifo
	name=$PWD/fifo
	list "$PID"
	[ "$(row 101)" = "$(printf '%s\n' \
		"$(fields 101 '<-' "$PID" hold 100 open "$name")" \
		"$(fields 101 '<-' "$PID" hold 102 open "$name")")" ]
	[ "$(row 102)" = "$(printf '%s\n' \
		"$(fields 102 '->' "$PID" hold 100 open "$name")" \
		"$(fields 102 '->' "$PID" hold 101 open "$name")")" ]
	# alone it is its own other end, and nothing has to be proved
	mkfifo own
	hold 100=rw:own
	run -0 fdpeer -H "$PID" 100
	[ "$output" = "$(fields "$PID" hold 100 '<->' "$PID" hold 100 open "$PWD/own")" ]
	# an O_PATH descriptor is no end
	hold 100=rw:own 101=path:own
	list "$PID"
	[ -z "$(row 101)" ]
}

@test "fdpeer: a FIFO by any name, renamed, deleted, made again" {
	mkfifo a
	ln a b
	hold 100=rw:a 101=w:b 102=r:a close:100 rename:b:c unlink:a
	mkfifo a
	other=$PID
	run -0 fdpeer -H "$other" 101
	[ "$output" = "$(fields "$other" hold 101 '->' "$other" hold 102 open "$PWD/c")" ]
	run -0 fdpeer -H "$other" 102
	[ "$(cut -f 3-8 <<<"$output")" = "$(fields 102 '<-' "$other" hold 101 open)" ]
	[[ $output == *"$PWD/a (deleted)" ]]
	# the new one under the old name is another one
	hold 100=rw:a
	run -0 fdpeer -H "$PID" 100
	[ "$output" = "$(fields "$PID" hold 100 '<->' "$PID" hold 100 open "$PWD/a")" ]
	# and a name that ends so is no deleted one
	mkfifo 'd (deleted)'
	hold 100=rw:'d (deleted)'
	run -0 fdpeer -H "$PID" 100
	[[ $output == *"/d\\040(deleted)" ]]
}

@test "fdpeer: equal inode numbers on two file systems are two FIFOs" {
	need_root
	need unshare
	mkdir one two
	# shellcheck disable=SC2016 # for the inner shell
	run -0 unshare -m bash -c '
		mount -t tmpfs one one && mount -t tmpfs two two || exit 77
		mkfifo one/f two/f
		[ "$(stat -c %i one/f)" = "$(stat -c %i two/f)" ] || exit 78
		mkfifo in out
		'"$TESTS"'/hold 100=rw:one/f 101=rw:two/f 102=w:one/f 103=r:two/f <>in >out 3>&- 4>&- &
		read -r pid <out
		echo "$pid"
		fdpeer -H "$pid"
		kill $!'
	pid=${lines[0]}
	[ "$(row 102)" = "$(fields 102 '->' "$pid" hold 100 open "$PWD/one/f")" ]
	[ "$(row 103)" = "$(fields 103 '<-' "$pid" hold 101 open "$PWD/two/f")" ]
	[ "$(row 100 | cut -f 4-5)" = "$(fields hold 102)" ]
}

@test "fdpeer: private tables and their threads" {
	hold comm:main 100,101=pipe private:105,106=pipe private:close:100
	# three tables: the process's, and two copies of it
	name=$(pipe_name "$PID" 100)
	tids=$(for t in /proc/"$PID"/task/*; do
		[ -e "$t/fd/105" ] && echo "a=${t##*/}"
		[ -e "$t/fd/100" ] || echo "b=${t##*/}"
	done)
	eval "$tids"
	run -0 fdpeer -H "$PID" 101
	[ "$(cut -f 1,3-5,7 <<<"$output" | head -n 2)" = "$(printf '%s\n' \
		"$(fields "$PID" 101 '->' "$PID" 100)" \
		"$(fields "$PID" 101 '->' "$a" 100)" | sort -t "$TAB" -k 4n)" ]
	[[ $output == *"$(fields '==' "$b" main 101 - "$name")"* ]]
	# found in a thread's table only; a TID is an operand
	for operand in "$PID" "$a"; do
		run -0 fdpeer -H "$operand" 105
		[ "$output" = "$(fields "$a" main 105 '<-' "$a" main 106 open \
			"pipe:[$(stat -L -c %i "/proc/$PID/task/$a/fd/105")]")" ]
	done
	run -1 --separate-stderr fdpeer "$b" 105
	[ "$stderr" = "fdpeer: $b: no descriptor 105" ]
	run -0 fdpeer -J "$a" 105
	[[ $output == *"\"pid\":$PID,"*"\"peer\":$PID,"* ]]
	[[ $output == *"\"tid\":$a,"*"\"peertid\":$a,"* ]]
}

@test "fdpeer: a descriptor that always becomes another one is not gone" {
	need python3
	python3 -c '
import os
while True:
    r, w = os.pipe()
    os.dup2(r, 100)
    if not os.path.exists("ready"):
        open("ready", "w").close()
    os.close(r)
    os.close(w)' 3>&- 4>&- 10>&- 251>&- &
	PID=$!
	STARTED+=("$PID")
	until_true test -e ready
	for _ in 1 2 3 4 5; do
		run --separate-stderr fdpeer -H "$PID" 100
		[[ $stderr != *'no descriptor'* ]]
		[ "$(row 100 | cut -f 1,2 | head -n 1)" = "$(fields 100 '<-')" ] ||
			[[ $status -eq 3 && $stderr == *'cannot tell'* ]]
	done
}

@test "fdpeer: a private table that two threads share is one" {
	hold 100,101=pipe private:read:100
	until_true test "$(ls "/proc/$PID/task" | wc -l)" -eq 3
	for t in /proc/"$PID"/task/*; do
		[ "${t##*/}" = "$PID" ] && continue
		run -0 fdpeer -H "${t##*/}" 100
		# no thread is said to have the same end as its fellow
		[ "$(cut -f 1,4-7 <<<"$output" | grep -c ==)" -eq 1 ]
		[ "$(grep -c "$(fields '<-' "${t##*/}" hold 101)" <<<"$output")" -eq 1 ]
	done
	may_attach || return 0
	# the reader waits on its own table's descriptor, not on the process's
	until_true sh -c "fdpeer -H $PID 101 | cut -f 8 | grep -q read"
	run -0 fdpeer -H "$PID" 101
	[ "$(awk -F '\t' -v p="$PID" '$5 == p && $7 == 100 { print $8 }' <<<"$output")" = open ]
	[ "$(awk -F '\t' -v p="$PID" '$5 != p && $7 == 100 { print $8 }' <<<"$output")" = read ]
}

@test "fdpeer: a dead leader hides nothing" {
	hold 100,101=pipe deadleader
	until_true state_is "$PID" Z
	run -0 fdpeer -H "$PID" 100
	[ "$output" = "$(fields "$PID" hold 100 '<-' "$PID" hold 101 open "pipe:[$(
		stat -L -c %i /proc/"$PID"/task/*/fd/100 2>/dev/null)]")" ]
}

@test "fdpeer: none, proved, also for a dead leader and a private table" {
	need_attach
	hold 100,101=pipe close:101 102,103=pipe close:102 104=dup:100
	run -1 --separate-stderr fdpeer -H "$PID" 103
	[ "$output" = "$(fields "$PID" hold 103 '->' - - - none "$(pipe_name "$PID" 103)")" ]
	[ -z "$stderr" ]
	run -1 --separate-stderr fdpeer -H "$PID" 100
	[ "$output" = "$(printf '%s\n' \
		"$(fields "$PID" hold 100 '<-' - - - none "$(pipe_name "$PID" 100)")" \
		"$(fields "$PID" hold 100 == "$PID" hold 104 - "$(pipe_name "$PID" 100)")")" ]
	list "$PID"
	[ "$(row 100 103 | cut -f 6 | sort -u)" = none ]
	mkfifo fifo
	hold 100=rw:fifo 101=r:fifo 102=w:fifo close:100 close:102
	run -1 fdpeer -H "$PID" 101
	[ "$output" = "$(fields "$PID" hold 101 '<-' - - - none "$PWD/fifo")" ]
	hold private:105,106=pipe private:107,108=pipe
	run -0 fdpeer -H "$PID" 105
	hold 100,101=pipe close:101 deadleader
	until_true state_is "$PID" Z
	# PIDFD_THREAD since Linux 6.9
	[ "$(printf '6.9\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.9 ] || return 0
	run -1 fdpeer -H "$PID" 100
	[ "$(row 100 | cut -f 2-6)" = "$(fields '<-' - - - none)" ]
}

@test "fdpeer: an end that only a message holds is in flight" {
	need_attach
	hold 100,101=pipe 102,103=unix inflight:101:102
	run -0 --separate-stderr fdpeer -H "$PID" 100
	[ "$output" = "$(fields "$PID" hold 100 '<-' - - - inflight "$(pipe_name "$PID" 100)")" ]
	hold 100,101=pipe 102,103=unix inflight:100:102
	run -0 --separate-stderr fdpeer -H "$PID" 101
	[ "$output" = "$(fields "$PID" hold 101 '->' - - - inflight "$(pipe_name "$PID" 101)")" ]
	# any row is an answer to "what has another end?"
	run -0 fdpeer -H "$PID"
	[ -n "$(row 101)" ]
}

@test "fdpeer: another's queue is no answer where someone may not be read" {
	need_attach
	ordinary
	mkfifo -m 666 fifo
	hold_as "$USER_PREFIX" 100=eventfd 102,103=unix inflight:100:102
	queue=$PID
	hold_as "$USER_PREFIX" 100=rw:fifo undumpable
	hold_as "$USER_PREFIX" 100=r:fifo
	# shellcheck disable=SC2086 # the prefix is words
	run -3 --separate-stderr $USER_PREFIX "$TOP/cmd/fdpeer" -H "$PID" 100
	[ "$(cut -f 4-8 <<<"$output")" = "$(fields '<-' - - - hidden)" ]
	grep -q '^scm_fds:.*1' "/proc/$queue/fdinfo/103"
	# its own may have it
	hold_as "$USER_PREFIX" 100,101=pipe 102,103=unix inflight:101:102
	# shellcheck disable=SC2086
	run -0 --separate-stderr $USER_PREFIX "$TOP/cmd/fdpeer" -H "$PID" 100
	[ "$(cut -f 4-8 <<<"$output")" = "$(fields '<-' - - - inflight)" ]
}

@test "fdpeer: who has more rights than we may have the other end" {
	need_root
	need setpriv
	local fewer='setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace'
	mkfifo f
	hold 100=rw:f
	# something is in a queue, but of others
	hold_as "$fewer" 100,101=pipe 102,103=unix inflight:100:102
	hold_as "$fewer" 100=r:f
	# shellcheck disable=SC2086 # words
	run --separate-stderr -3 $fewer "$TOP/cmd/fdpeer" -H "$PID" 100
	[ "$(cut -f 4-8 <<<"$output")" = "$(fields '<-' - - - hidden)" ]
}

@test "fdpeer: what may not be read is hidden, not none" {
	ordinary
	mkfifo -m 666 fifo
	hold_as "$USER_PREFIX" comm:secret 100=rw:fifo undumpable
	secret=$PID
	hold_as "$USER_PREFIX" 100=r:fifo
	# shellcheck disable=SC2086 # the prefix is words
	run -3 --separate-stderr $USER_PREFIX "$TOP/cmd/fdpeer" -H "$PID" 100
	[ "$(cut -f 1-8 <<<"$output")" = "$(fields "$PID" hold 100 '<-' - - - hidden)" ]
	[[ $stderr =~ ^fdpeer:\ [0-9]+\ process(es)?\ could\ not\ be\ read ]]
	run -3 --separate-stderr $USER_PREFIX "$TOP/cmd/fdpeer" "$secret" 100
	[ "$stderr" = "fdpeer: $secret: Permission denied (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)" ]
	# with a holder that is seen, nobody is missed
	hold_as "$USER_PREFIX" 100=w:fifo
	writer=$PID
	run -0 --separate-stderr $USER_PREFIX "$TOP/cmd/fdpeer" -H "$writer" 100
	[ "${#lines[@]}" -eq 1 ]
	[[ $stderr != *'could not'* ]]
	[ "$(id -u)" -eq 0 ] || return 0
	run -0 fdpeer -H "$writer" 100
	[[ $output == *"$(fields '->' "$secret" secret 100)"* ]]
}

@test "fdpeer: what hidepid hides is said with a hidden row" {
	need_root
	need setpriv
	local hidepid
	mkfifo -m 666 f
	chmod 755 .
	# root's other end, in a pid namespace with a procfs of its own
	cat >below <<-'END'
		mount -o remount,hidepid=$1 /proc || exit 77
		exec 8<>f
		setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '
			exec 8>&- 7<f
			"$0" -H $$ 7' "$2" 2>err
		echo $?
		exec 8>&-
	END
	# all but what is one's own, and what one may not trace
	for hidepid in 2 4; do
		run unshare -pfm --mount-proc --kill-child sh below $hidepid \
			"$TOP/cmd/fdpeer"
		[ "$status" -ne 77 ] || skip "no hidepid=$hidepid"
		[ "$(cut -f 3-8 <<<"${lines[0]}")" = "$(fields 7 '<-' - - - hidden)" ]
		[ "${lines[1]}" -eq 3 ]
		[ "$(cat err)" = "fdpeer: /proc: other users' processes are hidden (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)" ]
	done
}

@test "fdpeer: another user's process is not permitted" {
	need_root
	hold 100,101=pipe
	run -3 --separate-stderr as_user "$TOP/cmd/fdpeer" "$PID" 100
	[ -z "$output" ]
	[ "$stderr" = "fdpeer: $PID: Permission denied (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)" ]
	mkfifo -m 666 fifo
	hold 100=rw:fifo
	hold_as 'setpriv --reuid 65534 --regid 65534 --clear-groups' 100=w:fifo
	run -3 --separate-stderr as_user "$TOP/cmd/fdpeer" -H "$PID" 100
	[ "$(cut -f 4-8 <<<"$output")" = "$(fields '->' - - - hidden)" ]
}

@test "fdpeer: STATE read and write" {
	need_attach
	hold 100,101=pipe read:100 102,103=pipe write:103
	until_true is_state read "$PID" 101 100
	until_true is_state write "$PID" 102 103
	list "$PID"
	[ "$(row 100 | cut -f 6)" = open ]
	# an O_RDWR end may be read as well
	mkfifo fifo
	hold 100=rw:fifo 101=w:fifo read:100
	until_true is_state read "$PID" 101 100
	# another descriptor of the same end is not the one
	hold 100,101=pipe 102=dup:100 read:102
	until_true is_state read "$PID" 101 102
	[ "$(state "$PID" 101 100)" = open ]
	# a thread that is stopped waits for nothing
	kill -STOP "$PID"
	until_true is_state open "$PID" 101 102
	kill -CONT "$PID"
	until_true is_state read "$PID" 101 102
}

@test "fdpeer: STATE of a call with two descriptors is of the one it waits for" {
	need_attach
	[ "$(uname -m)" = x86_64 ] || skip 'numbers of system calls of x86-64'
	# splice is 275, tee 276, vmsplice 278
	hold 100,101=pipe 102,103=pipe call:275:100:0:103:0:10:0
	until_true is_state read "$PID" 101 100
	[ "$(state "$PID" 102 103)" = open ]
	hold 100,101=pipe 102,103=pipe write:103 104=dup:103 text:101:x \
		call:276:100:104:10:0
	until_true is_state write "$PID" 102 104
	[ "$(state "$PID" 101 100)" = open ]
	# sendfile is 40
	hold 102,103=pipe write:103 104=dup:103 105=r:/etc/passwd call:40:104:105:0:9
	until_true is_state write "$PID" 102 104
}

@test "fdpeer: itself only where it alone holds the other end" {
	mkfifo fifo
	hold 101=rw:fifo 100=r:fifo close:101
	# shellcheck disable=SC2016 # for the inner shell
	run -0 bash -c 'exec 9>fifo; echo $$; exec fdpeer -H "$1" 100' - "$PID"
	[ "${lines[1]}" = "$(fields "$PID" hold 100 '<-' "${lines[0]}" fdpeer 9 open "$PWD/fifo")" ]
	[ "${#lines[@]}" -eq 2 ]
	hold 100=w:fifo
	# shellcheck disable=SC2016
	run -0 bash -c 'exec 8<fifo 9>fifo; exec fdpeer -H "$1" 100' - "$PID"
	[[ $output == *"	hold	100	"* ]]
	[[ $output != *fdpeer* ]]
}

@test "fdpeer -J: an object a line, its keys and types" {
	need python3
	mkfifo fi$'\n'\"$'\xff'
	hold comm:a$'\n"' 100=rw:fi$'\n'\"$'\xff' 101=w:fi$'\n'\"$'\xff' \
		102,103=pipe close:103 unlink:fi$'\n'\"$'\xff'
	fdpeer -J "$PID" >json || true
	python3 - "$PID" json "$PWD" <<-'P'
	import json, sys
	pid = int(sys.argv[1])
	rows = [json.loads(l) for l in open(sys.argv[2], "rb").read().decode().split("\n") if l]
	r = {x["fd"]: x for x in rows}
	name = (sys.argv[3] + "/fi\n\"").encode() + b"\xff"
	assert r[101]["name"].encode("utf-8", "surrogateescape") == name
	del r[101]["name"], r[102]["name"]
	comm = "a\n\""
	assert r[101] == dict(pid=pid, command=comm, fd=101, dir="->", peer=pid,
	    peercommand=comm, peerfd=100, state="open", mode="w", peermode="rw",
	    tid=None, peertid=None, deleted=True), r[101]
	assert r[102]["state"] in ("none", "hidden")
	assert r[102] == dict(pid=pid, command=comm, fd=102, dir="<-", peer=None,
	    peercommand=None, peerfd=None, state=r[102]["state"], mode="r",
	    peermode=None, tid=None, peertid=None, deleted=False), r[102]
	P
	run -0 fdpeer -J "$PID" 100
	[[ $output != *PEERCOMMAND* ]]
}

@test "fdpeer: hostile names forge no row" {
	f=$'x\n1 y 2 \e[31m'
	mkfifo "$f"
	hold comm:$'a b\n\tc' 100=rw:"$f" 101=w:"$f"
	run -0 fdpeer "$PID" 101
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == *' a\040b\012\011c 101 ->'*' a\040b\012\011c    100 open     '*'/x\0121 y 2 \033[31m' ]]
	run -0 fdpeer -H "$PID" 101
	[[ $output == *"$TAB"'a b\012\011c'"$TAB"101"$TAB"* ]]
	# -0: the name raw
	fdpeer -0 "$PID" 101 >out
	printf '%s\t%s\t101\t->\t%s\t%s\t100\topen\t%s/%s\0' "$PID" 'a b\012\011c' \
		"$PID" 'a b\012\011c' "$PWD" "$f" >expected
	cmp out expected
}

@test "fdpeer: /dev/full fails, a closed pipe is quiet" {
	hold 100,101=pipe 102,103=pipe
	run -1 sh -c "fdpeer $PID 2>&1 >/dev/full"
	[ "${lines[-1]}" = 'fdpeer: stdout: No space left on device' ]
	run -1 sh -c 'fdpeer -h 2>&1 >/dev/full'
	run -0 sh -c "fdpeer $PID 2>/dev/null | head -n 1"
	[ "${#lines[@]}" -eq 1 ]
	args=()
	for i in $(seq 200 240); do
		args+=("$i=dup:100" "$((i + 100))=dup:101")
	done
	hold 100,101=pipe "${args[@]}"
	run -0 bash -c "fdpeer -J $PID 2>&1 | head -n 1 | wc -l; exit \${PIPESTATUS[1]}"
	[ "${lines[0]}" -eq 1 ]
	# 42 readers and 42 writers, each with each
	run -0 sh -c "fdpeer -H $PID 2>/dev/null | awk '\$3 >= 100' | wc -l"
	[ "$output" -eq $((2 * 42 * 42)) ]
}

@test "fdpeer -R: a tree, in which nothing can be duplicated" {
	t=$PWD/tree
	process "$t" 300
	process "$t" 20
	descriptor "$t" 300 3 'pipe:[77]' 0100000
	descriptor "$t" 300 4 'pipe:[78]' 0100001
	descriptor "$t" 20 1000 'pipe:[77]' 0100001
	descriptor "$t" 20 1001 'pipe:[770]' 0100001
	run -0 --separate-stderr fdpeer -H -R "$t" 300
	[ "$output" = "$(printf '%s\n' \
		"$(fields 300 c300 3 '<-' 20 c20 1000 open 'pipe:[77]')" \
		"$(fields 300 c300 4 '->' - - - hidden 'pipe:[78]')")" ]
	run -3 --separate-stderr fdpeer -H -R "$t" 300 4
	[ -z "$stderr" ]
	run -0 fdpeer -H -R "$t" 0300 03
}

@test "fdpeer -R: the sockets of a tree by its tables" {
	local t=$PWD/tree p
	for p in 20 300; do
		process "$t" "$p"
		mkdir "$t/$p/net" "$t/$p/ns"
		ln -s 'net:[4026531840]' "$t/$p/ns/net"
		cat >"$t/$p/net/tcp" <<-'END'
			  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
			   0: 0100007F:0050 0100007F:03E8 01 00000000:00000000 00:00000000 00000000     0        0 77 1 0 20 4 30 10 -1
			   1: 0100007F:03E8 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0 20 4 30 10 -1
		END
		cat >"$t/$p/net/unix" <<-'END'
			Num       RefCount Protocol Flags    Type St Inode Path
			0: 00000003 00000000 00000000 0001 03 79
		END
	done
	descriptor "$t" 20 3 'socket:[77]' 02
	descriptor "$t" 300 4 'socket:[78]' 02
	descriptor "$t" 300 5 'socket:[79]' 02
	run -0 --separate-stderr fdpeer -H -R "$t" 20 3
	[ "$(cut -f 3-8 <<<"$output")" = "$(fields 3 '<->' 300 c300 4 open)" ]
	[ -z "$stderr" ]
	# a unix socket is none that the kernel cannot tell, but has no peer there
	run -3 --separate-stderr fdpeer -H -R "$t" 300 5
	[ "$(cut -f 3-8 <<<"$output")" = "$(fields 5 '<->' - - - hidden)" ]
	[ -z "$stderr" ]
}

@test "fdpeer: opens no descriptor and duplicates only to prove" {
	need strace
	strace -o /dev/null true 2>/dev/null || skip 'strace does not work here'
	hold 100,101=pipe 102,103=pipe close:103
	strace -f -o trace fdpeer "$PID" 100 >/dev/null 2>&1
	run ! grep -E 'pidfd_getfd|ptrace\(|tee\(' trace
	run ! grep -E 'open(at)?\([^,]*,? ?"([^"]*/)?fd/[0-9]' trace
	strace -f -o trace fdpeer "$PID" 102 >/dev/null 2>&1 || true
	[ "$(grep -c 'pidfd_getfd(' trace)" -eq 1 ]
	run ! grep -E 'open(at)?\([^,]*,? ?"([^"]*/)?fd/[0-9]' trace
}
