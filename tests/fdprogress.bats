#!/usr/bin/env bats

load helper

teardown() {
	end_started
	[ -z "${LOOP-}" ] || losetup -d "$LOOP"
}

# pace FD FLAGS PATH [leave]: start tests/pace; its PID in $PID.
pace() {
	local dir
	dir=$(mktemp -d pace.XXXXXX)
	mkfifo "$dir/in" "$dir/out"
	"$TESTS/pace" "$@" <"$dir/in" >"$dir/out" 3>&- 4>&- 10>&- 251>&- &
	STARTED+=($!)
	exec {TO}>"$dir/in" {FROM}<"$dir/out"
	HELDS+=("$TO" "$FROM")
	read -r PID <&"$FROM"
}

# tell COMMAND...: have tests/pace do it; the position it then has in $POS.
tell() {
	echo "$*" >&"$TO"
	read -r POS <&"$FROM"
}

# order COMMAND...: the same where it ends and does not answer.
order() {
	echo "$*" >&"$TO"
}

# follow [OPTION]... PID FD: fdprogress -f in the background, into out and err,
# and wait for its first record; its PID in $FOLLOWER.
follow() {
	local job=$PID
	start fdprogress -f -i 0.1 "$@" >out 2>err
	FOLLOWER=$PID PID=$job
	until_true test -s out
	until_true has_lines 3 out
}

has_lines() {
	[ "$(tr '\0' '\n' <"$2" | wc -l)" -ge "$1" ]
}

# verdict STATUS TEXT: what the follower ends with.
verdict() {
	local status=0
	wait "$FOLLOWER" || status=$?
	cat out err
	[ "$status" -eq "$1" ]
	[ "$(tail -n 1 err)" = "fdprogress: $PID: $2" ]
}

# column N: of the last record on standard output, under -H.
column() {
	tail -n 1 <<<"$output" | cut -f "$1"
}

file() {
	head -c "${2:-1000000}" /dev/zero >"$1"
}

# A tree that stands for a procfs, with process 100 and its descriptor 7.
fixture() {
	file f
	mkdir -p tree/100/fd tree/100/fdinfo tree/self
	printf 'Name:\tjob\nState:\tS (sleeping)\nTgid:\t100\nPid:\t100\nUid:\t0\t0\t0\t0\nThreads:\t1\n' >tree/100/status
	echo job >tree/100/comm
	printf 'pos:\t250000\nflags:\t0100000\nmnt_id:\t1\n' >tree/100/fdinfo/7
	ln -s "$(pwd)/f" tree/100/fd/7
}

@test "bad operands are usage errors" {
	for args in -f 'abc 3' '1e3 3' '0x10 3' '0 3' '1 -3' '1 3x' '-- -1 3' \
	    '1 3 4' '99999999999 3' '1 99999999999' '-i 0 1 3' '-i x 1 3' \
	    '-i .2 1 3' '-JH 1 3' '-T x 1 3' '-q 1 3' '--size x 1 3' \
	    '--size 0 1 3' '--size 3' '--stall 3 1 3' '-f --stall 0 1 3' \
	    '-f --stall x 1 3'; do
		# shellcheck disable=SC2086
		run --separate-stderr fdprogress $args
		echo "$args: $status $stderr"
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[[ $stderr == fdprogress:* ]]
	done
	run -2 fdprogress '' 3
	run -2 fdprogress 1 ''
}

@test "-h and -V" {
	run -0 fdprogress -h
	[[ ${lines[0]} == 'usage: fdprogress [-fqJH0] [-i SECS] '* ]]
	run -0 fdprogress --version
	[[ $output == 'fdprogress (proctools) '* ]]
}

@test "no such process, no such descriptor" {
	hold comm:job
	local gone=$PID
	end_started
	run --separate-stderr fdprogress "$gone" 3
	[ "$status" -eq 1 ]
	[ "$stderr" = "fdprogress: $gone: No such process" ]
	hold comm:job
	run --separate-stderr -1 fdprogress "$PID" 05000000
	[ "$stderr" = "fdprogress: $PID: no descriptor 5000000" ]
	run --separate-stderr -1 fdprogress -f "$PID" $$
	[ "$stderr" = "fdprogress: $PID: no descriptor $$ (one process at a time)" ]
	[ -z "$output" ]
}

@test "a zombie is said to be one" {
	hold zombie
	local job
	job=$(tr -d ' ' <"/proc/$PID/task/$PID/children")
	until_true state_is "$job" Z
	for args in "$job" "$job 7" "-f $job 7"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -1 fdprogress $args
		[ -z "$output" ]
		[ "$stderr" = "fdprogress: $job: ended (zombie): its parent has not waited for it" ]
	done
	# a dead leader is none
	hold deadleader
	until_true state_is "$PID" Z
	run --separate-stderr -1 fdprogress "$PID" 5000000
	[ "$stderr" = "fdprogress: $PID: no descriptor 5000000" ]
}

@test "what has no position is refused" {
	hold 5,6=pipe 7=r:/ 8=path:/etc/passwd 9=eventfd 11=r:/dev/null \
	    12,13=unix 14=epoll:5 15=r:/proc/self/status
	for fd in 5=pipe 7=dir 8=O_PATH 9=eventfd 11=chr 12=sock 14=epoll \
	    15=procfs; do
		run --separate-stderr -1 fdprogress "$PID" "${fd%=*}"
		[ "$stderr" = "fdprogress: $PID: descriptor ${fd%=*} (${fd#*=}) has no position" ]
		[ -z "$output" ]
	done
}

@test "another user's process is not to be looked at" {
	need_root
	hold 7=r:/etc/passwd
	run --separate-stderr -3 as_user "$TOP/cmd/fdprogress" "$PID" 7
	[ "$stderr" = "fdprogress: $PID: Permission denied (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)" ]
}

@test "a full disk and a closed pipe" {
	file f
	hold 7=r:f
	run -1 bash -c "fdprogress $PID 7 2>/dev/null >/dev/full"
	run bash -c "fdprogress -f -i 0.1 $PID 7 2>err | head -n 1; cat err"
	[[ ${lines[0]} == PID* ]]
	[ "${#lines[@]}" -eq 1 ]
}

@test "position, size and percent are the file's" {
	file f 1000000
	hold 7=r:f pos:7:452000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$output" = "$(printf '%s\t' "$PID" hold 7 none 452000 1000000 45.20 0 -)$(pwd)/f" ]
	run --separate-stderr -0 fdprogress "$PID" 7
	read -r pid comm fd by pos size percent rate eta name <<<"${lines[1]}"
	[ "${lines[0]%%[[:space:]]*}" = PID ]
	[ "$pid $comm $fd $by $pos $size $percent $rate $eta" = \
	    "$PID hold 7 none 441K 977K 45.2 0 -" ]
	[ "$name" = "$(pwd)/f" ]
}

@test "a position and a size of more digits than a double has" {
	hold 100=memfd:x pos:100:9007199254740993
	truncate -s 9007199254740995 "/proc/$PID/fd/100"
	run --separate-stderr -0 fdprogress -H "$PID" 100
	[ "$(column 5,6)" = '9007199254740993	9007199254740995' ]
}

@test "not moving: none, and why" {
	file f
	hold 7=r:f pos:7:1000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(column 4)" = none ]
	[ "$(column 8)" = 0 ]
	[ "$(column 9)" = - ]
	[[ $stderr == "fdprogress: $PID: stalled: state S, "* ]]
	kill -STOP "$PID"
	until_true state_is "$PID" T
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(column 4)" = none ]
	[ "$stderr" = "fdprogress: $PID: stalled: state T, stopped" ]
	kill -CONT "$PID"
}

@test "a position at the end is no proof that all was read" {
	file f
	hold 7=r:f pos:7:1000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(column 5)" = 1000000 ]
	[ "$(column 7)" = - ]
	# nor is one behind it a part of anything
	hold 7=r:f pos:7:2000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(column 5)" = 2000000 ]
	[ "$(column 7)" = - ]
	# but who has read all is at 100 %
	pace 7 r f
	tell step 1000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(column 7)" = 100.00 ]
}

@test "a growing output has no total" {
	pace 7 w grows
	tell step 1000000
	tell rate 2000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(column 4)" = pos ]
	[ "$(column 7)" = - ]
	[ "$(column 9)" = - ]
	# one of a known size has
	file whole 20000000
	pace 8 w whole
	tell rate 2000000
	run --separate-stderr -0 fdprogress -H "$PID" 8
	[ "$(column 4)" = pos ]
	[ "$(column 7)" != - ]
}

@test "rate and time left, between two samples" {
	file f 100000000
	pace 7 r f
	tell seek 50000000	# the age of the process says nothing then
	tell rate 10000000
	run --separate-stderr -0 fdprogress -H -i 0.5 "$PID" 7
	echo "$output"
	[ "$(column 4)" = pos ]
	[ "$(column 8)" -gt 9000000 ]
	[ "$(column 8)" -lt 11000000 ]
	want=$(((100000000 - $(column 5)) / 10000000))
	[ "$(column 9)" -ge $((want - 1)) ]
	[ "$(column 9)" -le $((want + 1)) ]
	[ -z "$stderr" ]
}

@test "a process that has only read this file: no waiting" {
	truncate -s 10G f
	pace 7 r f
	job=$PID FD=7
	tell rate 20000000
	age() { [ "$(ps -o etimes= -p "$job")" -ge 2 ]; }
	until_true age
	before=${EPOCHREALTIME/[.,]/}
	# -i 5 would take 5 s
	run --separate-stderr -0 fdprogress -H -i 5 "$job" "$FD"
	took=$((${EPOCHREALTIME/[.,]/} - before))
	echo "$output, $took us"
	[ "$took" -lt 4000000 ]
	[ "$(column 4)" = pos ]
	pos=$(column 5) rate=$(column 8)
	ticks=$(sed 's/.*) //' "/proc/$job/stat" | cut -d ' ' -f 20)
	age=$(awk -v t="$ticks" -v hz="$(getconf CLK_TCK)" '{ print $1 - t / hz }' /proc/uptime)
	awk -v p="$pos" -v r="$rate" -v a="$age" \
	    'BEGIN { e = p / a; exit !(r > e * .8 && r < e * 1.25) }'
}

@test "a process that waited before it read: two samples" {
	file f 100000000
	pace 7 r f
	old() { [ "$(ps -o etimes= -p "$PID")" -ge 1 ]; }
	until_true old
	tell rate 20000000
	run --separate-stderr -0 fdprogress -H -i 0.3 "$PID" 7
	echo "$output"
	[ "$(column 8)" -gt 15000000 ]
	[ "$(column 8)" -lt 25000000 ]
}

# between LOW VALUE HIGH
between() {
	[ "$2" -ge "$1" ] && [ "$2" -le "$3" ]
}

@test "by pread: a rate, and where it is if that is seen" {
	file f 100000000
	pace 7 r f
	for via in pread copy; do
		tell via "$via"
		tell rate 5000000
		run --separate-stderr -0 fdprogress -H "$PID" 7
		echo "$output"
		[ "$(column 4)" = pread ]
		between 3000000 "$(column 8)" 9000000
	done
	# also where the position stands at the end
	tell seek 100000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(column 4)" = pread ]
}

@test "by pread: the offset of the call" {
	fixture
	printf 'pos:\t0\nflags:\t0100000\nmnt_id:\t1\n' >tree/100/fdinfo/7
	echo '17 0x7 0x7f00 0x1000 0x3d090 0x0 0x0 0x7ffd12345678 0x7f0112345678' >tree/100/syscall
	# its counts are those of one that reads: nothing here waits for a disk
	file g 100000000
	pace 8 r g
	ln -s "/proc/$PID/io" tree/100/io
	tell via pread
	tell rate 100000
	run --separate-stderr -0 fdprogress -R tree -H 100 7
	echo "$output"
	[ "$(cut -f 4-7 <<<"$output")" = "$(printf 'pread\t250000\t1000000\t25.00')" ]
	between 50000 "$(column 8)" 200000
	awk -v r="$(column 8)" -v e="$(column 9)" \
	    'BEGIN { d = 750000 / r - e; exit !(d < 1 && d > -1) }'
	# a thread that reads another file says that it is not this one
	echo '0 0x5 0x7f00 0x1000 0x0 0x0 0x0 0x7ffd12345678 0x7f0112345678' >tree/100/syscall
	run --separate-stderr -0 fdprogress -R tree -H 100 7
	[ "$(cut -f 4,7 <<<"$output")" = "$(printf 'io\t-')" ]
}

# reads N: the process of the fixture goes on so many times by 10,000 bytes
reads() {
	local i
	for ((i = 0; i < $1; i++)); do
		RCHAR=$((RCHAR + 10000))
		printf 'rchar: %d\nwchar: 0\nread_bytes: 0\nwrite_bytes: 0\n' \
			"$RCHAR" >tree/io
		mv tree/io tree/100/io
		sleep 0.01
	done
}

# calls TEXT: the call that it is in
calls() {
	echo "$1" >tree/syscall
	mv tree/syscall tree/100/syscall
}

@test "by pread: on from the offset that was seen once" {
	fixture
	printf 'pos:\t0\nflags:\t0100000\nmnt_id:\t1\n' >tree/100/fdinfo/7
	RCHAR=5000000
	reads 1
	calls '17 0x7 0x7f00 0x1000 0x3d090 0x0 0x0 0x7ffd12345678 0x7f0112345678'
	PID=100
	follow -H -R tree 100 7
	until_true has_lines 8 out
	# it is not met in a call again
	calls running
	reads 20
	until_true grep -q "$(printf 'pread\t450000\t1000000\t45.00')" out
	# in a call on another file: what it reads may be of that
	calls '0 0x5 0x7f00 0x1000 0x0 0x0 0x0 0x7ffd12345678 0x7f0112345678'
	n=$(wc -l <out)
	astray() {
		reads 1
		tail -n +$((n + 1)) out | grep -q "$(printf 'pread\t-\t1000000\t-')"
	}
	until_true astray
	rm -r tree/100
	wait "$FOLLOWER" || true
	# nothing else was said but where it was
	[ -z "$(cut -f 4,5 out | grep pread | grep -vE '^pread.(-|[0-9]*0000)$')" ]
}

@test "by pread: also of writes into what is there" {
	file f 100000000
	pace 7 rw f
	tell via pwrite
	tell rate 5000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(column 4)" = pread ]
	between 3500000 "$(column 8)" 6500000
}

@test "by the size of what grows while nothing else moves" {
	file f 100000000
	pace 7 r f
	tell via size
	tell step 30000000
	tell rate 5000000
	for fd in 7 ''; do
		# shellcheck disable=SC2086
		run --separate-stderr -0 fdprogress -H "$PID" $fd
		size=$(stat -c %s f.copy)
		echo "$output, $stderr, $size"
		[ "$(column 4)" = size ]
		between $((size - 20000000)) "$(column 5)" "$size"
		[ "$(column 6)" = 100000000 ]
		[ "$(column 7)" = "$(awk -v p="$(column 5)" 'BEGIN { printf "%.2f", p / 1e6 }')" ]
		between 3500000 "$(column 8)" 6500000
		between 1 "$(column 9)" 20
		[ "$(column 3)" != 7 ] || [[ $stderr == *": measured by the size of descriptor "[0-9]* ]]
	done
	[ "$(column 10)" = "$(pwd)/f.copy" ]
}

# Copy "from" to "to", descriptors 7 and 8, hole and all: 5 MB, a hole of 75 MB,
# and then 20 MB, 1 MB a second. With an argument: without holes in the copy.
copy_holes() {
	file from 5000000
	truncate -s 80000000 from
	head -c 20000000 /dev/zero >>from
	DATA=$(($(stat -c %b from) * 512))
	[ "$DATA" -lt 60000000 ] || skip "no holes in files here"
	cat >copy.py <<-'EOF'
		import os, sys, time
		os.dup2(os.open("from", os.O_RDONLY), 7)
		os.dup2(os.open("to", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 8)
		os.closerange(3, 7)
		os.write(8, os.read(7, 5000000))
		if len(sys.argv) > 1:
		    for i in range(75):
		        os.write(8, os.read(7, 1000000))
		else:
		    os.lseek(7, 80000000, os.SEEK_SET)
		    os.lseek(8, 80000000, os.SEEK_SET)
		begin, n = time.monotonic(), 0
		while True:
		    m = min(int((time.monotonic() - begin) * 1000000),
		            20000000, n + 100000)
		    if m > n:
		        os.write(8, os.read(7, m - n))
		        n = m
		    time.sleep(0.01)
	EOF
	start python3 copy.py "$@"
	until_true larger_than 80100000 to
}

larger_than() {
	[ -e "$2" ] && [ "$(stat -c %s "$2")" -gt "$1" ]
}

# data: bytes of data in the copy
data() {
	echo $(($(stat -c %b to) * 512))
}

@test "holes: percent and time left are those of the data that is copied" {
	command -v python3 >/dev/null || skip "no python3"
	copy_holes
	for fd in 7 8 ''; do
		from=$(data)
		# shellcheck disable=SC2086
		run --separate-stderr -0 fdprogress -H "$PID" $fd
		to=$(data)
		echo "$output, $stderr, $from to $to of $DATA"
		[ "$(column 4)" = pos ]
		[ "$(column 6)" -ge 80000000 ]
		[ "$(column 5)" -gt 80000000 ]
		done=$(awk -v p="$(column 7)" -v d="$DATA" \
		    'BEGIN { printf "%.0f", p / 100 * d }')
		between $((from - DATA / 1000)) "$done" $((to + DATA / 1000))
		between 200000 "$(column 8)" 9000000
		eta=$(((DATA - done) / $(column 8)))
		between $((eta - 1)) "$(column 9)" $((eta + 1))
		way='to descriptor 8'
		[ "$fd" != 8 ] || way='from descriptor 7'
		[ "$stderr" = "fdprogress: $PID: percent of the data: the file has holes, and is copied $way" ]
	done
	run --separate-stderr -0 fdprogress -J "$PID" 7
	[[ $output == *'"data":'[0-9]*",\"data_size\":$DATA"[,}]* ]]
}

@test "holes: percent of the range if the copy gets none, or there is none" {
	command -v python3 >/dev/null || skip "no python3"
	copy_holes full
	run --separate-stderr -0 fdprogress -H "$PID" 7
	echo "$output, $stderr"
	[ "$(column 7)" = "$(awk -v p="$(column 5)" 'BEGIN { printf "%.2f", p / 1e6 }')" ]
	[ -z "$stderr" ]
	pace 7 r from
	tell seek 80000000
	tell rate 1000000
	run --separate-stderr -0 fdprogress -J "$PID" 7
	echo "$output, $stderr"
	[[ $output == *'"percent":8'* ]]
	[[ $output != *'"data'* ]]
	[ -z "$stderr" ]
}

@test "by the resident part of a mapping" {
	truncate -s 100000000 f
	pace 7 r f
	tell via map
	tell step 30000000
	tell rate 20000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	rss=$(awk '/\/f$/ { on = 1 } on && /^Rss:/ { print $2 * 1024; exit }' "/proc/$PID/smaps")
	echo "$output, $rss"
	[ "$(column 4)" = map ]
	between $((rss - 40000000)) "$(column 5)" "$rss"
	between 10000000 "$(column 8)" 30000000
	[ "$(column 7)" = "$(awk -v p="$(column 5)" 'BEGIN { printf "%.2f", p / 1e6 }')" ]
}

@test "by a mapping whose descriptor is closed" {
	truncate -s 2G f
	pace 7 r f
	tell via map
	tell close
	tell rate 60000000
	run --separate-stderr -0 fdprogress -H "$PID"
	rss=$(awk '/\/f$/ { on = 1 } on && /^Rss:/ { print $2 * 1024; exit }' "/proc/$PID/smaps")
	echo "$output, $rss"
	[ "$(column 3)" = mem ]
	[ "$(column 4)" = map ]
	between 1000000 "$(column 5)" "$rss"
	between 20000000 "$(column 8)" 200000000
	[ "$(column 10)" = "$(pwd)/f" ]
	# who may not follow its links in map_files is not told the size
	[ "$(column 6)" = - ] || [ "$(column 6)" = 2147483648 ]
	[ "$(id -u)" -ne 0 ] || [ "$(column 6)" = 2147483648 ]
	pid_follow -J "$PID"
	until_true grep -qF '"fd":"mem","by":"map"' out
	order kill 9
	verdict 5 'killed by signal 9 (Killed)'
}

@test "not by memory that is shared and no file's" {
	need python3
	start python3 -c '
import mmap, time
m = mmap.mmap(-1, 1 << 30)
for i in range(0, 1 << 30, 4096):
    m[i] = 1
    if i % (1 << 19) == 0:
        time.sleep(0.01)'
	shared() { [ "$(awk '/^RssShmem/ { print $2 }' "/proc/$PID/status")" -gt 1000 ]; }
	until_true shared
	run --separate-stderr fdprogress -H -i 1 "$PID"
	echo "$output, $stderr"
	[[ $output != *map* ]]
}

# ahead BYTES: read so much of f, and then do something else.
ahead() {
	# shellcheck disable=SC2016
	start bash -c 'exec 7<f; read -r -N "$1" -u 7; while :; do echo >&8; done' \
	    bash "$1" 8>/dev/null
	has_read() { [ "$(awk '/^pos/ { print $2 }' "/proc/$PID/fdinfo/7")" -ge "$1" ]; }
	until_true has_read "$1"
}

@test "a position that stands while what was read is worked on" {
	yes | head -c 1000000 >f
	ahead 400000
	pos=$(awk '/^pos/ { print $2 }' "/proc/$PID/fdinfo/7")
	[ "$pos" -lt 1000000 ]
	run --separate-stderr -0 fdprogress -H -i 1 "$PID" 7
	echo "$output, $stderr"
	[[ $stderr == "fdprogress: $PID: computing: state "* ||
	   $stderr == "fdprogress: $PID: writing: state "* ]]
	[ "$(cut -f 4-9 <<<"$output")" = "$(printf 'pos\t%s\t1000000\t%s\t-\t-' \
	    "$pos" "$(awk -v p="$pos" 'BEGIN { printf "%.2f", p / 1e4 }')")" ]
	# at the end there is nothing more to come
	ahead 1000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	[ "$(cut -f 4-9 <<<"$output")" = "$(printf 'none\t1000000\t1000000\t100.00\t0\t-')" ]
	[[ $stderr == "fdprogress: $PID: at the end of the file, which is open: state "* ]]
}

@test "-f: who reads what is appended has no time left" {
	file f
	pace 7 r f
	tell step 1000000
	follow -H "$PID" 7
	grown() {
		tell grow f 1000
		tell step 1000
		grep -qF 'following a growing file' err
	}
	until_true grown
	n=$(wc -l <out)
	until_true has_lines $((n + 2)) out
	run -0 cat out
	[ "$(column 6)" -gt 1000000 ]
	[ "$(column 7)" = - ]
	[ "$(column 9)" = - ]
	order kill 9
	verdict 5 'killed by signal 9 (Killed)'
}

@test "-f PID: what we print ourselves is not what moves" {
	pace 9 w log
	start fdprogress -f -H -i 0.1 "$PID" >>log 2>err
	until_true has_lines 20 log
	[ "$(cut -f 3 log | sort -u)" = - ]
}

@test "by an io_uring: something moves, which is not known" {
	file f 100000000
	cat f >/dev/null
	hold 9=uring:0
	[[ $(readlink "/proc/$PID/fd/9") == *io_uring* ]] || skip 'no io_uring'
	grep -q CqTail "/proc/$PID/fdinfo/9" ||
		skip 'no CqTail in fdinfo (before Linux 5.16)'
	pace 7 r f
	tell via uring
	# so little that its CPU time says nothing
	tell rate 200000
	for fd in 7 ''; do
		# shellcheck disable=SC2086
		run --separate-stderr -0 fdprogress -H "$PID" $fd
		echo "$output, $stderr"
		[ "$(cut -f 3-9 <<<"$output")" = "$(printf '7\t-\t-\t100000000\t-\t-\t-')" ]
		[ "$stderr" = "fdprogress: $PID: its position is not what moves" ]
	done
	# and so it has not stalled before it does
	start fdprogress -fH -i 0.1 --stall 1 "$PID" 7 >out 2>err
	FOLLOWER=$PID PID=${STARTED[-2]}
	until_true has_lines 20 out
	[ "$(cut -f 4,8 out | tail -n 10 | sort -u)" = "$(printf -- '-\t-')" ]
	tell rate 0
	status=0
	wait "$FOLLOWER" || status=$?
	[ "$status" -eq 4 ]
}

@test "by its counters: a file that is another one each time" {
	file f 100000
	file f.copy 100000
	pace 7 r f
	tell via open
	tell rate 5000000
	for fd in 7 ''; do
		# shellcheck disable=SC2086
		run --separate-stderr -0 fdprogress -H "$PID" $fd
		echo "$output"
		[ "$(cut -f 4,7,9 <<<"$output")" = "$(printf 'io\t-\t-')" ]
		between 1000000 "$(column 8)" 6500000
	done
	# but what it is of a known whole
	rchar() { awk '/^rchar/ { print $2 }' "/proc/$PID/io"; }
	low=$(rchar)
	run --separate-stderr -0 fdprogress -H --size 1G "$PID"
	between "$low" "$(column 5)" "$(rchar)"
	[ "$(column 6)" = 1073741824 ]
	awk -v p="$(column 5)" -v q="$(column 7)" \
	    'BEGIN { d = p / 10737418.24 - q; exit !(d < .01 && d > -.01) }'
	[ "$(column 9)" != - ]
}

@test "what has no position: said, and the rate of the counters" {
	mkfifo in
	start bash -c 'exec 7<in; while read -r -N 4096 x <&7; do :; done'
	JOB=$PID
	start bash -c 'exec yes >in'
	until_true test -e "/proc/$JOB/fd/7"
	run --separate-stderr -0 fdprogress -H "$JOB" 7
	echo "$output"
	[ "$(column 3)" = 7 ]
	[ "$(column 4)" = io ]
	[ "$(column 8)" -gt 10000 ]
	[ "$stderr" = "fdprogress: $JOB: descriptor 7 (fifo) has no position" ]
}

# read_status: read status of itself as descriptor 7, again and again.
read_status() {
	cat >status.py <<-'EOF'
		import os, time
		os.dup2(os.open("/proc/self/status", os.O_RDONLY), 7)
		while True:
		    if not os.read(7, 4096):
		        os.lseek(7, 0, 0)
		    time.sleep(0.002)
	EOF
	start "$@" python3 status.py
}

reads_status() {
	[[ $(readlink "/proc/$1/fd/7") == /proc/*/status ]]
}

@test "a file of a procfs has no position, but the counters know of it" {
	need python3
	read_status
	until_true reads_status "$PID"
	run --separate-stderr -0 fdprogress -H "$PID" 7
	echo "$output, $stderr"
	[ "$(cut -f 3,4,6,7,9 <<<"$output")" = "$(printf '7\tio\t-\t-\t-')" ]
	[ "$(column 8)" -gt 10000 ]
	[ "$stderr" = "fdprogress: $PID: descriptor 7 (procfs) has no position" ]
	run --separate-stderr -0 fdprogress -H "$PID"
	[ "$(cut -f 3,4 <<<"$output")" = "$(printf -- '-\tio')" ]
	# one that has a size has a position in it
	if [ -r /proc/kcore ]; then
		hold 8=r:/proc/kcore pos:8:100
		run --separate-stderr -0 fdprogress -H "$PID" 8
		[ "$(cut -f 4,5 <<<"$output")" = "$(printf 'none\t100')" ]
	fi
}

@test "a file of a procfs that we have not mounted" {
	need_root
	need python3
	read_status unshare -pfm --mount-proc --kill-child
	child() { tr -d ' ' <"/proc/$PID/task/$PID/children"; }
	reads() { reads_status "$(child)"; }
	until_true reads
	job=$(child)
	run --separate-stderr -0 fdprogress -H "$job" 7
	[ "$(cut -f 3,4 <<<"$output")" = "$(printf '7\tio')" ]
	[ "$stderr" = "fdprogress: $job: descriptor 7 (procfs) has no position" ]
}

@test "backwards: the rate, and how far it is to the beginning" {
	file f 100000000
	pace 7 r f
	tell seek 90000000
	tell via back
	tell rate 5000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	echo "$output"
	[ "$(column 4)" = pos ]
	between 4000000 "$(column 8)" 6000000
	left=$(($(column 5) / 5000000))
	between $((left - 4)) "$(column 9)" $((left + 4))
	[ "$stderr" = "fdprogress: $PID: backwards" ]
	awk -v p="$(column 5)" -v q="$(column 7)" \
	    'BEGIN { d = 100 - p / 1e6 - q; exit !(d < .01 && d > -.01) }'
}

@test "random access: the rate of the counters, no time left" {
	file f 100000000
	pace 7 r f
	tell via random
	tell rate 50000000
	run --separate-stderr -0 fdprogress -H "$PID" 7
	echo "$output"
	[ "$(column 4)" = io ]
	between 30000000 "$(column 8)" 70000000
	[ "$(cut -f 7,9 <<<"$output")" = "$(printf -- '-\t-')" ]
	[ "$stderr" = "fdprogress: $PID: random access" ]
}

@test "--size is the total of what is measured" {
	pace 7 w grows
	tell step 1000000
	tell rate 1000000
	run --separate-stderr -0 fdprogress -H --size 10MB "$PID" 7
	echo "$output"
	[ "$(column 4)" = pos ]
	[ "$(column 6)" = 10000000 ]
	[ "$(column 7)" = "$(awk -v p="$(column 5)" 'BEGIN { printf "%.2f", p / 1e5 }')" ]
	between 4 "$(column 9)" 14
}

@test "without a descriptor: the one that moves, not the biggest" {
	file small 10000000
	truncate -s 1T huge
	pace 7 r small
	exec {other}<huge
	tell rate 1000000
	start "$TESTS/hold" 8=r:huge pos:8:5 9=r:small <"/proc/$PID/fd/0" >/dev/null
	run --separate-stderr -0 fdprogress -H "${STARTED[0]}"
	exec {other}<&-
	echo "$output"
	[ "$(cut -f 2-4 <<<"$output")" = "$(printf 'pace\t7\tpos')" ]
	# what stands still is only taken if it is sure which one is meant
	hold 8=r:huge pos:8:5 9=r:small
	run --separate-stderr -0 fdprogress -H "$PID"
	[ "$(column 3)" = 8 ]
	hold 8=rw:huge 9=w:small
	run --separate-stderr -0 fdprogress -H "$PID"
	[ "$(column 3)" = 8 ]
	hold 8=r:huge 9=r:small
	run --separate-stderr -1 fdprogress -H "$PID"
	[ -z "$output" ]
	[[ $stderr == "fdprogress: $PID: nothing moves; name one of the descriptors "*"8 9" ]]
}

@test "without a descriptor: none that has no position" {
	hold 7=r:/proc/self/ns/net 8=pidfd close:2
	run --separate-stderr -1 fdprogress "$PID"
	[ -z "$output" ]
	[ "$stderr" = "fdprogress: $PID: nothing moves, and no file is open" ]
}

@test "without a descriptor: what was picked is closed again" {
	need python3
	file f 2000000
	# it is open for half of the time
	start python3 -c '
import os
while True:
    fd = os.open("f", os.O_RDONLY)
    for i in range(20):
        os.read(fd, 1000)
    os.close(fd)
    for i in range(20):
        os.getppid()' 2>/dev/null
	rchar() { awk -v n="$1" '/^rchar/ { exit !($2 > n) }' "/proc/$PID/io"; }
	until_true rchar 1000000
	for _ in {1..15}; do
		run --separate-stderr -0 fdprogress -H "$PID"
		echo "$output, $stderr"
		[ "$(column 8)" -gt 1000000 ]
	done
}

@test "without a process: each one that moves" {
	file f 100000000
	pace 7 r f
	one=$PID
	tell rate 1000000
	pace 8 r f
	two=$PID
	tell via pread
	tell rate 3000000
	file g 100000
	file g.copy 100000
	pace 7 r g
	three=$PID
	tell via open
	tell rate 20000000
	hold 9=r:f pos:9:50
	run --separate-stderr fdprogress -H
	echo "$output"
	# 3: another one on this machine does not answer
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
	[ "$(awk -v p="$one" '$1 == p' <<<"$output" | cut -f 2-4)" = "$(printf 'pace\t7\tpos')" ]
	[ "$(awk -v p="$two" '$1 == p' <<<"$output" | cut -f 2,4)" = "$(printf 'pace\tpread')" ]
	# also one that has another file each time
	[ "$(awk -v p="$three" '$1 == p' <<<"$output" | cut -f 2,4)" = "$(printf 'pace\tio')" ]
	[ -z "$(awk -v p="$PID" '$1 == p' <<<"$output")" ]
}

@test "without a process: also who reads nothing, in less than a clock tick" {
	file f 400000000
	pace 7 r f
	back=$PID
	tell seek 300000000
	tell via back
	tell rate 1000000
	pace 8 r f
	tell via map
	tell rate 10000000
	run --separate-stderr fdprogress -H
	echo "$output, $stderr"
	[ "$(awk -v p="$back" '$1 == p' <<<"$output" | cut -f 3,4)" = "$(printf '7\tpos')" ]
	[ "$(awk -v p="$PID" '$1 == p' <<<"$output" | cut -f 3,4)" = "$(printf '8\tmap')" ]
}

@test "without a process: one that vanishes between two of its files is silence" {
	fixture
	echo 'rchar: 1' >tree/100/io
	run -1 fdprogress -i 0.01 -R tree
	[ "$output" = 'fdprogress: nothing moves' ]
}

@test "without a process: not us, by the numbers of that procfs" {
	local tool
	need_root
	need unshare nsenter
	file f 100000000
	mkfifo in out
	unshare -pfm --mount-proc --kill-child "$TESTS/pace" 7 r f <in >out \
		3>&- 4>&- 10>&- 251>&- &
	STARTED+=($!)
	exec {TO}>in {FROM}<out
	HELDS+=("$TO" "$FROM")
	read -r PID <&"$FROM"
	[ "$PID" -eq 1 ]
	tell rate 10000000
	# the parent that guards it is another 1
	tool=(nsenter -p -m -t "$(tr -d ' ' <"/proc/${STARTED[-1]}/task/${STARTED[-1]}/children")"
		env -C "$PWD" unshare -pf fdprogress -H)
	run --separate-stderr -0 "${tool[@]}"
	[ "$(cut -f 1-4 <<<"$output")" = '1	pace	7	pos' ]
}

@test "without a process: -i of more milliseconds than an int has" {
	start fdprogress -i 3000000 2>err
	child() { tr -d ' ' <"/proc/$PID/task/$PID/children"; }
	# its third argument is how long it sleeps
	sleeps() { awk '$1 == 7 && $4 ~ /^0x/ { n = 1; print $4 } END { exit !n }' \
		"/proc/$(child)/syscall" >timeout; }
	[ "$(uname -m)" = x86_64 ] || skip 'the number of poll is that of x86-64'
	until_true sleeps
	[ "$(cat timeout)" = 0x7fffffff ]
}

@test "without a process: each one has its remark" {
	file f 100000000
	for fd in 7 8; do
		pace $fd r f
		tell via random
		tell rate 20000000
	done
	# by chance its positions may rise or fall for so long as one looks
	remarked() {
		fdprogress -H >out 2>err
		for job in "${STARTED[@]}"; do
			grep -qx "fdprogress: $job: random access" err || return
		done
	}
	until_true remarked
}

@test "a deleted file, a hostile name" {
	name=$'a b\n\033[31m'
	file "$name"
	hold 7=r:"$name" pos:7:250000 unlink:"$name"
	run --separate-stderr -0 fdprogress "$PID" 7
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == *" $(pwd)/a b\\012\\033[31m (deleted)" ]]
	[ "$(awk '{ print $7 }' <<<"${lines[1]}")" = 25.0 ]
	fdprogress -0 "$PID" 7 2>/dev/null >nul
	[ "$(tr '\0' '#' <nul | cut -f 10-)" = "$(pwd)/$name#" ]
}

@test "JSON" {
	need jq
	file f 1000000
	hold 7=r:f pos:7:250000
	run --separate-stderr -0 fdprogress -J "$PID" 7
	[ -z "$stderr" ]
	want='["avg_rate","by","command","deleted","elapsed","eta","eta_at",
	    "fd","name","pass","percent","pid","pos","rate","size","stalled",
	    "state","tid","time","wchan"]'
	jq -e --argjson want "$want" 'keys == $want' <<<"$output"
	jq -e --argjson pid "$PID" --arg name "$(pwd)/f" '.pid == $pid and
	    .command == "hold" and .fd == 7 and .by == "none" and
	    .pos == 250000 and .size == 1000000 and .percent == 25 and
	    .rate == 0 and .eta == null and .eta_at == null and
	    .name == $name and .deleted == false and .pass == 1 and
	    .state == "sleeping" and .stalled > 0' <<<"$output"
	jq -e '.time > 1.7e9 and (.time - now | fabs) < 60' <<<"$output"
	pace 7 r f
	tell step 1000
	tell rate 10000
	run --separate-stderr -0 fdprogress -J "$PID" 7
	jq -e '.by == "pos" and .rate > 5000 and .eta > 10 and .wchan == null and
	    (.eta_at | fromdate) - .time - .eta < 2' <<<"$output"
	# after the year 9999
	run --separate-stderr -0 fdprogress -J --size 8000P "$PID" 7
	jq -e '.eta > 1e12 and .eta_at == null' <<<"$output"
}

@test "a 32-bit task's call has its name by the 32-bit table" {
	[ "$(uname -m)" = x86_64 ] || skip 'needs x86-64'
	fixture
	printf 'pos:\t1000000\nflags:\t0100000\nmnt_id:\t1\n' >tree/100/fdinfo/7
	echo '148 0x7 0x0 0x0 0x0 0x0 0x0 0xffffd000 0xf7f00000' >tree/100/syscall
	run --separate-stderr -0 fdprogress -H -R tree 100 7
	# musl's headers have no such table
	[[ $stderr = *': state S, '@(fdatasync|sleeping) ]]
}

@test "a block device by its size in sysfs" {
	need_root
	need losetup
	truncate -s 8M img
	LOOP=$(losetup -f --show img) || skip 'no loop device'
	pace 7 r "$LOOP"
	tell step 2097152
	run -0 --separate-stderr fdprogress -H "$PID" 7
	[ "$(cut -f 5-7 <<<"$output")" = "$(printf '2097152\t8388608\t25.00')" ]
}

@test "a thread's own table, a dead leader" {
	file f
	hold private:7=r:f
	tid=$(ls "/proc/$PID/task" | grep -vx "$PID")
	run --separate-stderr -0 fdprogress -H "$tid" 7
	[ "$(column 1)" = "$tid" ]
	[ "$(column 6)" = 1000000 ]
	pace 8 r f leave
	until_true state_is "$PID" Z
	tell step 500000
	run --separate-stderr -0 fdprogress -H "$PID" 8
	[ "$(column 1)" = "$PID" ]
	[ "$(column 7)" = 50.00 ]
	follow -H "$PID" 8
	tell step 500000
	until_true grep -qF 100.00 out
	order exit 0
	verdict 0 finished
}

@test "-f: finished" {
	file f 10000000
	pace 7 r f
	tell rate 10000000
	follow -H "$PID" 7
	# what is at the end for less than a sample was last seen before it
	until_true grep -qF 100.00 out
	order exit 0
	verdict 0 finished
	[ "$(tail -n 1 out | cut -f 5,7)" = "$(printf '10000000\t100.00')" ]
}

@test "-f: the first sample is only a baseline" {
	file f 100000000
	pace 7 r f
	tell step 35000000
	tell rate 1000000
	follow -H "$PID" 7
	until_true has_lines 5 out
	# not one rate is that of a jump from 0
	run awk -F '\t' '$8 > 2000000' out
	[ -z "$output" ]
	run awk -F '\t' '$9 != "-"' out
	[ -z "$output" ]	# and no time left before 3 s
}

@test "-f: killed, failed, ended too early" {
	file f
	pace 7 r f
	tell step 230000
	follow "$PID" 7
	kill -KILL "$PID"
	verdict 5 'killed by signal 9 (Killed) at 23.0%'
	pace 7 r f
	tell step 470000
	follow "$PID" 7
	order exit 3
	verdict 5 'failed with exit status 3 at 47.0%'
	pace 7 r f
	tell step 470000
	follow "$PID" 7
	order exit 0
	verdict 5 'ended at 47.0%'
	# all read, but it says itself that it failed
	pace 7 r f
	tell step 1000000
	follow "$PID" 7
	order exit 1
	verdict 5 'failed with exit status 1 at 100.0%'
}

@test "-f: closed and replaced, while the process goes on" {
	file f
	file g
	pace 7 r f
	tell step 470000
	follow "$PID" 7
	tell close
	verdict 5 'closed at 47.0%'
	pace 7 r f
	tell step 470000
	follow "$PID" 7
	tell open g
	verdict 5 'replaced by another file at 47.0%'
	pace 7 r f
	tell step 470000
	follow "$PID" 7
	tell step 530000
	until_true grep -qF 100.0 out
	tell close
	verdict 0 finished
	state_is "$PID" S
	# in bursts, the last of which nobody saw
	pace 7 r f
	follow "$PID" 7
	for n in 10 20 30 40 50 60 70 80 90; do
		tell step 100000
		until_true grep -qF "$n.0" out
	done
	order step 50000
	until_true grep -qF 95.0 out
	order step 50000
	order open g
	wait "$FOLLOWER"
	tail -n 1 err
	grep -q ': finished' err
}

@test "what may not be looked at is no answer" {
	need_root
	local fewer='setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace'
	file f
	hold_as 'setpriv --reuid 65534 --regid 65534 --clear-groups' 7=r:f
	for args in '' -f '--size 4M' '-f --size 4M'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -3 timeout 20 $fewer "$TOP/cmd/fdprogress" \
			$args "$PID"
		echo "$args: $output $stderr"
		[ -z "$output" ]
		[[ $stderr == "fdprogress: $PID: Permission denied"* ]]
	done
}

@test "short of descriptors: that, or unknown, but not that nothing moves" {
	file f 100000000
	pace 7 r f
	tell rate 1000000
	for n in {7..30}; do
		run --separate-stderr bash -c "exec 3>&- 4>&- 10>&- 251>&- \
			$TO>&- $FROM<&-; ulimit -n $n;
			exec fdprogress -H --size 1G $PID"
		echo "$n: $status $output $stderr"
		case $status in
		0)
			[ "$(cut -f 4 <<<"$output")" != io ] || break
			[ "$(cut -f 4,8 <<<"$output")" = "$(printf -- '-\t-')" ]
			;;
		1) [ "$stderr" = 'fdprogress: fork: Too many open files' ] ;;
		*) [[ $stderr =~ ^fdprogress:\ ($PID|/proc):\ Too\ many\ open\ files$ ]] ;;
		esac
	done
	[ "$n" -gt 7 ]
	# nor where the counters can't be read
	fixture
	printf 'pos:\t0\nflags:\t0100000\nmnt_id:\t1\n' >tree/100/fdinfo/7
	run --separate-stderr -0 fdprogress -R tree -H --size 1G 100
	[ "$(cut -f 4,8 <<<"$output")" = "$(printf -- '-\t-')" ]
}

@test "-f: a total that is unknown" {
	pace 7 w a
	tell rate 1000000
	follow "$PID" 7
	order exit 0
	verdict 0 finished
	pace 7 w b
	follow "$PID" 7
	order exit 4
	verdict 5 'failed with exit status 4'
	pace 7 w c
	tell rate 1000000
	follow "$PID" 7
	tell close
	verdict 3 'closed, total unknown'
	# pread: the position says nothing
	file g 10000000
	pace 7 r g
	tell via pread
	tell rate 1000000
	follow -H "$PID" 7
	until_true grep -q pread out
	order exit 0
	verdict 0 finished
}

@test "-f: a job that rested and then read the rest at once has finished" {
	file f 1000000
	pace 7 r f
	follow -H -i 0.2 "$PID" 7
	tell step 900000
	rests() { tail -n 1 out | awk '{ exit !($5 == 900000 && $8 < 300000) }'; }
	until_true rests
	printf 'step 100000\nexit 0\n' >&"$TO"
	wait "$FOLLOWER"
	cat out err
	# a sample that fell in between has seen it at its end
	seen=', last seen at 90.0%'
	[ "$(tail -n 1 out | cut -f 5)" -eq 900000 ] || seen=
	[ "$(tail -n 1 err)" = "fdprogress: $PID: finished$seen" ]
}

@test "-f: a file that grows, and is deleted, meanwhile" {
	file f 1000000
	pace 7 r f
	tell step 500000
	follow -H "$PID" 7
	grep -q "$(printf '500000\t1000000\t50.00')" out
	tell grow f 1000000
	grown() { grep -q "$(printf '500000\t2000000\t25.00')" out; }
	until_true grown
	rm f
	deleted() { grep -q 'f (deleted)$' out; }
	until_true deleted
	tell step 1500000
	until_true grep -qF 100.00 out
	order exit 0
	verdict 0 finished
}

@test "-f: another pass, a stop" {
	need jq
	file f 1000000
	pace 7 r f
	tell step 900000
	follow -J "$PID" 7
	tell step 50000
	tell step 0
	seen() { jq -e "select($1)" out >seen && [ -s seen ]; }
	until_true seen '.pos == 950000'
	tell seek 0
	until_true seen '.pos == 0 and .pass == 2 and .rate == null'
	until_true grep -qF ': pass 2' err
	kill -STOP "$PID"
	until_true seen '.state == "stopped" and .by == "none" and .rate == 0 and .stalled > 0'
	kill -CONT "$PID"
	order exit 3
	verdict 5 'failed with exit status 3 at 0.0%'
	tail -n 1 out | jq -e '.event == "end" and .reason == "exited" and
	    .exit_code == 3 and .complete == false'
}

@test "-f: the end is seen at once" {
	file f
	pace 7 r f
	tell step 1000
	start fdprogress -f -i 30 "$PID" 7 >out 2>err
	FOLLOWER=${STARTED[-1]} PID=${STARTED[-2]}
	following() { ls -l "/proc/$(child)/fd" 2>&1 | grep -q fdinfo; }
	child() { tr -d ' ' <"/proc/$FOLLOWER/task/$FOLLOWER/children"; }
	until_true following
	before=${EPOCHREALTIME/[.,]/}
	kill -KILL "$PID"
	wait "$FOLLOWER" || true
	# long before the next sample
	[ $((${EPOCHREALTIME/[.,]/} - before)) -lt 10000000 ]
	grep -q 'killed by signal 9' err
}

@test "-f: the command is that of the process as it is now" {
	file f
	mkfifo go
	start bash -c 'exec 7<f; read -r _ <go; exec sleep 1000'
	JOB=$PID
	until_true test -e "/proc/$JOB/fd/7"
	follow -H "$JOB" 7
	[ "$(cut -f 2 out | sort -u)" = bash ]
	echo >go
	renamed() { [ "$(tail -n 1 out | cut -f 2)" = sleep ]; }
	until_true renamed
	# and at the end it was that
	kill -KILL "$JOB"
	wait "$FOLLOWER" || true
	[ "$(tail -n 1 out | cut -f 2)" = sleep ]
}

# pid_follow [OPTION]... PID: as follow, of the process from file to file.
pid_follow() {
	local job=$PID
	start fdprogress -f -i 0.1 "$@" >out 2>err
	FOLLOWER=$PID PID=$job
	until_true test -s out
}

@test "-f PID: from file to file, each with its verdict" {
	need jq
	for f in a b c; do
		file "$f" 1000000
	done
	pace 7 r a
	tell rate 100000
	pid_follow -J "$PID"
	in_file() { tail -n 1 out | jq -e --arg name "$(pwd)/$1" '.name == $name and .elapsed > 0.4' >/dev/null; }
	until_true in_file a
	tell open b
	until_true in_file b
	tell close
	# idle between two files, and no verdict on that
	idle() { tail -n 1 out | jq -e '.fd == null and .by == "none"' >/dev/null; }
	until_true idle
	tell open c
	until_true in_file c
	order exit 0
	status=0
	wait "$FOLLOWER" || status=$?
	[ "$status" -eq 0 ]
	[[ $(tail -n 1 err) == "fdprogress: $PID: finished"* ]]
	[ "$(jq -r 'select(.event == "file") | "\(.name) \(.reason) \(.complete)"' out |
	    sed "s|$(pwd)/||; s/at .*//" | cut -d ' ' -f 1,2)" = "a replaced
b closed" ]
	[ "$(tail -n 1 out | jq -r '"\(.event) \(.reason) \(.exit_code)"')" = 'end exited 0' ]
	[[ $(head -n 1 err) == "fdprogress: $PID: 7 $(pwd)/a: "* ]]
}

@test "-f PID: a job of many small files is measured by its counters" {
	file f 100000
	file f.copy 100000
	pace 7 r f
	tell via open
	tell rate 5000000
	pid_follow -H "$PID"
	by_io() { tail -n 3 out | awk -F '\t' '$4 == "io" && $8 > 1000000 { n++ } END { exit n < 3 }'; }
	until_true by_io
	order exit 4
	verdict 5 'failed with exit status 4'
	[ "$(grep -c . err)" -le 4 ]
}

@test "-q: silent, and the status tells" {
	file f
	pace 7 r f
	tell step 230000
	for args in "$PID 7" "$PID"; do
		# shellcheck disable=SC2086
		start fdprogress -fq $args >"out$args" 2>&1
	done
	one=${STARTED[-2]} two=${STARTED[-1]}
	PID=${STARTED[-3]}
	attached() { ls -l "/proc/$(tr -d ' ' <"/proc/$1/task/$1/children")/fd" 2>&1 | grep -qE 'fdinfo|anon_inode:\[pidfd'; }
	until_true attached "$one"
	until_true attached "$two"
	kill -KILL "$PID"
	for job in "$one" "$two"; do
		status=0
		wait "$job" || status=$?
		[ "$status" -eq 5 ]
	done
	[ -z "$(cat out*)" ]
}

@test "--stall: gives up when nothing moves, with 4" {
	file f
	pace 7 r f
	tell step 230000
	for fd in 7 ''; do
		# shellcheck disable=SC2086
		run --separate-stderr -4 fdprogress -f --stall 0.5 -i 9 "$PID" $fd
		[[ $stderr == *"fdprogress: $PID: stalled for "[01]" s"*": state S, "* ]]
	done
	run --separate-stderr -4 fdprogress -fq --stall 0.3 "$PID" 7
	[ -z "$output$stderr" ]
	# what moves otherwise is no stall
	truncate -s 1G f
	tell via pread
	tell rate 1000000
	pid_follow --stall 1 "$PID" 7
	until_true has_lines 20 out
	order exit 0
	verdict 0 finished
}

@test "-f: how it ended, also when nobody waits for it" {
	file f
	mkfifo in
	# the parent becomes a program that never waits
	# shellcheck disable=SC2016
	start bash -c '"$0" 7 r f <in >pid & exec sleep 1000' "$TESTS/pace"
	exec {TO}>in
	until_true test -s pid
	PID=$(head -n 1 pid)
	order step 470000
	follow "$PID" 7
	before=${EPOCHREALTIME/[.,]/}
	order exit 3
	verdict 5 'failed with exit status 3 at 47.0%'
	echo $((${EPOCHREALTIME/[.,]/} - before))
	[ $((${EPOCHREALTIME/[.,]/} - before)) -lt 900000 ]
	exec {TO}>&-
}

@test "-f: at the end, but still open" {
	file f 1000000
	pace 7 r f
	tell step 500000
	start fdprogress -f -i 0.2 "$PID" 7 >out 2>err
	PID=${STARTED[-2]}
	until_true test -s out
	tell step 500000
	until_true grep -qF ': at the end of the file, which is open: state S, ' err
}

# terminal WIDTH PID FD: fdprogress -f on a terminal of that width, the process
# killed after five redraws or four lines; what it drew, a frame a line.
terminal() {
	TERM=${TERM_IS-xterm} python3 - "$@" 3>&- <<'END'
import fcntl, os, pty, re, signal, struct, sys, termios, unicodedata
width, job = int(sys.argv[1]), int(sys.argv[2])
pid, tty = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    os.execvp("fdprogress", ["fdprogress", "-f", "-i", "0.05"] + sys.argv[2:])
out = b""
while True:
    try:
        part = os.read(tty, 4096)
    except OSError:
        break
    if not part:
        break
    out += part
    if job and (out.count(b"\r") >= 6 or out.count(b"\n") >= 4):
        os.kill(job, signal.SIGKILL)
        job = 0
for frame in out.decode().replace("\r\n", "\n").split("\r"):
    line = frame.replace("\033[K", "").rstrip("\n")
    if "\n" not in frame[:-1] and sum(1 + (unicodedata.east_asian_width(c) in "WF")
                                      for c in line) >= width:
        sys.exit("wraps: " + line)
    print(line)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

@test "-f: the line of a terminal never wraps and keeps its verdict" {
	need python3
	name=$'long \303\274\303\274 \344\270\255\344\270\255\344\270\255 name of a file, \033[2J'
	file "$name" 10000000
	for width in 12 33 47 80 120; do
		pace 7 r "$name"
		tell step 4520000
		run -5 terminal "$width" "$PID" 7
		echo "$width: $output"
		[ "${#lines[@]}" -ge 5 ]
		[[ $output != *$'\033'* ]]
		[ "$width" -lt 47 ] ||
			[[ ${lines[-1]} == *'  killed by signal 9 (Killed) at 45.2%' ]]
		[ "$width" -lt 60 ] || [[ ${lines[2]} == "pace[$PID] 7 "* ]]
		[ "$width" -lt 12 ] || [[ ${lines[2]} == *45.2%* ]]
	done
	[[ ${lines[2]} == "pace[$PID] 7 $(pwd)/long "*'  45.2%  4.31M/9.54M'* ]]
}

@test "-f: the line of a terminal says for how long nothing moved" {
	need python3
	file f
	pace 7 r f
	tell step 452000
	kill -STOP "$PID"
	until_true state_is "$PID" T
	run -5 terminal 120 "$PID" 7
	echo "$output"
	[[ $output == *'  45.2%  441K/977K  0/s  stalled: state T, stopped, '[0-9]' s'* ]]
}

@test "-f: the line follows the width of the window" {
	need python3
	file f
	pace 7 r f
	tell step 452000
	run -5 python3 - "$PID" 3>&- <<'END'
import fcntl, os, pty, signal, struct, sys, termios
job = int(sys.argv[1])
def width(tty, n):
    fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 24, n, 0, 0))
pid, tty = pty.fork()
if pid == 0:
    width(0, 100)
    os.environ["TERM"] = "xterm"
    os.execvp("fdprogress", ["fdprogress", "-f", "-i", "60", sys.argv[1], "7"])
def until(enough):
    out = b""
    while not enough(out):
        out += os.read(tty, 4096)
    return out
# the interval is long: what is drawn is drawn for the new width
until(lambda out: b"pace[" in out)
for n in (20, 12, 90):
    width(tty, n)
    line = until(lambda out: b"45.2%" in out and out.endswith(b"K"))
    line = line.decode().split("\r")[-1].replace("\033[K", "")
    print(n, len(line) < n, "pace[" in line)
os.kill(job, signal.SIGKILL)
try:
    while os.read(tty, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
	echo "$output"
	[ "${lines[0]}" = '20 True False' ]
	[ "${lines[1]}" = '12 True False' ]
	[ "${lines[2]}" = '90 True True' ]
}

@test "-f: records where a terminal is dumb" {
	need python3
	file f
	pace 7 r f
	tell step 250000
	TERM_IS=dumb run -5 terminal 80 "$PID" 7
	[[ ${lines[0]} == 'PID '* ]]
	[[ ${lines[1]} == *' 25.0 '* ]]
	[[ ${lines[2]} == *' 25.0 '* ]]
}

@test "-R reads another tree, and its end is not known" {
	fixture
	run --separate-stderr -0 fdprogress -R tree -H 100 7
	[ "$(cut -f 1-7 <<<"$output")" = "$(printf '100\tjob\t7\tnone\t250000\t1000000\t25.00')" ]
	PID=100
	follow -R tree 100 7
	[ "$(cat err)" = '' ]
	printf 'pos:\t900000\nflags:\t0100000\nmnt_id:\t1\n' >tree/100/fdinfo/7
	until_true grep -qF 90.0 out
	rm -r tree/100
	verdict 5 'ended at 90.0%'
	fixture
	printf 'pos:\t1000001\nflags:\t0100000\nmnt_id:\t1\n' >tree/100/fdinfo/7
	follow -R tree 100 7
	rm -r tree/100
	verdict 3 'ended, exit status unknown'
}

@test "a file that does not answer: said, and it is waited for the end" {
	fixture
	mkfifo tree/100/io
	run --separate-stderr -3 fdprogress -T 0.1 -R tree 100 7
	[ -z "$output" ]
	[ "$stderr" = 'fdprogress: 100: no answer from tree within 0.1 s' ]
	start fdprogress -f -T 0.1 -R tree 100 7 >out 2>err
	FOLLOWER=$PID PID=100
	until_true grep -q 'no answer' err
	# without a pidfd it looks for the end ten times a second
	before=${EPOCHREALTIME/[.,]/}
	rm -r tree/100
	verdict 3 'ended, exit status unknown'
	[ $((${EPOCHREALTIME/[.,]/} - before)) -lt 600000 ]
	# --stall counts: whether it moves is not known
	fixture
	mkfifo tree/100/io
	run --separate-stderr -3 timeout 20 fdprogress -f -T 0.1 --stall 0.5 \
		-R tree 100 7
	[ "$(tail -n 1 <<<"$stderr")" = 'fdprogress: 100: not known for 0.5 s whether it moves' ]
	run --separate-stderr -3 timeout 20 fdprogress -fq -T 0.1 --stall 0.5 \
		-R tree 100 7
	[ "$stderr" = 'fdprogress: 100: no answer from tree within 0.1 s' ]
}

@test "the estimator" {
	run -0 "$TESTS/meter_test"
	[[ $output != *'not ok'* ]]
	run -0 "$TESTS/trace_test"
	[[ $output != *'not ok'* ]]
}
