load helper
load stuck

# What lsfd says of sockets.

# in_net ACTION...: hold, in a network namespace of its own with a loopback
in_net() {
	if [ "$(id -u)" -eq 0 ]; then
		set -- 'unshare -n' "$@"
	else
		unshare -rn true 2>/dev/null || skip 'needs a network namespace'
		set -- 'unshare -rn' "$@"
	fi
	need ip unshare
	cat >loopback <<-'END'
		#!/bin/sh
		ip link set lo up && exec "$@"
	END
	chmod +x loopback
	hold_as "$1 ./loopback" "${@:2}"
}

# row FD: TYPE and NAME of that descriptor in $output (-H)
row() {
	printf '%s\n' "$output" | awk -F '\t' -v fd="$1" '$3 == fd' | cut -f 5,7
}

# is FD TYPE NAME
is() {
	[ "$(row "$1")" = "$(printf '%s\t%s' "$2" "$3")" ] || {
		echo "$1: $(row "$1")"
		return 1
	}
}

# key FD KEY: that member of the descriptor's JSON object in $output
key() {
	printf '%s\n' "$output" |
		jq -r "select(.fd == $1) | if has(\"$2\") then .$2 else \"none\" end"
}

# without_entry COMMAND...: without the right to enter a namespace; as root
without_entry() {
	need_root
	need setpriv
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$@"
}

@test "sockets: TCP and UDP by addresses and state" {
	in_net 100=socket:inet,stream,bind=127.0.0.1/8080,listen \
		101=socket:inet,stream,bind=127.0.0.1/5000,to=127.0.0.1/8080 \
		102=accept:100 \
		103=socket:inet6,stream,bind=::/8081,listen \
		104=socket:inet,stream,bind=127.0.0.1/5001,to=127.0.0.1/8081 \
		105=accept:103 \
		106=socket:inet,stream,bind=0.0.0.0/8082,listen \
		107=socket:inet,dgram,bind=127.0.0.1/53 \
		108=socket:inet6,dgram,bind=::1/5353,to=::1/53 \
		109=socket:inet,stream
	run -0 lsfd -H "$PID"
	is 100 tcp '127.0.0.1:8080 LISTEN'
	is 101 tcp '127.0.0.1:5000->127.0.0.1:8080 ESTABLISHED'
	is 102 tcp '127.0.0.1:8080->127.0.0.1:5000 ESTABLISHED'
	is 103 tcp '[::]:8081 LISTEN'
	is 104 tcp '127.0.0.1:5001->127.0.0.1:8081 ESTABLISHED'
	is 105 tcp '[::ffff:127.0.0.1]:8081->[::ffff:127.0.0.1]:5001 ESTABLISHED'
	is 106 tcp '0.0.0.0:8082 LISTEN'
	is 107 udp '127.0.0.1:53 UNCONNECTED'
	is 108 udp '[::1]:5353->[::1]:53 ESTABLISHED'
	# no table has one that is not bound
	is 109 tcp "socket:[$(inode "$PID" 109)]"
}

@test "sockets: unix by path or name, type and state" {
	hold "100=socket:unix,stream,bind=$PWD/stream,listen" \
		"101=socket:unix,stream,to=$PWD/stream" 102=accept:100 \
		"103=socket:unix,dgram,bind=$PWD/dgram" \
		"104=socket:unix,seqpacket,bind=@name $$,listen" \
		105,106=unix 107=socket:unix,stream \
		'108=socket:unix,dgram,bind=@relative' \
		'109=socket:unix,dgram,bind=new
line' 110=socket:unix,dgram,bind=./@relative
	ino() { printf 'socket:[%s]' "$(inode "$PID" "$1")"; }
	run -0 lsfd -H "$PID"
	is 100 unix "$PWD/stream STREAM LISTEN"
	is 101 unix "$(ino 101) STREAM ESTABLISHED"
	is 102 unix "$PWD/stream STREAM ESTABLISHED"
	is 103 unix "$PWD/dgram DGRAM UNCONNECTED"
	is 104 unix "@name $$ SEQPACKET LISTEN"
	is 105 unix "$(ino 105) STREAM ESTABLISHED"
	is 107 unix "$(ino 107) STREAM UNCONNECTED"
	is 108 unix '@relative DGRAM UNCONNECTED'
	is 109 unix 'new\012line DGRAM UNCONNECTED'
	is 110 unix './@relative DGRAM UNCONNECTED'
	lsfd -0 "$PID" | tr '\n\0' '|\n' |
		grep -qxF "$(printf '%s\thold\t109\trw\tunix\t-\tnew|line DGRAM UNCONNECTED' "$PID")"
}

@test "sockets: netlink, packet and raw ones" {
	need_root
	in_net 100=socket:netlink,raw,bind=4711 101=socket:netlink,raw/16,bind=4712 \
		102=socket:packet,raw/768 103=socket:inet,raw/89 \
		104=socket:inet6,raw/58
	run -0 lsfd -H "$PID"
	is 100 netlink ROUTE:4711
	is 101 netlink GENERIC:4712
	is 102 packet 'ALL:* RAW'
	is 103 raw '0.0.0.0:89 UNCONNECTED'
	is 104 raw '[::]:58 UNCONNECTED'
}

@test "sockets: a kind without a table is told by its name" {
	hold 100=socket:vsock,stream || skip 'needs AF_VSOCK'
	kill -0 "$PID" 2>/dev/null || skip 'needs AF_VSOCK'
	run -0 lsfd -H "$PID"
	[ "$(row 100 | cut -f 1)" = vsock ]
}

@test "sockets: looked up in the namespace of their holder" {
	local first
	in_net 100=socket:inet,stream,bind=127.0.0.1/8080,listen
	first=$PID
	in_net 100=socket:inet,dgram,bind=127.0.0.1/8080 \
		101=socket:inet,stream,bind=127.0.0.2/80,listen
	run -0 lsfd -H "$first" "$PID"
	[ "$(printf '%s\n' "$output" | awk -F '\t' '$3 >= 100 && $3 < 110' |
		cut -f 1,3,5,7)" = "$(printf '%s\t%s\t%s\t%s\n' \
		"$first" 100 tcp '127.0.0.1:8080 LISTEN' \
		"$PID" 100 udp '127.0.0.1:8080 UNCONNECTED' \
		"$PID" 101 tcp '127.0.0.2:80 LISTEN' | sort -n)" ]
}

@test "sockets: a NUL in an abstract name ends no record" {
	need python3
	start python3 -c 'import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind(b"\0a\0b\t%d" % os.getpid())
os.dup2(s.fileno(), 100)
s.close()
open("ready", "w")
time.sleep(1000)'
	until_true [ -e ready ]
	lsfd -0 -t unix "$PID" >out
	[ "$(tr -dc '\0' <out | wc -c)" -eq 1 ]
	[ "$(tr '\0' '\n' <out | cut -f 7-)" = "@a@b	$PID STREAM UNCONNECTED" ]
	run -0 lsfd -H -t unix "$PID"
	[ "$(cut -f 7 <<<"$output")" = "@a\\000b\\011$PID STREAM UNCONNECTED" ]
}

@test "sockets: without the right to enter the namespace, from its tables" {
	need_root
	in_net 100=socket:inet,stream,bind=127.0.0.1/8080,listen \
		101=socket:inet6,dgram,bind=::1/53 \
		"102=socket:unix,stream,bind=$PWD/path,listen" \
		103=socket:unix,dgram,bind=@abstract \
		104=socket:netlink,raw,bind=4711 105=socket:packet,raw/768
	run -0 without_entry lsfd -H "$PID"
	is 100 tcp '127.0.0.1:8080 LISTEN'
	is 101 udp '[::1]:53 UNCONNECTED'
	is 102 unix "$PWD/path STREAM LISTEN"
	is 103 unix '@abstract DGRAM UNCONNECTED'
	is 104 netlink ROUTE:4711
	is 105 packet 'ALL:* RAW'
}

@test "sockets: a row of net/unix that a path forges is not believed" {
	need_root
	local number first
	in_net 100=socket:unix,stream,bind=@true,listen
	first=$PID
	number=$(inode "$first" 100)
	hold_as "nsenter -n -t $first" "100=socket:unix,dgram,bind=x
0000: 00000002 00000000 00010000 0001 01 $number @forged"
	# the table has it twice, sock_diag once
	[ "$(grep -c " $number " "/proc/$first/net/unix")" -eq 2 ]
	run -0 lsfd -H "$first"
	is 100 unix '@true STREAM LISTEN'
	run -0 without_entry lsfd -H "$first"
	is 100 unix "socket:[$number] STREAM"
}

@test "sockets -J: family, protocol, ends, state, descriptors in flight" {
	need jq
	touch file
	in_net 100=socket:inet,stream,bind=127.0.0.1/8080,listen \
		101=socket:inet,stream,bind=127.0.0.1/5000,to=127.0.0.1/8080 \
		"102=socket:unix,stream,bind=$PWD/path,listen" \
		103,104=unix 90=r:file inflight:90:103 105=socket:inet,dgram
	run -0 lsfd -J "$PID"
	[ "$(key 100 family)$(key 100 proto)" = inettcp ]
	[ "$(key 100 local)" = 127.0.0.1:8080 ]
	[ "$(key 100 remote)" = null ]
	[ "$(key 100 state)" = LISTEN ]
	[ "$(key 100 scm_fds)" = none ]
	[ "$(key 101 local)-$(key 101 remote)" = 127.0.0.1:5000-127.0.0.1:8080 ]
	[ "$(key 101 state)" = ESTABLISHED ]
	[ "$(key 102 family)$(key 102 proto)" = unixstream ]
	[ "$(key 102 local)" = "$PWD/path" ]
	[ "$(key 103 local)$(key 103 remote)" = nullnull ]
	[ "$(key 103 scm_fds)$(key 104 scm_fds)" = 01 ]
	[ "$(key 105 proto)$(key 105 local)$(key 105 state)" = udpnullnull ]
	[ "$(key 90 family)" = '' ]
}

@test "sockets: a FILE is the socket that is bound to it" {
	hold "100=socket:unix,stream,bind=$PWD/path,listen" \
		101=socket:unix,stream,to=path 102=accept:100 unlink:path \
		"103=socket:unix,stream,bind=$PWD/path,listen"
	run --separate-stderr lsfd -H path
	[ "$(printf '%s\n' "$output" | cut -f 1,3)" = "$(printf '%s\t103' "$PID")" ]
	ln -s path link
	run --separate-stderr lsfd -H ./link
	[ "$(printf '%s\n' "$output" | cut -f 1,3)" = "$(printf '%s\t103' "$PID")" ]
	mv path new
	run --separate-stderr lsfd -H new
	is 103 unix "$PWD/path STREAM LISTEN"
	# and where it was accepted
	hold "100=socket:unix,stream,bind=$PWD/two,listen" \
		101=socket:unix,stream,to=two 102=accept:100
	run --separate-stderr lsfd -H two
	[ "$(printf '%s\n' "$output" | cut -f 1,3)" = "$(printf '%s\t100\n%s\t102' "$PID" "$PID")" ]
}

@test "sockets: a FILE that does not answer is a socket by its path" {
	need_root
	need nsenter
	[ -w /dev/fuse ] || skip 'needs /dev/fuse'
	unshare -pfm --mount-proc true 2>/dev/null ||
		skip 'needs namespaces of its own'
	make_bench
	# bound below the mount, so to say: the holder does not see that
	hold_as "nsenter --pid=$NS/pid_for_children" \
		"100=socket:unix,dgram,bind=$PWD/mnt/s"
	server 'hang all'
	run -3 --separate-stderr ns lsfd -T 0.5 -H mnt/s
	is 100 unix "$PWD/mnt/s DGRAM UNCONNECTED"
	[ "${#lines[@]}" -eq 1 ]
}

@test "sockets -R: the tables of a tree that stands for a procfs" {
	mkdir -p tree/7/fd tree/7/fdinfo tree/7/net tree/7/ns
	echo x >tree/7/comm
	printf 'Name:\tx\nState:\tS\nTgid:\t7\nPid:\t7\nUid:\t0\t0\t0\t0\nVmSize:\t1\n' >tree/7/status
	ln -s 'net:[1]' tree/7/ns/net
	for fd in 3 4 5; do
		ln -s "socket:[7$fd]" tree/7/fd/$fd
		printf 'pos:\t0\nflags:\t02\n' >tree/7/fdinfo/$fd
	done
	printf '%s\n' 'sl local_address rem_address st' \
		'   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 73 1' \
		>tree/7/net/tcp
	printf '%s\n' 'Num RefCount Protocol Flags Type St Inode Path' \
		'0: 00000002 00000000 00010000 0005 01 74 /run/x' >tree/7/net/unix
	run -0 lsfd -H -R tree 7
	[ "$(printf '\1\0\0\0' | od -An -t d4 | tr -d ' ')" = 1 ] ||
		skip 'the table is one of a little-endian machine'
	is 3 tcp '127.0.0.1:8080 LISTEN'
	is 4 unix '/run/x SEQPACKET LISTEN'
	is 5 sock 'socket:[75]'
}
