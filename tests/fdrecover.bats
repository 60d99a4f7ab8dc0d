load recover

@test "fdrecover: bad options and operands are usage errors" {
	for args in -x --bogus -T '-T x' '-J -H' '-J -0' -c -n -m --pause 1 '1 2 3 4' '-m / 1 2' \
	    '/a /b /c' '-m / /a' '-J /a' '-c -m /' '/proc/1/fd/3 a b' \
	    '0 1' '99999999999 1' '1 -1' '1 1e3' '1 0x10' '1 cwd' '1 12-' '1 -12' \
	    '1 a-g' '1 99999999999' '-J 1 2' '-H 1 2' '-0 1 2'; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr fdrecover $args
		[ -z "$output" ]
		[[ ${stderr_lines[0]} == fdrecover:* ]]
	done
	run -2 --separate-stderr fdrecover 0 3
	[ "${stderr_lines[0]}" = 'fdrecover: 0: not a process ID' ]
	run -2 fdrecover '' 3
	run -2 fdrecover 1 ''
	run -2 fdrecover 1 3 ''
	run -2 --separate-stderr fdrecover -m ''
	[ "${stderr_lines[0]}" = 'fdrecover: -m: one mount point' ]
	run -2 fdrecover -m / -m /
}

@test "fdrecover: what does not exist is said, with status 1" {
	run -1 --separate-stderr fdrecover 2147483647 3
	[ "$stderr" = 'fdrecover: 2147483647: No such process' ]
	hold 100=r:/dev/null
	run -1 --separate-stderr fdrecover "$PID" 101 x
	[ "$stderr" = "fdrecover: $PID: no descriptor 101" ]
	first=$PID
	hold 100=r:/dev/null
	run -1 --separate-stderr fdrecover "$first" "$PID"
	[ "$stderr" = "fdrecover: $first: no descriptor $PID (one process at a time)" ]
	run -1 --separate-stderr fdrecover "$PID" 100 x
	[ "$stderr" = "fdrecover: $PID 100: not a regular file" ]
	run -1 --separate-stderr fdrecover "$PID" 1000-2000 x
	[ "$stderr" = "fdrecover: $PID: no mapped file at 1000-2000" ]
	[ ! -e x ]
}

@test "fdrecover: a holder that has ended is said" {
	gone f
	end_started
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PID: No such process" ]
	[ ! -e f ]
}

@test "fdrecover: no right to look at the holder is 3" {
	need_user
	hold 100=r:/etc/passwd undumpable
	run -3 --separate-stderr fdrecover "$PID" 100 x
	[ "$stderr" = "fdrecover: $PID: Permission denied (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)" ]
	[ ! -e x ]
}

@test "fdrecover: /dev/full fails, a closed pipe is quiet" {
	gone f
	for opt in '' -J -h -V "$PID 100 -"; do
		run -1 sh -c "fdrecover $opt 2>&1 >/dev/full"
		[[ ${lines[0]} == 'fdrecover: stdout: No space left on device' ]]
	done
	[ ! -e f ]
	run -0 bash -c 'fdrecover -J 2>/dev/null | head -c 1'
	[ "$output" = '{' ]
}

@test "fdrecover: the list has the columns" {
	data f 5000
	hold 'comm:a b' 100=r:f 101=w:f unlink:f
	run -0 --separate-stderr fdrecover
	[ "${lines[0]}" = 'PID     COMMAND           FD MODE HOLDERS LINKS  SIZE  USED NAME' ]
	used=$(($(stat -L -c %b "/proc/$PID/fd/100") * 512))
	run -0 --separate-stderr fdrecover
	want=$(printf '%-7d %-15s  101 w          1     0 4.88K %5s %s' "$PID" 'a\040b' \
		"$(numfmt --to=iec --format %.2f "$used")" "$PWD/f")
	[[ $output == *"$want"* ]]
	run -0 --separate-stderr fdrecover -H
	[ "$(rows)" = "$(printf '101\tw\t1\t0\t5000\t%d\t%s' "$used" "$PWD/f")" ]
	[[ $output == *$'\ta b\t'* ]]
	inode=$(inode "$PID" 100)
	dev=$(stat -L -c %Hd:%Ld "/proc/$PID/fd/100")
	run -0 --separate-stderr fdrecover --json
	[[ $output == *"{\"pid\":$PID,\"command\":\"a b\",\"fd\":101,\"mode\":\"w\",\"holders\":1,\"links\":0,\"size\":5000,\"used\":$used,\"name\":\"$PWD/f\",\"tid\":null,\"deleted\":true,\"dev\":\"$dev\",\"inode\":$inode}"* ]]
}

@test "fdrecover: a line an inode, a writer first, and the processes that hold it" {
	data f 10
	hold 100=r:f
	reader=$PID
	hold 100=r:f 101=rw:f 102=w:f map:f unlink:f
	[ "$PID" -gt "$reader" ] || skip 'process numbers began anew'
	run -0 --separate-stderr fdrecover -H
	[ "$(printf '%s\n' "$output" | grep -c "	$PWD/f\$")" -eq 1 ]
	[[ $(row 101) == $'101\trw\t2\t0\t10\t'* ]]
	kill "$PID"
	wait "$PID" || true
	PID=$reader
	run -0 --separate-stderr fdrecover -H
	[[ $(row 100) == $'100\tr\t1\t0\t10\t'* ]]
}

@test "fdrecover: most disk space first, and the total" {
	data small 3000
	truncate -s 10M sparse
	data big 90000
	hold 100=r:small 101=r:sparse 102=r:big unlink:small unlink:sparse unlink:big
	run -0 --separate-stderr fdrecover -H
	[ "$(rows | cut -f 1 | xargs)" = '102 100 101' ]
	printf '%s\n' "$output" | cut -f 8 | sort -c -n -r
	sum=$(printf '%s\n' "$output" | awk -F '\t' '{ n += $8 } END { printf "%.0f", n }')
	[ "${stderr_lines[-1]}" = "fdrecover: $sum in ${#lines[@]} deleted files" ]
	run -0 --separate-stderr fdrecover
	[[ ${stderr_lines[-1]} =~ ^'fdrecover: '[0-9.]+[KMGTP]?' in '[0-9]+' deleted files'$ ]]
}

@test "fdrecover: of many descriptors that are deleted, too, the list shows what is" {
	data kept 10
	for how in '' spin; do
		data f 10
		data g 20
		hold many:300:f 1050=r:kept 1100=r:/dev/null 1150=r:g 1200=r:kept unlink:f unlink:g $how
		run -0 --separate-stderr fdrecover -H
		[ "$(rows | cut -f 1-5 | sort)" = $'1000\tr\t1\t0\t10\n1150\tr\t1\t0\t20' ]
	done
}

@test "fdrecover: many holders of one file, in several processes" {
	data f 10
	for how in '' '' 100=rw:f; do
		hold many:5000:f $how
	done
	rm f
	run -0 --separate-stderr fdrecover -H
	[[ $(row 100) == $'100\trw\t3\t0\t10\t'* ]]
	[ "$(grep -c "	$PWD/f\$" <<<"$output")" -eq 1 ]
}

# unmixed N: so many lists show of ./ca and ./cb what they are
unmixed() {
	for ((i = 0; i < $1; i++)); do
		fdrecover -H 2>/dev/null | cut -f 4,6,7,9 | grep "	$PWD/c"
	done >rows
	[ "$(wc -l <rows)" -eq $((2 * $1)) ]
	sort rows | uniq -c
	[ -z "$(grep -vxF -e "r	0	11	$PWD/ca" -e "rw	0	22	$PWD/cb" rows)" ]
}

@test "fdrecover: a process that shares the descriptors makes no mixed row" {
	data ca 11
	data cb 22
	hold 98=r:ca 99=rw:cb unlink:ca unlink:cb sharer:/proc/self/fd/98:/proc/self/fd/99
	until_true test -e "/proc/$PID/fd/100"
	unmixed 100
}

@test "fdrecover: a process that sleeps most of the time makes no mixed row" {
	need python3
	data ca 11
	data cb 22
	start python3 -c '
import os, time
os.dup2(os.open("ca", os.O_RDONLY), 98)
os.dup2(os.open("cb", os.O_RDWR), 99)
os.unlink("ca")
os.unlink("cb")
for fd in range(200, 1000):
    os.dup2(98, fd)
while True:
    for fd in 98, 99:
        for at in range(100, 1000):
            os.dup2(fd, at)
        time.sleep(0.0001)'
	until_true test -e "/proc/$PID/fd/999"
	unmixed 30
}

@test "fdrecover: that nothing ran proves that many descriptors were read at one moment" {
	need strace
	data f 10
	hold many:300:f unlink:f
	strace -f -y -o trace fdrecover >list || skip 'strace is not permitted'
	grep -q "^$PID .* $PWD/f\$" list
	# its name, its attributes and its mode: three calls for each, and a few
	n=$(grep -c "[/0-9]/fd>, \"1[0-9][0-9][0-9]\"" trace)
	[ "$n" -ge 900 ]
	[ "$n" -lt 1000 ]
}

@test "fdrecover: a file that is removed while it is looked at has no link left" {
	need strace
	strace -o trace true || skip 'strace is not permitted'
	data f 10
	hold 100=r:f
	start strace -f -P "/proc/$PID/fd" -o trace -e trace=statx,readlinkat \
		-e inject=readlinkat:delay_enter=300000 fdrecover -H -T 0 >list
	strace=$PID
	until_true grep -q 'statx(.*"100"' trace
	rm f
	wait "$strace" || skip 'strace is not permitted'
	[[ $(cut -f 3-6 list) == *$'100\tr\t1\t0'* ]]
}

@test "fdrecover: what is deleted is in the list, and nothing else" {
	data kept 10
	data 'really (deleted)' 10
	data over 10 && data new 10
	data again 10
	data linked 10 && ln linked other
	data 'twice (deleted)' 10
	hold 100=r:kept '101=r:really (deleted)' 102=r:over rename:new:over 103=r:again \
		unlink:again 104=r:linked unlink:linked 105=tmp:. 106=memfd:m \
		'107=r:twice (deleted)' 'unlink:twice (deleted)' 108=path:kept 109=eventfd
	data again 10
	run -0 --separate-stderr fdrecover -H
	[ "$(rows | cut -f 1 | sort -n | xargs)" = '102 103 104 105 107' ]
	[[ $(row 104) == $'104\tr\t1\t1\t10\t'*"	$PWD/linked" ]]
	[ "$(row 107 | cut -f 7)" = "$PWD/twice\\040(deleted)" ]
	run -0 bash -c "fdrecover -0 2>/dev/null | tr '\0' '\n' | cut -f 9"
	[[ $output == *"$PWD/twice (deleted)"* ]]
	[[ $output != *"$PWD/really"* ]]
}

@test "fdrecover: an executable, a mapped file and a thread's own table" {
	cp "$TESTS/hold" mine
	data mapped 8192
	data own 20
	TESTS=$PWD
	mv mine hold
	hold map:mapped private:100=r:own unlink:mapped unlink:own unlink:hold
	run -0 --separate-stderr fdrecover -H
	[[ $(row exe) == $'exe\t-\t1\t0\t'*"	$PWD/hold" ]]
	tid=$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 ! -name "$PID" -printf %f)
	[[ $(PID=$tid row 100) == $'100\tr\t1\t0\t20\t'*"	$PWD/own" ]]
	fdrecover "$tid" 100
	[ "$(stat -c %s own)" -eq 20 ]
	fdrecover "$PID" exe
	cmp hold "$BATS_TEST_DIRNAME/hold"
	run -0 --separate-stderr fdrecover -J
	[[ $output == *"{\"pid\":$PID,"*"\"name\":\"$PWD/own\",\"tid\":$tid,"* ]]
}

@test "fdrecover: a file that is only mapped, with the capability" {
	need_root
	data mapped 8192
	cp mapped ref
	hold map:mapped unlink:mapped
	range=$(awk -v f="$PWD/mapped" '$6 == f { print $1; exit }' "/proc/$PID/maps")
	run -0 --separate-stderr fdrecover -H
	[ "$(rows | cut -f 1-5,7)" = "$(printf '%s\trw\t1\t0\t8192\t%s' "$range" "$PWD/mapped")" ]
	run -0 --separate-stderr fdrecover -J
	[[ $output == *"\"fd\":\"$range\""* ]]
	run -0 --separate-stderr fdrecover "$PID" "$range"
	cmp mapped ref
	[[ ${stderr_lines[0]} == *"open for writing in $PID (hold): what is written there is not in it" ]]
}

@test "fdrecover: a mapped file that can't be looked at is said" {
	need_user
	data mapped 8192
	data both 8192
	hold map:mapped map:both 100=r:both unlink:mapped unlink:both
	run -0 --separate-stderr fdrecover -H
	[ "$(rows | cut -f 1)" = 100 ]
	[[ $stderr == *' deleted and only mapped, could not be looked at (needs root or CAP_CHECKPOINT_RESTORE)'* ]]
	range=$(awk -v f="$PWD/mapped" '$6 == f { print $1; exit }' "/proc/$PID/maps")
	run -3 --separate-stderr fdrecover "$PID" "$range" new
	[ "$stderr" = "fdrecover: $PID $range: Operation not permitted (needs root or CAP_CHECKPOINT_RESTORE)" ]
}

@test "fdrecover: none is 1, none but something unseen is 3" {
	mkdir -p none/7/fd none/7/fdinfo
	echo c >none/7/comm
	run -1 --separate-stderr fdrecover -R none
	[ -z "$output$stderr" ]
	ln -s '/other/f (deleted)' none/7/fd/3
	printf 'pos:\t7\nflags:\t0100002\nmnt_id:\t1\n' >none/7/fdinfo/3
	run -3 --separate-stderr fdrecover -R none
	[ -z "$output" ]
	rm none/7/fd/3
	chmod 0 none/7/fd
	[ "$(id -u)" -ne 0 ] || return 0
	run -3 --separate-stderr fdrecover -R none
	[ "$stderr" = 'fdrecover: 1 process could not be read (needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)' ]
}

@test "fdrecover: hostile names forge nothing and come back" {
	name=$'a\nb\t\e[31m\\ \377 (deleted)'
	data "$name" 10
	cp "$name" ref
	hold "100=r:$name" "unlink:$name"
	run -0 --separate-stderr fdrecover -H
	[ "$(row 100 | cut -f 7)" = "$PWD/a\\012b\\011\\033[31m\\134 \\377\\040(deleted)" ]
	run -0 bash -c 'fdrecover -0 2>/dev/null | grep -zac "" '
	run -0 --separate-stderr fdrecover "$PID" 100
	cmp "$name" ref
	[[ ${stderr_lines[0]} == "fdrecover: $PWD/a\\012b\\011\\033[31m\\134 \\377 (deleted): copied, 10 bytes"* ]]
}

@test "fdrecover: a removed file comes back in its place" {
	gone f
	run -0 --separate-stderr fdrecover "$PID" 100
	[ -z "$output" ]
	cmp f ref
	[[ $stderr =~ ^"fdrecover: $PWD/f: copied, 300000 bytes ("[0-9.]+'K on disk)'$ ]]
	[ -z "$(left . | grep -vx -e f -e ref -e 'hold\..*' -e 'separate-stderr.*')" ]
}

@test "fdrecover: who still writes to the deleted file is said" {
	gone f rw
	run -0 --separate-stderr fdrecover "$PID" 100
	cmp f ref
	[[ $stderr == "fdrecover: $PWD/f: copied, "*" on disk); open for writing in $PID (hold): what is written there is not in it" ]]
}

@test "fdrecover: nothing is overwritten" {
	gone f
	echo new >f
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/f: File exists" ]
	[ "$(cat f)" = new ]
	ln -s nowhere dangling
	mkdir dir && echo old >dir/f
	for dest in f dangling dir dir/ dir/f; do
		run -1 --separate-stderr fdrecover "$PID" 100 "$dest"
		[[ $stderr == *': File exists' ]]
	done
	[ "$(readlink dangling)" = nowhere ]
	[ ! -e nowhere ]
	[ "$(cat dir/f)" = old ]
	[ "$(left dir)" = f ]
}

@test "fdrecover: a renamed-over file comes back under another name only" {
	data f 1000 && cp f ref
	echo new >g
	hold 100=r:f rename:g:f
	run -1 fdrecover "$PID" 100
	run -0 fdrecover "$PID" 100 old
	cmp old ref
	[ "$(cat f)" = new ]
}

@test "fdrecover: another hard link left; a name that really ends so" {
	data f 1000 && ln f other && cp f ref
	data 'x (deleted)' 1000 && cp 'x (deleted)' xref
	hold 100=r:f unlink:f '101=r:x (deleted)' '102=r:x (deleted)' 'unlink:x (deleted)'
	run -0 fdrecover "$PID" 100
	cmp f ref
	run -0 fdrecover "$PID" 101
	cmp 'x (deleted)' xref
	[ ! -e x ]
}

@test "fdrecover: DEST is a new name, a directory, or stdout" {
	gone f
	mkdir dir
	ln -s dir link
	run -0 --separate-stderr fdrecover "$PID" 100 new
	cmp new ref
	[[ $stderr == 'fdrecover: new: copied, 300000 bytes ('* ]]
	run -0 --separate-stderr fdrecover "$PID" 100 dir
	cmp dir/f ref
	[[ $stderr == 'fdrecover: dir/f: copied, '* ]]
	run -0 --separate-stderr fdrecover "$PID" 100 link/g
	cmp dir/g ref
	rm dir/f
	run -0 --separate-stderr fdrecover "$PID" 100 link/
	cmp dir/f ref
	fdrecover "$PID" 100 - 2>err | cmp - ref
	[ "$(cat err)" = 'fdrecover: stdout: copied, 300000 bytes' ]
	for dest in none/ none/x ref/x; do
		run -1 --separate-stderr fdrecover "$PID" 100 "$dest"
		[[ $stderr == "fdrecover: "*": No"* ]]
		[ ! -e none ]
	done
	run -1 fdrecover "$PID" 100 "$(printf '%0300d' 0)"
}

@test "fdrecover: stdout that is a terminal is refused" {
	need script
	gone f
	run script -qec "fdrecover $PID 100 -; echo status \$?" /dev/null
	[[ $output == *'fdrecover: stdout is a terminal: not written to it'*'status 1'* ]]
}

@test "fdrecover: what has no place is refused without DEST" {
	data kept 1000
	hold 100=tmp:. 101=memfd:m 102=r:kept text:100:hello text:101:memory
	for fd in 100 101; do
		run -1 --separate-stderr fdrecover "$PID" "$fd"
		[ "$stderr" = "fdrecover: $PID $fd: its path is not known: give a DEST" ]
		run -1 --separate-stderr fdrecover "$PID" "$fd" .
		[[ $stderr == *': give a DEST with a file name' ]]
	done
	run -1 --separate-stderr fdrecover "$PID" 102
	[ "$stderr" = "fdrecover: $PID 102: $PWD/kept is not deleted: give a DEST for a copy" ]
	run -0 fdrecover "$PID" 100 a
	[ "$(cat a)" = hello ]
	# another may have memory mapped: who sees not all of them gets 3
	run fdrecover "$PID" 101 b
	[ "$status" -eq 0 ] || { [ "$status" -eq 3 ] && [ "$(id -u)" -ne 0 ]; }
	[ "$(cat b)" = memory ]
	run -0 --separate-stderr fdrecover "$PID" 102 c
	cmp c kept
	[[ $stderr != *writ* ]]
}

@test "fdrecover: a directory that is gone or a symlink now is not made or followed" {
	mkdir d e
	data d/f 10
	hold 100=r:d/f unlink:d/f
	rmdir d
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/d: No such file or directory: give a DEST" ]
	[ ! -e d ]
	ln -s e d
	run -1 --separate-stderr fdrecover "$PID" 100
	[[ $stderr == *'a symbolic link'*'give a DEST' ]]
	[ -z "$(left e)" ]
}

@test "fdrecover: holes are kept" {
	truncate -s 3G f
	for at in 0 700 2900; do
		dd if=/dev/urandom of=f bs=64K count=1 seek="${at}M" oflag=seek_bytes conv=notrunc status=none
	done
	cp --sparse=always f ref
	hold 100=r:f unlink:f
	[ "$(blocks ref)" -lt 2000 ] || skip 'needs a file system with holes'
	run -0 fdrecover "$PID" 100
	[ "$(stat -c %s f)" -eq $((3 << 30)) ]
	[ "$(blocks f)" -le "$(blocks ref)" ]
	for at in 0 700 2900; do
		cmp -i "$((at << 20))" -n 70000 f ref
	done
	# and to another file system, by reading and writing
	[ -w /dev/shm ] && [ "$(stat -c %d /dev/shm)" != "$(stat -c %d .)" ] || return 0
	other=$(mktemp -d /dev/shm/fdrecover.XXXXXX)
	run fdrecover "$PID" 100 "$other"
	cmp -i $((2900 << 20)) -n 70000 "$other/f" ref && size=$(stat -c %s "$other/f") && used=$(blocks "$other/f")
	rm -r "$other"
	[ "$status" -eq 0 ]
	[ "$size" -eq $((3 << 30)) ]
	[ "$used" -lt 2000 ]
}

@test "fdrecover: mode, owner, times and attributes are kept" {
	data f 10
	mode=640
	if [ "$(id -u)" -eq 0 ]; then
		chown 12345:54321 f
		mode=6751
	fi
	attr=
	if command -v setfattr >/dev/null && setfattr -n user.x -v 'a value' f; then
		attr=user.x
	elif python3 -c 'import os; os.setxattr("f", "user.x", b"a value")' 2>/dev/null; then
		attr=user.x
	fi
	chmod "$mode" f
	touch -a -d '2001-02-03 04:05:06.123456789' f
	touch -m -d '2011-12-13 14:15:16.987654321' f
	want=$(stat -c '%a %u %g %.9Y %.9X %s' f)
	hold 100=r:f unlink:f
	run -0 --separate-stderr fdrecover "$PID" 100
	[ "$(stat -c '%a %u %g %.9Y %.9X %s' f)" = "$want" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ -n "$attr" ] || return 0
	[ "$(python3 -c 'import os; print(os.getxattr("f", "user.x").decode())')" = 'a value' ]
}

@test "fdrecover: a set-ID bit goes where the owner can't be kept" {
	need_root
	data f 10
	chown 12345 f
	chmod 4755 f
	mkdir dir && chmod 777 dir && chmod 711 .
	dir=$(mktemp -d /tmp/fdrecover.XXXXXX)
	chmod 777 "$dir"
	hold 100=r:f unlink:f
	# all rights but to give a file away
	run setpriv --bounding-set -chown,-fsetid fdrecover "$PID" 100 "$dir/f"
	mode=$(stat -c %a "$dir/f")
	rm -r "$dir"
	[ "$status" -eq 0 ]
	[ "$mode" = 755 ]
	[[ $output == *': owner 12345:0: Operation not permitted'* ]]
	[[ $output == *': set-ID bits are left out'* ]]
}

@test "fdrecover: a file that may not be opened again is read by the holder's descriptor" {
	need_user
	truncate -s 1M f
	data part 5000
	dd if=part of=f seek=500000 oflag=seek_bytes conv=notrunc status=none
	cp f ref
	chmod 644 f
	hold 100=rw:f pos:100:17 unlink:f
	chmod 0 "/proc/$PID/fd/100"
	run -0 --separate-stderr fdrecover "$PID" 100 new
	chmod 600 new
	cmp new ref
	grep -qx 'pos:	17' "/proc/$PID/fdinfo/100"
	[ "$(blocks new)" -lt 1000 ]
	# which one that is only for writing is not
	data f 10
	hold 100=w:f unlink:f
	chmod 200 "/proc/$PID/fd/100"
	run -3 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PID 100: Permission denied (needs root or CAP_DAC_READ_SEARCH)" ]
	[ ! -e f ]
	# of a thread's own table too, where a pidfd may be a thread's
	printf '%s\n' 6.9 "$(uname -r)" | sort -CV || return 0
	data f 10 && cp f ref
	hold private:100=rw:f unlink:f
	tid=$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 ! -name "$PID" -printf %f)
	chmod 0 "/proc/$tid/fd/100"
	run -0 fdrecover "$tid" 100 new2
	chmod 600 new2
	cmp new2 ref
}

@test "fdrecover: the holder and its file stay as they are" {
	gone f rw
	touch -d '2001-02-03' "/proc/$PID/fd/100"
	before=$(stat -L -c '%s %b %a %h %Y %X %Z' "/proc/$PID/fd/100"; cat "/proc/$PID/fdinfo/100")
	run -0 fdrecover "$PID" 100
	[ "$before" = "$(stat -L -c '%s %b %a %h %Y %X %Z' "/proc/$PID/fd/100"; cat "/proc/$PID/fdinfo/100")" ]
	cmp "/proc/$PID/fd/100" ref
	state_is "$PID" S
}

@test "fdrecover: a file that grows meanwhile is restored with status 3" {
	truncate -s 200M f
	dd if=/dev/zero of=f bs=1M count=200 conv=notrunc status=none
	# shellcheck disable=SC2016 # for that shell
	start bash -c 'exec 100>>f; rm f; while :; do echo more >&100; done'
	until_true test ! -e f
	run -3 --separate-stderr fdrecover "$PID" 100
	[ "${stderr_lines[1]}" = "fdrecover: $PWD/f: the file changed while it was copied" ]
	[ "$(stat -c %s f)" -ge $((200 << 20)) ]
	run -3 --separate-stderr bash -c "fdrecover $PID 100 - >/dev/null"
}

@test "fdrecover: without room nothing is left behind" {
	need_root
	mkdir small
	data f 3000000
	hold 100=r:f unlink:f
	holder=$PID
	mounts 'mount -t tmpfs -o size=1m none small'
	run -1 --separate-stderr ns fdrecover "$holder" 100 small
	[ "$stderr" = 'fdrecover: small/f: needs 2.86M on disk, and 1.00M are free: give a DEST on another file system' ]
	[ -z "$(ns ls -A small)" ]
	# a sparse file claims little and may need more: with no extents to see
	run -1 --separate-stderr ns sh -c "ulimit -f 100; exec fdrecover $holder 100 ./new"
	[ "$stderr" = 'fdrecover: ./new: File too large' ]
	[ ! -e new ]
	run -1 sh -c "ulimit -f 100; exec fdrecover $holder 100 ./new"
	[ "$(left . | grep -c fdrecover)" -eq 0 ]
}

@test "fdrecover: a forged path of another mount namespace is refused" {
	need_root
	mkdir victim
	mounts 'mount -t tmpfs none victim && echo evil >victim/f && exec 8<victim/f && rm victim/f'
	run -1 --separate-stderr fdrecover "$NS" 8
	[[ $stderr == "fdrecover: $PWD/victim/f: is on another mount than the file"*"/proc/$NS/root$PWD/victim/f" ]]
	[ -z "$(left victim)" ]
	run -0 fdrecover "$NS" 8 "/proc/$NS/root$PWD/victim/f"
	[ "$(ns cat victim/f)" = evil ]
	[ -z "$(left victim)" ]
	# its owner sees its own mount
	ns rm victim/f
	run -0 ns fdrecover "$NS" 8
	[ "$(ns cat victim/f)" = evil ]
}

@test "fdrecover: a DEST is only proposed where it is on the file's mount" {
	local over='is on another mount than the file, which is of another mount namespace or was mounted over: give a DEST'
	need_root
	mkdir victim
	mounts 'mount -t tmpfs none victim'
	# the holder is of our namespace, and so is its path
	hold_as "nsenter -t $NS -m -w --" 100=rw:victim/f text:100:evil unlink:victim/f
	from=$PID
	hold 100=rw:"/proc/$from/fd/100"
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/victim/f: $over" ]
	run -1 --separate-stderr fdrecover "$from" 100
	[ "$stderr" = "fdrecover: $PWD/victim/f: $over, such as /proc/$from/root$PWD/victim/f" ]
	# detached, its path begins at its own root
	ns umount -l victim
	run -1 --separate-stderr fdrecover "$from" 100
	[ "$stderr" = "fdrecover: /f: $over" ]
	# another PID namespace has its own numbers
	apart 'mount -t tmpfs none victim'
	hold_as "$INTO" 100=rw:victim/f text:100:evil unlink:victim/f
	there=/proc/$NS/root/proc
	run -1 --separate-stderr fdrecover -R "$there" "$PID" 100
	[ "$stderr" = "fdrecover: $PWD/victim/f: $over, such as $there/$PID/root$PWD/victim/f" ]
	run -0 fdrecover -R "$there" "$PID" 100 "$there/$PID/root$PWD/victim/f"
	[ "$(ns cat victim/f)" = evil ]
	[ -z "$(left victim)" ]
}

@test "fdrecover: on tmpfs and ext4" {
	need_root
	need mkfs.ext4
	mkdir t e
	truncate -s 30M image
	mkfs.ext4 -q image
	# shellcheck disable=SC2016 # for that shell
	apart 'mount -t tmpfs none t && { mount -o loop image e || : >no-loop; }'
	[ ! -e no-loop ] || skip 'needs loop devices'
	for dir in t e; do
		data ref 2000000
		ns cp ref "$dir/f"
		ns chmod 4711 "$dir/f"
		hold_as "$INTO" "100=rw:$dir/f" "unlink:$dir/f"
		run -0 --separate-stderr ns fdrecover "$PID" 100
		[[ ${stderr_lines[0]} == "fdrecover: $PWD/$dir/f: copied, 2000000 bytes"* ]]
		ns cmp "$dir/f" ref
		[ "$(ns stat -c %a "$dir/f")" = 4711 ]
	done
}

@test "fdrecover: on tmpfs stores through a mapping can't be seen: 3" {
	need_root
	mkdir t
	apart 'mount -t tmpfs none t && head -c 9000 /dev/zero >t/f'
	hold_as "$INTO" 100=r:t/f map:t/f unlink:t/f
	run -3 --separate-stderr ns fdrecover "$PID" 100
	[ "${stderr_lines[1]}" = "fdrecover: $PWD/t/f: the file may have changed while it was copied: on this file system stores through a mapping can't be seen" ]
	ns test -e t/f
}

@test "fdrecover: on tmpfs a process that can't be looked at may store: 3" {
	need_root
	need setpriv
	mkdir t
	chmod 755 .
	data ref 9000
	apart 'mount -t tmpfs none t && cp ref t/f && chown 65534:65534 t/f'
	user="setpriv --reuid 65534 --regid 65534 --clear-groups --"
	hold_as "$INTO $user" 100=r:t/f
	holder=$PID
	hold_as "$INTO" map:t/f unlink:t/f
	run -3 --separate-stderr ns $user "$(command -v fdrecover)" "$holder" 100 t/new
	[ "${stderr_lines[-1]}" = "fdrecover: t/new: the file may have changed while it was copied: some processes could not be looked at, and on this file system stores through a mapping can't be seen" ]
	ns cmp t/new ref
	ns rm t/new
	# who can store sees to it that no lease is granted
	exec {HELD}>&-
	until_true ns sh -c "! test -e /proc/$PID"
	run -0 --separate-stderr ns $user "$(command -v fdrecover)" "$holder" 100 t/new
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "fdrecover: --pause does not stop who can't be looked at: 3" {
	need_root
	need setpriv
	! grep -qs '[1-9]' /proc/sys/kernel/yama/ptrace_scope || skip 'an ordinary user may not trace'
	mkdir t
	chmod 755 .
	data ref 9000
	apart 'mount -t tmpfs none t && cp ref t/f && chown 65534:65534 t/f'
	user="setpriv --reuid 65534 --regid 65534 --clear-groups --"
	hold_as "$INTO $user" 100=r:t/f map:t/f
	ns rm t/f
	run -3 --separate-stderr ns $user "$(command -v fdrecover)" --pause "$PID" 100 t/new
	[ "${stderr_lines[-1]}" = "fdrecover: t/new: the file may have changed while it was copied: some processes could not be looked at, and on this file system stores through a mapping can't be seen" ]
	ns cmp t/new ref
}

@test "fdrecover: short of descriptors it does not say that nobody stores, or that there is none" {
	need_root
	mkdir t
	apart 'mount -t tmpfs none t && head -c 9000 /dev/zero >t/f'
	hold_as "$INTO" 100=r:t/f map:t/f unlink:t/f
	for n in {6..20}; do
		run --separate-stderr ns sh -c "exec 3>&- 4>&-; ulimit -n $n; exec fdrecover $PID 100 t/$n"
		[[ $status -eq 3 || $stderr == 'fdrecover: t'*': Too many open files' ]]
		for what in '' t/f; do
			run --separate-stderr ns sh -c "exec 3>&- 4>&-; ulimit -n $n; exec fdrecover $what"
			[[ $status -eq 3 || $status:$output == 0:PID* || $stderr == *': Too many open files' ]]
			[ "$(printf '%s\n' "$stderr" | grep -c 'Too many open files')" -le 1 ]
			ns rm -f t/f
		done
	done
}

@test "fdrecover: a frozen file system ends in 'no answer', and nothing is left" {
	need_root
	need mkfs.ext4 fsfreeze
	mkdir e
	truncate -s 30M image
	mkfs.ext4 -q image
	# shellcheck disable=SC2016 # for that shell
	mounts 'mount -o loop image e || : >no-loop'
	[ ! -e no-loop ] || skip 'needs loop devices'
	data f 1000
	hold 100=r:f
	ns fsfreeze -f e
	run --separate-stderr ns fdrecover -T 0.1 "$PID" 100 e
	ns fsfreeze -u e
	[ "$status" -eq 3 ]
	[ "${stderr_lines[0]}" = 'fdrecover: e: no answer within 1 s' ]
	[ "${stderr_lines[1]}" = "fdrecover: $PID 100: not restored" ]
	[ "$(ns ls -A e)" = lost+found ]
}

@test "fdrecover: without O_TMPFILE by a temporary name, which never stays" {
	gone f
	deny
	for how in a b; do
		run -0 --separate-stderr ./deny "$how" fdrecover "$PID" 100
		cmp f ref
		[ "$(left . | grep -c fdrecover)" -eq 0 ]
		rm f
	done
	run -1 sh -c "ulimit -f 100; exec ./deny a fdrecover $PID 100"
	[ "$(left . | grep -c fdrecover)" -eq 0 ]
	[ ! -e f ]
}

@test "fdrecover: INT, TERM and HUP wait until the temporary name is gone" {
	deny
	dd if=/dev/zero of=f bs=1M count=400 status=none
	hold 100=r:f unlink:f
	holder=$PID
	for sig in INT TERM HUP; do
		# a shell's background command ignores INT
		start python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' ./deny a "$(command -v fdrecover)" "$holder" 100
		while [ -d "/proc/$PID" ] && ! compgen -G '.fdrecover-*' >/dev/null; do :; done
		kill -s "$sig" "$PID"
		status=0
		wait "$PID" || status=$?
		[ "$status" -eq $((128 + $(kill -l "$sig"))) ]
		[ -z "$(compgen -G '.fdrecover-*')" ]
		[ ! -e f ]
	done
}
