# The ways in which a file comes back, and what is asked before.
load recover

# same_inode PID FD FILE
same_inode() {
	[ "$(inode "$1" "$2")" = "$(stat -c %i "$3")" ]
}

@test "fdrecover: a file with another hard link gets its name back" {
	data f 1000
	ln f other
	hold 100=rw:f unlink:f
	run -0 --separate-stderr fdrecover -n "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/f: would be linked, 1000 bytes (4.00K on disk)" ]
	[ ! -e f ]
	run -0 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/f: linked, 1000 bytes (4.00K on disk)" ]
	same_inode "$PID" 100 f
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PID 100: $PWD/f is not deleted: give a DEST for a copy" ]
}

@test "fdrecover: -c copies what could be linked; what is not deleted is copied" {
	data f 1000
	ln f other
	hold 100=rw:f unlink:f 101=r:other
	run -0 --separate-stderr fdrecover -c "$PID" 100
	[[ $stderr == "fdrecover: $PWD/f: c"*"ed, 1000 bytes "* ]]
	cmp f other
	run ! same_inode "$PID" 100 f
	run -0 fdrecover "$PID" 101 new
	run ! same_inode "$PID" 101 new
}

@test "fdrecover: a file that never had a name gets one" {
	hold 100=tmp:. text:100:hello
	run -0 --separate-stderr fdrecover "$PID" 100 new
	[[ $stderr == 'fdrecover: new: linked, 5 bytes ('* ]]
	same_inode "$PID" 100 new
	[ "$(cat new)" = hello ]
	# the name that it has now is not known
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PID 100: its path is not known: give a DEST" ]
	# on another file system it is copied
	need_root
	mkdir t
	mounts 'mount -t tmpfs none t'
	hold 100=tmp:. text:100:hello
	run -0 --separate-stderr ns fdrecover "$PID" 100 t/new
	[[ $stderr == 'fdrecover: t/new: copied, 5 bytes ('* ]]
}

@test "fdrecover: nothing is linked over what is there" {
	data f 1000
	ln f other
	hold 100=rw:f unlink:f
	echo new >f
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/f: File exists" ]
	[ "$(cat f)" = new ]
}

@test "fdrecover: by its path" {
	mkdir d link.d
	gone f
	data d/g 1000 && cp d/g gref
	hold 100=r:d/g unlink:d/g
	rmdir link.d && ln -s d link.d
	run -0 --separate-stderr fdrecover "$PWD/f"
	cmp f ref
	[[ $stderr == "fdrecover: $PWD/f: c"*"ed, 300000 bytes"* ]]
	run -0 fdrecover d/g
	cmp d/g gref
	rm d/g
	run -0 fdrecover ./link.d/g new
	cmp new gref
	cd d
	run -0 fdrecover g
	cmp g ../gref
	run -0 bash -c "fdrecover ../f - 2>/dev/null | cmp - ../ref"
}

@test "fdrecover: by its path, when its directory is gone, too" {
	mkdir -p d/e/gone here && ln -s d link
	gone d/e/gone/f
	rmdir d/e/gone
	for at in d/e/gone/f link/e/gone/f here/../link/e/gone/f "$PWD/link/./e//gone/f"; do
		run -0 --separate-stderr fdrecover "$at" new
		[[ $stderr == 'fdrecover: new: c'*'ed, 300000 bytes'* ]]
		cmp new ref
		rm new
	done
	rmdir d/e
	run -0 fdrecover link/e/gone/f new
	run ! fdrecover here/e/gone/f new2
	[[ $output == *'fdrecover: here/e/gone/f: no deleted file that is open had this path' ]]
}

@test "fdrecover: by its path, of a file that its writer has by another name" {
	data f 1000 && cp f ref && ln f g
	hold 100=r:f
	hold 100=rw:g unlink:f unlink:g
	for at in f g; do
		run -0 --separate-stderr fdrecover "$PWD/$at"
		[[ $stderr == "fdrecover: $PWD/$at: c"*"ed, 1000 bytes"*"writing in $PID (hold)"* ]]
		cmp "$at" ref
	done
}

@test "fdrecover: by its path, of a file with a writer in another mount namespace" {
	need_root
	data f 1000 && cp f ref
	hold 100=r:f
	mounts :
	hold_as "nsenter -t $NS -m -w --" 100=rw:f unlink:f
	run -0 --separate-stderr fdrecover "$PWD/f"
	[[ $stderr == "fdrecover: $PWD/f: c"*"ed, 1000 bytes"*"writing in $PID (hold)"* ]]
	cmp f ref
}

@test "fdrecover: a path that no deleted file had" {
	data kept 10
	for path in /none kept d/none; do
		run --separate-stderr fdrecover "$path"
		[ "$status" -eq 1 ] || [ "$status" -eq 3 ]
		[[ ${stderr_lines[-1]} == "fdrecover: $path: "*'no deleted file that is open had this path' ]]
	done
	run --separate-stderr fdrecover kept
	[[ ${stderr_lines[-1]} == 'fdrecover: kept: is not deleted, and '* ]]
	mkdir -p none/7/fd none/7/fdinfo
	echo c >none/7/comm
	run -1 fdrecover -R none kept
}

@test "fdrecover: a path that several deleted files had" {
	gone f
	data f 1000
	hold 101=r:f unlink:f
	run -1 --separate-stderr fdrecover "$PWD/f"
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == 'PID     COMMAND '*' NAME' ]]
	[ "$(printf '%s\n' "$stderr" | grep -c " $PWD/f\$")" -eq 2 ]
	[ "${stderr_lines[-1]}" = "fdrecover: $PWD/f: 2 deleted files had this path: give PID and FD" ]
	[ ! -e f ]
}

@test "fdrecover: a path of another mount namespace is none of ours" {
	need_root
	mkdir t
	mounts 'mount -t tmpfs none t && echo evil >t/f && exec 8<t/f && rm t/f'
	run ! fdrecover "$PWD/t/f"
	[ -z "$(left t)" ]
	run -0 ns fdrecover "$PWD/t/f"
	[ "$(ns cat t/f)" = evil ]
}

@test "fdrecover: what bears the mark in another mount namespace is a deleted file" {
	need_root
	mkdir t u d
	mounts 'mount --bind u t'
	data u/f 1000
	ln u/f u/other
	hold_as "nsenter -t $NS -m -w --" 100=rw:t/f unlink:t/f
	run -0 --separate-stderr fdrecover "$PID" 100 d
	[[ $stderr == "fdrecover: d/f: c"*"ed, 1000 bytes (4.00K on disk); open for writing in $PID (hold): what is written there is not in it" ]]
	cmp u/other d/f
	# on its own mount it is the file itself
	there=/proc/$NS/root$PWD/t
	run -0 --separate-stderr fdrecover "$PID" 100 "$there"
	[ "$stderr" = "fdrecover: $there/f: linked, 1000 bytes (4.00K on disk)" ]
	same_inode "$PID" 100 u/f
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PID 100: can't tell whether $PWD/t/f is deleted: give a DEST" ]
}

@test "fdrecover: of another mount namespace a file is one, too, and another holder tells" {
	need_root
	data f 1000 && ln f left
	data u 1000 && ln u other
	mounts :
	hold 100=r:f
	hold_as "nsenter -t $NS -m -w --" 100=rw:f many:300:u unlink:f unlink:u
	run -0 --separate-stderr fdrecover -H
	[[ $(row 100) == $'100\trw\t2\t1\t1000\t'*"	$PWD/f" ]]
	[[ $stderr == 'fdrecover: 1 file of another mount namespace, '* ]]
	[[ $output != *"$PWD/u"* ]]
}

@test "fdrecover: a path below /proc is what it names" {
	gone f
	data own 20
	cp own ownref
	run -0 --separate-stderr fdrecover "/proc/$PID/fd/100"
	cmp f ref
	[[ $stderr == "fdrecover: $PWD/f: c"* ]]
	for path in "/proc//$PID/fd/100" "//proc/$PID//fd///100" "/proc/$PID/task//$PID/fd/100"; do
		for procfs in /proc /proc/ /proc//; do
			run -0 --separate-stderr fdrecover -n -R "$procfs" "$path" new
			[[ $stderr == 'fdrecover: new: would be c'* ]]
		done
	done
	run --separate-stderr fdrecover "/procs/$PID/fd/100" new
	[[ ${stderr_lines[-1]} == *' no deleted file that is open had this path' ]]
	cp "$TESTS/hold" hold
	TESTS=$PWD hold private:100=r:own unlink:own unlink:hold
	tid=$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 ! -name "$PID" -printf %f)
	run -0 fdrecover "/proc/$PID/task/$tid/fd/100"
	cmp own ownref
	run -0 fdrecover "/proc/$PID/exe" e
	cmp e "$TESTS/hold"
	run -1 --separate-stderr fdrecover "/proc/$PID/fd/77" x
	[ "$stderr" = "fdrecover: $PID: no descriptor 77" ]
	[ "$(id -u)" -eq 0 ] || return 0
	data mapped 8192 && cp mapped ref
	hold map:mapped unlink:mapped
	range=$(awk -v f="$PWD/mapped" '$6 == f { print $1; exit }' "/proc/$PID/maps")
	run -0 fdrecover "/proc/$PID/map_files/$range"
	cmp mapped ref
}

@test "fdrecover: -n tells and changes nothing" {
	gone f rw
	run -0 --separate-stderr fdrecover -n "$PID" 100
	[ -z "$output" ]
	[[ $stderr == "fdrecover: $PWD/f: would be c"*"ed, 300000 bytes (296K on disk"*"); open for writing in $PID (hold)" ]]
	run -0 --separate-stderr fdrecover --dry-run "$PID" 100 -
	[ -z "$output" ]
	[ "$stderr" = "fdrecover: stdout: would be copied, 300000 bytes; open for writing in $PID (hold)" ]
	[ -z "$(left . | grep -vx -e ref -e 'hold\..*' -e 'separate-stderr.*')" ]
	echo new >f
	run -1 --separate-stderr fdrecover -n "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/f: File exists" ]
	need_root
	mkdir t
	holder=$PID
	mounts 'mount -t tmpfs -o size=100k none t'
	run -1 --separate-stderr ns fdrecover -n "$holder" 100 t
	[ "$stderr" = 'fdrecover: t/f: needs 296K on disk, and 100K are free: give a DEST on another file system' ]
	mounts 'mount -t tmpfs -o size=1m none t'
	run -0 --separate-stderr ns fdrecover -n --pause "$holder" 100 t
	[ "$stderr" = "fdrecover: t/f: would be copied, 300000 bytes (296K on disk, 1.00M free); open for writing in $holder (hold), to be paused" ]
	[ -z "$(ns ls -A t)" ]
}

@test "fdrecover: -n tells what can't be done, and what can" {
	local how=''
	[ "$(id -u)" -ne 0 ] ||
		how='setpriv --reuid 65534 --regid 65534 --clear-groups'
	mkdir no yes
	data no/f 1000
	chmod 666 no/f
	hold_as "$how" 100=rw:no/f
	rm no/f
	chmod 555 no
	chmod 777 yes
	run -1 --separate-stderr as_user "$TOP/cmd/fdrecover" -n "$PID" 100 no/g
	[ "$stderr" = 'fdrecover: no/g: Permission denied (needs root or CAP_DAC_OVERRIDE): give another DEST' ]
	run -1 --separate-stderr as_user "$TOP/cmd/fdrecover" "$PID" 100
	[[ $stderr == "fdrecover: $PWD/no"*': Permission denied (needs root or CAP_DAC_OVERRIDE): give a DEST' ]]
	run -0 as_user "$TOP/cmd/fdrecover" -n "$PID" 100 yes/g
	# a directory that can't be searched
	chmod 600 no
	run -1 --separate-stderr as_user "$TOP/cmd/fdrecover" "$PID" 100 no/sub/g
	[ "$stderr" = 'fdrecover: no/sub: Permission denied (needs root or CAP_DAC_OVERRIDE): give another DEST' ]
	[ -z "$(left yes)" ]
}

@test "fdrecover: a mode that lets nobody read it, and a name that is left" {
	need_user
	data f 1000
	chmod 200 f
	ln f other
	hold 100=w:f unlink:f
	run -0 --separate-stderr fdrecover -n "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/f: would be linked, 1000 bytes (4.00K on disk)" ]
	run -0 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/f: linked, 1000 bytes (4.00K on disk)" ]
	same_inode "$PID" 100 other
}

@test "fdrecover: a lease that is not given up is 3, within the limit" {
	need python3
	data f 1000
	start python3 -c 'import fcntl, os, signal, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
os.dup2(os.open("f", os.O_RDWR), 100)
os.closerange(3, 100)
fcntl.fcntl(100, fcntl.F_SETLEASE, fcntl.F_WRLCK)
os.unlink("f")
open("ready", "w")
time.sleep(1000)'
	until_true [ -e ready ]
	run -3 --separate-stderr fdrecover -T 0.2 "$PID" 100
	[ "$stderr" = "fdrecover: $PID 100: its holder does not give up its lease: try again or with a longer -T" ]
	[ ! -e f ]
}

@test "fdrecover: -m lists one file system, however it is mounted" {
	need_root
	mkdir t u
	data f 10
	mounts 'mount -t tmpfs none t && mount --bind t u'
	hold_as "nsenter -t $NS -m -w --" 100=w:f unlink:f 101=w:t/a 102=w:u/b unlink:t/a unlink:u/b
	for at in t u "$PWD/t/" ./u/../t; do
		run -0 --separate-stderr ns fdrecover -H -m "$at"
		[ "$(rows | cut -f 1 | sort | xargs)" = '101 102' ]
		[ "${#lines[@]}" -eq 2 ]
	done
	run -1 --separate-stderr ns fdrecover -m "$PWD"
	[[ $stderr == "fdrecover: $PWD: not a mount point (it is on "*')' ]]
	run -1 --separate-stderr ns fdrecover -m none
	[[ $stderr == 'fdrecover: none: not a mount point (it is on '*')' ]]
}

@test "fdrecover: -m, and a descriptor of which only fdinfo tells the mount" {
	mkdir -p tree/12/fd tree/12/fdinfo tree/self
	data kept 10
	dev=$(stat -c %d kept)
	printf '20 1 %d:%d / / rw - t t rw\n21 20 8:1 / /mnt rw - t t rw\n' \
		$((dev >> 8 & 0xfff)) $((dev & 0xff)) | tee tree/12/mountinfo >tree/self/mountinfo
	ln -s "$PWD/kept" tree/12/fd/3
	ln -s '/mnt/gone (deleted)' tree/12/fd/4
	printf 'pos:\t0\nflags:\t00\nmnt_id:\t21\n' >tree/12/fdinfo/4
	run -3 --separate-stderr fdrecover -R tree -m /mnt
	run -1 --separate-stderr fdrecover -R tree -m /
	[ -z "$stderr" ]
	rm tree/12/fdinfo/4
	for at in / /mnt; do
		run -3 --separate-stderr fdrecover -R tree -m "$at"
		[[ $stderr == 'fdrecover: 1 file '*"can't tell whether deleted" ]]
	done
}

@test "fdrecover: a path of over 4,095 bytes has no name" {
	for _ in {1..20}; do
		name=$(printf '%0250d' 0)
		mkdir "$name"
		cd "$name" || return
	done
	data f 5000
	hold_at=$BATS_TEST_TMPDIR
	hold 100=r:f unlink:f
	cd "$hold_at"
	run -0 --separate-stderr fdrecover -H
	[[ $(row 100) == $'100\tr\t1\t0\t5000\t'*$'\t-' ]]
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PID 100: its path is not known: give a DEST" ]
	run -0 fdrecover "$PID" 100 new
	[ "$(stat -c %s new)" -eq 5000 ]
}

@test "fdrecover: a long copy shows on a terminal how far it is" {
	need script
	truncate -s 40M f
	dd if=/dev/urandom of=f bs=1M count=40 conv=notrunc status=none
	hold 100=r:f unlink:f
	# read once the line is there
	run -0 script -qfec "fdrecover $PID 100 - | {
		for i in \$(seq 300); do grep -q /40.0M log && break; sleep 0.1; done
		cat; } >out" log
	[ "$(stat -c %s out)" -eq $((40 << 20)) ]
	[[ $output =~ $'\r'stdout\ +[0-9.]+%\ +[0-9.]+[KM]/40.0M ]]
	[[ $output == *$'\r\033[Kfdrecover: stdout: copied, 41943040 bytes'* ]]
	# nothing where there is none
	run -0 --separate-stderr bash -c "fdrecover $PID 100 - | { sleep 1.2; cat >/dev/null; }"
	[ "$stderr" = 'fdrecover: stdout: copied, 41943040 bytes' ]
}

# stopped PID: are all its threads stopped as by a debugger?
stopped() {
	[ -z "$(grep -h '^State:' "/proc/$1/task/"*/status | grep -v '.t ')" ]
}

# goes_on PID: is none of them?
goes_on() {
	[ -z "$(grep -h '^State:.t' "/proc/$1/task/"*/status)" ] &&
		grep -q '^TracerPid:.0$' "/proc/$1/status"
}

@test "fdrecover: --pause stops who stores through a mapping, and lets it go on" {
	need_root
	mkdir t
	apart 'mount -t tmpfs none t && head -c 30000000 /dev/zero >t/f'
	stores t/f ns
	run -3 ns fdrecover "$PID" 100 t/new
	ns rm t/new
	run -0 --separate-stderr ns fdrecover -T 10 --pause "$PID" 100 t/new
	[[ $stderr == "fdrecover: t/new: copied, 30000000 bytes "*"open for writing in $PID (python3): "* ]]
	ns cat t/new >new
	whole new
	until_true ns sh -c "! grep '^State:.t' /proc/$PID/task/*/status && grep -q '^TracerPid:.0\$' /proc/$PID/status"
}

@test "fdrecover: who is paused goes on when fdrecover is killed, or its reader ends" {
	truncate -s 40M f
	dd if=/dev/urandom of=f bs=1M count=40 conv=notrunc status=none
	stores f
	writer=$PID
	hold 100=a:"/proc/$writer/fd/100"
	other=$PID
	mkfifo pipe
	exec {reader}<>pipe
	for sig in KILL TERM PIPE; do
		start sh -c 'exec "$@" >pipe' sh fdrecover -T 10 --pause "$writer" 100 -
		tool=$PID
		until_true stopped "$writer"
		until_true stopped "$other"
		kill -s "$sig" "$tool"
		until_true goes_on "$writer"
		until_true goes_on "$other"
	done
	exec {reader}>&-
}

@test "fdrecover: who reads the output and can write to the file is not stopped for ever" {
	need timeout
	data f 3000000 && cp f ref
	# shellcheck disable=SC2016 # for that shell
	start bash -c 'exec 100<>f
		timeout -k 1 25 fdrecover -T 2 --pause $$ 100 - 100>&- 2>said | cat >out
		echo "${PIPESTATUS[0]}" >status'
	until_true test -s status
	cmp out ref
	[ "$(sed -n 1p said)" = 'fdrecover: stdout: nothing was read for 2 s: what was stopped went on' ]
	[[ $(sed -n 2p said) == 'fdrecover: stdout: copied, 3000000 bytes'* ]]
	[ "$(cat status)" -eq 3 ]
}

@test "fdrecover: a slow reader ends no pause" {
	need python3
	data f 500000
	hold 100=rw:f
	# 8 KiB in a tenth of a second
	cat >slow.py <<-'EOF'
	import os, time
	n = 0
	while piece := os.read(0, 8192):
	    n += len(piece)
	    time.sleep(0.1)
	print(n)
	EOF
	run -0 --separate-stderr bash -c "fdrecover -T 1 --pause $PID 100 - | python3 slow.py; exit \${PIPESTATUS[0]}"
	[ "$output" = 500000 ]
	[ "$stderr" = 'fdrecover: stdout: copied, 500000 bytes' ]
}

@test "fdrecover: of another PID namespace nothing is paused, and -n says so" {
	need_root
	data f 1000
	apart :
	hold_as "$INTO" 100=rw:f unlink:f
	for dry in '' -n; do
		run -1 --separate-stderr fdrecover $dry --pause -R "/proc/$NS/root/proc" "$PID" 100 new
		[ "$stderr" = "fdrecover: /proc/$NS/root/proc: is not of our PID namespace: no --pause" ]
	done
	run -0 fdrecover -n -R "/proc/$NS/root/proc" "$PID" 100 new
	[ ! -e new ]
}

@test "fdrecover: a thread that can't be paused ends it" {
	data f 3000000
	hold 100=rw:f vfork unlink:f
	run -3 --separate-stderr fdrecover -T 0.2 --pause "$PID" 100 "$BATS_TEST_TMPDIR/new"
	case $stderr in
	*': linked, '* | *': cloned, '*) skip 'needs a file system that copies' ;;
	esac
	[[ ${stderr_lines[0]} =~ ^"fdrecover: $PID/"[0-9]+': did not stop within 0.2 s'$ ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ ! -e new ]
	until_true goes_on "$PID"
}

@test "fdrecover: a process that is traced already can't be paused" {
	need python3
	data f 3000000
	hold 100=rw:f unlink:f
	cat >trace.py <<-'EOF'
	import ctypes, sys, threading
	libc = ctypes.CDLL(None, use_errno=True)
	if libc.ptrace(0x4206, int(sys.argv[1]), None, None):
	    sys.exit(ctypes.get_errno())
	open('tracing', 'w').close()
	threading.Event().wait()
	EOF
	holder=$PID
	start python3 trace.py "$holder"
	# what it traces is only gone once it is
	STARTED=("$PID" "${STARTED[@]}")
	until_true test -e tracing
	run -1 --separate-stderr fdrecover --pause "$holder" 100
	[ "$stderr" = "fdrecover: $holder: can't be stopped: $PID traces it" ]
	[ ! -e f ]
}

@test "fdrecover: what was stopped before stays so after a pause" {
	data f 3000000 && cp f ref
	hold 100=rw:f unlink:f
	kill -STOP "$PID"
	until_true state_is "$PID" T
	run -0 fdrecover --pause "$PID" 100
	cmp f ref
	until_true state_is "$PID" T
	kill -CONT "$PID"
	until_true state_is "$PID" S
}
