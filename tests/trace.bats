load helper

# What the tools do to the processes that they look at: nothing.

# victim: a process with one descriptor of many kinds, asleep; its PID in $PID
victim() {
	head -c 5000 /dev/urandom >gone
	echo kept >kept
	mkfifo fifo
	hold 100=r:gone unlink:gone 101,102=pipe text:102:pipe 103=rw:fifo \
		104=rw:kept pos:104:3 105,106=pty 107=epoll:101 108=eventfd \
		109,110=unix text:109:unix 111=inotify:. 112=memfd:m \
		113=socket:unix,stream,bind=sock,listen 114=timerfd 115=pidfd \
		private:116=dup:100 map:kept
	exec {FIFO}<>fifo
	HELDS+=("$FIFO")
	printf 'fifo' >&"$FIFO"
	until_true state_is "$PID" S
}

# runs: command lines of all tools, but what fdrecover does to its source
runs() {
	cat <<-E
		pstack $PID
		pstack -J $PID/$PID
		pstack -i 0.05 $PID
		lsfd -al $PID
		lsfd $PWD/kept
		lsfd --count
		fdpeer $PID
		fdpeer -r $PID 101
		fdpeer $PID 105
		fdpeer $PID 109
		fdrecover
		fdprogress $PID 104
		fdprogress -i 0.05 -J $PID 100
		fdprogress -i 0.05 $PID
		fdprogress -i 0.05
		fdprogress -f -i 0.02 --stall 0.1 $PID 104
		fdpeer -r --sockets $PID 109
		lsfd -t pipe,unix
		lsfd -m /
	E
}

need_strace() {
	need strace
	strace --seccomp-bpf -f -o /dev/null true 2>/dev/null || skip 'strace does not work here'
}

# trace COMMAND...: what it does to others into ./trace, with the paths of
# descriptors; "?" is for what not every machine has
trace() {
	local calls='?open,openat,openat2,close,?pidfd_getfd,?poll,?ppoll,ptrace'
	calls+=',kill,tkill,tgkill,rt_sigqueueinfo,rt_tgsigqueueinfo'
	calls+=',?pidfd_send_signal,process_vm_readv,process_vm_writev'
	calls+=',?process_madvise,tee,splice,vmsplice,prlimit64,setpriority'
	calls+=',sched_setaffinity,sched_setscheduler,sched_setparam'
	calls+=',?unlink,unlinkat,?rename,renameat,renameat2,?link,linkat'
	calls+=',?symlink,symlinkat,?mkdir,mkdirat,?mknod,mknodat,?chmod'
	calls+=',fchmodat,?chown,fchownat,truncate,ftruncate'
	strace --seccomp-bpf -f -y -e trace="$calls" -o trace "$@" >/dev/null 2>err || {
		case $? in 1 | 3 | 4) ;; *) cat err; return 1 ;; esac
	}
}

# none PATTERN: it is nowhere in the trace; a sanitizer reads its own, and makes
# the directory of its log.
none() {
	grep -E -e "$1" trace |
		grep -vE '/proc/self/|mkdir.* EEXIST ' >seen || return 0
	cat seen
	return 1
}

# innocent: nothing is opened, signalled, attached to or written
innocent() {
	local own others pattern
	for pattern in \
		'\<open(at2?)?\([^"]*/fd>, "[0-9]+"' \
		'\<open(at2?)?\([^"]*"([^"]*/)?fd/[0-9]+"' \
		'\<open(at2?)?\([^"]*"[^"]*(cmdline|environ|/mem|^mem)"' \
		'\<open(at2?)?\([^"]*"mem"' \
		'\<(ptrace|process_vm_readv|process_vm_writev|tee|splice|vmsplice)\(' \
		'\<(process_madvise|pidfd_send_signal|rt_t?g?sigqueueinfo)\(' \
		'\<(unlink|rename|link|symlink|mkdir|mknod|chmod|chown|truncate)[a-z0-9]*\(' \
		'\<(sched_set[a-z]+|setpriority|prlimit64\([1-9][0-9]*, [A-Z_]+, \{)' \
		'\<open(at2?)?\([^"]*"(/dev/[^n]|[^/]|/[^d])[^"]*", [A-Z_|]*(O_WRONLY|O_RDWR|O_CREAT)'
	do
		none "$pattern" || return
	done
	# its own child only
	own=$(awk '{ print $1 }' trace | sort -u | tr '\n' '|')
	others=$(grep -E '\<t?g?kill\(' trace |
		grep -vE "kill\((${own%|})[,)]" || true)
	[ -z "$others" ] || {
		echo "$others"
		return 1
	}
}

# duplicates FD: that one alone, in each table, and the call after next closes it
duplicates() {
	awk -v fd="$1" '$1 == pid && left && --left == 0 &&
			$0 !~ " close\\(" dup "[<)]" { bad = 1 }
		/[^a-z]pidfd_getfd\(/ {
			n++
			pid = $1
			left = 2
			dup = $0
			sub(/.* = /, "", dup)
			sub(/[^0-9].*/, "", dup)
			bad += $0 !~ "pidfd_getfd\\([^,]*, " fd "<"
		}
		END { exit bad || left || n != 2 }' trace
}

@test "trace: nothing of another process is opened, signalled or written" {
	need_strace
	victim
	while read -r t; do
		# options that this tool does not know yet are no run
		# shellcheck disable=SC2086 # words
		trace $t
		echo "$t"
		innocent
		case $t in
		fdpeer*) ;;
		'lsfd -al'*)
			# what another process cut in two is no line to read
			while grep -q 'close(.*unfinished\|getfd(.*unfinished' trace; do
				# shellcheck disable=SC2086 # words
				trace $t
			done
			duplicates 112 ;;
		*) none '\<pidfd_getfd\(' ;;
		esac
	done < <(runs)
	# and that would have been seen
	for t in "cat /proc/$PID/fd/104" "cat /proc/$PID/cmdline" \
		"env kill -0 $PID" "touch kept" "mv kept kept2"; do
		# shellcheck disable=SC2086 # words
		trace $t
		echo "$t"
		run ! innocent
	done
	# what is duplicated to prove an end is closed by the next calls
	hold 100,101=pipe close:100
	trace fdpeer "$PID" 101
	[ "$(grep -c '\<pidfd_getfd(.* = [0-9]' trace)" -eq 1 ]
	n=$(sed -n 's/.*\<pidfd_getfd(.* = \([0-9]*\).*/\1/p' trace)
	[[ $(grep -A 4 '\<pidfd_getfd(.* = ' trace) == *" close($n<"* ]]
}

@test "trace: a restore opens its own source and nothing else" {
	need_strace
	victim
	trace fdrecover "$PID" 100 back
	cmp back "/proc/$PID/fd/100"
	none '\<open(at2?)?\([^"]*/fd>, "(0|1|2|10[1-9]|11[0-9])"'
	none '\<open(at2?)?\([^"]*"([^"]*/)?fd/(0|1|2|10[1-9]|11[0-9])"'
	none '\<(ptrace|pidfd_send_signal)\('
	none '"[^"]*(cmdline|environ|/mem)"'
}

@test "trace: the victim never ran, and its pipes and terminal are as they were" {
	victim
	# what reading them again would show
	snapshot() {
		local fd
		for fd in $(seq 100 115); do
			echo "$fd: $(readlink "/proc/$PID/fd/$fd")"
			cat "/proc/$PID/fdinfo/$fd"
		done
		grep -h ctxt_switches /proc/"$PID"/task/*/status
		stat -c '%x %y %z' kept
		stty -a <"/dev/pts/$pts"
	}
	pts=$(basename "$(readlink "/proc/$PID/fd/106")")
	[ -c "/dev/pts/$pts" ]
	snapshot >before
	while read -r t; do
		$t >/dev/null 2>&1 || true
	done < <(runs)
	fdrecover -T 20 "$PID" 100 back || [ $? -eq 3 ]
	snapshot >after
	diff before after
	# nothing was taken out
	IFS= read -r -t 5 -n 4 -u "$FIFO" text
	[ "$text" = fifo ]
	[ "$(cat kept)" = kept ]
}
