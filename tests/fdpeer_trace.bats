# fdpeer -r and --dot. hold's own standard streams are ends too: only rows of
# the objects that a test makes count.
load helper

# stage FIFO:... FIFO:...: hold has the ends R:NAME and W:NAME at 100, 101 ...;
# an opener for both keeps it from waiting for the other end
stage() {
	local fd=100 args=() end
	for end; do
		args+=("99=rw:${end#*:}" "$fd=${end%:*}:${end#*:}" close:99)
		((++fd))
	done
	hold "${args[@]}"
}

# trace OPERAND...: the rows of FIFOs below here, as PID FD DIR PEER PEERFD
trace() {
	run --separate-stderr fdpeer -H -r "$@"
	TRACE=$(awk -F '\t' -v d="$PWD/" 'index($NF, d) && $NF !~ /hold\./ {
		print $1, $3, $4, $5, $7 }' <<<"$output")
}

@test "fdpeer -r: a pipeline from any of its processes, upstream first" {
	mkfifo a b c
	# held first, so that no end is ever without the other one
	hold 100=rw:a 101=rw:b 102=rw:c
	HOLDER=$PID
	stage w:a; p1=$PID
	stage r:a w:b; p2=$PID
	stage r:b w:c; p3=$PID
	stage r:c; p4=$PID
	exec {HELDS[0]}>&-
	wait "$HOLDER" || true
	for p in "$p1" "$p2" "$p3" "$p4"; do
		trace "$p"
		[ "$status" -eq 0 ]
		case $p in
		"$p1" | "$p4") want="$p1 100 -> $p2 100
$p2 101 -> $p3 100
$p3 101 -> $p4 100" ;;
		esac
		[ "$TRACE" = "$want" ]
	done
	# of one descriptor: what comes to it, or what goes from it
	trace "$p2" 100
	[ "$TRACE" = "$p1 100 -> $p2 100" ]
	trace "$p2" 101
	[ "$TRACE" = "$p2 101 -> $p3 100
$p3 101 -> $p4 100" ]
	# the state is the reader's, the name the writer's
	run -0 fdpeer -H -r "$p3" 101
	[ "${lines[0]}" = "$(printf '%s\t' "$p3" hold 101 '->' "$p4" hold 100 open)$PWD/c" ]
}

@test "fdpeer -r: a process of the shell's pipeline" {
	need_root
	mkfifo go
	bash -c 'exec 3>&- 4>&- 10>&- 251>&- 2>/dev/null
		cat <go | cat | cat | cat >/dev/null & jobs -p >first; wait' \
		</dev/null >/dev/null 3>&- 4>&- 10>&- 251>&- &
	STARTED+=($!)
	exec {w}>go
	HELDS+=("$w")
	until_true test -s first
	read -r p <first
	four() { [ "$(fdpeer -H -r "$p" 1 | grep -c cat.*-\>.*cat)" -eq 3 ]; }
	until_true four
	run -0 fdpeer -H -r "$p" 1
	[ "${#lines[@]}" -eq 3 ]
	[ "$(cut -f 2,3,4,6,7 <<<"$output" | sort -u)" = "$(printf 'cat\t1\t->\tcat\t0')" ]
	# each one is the next one's writer
	[ "$(cut -f 5 <<<"${lines[0]}")" = "$(cut -f 1 <<<"${lines[1]}")" ]
	[ "$(cut -f 5 <<<"${lines[1]}")" = "$(cut -f 1 <<<"${lines[2]}")" ]
}

@test "fdpeer -r: who has the same end is a row ==, once" {
	mkfifo a
	hold 99=rw:a 100=w:a 101=dup:100 close:99 child:comm:stray
	p1=$PID
	stray=$(pgrep -P "$p1")
	hold 100=r:a
	p2=$PID
	for p in "$p1" "$p2"; do
		trace "$p"
		[ "$TRACE" = "$p1 100 -> $p2 100
$(printf '%s\n' "$p1 100 == $p1 101" "$p1 100 == $stray 100" \
	"$p1 100 == $stray 101" | sort -k 4,4n -s)" ]
	done
}

@test "fdpeer -r: the peer of a hop that has both ends is no co-holder too" {
	local both reader writer
	mkfifo a
	hold 100=rw:a; both=$PID
	hold 100=r:a; reader=$PID
	hold 100=w:a; writer=$PID
	trace "$both" 100
	[ "$TRACE" = "$both 100 -> $reader 100
$both 100 == $writer 100" ]
	trace "$reader" 100
	[ "$TRACE" = "$both 100 -> $reader 100
$both 100 == $writer 100" ]
	trace "$writer" 100
	[ "$TRACE" = "$writer 100 -> $both 100
$both 100 == $reader 100" ]
}

@test "fdpeer -r: cycles end, shared ends lead nowhere" {
	mkfifo a b
	stage w:a r:b; p1=$PID
	hold 100=r:a 101=w:b
	p2=$PID
	trace "$p1"
	[ "$(sort <<<"$TRACE")" = "$(printf '%s\n' "$p1 100 -> $p2 100" "$p2 101 -> $p1 101" | sort)" ]
	# of one descriptor: the other one comes with its name
	trace "$p1" 101
	[ "$(sort <<<"$TRACE")" = "$(printf '%s\n' "$p1 100 -> $p2 100" "$p2 101 -> $p1 101" | sort)" ]
	# a jobserver: each has both ends
	hold 100,101=pipe child:comm:a child:comm:b
	name="pipe:[$(inode "$PID" 100)]"
	run --separate-stderr fdpeer -H -r "$PID"
	[[ $output != *"$name"* ]]
}

@test "fdpeer -r: is directed" {
	mkfifo a b c
	# p1 and q write to a, which p2 reads; q reads c and writes b too
	stage r:c w:a w:b; q=$PID
	hold 100=w:c; up=$PID
	hold 100=r:b; side=$PID
	hold 98=rw:a 101=w:a 100=r:a close:101 close:98; p2=$PID
	hold 100=w:a; p1=$PID
	trace "$p1"
	[[ $TRACE == *"-> $p2 100"* ]]
	[[ $TRACE != *" $side "* && $TRACE != *"$up "* ]]
	trace "$p2"
	[[ $TRACE == *"$up 100 -> $q 100"* ]]
	[[ $TRACE != *" $side "* ]]
}

@test "fdpeer -r: nobody at the other end" {
	mkfifo a
	hold 99=rw:a 100=r:a 101=w:a close:101 close:99
	trace "$PID" 100
	[ "$status" -eq 1 ] || [ "$(id -u)" -ne 0 ]
	[[ $TRACE == "$PID 100 <- - -" ]]
	hold 100=r:/etc/passwd
	run -1 --separate-stderr fdpeer -r "$PID" 100
	[ -z "$output" ]
	run -1 --separate-stderr fdpeer -r "$PID" 101
	[ "$stderr" = "fdpeer: $PID: no descriptor 101" ]
}

@test "fdpeer -r: the tool is not there" {
	mkfifo a
	stage w:a; p1=$PID
	hold 100=r:a; p2=$PID
	# shellcheck disable=SC2016 # for the inner shell
	run -0 bash -c 'exec 8<a 9>a; exec fdpeer -H -r "$1" 100' - "$p1"
	[[ $output != *"	fdpeer	"* ]]
	[[ $output == *"	$p2	hold	100	"* ]]
}

@test "fdpeer -r: ten stages cost one scan" {
	need strace
	strace -o /dev/null true 2>/dev/null || skip 'strace does not work here'
	for i in 1 2 3 4 5 6 7 8 9; do
		mkfifo "f$i"
	done
	stage w:f1; first=$PID
	for i in 1 2 3 4 5 6 7 8; do
		stage "r:f$i" "w:f$((i + 1))"
	done
	hold 100=r:f9
	strace -f -o trace -e trace=openat fdpeer -H -r "$first" >rows 2>/dev/null
	[ "$(grep -c "$PWD/f" rows)" -eq 9 ]
	# the directory of a process that is no part of it is opened once
	hold
	strace -f -o trace -e trace=openat fdpeer -H -r "$first" 100 >rows
	[ "$(grep -c "\"$PID\"" trace)" -eq 1 ]
}

@test "fdpeer --dot: a graph that dot reads" {
	mkfifo a 'b"\&<'
	hold comm:'x"\<&' 99=rw:a 100=w:a 101=dup:100 102=rw:'b"\&<' 103=w:'b"\&<' close:99
	p1=$PID
	hold 100=r:a
	fdpeer --dot "$p1" >g1 || true
	fdpeer -r --dot "$p1" 100 >g2
	fdpeer --dot "$PID" 100 >g3
	[ "$(head -n 1 g1)" = 'digraph fdpeer {' ]
	[ "$(tail -n 1 g1)" = '}' ]
	grep -q "shape=box" g2
	grep -q "^	$p1 -> $PID \[label=\"$PWD/a\"" g2
	grep -q "^	$p1 -> $p1 .*style=dashed" g2
	# in the direction of the flow
	grep -q "^	$p1 -> $PID " g3
	[ "$(grep -c "^	$p1 \[" g1)" -eq 1 ]
	for o in -J -H -0; do
		run -2 fdpeer --dot "$o" "$p1"
	done
	run -2 --separate-stderr fdpeer --sockets "$p1"
	[ "${stderr_lines[0]}" = 'fdpeer: --sockets needs -r' ]
	need dot
	for g in g1 g2 g3; do
		dot -Tsvg "$g" >svg 2>errors
		[ ! -s errors ]
		grep -q "&quot;" svg || [ $g = g3 ]
	done
}

@test "fdpeer -r: sockets only with --sockets, up and down" {
	mkfifo a b
	stage w:a; p1=$PID
	hold 98=r:a 100,101=unix child:close:100 close:101
	p2=$PID
	p3=$(pgrep -P "$p2")
	run -1 --separate-stderr fdpeer -r "$p2" 100
	[ "$stderr" = "fdpeer: $p2: nothing flows through descriptor 100 (unix)" ]
	run -0 fdpeer -H -r --sockets "$p2" 100
	[[ $output == *"$(printf '%s\thold\t100\t<->\t%s\thold\t101' "$p2" "$p3")"* ]]
	run -0 fdpeer -H -r --sockets "$p1" 100
	[[ $output == *"$(printf '%s\thold\t100\t<->\t%s\thold\t101' "$p2" "$p3")"* ]]
	run -0 fdpeer -H -r "$p1" 100
	[[ $output != *'<->'* ]]
}

@test "fdpeer -r: with sockets only nothing flows" {
	need python3
	start python3 -c 'import socket, time
pair = socket.socketpair()
open("ready", "w")
time.sleep(1000)' </dev/null >/dev/null 2>&1
	until_true [ -e ready ]
	run -0 fdpeer -H "$PID"
	[ "$(cut -f 4,5,8 <<<"$output")" = "$(printf '<->\t%s\topen\n' \
		"$PID" "$PID")" ]
	run -1 --separate-stderr fdpeer -r "$PID"
	[ -z "$output" ]
	[ "$stderr" = "fdpeer: $PID: nothing flows through its descriptors" ]
	run -0 fdpeer -r --sockets "$PID"
}

@test "fdpeer -r --sockets: through a pseudoterminal" {
	mkfifo a
	stage w:a; p1=$PID
	hold 98=r:a 100,101=pty child:close:100 close:101
	p2=$PID
	p3=$(pgrep -P "$p2")
	run -0 fdpeer -H -r --sockets "$p1" 100
	[[ $output == *"$(printf '%s\t%s\t%s\t%s\t%s' "$p2" hold 100 '<->' "$p3")"* ]]
	run -0 fdpeer -H -r "$p1" 100
	[[ $output != *'<->'* ]]
}

@test "fdpeer -r: both ends are the process's own" {
	mkfifo a
	hold 100,101=pipe
	# if nobody else is there: the same from either end, and of all
	for fd in 100 101 ''; do
		# shellcheck disable=SC2086 # no operand
		run --separate-stderr fdpeer -H -r "$PID" $fd
		[ "$(grep -F "pipe:[$(inode "$PID" 100)]" <<<"$output" |
			cut -f 1,3-5,7,8)" = "$(printf '%s\t' \
			"$PID" 101 '->' "$PID" 100)open" ]
	done
	# one descriptor, then two, which are both
	hold 100=rw:a
	trace "$PID" 100
	[ "$status" -ne 1 ]
	[ "$TRACE" = "$PID 100 <-> $PID 100" ]
	mkfifo b
	hold 100=rw:b 101=dup:100
	for fd in 100 101; do
		trace "$PID" "$fd"
		[ "$status" -ne 1 ]
		[[ $TRACE == "$PID 100 <-> $PID 101" ||
			$TRACE == "$PID 101 <-> $PID 100" ]]
	done
	# another reader comes first, ours is beside it
	mkfifo c
	hold 99=rw:c 100=r:c 101=w:c close:99
	p1=$PID
	hold 100=r:c
	trace "$p1"
	[ "$TRACE" = "$p1 101 -> $PID 100
$PID 100 == $p1 100" ]
	# what comes in from upstream is above it
	mkfifo d e
	hold 97=rw:d 98=r:d 99=rw:e 100=r:e 101=w:e close:97 close:99
	p1=$PID
	hold 100=w:d
	trace "$p1"
	[ "$TRACE" = "$PID 100 -> $p1 98
$p1 101 -> $p1 100" ]
	hold 100,101=unix
	run --separate-stderr fdpeer -H -r --sockets "$PID" 101
	[ "$status" -ne 1 ]
	[ "$(cut -f 1,3-5,7,8 <<<"$output")" = "$(printf '%s\t' \
		"$PID" 101 '<->' "$PID" 100)open" ]
}

@test "fdpeer -r --sockets: a connection that is not accepted yet" {
	mkfifo a
	hold 99=rw:a 100=r:a
	reader=$PID
	hold "100=socket:unix,stream,bind=$PWD/s,listen" 101=w:a
	server=$PID
	hold "100=socket:unix,stream,to=$PWD/s"
	for side in "$PID $server" "$server $PID"; do
		run --separate-stderr fdpeer -H -r --sockets "${side% *}" 100
		[ "$status" -ne 1 ]
		[ "$(cut -f 1,3-5,7,8 <<<"$output")" = "$(printf '%s\t' \
			"${side% *}" 100 '<->' "${side#* }" 100)backlog" ]
	done
	# what is behind the listener is none of the client's
	run --separate-stderr fdpeer -H -r --sockets "$PID"
	[[ $output != *"	$reader	"* ]]
	# both in one process
	hold "100=socket:unix,stream,bind=$PWD/t,listen" \
		"101=socket:unix,stream,to=$PWD/t"
	run --separate-stderr fdpeer -H -r --sockets "$PID" 101
	[ "$status" -ne 1 ]
	[ "$(cut -f 1,3-5,7,8 <<<"$output")" = "$(printf '%s\t' \
		"$PID" 101 '<->' "$PID" 100)backlog" ]
}

# hub N: a process with that many others on a socket pair, a client on another
# one, and a pipe to $reader
hub() {
	local more=() i
	for ((i = 0; i < $1; i++)); do
		more+=(child:comm:more)
	done
	hold 100,101=unix child:close:101 close:100 102,103=unix "${more[@]}" \
		120=w:a
	client=$(pgrep -P "$PID" -x hold)
}

@test "fdpeer -r --sockets: not beyond who talks with more than eight" {
	mkfifo a
	hold 99=rw:a 100=r:a
	reader=$PID
	behind=$'\t120\t->\t'$reader$'\t'
	hub 7
	run --separate-stderr fdpeer -H -r --sockets "$client" 100
	[[ $output == *"$behind"* ]]
	hub 8
	run --separate-stderr fdpeer -H -r --sockets "$client" 100
	[[ $output == *$'\t<->\t'"$PID"$'\t'* ]]
	[[ $output != *"$behind"* ]]
	# but from there
	run --separate-stderr fdpeer -H -r --sockets "$PID" 120
	[[ $output == *"$behind"* ]]
	# the same one over nine sockets is one
	hold 100,101=unix 102,103=unix 104,105=unix 106,107=unix 108,109=unix \
		110,111=unix 112,113=unix 114,115=unix 116,117=unix \
		child:comm:peer 120=w:a
	run --separate-stderr fdpeer -H -r --sockets "$(pgrep -P "$PID")" 100
	[[ $output == *"$behind"* ]]
}
