# What is only seen among all processes of the machine, which tests/run spares the
# other files. Some of them may be stuck: that is said, and is no failure.
load helper

setup() {
	HELDS=() STARTED=()
	cd "$BATS_TEST_TMPDIR" || return
	[ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ] ||
		skip 'needs to see kernel threads'
}

@test 'machine: a kernel thread, of pstack' {
	run sh -c 'pstack 2 2>/dev/null | sed -n 1p'
	[ "$output" = '2/2 S kthreadd kernel thread' ]
}

@test 'machine: pstack -a has threads of the kernel too' {
	run -0 --separate-stderr sh -c "pstack -a | sed -n '/^2\//{p;n;p;q;}'"
	[ "${lines[0]}" = '2/2 S kthreadd kernel thread' ]
	# the stack may be readable for all, but not where PID 1 refuses
	[ "$(grep -vc ': no answer from /proc within ' <<<"$stderr")" -le 1 ]
}

@test 'machine: a kernel thread has no descriptors, of lsfd' {
	run -1 --separate-stderr lsfd 2
	[ "$stderr" = 'lsfd: 2: no open descriptors' ]
}
