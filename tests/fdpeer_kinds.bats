# fdpeer on what is no pipe and no socket: each kind by its own identity
load helper

# peers FD: DIR, PEER, PEERFD and STATE of its rows, sorted, in $PEERS
peers() {
	run --separate-stderr fdpeer -H "$PID" "$1"
	PEERS=$(cut -f 4,5,7,8 <<<"$output" | sort)
}

# lines FIELDS...: blanks become TABs, sorted
lines() {
	printf '%s\n' "$@" | tr ' ' '\t' | sort
}

@test "fdpeer: a pseudoterminal, both ways" {
	hold 100,101=pty 102=dup:101 child:close:100
	child=$(pgrep -P "$PID")
	peers 100
	[ "$PEERS" = "$(lines "<-> $PID 101 open" "<-> $PID 102 open" \
		"<-> $child 101 open" "<-> $child 102 open")" ]
	peers 101
	[ "$PEERS" = "$(lines "<-> $PID 100 open" "== $PID 102 -" \
		"== $child 101 -" "== $child 102 -")" ]
	# without FD too
	run -0 fdpeer -H "$PID"
	[ "$(awk '$3 == 101 { print $4, $7 }' <<<"$output")" = '<-> 100' ]
	# another one is another one
	other=$PID
	hold 100,101=pty
	peers 101
	[ "$PEERS" = "$(lines "<-> $PID 100 open")" ]
	PID=$other
	peers 102
	[ "$(grep -c "	101	" <<<"$PEERS")" -eq 2 ]
}

@test "fdpeer: pseudoterminals with one number of two devpts" {
	need_root
	need unshare
	mkfifo in out
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m bash -c 'mkdir pts && mount -t devpts -o newinstance,ptmxmode=666 none pts || exit
		mount --bind pts/ptmx /dev/ptmx && mount --bind pts /dev/pts || exit
		exec "$1" 100,101=pty 102,103=pty 104,105=pty 106,107=pty 108,109=pty' - \
		"$TESTS/hold" <>in >out 3>&- 4>&- 10>&- 251>&- &
	STARTED+=($!)
	read -r inner <out
	hold 100,101=pty 102,103=pty 104,105=pty 106,107=pty 108,109=pty
	for fd in 100 102 104 106 108; do
		peers "$fd"
		[ "$PEERS" = "$(lines "<-> $PID $((fd + 1)) open")" ]
		peers $((fd + 1))
		[ "$PEERS" = "$(lines "<-> $PID $fd open")" ]
	done
	PID=$inner
	peers 100
	[ "$PEERS" = "$(lines "<-> $PID 101 open")" ]
	peers 105
	[ "$PEERS" = "$(lines "<-> $PID 104 open")" ]
}

@test "fdpeer: a terminal that is closed at the other end" {
	hold 100,101=pty close:100
	run -1 --separate-stderr fdpeer -H "$PID" 101
	[ "$(cut -f 3-8 <<<"$output")" = "$(lines '101 <-> - - - none')" ]
	hold 100,101=pty close:101
	run -1 --separate-stderr fdpeer -H "$PID" 100
	[ "$(cut -f 4,8 <<<"$output")" = "$(lines '<-> none')" ]
}

@test "fdpeer: /dev/tty is the process's terminal" {
	need python3
	python3 -c '
import os, pty, sys, time
pid, m = pty.fork()
if pid == 0:
    os.dup2(os.open("/dev/tty", os.O_RDWR), 100)
    open("ready", "w").write("%d %d\n" % (os.getpid(), os.getppid()))
    sys.stdin.read()
os.dup2(m, 100)
os.waitpid(pid, 0)' 3>&- 4>&- 10>&- 251>&- &
	STARTED+=($!)
	until_true test -s ready
	read -r PID parent <ready
	run -0 fdpeer -H "$PID" 100
	[ "$(awk -v p="$parent" '$5 == p && $7 == 100 { print $4 }' <<<"$output")" = '<->' ]
	# and the other way
	run -0 fdpeer -H "$parent" 100
	[ "$(awk -v p="$PID" '$5 == p && $7 == 100 { print $4 }' <<<"$output")" = '<->' ]
	kill "$PID"
}

@test "fdpeer: an eventfd by its number, not by the inode that all have" {
	hold 100=eventfd 101=eventfd 102=dup:100
	id=$(sed -n 's/eventfd-id: *//p' "/proc/$PID/fdinfo/100")
	[ "$id" ] || skip 'this kernel numbers no eventfds'
	peers 100
	[ "$PEERS" = "$(lines "== $PID 102 -")" ]
	[[ $output == *"eventfd:[$id]"* ]]
	[ "$(inode "$PID" 100)" = "$(inode "$PID" 101)" ]
	run --separate-stderr fdpeer "$PID" 101
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "fdpeer: $PID: nobody else is seen to have descriptor 101 (eventfd)" ]
}

@test "fdpeer: an inherited timerfd, signalfd, epoll by its open file" {
	hold 100=timerfd 101=timerfd 102=signalfd 103=signalfd \
		104=dup:100 child:close:103
	child=$(pgrep -P "$PID")
	peers 100
	[ "$PEERS" = "$(lines "== $PID 104 -" "== $child 100 -" "== $child 104 -")" ]
	peers 102
	[ "$PEERS" = "$(lines "== $child 102 -")" ]
	peers 103
	[ -z "$PEERS" ]
	PID=$child
	peers 101
	[[ $PEERS == "=="*"101	-" ]]
}

@test "fdpeer: what an epoll waits for, and who waits for a descriptor" {
	hold 100,101=pipe 102=eventfd 103=epoll:100,102 104=dup:102
	peers 103
	[ "$PEERS" = "$(lines "-> $PID 100 open" "-> $PID 102 open")" ]
	[[ $output == *'epoll of 100,102' ]]
	run -0 fdpeer -J "$PID" 103
	[[ ${lines[0]} == *'"peerfd":100,'*'"peermode":"r",'* ]]
	[[ ${lines[1]} == *'"peerfd":102,'*'"peermode":"rw",'* ]]
	peers 100
	[ "$PEERS" = "$(lines "<- $PID 101 open" "<- $PID 103 open")" ]
	# not for its duplicate, which is the same open file: the kernel tells
	peers 102
	[ "$(head -n 1 <<<"$PEERS")" = "$(lines "<- $PID 103 open")" ]
	run -0 fdpeer -H "$PID"
	[ "$(awk '$3 == 103' <<<"$output" | wc -l)" -eq 2 ]
	# the other end of the pipe decides, not the epoll
	hold 100,101=pipe 103=epoll:100 close:101
	run -1 fdpeer -H "$PID" 100
	[ "$(cut -f 4,7,8 <<<"$output" | sort)" = "$(lines '<- - none' '<- 103 open')" ]
}

@test "fdpeer: an epoll of what has another number now" {
	hold 100,101=pipe 102=dup:100 103=epoll:102 child:close:103
	other=$PID
	hold 100,101=pipe 103=epoll:100 104=dup:100 close:100 100=eventfd
	peers 103
	[ "$PEERS" = "$(lines "-> $PID 104 open")" ]
	PID=$other
	peers 103
	[ "$PEERS" = "$(lines "-> $PID 102 open")" ]
}

@test "fdpeer: inotify to the file and back" {
	touch watched other
	hold 100=inotify:watched 101=r:watched 102=r:other
	peers 100
	[ "$PEERS" = "$(lines "-> $PID 101 open")" ]
	peers 101
	[ "$PEERS" = "$(lines "<- $PID 100 open")" ]
	peers 102
	[ -z "$PEERS" ]
}

@test "fdpeer: what is watched and may not be looked at is not none" {
	need_root
	need python3
	local watch='import ctypes, os, sys, time
libc = ctypes.CDLL(None)
libc.inotify_add_watch(libc.inotify_init(), b"watched", 2)
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
libc.prctl(4, 1)
open("/proc/self/comm", "w").write("ready")
time.sleep(1000)'
	local watcher user='setpriv --reuid 65534 --regid 65534 --clear-groups'
	touch watched
	chmod 755 . watched
	start python3 -c "$watch" 65534 </dev/null >/dev/null 2>&1
	until_true grep -qx ready "/proc/$PID/comm"
	watcher=$PID
	hold 100=r:watched
	run -0 fdpeer -H "$watcher"
	[[ $output == *"	100	open	"* ]]
	# shellcheck disable=SC2086 # words
	run -3 --separate-stderr $user "$TOP/cmd/fdpeer" "$watcher"
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "fdpeer: $watcher: no descriptor is seen to have another end" ]
	[[ ${stderr_lines[1]} == *'could not be read'* ]]
	# nobody has it, and all could be looked at
	end_started
	rm -f watched
	touch watched
	start python3 -c "$watch" 0 </dev/null >/dev/null 2>&1
	until_true grep -qx ready "/proc/$PID/comm"
	run -1 --separate-stderr fdpeer "$PID"
	[ "${stderr_lines[0]}" = "fdpeer: $PID: no descriptor is seen to have another end" ]
}

@test "fdpeer: fanotify to the file and back" {
	need_root
	touch watched
	hold 100=fanotify:watched 101=r:watched
	peers 100
	[[ $PEERS == *"$(lines "-> $PID 101 open")"* ]]
	peers 101
	[[ $PEERS == *"$(lines "<- $PID 100 open")"* ]]
}

# below SCRIPT ACTION...: hold, in a mount namespace in which the script was run
below() {
	need_root
	need unshare
	printf '#!/bin/sh\n(%s) >&2 || exit\nexec "$@"\n' "$1" >below
	chmod +x below
	hold_as 'unshare -m ./below' "${@:2}"
}

@test "fdpeer: fanotify to a mount, to a file system, and back" {
	# a and b are two mounts of one file system, c is another one
	below 'mkdir a b c && mount -t tmpfs t a && mount --bind a b &&
		mount -t tmpfs t c && touch a/x a/y c/z' \
		100=fanmount:a 101=fanfs:a 102=r:a/x 103=r:b/x 104=r:a/y \
		105=r:c/z 106=fanotify:a/x
	peers 100
	[ "$PEERS" = "$(lines "-> $PID 102 open" "-> $PID 104 open")" ]
	peers 101
	[ "$PEERS" = "$(lines "-> $PID 102 open" "-> $PID 103 open" "-> $PID 104 open")" ]
	peers 102
	[ "$PEERS" = "$(lines "<- $PID 100 open" "<- $PID 101 open" \
		"<- $PID 106 open" "== $PID 103 -")" ]
	peers 103
	[ "$PEERS" = "$(lines "<- $PID 101 open" "<- $PID 106 open" "== $PID 102 -")" ]
	peers 105
	[ -z "$PEERS" ]
}

@test "fdpeer: watches and epolls on btrfs, whose subvolumes share numbers" {
	need mkfs.btrfs btrfs
	truncate -s 120M image
	mkfs.btrfs -q image
	below 'mkdir m; mount -o loop image m || { touch none; exit 1; }
		btrfs subvolume create m/a && btrfs subvolume create m/b &&
		touch m/a/f m/b/f && mkfifo m/a/p m/b/p' \
		100=inotify:m/a/f 101=r:m/a/f 102=r:m/b/f 103=rw:m/a/p \
		104=rw:m/b/p 105=epoll:103 106=dup:103 close:103 || {
		[ -e none ] && skip 'needs a loop device and btrfs'
	}
	[ "$(inode "$PID" 101)" = "$(inode "$PID" 102)" ]
	[ "$(inode "$PID" 104)" = "$(inode "$PID" 106)" ]
	peers 100
	[ "$PEERS" = "$(lines "-> $PID 101 open")" ]
	peers 101
	[ "$PEERS" = "$(lines "<- $PID 100 open")" ]
	peers 102
	[ -z "$PEERS" ]
	peers 105
	[ "$PEERS" = "$(lines "-> $PID 106 open")" ]
	peers 106
	[ "$PEERS" = "$(lines "<- $PID 105 open" "<-> $PID 106 open")" ]
	peers 104
	[ "$PEERS" = "$(lines "<-> $PID 104 open")" ]
}

@test "fdpeer: files and memfds by device and inode, mapped only too" {
	head -c 4096 /dev/zero >file
	ln file link
	hold 100=r:file 101=memfd:same 102=memfd:same
	first=$PID
	hold map:link 100=rw:/dev/null
	second=$PID
	hold 100=rw:link
	third=$PID
	PID=$first
	peers 100
	[ "$PEERS" = "$(lines "== $second mem -" "== $third 100 -")" ]
	run -0 fdpeer -J "$PID" 100
	[[ $output == *"\"peer\":$second,"*'"peerfd":"mem"'* ]]
	peers 101
	[ -z "$PEERS" ]
	[ "$status" -ne 0 ]
	# as an ordinary user, who may not read map_files
	need_root
	chmod 666 file
	hold_as 'setpriv --reuid 65534 --regid 65534 --clear-groups' 100=r:file
	first=$PID
	hold_as 'setpriv --reuid 65534 --regid 65534 --clear-groups' map:file
	run --separate-stderr as_user "$TOP/cmd/fdpeer" -H "$first" 100
	[[ $output == *"$(printf '==\t%s\thold\tmem' "$PID")"* ]]
}

@test "fdpeer: a message queue, by direction" {
	need_root
	need unshare
	hold_as 'unshare -i' 100=mqueue:fdpeer 101=dup:100
	peers 100
	[ "$PEERS" = "$(lines "<-> $PID 101 open")" ]
	[[ $output == *mqueue* || $output == */fdpeer ]]
	# of another namespace's queue with that name it knows nothing
	first=$PID
	hold_as 'unshare -i' 100=mqueue:fdpeer
	peers 100
	[ "$(cut -f 5 <<<"$PEERS")" != "$first" ]
}

@test "fdpeer: a pidfd to its process" {
	hold
	other=$PID
	hold comm:me 100=pidfd:"$other" 101=deadpidfd 102=dup:100
	peers 100
	[ "$PEERS" = "$(lines "-> $other - open" "== $PID 102 -")" ]
	[[ $output == *"	hold	-	open	"* ]]
	run -1 fdpeer -H "$PID" 101
	[ "$(cut -f 4-8 <<<"$output")" = "$(lines '-> - - - closed')" ]
}

@test "fdpeer: a pidfd of a process that has ended and is not waited for" {
	hold zombie
	zombie=$(pgrep -P "$PID")
	until_true state_is "$zombie" Z
	hold 100=pidfd:"$zombie"
	run -1 --separate-stderr fdpeer -H "$PID" 100
	[ "$(cut -f 4-8 <<<"$output")" = "$(lines "-> $zombie hold - closed")" ]
	# a leader that has ended is no process that has
	hold deadleader
	leader=$PID
	until_true state_is "$leader" Z
	hold 100=pidfd:"$leader"
	run -0 --separate-stderr fdpeer -H "$PID" 100
	[ "$(cut -f 4-8 <<<"$output")" = "$(lines "-> $leader hold - open")" ]
	# but a thread
	hold 100=threadpidfd:"$leader" || skip 'no pidfds of threads'
	run -1 --separate-stderr fdpeer -H "$PID" 100
	[ "$(head -n 1 <<<"$output" | cut -f 4-8)" = "$(lines "-> $leader hold - closed")" ]
}

@test "fdpeer: a pidfd of a thread to it and to its process" {
	hold thread
	other=$PID
	tid=$(ls "/proc/$other/task" | grep -vx "$other")
	hold 100=threadpidfd:"$tid" 101=threadpidfd:"$other" 102=pidfd:"$other" ||
		skip 'no pidfds of threads'
	peers 100
	[ "$PEERS" = "$(lines "-> $tid - open")" ]
	run -0 fdpeer -J "$PID" 100
	[[ $output == *"\"peer\":$other,"*"\"peertid\":$tid,"* ]]
	run -0 fdpeer -J "$PID" 101
	[[ $output == *"\"peer\":$other,"*"\"peertid\":$other,"* ]]
	run -0 fdpeer -J "$PID" 102
	[[ $(grep -- '->' <<<"$output") == *"\"peer\":$other,"*'"peertid":null,'* ]]
}

@test "fdpeer: a namespace to its members" {
	need_root
	need unshare
	hold_as 'unshare -u' child:comm:a
	member=$PID
	child=$(pgrep -P "$member")
	hold 100=r:"/proc/$member/ns/uts" 101=dup:100
	peers 100
	[ "$PEERS" = "$(lines "-> $member - open" "-> $child - open" "== $PID 101 -")" ]
	[[ $output == *"uts:[$(stat -L -c %i "/proc/$member/ns/uts")]"* ]]
}

@test "fdpeer: a namespace by the name that it is mounted at" {
	need_root
	need unshare
	touch name
	hold_as 'unshare -u'
	member=$PID
	# as ip-netns(8) keeps them, but in a mount namespace of its own
	printf '#!/bin/sh\nmount --bind %s name && exec "$@"\n' \
		"/proc/$member/ns/uts" >mounting
	chmod +x mounting
	hold_as 'unshare -m ./mounting' 100=r:name
	mounted=$PID
	hold 100=r:"/proc/$member/ns/uts"
	other=$PID
	peers 100
	[ "$PEERS" = "$(lines "-> $member - open" "== $mounted 100 -")" ]
	PID=$mounted
	peers 100
	[ "$PEERS" = "$(lines "-> $member - open" "== $other 100 -")" ]
}

@test "fdpeer: a namespace to those whose children will be in it" {
	need_root
	need unshare
	start unshare -p --fork sleep 300
	parent=$PID
	until_true pgrep -P "$parent" -x sleep
	child=$(pgrep -P "$parent" -x sleep)
	hold 100=r:"/proc/$child/ns/pid"
	peers 100
	[ "$PEERS" = "$(lines "-> $parent - open" "-> $child - open")" ]
	kill -KILL "$child"
}

@test "fdpeer: a lock's holder and who waits for it" {
	touch file
	hold 100=rw:file 101=r:file flock:100
	holder=$PID
	hold 100=rw:file waitlock:100
	waiter=$PID
	until_true sh -c "grep -q -- '-> FLOCK.* $waiter ' /proc/locks"
	PID=$holder
	peers 100
	[ "$PEERS" = "$(lines "<- $waiter 100 open" "== $holder 101 -")" ]
	PID=$waiter
	peers 100
	[ "$PEERS" = "$(lines "-> $holder 100 open" "== $holder 101 -")" ]
	run -0 fdpeer -H "$holder"
	[ "$(awk '$3 == 100 { print $4, $5 }' <<<"$output")" = "<- $waiter" ]
	[ -z "$(awk '$3 == 101' <<<"$output")" ]
}

@test "fdpeer: who holds or awaits a lock and may not be looked at is hidden" {
	need_root
	local user='setpriv --reuid 65534 --regid 65534 --clear-groups'
	local holder waiter
	touch file
	chmod 666 file
	chmod 755 .
	hold 100=rw:file flock:100
	holder=$PID
	hold_as "$user" 100=rw:file 101=r:file waitlock:100
	waiter=$PID
	until_true grep -q -- "-> FLOCK.* $waiter " /proc/locks
	for fd in '' 100; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr $user "$TOP/cmd/fdpeer" -H "$waiter" $fd
		[ "$(awk '$3 == 100 && $4 != "==" { print $4, $5, $8 }' <<<"$output")" = '-> - hidden' ]
		[ "$status" -eq $((${fd:-0} ? 3 : 0)) ]
		[[ $stderr == *'could not be read'* ]]
	done
	# root sees it, and of what nothing flows through -r tells nothing
	run -0 fdpeer -H "$waiter" 100
	[[ $output == *"	->	$holder	hold	100	"* && $output != *hidden* ]]
	run -1 --separate-stderr fdpeer -r "$waiter" 100
	[ -z "$output" ]
	# the other descriptor has no part in it
	run -0 --separate-stderr as_user "$TOP/cmd/fdpeer" -H "$waiter" 101
	[ "$(cut -f 4,5,7,8 <<<"$output")" = "$(lines "== $waiter 100 -")" ]
	end_started
	hold_as "$user" 100=rw:file flock:100
	holder=$PID
	hold 100=rw:file waitlock:100
	until_true grep -q -- "-> FLOCK.* $PID " /proc/locks
	# shellcheck disable=SC2086
	run -3 --separate-stderr $user "$TOP/cmd/fdpeer" -H "$holder" 100
	[ "$(cut -f 4-8 <<<"$output")" = "$(lines '<- - - - hidden')" ]
}

# waiters KIND PID N: does the list of locks have N of its waiters?
waiters() {
	[ "$(grep -Ec -- "-> $1 .* $2 " /proc/locks)" -eq "$3" ]
}

@test "fdpeer: of several locks of a file only the one that is waited for" {
	touch file
	hold 100=rw:file lock:100:0
	zero=$PID
	# one that has a lock and waits for another one by the same descriptor
	hold 100=rw:file lock:100:10 waitbyte:100:0
	ten=$PID
	until_true waiters POSIX "$ten" 1
	hold 100=rw:file waitbyte:100:10
	third=$PID
	until_true waiters POSIX "$third" 1
	# behind one that waits
	hold 100=rw:file waitbyte:100:10
	fourth=$PID
	until_true waiters POSIX "$fourth" 1
	PID=$zero
	peers 100
	[ "$PEERS" = "$(lines "<- $ten 100 open" "== $third 100 -" "== $fourth 100 -")" ]
	PID=$ten
	peers 100
	[ "$PEERS" = "$(lines "-> $zero 100 open" "<- $third 100 open" "<- $fourth 100 open")" ]
	for PID in "$third" "$fourth"; do
		peers 100
		[ "$PEERS" = "$(lines "-> $ten 100 open" "== $zero 100 -" \
			"== $((third + fourth - PID)) 100 -")" ]
	done
	# one that waits for both: the list does not tell by which descriptor
	hold 100=rw:file 101=rw:file waitbyte:100:0 waitbyte:101:10
	until_true waiters POSIX "$PID" 2
	peers 100
	[ "$(grep -- '->' <<<"$PEERS")" = "$(lines "-> $zero 100 open" "-> $ten 100 open")" ]
}

@test "fdpeer: who waits for the lock of an open file may wait for any" {
	touch file
	hold 100=rw:file ofd:100:0
	zero=$PID
	hold 100=rw:file ofd:100:10
	ten=$PID
	hold 100=rw:file waitofd:100:10
	third=$PID
	hold 100=rw:file waitbyte:100:0
	fourth=$PID
	until_true waiters POSIX "$fourth" 1
	at=$(printf ':%d 10 10' "$(inode "$zero" 100)")
	until_true grep -q -- "-> OFDLCK .*$at" /proc/locks
	PID=$ten
	peers 100
	[ "$PEERS" = "$(lines "<- $third 100 open" "== $fourth 100 -" "== $zero 100 -")" ]
	PID=$fourth
	peers 100
	[ "$PEERS" = "$(lines "-> $zero 100 open" "== $third 100 -" "== $ten 100 -")" ]
	# of two that wait for one each it can't be told
	hold 100=rw:file waitofd:100:0
	at=$(printf ':%d 0 0' "$(inode "$zero" 100)")
	until_true grep -q -- "-> OFDLCK .*$at" /proc/locks
	peers 100
	[ "$(grep -- '->' <<<"$PEERS")" = "$(lines "-> $zero 100 open" "-> $ten 100 open")" ]
}

@test "fdpeer: an end that only an io_uring has is in flight" {
	hold 100,101=pipe 102=uring:101 close:101
	[[ $(ls -l "/proc/$PID/fd/102") == *io_uring* ]] || skip 'no io_uring'
	peers 100
	[ "$PEERS" = "$(lines "<- $PID 102 inflight")" ]
	[ "$status" -eq 0 ]
	hold 100,101=pipe 102=uring:101
	peers 100
	[ "$PEERS" = "$(lines "<- $PID 101 open")" ]
	peers 102
	[[ $PEERS == *"$(lines "-> $PID 100 open")"* ]]
}

@test "fdpeer: sockets, FIFOs and files that an io_uring has" {
	touch 'a file' other
	mkfifo fifo other_fifo
	hold 100,101=unix 102=rw:fifo 103=r:fifo 104=rw:'a file' 105=r:other \
		120=uring:101,102,104 close:101 close:102
	[[ $(ls -l "/proc/$PID/fd/120") == *io_uring* ]] || skip 'no io_uring'
	peers 100
	[ "$PEERS" = "$(lines "<-> $PID 120 inflight")" ]
	peers 103
	[ "$PEERS" = "$(lines "<- $PID 120 inflight")" ]
	peers 104
	[ "$PEERS" = "$(lines "== $PID 120 -")" ]
	peers 105
	[ -z "$PEERS" ]
	peers 120
	[ "$PEERS" = "$(lines "-> $PID 103 open" "-> $PID 104 open" "-> $PID 120 inflight")" ]
	# in a pipeline too
	hold 100,101=pipe 102=rw:other_fifo 103=r:other_fifo \
		120=uring:101,102 close:101 close:102
	for fd in 100 103; do
		run -0 --separate-stderr fdpeer -rH "$PID" "$fd"
		[ "$(cut -f 3-5,7-8 <<<"$output")" = "$(lines "$fd <- $PID 120 inflight")" ]
	done
}

@test "fdpeer: what an io_uring has may be one of many of that name" {
	hold 100=eventfd 101=eventfd 102=memfd:m 103=r:/dev/null \
		120=uring:100,103 close:100
	[[ $(ls -l "/proc/$PID/fd/120") == *io_uring* ]] || skip 'no io_uring'
	run -3 --separate-stderr fdpeer -H "$PID" 101
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == *'(eventfd): this kernel cannot tell of an io_uring that may have it' ]]
	run --separate-stderr fdpeer -H "$PID" 102
	[[ $stderr != *io_uring* ]]
	run -3 --separate-stderr fdpeer -H "$PID" 120
	[ "$(cut -f 4-8 <<<"$output" | grep hidden)" = "$(lines '<-> - - - hidden')" ]
	[[ $stderr == *"this kernel cannot tell the other end of descriptor 120 (uring)"* ]]
}

@test "fdpeer: what is bpf by its number" {
	need_root
	hold 100=bpf 101=bpf 102=dup:100
	peers 100
	[ "$PEERS" = "$(lines "== $PID 102 -")" ]
	hold 100=btf 102=dup:100 || skip 'no BTF'
	peers 100
	[ "$PEERS" = "$(lines "== $PID 102 -")" ]
}

@test "fdpeer: whose memory a userfaultfd is about the kernel cannot tell" {
	hold 100=userfaultfd 101=dup:100 || skip 'no userfaultfd'
	run -3 --separate-stderr fdpeer -H "$PID" 100
	[ "$(cut -f 4,5,7,8 <<<"$output" | sort)" = \
		"$(lines "<-> - - hidden" "== $PID 101 -")" ]
	[[ $stderr == *"$PID: this kernel cannot tell the other end of descriptor 100 (anon)"* ]]
}

@test "fdpeer: behind a loop device is a file of the kernel's" {
	need_root
	need losetup
	truncate -s 1M image
	dev=$(losetup -f --show image) || skip 'needs a loop device'
	hold 100=r:"$dev" 101=r:"$dev" || true
	losetup -d "$dev"	# once hold has closed it
	peers 100
	[ "$PEERS" = "$(lines "<-> - - kernel" "== $PID 101 -")" ]
	[[ $output == *"$dev -> $PWD/image"* ]]
	run --separate-stderr fdpeer -H "$PID"
	[ "$(awk '$3 == 100 { print $4, $8 }' <<<"$output")" = '<-> kernel' ]
}

@test "fdpeer: behind a tun is the kernel" {
	need_root
	[ -e /dev/net/tun ] || skip 'no tun'
	hold_as 'unshare -n' 100=tun:fdp0 101=rw:/dev/net/tun 102=dup:100
	peers 100
	[ "$PEERS" = "$(lines "<-> - - kernel" "== $PID 102 -")" ]
	# the device file is the same, the interface is not
	peers 101
	[ -z "$PEERS" ]
}

@test "fdpeer: no kind is opened, duplicated or asked by ioctl" {
	need strace
	strace -o /dev/null true 2>/dev/null || skip 'strace does not work here'
	touch file
	hold 100,101=pty 102=eventfd 103,104=pipe 105=epoll:103 106=inotify:file \
		107=rw:file 108=memfd:m 109=timerfd 110=signalfd 111=pidfd \
		112=r:/proc/self/ns/uts 113=rw:/dev/null child:close:99
	calls=open,openat,openat2,ioctl,ptrace,setns,pidfd_getfd
	calls+=,process_vm_readv,process_vm_writev
	for fd in '' {100..113}; do
		# shellcheck disable=SC2086 # none or one
		strace --seccomp-bpf -f -e "trace=$calls" -o trace \
			fdpeer "$PID" $fd >/dev/null 2>&1 || true
		run ! grep -E 'open(at)?\([^,]*,? ?"([^"]*/)?fd/[0-9]' trace
		run ! grep -E 'ptrace\(|setns\(|process_vm' trace
		# hold's standard output has no reader: that is to be proved
		[ -z "$fd" ] || run ! grep -E 'pidfd_getfd\(' trace
	done
}
