load helper
load pstack

teardown() {
	local pid
	for pid in "${STOPPED[@]}"; do
		kill -CONT "$pid" 2>/dev/null || true
	done
	end_started
}

# call CALL ARG...: a process with a thread asleep in it; $PID and $TID
call() {
	local name=$1
	shift
	local arg args=
	for arg; do args+=:$arg; done
	hold 3,4=pipe 5=epoll:3 8,9=unix "call:$(nr "$name")$args"
	TID=$(last_thread "$PID")
	until_true in_call "$PID" "$TID" "$name"
}

# what PID TID: the words behind STATE and COMMAND in the heading
what() {
	pstack "$1/$2" 2>/dev/null | sed -n '1s/^[^ ]* [^ ]* [^ ]* //p'
}

@test 'no operand, bad operands and foreign options are usage errors' {
	run -2 pstack
	for o in abc 1e3 0x10 '' 0 1/ /1 1/0 1/2/3 -1 99999999999; do
		run -2 pstack "$o"
	done
	for o in -a -H -0 -uF -uJ -FJ '-F -i 1' '-i 0' '-i x' '-s Y' '-T x'; do
		# shellcheck disable=SC2086 # words
		run -2 pstack $o 1
	done
	run -2 pstack -s '' 1
	for o in -u -F -J '-i 1'; do
		# shellcheck disable=SC2086 # words
		run -2 pstack $o
	done
}

@test '-h and -V' {
	run -0 --separate-stderr pstack -h
	[[ $output == 'usage: pstack [-auFJ]'* ]]
	run -0 pstack -V
	[[ $output =~ ^'pstack (proctools) '[0-9.]+$ ]]
}

@test 'a process that is not there: 1, and the others are shown' {
	hold 3=eventfd
	run --separate-stderr pstack 4194304 "$PID"
	# 3: the other one's stack may be what was not to be looked at
	[ "$status" -eq 1 ] || { [ "$status" -eq 3 ] && [[ $stderr == *CAP_SYS_ADMIN* ]]; }
	[ "${stderr_lines[0]}" = 'pstack: 4194304: No such process' ]
	[[ $output == "$PID/$PID S hold "* ]]
	run -1 --separate-stderr pstack "$PID/4194304"
	[ "$stderr" = "pstack: $PID/4194304: No such thread" ]
	[ -z "$output" ]
	run -1 --separate-stderr pstack 4194304/4194304
	[ "$stderr" = 'pstack: 4194304/4194304: No such process' ]
}

@test 'a thread of another process is no thread of this one' {
	hold 3=eventfd
	other=$PID
	hold 3=eventfd
	run -1 pstack "$PID/$other"
}

@test 'a blocked read: heading and frames as the kernel has them' {
	need_stack
	hold 3,4=pipe read:3
	tid=$(last_thread "$PID")
	until_true in_call "$PID" "$tid" read
	run -0 --separate-stderr pstack "$PID/$tid"
	expected="$PID/$tid S hold read(3<pipe:[$(inode "$PID" 3)]>)
$(frames "$PID" "$tid")"
	[ "$output" = "$expected" ]
	[ -z "$stderr" ]
}

@test 'all threads in their order, a blank line between two' {
	hold thread thread thread
	run -0 sh -c "pstack $PID 2>/dev/null | awk -v RS= '{ print \$1 }'" 
	expected=$(threads "$PID" | sed "s,^,$PID/,")
	[ "$output" = "$expected" ]
	n=$(pstack "$PID" "$PID" 2>/dev/null | grep -c '^$')
	[ "$n" -eq 7 ]
	[ -n "$(pstack "$PID" 2>/dev/null | sed -n '1p')" ]
	[ -n "$(pstack "$PID" 2>/dev/null | sed -n '$p')" ]
}

@test 'a TID is that thread, PID/PID the leader, and they can be pasted back' {
	hold thread
	tid=$(last_thread "$PID")
	for o in "$tid" "$PID/$tid" "$tid/$tid"; do
		run sh -c "pstack $o 2>/dev/null | grep -c '^[0-9]'"
		[ "$output" = 1 ]
		run sh -c "pstack $o 2>/dev/null | head -n 1"
		[[ $output == "$PID/$tid S hold "* ]]
	done
	run sh -c "pstack $PID/$PID 2>/dev/null | grep '^[0-9]'"
	[[ $output == "$PID/$PID S hold "* ]]
}

@test 'operands are shown in the order they are given in' {
	hold 3=eventfd
	a=$PID
	hold 3=eventfd
	run sh -c "pstack $PID $a 2>/dev/null | grep -o '^[0-9]*'"
	[ "$output" = "$PID
$a" ]
}

@test 'calls: epoll_wait, its time limit' {
	call epoll_wait 5 @ 1 -1
	[ "$(what "$PID" "$TID")" = 'epoll_wait(5<anon_inode:[eventpoll]>, for ever)' ]
	call epoll_wait 5 @ 1 1000000
	[ "$(what "$PID" "$TID")" = 'epoll_wait(5<anon_inode:[eventpoll]>)' ]
}

@test 'calls: poll and ppoll' {
	call poll @ 0 -1
	[ "$(what "$PID" "$TID")" = 'poll(for ever)' ]
	call poll @ 0 1000000
	[ "$(what "$PID" "$TID")" = 'poll(...)' ]
	call ppoll @ 0 0
	[ "$(what "$PID" "$TID")" = 'ppoll(for ever)' ]
}

@test 'calls: two descriptors' {
	call splice 3 0 9 0 10 0
	[ "$(what "$PID" "$TID")" = "splice(3<pipe:[$(inode "$PID" 3)]>, 9<socket:[$(inode "$PID" 9)]>)" ]
}

@test 'calls: futex, its address and timeout' {
	call futex @ 128 0 0
	addr=$(awk '{ print $2 }' "/proc/$PID/task/$TID/syscall")
	[ "$(what "$PID" "$TID")" = "futex($addr)" ]
}

@test 'calls: a child, arguments that are not shown, no arguments' {
	hold child:3=eventfd "call:$(nr wait4):-1:0:0"
	tid=$(last_thread "$PID")
	until_true in_call "$PID" "$tid" wait4
	[ "$(what "$PID" "$tid")" = 'wait4(any child)' ]
	child=$(cat "/proc/$PID/task/$PID/children")
	child=${child% }
	hold child:3=eventfd "call:$(nr waitid):0:0:0:4"
	tid=$(last_thread "$PID")
	until_true in_call "$PID" "$tid" waitid
	[ "$(what "$PID" "$tid")" = 'waitid(any child)' ]
	start sleep 1000
	until_true in_call "$PID" "$PID" clock_nanosleep
	[ "$(what "$PID" "$PID")" = 'clock_nanosleep(...)' ]
	call pause
	[ "$(what "$PID" "$TID")" = 'pause()' ]
}

@test "the descriptor is that of the thread's own table" {
	hold 3,4=pipe private:read:3 3=eventfd
	tid=$(last_thread "$PID")
	until_true in_call "$PID" "$tid" read
	link=$(readlink "/proc/$PID/task/$tid/fd/3")
	[[ $link == pipe:* ]]
	[ "$(what "$PID" "$tid")" = "read(3<$link>)" ]
}

@test 'a dead leader is a zombie, its threads are decoded' {
	hold 3,4=pipe read:3 deadleader
	until_true state_is "$PID" Z
	tid=$(threads "$PID" | sed -n 2p)
	until_true in_call "$PID" "$tid" read
	run sh -c "pstack $PID 2>/dev/null | sed -n 1,2p"
	[ "$output" = "$PID/$PID Z hold zombie
$(printf '\t?')" ]
	link=$(readlink "/proc/$PID/task/$tid/fd/3")
	[ "$(what "$PID" "$tid")" = "read(3<$link>)" ]
}

@test 'a zombie: 0, its rights ask for nothing' {
	hold zombie
	child=$(cat "/proc/$PID/task/$PID/children")
	child=${child% }
	until_true state_is "$child" Z
	run -0 pstack "$child"
	[ "$output" = "$child/$child Z hold zombie
$(printf '\t?')" ]
}

@test 'stopped is stopped, whatever number is left of a call' {
	hold 3,4=pipe read:3
	tid=$(last_thread "$PID")
	until_true in_call "$PID" "$tid" read
	STOPPED+=("$PID")
	kill -STOP "$PID"
	until_true state_is "$PID/task/$tid" T
	run sh -c "pstack $PID/$tid 2>/dev/null | sed -n 1p"
	[ "$output" = "$PID/$tid T hold stopped" ]
	run sh -c "pstack -J $PID/$tid 2>/dev/null"
	[[ $output == *'"syscall":null,"args":null,"fd":null'* ]]
	kill -CONT "$PID"
	until_true in_call "$PID" "$tid" read
}

@test 'running' {
	hold spin
	tid=$(last_thread "$PID")
	run sh -c "pstack $PID/$tid 2>/dev/null | sed -n 1p"
	[ "$output" = "$PID/$tid R hold running" ]
}

@test 'uninterruptible: the parent in vfork' {
	hold vfork
	tid=$(last_thread "$PID")
	until_true state_is "$PID/task/$tid" D
	run sh -c "pstack $PID/$tid 2>/dev/null | sed -n 1p"
	[ "$output" = "$PID/$tid D hold vfork()" ]
}

@test 'int 0x80 in 64-bit code is a call of the 32-bit table' {
	[ "$(uname -m)" = x86_64 ] || skip 'needs x86-64'
	need_stack
	echo '#include <asm/unistd_32.h>' | "${CC:-cc}" -E - >/dev/null 2>&1 ||
		skip 'needs <asm/unistd_32.h>'
	hold 3,4=pipe int80:3:3:0:1
	tid=$(last_thread "$PID")
	until_true grep -q '^3 0x3 ' "/proc/$PID/task/$tid/syscall"
	[ "$(what "$PID" "$tid")" = "read(3<pipe:[$(inode "$PID" 3)]>)" ]
}

@test 'a 32-bit program' {
	[ "$(uname -m)" = x86_64 ] || skip 'needs x86-64'
	echo '#include <asm/unistd_32.h>' | "${CC:-cc}" -E - >/dev/null 2>&1 ||
		skip 'needs <asm/unistd_32.h>'
	cat >t.c <<'C'
void _start(void)
{
	char c;
	for (;;)
		__asm__ volatile ("int $0x80" : : "a" (3), "b" (7), "c" (&c), "d" (1) : "memory");
}
C
	"${CC:-cc}" -m32 -nostdlib -static -fno-pie -no-pie -fno-stack-protector \
		-o t t.c 2>/dev/null || skip 'needs -m32'
	mkfifo f
	exec 9<>f
	start ./t 7<f 9>&-
	until_true grep -q '^3 0x7 ' "/proc/$PID/syscall"
	[ "$(what "$PID" "$PID")" = "read(7<$PWD/f>)" ]
	exec 9>&-
}

@test 'names are quoted, and deleted is said by the rule' {
	mkfifo $'a \033b>' 'x (deleted)' gone
	hold $'3=rw:a \033b>' '5=rw:x (deleted)' 6=rw:gone unlink:gone \
		read:3 read:5 read:6
	for t in $(threads "$PID"); do
		until_true state_is "$PID/task/$t" S
	done
	run sh -c "pstack $PID 2>/dev/null | grep -o ' read(.*'"
	[ "$output" = " read(0<$(readlink "/proc/$PID/fd/0")>)
 read(3<$PWD/a \\033b>>)
 read(5<$PWD/x\\040(deleted)>)
 read(6<$PWD/gone (deleted)>)" ]
}

@test 'a hostile command forges no heading' {
	hold 3=eventfd comm:$'a) \033\n1/1 R'
	run sh -c "pstack $PID/$PID 2>/dev/null | grep -v '^	'"
	[[ $output == "$PID/$PID S a)\\040\\033\\0121/1\\040R read("* ]]
	[ "${#lines[@]}" -eq 1 ]
	run sh -c "pstack -J $PID/$PID 2>/dev/null"
	[ "${#lines[@]}" -eq 1 ]
	need jq
	[ "$(jq -r .command <<<"$output")" = $'a) \033\n1/1 R' ]
}

@test '-J: an object a thread' {
	need jq
	hold 3,4=pipe read:3
	tid=$(last_thread "$PID")
	until_true in_call "$PID" "$tid" read
	run -0 sh -c "pstack -J $PID 2>/dev/null || [ \$? -eq 3 ]"
	[ "${#lines[@]}" -eq 2 ]
	j=${lines[1]}
	[ "$(jq -r 'keys_unsorted | join(" ")' <<<"$j")" = \
		'pid tid command state what syscall args fd target wchan stack' ]
	[ "$(jq -c '[.pid, .tid, .command, .state, .fd, .target]' <<<"$j")" = \
		"[$PID,$tid,\"hold\",\"S\",3,\"pipe:[$(inode "$PID" 3)]\"]" ]
	[ "$(jq -c .syscall <<<"$j")" = "{\"nr\":$(nr read),\"name\":\"read\"}" ]
	[ "$(jq -r .wchan <<<"$j")" = "$(cat "/proc/$PID/task/$tid/wchan")" ]
	read -r _ a b c _ <"/proc/$PID/task/$tid/syscall"
	[ "$(jq -c '.args[:3]' <<<"$j")" = "[$((a)),$((b)),$((c))]" ]
	[ "$(jq '.args | length' <<<"$j")" = 6 ]
	if cat /proc/self/stack >/dev/null 2>&1; then
		[ "$(jq -r '.stack[]' <<<"$j")" = "$(frames "$PID" "$tid" | tr -d '\t')" ]
	else
		[ "$(jq .stack <<<"$j")" = null ]
	fi
}

@test 'without the right: the wait channel, one warning, 3' {
	if [ "$(id -u)" -eq 0 ]; then
		chmod 711 "$BATS_TEST_TMPDIR"
		as_user test -x "$TOP/cmd/pstack" || skip 'the tree is closed to others'
		hold_as 'setpriv --reuid 65534 --regid 65534 --clear-groups' \
			3,4=pipe thread read:3
	else
		cat /proc/self/stack >/dev/null 2>&1 && skip 'has the right'
		hold 3,4=pipe thread read:3
	fi
	tid=$(last_thread "$PID")
	until_true in_call "$PID" "$tid" read
	run -3 --separate-stderr as_user "$TOP/cmd/pstack" "$PID" "$PID/$tid"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == 'pstack: '*CAP_SYS_ADMIN* ]]
	[ "${lines[-2]}" = "$PID/$tid S hold read(3<pipe:[$(inode "$PID" 3)]>)" ]
	[ "${lines[-1]}" = "	$(cat "/proc/$PID/task/$tid/wchan")" ]
}

@test "another user's process: one line, 3, and its heading" {
	if [ "$(id -u)" -eq 0 ]; then
		as_user test -x "$TOP/cmd/pstack" || skip 'the tree is closed to others'
		hold thread thread
	else
		hold thread thread undumpable
	fi
	run -3 --separate-stderr as_user "$TOP/cmd/pstack" "$PID"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "pstack: $PID: Permission denied (needs root"*CAP_SYS_ADMIN* ]]
	[[ ${lines[0]} =~ ^$PID/$PID\ [A-Z]\ [^\ ]+\ unknown$ ]]
	[ "${lines[1]}" = '	?' ]
}

@test 'a full disk and a closed pipe' {
	hold thread
	run -1 --separate-stderr sh -c "pstack $PID >/dev/full"
	[[ $stderr == *'pstack: stdout: No space left on device' ]]
	run -0 --separate-stderr sh -c "pstack $PID 2>&1 >/dev/null | grep stdout | head -1"
	run --separate-stderr sh -c "pstack $PID | head -n 1"
	[[ $output == "$PID/$PID "* ]]
	[[ $stderr != *ipe* ]]
}

@test 'fixture: stacks of other kernels' {
	thread fx 5 5 S old
	printf '%s\n' '[<ffffffff946b3b03>] call_rwsem+0x13/0x20 [nfs]' \
		'[<0>] system_call+0x1/0x2' 'bare+0x1/0x2' '0x55d2' \
		'[<ffffffffffffffff>] 0xffffffffffffffff' >"$T/stack"
	ln -s /mnt/f "$T/fd/3"
	run -0 pstack -R fx 5
	[ "$output" = '5/5 S old read(3</mnt/f>)
	call_rwsem+0x13/0x20 [nfs]
	system_call+0x1/0x2
	bare+0x1/0x2
	0x55d2' ]
}

# fixture SYSCALL [STATE [FRAME...]]: what the tool says of such a thread
fixture() {
	thread fx 5 5 "${2:-S}" x
	ln -sfn /mnt/f "$T/fd/3"
	ln -sfn /mnt/g "$T/fd/4"
	printf '%s\n' "$1" >"$T/syscall"
	: "${@:3}"
	local f
	for f in "${@:3}"; do
		printf '[<0>] %s+0x1/0x2\n' "$f"
	done >"$T/stack"
	pstack -R fx 5 | sed -n '1s/^5\/5 \(.\) x /\1 /p'
}

@test 'fixture: words for threads in no call' {
	sp='0x7ffc00000000 0x7fc000000000'
	[ "$(fixture running)" = 'R running' ]
	[ "$(fixture running R)" = 'R running' ]
	[ "$(fixture "-1 $sp" D)" = 'D page fault' ]
	[ "$(fixture "-1 $sp" D folio_wait asm_exc_page_fault)" = 'D page fault' ]
	[ "$(fixture "-1 $sp" D uprobe_notify asm_exc_int3)" = 'D unknown' ]
	# on the way back: a signal, or work that was put off
	[ "$(fixture "-1 $sp" D do_exit get_signal irqentry_exit_to_user_mode asm_exc_page_fault)" = 'D unknown' ]
	[ "$(fixture "-1 $sp" D task_work_run exit_to_user_mode_loop asm_exc_page_fault)" = 'D unknown' ]
	[ "$(fixture "-1 $sp" D do_exit get_signal do_notify_resume el0_da)" = 'D unknown' ]
	[ "$(fixture "-1 $sp" D __fput task_work_run do_notify_resume el0_da)" = 'D unknown' ]
	# a fault on that way
	[ "$(fixture "-1 $sp" D folio_wait handle_mm_fault get_signal asm_exc_page_fault)" = 'D page fault' ]
	[ "$(fixture "0 0x3 0x0 0x1 0x0 0x0 0x0 $sp" t)" = 't traced' ]
	[ "$(fixture "0 0x3 0x0 0x1 0x0 0x0 0x0 $sp" R)" = 'R running' ]
	[ "$(fixture '0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0' I)" = 'I kernel thread' ]
	[ "$(fixture 'nonsense')" = 'S unknown' ]
	# of a stack that is gone already
	[ "$(fixture '-1 0x0 0x0')" = 'S unknown' ]
	thread fx 6 6 I kworker
	sed -i /VmSize/d "$T/status"
	run -0 pstack -R fx 6
	[ "${lines[0]}" = '6/6 I kworker kernel thread' ]
}

@test 'fixture: calls' {
	sp='0x7ffc00000000 0x7fc000000000'
	low='0xffb00000 0xf7f00000'
	[ "$(fixture "999 0x3 0x0 0x1 0x0 0x0 0x0 $sp")" = 'S syscall_999' ]
	[ "$(fixture "$(nr openat) 0xffffff9c 0x1 0x0 0x0 0x0 0x0 $sp")" = 'S openat(...)' ]
	[ "$(fixture "$(nr openat) 0x4 0x1 0x0 0x0 0x0 0x0 $sp")" = 'S openat(4</mnt/g>)' ]
	[ "$(fixture "$(nr read) 0x63 0x1 0x0 0x0 0x0 0x0 $sp")" = 'S read(99)' ]
	[ "$(fixture "$(nr wait4) 0x7b 0x0 0x0 0x0 0x0 0x0 $sp")" = 'S wait4(123)' ]
	[ "$(fixture "$(nr wait4) 0xffffffff 0x0 0x0 0x0 0x0 0x0 $sp")" = 'S wait4(any child)' ]
	[ "$(fixture "$(nr wait4) 0xfffffffb 0x0 0x0 0x0 0x0 0x0 $sp")" = 'S wait4(any child of group 5)' ]
	[ "$(fixture "$(nr waitid) 0x2 0x1 0x0 0x0 0x0 0x0 $sp")" = 'S waitid(any child of group 1)' ]
	[ "$(fixture "$(nr waitid) 0x1 0x7b 0x0 0x0 0x0 0x0 $sp")" = 'S waitid(123)' ]
	[ "$(fixture "$(nr waitid) 0x3 0x4 0x0 0x0 0x0 0x0 $sp")" = 'S waitid(4</mnt/g>)' ]
	[ "$(fixture "$(nr futex) 0x7f10 0x80 0x2 0x7fff0 0x0 0x0 $sp")" = 'S futex(0x7f10, timeout)' ]
	[ "$(fixture "$(nr futex) 0x7f10 0x189 0x2 0x7fff0 0x0 0x0 $sp")" = 'S futex(0x7f10, timeout)' ]
	[ "$(fixture "$(nr futex) 0x7f10 0x81 0x2 0x7fff0 0x0 0x0 $sp")" = 'S futex(0x7f10)' ]
	[ "$(fixture "$(nr sendfile) 0x4 0x3 0x0 0x1 0x0 0x0 $sp")" = 'S sendfile(4</mnt/g>, 3</mnt/f>)' ]
	[ "$(fixture "$(nr epoll_ctl) 0x4 0x1 0x3 0x1 0x0 0x0 $sp")" = 'S epoll_ctl(4</mnt/g>, 3</mnt/f>)' ]
	[ "$(fixture "$(nr copy_file_range) 0x4 0x0 0x3 0x0 0x1 0x0 $sp")" = 'S copy_file_range(4</mnt/g>, 3</mnt/f>)' ]
	[ "$(fixture "$(nr fanotify_mark) 0x3 0x1 0x20 0x4 0x0 0x0 $sp")" = 'S fanotify_mark(3</mnt/f>, 4</mnt/g>)' ]
	[ "$(fixture "$(nr fanotify_mark) 0x3 0x1 0x20 0xffffff9c 0x0 0x0 $sp")" = 'S fanotify_mark(3</mnt/f>)' ]
	[ "$(fixture "$(nr mmap) 0x0 0x1 0x1 0x22 0x3 0x0 $sp")" = 'S mmap(...)' ]
	[ "$(fixture "$(nr mmap) 0x0 0x1 0x1 0x2 0x3 0x0 $sp")" = 'S mmap(3</mnt/f>)' ]
	[ "$(fixture "$(nr perf_event_open) 0x4 0x0 0x0 0x3 0x0 0x0 $sp")" = 'S perf_event_open(3</mnt/f>)' ]
	[ "$(fixture "$(nr perf_event_open) 0x4 0x0 0x0 0xffffffff 0x0 0x0 $sp")" = 'S perf_event_open(...)' ]
	[ "$(fixture "$(nr io_uring_enter) 0x3 0x1 0x1 0x1 0x0 0x0 $sp")" = 'S io_uring_enter(3</mnt/f>)' ]
	# the place of a registered ring is no descriptor
	[ "$(fixture "$(nr io_uring_enter) 0x3 0x1 0x1 0x11 0x0 0x0 $sp")" = 'S io_uring_enter(...)' ]
	[ "$(fixture "$(nr io_uring_register) 0x3 0x1 0x1 0x11 0x0 0x0 $sp")" = 'S io_uring_register(3</mnt/f>)' ]
	[ "$(fixture "$(nr io_uring_register) 0x3 0x80000001 0x1 0x0 0x0 0x0 $sp")" = 'S io_uring_register(...)' ]
	[ "$(fixture "449 0x7f10 0x1 0x0 0x7fff0 0x1 0x0 $sp")" = 'S futex_waitv(timeout)' ]
	[ "$(uname -m)" = x86_64 ] || return 0
	[ "$(fixture "455 0x7f10 0x0 0x0 0x0 0x7fff0 0x0 $sp")" = 'S futex_wait(0x7f10, timeout)' ]
	# the stack's entry decides, else the user stack's place
	[ "$(fixture "0 0x3 0x0 0x1 0x0 0x0 0x0 $low" S do_syscall_64)" = 'S read(3</mnt/f>)' ]
	[ "$(fixture "9999 0x3 0x0 0x1 0x0 0x0 0x0 $low" S __do_fast_syscall_32)" = 'S compat syscall 9999' ]
	[ "$(fixture "9999 0x3 0x0 0x1 0x0 0x0 0x0 $low")" = 'S compat syscall 9999' ]
	[ "$(fixture "9999 0x3 0x0 0x1 0x0 0x0 0x0 $sp" S x do_int80_emulation asm_int80_emulation)" = 'S compat syscall 9999' ]
	echo '#include <asm/unistd_32.h>' | "${CC:-cc}" -E - >/dev/null 2>&1 ||
		skip 'needs <asm/unistd_32.h>'
	[ "$(fixture "3 0x3 0x0 0x1 0x0 0x0 0x0 $low")" = 'S read(3</mnt/f>)' ]
	[ "$(fixture "192 0x0 0x1 0x1 0x2 0x3 0x0 $low")" = 'S mmap2(3</mnt/f>)' ]
	# its mask is two arguments there
	[ "$(fixture "339 0x3 0x1 0x20 0x0 0x4 0x0 $low")" = 'S fanotify_mark(3</mnt/f>, 4</mnt/g>)' ]
	[ "$(fixture "90 0xff00 0x1 0x1 0x2 0x3 0x0 $low")" = 'S mmap(...)' ]
}

@test 'fixture: kernels without stacks or calls say so' {
	thread fx 5 5 S x
	thread fx 5 6 S y
	for t in 5 6; do
		rm "fx/5/task/$t/stack"
		printf do_wait >"fx/5/task/$t/wchan"
		ln -s /mnt/f "fx/5/task/$t/fd/3"
	done
	run -3 --separate-stderr pstack -R fx 5
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *CONFIG_STACKTRACE* ]]
	[ "$(grep -c '^	do_wait$' <<<"$output")" -eq 2 ]
	[ "$(grep '^5' <<<"$output" | sort)" = '5/5 S x read(3</mnt/f>)
5/6 S y read(3</mnt/f>)' ]
	thread fx 7 7 S x
	rm "$T/syscall"
	run -3 --separate-stderr pstack -R fx 7
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *CONFIG_HAVE_ARCH_TRACEHOOK* ]]
	[ "${lines[0]}" = '7/7 S x unknown' ]
}

@test 'fixture: a thread that does not answer hides no other, and none is shown twice' {
	for t in 5 6 7; do
		thread fx 5 "$t" S "c$t"
	done
	rm fx/5/task/6/stack
	mkfifo fx/5/task/6/stack	# open(2) waits for a writer
	thread fx 8 8 S other
	ln -s /mnt/f fx/8/task/8/fd/3
	run -3 --separate-stderr pstack -T 0.5 -R fx 8 5 8
	[ "$stderr" = 'pstack: 5: no answer from fx within 0.5 s' ]
	[ "$(grep -c '^5/' <<<"$output")" -eq 3 ]
	[ "$(grep -c '^5/6 S c6 unknown$' <<<"$output")" -eq 1 ]
	[ "$(grep -A 1 '^5/6 ' <<<"$output" | tail -n 1)" = '	?' ]
	[ "$(grep -c '^8/8 S other read(3</mnt/f>)$' <<<"$output")" -eq 2 ]
	run -3 --separate-stderr pstack -T 0.5 -R fx 5/6
	[ "$output" = '5/6 S c6 unknown
	?' ]
}

@test 'fixture: a procfs that is not there' {
	run -1 pstack -R /nonexistent 1
}
