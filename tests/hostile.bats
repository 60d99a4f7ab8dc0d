load helper

# Names that would break a format, reach a terminal or look like something else.
NAMES=('a b' ' a' 'a ' $'a\nb' $'a\n' $'\n7 x 3 r reg 0 etc'
	$'a\tb' $'a\e[31mb' $'a\rb' $'a\x7fb' $'a\xff\xfeb' $'a\xc3' $'a\xc2\x9bb'
	$'a\xc3\xa9b' $'\xed\xa0\x80' 'a\b' 'a\134b' 'a"b' "a'b" 'a`b' 'a$(b)' '-' '--'
	') Z 1 (' 'x (deleted)' ' (deleted)' 'pipe:[1]' 'null' $'\u202eb')

# files: a process with each of them at 100 and up, deleted, at 200 and up,
# and memfds at 300 and up
files() {
	local args=() i=100 name
	for name in "${NAMES[@]}"; do
		echo 12345 >"./$name"
		mkdir -p gone
		echo 12345 >"gone/$name"
		args+=("$i=r:./$name" "$((i + 100))=r:gone/$name"
			"unlink:gone/$name" "$((i + 200))=memfd:$name")
		i=$((i + 1))
	done
	hold "$@" "${args[@]}"
}

# last_thread PID: the thread that was started last
last_thread() {
	(cd "/proc/$1/task" && printf '%s\n' [0-9]* | sort -n | tail -n 1)
}

# check [NAME]...: do the commands of standard input, as tests/hostile.py has them, say of
# $PID what is?
check() {
	run "$TESTS/hostile.py" "$PID" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "hostile: names of files and memfds, of lsfd" {
	need python3
	files comm:$'a) \n\xfe"'
	check <<-E
		$((3 * ${#NAMES[@]})) lsfd $PID
		$((3 * ${#NAMES[@]})) lsfd -l $PID
		$((3 * ${#NAMES[@]})) lsfd -a $PID
		${#NAMES[@]} lsfd -d $PID
	E
}

@test "hostile: names of files, of fdrecover and fdprogress" {
	need python3
	files comm:$'a) \n\xfe"'
	{
		echo "${#NAMES[@]} fdrecover"
		for ((n = 0; n < ${#NAMES[@]}; n += 5)); do
			echo "1 fdprogress -i 0.001 $PID $((100 + n))"
			echo "1 fdprogress -i 0.001 $PID $((202 + n))"
		done
	} >commands
	check <commands
	# each comes back under its name
	for ((n = 0; n < ${#NAMES[@]}; n += 3)); do
		run --separate-stderr fdrecover "$PID" $((200 + n))
		echo "$stderr"
		[ "${#stderr_lines[@]}" -eq 1 ]
		[ "$(cat "gone/${NAMES[n]}")" = 12345 ]
	done
	[ "$(find gone -type f -print0 | tr -dc '\0' | wc -c)" -eq \
		$(((${#NAMES[@]} + 2) / 3)) ]
}

@test "hostile: names of FIFOs, of fdpeer" {
	need python3
	local args=() i=100 name
	for name in "${NAMES[@]}"; do
		mkfifo "./$name"
		args+=("$i=rw:./$name")
		i=$((i + 1))
	done
	hold comm:$'a) \n\xfe"' "${args[@]}"
	check <<-E
		- fdpeer $PID
		- fdpeer $PID 100
	E
	[ "$(fdpeer -H "$PID" | cut -f 3 | sort -u | grep -c '^1[0-9][0-9]$')" -eq \
		"${#NAMES[@]}" ]
}

@test "hostile: paths and names of unix sockets, of lsfd" {
	need python3
	local args=() names=() i=100 name
	for name in "${NAMES[@]}"; do
		args+=("$i=socket:unix,dgram,bind=$name"
			"$((i + 1))=socket:unix,stream,bind=@$BATS_TEST_TMPDIR$name,listen")
		names+=("$name DGRAM UNCONNECTED"
			"@$BATS_TEST_TMPDIR$name STREAM LISTEN")
		i=$((i + 2))
	done
	hold comm:$'a) \n\xfe"' "${args[@]}"
	check "${names[@]}" <<-E
		${#names[@]} lsfd $PID
		${#names[@]} lsfd -l $PID
	E
}

@test "hostile: each command name, of each tool" {
	need python3
	for name in "${NAMES[@]}"; do
		hold comm:"$name" 101,102=pipe
		until_true state_is "$PID" S
		# one heading, with the same words behind the command
		pstack "$PID/$PID" >out 2>/dev/null || [ $? -eq 3 ]
		[ "$(grep -vc '^	' out)" -eq 1 ]
		run ! grep -q '[^[:print:]	]' out
		[[ $(head -n 1 out) =~ ^$PID/$PID\ S\ [^\ ]+\ [^\ ]+$ ]]
		pstack -J "$PID/$PID" 2>/dev/null || [ $? -eq 3 ]
	done >json
	python3 -c '
import json, os, sys
rows = [json.loads(line) for line in open("json")]
assert len(rows) == int(sys.argv[1])
for r in rows:
    comm = open("/proc/%d/comm" % r["pid"], "rb").read()[:-1]
    assert os.fsencode(r["command"]) == comm, r
' "${#NAMES[@]}"
	for name in $'a) \n\xfe"' ' ' '-' $'\t\\' 'x (deleted)'; do
		echo x >f
		hold comm:"$name" 100=r:f 101,102=pipe unlink:f
		check <<-E
			3 lsfd $PID
			1 fdpeer $PID 101
			1 fdrecover
			1 fdprogress -i 0.001 $PID 100
		E
	done
}

@test "hostile: what is read from a file with a hostile name, of pstack" {
	need python3
	mkfifo $'x>) \n1 D y\e\xff'
	hold $'3=rw:x>) \n1 D y\e\xff' read:3
	tid=$(last_thread "$PID")
	until_true state_is "$PID/task/$tid" S
	pstack "$PID/$tid" >out 2>/dev/null || [ $? -eq 3 ]
	[ "$(head -n 1 out)" = "$PID/$tid S hold read(3<$PWD/x>) \\0121 D y\\033\\377>)" ]
	[ "$(grep -vc '^	' out)" -eq 1 ]
	pstack -J "$PID/$tid" 2>/dev/null >out || [ $? -eq 3 ]
	python3 -c '
import json, os, sys
r = json.load(sys.stdin)
assert os.fsencode(r["target"]) == os.readlink(os.fsencode(sys.argv[1])), r
' "/proc/$PID/fd/3" <out
}

@test "hostile: a command that forges a line of status or a field of stat" {
	local user= prefix=
	if [ "$(id -u)" -eq 0 ]; then
		prefix='setpriv --reuid 65534 --regid 65534 --clear-groups'
	fi
	for name in $'\nUid:\t0\t0\t0' $'x\nState:\tZ' $'x\nTgid:\t1' $'x\nKthread:\t1' \
		') Z 0 0 0 0 (' '0) R 1 1 1'; do
		hold_as "$prefix" comm:"$name" 100=r:/etc/passwd
		user=$(ps -o user= -p "$PID" | tr -d ' ')
		run -0 bash -c "lsfd -lH $PID | cut -f 3,4 | grep -P '\t100\$'"
		[ "$output" = "$(printf '%s\t100' "$user")" ]
		until_true state_is "$PID" S
		run pstack "$PID/$PID"
		[[ $output == *"$PID/$PID S "* ]]
		run -0 fdprogress -i 0.001 -H "$PID" 100
		end_started
	done
}

@test "hostile: paths of over 4,095 bytes, of each tool" {
	need jq
	name=$(printf '%0200d' 0)
	for i in $(seq 21); do
		mkdir "$name"
		cd "$name"
	done
	printf 12345 >file
	mkfifo fifo
	hold 100=r:file 101=rw:fifo unlink:file read:101
	cd "$BATS_TEST_TMPDIR"
	run -0 lsfd -H "$PID"
	[[ $output == *"	100	r	reg	5	-"* ]]
	[[ $output == *"	101	rw	fifo	-	-"* ]]
	# it has no name, but it is there and deleted: 1 link less than 1
	run -0 bash -c "lsfd -dJ $PID 2>/dev/null | jq -c '[.fd, .name, .deleted]'"
	[ "$output" = '[100,null,true]' ]
	run -0 bash -c "fdpeer -H $PID 101 | cut -f 3-9 | sort -u"
	[[ $output == *"101	"*"	101	"*"	-" ]]
	run -0 bash -c "fdpeer -J $PID 101 | jq -c .name | sort -u"
	[ "$output" = null ]
	run -0 --separate-stderr fdprogress -i 0.001 -H "$PID" 100
	[[ $output == "$PID	hold	100	"*"	-" ]]
	run -0 bash -c "fdrecover -J 2>/dev/null | jq -c 'select(.pid == $PID) | [.fd, .name, .size]'"
	[ "$output" = '[100,null,5]' ]
	run -1 --separate-stderr fdrecover "$PID" 100
	[ "${#stderr_lines[@]}" -eq 1 ]
	run -0 --separate-stderr fdrecover "$PID" 100 back
	[ "$(cat back)" = 12345 ]
	until_true state_is "$PID/task/$(last_thread "$PID")" S
	run bash -c "pstack $PID 2>/dev/null | grep -v '^	' | grep -c 'read(101'"
	[ "$output" -eq 1 ]
}

@test "hostile: a deleted file of the root directory that is called /memfd:x" {
	need_root
	need unshare pivot_root
	mkdir root
	cat >prefix <<-'E'
		#!/bin/sh
		mount -t tmpfs x root && cd root && mkdir old || exit
		for d in /*; do
			ln -s "old$d" ".$d"
		done
		pivot_root . old && exec "$@"
	E
	chmod 755 prefix
	hold_as 'unshare -m ./prefix' 100=w:memfd:x 101=w:SYSV0 102=memfd:x \
		unlink:memfd:x unlink:SYSV0
	[ "$(readlink "/proc/$PID/fd/100")" = '/memfd:x (deleted)' ]
	[ "$(readlink "/proc/$PID/fd/102")" = '/memfd:x (deleted)' ]
	run -0 bash -c "lsfd -H $PID | cut -f 3,5,7 | grep ^10"
	[ "$output" = "$(printf '%s\n' '100	reg	/memfd:x (deleted)' \
		'101	reg	/SYSV0 (deleted)' '102	memfd	/memfd:x')" ]
	run -0 --separate-stderr bash -c "fdrecover -H | awk '\$1 == $PID' | cut -f 3"
	[ "$(printf '%s\n' "$output" | sort | tr '\n' ' ')" = '100 101 ' ]
}

@test "hostile: operands, -R and the tool's own name in messages" {
	bad=$'no\nsuch\e[31m\xff'
	for t in "lsfd|$bad" "lsfd|-R|$bad" "pstack|-R|$bad|1" "pstack|$bad" \
		"fdpeer|$bad" "fdpeer|-R|$bad|1" "fdrecover|1|$bad" "fdrecover|-R|$bad" \
		"fdprogress|-R|$bad|1|2" "fdprogress|$bad|2" "lsfd|-T|$bad" \
		"lsfd|--$bad"; do
		IFS='|' read -r -d '' -a words <<<"$t" || true
		words[-1]=${words[-1]%$'\n'}
		run --separate-stderr "${words[@]}"
		printf '%q ' "${words[@]}"
		echo "$status: $stderr"
		[ "$status" -eq 1 ] || [ "$status" -eq 2 ]
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -le 2 ]
		[[ ${stderr_lines[0]} == "${words[0]}: "* ]]
		[[ ${stderr_lines[0]} == *'no\012such\033[31m\377'* ]]
		run ! grep -q '[^[:print:]]' <<<"$stderr"
	done
	run -2 --separate-stderr lsfd $'-\e'
	[ "${stderr_lines[0]}" = 'lsfd: -\033: bad option' ]
	ln -s "$TOP/cmd/lsfd" $'x\ny\e'
	run -1 --separate-stderr $'./x\ny\e' 2147483647
	[ "$stderr" = 'x\012y\033: 2147483647: No such process' ]
	run -0 $'./x\ny\e' -V
	[[ $output == 'x\012y\033 (proctools) '* ]]
}
