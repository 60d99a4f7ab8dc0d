load helper

# What fdpeer says of sockets. Most tests have a network namespace, so that
# ports are theirs and no other socket is there.

# loopback: how hold_as gets a network namespace with a loopback
loopback() {
	need ip unshare
	cat >loopback <<-'END'
		#!/bin/sh
		ip link set lo up && exec "$@"
	END
	chmod +x loopback
}

# in_net ACTION...: hold, in a network namespace of its own
in_net() {
	local how='unshare -n'
	if [ "$(id -u)" -ne 0 ]; then
		how='unshare -rn'
		$how true 2>/dev/null || skip 'needs a network namespace'
	fi
	loopback
	hold_as "$how ./loopback" "$@"
}

# beside PID ACTION...: hold, in the network namespace of that process
beside() {
	local how="nsenter -n -t $1"
	need nsenter
	[ "$(id -u)" -eq 0 ] || how="nsenter -U --preserve-credentials -n -t $1"
	hold_as "$how" "${@:2}"
}

# peers PID [FD]: DIR PEER PEERFD STATE of all rows in $rows, as -H has them
peers() {
	rows=$(fdpeer -H "$@" 2>err) && code=0 || code=$?
	rows=$(printf '%s\n' "$rows" | cut -f 4,5,7,8 | tr '\t' ' ')
}

# all ROW...: are these the rows?
all() {
	[ "$rows" = "$(printf '%s\n' "$@")" ] || {
		printf 'got:\n%s\n' "$rows"
		cat err
		return 1
	}
}

# alone: no rows; certainly none, or some process could not be read
alone() {
	all '' && grep -q 'nobody else is seen to have' err &&
		{ [ "$code" -eq 1 ] || [ "$code" -eq 3 ]; }
}

# ends STATUS: with that one, or with 3 if others' processes are stuck meanwhile
ends() {
	[ "$code" -eq "$1" ] ||
		{ [ "$code" -eq 3 ] && grep -q 'no answer from /proc' err; }
}

@test "fdpeer: a socket pair, held by two processes" {
	hold 100,101=unix child:close:100
	local child
	child=$(pgrep -P "$PID")
	peers "$PID" 100
	all "<-> $PID 101 open" "<-> $child 101 open"
	ends 0
	peers "$PID" 101
	all "<-> $PID 100 open" "== $child 101 -"
}

@test "fdpeer: unix, accepted, waiting, and the peer closed" {
	local server
	hold "100=socket:unix,stream,bind=$PWD/s,listen"
	server=$PID
	hold "100=socket:unix,stream,to=$PWD/s"
	peers "$PID" 100
	all "<-> $server 100 backlog"
	peers "$server" 100
	all "<-> $PID 100 backlog"
	end_started
	hold "100=socket:unix,stream,bind=$PWD/t,listen" \
		"101=socket:unix,stream,to=$PWD/t" 102=accept:100
	peers "$PID" 102
	all "<-> $PID 101 open"
	peers "$PID" 100
	alone
	hold 100,101=unix close:101 102,103=dgram close:103
	peers "$PID" 100
	all '<-> - - closed'
	ends 1
	peers "$PID" 102
	all '<-> - - closed'
}

@test "fdpeer: who waits to be accepted, and sends or receives no more" {
	hold "100=socket:unix,stream,bind=$PWD/s,listen" \
		"101=socket:unix,stream,to=$PWD/s,shut=2"
	peers "$PID" 101
	all "<-> $PID 100 backlog"
	peers "$PID" 100
	all "<-> $PID 101 backlog"
	in_net 100=socket:inet,stream,bind=127.0.0.1/80,listen \
		101=socket:inet,stream,to=127.0.0.1/80,shut=1
	peers "$PID" 101
	all "<-> $PID 100 backlog"
	peers "$PID" 100
	all "<-> $PID 101 backlog"
}

@test "fdpeer: TCP that was reset" {
	in_net 100=socket:inet,stream,bind=127.0.0.1/80,listen \
		101=socket:inet,stream,to=127.0.0.1/80 close:100 \
		102=socket:inet,stream
	peers "$PID" 101
	all '<-> - - closed'
	ends 1
	peers "$PID" 102
	alone
}

@test "fdpeer: two TCP listeners: the one that fits best" {
	in_net 100=socket:inet,stream,reuseport,bind=0.0.0.0/80,listen \
		101=socket:inet,stream,reuseport,bind=127.0.0.1/80,listen \
		102=socket:inet,stream,to=127.0.0.1/80 \
		103=socket:inet,stream,to=127.0.0.2/80
	peers "$PID" 102
	all "<-> $PID 101 backlog"
	peers "$PID" 103
	all "<-> $PID 100 backlog"
	peers "$PID" 100
	all "<-> $PID 103 backlog"
	peers "$PID" 101
	all "<-> $PID 102 backlog"
}

@test "fdpeer: unix datagrams, many to one" {
	local server first
	hold "100=socket:unix,dgram,bind=$PWD/log"
	server=$PID
	hold "100=socket:unix,dgram,to=$PWD/log"
	first=$PID
	hold "100=socket:unix,dgram,to=$PWD/log" \
		"101=socket:unix,dgram,to=$PWD/log"
	peers "$server" 100
	if [ "$first" -lt "$PID" ]; then
		all "<- $first 100 open" "<- $PID 100 open" "<- $PID 101 open"
	else
		all "<- $PID 100 open" "<- $PID 101 open" "<- $first 100 open"
	fi
	peers "$first" 100
	all "-> $server 100 open"
}

@test "fdpeer: a NUL in an abstract name ends no name" {
	local name i acts=() want=() raw=()
	# each @ is a NUL; beyond the 16th socket all are read at once
	name="b$$@$(printf '%060d' 0)"
	for ((i = 100; i < 140; i += 2)); do
		acts+=("$i=socket:unix,dgram,bind=@$i@$name"
			"$((i + 1))=socket:unix,dgram,to=@$i@$name")
		want+=("@$i\\000${name/@/\\000} DGRAM ESTABLISHED")
		raw+=("@$i@$name DGRAM ESTABLISHED")
	done
	hold "${acts[@]}"
	fdpeer -H "$PID" | awk -F '\t' '$3 >= 100 && $3 % 2 == 0 { print $9 }' >out
	diff out <(printf '%s\n' "${want[@]}")
	run -0 fdpeer "$PID" 138
	[[ ${lines[1]} == *" open     ${want[19]}" ]]
	run -0 fdpeer --dot "$PID" 138
	[[ $output == *"[label=\"${want[19]//\\/\\\\}\""* ]]
	run -0 fdpeer -J "$PID" 138
	[[ $output == *"\"name\":\"@138\\u0000${name/@/\\u0000} DGRAM ESTABLISHED\""* ]]
	# raw, with its NULs
	fdpeer -0 "$PID" 138 >out
	tail -c "$((${#raw[19]} + 2))" out | tr '\0' '@' >last
	[ "$(cat last)" = "$(printf '\t%s@' "${raw[19]}")" ]
}

@test "fdpeer: who may send from a namespace that may not be entered" {
	need_root
	local user='setpriv --reuid 65534 --regid 65534 --clear-groups' server
	chmod 755 .
	hold_as "$user" "100=socket:unix,dgram,bind=@nobody sends $$"
	server=$PID
	# shellcheck disable=SC2086 # words
	run --separate-stderr $user "$TOP/cmd/fdpeer" -H "$server" 100
	[ "$status" -eq 1 ] || [[ $stderr == *'could not be read'* ]]
	mkdir d
	chmod 777 d
	hold_as "$user" 100=socket:unix,dgram,bind=d/s
	server=$PID
	in_net "100=socket:unix,dgram,to=$PWD/d/s"
	peers "$server" 100
	all "<- $PID 100 open"
	# shellcheck disable=SC2086
	run -3 --separate-stderr $user "$TOP/cmd/fdpeer" -H "$server" 100
	[ -z "$output" ]
	[[ $stderr == *"fdpeer: $server: who sends from another network namespace can't be told (needs CAP_SYS_ADMIN)"* ]]
}

@test "fdpeer: two listeners that had one path: the one that was asked" {
	local old
	hold "100=socket:unix,stream,bind=$PWD/s,listen" \
		"101=socket:unix,stream,to=$PWD/s" unlink:s
	old=$PID
	hold "100=socket:unix,stream,bind=$PWD/s,listen" \
		"101=socket:unix,stream,to=$PWD/s"
	peers "$old" 101
	all "<-> $old 100 backlog"
	peers "$PID" 101
	all "<-> $PID 100 backlog"
}

@test "fdpeer: a socket in flight has no holder that is seen" {
	need_root
	hold 100,101=unix 102,103=unix inflight:101:102
	peers "$PID" 100
	all '<-> - - inflight'
}

@test "fdpeer: a peer that may not be looked at is hidden, with its uid" {
	local uid child
	uid=$(id -u)
	[ "$uid" -ne 0 ] || uid=65534
	# the child has one end only, its parent, which is not dumpable, both
	hold_as "$([ "$(id -u)" -ne 0 ] || echo setpriv --reuid 65534 --regid 65534 --clear-groups)" \
		100,101=unix child:close:101 undumpable
	child=$(pgrep -P "$PID")
	run -3 --separate-stderr as_user fdpeer -H "$child" 100
	[ "$(printf '%s\n' "$output" | cut -f 4-8 | tr '\t' ' ')" = \
		"<-> - uid=$uid - hidden" ]
	[[ $stderr == *'could not be read'* ]]
}

@test "fdpeer: a listener that may not be looked at is told by its uid" {
	need_root
	hold "100=socket:unix,stream,bind=@listener $$,listen"
	hold_as 'setpriv --reuid 65534 --regid 65534 --clear-groups' \
		"100=socket:unix,stream,to=@listener $$"
	run --separate-stderr as_user fdpeer -H "$PID" 100
	[ "$(printf '%s\n' "$output" | cut -f 4-8 | tr '\t' ' ')" = \
		'<-> - uid=0 - backlog' ]
}

# A process that leaves the network namespace in which it made its sockets, so
# often, and goes to a new one.
leave() {
	need_root
	need python3
	cat >leave.py <<-'END'
		import ctypes, os, socket, sys, time
		libc = ctypes.CDLL(None, use_errno=True)
		def leave():
		    if libc.unshare(0x40000000):
		        sys.exit(1)
		if sys.argv[1] == "2":
		    leave()
		a, b = socket.socketpair()
		os.dup2(a.fileno(), 100)
		os.dup2(b.fileno(), 101)
		a.close()
		b.close()
		leave()
		open("ready", "w")
		time.sleep(1000)
	END
	start python3 leave.py "$1"
	until_true [ -e ready ]
}

@test "fdpeer: a socket of our namespace, held by a process of another one" {
	leave 1
	peers "$PID" 100
	all "<-> $PID 101 open"
}

@test "fdpeer -R: unix sockets by the procfs of a pid namespace below" {
	need_root
	hold_as 'unshare -pf --mount-proc --kill-child' 100,101=unix
	local inner
	inner=$(pgrep -P "${STARTED[-1]}")
	peers -R "/proc/$inner/root/proc" 1 100
	all '<-> 1 101 open'
	ends 0
}

@test "fdpeer: a socket of a namespace in which there is no process" {
	leave 2
	peers "$PID" 100
	all "<-> $PID 101 open"
	# as it was
	[ "$(readlink "/proc/$PID/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

@test "fdpeer: TCP, accepted, waiting, closed, and to itself" {
	in_net 100=socket:inet,stream,bind=127.0.0.1/80,listen \
		101=socket:inet,stream,bind=127.0.0.1/1001,to=127.0.0.1/80 \
		102=accept:100 \
		103=socket:inet,stream,bind=127.0.0.1/1003,to=127.0.0.1/80 \
		104=socket:inet,stream,bind=127.0.0.1/1004,to=127.0.0.1/1004 \
		105=socket:inet,stream
	peers "$PID" 101
	all "<-> $PID 102 open"
	peers "$PID" 102
	all "<-> $PID 101 open"
	peers "$PID" 103
	all "<-> $PID 100 backlog"
	peers "$PID" 100
	all "<-> $PID 103 backlog"
	peers "$PID" 104
	all "<-> $PID 104 open"
	peers "$PID" 105
	alone
	in_net 100=socket:inet,stream,bind=127.0.0.1/80,listen \
		101=socket:inet,stream,to=127.0.0.1/80 102=accept:100 close:102
	peers "$PID" 101
	all '<-> - - closed'
	ends 1
}

@test "fdpeer: TCP over IPv6, and IPv4 that IPv6 takes" {
	[ -e /proc/net/tcp6 ] || skip 'needs IPv6'
	in_net 100=socket:inet6,stream,bind=::/80,listen \
		101=socket:inet6,stream,to=::1/80 102=accept:100 \
		103=socket:inet,stream,to=127.0.0.1/80 104=accept:100 \
		105=socket:inet,stream,to=127.0.0.1/80
	peers "$PID" 101
	all "<-> $PID 102 open"
	peers "$PID" 103
	all "<-> $PID 104 open"
	peers "$PID" 104
	all "<-> $PID 103 open"
	peers "$PID" 105
	all "<-> $PID 100 backlog"
}

# nobody_gets: nobody gets what the UDP socket of $PID sends; who may not read
# what is translated does not know that
nobody_gets() {
	if [ -e /proc/sys/net/netfilter/nf_conntrack_max ] &&
		! cat "/proc/$PID/net/nf_conntrack" >/dev/null; then
		all '-> - - hidden'
		grep -q '(NAT?)' err
		ends 3
	else
		all '-> - - none'
		ends 1
	fi
}

@test "fdpeer: UDP, a pair, to whom it is sent, and to nobody" {
	in_net 100=socket:inet,dgram,bind=0.0.0.0/53 \
		101=socket:inet,dgram,to=127.0.0.1/53 \
		102=socket:inet,dgram,bind=127.0.0.1/1002 \
		103=socket:inet,dgram,bind=127.0.0.1/1003,to=127.0.0.1/9 \
		104=socket:inet,dgram,bind=127.0.0.1/1004,to=127.0.0.1/1005 \
		105=socket:inet,dgram,bind=127.0.0.1/1005,to=127.0.0.1/1004
	peers "$PID" 100
	all "<- $PID 101 open"
	peers "$PID" 101
	all "-> $PID 100 open"
	peers "$PID" 102
	alone
	grep -q 'descriptor 102 (udp)$' err
	peers "$PID" 103
	nobody_gets
	peers "$PID" 104
	all "<-> $PID 105 open"
}

# veth: two holders' namespaces are joined, 10.0.0.1 is the first's
veth() {
	ip -n "/proc/$1/ns/net" link show >/dev/null 2>&1
	nsenter -n -t "$1" ip link add v0 type veth peer name v1 netns "$2" &&
		nsenter -n -t "$1" ip addr add 10.0.0.1/24 dev v0 &&
		nsenter -n -t "$1" ip link set v0 up &&
		nsenter -n -t "$2" ip addr add 10.0.0.2/24 dev v1 &&
		nsenter -n -t "$2" ip link set v1 up
}

# net_is NET PID FD: is that the peer's namespace in JSON, by its number? Of NAME
# it is no part.
net_is() {
	[ "net:[$(fdpeer -J "$2" "$3" | jq -r .peernet)]" = "${1:-net:[null]}" ] &&
		[ "$(fdpeer -H "$2" "$3" | cut -f 9)" = \
			"$(lsfd -H "$2" | awk -F '\t' -v fd="$3" '$3 == fd { print $7 }')" ]
}

@test "fdpeer: unix sockets of two namespaces, by a path" {
	need_root
	local server net
	need jq
	hold "100=socket:unix,stream,bind=$PWD/s,listen" \
		"101=socket:unix,dgram,bind=$PWD/d"
	server=$PID
	net=$(readlink "/proc/$server/ns/net")
	in_net "100=socket:unix,stream,to=$PWD/s" "101=socket:unix,dgram,to=$PWD/d"
	peers "$PID" 100
	all "<-> $server 100 backlog"
	net_is "$net" "$PID" 100
	peers "$PID" 101
	all "-> $server 101 open"
	net_is "$net" "$PID" 101
	net=$(readlink "/proc/$PID/ns/net")
	peers "$server" 100
	all "<-> $PID 100 backlog"
	net_is "$net" "$server" 100
	peers "$server" 101
	all "<- $PID 101 open"
	net_is "$net" "$server" 101
}

@test "fdpeer: TCP to another namespace, never by its loopback; remote" {
	need_root
	need ip nsenter
	local a b server
	in_net 90=r:/dev/null
	a=$PID
	in_net 90=r:/dev/null
	b=$PID
	veth "$a" "$b" || skip 'needs veth'
	hold_as "nsenter -n -t $a" 100=socket:inet,stream,bind=10.0.0.1/80,listen \
		101=socket:inet,stream,bind=127.0.0.1/80,listen \
		102=socket:inet,dgram,bind=127.0.0.1/1004,to=127.0.0.1/1003
	server=$PID
	hold_as "nsenter -n -t $b" 100=socket:inet,stream,to=10.0.0.1/80 \
		101=socket:inet,stream,bind=127.0.0.1/80,listen \
		102=socket:inet,stream,bind=127.0.0.1/5999,to=127.0.0.1/80 \
		103=accept:101 \
		104=socket:inet,dgram,bind=127.0.0.1/1003,to=127.0.0.1/1004
	peers "$PID" 100
	all "<-> $server 100 backlog"
	net_is "$(readlink "/proc/$server/ns/net")" "$PID" 100
	peers "$server" 100
	all "<-> $PID 100 backlog"
	net_is "$(readlink "/proc/$PID/ns/net")" "$server" 100
	peers "$PID" 103
	all "<-> $PID 102 open"
	net_is '' "$PID" 103
	# that has the mirrored addresses, but is in the other namespace
	peers "$PID" 104
	all '-> - - none'
	# an address that nobody here has
	nsenter -n -t "$b" ip addr add 10.0.0.9/24 dev v1
	hold_as "nsenter -n -t $b" 100=socket:inet,dgram,to=10.0.0.77/9
	peers "$PID" 100
	all '<-> - - remote'
	ends 0
}

@test "fdpeer: netlink to the kernel and to each other; packet" {
	need_root
	in_net 100=socket:netlink,raw,bind=4711 \
		101=socket:netlink,raw/2,bind=4712 \
		102=socket:netlink,raw/2,bind=4713,to=4712 \
		103=socket:packet,raw/768
	peers "$PID" 100
	all '<-> - - kernel'
	peers "$PID" 102
	all "-> $PID 101 open"
	peers "$PID" 101
	all "<- $PID 102 open"
	peers "$PID" 103
	all '<-> - - kernel'
}

@test "fdpeer: what the kernel has no table for, it can't tell" {
	hold 100=socket:vsock,stream || skip 'needs AF_VSOCK'
	kill -0 "$PID" 2>/dev/null || skip 'needs AF_VSOCK'
	peers "$PID" 100
	all '<-> - - hidden'
	ends 3
	grep -q 'this kernel cannot tell the other end' err
}

@test "fdpeer: the holder's namespace may not be entered" {
	need_root
	need setpriv
	in_net 100,101=unix 102=socket:inet,stream,bind=127.0.0.1/80,listen \
		103=socket:inet,stream,to=127.0.0.1/80 104=accept:102
	run --separate-stderr setpriv --bounding-set -sys_admin \
		--inh-caps -sys_admin fdpeer -H "$PID" 103
	[ "$(printf '%s\n' "$output" | cut -f 4,5,7,8 | tr '\t' ' ')" = "<-> $PID 104 open" ]
	# net/unix has no peers
	run -3 --separate-stderr setpriv --bounding-set -sys_admin \
		--inh-caps -sys_admin fdpeer -H "$PID" 100
	[ "$(printf '%s\n' "$output" | cut -f 4,5,7,8 | tr '\t' ' ')" = '<-> - - hidden' ]
}

@test "fdpeer: all sockets of a process, in the order of descriptors" {
	need_root
	in_net 100,101=unix 102=socket:inet,stream,bind=127.0.0.1/80,listen \
		103=socket:inet,stream,bind=127.0.0.1/1000,to=127.0.0.1/80 \
		104=accept:102
	run --separate-stderr fdpeer -H "$PID"
	[ "$(printf '%s\n' "$output" | awk -F '\t' '$3 >= 100 && $3 < 110' |
		cut -f 3-5,7-9)" = "$(printf '%s\t<->\t%s\t%s\topen\t%s\n' \
		100 "$PID" 101 "socket:[$(inode "$PID" 100)] STREAM ESTABLISHED" \
		101 "$PID" 100 "socket:[$(inode "$PID" 101)] STREAM ESTABLISHED" \
		103 "$PID" 104 '127.0.0.1:1000->127.0.0.1:80 ESTABLISHED' \
		104 "$PID" 103 '127.0.0.1:80->127.0.0.1:1000 ESTABLISHED')" ]
}

@test "fdpeer: many sockets of a process, read at once" {
	local acts=() i
	for i in $(seq 100 2 178); do
		acts+=("$i,$((i + 1))=unix")
	done
	hold "${acts[@]}"
	run --separate-stderr fdpeer -H "$PID"
	[ "$(printf '%s\n' "$output" | awk -F '\t' -v p="$PID" '
		$3 >= 100 && $3 < 180 && $5 == p && $8 == "open" &&
		$7 == $3 + ($3 % 2 ? -1 : 1)' | wc -l)" -eq 80 ]
}

@test "fdpeer: MPTCP is told as TCP" {
	[ -e /proc/sys/net/mptcp/enabled ] || skip 'needs MPTCP'
	in_net 100=socket:inet,stream/262,bind=127.0.0.1/80,listen \
		101=socket:inet,stream/262,to=127.0.0.1/80 102=accept:100 \
		103=socket:inet,stream,to=127.0.0.1/80
	peers "$PID" 101
	all "<-> $PID 102 open"
	peers "$PID" 102
	all "<-> $PID 101 open"
	peers "$PID" 103
	all "<-> $PID 100 backlog"
}

@test "fdpeer: an MPTCP socket that was closed, and one that is only shut down" {
	[ -e /proc/sys/net/mptcp/enabled ] || skip 'needs MPTCP'
	in_net 100=socket:inet,stream/262,bind=127.0.0.1/80,listen \
		101=socket:inet,stream/262,to=127.0.0.1/80 102=accept:100 close:102 \
		103=socket:inet,stream/262,to=127.0.0.1/80,shut=1 104=accept:100 \
		108=socket:inet,stream,bind=127.0.0.1/81,listen \
		109=socket:inet,stream/262,to=127.0.0.1/81 110=accept:108 close:109 \
		111=socket:inet,stream/262,to=127.0.0.1/81,shut=1 112=accept:108
	# so is the connection of one whose other end is of TCP
	for fd in 101 110; do
		peers "$PID" $fd
		# whoever may not enter the namespace can't tell
		if [ "$(id -u)" -eq 0 ]; then
			[ "$code" -eq 1 ]
			all "<-> - - closed"
		else
			[ "$code" -eq 3 ]
			[[ $rows == *' hidden' ]]
		fi
	done
	peers "$PID" 104
	[ "$code" -eq 0 ]
	all "<-> $PID 103 open"
	peers "$PID" 112
	all "-> $PID 111 open"
	# and where its holder is not seen, but a message has it
	in_net 100=socket:inet,stream/262,bind=127.0.0.1/80,listen \
		103=socket:inet,stream/262,to=127.0.0.1/80,shut=1 104=accept:100 \
		105,106=unix inflight:103:105
	peers "$PID" 104
	[[ $rows == '<-> - - '@(inflight|hidden) ]]
}

# What is sent to port 8001 is redirected to 8000: the rules of "iptables -t nat
# -A OUTPUT -p tcp --dport 8001 -j REDIRECT --to-ports 8000", and -p udp.
redirect() {
	need_root
	need python3
	[ "$(uname -m)" = x86_64 ] || skip 'the rule is one of x86-64'
	cat >redirect.py <<-'END'
		import ctypes, os, socket, struct, sys
		def entry(proto, match, target):
		    at = 112 + len(match)
		    return struct.pack('<IIII64sHBBIHHI16s', 0, 0, 0, 0, b'', proto, 0,
		        0, 0, at, at + len(target), 0, b'') + match + target
		accept = struct.pack('<H29sBi4x', 40, b'', 0, -2)
		def port(name):
		    return struct.pack('<H29sB4H8x', 48, name, 0, 0, 65535, 8001, 8001)
		to = struct.pack('<H29sBIIIIHH4x', 56, b'REDIRECT', 0, 1, 2, 0, 0,
		    socket.htons(8000), socket.htons(8000))
		error = struct.pack('<H29sB30s2x', 64, b'ERROR', 0, b'ERROR')
		rules = [entry(0, b'', accept), entry(0, b'', accept),
		    entry(6, port(b'tcp'), to), entry(17, port(b'udp'), to),
		    entry(0, b'', accept), entry(0, b'', accept),
		    entry(0, b'', error)]
		at = [0]
		for r in rules:
		    at.append(at[-1] + len(r))
		old = ctypes.create_string_buffer(16 * 5)
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)
		s.setsockopt(0, 64, struct.pack('<32sIII5I5IIQ', b'nat', 0x1b, 7, at[7],
		    at[0], at[1], 0, at[2], at[5], at[0], at[1], 0, at[4], at[5], 5,
		    ctypes.addressof(old)) + b''.join(rules))
		s.close()
		os.execvp(sys.argv[1], sys.argv[1:])
	END
	loopback
	unshare -n ./loopback python3 redirect.py true 2>/dev/null ||
		skip 'needs NAT'
	hold_as 'unshare -n ./loopback python3 redirect.py' "$@"
}

@test "fdpeer: a translated address" {
	redirect 100=socket:inet,stream,bind=127.0.0.1/8000,listen \
		101=socket:inet,stream,to=127.0.0.1/8001 102=accept:100
	grep -q 'dport=8001 .* sport=8000 ' "/proc/$PID/net/nf_conntrack" ||
		skip 'needs /proc/net/nf_conntrack'
	peers "$PID" 101
	all "<-> $PID 102 open"
	peers "$PID" 102
	all "<-> $PID 101 open"
}

@test "fdpeer: a translated address of UDP" {
	redirect 100=socket:inet,dgram,bind=127.0.0.1/8000 \
		101=socket:inet,dgram,bind=127.0.0.1/1001,to=127.0.0.1/8001 \
		102=socket:inet,dgram,to=127.0.0.1/8001 text:101:x
	grep -q 'dport=8001 .* sport=8000 ' "/proc/$PID/net/nf_conntrack" ||
		skip 'needs /proc/net/nf_conntrack'
	peers "$PID" 101
	all "-> $PID 100 open"
	peers "$PID" 100
	all "<- $PID 101 open"
	# nothing was sent: nothing is known of it
	peers "$PID" 102
	all '-> - - hidden'
	grep -q 'descriptor 102: .* (NAT?)' err
	ends 3
}

@test "fdpeer: who may not read what is translated does not know of none" {
	[ -e /proc/net/nf_conntrack ] || skip 'needs /proc/net/nf_conntrack'
	in_net 100=socket:inet,dgram,to=127.0.0.1/9
	peers "$PID" 100
	nobody_gets
	need_root
	hold_as "unshare -n ./loopback setpriv --reuid 65534 --regid 65534 --clear-groups" \
		100=socket:inet,dgram,to=127.0.0.1/9
	rows=$(as_user "$TOP/cmd/fdpeer" -H "$PID" 100 2>err) && code=0 || code=$?
	rows=$(cut -f 4,5,7,8 <<<"$rows" | tr '\t' ' ')
	all '-> - - hidden'
	grep -q '(NAT?)' err
	ends 3
}

@test "fdpeer: UDP to whom fits best: IPv4 is not for the IPv6 wildcard" {
	need ip unshare
	[ -e /proc/sys/net/ipv6/bindv6only ] || skip 'needs IPv6'
	local how='unshare -n'
	[ "$(id -u)" -eq 0 ] || how='unshare -rn'
	$how true 2>/dev/null || skip 'needs a network namespace'
	cat >v6only <<-'END'
		#!/bin/sh
		ip link set lo up && echo 1 >/proc/sys/net/ipv6/bindv6only &&
			exec "$@"
	END
	chmod +x v6only
	hold_as "$how ./v6only" 100=socket:inet,dgram,bind=0.0.0.0/5000 \
		101=socket:inet6,dgram,bind=::/5000 \
		102=socket:inet,dgram,to=127.0.0.1/5000 \
		103=socket:inet6,dgram,to=::1/5000
	peers "$PID" 102
	all "-> $PID 100 open"
	peers "$PID" 103
	all "-> $PID 101 open"
	peers "$PID" 100
	all "<- $PID 102 open"
	peers "$PID" 101
	all "<- $PID 103 open"
}

@test "fdpeer: UDP that is for IPv6 only gets nothing of IPv4" {
	need_root
	[ -e /proc/net/udp6 ] || skip 'needs IPv6'
	in_net 100=socket:inet6,dgram,v6only,bind=::/5000 \
		101=socket:inet,dgram,to=127.0.0.1/5000 \
		102=socket:inet6,dgram,to=::1/5000
	peers "$PID" 101
	all '-> - - none'
	ends 1
	peers "$PID" 100
	all "<- $PID 102 open"
}

@test "fdpeer: a wildcard gets what is sent to its own addresses only" {
	need_root
	need ip nsenter
	in_net 90=r:/dev/null
	local a=$PID b server client
	in_net 90=r:/dev/null
	b=$PID
	veth "$a" "$b" || skip 'needs veth'
	in_net 100=socket:inet,dgram,bind=0.0.0.0/53
	hold_as "nsenter -n -t $a" 100=socket:inet,dgram,bind=0.0.0.0/53 \
		101=socket:inet,dgram,to=10.0.0.77/53 \
		102=socket:inet,dgram,to=10.0.0.1/53
	server=$PID
	hold_as "nsenter -n -t $b" 100=socket:inet,dgram,to=10.0.0.1/53 \
		101=socket:inet,dgram,bind=0.0.0.0/53
	client=$PID
	peers "$client" 100
	all "-> $server 100 open"
	net_is "$(readlink "/proc/$a/ns/net")" "$client" 100
	peers "$server" 100
	if [ "$client" -lt "$server" ]; then
		all "<- $client 100 open" "<- $server 102 open"
	else
		all "<- $server 102 open" "<- $client 100 open"
	fi
	peers "$client" 101
	alone
	peers "$server" 101
	all '<-> - - remote'
}
