# lsfd's operands and options that select: FILE, -m, -t, --count
load helper

# rows: PID FD pairs of $output (-H), sorted
rows() {
	printf '%s\n' "$output" | awk -F '\t' '{ print $1, $3 }' | sort
}

# in_ns SCRIPT: run it in a mount namespace of its own
in_ns() {
	unshare -m --propagation private bash -c "PATH=$TOP/cmd:\$PATH; hold=$TESTS/hold; $1" \
		3>&- 4>&- 10>&- 251>&-
}

@test "lsfd -t: by the words of TYPE, others are an error that lists them" {
	hold 100=r:/etc/passwd 101=eventfd 102=epoll:101 103=memfd:x 104=r:.
	run -0 lsfd -H -t eventfd,memfd "$PID"
	[ "$(rows)" = "$(printf '%s 101\n%s 103' "$PID" "$PID")" ]
	run -0 lsfd -H --type epoll "$PID"
	[ "$(rows)" = "$PID 102" ]
	run -0 lsfd -H -t eventfd -t epoll,dir -t memfd "$PID"
	[ "$(cut -f 3 <<<"$output" | tr '\n' ' ')" = '101 102 103 104 ' ]
	run -1 --separate-stderr lsfd -t timerfd "$PID"
	[ -z "$output$stderr" ]
	for bad in foo reg,foo reg,, , '' re rego REG; do
		run -2 --separate-stderr lsfd -t "$bad" "$PID"
		[ -z "$output" ]
		[[ "${stderr_lines[0]}" = *'no such type; there are reg dir '*' anon' ]]
	done
}

@test "lsfd: what is mapped, without the right to look at it" {
	local how='' dev
	[ "$(id -u)" -ne 0 ] ||
		how='setpriv --reuid 65534 --regid 65534 --clear-groups'
	head -c 5000 /dev/zero >lib
	chmod 666 lib
	touch plain
	hold_as "$how" map:lib
	run -0 as_user "$TOP/cmd/lsfd" -H -t reg lib "$PID"
	[ "$(rows)" = "$PID mem" ]
	run -1 as_user "$TOP/cmd/lsfd" -H -t chr lib "$PID"
	run -1 as_user "$TOP/cmd/lsfd" -H -t reg plain "$PID"
	run -1 as_user "$TOP/cmd/lsfd" -H -a -t unix "$PID"
	dev=$(awk '$NF ~ /\/lib$/ && $2 ~ /w/ { print $4; exit }' "/proc/$PID/maps")
	run -0 as_user "$TOP/cmd/lsfd" -Hl lib "$PID"
	[ "$(cut -f 8-10 <<<"$output")" = "$(printf '%d:%d\t%s\t-' \
		"0x${dev%:*}" "0x${dev#*:}" "$(stat -c %i lib)")" ]
}

@test "lsfd -t: the list is what TYPE is in the page" {
	run -2 lsfd -t foo
	for t in ${lines[0]##*there are}; do
		grep -q "\*$t\*" "$TOP/man/lsfd.1.scd" || {
			echo "$t"
			false
		}
	done
}

@test "lsfd -m: what is no mount point is refused" {
	run -1 --separate-stderr lsfd -m "$PWD"
	[ -z "$output" ]
	point=$(stat -c %m .)
	[ "$stderr" = "lsfd: $PWD: not a mount point (it is on $point)" ]
	run -1 --separate-stderr lsfd --mount .
	[ "$stderr" = "lsfd: .: not a mount point (it is on $point)" ]
	run -1 --separate-stderr lsfd -m ./gone
	[ "$stderr" = 'lsfd: ./gone: No such file or directory' ]
	run -2 lsfd -m ''
	run -2 lsfd -m / -m /
}

@test "lsfd -m: by the mount, whatever the file system" {
	need_root
	need unshare mount
	mkdir a b
	mkfifo in
	run --separate-stderr in_ns '
		mount -t tmpfs none a
		touch a/x
		echo x >a/map
		mount --bind a b
		cp "$hold" a/hold
		ln -s "$PWD/a" link
		exec 9<>in
		began() {
			for i in $(seq 1000); do
				[ ! -s "$1" ] || return
				sleep 0.01
			done
			exit 1
		}
		"$hold" 100=r:a/x 101=r:b/x 102=r:/etc/passwd 103=path:a/x <in >p1 9>&- &
		(cd a && exec "$hold" 100=r:/etc/passwd <../in >../p2 9>&-) &
		a/hold 100=r:/etc/passwd <in >p3 9>&- &
		"$hold" map:a/map <in >p4 9>&- &
		"$hold" 100=socket:unix,stream,bind=a/s,listen \
			101=socket:unix,stream,to=a/s 102=accept:100 \
			103=socket:unix,stream,bind=s,listen <in >p5 9>&- &
		for p in p1 p2 p3 p4 p5; do began $p; done
		p1=$(cat p1) p2=$(cat p2) p3=$(cat p3) p4=$(cat p4) p5=$(cat p5)
		printf "%s\n" "$p1 100" "$p1 103" "$p2 cwd" "$p3 exe" "$p4 mem" \
			"$p5 100" "$p5 102" | sort >want
		for m in a a/ ./b/../a "$PWD/a" link; do
			lsfd -H -m "$m" | cut -f 1,3 | tr "\t" " " | sort | diff want - || echo "$m"
		done
		# what is mapped and sockets by the file system
		lsfd -H -m b | grep -vw unix | cut -f 1,3
		printf "%s\n" "$p1 101" "$p3 mem" "$p4 mem"
		exec 9>&-
		wait'
	echo "$output"
	[ "${#lines[@]}" -eq 6 ]
	for i in 0 1 2; do
		[ "${lines[i]}" = "${lines[i + 3]/ /$'\t'}" ]
	done
}

@test "lsfd -m: '..' behind a symbolic link is not the text's" {
	need_root
	mkdir a b
	mkfifo in
	run --separate-stderr in_ns '
		mount -t tmpfs none a && mount -t tmpfs none b && mkdir b/dir &&
			ln -s ../b/dir a/link && touch a/x b/x || exit
		exec 9<>in
		exec 8< <("$hold" 100=r:a/x 101=r:b/x <in 9>&-)
		read -r pid <&8
		for m in a/link/.. "$PWD/a/link/.." b/dir/.. a/../b; do
			echo "$m: $(lsfd -H -m "$m" "$pid" | cut -f 3)"
		done
		lsfd -m a/link/../dir "$pid" 2>&1
		exec 9>&- 8<&-'
	[ "$output" = "$(printf '%s: 101\n' a/link/.. "$PWD/a/link/.." b/dir/.. a/../b
		echo "lsfd: a/link/../dir: not a mount point (it is on $PWD/b)")" ]
}

@test "lsfd -m: a block device's file system, in any namespace" {
	need_root
	need losetup mkfs.ext4 unshare mount
	truncate -s 4M image
	mkfs.ext4 -q image
	mkdir m
	dev=$(losetup --show -f image) || skip 'no loop device'
	echo 'mount "$1" m; touch m/x; shift; exec "$@"' >script
	hold_as "unshare -m --propagation private sh ./script $dev" 100=r:m/x
	losetup -d "$dev"		# once it is unmounted
	run -0 --separate-stderr lsfd -H -m "$dev"
	[ "$(rows)" = "$PID 100" ]
}

@test "lsfd -m: nobody is 1" {
	need_root
	need unshare mount
	mkdir a
	run -1 in_ns 'mount -t tmpfs none a; lsfd -m a $$'
	[ -z "$output" ]
}

@test "lsfd FILE: FIFO, directory, block device by any node, socket by its name" {
	mkfifo fifo
	mkdir dir
	ln -s fifo link
	hold 100=rw:fifo 101=r:dir 102=r:/etc/passwd
	pid=$PID
	run -0 lsfd -H ./link "$pid"
	echo "$output"
	[ "$(rows)" = "$pid 100" ]
	run -0 lsfd -H dir "$pid"
	[ "$(rows)" = "$pid 101" ]
	run -0 lsfd -H dir fifo "$pid"
	[ "$(rows)" = "$(printf '%s 100\n%s 101' "$pid" "$pid")" ]
}

@test "lsfd FILE: a socket by its name" {
	need python3
	start python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(); os.dup2(s.fileno(), 100)
c = socket.socket(socket.AF_UNIX); c.connect("sock"); os.dup2(c.fileno(), 101)
a, _ = s.accept(); os.dup2(a.fileno(), 102)
s.close(); c.close(); a.close()
t = socket.socket(socket.AF_UNIX); t.bind("other"); os.dup2(t.fileno(), 103); t.close()
import signal; open("ready", "w"); signal.pause()'
	until_true [ -e ready ]
	# the listener, and what was accepted there
	run -0 lsfd -H ./sock "$PID"
	[ "$(rows)" = "$(printf '%s 100\n%s 102' "$PID" "$PID")" ]
	# procfs tells the name that was bound, of whatever directory
	run -3 "$TESTS/refuse" EPERM netlink lsfd -H ./sock "$PID"
	[ -z "$output" ]
	mv sock renamed
	ln other linked
	run -0 lsfd -H renamed linked "$PID"
	[ "$(rows)" = "$(printf '%s 100\n%s 102\n%s 103' "$PID" "$PID" "$PID")" ]
	# another socket of that name is another file
	rm renamed
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
	run -1 lsfd -H ./sock "$PID"
	[ -z "$output" ]
}

@test "lsfd -R: a process of a copy that has no more than descriptors" {
	mkdir -p t/123/fd
	ln -s /x/y t/123/fd/3
	for pid in '' 123; do
		run -0 lsfd -H -R t $pid
		[ "$output" = $'123\t-\t3\t-\t-\t-\t/x/y' ]
		run -0 lsfd --count -H -R t $pid
		[ "$output" = $'123\t-\t1\t-' ]
	done
	run -1 --separate-stderr lsfd -R t 124
	[ "$stderr" = 'lsfd: 124: No such process' ]
}

@test "lsfd --count: descriptors and limit" {
	hold_as 'prlimit --nofile=777:888' 100=r:/etc/passwd 101=r:/etc/passwd
	n=$(find "/proc/$PID/fd" -mindepth 1 | wc -l)
	run -0 lsfd --count "$PID"
	[ "${lines[0]}" = 'PID     COMMAND             FDS LIMIT' ]
	[ "${lines[1]}" = "$(printf '%-7s %-15s %7s %s' "$PID" hold "$n" 777)" ]
	run -0 lsfd --count -J "$PID"
	[ "$output" = "{\"pid\":$PID,\"command\":\"hold\",\"fds\":$n,\"limit\":777,\"tid\":null}" ]
	run -0 lsfd --count -H
	grep -qx "$(printf '%s\thold\t%s\t777' "$PID" "$n")" <<<"$output"
	run -1 --separate-stderr lsfd --count 2147483647
	[ "$stderr" = 'lsfd: 2147483647: No such process' ]
	for bad in -a -d -l '-t reg' '-m /' ./file; do
		# shellcheck disable=SC2086 # some are two words
		run -2 lsfd --count $bad
	done
}

@test "lsfd --count: a thread's own table under its ID" {
	local tid own other shared n
	hold 100=r:/etc/passwd thread private:101,102=pipe private:103=dup:0 \
		comm:leader
	for tid in "/proc/$PID/task"/*; do
		tid=${tid##*/}
		if [ -e "/proc/$PID/task/$tid/fd/101" ]; then
			own=$tid
		elif [ -e "/proc/$PID/task/$tid/fd/103" ]; then
			other=$tid
		elif [ "$tid" -ne "$PID" ]; then
			shared=$tid
		fi
	done
	count() {
		printf '%s\t%s\t%s\t%s\n' "$1" "$(cat "/proc/$PID/task/$1/comm")" \
			"$(find "/proc/$PID/task/$1/fd" -mindepth 1 | wc -l)" "$(ulimit -n)"
	}
	[ "$(count "$own" | cut -f 3)" -ne "$(count "$PID" | cut -f 3)" ]
	run -0 lsfd --count -H "$own"
	[ "$output" = "$(count "$own")" ]
	run -0 lsfd --count -H "$other" "$own"
	[ "$output" = "$(printf '%s\n' "$own" "$other" | sort -n | while read -r n; do
		count "$n"; done)" ]
	run -0 lsfd --count -J "$own"
	[[ $output == "{\"pid\":$PID,"*",\"tid\":$own}" ]]
	# one that shares the process's is the process, and so is its PID
	run -0 lsfd --count -H "$shared"
	[ "$output" = "$(count "$PID")" ]
	run -0 lsfd --count -H "$PID"
	[ "$output" = "$(count "$PID")" ]
}

@test "lsfd --count: a dead leader's threads, a zombie, a copy of a procfs" {
	hold 100=r:/etc/passwd 101=r:/etc/passwd deadleader
	until_true state_is "$PID" Z
	n=$(find "/proc/$PID/task/"*/fd -mindepth 1 2>/dev/null | wc -l)
	[ "$n" -gt 2 ]
	run -0 lsfd --count -H "$PID"
	[ "$(cut -f 3 <<<"$output")" -eq "$n" ]
	mkdir -p tree/10/fd
	echo c >tree/10/comm
	ln -s /a tree/10/fd/5
	ln -s /b tree/10/fd/7
	printf 'Limit\nMax open files            1024                 4096                 files\n' >tree/10/limits
	run -0 lsfd --count -H -R tree
	[ "$output" = "$(printf '10\tc\t2\t1024')" ]
}

@test "lsfd: itself is left out also where /proc is of another namespace" {
	need_root
	need unshare
	# under a name of its own: somebody else may run lsfd just now
	cp "$TOP/cmd/lsfd" itself
	# a sanitizer would look for its own number, and this /proc may not have it
	run -0 env "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" unshare -p -f bash -c "echo >begun; ./itself -H; true" 3>&- 4>&- 10>&- 251>&-
	[ -e begun ]
	[ -z "$(printf '%s\n' "$output" | awk -F '\t' '$2 == "itself"')" ]
}
