# What is only seen among all processes of the machine, which tests/run spares the
# other files. Some of them may be stuck: that is said, and is no failure.
load helper

setup() {
	HELDS=() STARTED=()
	cd "$BATS_TEST_TMPDIR" || return
}

need_kthreads() {
	[ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ] ||
		skip 'needs to see kernel threads'
}

@test 'machine: a kernel thread, of pstack' {
	need_kthreads
	run sh -c 'pstack 2 2>/dev/null | sed -n 1p'
	[ "$output" = '2/2 S kthreadd kernel thread' ]
}

@test 'machine: pstack -a has threads of the kernel too' {
	need_kthreads
	run -0 --separate-stderr sh -c "pstack -a | sed -n '/^2\//{p;n;p;q;}'"
	[ "${lines[0]}" = '2/2 S kthreadd kernel thread' ]
	# the stack may be readable for all, but not where PID 1 refuses
	[ "$(grep -vc ': no answer from /proc within ' <<<"$stderr")" -le 1 ]
}

@test 'machine: a kernel thread has no descriptors, of lsfd' {
	need_kthreads
	run -1 --separate-stderr lsfd 2
	[ "$stderr" = 'lsfd: 2: no open descriptors' ]
}

@test 'machine: but a kernel thread has a working directory, which not all may see' {
	local args
	need_kthreads
	as_user test -x "$TOP/cmd/lsfd" || skip 'the tree is closed to others'
	for args in '-a' '-m /' '/' '-d /'; do
		# shellcheck disable=SC2086 # words
		run -3 --separate-stderr as_user "$TOP/cmd/lsfd" $args 2
		[ -z "$output" ]
		[[ $stderr == 'lsfd: 2: Permission denied (needs root'* ]]
	done
	run -1 as_user "$TOP/cmd/lsfd" -t pipe 2
}

@test "machine: a process of root's, for an ordinary user: one line, 3" {
	local tool pid rest
	need_user
	[ "$(stat -c %u /proc/1)" -eq 0 ] || skip 'needs a process of root'
	while read -r tool pid rest; do
		# shellcheck disable=SC2086 # words
		run -3 --separate-stderr "$tool" "$pid" $rest
		echo "$tool $pid: $stderr"
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == "$tool: $pid: Permission denied (needs root"*CAP_SYS_PTRACE* ]]
	done <<-'END'
		pstack 1
		lsfd 01
		fdpeer 01 0
		fdrecover 1 0 x
		fdprogress 1 0
	END
	[ ! -e x ]
}
