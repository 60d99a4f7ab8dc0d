# pstack of many threads: -a and -s, groups, what runs between two looks.
load helper
load pstack

# ns SCRIPT: run it by bash in a pid namespace of its own, where it sees its own
# processes only, and they end with it. The script begins with hold ACTION...
ns() {
	need_root
	need unshare
	run -0 --separate-stderr env "PATH=$TESTS:$PATH" timeout -k 5 60 \
		unshare -pf --kill-child --mount-proc bash -c "
		coproc { exec $1"'; }
		read -r pid <&"${COPROC[0]}"
		all() {
			printf "%s\n" /proc/[0-9]*/task/[0-9]* >all
			sed "s,/proc/,,; s,/task,," all | sort -V
		}
		'"$2"
}

# heads [FILE]: the headings of the paragraphs
heads() {
	grep -v -e '^	' -e '^$' "$@"
}

@test '-a: every thread but its own' {
	ns 'hold thread thread' 'pstack -a >out; all >expected; echo "$pid"'
	[ -z "$stderr" ]
	[ "$(grep -c "^$output/" expected)" -eq 3 ]
	heads out | cut -d ' ' -f 1 | diff expected -
}

@test '-a without rights: one line that says what helps, and 0' {
	hold 3=eventfd
	if [ "$(id -u)" -eq 0 ]; then
		as_user test -x "$TOP/cmd/pstack" || skip 'the tree is closed to others'
	else
		cat /proc/self/stack >/dev/null 2>&1 && skip 'has the right'
	fi
	run -0 --separate-stderr as_user "$TOP/cmd/pstack" -a
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr =~ ^'pstack: '[0-9]+' process'.*CAP_SYS_ADMIN ]]
	[[ $output == *"$PID/$PID S hold "* ]]
}

@test '-a: what hidepid hides is said, but not of what it shows' {
	need_root
	as_user test -x "$TOP/cmd/pstack" || skip 'the tree is closed to others'
	mount_proc() {
		unshare -m sh -c "mount -t proc -o hidepid=$1 proc /proc &&
			exec setpriv --reuid 65534 --regid 65534 --clear-groups \
			'$TOP/cmd/pstack' -a"
	}
	run -0 --separate-stderr mount_proc 2
	[ "${stderr_lines[-1]}" = 'pstack: /proc: other users'"'"' processes are hidden (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)' ]
	run -0 --separate-stderr mount_proc 1
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr =~ ^'pstack: '[0-9]+' process' ]]
}

@test '-a: a process that may not be read is counted once' {
	need_root
	as_user test -x "$TOP/cmd/pstack" || skip 'the tree is closed to others'
	ns 'hold thread thread' 'setpriv --reuid 65534 --regid 65534 \
		--clear-groups pstack -a || exit'
	[[ $stderr == 'pstack: 2 processes could not be read whole ('* ]]
	# who was not asleep yet is seen to run by its state
	heads <<<"$output"
	[ "$(heads <<<"$output" |
		grep -cE ' (S [^ ]+ unknown|R [^ ]+ running)$')" -eq 4 ]
}

# in_state LETTERS: PID/TID of the threads in such a state, by their files
in_state() {
	sed -n "s,^State:.\([$1]\) .*,\1,p;T;F" /proc/[0-9]*/task/[0-9]*/status |
		sed -n 's,/proc/\(.*\)/task/\(.*\)/status,\1/\2,p' | sort -V
}

@test '-s: only these states, with or without processes, and -a is meant' {
	ns 'hold vfork thread' "$(declare -f in_state)"'
		until [ "$(in_state D)" ]; do :; done
		for o in "-s D" "-a -s D" "-s D $pid" "-s DZ" "-s S $pid" "-s Z"; do
			echo "$o"
			pstack $o | grep -v -e "^	" -e "^$" | cut -d " " -f 1
		done >got
		for o in "-s D" "-a -s D" "-s D $pid" "-s DZ"; do
			echo "$o"
			in_state D
		done >expected
		echo "-s S $pid" >>expected
		in_state S | grep "^$pid/" >>expected
		echo "-s Z" >>expected'
	[ "$(grep -c / expected)" -ge 6 ]
	diff expected got
}

@test '-s: no hit is 0; a process that is not there is 1' {
	hold 3=eventfd
	run -0 --separate-stderr pstack -s Z "$PID"
	[ -z "$output$stderr" ]
	run -1 --separate-stderr pstack -s Z 4194304
	[ "$stderr" = 'pstack: 4194304: No such process' ]
}

@test '-s: of threads in other states nothing risky is read' {
	thread fx 5 5 S asleep
	rm "$T/stack"
	mkfifo "$T/stack"	# open(2) waits for a writer
	thread fx 5 6 D stuck
	printf '[<0>] io_schedule+0x1/0x2\n' >"$T/stack"
	ln -s /mnt/f "$T/fd/3"
	run -0 --separate-stderr pstack -R fx -s D
	[ -z "$stderr" ]
	[ "$output" = '5/6 D stuck read(3</mnt/f>)
	io_schedule+0x1/0x2' ]
}

@test '-s: a thread that runs meanwhile is in another state' {
	thread fx 5 5 S awake
	echo running >"$T/syscall"
	run -0 pstack -R fx -s S 5
	[ -z "$output" ]
	run -0 pstack -R fx -s SR 5
	[ "${lines[0]}" = '5/5 R awake running' ]
}

# alike: a tree of threads in three groups, one of them in another process
alike() {
	local t
	for t in 5 6 7; do
		thread fx 5 $t S "a;b c"
		printf '[<0>] nfs_wait+0x%s/0x20 [nfs]\n[<0>] top+0x1/0x2\n' \
			"$t" >"$T/stack"
	done
	printf '%s\n' '7 0x0 0x0 0xffffffff 0x0 0x0 0x0 0x7ffc00000000 0x7fc000000000' \
		>"$T/syscall"	# poll
	thread fx 9 9 S "a;b c"
	printf '[<0>] nfs_wait+0xf/0x20 [nfs]\n[<0>] top+0x1/0x2\n' >"$T/stack"
	thread fx 9 10 R ''
	for t in 5 6; do
		ln -s "/mnt/$t" "fx/5/task/$t/fd/3"
	done
}

@test '-u: one paragraph for threads that are alike, most first' {
	[ "$(nr read) $(nr poll)" = '0 7' ] || skip 'needs the numbers of x86-64'
	alike
	run -0 pstack -u -R fx -a
	[ "$output" = '3 threads S a;b\040c read(...)
	nfs_wait [nfs]
	top
	5/5 5/6 9/9

1 thread S a;b\040c poll(...)
	nfs_wait [nfs]
	top
	5/7

1 thread R - running
	?
	9/10' ]
}

@test '-F: lines for flame graphs, whatever the names' {
	alike
	run -0 pstack -F -R fx 9 5
	[ "$output" = '-;[running] 1
a\073b\040c;top;nfs_wait[nfs] 4' ]
	hold comm:$'; 1 \n;\033' thread spin zombie
	child=$(cat "/proc/$PID/task/$PID/children")
	pstack -F "$PID" "${child% }" >out || [ $? -eq 3 ]
	[ "$(wc -l <out)" -ge 2 ]
	[ "$(awk '{ n += $NF } END { print n }' out)" -eq 4 ]
	[ "$(grep -cE '^[^;]+(;[^;]+)* [0-9]+$' out)" -eq "$(wc -l <out)" ]
	grep -q '^\\073\\0401\\040\\012\\073\\033;\[zombie\] 1$' out || {
		cat out
		false
	}
}

@test '-F: the frames are those of the kernel, outermost first' {
	need_stack
	hold 3,4=pipe read:3 read:3
	for t in $(threads "$PID" | tail -n 2); do
		until_true in_call "$PID" "$t" read
	done
	run -0 sh -c "pstack -F $PID | grep ' 2\$'"
	[ "$output" = "hold;$(frames "$PID" "$t" | tr -d '\t' |
		sed 's/+.*//' | tac | paste -s -d ';') 2" ]
}

@test '-u and -F: a thread that does not answer hides none and is said once' {
	for t in 5 6 7; do
		thread fx 5 "$t" S x
	done
	rm fx/5/task/6/stack
	mkfifo fx/5/task/6/stack	# open(2) waits for a writer
	thread fx 4 4 S y
	rm "$T/syscall"
	for o in -u -F; do
		run -3 --separate-stderr pstack "$o" -T 0.5 -R fx 3 4 5 2
		[ "$(sort <<<"$stderr")" = 'pstack: 2: No such process
pstack: 3: No such process
pstack: 5: no answer from fx within 0.5 s
pstack: this kernel shows no system calls (CONFIG_HAVE_ARCH_TRACEHOOK)' ]
		[ "$(grep -oE '^[0-9]+ thread|[0-9]+$' <<<"$output" |
			awk '{ n += $1 } END { print n }')" -ge 4 ]
	done
}

@test '-u and -F: a process that never answers: the others are said once' {
	thread fx 5 5 S x
	rm fx/5/status
	mkfifo fx/5/status	# open(2) waits for a writer
	thread fx 8 8 S y
	for o in '' -u -F; do
		# shellcheck disable=SC2086 # one or none
		run -3 --separate-stderr pstack $o -T 0.5 -R fx 3 5 4 8
		[ "$stderr" = 'pstack: 3: No such process
pstack: 5: no answer from fx within 0.5 s
pstack: 4: No such process' ]
		[[ $output == *y* ]]
	done
}

@test '-i: who did not run at all, who did, and what' {
	hold 3,4=pipe read:3 nap spin
	read -r _ asleep naps spins < <(threads "$PID" | paste -s -d ' ')
	until_true in_call "$PID" "$asleep" read
	switches() {
		awk '/ctxt_switches:/ { n += $2 } END { print n }' \
			"/proc/$PID/task/$naps/status"
	}
	before=$(switches)
	run pstack -i 0.5 "$PID"
	after=$(switches)
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
	[[ $output == *"$PID/$asleep S hold read(3<pipe:"*'>) [ran 0 times in 0.5 s]'* ]]
	[[ $output =~ "$PID/$naps "[^$'\n']*\ \[ran\ ([0-9]+)\ times,\ [0-9]+\ ms\ CPU\ in\ 0\.5\ s\] ]]
	[ "${BASH_REMATCH[1]}" -gt 1 ]
	[ "${BASH_REMATCH[1]}" -le $((after - before)) ]
	[[ $output =~ "$PID/$spins R hold running [ran "[0-9]+\ times?,\ [1-9][0-9]*\ ms\ CPU\ in\ 0\.5\ s\] ]]
}

@test '-i: also where address space is limited' {
	! grep -q __asan_init "$TOP/cmd/pstack" || skip 'the sanitizer needs more'
	hold 3,4=pipe read:3
	tid=$(last_thread "$PID")
	until_true in_call "$PID" "$tid" read
	for kib in 20000 100000 110000; do
		for o in '' -u; do
			run --separate-stderr bash -c \
				"ulimit -v $kib; exec pstack $o -i 0.02 $PID/$tid"
			# 3: not root's
			[ "$status" -eq 0 ] || [[ $status$stderr == 3*CAP_SYS_ADMIN* ]]
			[[ ${lines[0]} == *' read('*'[ran 0 times in 0.02 s]' ]]
		done
	done
}

@test '-i -J: ran and cpu, and only then' {
	need jq
	hold 3,4=pipe read:3 spin
	read -r _ asleep spins < <(threads "$PID" | paste -s -d ' ')
	until_true in_call "$PID" "$asleep" read
	before=$(cut -d ' ' -f 1 "/proc/$PID/task/$spins/schedstat")
	pstack -J -i 0.2 "$PID/$asleep" "$PID/$spins" >out 2>/dev/null || [ $? -eq 3 ]
	after=$(cut -d ' ' -f 1 "/proc/$PID/task/$spins/schedstat")
	[ "$(jq -c '[.tid, .ran, .cpu]' out | head -n 1)" = "[$asleep,0,0]" ]
	[ "$(jq 'select(.cpu > 0 and .ran > 0) | .tid' out)" = "$spins" ]
	[ "$(jq "select(.tid == $spins) | .cpu * 1e6 <= $((after - before))" out)" = true ]
	run sh -c "pstack -J $PID 2>/dev/null | jq 'has(\"ran\")' | sort -u"
	[ "$output" = false ]
}

@test '-i -u: those that did not run are apart' {
	hold 3,4=pipe read:3 read:3 nap nap
	for t in $(threads "$PID" | sed -n 2,3p); do
		until_true in_call "$PID" "$t" read
	done
	run pstack -u -i 0.3 "$PID"
	# the leader reads as well: what it waits in is the same, its frames aren't
	[[ $output == *[23]' threads S hold read(...) [ran 0 times in 0.3 s]'* ]]
	# asleep or running, each alone or both
	[[ $output =~ [12]\ threads?\ [RS]\ hold\ [a-z_.()]+\ \[ran\ [0-9]+\ times,\ [0-9]+\ ms ]]
}

# ran THREAD SWITCHES NS: what the fixture's thread has run
ran() {
	printf 'voluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t2\n' \
		"$2" >>"$1/status"
	printf '%s 0 9\n' "$3" >"$1/schedstat"
}

@test '-i: none, some, all the time, and all that a new thread ran' {
	for t in 5 6 7; do
		thread fx 5 "$t" S x
		ran "$T" 7 5000000
		ln -s /mnt/f "$T/fd/3"
	done
	cp -r fx/5/task later
	mv later/7 later/8
	sed -i 's/^Pid:.*/Pid:\t8/' later/8/status
	sed -i 's/^voluntary.*/voluntary_ctxt_switches:\t29/' later/6/status
	echo '7600000 0 9' >later/6/schedstat
	echo '105000000 0 9' >later/7-schedstat
	sleeps=$(nr clock_nanosleep)
	start pstack -R fx -i 4 5 >out
	one=$PID
	start pstack -R fx -i 4 -u 5 >groups
	waits() {
		local child
		child=$(cat "/proc/$1/task/$1/children")
		grep -q "^$sleeps " "/proc/${child% }/syscall"
	}
	until_true waits "$one"
	until_true waits "$PID"
	mv later/6/status later/6/schedstat fx/5/task/6
	mv later/7-schedstat fx/5/task/7/schedstat
	mv later/8 fx/5/task/8
	wait "$one" "$PID"
	run heads out
	[ "$output" = '5/5 S x read(3</mnt/f>) [ran 0 times in 4 s]
5/6 S x read(3</mnt/f>) [ran 22 times, 3 ms CPU in 4 s]
5/7 S x read(3</mnt/f>) [ran 1 time, 100 ms CPU in 4 s]
5/8 S x read(3</mnt/f>) [ran 9 times, 5 ms CPU in 4 s]' ]
	[ "$(cat groups)" = '3 threads S x read(...) [ran 32 times, 108 ms CPU in 4 s]
	?
	5/6 5/7 5/8

1 thread S x read(...) [ran 0 times in 4 s]
	?
	5/5' ]
}

@test '-i: what does not answer the first look holds up no other, nor the second' {
	for t in 5 6 7; do
		thread fx "$t" "$t" S "c$t"
		ran "$T" 7 5000000
		ln -s /mnt/f "$T/fd/3"
	done
	rm fx/6/task/6/schedstat
	mkfifo fx/6/task/6/schedstat	# open(2) waits for a writer
	for o in '' -u; do
		# shellcheck disable=SC2086 # one or none
		run -3 --separate-stderr timeout -s KILL 20 \
			pstack -T 0.5 $o -R fx -i 0.1 5 6 7
		[ "$stderr" = 'pstack: 6: no answer from fx within 0.5 s' ]
	done
	[[ $output == *'S c5 read(...) [ran 0 times in 0.1 s]'* ]]
	[[ $output == *'S c7 read(...) [ran 0 times in 0.1 s]'* ]]
	# of all
	run -3 --separate-stderr timeout -s KILL 20 \
		pstack -T 0.5 -R fx -i 0.1 -a
	[ "$(heads <<<"$output" | grep -c 'ran 0 times in 0.1 s')" -ge 2 ]
}

@test '-i: a process that is not there is said, without waiting for it' {
	hold 3=eventfd
	run --separate-stderr pstack -i 0.1 4194304 "$PID"
	[ "${stderr_lines[0]}" = 'pstack: 4194304: No such process' ]
	[[ $output == "$PID/$PID S hold read("*' [ran 0 times in 0.1 s]'* ]]
	run -1 --separate-stderr timeout 20 pstack -i 1000 4194304
	[ "$stderr" = 'pstack: 4194304: No such process' ]
}

@test 'messages name a process as it was given' {
	thread fx 5 5 S x
	thread fx 5 6 S x
	rm fx/5/task/5/stack fx/5/task/6/stack
	mkfifo fx/5/task/5/stack fx/5/task/6/stack
	mkdir -p fx/6
	cp fx/5/task/6/status fx/6/status
	for o in 005 5/6 05/5 06; do
		run -3 --separate-stderr pstack -T 0.5 -R fx "$o"
		[ "$stderr" = "pstack: $o: no answer from fx within 0.5 s" ]
	done
	run -1 --separate-stderr pstack 04194304
	[ "$stderr" = 'pstack: 04194304: No such process' ]
}

@test 'messages name a process by the thread that was given' {
	local dump=
	if [ "$(id -u)" -eq 0 ]; then
		as_user test -x "$TOP/cmd/lsfd" || skip 'the tree is closed to others'
	else
		dump=undumpable
	fi
	# shellcheck disable=SC2086 # a word or none
	hold thread $dump
	PID=$(last_thread "$PID")
	for tool in pstack lsfd fdpeer; do
		run -3 --separate-stderr as_user "$TOP/cmd/$tool" "0$PID"
		[[ $stderr == "$tool: 0$PID: Permission denied"* ]]
	done
}
