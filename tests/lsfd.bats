load helper

# row FD: the row of that descriptor in $output (-H), without PID and COMMAND
row() {
	printf '%s\n' "$output" | awk -F '\t' -v fd="$1" '$3 == fd' | cut -f 3-
}

# process DIR PID: a process in a tree that stands for a procfs
process() {
	mkdir -p "$1/$2/fd" "$1/$2/fdinfo"
	echo "c$2" >"$1/$2/comm"
	printf 'Name:\tc\nState:\tS\nTgid:\t%d\nPid:\t%d\nUid:\t0\t0\t0\t0\nVmSize:\t1\n' \
		"$2" "$2" >"$1/$2/status"
}

# descriptor DIR PID FD TARGET
descriptor() {
	ln -s "$4" "$1/$2/fd/$3"
	printf 'pos:\t7\nflags:\t0100002\nmnt_id:\t1\n' >"$1/$2/fdinfo/$3"
}

@test "lsfd: bad options and operands are usage errors" {
	for arg in -x --bogus -T -Tx -T1e3 -R 0 99999999999 '' '-J -H' '-J -0'; do
		# shellcheck disable=SC2086 # some are two words
		run -2 --separate-stderr lsfd ${arg:-''}
		[ -z "$output" ]
		[[ ${stderr_lines[0]} == lsfd:* ]]
	done
	run -2 lsfd ''
}

@test "lsfd: what does not exist is said, with status 1" {
	run -1 --separate-stderr lsfd 2147483647
	[ -z "$output" ]
	[ "$stderr" = 'lsfd: 2147483647: No such process' ]
	run -1 --separate-stderr lsfd ./no-such-file
	[ "$stderr" = 'lsfd: ./no-such-file: No such file or directory' ]
	hold 100=r:/etc/passwd
	run -1 --separate-stderr lsfd -H 2147483647 "$PID"
	[ "$stderr" = 'lsfd: 2147483647: No such process' ]
	[ -n "$(row 100)" ]
}

@test "lsfd: /dev/full fails, a closed pipe is quiet" {
	run -1 sh -c 'lsfd $$ 2>&1 >/dev/full'
	[ "$output" = 'lsfd: stdout: No space left on device' ]
	run -1 sh -c 'lsfd -h 2>&1 >/dev/full'
	hold 100=r:/etc/passwd
	run -0 sh -c "lsfd $PID $PID 2>&1 | head -n 1"
	[ "${#lines[@]}" -eq 1 ]
	# more than a pipe holds
	mkdir many
	process "$PWD/many" 10
	for i in $(seq 600); do
		descriptor "$PWD/many" 10 "$i" "pipe:[$i]"
	done
	run -0 sh -c 'lsfd -J -R many 2>&1 | head -n 1 | wc -l'
	[ "$output" -eq 1 ]
	# and none is lost with a slow reader
	run -0 bash -c 'lsfd -H -R many | { read -r; until_true() { [ -e go ]; }; touch go; cat; } | wc -l'
	[ "$output" -eq 599 ]
}

@test "lsfd: a closed standard output is an error" {
	run -1 bash -c 'lsfd $$ >&- 2>err'
	grep -q 'stdout: Bad file descriptor' err
}

@test "lsfd: columns have the widths of the heading" {
	hold 100=r:/etc/passwd
	run -0 lsfd "$PID"
	[ "${lines[0]}" = 'PID     COMMAND           FD MODE TYPE             SIZE NAME' ]
	row=$(printf '%-7s %-15s %4s %-4s %-8s %12s %s' "$PID" hold 100 r reg \
		"$(stat -c %s /etc/passwd)" /etc/passwd)
	printf '%s\n' "${lines[@]}" | grep -qxF "$row"
	run -0 lsfd -l "$PID"
	[[ ${lines[0]} =~ ^PID\ +COMMAND\ +USER\ +FD\ MODE\ FLAGS\ +TYPE\ +DEV\ +INODE\ +LINKS\ +POS\ +SIZE\ NAME$ ]]
}

@test "lsfd: types and access modes" {
	mkfifo fifo
	echo text >file
	hold 100=r:file 101=w:file 102=rw:file 103=path:file 104=r:. \
		105=r:/dev/null 106=rw:fifo 107,108=pipe 109,110=unix \
		111=eventfd 112=epoll:111 113=inotify:file 114=timerfd \
		115=signalfd 116=memfd:mine 117=pidfd
	run -0 lsfd -H "$PID"
	ino() { stat -L -c %i "/proc/$PID/fd/$1"; }
	link() { readlink "/proc/$PID/fd/$1"; }
	[ "$(row 100)" = "$(printf '100\tr\treg\t5\t%s' "$PWD/file")" ]
	[ "$(row 101)" = "$(printf '101\tw\treg\t5\t%s' "$PWD/file")" ]
	[ "$(row 102)" = "$(printf '102\trw\treg\t5\t%s' "$PWD/file")" ]
	[ "$(row 103)" = "$(printf '103\t-\treg\t5\t%s' "$PWD/file")" ]
	[ "$(row 104)" = "$(printf '104\tr\tdir\t%s\t%s' "$(stat -c %s .)" "$PWD")" ]
	[ "$(row 105)" = "$(printf '105\tr\tchr\t-\t/dev/null')" ]
	[ "$(row 106)" = "$(printf '106\trw\tfifo\t-\t%s' "$PWD/fifo")" ]
	[ "$(row 107)" = "$(printf '107\tr\tpipe\t-\tpipe:[%s]' "$(ino 107)")" ]
	[ "$(row 108)" = "$(printf '108\tw\tpipe\t-\tpipe:[%s]' "$(ino 107)")" ]
	[ "$(row 109)" = "$(printf '109\trw\tunix\t-\tsocket:[%s] STREAM ESTABLISHED' "$(ino 109)")" ]
	i=111
	for t in eventfd epoll inotify timerfd signalfd; do
		[ "$(row $i | cut -f 3)" = "$t" ]
		i=$((i + 1))
	done
	[ "$(row 116)" = "$(printf '116\trw\tmemfd\t0\t/memfd:mine')" ]
	[ "$(row 117 | cut -f 3)" = pidfd ]
}

@test "lsfd: objects are named by what fdinfo tells" {
	touch file
	sleep 100 3>&- 4>&- &
	STARTED+=($!)
	sleeper=$!
	hold 200=r:file 90=r:file 91=r:file 100=eventfd:3 101=eventfd 102=epoll:100,101 \
		103=epoll:101 104=inotify:file 105=timerfd 106=timerfd:5000,7 \
		107=signalfd:15,2,16,40 108=signalfd "109=pidfd:$sleeper" 110=deadpidfd \
		111=rw:/dev/ptmx 112=epoll:
	run -0 lsfd -H "$PID"
	name() { row "$1" | cut -f 5; }
	id() { sed -n 's/^eventfd-id: //p' "/proc/$PID/fdinfo/$1"; }
	[ "$(name 100)" = "eventfd:[$(id 100)] count=3 semaphore" ]
	[ "$(name 101)" = "eventfd:[$(id 101)] count=0" ]
	[ "$(name 102)" = 'epoll of 100,101' ]
	[ "$(name 103)" = 'epoll of 101' ]
	[ "$(name 104)" = 'inotify 1 watch' ]
	[ "$(name 105)" = 'timerfd monotonic off' ]
	[[ "$(name 106)" =~ ^timerfd\ boottime\ left=(49[0-9][0-9])\.[0-9]+\ interval=7.5$ ]]
	[ "$(name 107)" = "signalfd of INT,TERM,$(kill -l 16),40" ]
	[ "$(name 108)" = 'signalfd of USR1' ]
	[ "$(name 109)" = "pid $sleeper sleep" ]
	[ "$(name 110)" = 'pid of a dead process' ]
	[ "$(name 111)" = "/dev/ptmx -> pts/$(awk '/^tty-index/ { print $2 }' "/proc/$PID/fdinfo/111")" ]
	[ "$(name 112)" = 'epoll of nothing' ]
	# a path that programs take stays one
	lsfd -0 "$PID" | tr '\0' '\n' | grep -q '	111	rw	chr	-	/dev/ptmx$'
}

@test "lsfd: objects that only root may have" {
	need_root
	need unshare
	touch file
	hold_as 'unshare -n -i' 100=mqueue:q 101=fanotify:file \
		102=tun:tun7 103=eventfd 104=uring:103,-1,100 105=bpf \
		106=userfaultfd 107=rw:file pos:107:79 text:107:x
	[ "$(stat -c %s file)" -eq 80 ]
	run -0 lsfd -H "$PID"
	[ "$(row 100)" = "$(printf '100\trw\tmqueue\t-\t/q')" ]
	[ "$(row 101 | cut -f 5)" = 'fanotify 3 marks' ]
	[ "$(row 102 | cut -f 5)" = '/dev/net/tun -> tun7' ]
	[ "$(row 104 | cut -f 5)" = 'io_uring files=3 buffers=0' ]
	id=$(sed -n 's/^map_id:[[:space:]]*//p' "/proc/$PID/fdinfo/105")
	[ "$(row 105 | cut -f 5)" = "bpf map $id type=2" ]
	[ "$(row 106)" = "$(printf '106\tr\tanon\t-\tuserfaultfd pending=0')" ]
	[ "$(row 107 | cut -f 3)" = reg ]
}

@test "lsfd: type information of BPF" {
	need_root
	need jq
	hold 100=btf || skip 'no BTF'
	id=$(sed -n 's/^btf_id:[[:space:]]*//p' "/proc/$PID/fdinfo/100")
	[ "$id" -gt 0 ]
	run -0 lsfd -H -t bpf "$PID"
	[ "$output" = "$(printf '%s\thold\t100\tr\tbpf\t-\tbpf btf %s' "$PID" "$id")" ]
	run -0 sh -c "lsfd -J -t bpf $PID | jq -c .bpf"
	[ "$output" = "{\"kind\":\"btf\",\"id\":$id,\"type\":null,\"tag\":null,\"prog\":null}" ]
}

@test "lsfd -J: the fields of objects" {
	need jq
	touch file
	sleep 100 3>&- 4>&- &
	STARTED+=($!)
	sleeper=$!
	hold 100=eventfd:3 101=eventfd 102=epoll:100,101 103=inotify:file \
		104=timerfd:5000,7 105=signalfd:15,2,40 "106=pidfd:$sleeper" \
		107=deadpidfd 108=rw:/dev/ptmx
	lsfd -J "$PID" >json
	get() { jq -c "select(.fd == $1) | $2" json; }
	[ "$(get 100 '.eventfd | [.count, .semaphore]')" = '[3,true]' ]
	[ "$(get 101 .eventfd.id)" = "$(sed -n 's/^eventfd-id: //p' "/proc/$PID/fdinfo/101")" ]
	ino=$(inode "$PID" 100)
	[ "$(get 102 '[.epoll[] | select(.fd == 101) | .events, .data, .inode]')" = \
		"[[\"in\",\"err\",\"hup\",\"et\"],$((0x1234500000000 + 101)),$ino]" ]
	[ "$(get 102 '[.epoll[].fd] | sort')" = '[100,101]' ]
	[ "$(get 103 '.inotify')" = "[{\"wd\":1,\"dev\":$(get 103 '.inotify[0].dev'),\"inode\":$(stat -c %i file),\"mask\":[\"modify\"]}]" ]
	[ "$(get 104 '.timerfd | [.clock, .interval, .ticks, .absolute, (.left > 4000)]')" = \
		'["boottime",7.5,0,false,true]' ]
	[ "$(get 105 .signalfd)" = '["INT","TERM","40"]' ]
	[ "$(get 106 '.pidfd | [.pid, .dead, .command]')" = "[$sleeper,false,\"sleep\"]" ]
	[ "$(get 107 '.pidfd | [.pid, .dead, .command]')" = '[null,true,null]' ]
	[ "$(get 108 '[.name, .tty]')" = "[\"/dev/ptmx\",\"pts/$(awk '/^tty-index/ { print $2 }' "/proc/$PID/fdinfo/108")\"]" ]
	[ "$(get 100 .locks)" = null ]
}

@test "lsfd -J: the files of an io_uring under their own names" {
	need python3
	name=$'a b\\040\tc\nd"\x80'
	touch "$name" 'gone x'
	hold "100=r:$name" '101=r:gone x' 'unlink:gone x' 102=eventfd \
		103=uring:100,101,102 || skip 'no io_uring'
	grep -q '^ *0: /' "/proc/$PID/fdinfo/103" || skip 'no paths before Linux 6.13'
	lsfd -J "$PID" >json
	run -0 python3 -c '
import json, os
for line in open("json"):
    r = json.loads(line)
    if r["fd"] != 103:
        continue
    for f in r["uring"]["files"]:
        want = os.readlink("/proc/%d/fd/%d" % (r["pid"], 100 + f["index"]))
        print(f["index"], f["target"] == want)'
	[ "$output" = $'0 True\n1 True\n2 True' ]
}

@test "lsfd -l: events and masks in words, descriptors in flight" {
	touch file
	hold 100=eventfd 101=eventfd 102=epoll:100,101 103=inotify:file \
		104,105=unix inflight:101:104
	name() { lsfd "$2" "$PID" | awk -F '\t' -v fd="$1" '$4 == fd { print $NF }'; }
	[[ $(name 102 -lH) == 'epoll of 100,101'*' 100=in+err+hup+et'* ]]
	sdev=$(sed -n 's/^inotify.* sdev:\([0-9a-f]*\) .*/\1/p' "/proc/$PID/fdinfo/103")
	[ "$(name 103 -lH)" = "inotify 1 watch $((0x$sdev >> 20)):$((0x$sdev & 0xfffff)):$(stat -c %i file)=modify" ]
	[ "$(name 104 -lH)" = "socket:[$(inode "$PID" 104)] STREAM ESTABLISHED" ]
	if grep -q ^scm_fds: "/proc/$PID/fdinfo/105"; then
		[ "$(name 105 -lH)" = "socket:[$(inode "$PID" 105)] STREAM ESTABLISHED scm_fds=1" ]
	fi
	# default columns have no room for it, -0 has the name only
	run -0 sh -c "lsfd -H $PID; lsfd -l0 $PID | tr '\\0' '\\n'"
	[[ $output == *$'\tepoll of 100,101\n'*$'\tepoll of 100,101\n'* ]]
	[[ $output != *[=]modify* && $output != *scm_fds* ]]
}

@test "lsfd -l: marks of fanotify by what they are on" {
	need_root
	need findmnt
	touch file
	id=$(findmnt -no ID -T .) dir=$(findmnt -no TARGET -T .)
	hold 100=fanotify:file 101=fanmount:file || skip 'no fanotify'
	run -0 sh -c "lsfd -lH -t fanotify $PID | cut -f 13"
	[[ ${lines[0]} == 'fanotify 3 marks '* ]]
	[[ ${lines[0]} == *":$(stat -c %i file)=close_write"* ]]
	[[ ${lines[0]} == *" mount:$id:$dir=close_write"* ]]
	[[ ${lines[0]} == *" filesystem:"*":/"*"=close_write"* ]]
	[ "${lines[1]}" = "fanotify 1 mark mount:$id:$dir=close_write" ]
}

@test "lsfd -l, -J: seals of a memfd" {
	need jq
	hold 100=memfd:some seal:100:14 101=memfd:none 102=memfd:all seal:102:3 \
		private:103=memfd:own
	lsfd -J "$PID" >json
	get() { jq -c "select(.fd == $1 and (.tid == null) == ($1 < 103)) | .seals" json; }
	[ "$(get 100)" != null ] || skip 'pidfd_getfd is not permitted'
	[ "$(get 100)" = '["shrink","grow","write"]' ]
	[ "$(get 101)" = '[]' ]
	[ "$(get 102)" = '["seal","shrink"]' ]
	[ "$(get 103)" = '[]' ]
	[ "$(jq -r 'select(.fd == 103).name' json)" = /memfd:own ]
	[ "$(jq -c 'select(.type != "memfd" and has("seals"))' json)" = '' ]
	run -0 lsfd -lH "$PID"
	flags() { awk -F '\t' -v name="/memfd:$1" '$13 == name { print $6 }' <<<"$output" | sort -u; }
	[ "$(flags some)" = seals=shrink:grow:write ]
	[ "$(flags none)" = seals=none ]
	[ "$(flags all)" = seals=seal:shrink ]
	# default columns do not ask
	run -0 lsfd -H "$PID"
	[[ "${lines[*]}" != *seals=* ]]
	# refused: unknown, and no error
	run -0 --separate-stderr "$TESTS/refuse" EPERM pidfd_getfd \
		lsfd -J -t memfd "$PID"
	[ "$(jq -c .seals <<<"$output" | sort -u)" = null ]
	[ -z "$stderr" ]
	run -0 "$TESTS/refuse" EPERM pidfd_getfd lsfd -lH -t memfd "$PID"
	[[ "${lines[*]}" != *seals=* ]]
}

@test "lsfd -l, -J: locks in full" {
	need python3 jq
	echo text >file
	start python3 -c '
import fcntl, os, signal
f = open("file", "r+"); os.dup2(f.fileno(), 100)
fcntl.lockf(100, fcntl.LOCK_EX, 10, 5)
fcntl.flock(100, fcntl.LOCK_SH)
open("ready", "w")
signal.pause()'
	until_true [ -e ready ]
	run -0 lsfd -lH "$PID"
	flags=$(awk -F '\t' '$4 == 100 { print $6 }' <<<"$output")
	[ "$flags" = "lock=FLOCK:ADVISORY:READ:$PID:0-EOF,lock=POSIX:ADVISORY:WRITE:$PID:5-14" ]
	run -0 sh -c "lsfd -J $PID | jq -c 'select(.fd == 100) | .flags, (.locks[] | [.kind, .how, .mode, .pid, .inode, .start, .end])'"
	ino=$(stat -c %i file)
	[ "$output" = "$(printf 'null\n["FLOCK","ADVISORY","READ",%s,%s,0,null]\n["POSIX","ADVISORY","WRITE",%s,%s,5,14]' \
		"$PID" "$ino" "$PID" "$ino")" ]
}

@test "lsfd: an mqueue by its own mount, a file like one is none" {
	need_root
	need unshare mount
	mkdir at
	# shellcheck disable=SC2016
	run -0 --separate-stderr unshare -m -i --propagation private bash -c '
		PATH=$1:$2:$PATH
		mount -t mqueue none at
		touch at/q
		truncate -s 80 sparse
		exec 20<at/q 21<sparse
		lsfd -H $$' - "$TOP/cmd" "$TESTS"
	[ "$(row 20)" = "$(printf '20\tr\tmqueue\t-\t%s/at/q' "$PWD")" ]
	[ "$(row 21)" = "$(printf '21\tr\treg\t80\t%s/sparse' "$PWD")" ]
}

@test "lsfd: a loop device's file" {
	need_root
	need losetup
	truncate -s 1M image
	dev=$(losetup --show -f image) || skip 'no loop device'
	hold "100=r:$dev"
	losetup -d "$dev"		# once it is closed
	run -0 lsfd -H "$PID"
	[ "$(row 100 | cut -f 5)" = "$dev -> $PWD/image" ]
}

@test "lsfd -l: user, flags, device, inode, links, position" {
	echo 0123456789 >file
	ln file other
	hold 100=a:file 101=rw:file pos:101:7
	run -0 lsfd -lH "$PID"
	for fd in 100 101; do
		r=$(row $fd)
		user=$(ps -o user:32= -p "$PID" | tr -d ' ')
		[ "$(printf '%s\n' "$output" | awk -F '\t' -v fd=$fd '$4 == fd { print $3 }')" = "$user" ]
	done
	run -0 sh -c "lsfd -lH $PID | grep -P '\t101\t' | cut -f 4-12"
	[ "$output" = "$(printf '101\trw\t-\treg\t%d:%d\t%s\t2\t7\t11' \
		"$(stat -c %Hd file)" "$(stat -c %Ld file)" "$(stat -c %i file)")" ]
	run -0 sh -c "lsfd -lH $PID | grep -P '\t100\t' | cut -f 6"
	[ "$output" = append ]
}

@test "lsfd -l, -J: a position may be negative" {
	need python3
	mkfifo in out
	start python3 -c '
import ctypes, os
os.dup2(os.open("/proc/self/mem", os.O_RDONLY), 100)
seek = ctypes.CDLL(None).lseek64
seek.argtypes = ctypes.c_int, ctypes.c_int64, ctypes.c_int
seek(100, -(1 << 62) - 3, os.SEEK_SET)
open("out", "w").close()
open("in").read()'
	: <out
	[[ $(cat "/proc/$PID/fdinfo/100") == *$'pos:\t-4611686018427387907\n'* ]] ||
		skip 'no negative position here'
	run -0 sh -c "lsfd -lH $PID | awk -F '\t' '\$4 == 100 { print \$11 }'"
	[ "$output" = -4611686018427387907 ]
	run -0 sh -c "lsfd -J $PID | grep '\"fd\":100,'"
	[[ $output == *'"pos":-4611686018427387907,'* ]]
}

@test "lsfd -l: a user that /etc/passwd does not know is a number" {
	need_root
	chmod -R a+rX "$BATS_TEST_TMPDIR"
	hold_as 'setpriv --reuid 54321 --regid 54321 --clear-groups' 100=r:/etc/passwd
	run -0 sh -c "lsfd -lH $PID | cut -f 3 | sort -u"
	[ "$output" = 54321 ]
}

@test "lsfd: deleted is decided by the file, not by the suffix" {
	for f in unlinked renamed 'real (deleted)' linked again gone; do
		echo x >"$f"
	done
	ln linked other
	echo y >new
	hold 100=r:unlinked unlink:unlinked 101=r:renamed rename:new:renamed \
		"102=r:real (deleted)" 103=r:linked unlink:linked \
		104=r:again rename:again:tmp 105=tmp:. \
		106=r:gone rename:gone:"gone (deleted)" 108=memfd:m \
		107=r:"gone (deleted)" unlink:"gone (deleted)"
	ln other linked2
	run -0 lsfd -H "$PID"
	name() { row "$1" | cut -f 5; }
	[ "$(name 100)" = "$PWD/unlinked (deleted)" ]
	[ "$(name 101)" = "$PWD/renamed (deleted)" ]
	[ "$(name 102)" = "$PWD/real\\040(deleted)" ]
	[ "$(name 103)" = "$PWD/linked (deleted)" ]	# a hard link is left
	[ "$(name 104)" = "$PWD/tmp" ]
	[[ $(name 105) == "$PWD/#"*" (deleted)" ]]
	[ "$(name 107)" = "$PWD/gone\\040(deleted) (deleted)" ]
	[ "$(name 108)" = /memfd:m ]
	run -0 sh -c "lsfd -dH $PID | cut -f 3 | tr '\n' ' '"
	[ "$output" = '100 101 103 105 106 107 ' ]
	# linked again under its old name: there it is
	ln other linked
	run -0 lsfd -H "$PID"
	[ "$(name 103)" = "$PWD/linked" ]
	# -0 is raw and bears no mark
	run -0 bash -c "lsfd -0 $PID | tr '\0\n' '\n?' | cut -f 3,7 | grep '^10[27]'"
	[ "${lines[0]}" = "$(printf '102\t%s' "$PWD/real (deleted)")" ]
	[ "${lines[1]}" = "$(printf '107\t%s' "$PWD/gone (deleted)")" ]
	run -1 lsfd -d $$ "$PWD/new2" 
}

@test "lsfd -d: memfds if they are asked for by type" {
	echo x >gone
	hold 100=memfd:m 101=r:gone unlink:gone 102=r:/etc/passwd close:2
	run -0 sh -c "lsfd -dH $PID | cut -f 3"
	[ "$output" = 101 ]
	run -0 sh -c "lsfd -dH -t memfd,reg $PID | cut -f 3,5,7"
	[ "$output" = "$(printf '100\tmemfd\t/memfd:m\n101\treg\t%s' \
		"$PWD/gone (deleted)")" ]
	run -0 sh -c "lsfd -dJ -t memfd $PID | grep -c '\"deleted\":false'"
	[ "$output" = 1 ]
	run -1 lsfd -d -t chr "$PID"
}

@test "lsfd: memfds with pages of any size, and secret memory" {
	local kb n log fd=100
	for kb in /sys/kernel/mm/hugepages/hugepages-*kB; do
		[ -e "$kb" ] || skip 'no huge pages'
		n=${kb##*-} log=9
		for ((n = ${n%kB}; n; n /= 2)); do
			log=$((log + 1))
		done
		hold $fd=huge:$log
		fd=$((fd + 1))
		[ "$(lsfd -H "$PID" | awk -F '\t' '$3 >= 100' | cut -f 4-)" = \
			"$(printf 'rw\tmemfd\t0\t/memfd:huge')" ]
		run -1 lsfd -d "$PID"
		run -0 lsfd -dH -t memfd "$PID"
		if [ "$(id -u)" -eq 0 ]; then
			run -1 sh -c "fdrecover -H 2>/dev/null | cut -f 1 | grep -x $PID"
		fi
	done
}

@test "lsfd: secret memory is a memfd that was never deleted" {
	hold 100=secret || skip 'no memfd_secret'
	run -0 --separate-stderr lsfd -H "$PID"
	[ -z "$stderr" ]
	[ "$(row 100)" = "$(printf '100\trw\tmemfd\t0\t/secretmem')" ]
	run -1 --separate-stderr lsfd -d "$PID"
	[ -z "$stderr" ]
	run -0 lsfd -dH -t memfd "$PID"
	[ "$(row 100 | cut -f 5)" = /secretmem ]
	run -0 lsfd -J "$PID"
	[[ $output == *'"target":"/secretmem (deleted)","seals":null'* ]]
}

@test "lsfd -d: none is 1" {
	hold 100=r:/etc/passwd close:2
	run -1 --separate-stderr lsfd -d "$PID"
	[ -z "$output" ]
}

@test "lsfd -J: valid for hostile names, types right" {
	need jq
	f=$'a\e[31m \\ "\n\xff\xc2\x85\xc3\xa9'
	echo x >"$f"
	hold "comm:$(printf 'a) \n\xfe"')" "100=r:$f" 101=r:. unlink:"$f"
	lsfd -J "$PID" >json
	jq -e 'type == "object" and (.pid | type) == "number" and
		(.fd | type) == "number" and (.type | type) == "string" and
		(.deleted | type) == "boolean" and .tid == null' json >/dev/null
	[ "$(jq -r 'select(.fd == 100).deleted' json)" = true ]
	[ "$(jq -r 'select(.fd == 101).deleted' json)" = false ]
	[ "$(jq -r 'select(.fd == 100).inode' json)" = "$(inode "$PID" 100)" ]
	[ "$(jq 'select(.fd == 100) | .name | endswith("(deleted)")' json)" = false ]
	[ "$(jq 'select(.fd == 100) | .target | endswith(" (deleted)")' json)" = true ]
	[ "$(wc -l <json)" -eq "$(lsfd -H "$PID" | wc -l)" ]
	if command -v python3; then
		python3 - "$PWD/$f" <<-'E'
			import json, os, sys
			for l in open('json', encoding='ascii', errors='strict') if False else open('json', encoding='utf-8'):
			    r = json.loads(l)
			    if r['fd'] == 100:
			        assert os.fsencode(r['name']) == os.fsencode(sys.argv[1]), r['name']
			        assert os.fsencode(r['command']) == b'a) \n\xfe"', r['command']
		E
	fi
}

@test "lsfd: hostile names forge no row and reach no terminal" {
	f=$'x\n1 init 0 r reg 0 /etc/shadow\t\e]0;'
	f=${f//\//_}
	echo x >"$f"
	hold "comm:$(printf 'a b\n\\\033')" "100=r:$f"
	run -0 lsfd "$PID"
	run -0 sh -c "lsfd $PID | LC_ALL=C grep -c '[^ -~]'; lsfd $PID | grep -c '^1 '; true"
	[ "$output" = "$(printf '0\n0')" ]
}

@test "lsfd: the command and blanks are one field" {
	hold "comm:a b" 100=r:/etc/passwd
	run -0 sh -c "lsfd $PID | awk '\$3 == 100 { print \$2 }'"
	[ "$output" = 'a\040b' ]
	run -0 sh -c "lsfd -H $PID | awk -F '\t' '\$3 == 100 { print \$2 }'"
	[ "$output" = 'a b' ]
}

@test "lsfd FILE: by device and inode, whatever the name" {
	echo x >file
	ln file hard
	ln -s file soft
	hold 100=r:file 101=r:/etc/passwd
	for name in "$PWD/file" ./hard soft; do
		run -0 sh -c "lsfd -H $name 2>/dev/null | cut -f 1,3"
		[ "$output" = "$(printf '%d\t100' "$PID")" ]
	done
	cp file copy
	run -1 --separate-stderr lsfd copy "$PID"
	[ -z "$output" ]
	# processes AND files
	hold 100=r:file
	run -0 sh -c "lsfd -H file $PID | cut -f 1"
	[ "$output" = "$PID" ]
	run -0 sh -c "lsfd -H file /etc/passwd $PID | wc -l"
	[ "$output" -eq 1 ]
}

@test "lsfd: of processes AND files none is left where one kind is missing" {
	echo x >file
	hold 100=r:file
	run -1 --separate-stderr lsfd "$PID" ./no-such-file
	[ -z "$output" ]
	[ "$stderr" = 'lsfd: ./no-such-file: No such file or directory' ]
	run -1 --separate-stderr lsfd 2147483647 file
	[ -z "$output" ]
}

@test "lsfd: what hidepid hides is not permitted, not absent" {
	need_root
	# shellcheck disable=SC2016 # for that shell
	run -0 --separate-stderr unshare -pfm --mount-proc bash -c '
		sleep 60 & mount -t proc -o hidepid=2 proc /proc
		setpriv --reuid 65534 --regid 65534 --clear-groups "$0" $!
		echo "$?"
		setpriv --reuid 65534 --regid 65534 --clear-groups "$0" /etc/passwd
		echo "$?"
		kill $!' "$TOP/cmd/lsfd"
	[ "$output" = "$(printf '3\n3')" ]
	[[ ${stderr_lines[0]} == "lsfd: 2: Operation not permitted (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)" ]]
	[[ ${stderr_lines[1]} == "lsfd: /proc: other users' processes are hidden (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)" ]]
}

@test "lsfd: a descriptor that is opened anew and anew makes no mixed row" {
	need python3
	head -c 11 /dev/zero >ca
	head -c 22 /dev/zero >cb
	python3 -c '
import os
while True:
    for name, mode in ("ca", os.O_RDONLY), ("cb", os.O_RDWR | os.O_APPEND):
        fd = os.open(name, mode)
        os.dup2(fd, 100)
        os.close(fd)
    if not os.path.exists("ready"):
        open("ready", "w").close()' 3>&- 4>&- 10>&- 251>&- &
	PID=$!
	STARTED+=("$PID")
	until_true test -e ready
	for i in $(seq 150); do
		lsfd -H "$PID" | awk -F '\t' '$3 == 100 { print $4, $6, $7 }'
		lsfd -lH "$PID" | awk -F '\t' '$4 == 100 { print $5, $6, $12, $13 }'
	done >rows
	[ "$(wc -l <rows)" -eq 300 ]
	sort rows | uniq -c
	[ -z "$(grep -vxF -e "r 11 $PWD/ca" -e "rw 22 $PWD/cb" -e '- - -' \
		-e "r cloexec 11 $PWD/ca" -e "rw append,cloexec 22 $PWD/cb" \
		-e "r - 11 $PWD/ca" -e "rw append 22 $PWD/cb" -e '- - - -' rows)" ]
}

@test "lsfd: a process that shares the descriptors makes no mixed row" {
	printf '%011d' 0 >ca
	printf '%022d' 0 >cb
	hold many:200:ca sharer:ca:cb
	until_true test -e "/proc/$PID/fd/100"
	child=$(cat "/proc/$PID/task/$PID/children")
	for i in $(seq 100); do
		lsfd -H "$PID" $child | awk -F '\t' '$3 == 100 { print $4, $6, $7 }'
	done >rows
	[ "$(wc -l <rows)" -gt 150 ]
	# also where kcmp is refused
	for i in $(seq 50); do
		"$TESTS/refuse" EPERM kcmp lsfd -H "$PID" $child |
			awk -F '\t' '$3 == 100 { print $4, $6, $7 }'
	done >>rows
	sort rows | uniq -c
	[ -z "$(grep -vxF -e "r 11 $PWD/ca" -e "rw 22 $PWD/cb" -e '- - -' rows)" ]
}

@test "lsfd: threads that come and go make no mixed row" {
	printf '%011d' 0 >ca
	printf '%022d' 0 >cb
	hold many:200:ca jobs:ca:cb
	for i in $(seq 200); do
		lsfd -H "$PID" | awk -F '\t' '$3 >= 1000 { print $4, $6, $7 }'
	done >rows
	[ "$(wc -l <rows)" -eq 40000 ]
	sort rows | uniq -c
	[ -z "$(grep -vxF -e "r 11 $PWD/ca" -e "rw 22 $PWD/cb" rows)" ]
}

@test "lsfd: a thread that is made while it is at work makes no mixed row" {
	need python3
	dir=$(printf '%0200d' 0)
	mkdir "$dir"
	printf '%011d' 0 >"$dir/ca"
	printf '%022d' 0 >"$dir/cb"
	mkfifo go
	start python3 -c '
import os, resource, signal, sys, threading
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
os.dup2(os.open(sys.argv[1] + "/ca", os.O_RDONLY), 98)
os.dup2(os.open(sys.argv[1] + "/cb", os.O_RDWR), 99)
for fd in range(100, 3700):
    os.dup2(98, fd)
def churn():
    while True:
        for fd in 98, 99:
            for at in range(3600, 3700):
                os.dup2(fd, at)
open("ready", "w")
os.close(os.open("go", os.O_RDONLY))
threading.Thread(target=churn).start()
signal.pause()
' "$dir"
	until_true test -e ready
	two() { [ "$(ls "/proc/$PID/task" | wc -l)" -eq 2 ]; }
	# it waits where nobody reads what it prints
	lsfd -lH "$PID" | {
		head -c 1000 >/dev/null
		: >go
		until_true two
		cat
	} | awk -F '\t' '$4 >= 3600 { print $5, $12, $13 }' >rows
	[ "$(wc -l <rows)" -eq 100 ]
	sort rows | uniq -c
	[ -z "$(grep -vxF -e "r 11 $PWD/$dir/ca" -e "rw 22 $PWD/$dir/cb" -e '- - -' rows)" ]
}

@test "lsfd -t: a descriptor that changes between types that are asked for is shown" {
	need python3
	echo x >file
	start python3 -c '
import os
fds = os.open("file", os.O_RDONLY), os.pipe()[0]
while True:
    for fd in fds:
        for at in range(100, 300):
            os.dup2(fd, at)'
	until_true test -e "/proc/$PID/fd/299"
	for i in $(seq 30); do
		lsfd -t reg,pipe -H "$PID" | awk -F '\t' '$3 >= 100 { print $5 }'
	done >types
	[ "$(wc -l <types)" -eq 6000 ]
	[ "$(sort -u types | xargs)" = 'pipe reg' ]
}

@test "lsfd: long names of many descriptors take no more memory" {
	! grep -q __asan_init "$TOP/cmd/lsfd" || skip 'the sanitizer needs more'
	name=$(printf '\001%.0s' $(seq 255))
	path=$(printf "$name/%.0s" $(seq 14))
	mkdir -p "$path"
	hold "many:2000:$PWD/$path"
	run -0 bash -c "ulimit -v 10000; lsfd -J $PID | grep -c '\"fd\":[0-9]*,\"mode\":\"r\"'"
	[ "$output" -ge 2000 ]
}

@test "lsfd: not all of many children are asked whether they share the descriptors" {
	need strace
	# shellcheck disable=SC2046 # words
	hold $(yes child:comm:c | head -n 400)
	few=$(ls "/proc/$PID/fd" | wc -l)
	strace -f -o trace lsfd "$PID" >/dev/null || skip 'strace is not permitted'
	# at most as many as there would be calls to read the descriptors again
	n=$(grep -c "kcmp($PID, " trace)
	[ "$n" -gt $((few * 8)) ]
	[ "$n" -lt $((few * 20)) ]
}

@test "lsfd FILE: cwd, executable and mappings count" {
	mkdir dir
	cp "$TESTS/hold" prog
	head -c 8192 /dev/zero >mapped
	TESTS_SAVED=$TESTS
	TESTS=$PWD
	cp prog hold
	hold map:mapped
	TESTS=$TESTS_SAVED
	run -0 sh -c "lsfd -H hold $PID | cut -f 3"
	[ "$output" = exe ]
	run -0 sh -c "lsfd -H mapped $PID | cut -f 3"
	[ "$output" = mem ]
	run -0 sh -c "lsfd -H . $PID | cut -f 3"
	[ "$output" = cwd ]
}

@test "lsfd -a: order, and each mapped file once" {
	hold 100=r:/etc/passwd
	run -0 sh -c "lsfd -aH $PID | cut -f 3 | uniq"
	[ "$(printf '%s\n' "${lines[@]}" | head -4 | tr '\n' ' ')" = 'cwd root exe mem ' ] ||
		[[ "$(file -L "/proc/$PID/exe" 2>/dev/null)" == *static* ]]
	awk '$6 ~ /^\// { print $6 }' "/proc/$PID/maps" | sort -u |
		grep -vxF "$(readlink "/proc/$PID/exe")" >expected || true
	lsfd -aH "$PID" | awk -F '\t' '$3 == "mem" { print $7 }' | sort >got
	cmp expected got
}

@test "lsfd: many descriptors, of sleeping and of running threads" {
	mkdir many
	args=()
	for i in $(seq 100 700); do
		echo "$i" >"many/$i"
		args+=("$i=r:many/$i")
	done
	for thread in thread spin nap; do
		hold $thread "${args[@]}"
		seq 100 700 | sed "s,.*,& $PWD/many/&," >expected
		for i in 1 2 3 4 5; do
			lsfd -H "$PID" |
				awk -F '\t' '$3 >= 100 { print $3, $7 }' >got
			cmp expected got
		done
	done
}

@test "lsfd: a descriptor selected twice is one row, in the order of PIDs" {
	hold 100=r:/etc/passwd
	a=$PID
	hold 100=r:/etc/passwd
	run -0 sh -c "lsfd -H $PID $a $PID $a | cut -f 1,3 | grep -P '\t100'"
	[ "$output" = "$(printf '%d\t100\n' "$a" "$PID" | sort -n)" ]
}

@test "lsfd: a thread's own table is listed under its ID, a shared one once" {
	echo x >file
	hold 100=r:/etc/passwd thread private:101=r:file
	run -0 sh -c "lsfd -H $PID | cut -f 1,3 | grep -P '\t10[01]'"
	tid=$(basename "$(dirname "$(dirname "$(ls -d /proc/"$PID"/task/*/fd/101)")")")
	[ "$output" = "$(printf '%d\t100\n%d\t100\n%d\t101' "$PID" "$tid" "$tid")" ]
	need jq
	run -0 sh -c "lsfd -J $PID | jq -c 'select(.fd == 101) | [.pid, .tid]'"
	[ "$output" = "[$PID,$tid]" ]
	# a TID as operand: the table of that thread
	run -0 sh -c "lsfd -H $tid | cut -f 1 | sort -u"
	[ "$output" = "$tid" ]
	for t in /proc/"$PID"/task/*; do
		t=${t##*/}
		[ "$t" = "$PID" ] || [ "$t" = "$tid" ] || shared=$t
	done
	run -0 sh -c "lsfd -H $shared $PID | cut -f 1,3 | grep -cP '^$PID\t100'"
	[ "$output" -eq 1 ]
	run -0 sh -c "lsfd -H $shared | cut -f 1 | sort -u"
	[ "$output" = "$PID" ]
}

@test "lsfd: a dead leader hides nothing" {
	echo x >file
	hold 100=r:file map:file deadleader
	until_true state_is "$PID" Z
	run -0 sh -c "lsfd -aH $PID | cut -f 1,2,3 | grep -P '\t(100|exe|mem)' | sort -u | head -3 | cut -f 3 | tr '\n' ' '"
	[ "$output" = '100 exe mem ' ]
	run -0 sh -c "lsfd -H $PWD/file 2>/dev/null | cut -f 1,3"
	[ "$output" = "$(printf '%d\tmem\n%d\t100' "$PID" "$PID")" ]
}

@test "lsfd: a zombie has no descriptors" {
	hold zombie
	z=$(ps -o pid= --ppid "$PID" | tr -d ' ')
	run -1 --separate-stderr lsfd "$z"
	[ "$stderr" = "lsfd: $z: no open descriptors" ]
}

# short_of N COMMAND...: run it with no more than N descriptors; it must find what
# is in ./want (in the first columns, -H) and end with 0, or else say why, and 3.
short_of() {
	local status=0
	# shellcheck disable=SC2016 # expanded there
	sh -c 'ulimit -n "$1"; shift; exec "$@"' - "$@" \
		>got 2>err 3>&- 4>&- 10>&- 251>&- || status=$?
	[ "$status" -eq 0 ] && ! grep -qvF "$(cut -f 1,3 got)" want && return
	[ "$status" -eq 3 ] && grep -q ': Too many open files$' err && return
	echo "$*: $status"
	head -n 3 err
	return 1
}

@test "lsfd: short of descriptors it does not say that there is none" {
	hold 100=eventfd
	single=$PID
	hold 100=eventfd thread private:101=eventfd
	tid=$(basename "$(dirname "$(dirname "$(ls -d /proc/"$PID"/task/*/fd/101)")")")
	for n in 5 6 7 8 9 10 11 12; do
		printf '%s\t%s\n' "$PID" 100 "$tid" 100 "$tid" 101 >want
		short_of $n lsfd -H "$PID"
		short_of $n lsfd -H -t eventfd
		short_of $n lsfd -H -t eventfd "$PID"
		short_of $n lsfd -H
		printf '%s\t%s\n' "$PID" "$(find "/proc/$PID/fd" -mindepth 1 | wc -l)" >want
		short_of $n lsfd --count -H
		short_of $n lsfd --count -H "$PID"
		printf '%s\t%s\n' "$single" 100 >want
		short_of $n lsfd -H "$single"
	done
}

@test "lsfd: all processes; what may not be read is counted, status 0" {
	hold 100=r:/etc/passwd
	run -0 --separate-stderr lsfd -H
	printf '%s\n' "$output" | grep -qP "^$PID\thold\t100\tr\treg"
	[ "${#stderr_lines[@]}" -le 1 ]
	# the tool itself is left out
	run -0 sh -c 'echo $$; exec lsfd -H 2>/dev/null'
	[ "${#lines[@]}" -gt 1 ]
	! printf '%s\n' "${lines[@]:1}" | cut -f 1 | grep -qx "${lines[0]}"
}

@test "lsfd: another user's process is not permitted, status 3" {
	need_root
	hold 100=r:/etc/passwd
	run -3 --separate-stderr as_user "$TOP/cmd/lsfd" "$PID"
	[ -z "$output" ]
	[[ $stderr == "lsfd: $PID: Permission denied (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)" ]]
	# nobody found, but not everybody looked at: don't know is not no
	run -3 --separate-stderr as_user "$TOP/cmd/lsfd" /bin/false
	[ -z "$output" ]
	[[ $stderr =~ ^lsfd:\ [0-9]+\ process(es)?\ could\ not\ be\ read ]]
}

@test "lsfd: own process that is not dumpable" {
	need_user
	hold 100=r:/etc/passwd undumpable
	run -3 --separate-stderr lsfd "$PID"
	[[ $stderr == *"Permission denied"* ]]
}

@test "lsfd -R: a tree that stands for a procfs, sorted" {
	t=$PWD/tree
	process "$t" 300
	process "$t" 20
	descriptor "$t" 300 12 'pipe:[77]'
	descriptor "$t" 300 7 'socket:[78]'
	descriptor "$t" 20 1000 /no/such/file
	run -0 lsfd -H -R "$t"
	[ "${lines[0]}" = "$(printf '20\tc20\t1000\trw\t-\t-\t/no/such/file')" ]
	[ "${lines[1]}" = "$(printf '300\tc300\t7\trw\tsock\t-\tsocket:[78]')" ]
	[ "${lines[2]}" = "$(printf '300\tc300\t12\trw\tpipe\t-\tpipe:[77]')" ]
	run -1 --separate-stderr lsfd -R "$PWD/none"
	[[ $stderr == "lsfd: $PWD/none: No such file or directory" ]]
}

@test "-R: a directory in which no process is" {
	local dir tool
	mkdir -p empty/sys
	touch empty/7x
	for dir in empty /; do
		for tool in lsfd 'lsfd --count' 'lsfd 1' fdrecover fdprogress \
			'fdpeer 1' 'pstack -a'; do
			# shellcheck disable=SC2086 # words
			run -1 --separate-stderr $tool -R "$dir"
			[ -z "$output" ]
			[ "$stderr" = "${tool%% *}: $dir: no procfs is mounted there" ]
		done
	done
}

@test "lsfd: without kcmp, tables that read the same are one" {
	need_root
	echo x >file
	hold 100=r:/etc/passwd thread private:101=r:file
	tid=$(basename "$(dirname "$(dirname "$(ls -d /proc/"$PID"/task/*/fd/101)")")")
	# in another pid namespace the numbers of this /proc are not ours
	run -0 sh -c "unshare -pf lsfd -H $PID | cut -f 1,3 | grep -P '\t10[01]'"
	[ "$output" = "$(printf '%d\t100\n%d\t100\n%d\t101' "$PID" "$tid" "$tid")" ]
}

@test "lsfd: a path of over 4095 bytes is unknown, the row is there" {
	name=$(printf '%0200d' 0)
	for i in $(seq 21); do
		mkdir "$name"
		cd "$name"
	done
	echo x >file
	hold 100=r:file unlink:file
	run -0 lsfd -H "$PID"
	[ "$(row 100)" = "$(printf '100\tr\treg\t2\t-')" ]
	need jq
	run -0 sh -c "lsfd -J $PID | jq -c 'select(.fd == 100) | [.name, .target, .deleted]'"
	[ "$output" = '[null,null,true]' ]
	cd "$BATS_TEST_TMPDIR"
}

@test "lsfd: works where SIGCHLD is ignored" {
	run -0 bash -c "trap '' CHLD; lsfd -H $$ >/dev/null"
}

@test "lsfd: no procfs at /proc is said, nothing is called absent" {
	need_root
	! grep -q __asan_init "$TOP/cmd/lsfd" || skip 'the sanitizer needs /proc'
	run -1 --separate-stderr unshare -m sh -c 'while umount -l /proc 2>/dev/null; do :; done; lsfd 1'
	[ "$stderr" = 'lsfd: /proc: no procfs is mounted there' ]
}

@test "lsfd: what does not answer is left behind, status 3, each row once" {
	t=$PWD/tree
	for p in 10 20 30; do
		process "$t" $p
		for fd in 3 4 5; do
			descriptor "$t" $p $fd "pipe:[$p$fd]"
		done
	done
	rm "$t/20/fdinfo/4"
	mkfifo "$t/20/fdinfo/4"		# its open blocks
	run -3 --separate-stderr timeout -s KILL 10 lsfd -T 0.5 -H -R "$t"
	[ "$stderr" = "lsfd: 20: no answer from $t within 0.5 s" ]
	[ "$(printf '%s\n' "${lines[@]}" | cut -f 1,3 | tr '\t\n' ', ')" = \
		'10,3 10,4 10,5 20,3 20,4 20,5 30,3 30,4 30,5 ' ]
	# in a pipe the reader sees the end of file
	run -0 timeout -s KILL 10 sh -c "lsfd -T 0.5 -H -R $t 2>&1 | wc -l"
	[ "$output" -eq 10 ]
}

@test "lsfd: a process that does not answer does not hide the others" {
	t=$PWD/tree
	for p in 10 20 30; do
		process "$t" $p
		descriptor "$t" $p 3 "pipe:[$p]"
	done
	mkfifo "$t/20/maps"
	run -3 --separate-stderr timeout -s KILL 10 lsfd -T 0.5 -aH -R "$t"
	[ "$stderr" = "lsfd: 20: no answer from $t within 0.5 s" ]
	printf '%s\n' "${lines[@]}" | grep -q '^10'
	printf '%s\n' "${lines[@]}" | grep -q '^30'
}

@test "lsfd: a process of thirty stuck descriptors costs no thirty limits" {
	t=$PWD/tree
	for p in 10 20; do
		process "$t" $p
		for fd in $(seq 3 32); do
			descriptor "$t" $p "$fd" "pipe:[$fd]"
		done
	done
	rm "$t"/10/fdinfo/*
	for fd in $(seq 3 32); do
		mkfifo "$t/10/fdinfo/$fd"
	done
	run -3 --separate-stderr timeout -s KILL 6 lsfd -T 2 -H -R "$t"
	[ "$stderr" = "lsfd: 10: no answer from $t within 2 s" ]
	[ "$(printf '%s\n' "${lines[@]}" | grep -c '^20')" -eq 30 ]
}

@test "lsfd: twenty that do not answer cost no twenty limits" {
	t=$PWD/tree
	for p in $(seq 101 120); do
		process "$t" "$p"
		descriptor "$t" "$p" 3 "pipe:[$p]"
		mkfifo "$t/$p/maps"
	done
	run -3 --separate-stderr timeout -s KILL 8 lsfd -aH -R "$t"
	[ "${#stderr_lines[@]}" -eq 20 ]
	[ "${stderr_lines[0]}" = "lsfd: 101: no answer from $t within 1 s" ]
	[ "${stderr_lines[19]}" = "lsfd: 120: no answer from $t within 0.1 s" ]
}

@test "lsfd: INT and TERM end it at once, also while it waits" {
	t=$PWD/tree
	process "$t" 10
	mkfifo "$t/10/maps"
	for sig in TERM KILL; do
		start lsfd -T 0 -a -R "$t"
		until_true sh -c "[ -n \"\$(ps -o pid= --ppid $PID)\" ]"
		child=$(ps -o pid= --ppid "$PID" | tr -d ' ')
		kill -$sig "$PID"
		wait "$PID" || [ $? -gt 128 ]
		until_true sh -c "! kill -0 $child 2>/dev/null"
	done
}

@test "lsfd: opens no descriptor of another process" {
	need strace
	hold 100=r:/etc/passwd 101,102=pipe
	strace -f -y -o trace lsfd -al "$PID" >/dev/null ||
		skip 'strace is not permitted'
	grep -qF '/fdinfo>, "100"' trace
	[ -z "$(grep -E 'open(at2?)?\([^"]*("([^"]*/)?fd/[0-9]|/fd>, "[0-9])' trace)" ]
	[ -z "$(grep -E '^[0-9]+ +(ptrace|kill|tgkill)\(' trace |
		grep -v "tgkill($(awk 'NR == 1 { print $1 }' trace)")" ]
	# a sanitizer reads its own
	[ -z "$(grep -E 'open[^"]*"[^"]*(cmdline|environ|/mem)"' trace |
		grep -v '"/proc/self/')" ]
}
