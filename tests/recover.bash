# What the tests of fdrecover share.
load helper

# data FILE BYTES: a file of that many bytes that are nothing else's
data() {
	head -c "$2" /dev/urandom >"$1"
}

# rows: of $output (-H), those of $PID, without PID and COMMAND
rows() {
	# shellcheck disable=SC2154 # bats sets it
	printf '%s\n' "$output" | awk -F '\t' -v pid="$PID" '$1 == pid' | cut -f 3-
}

# row FD
row() {
	rows | awk -F '\t' -v fd="$1" '$1 == fd'
}

# blocks FILE: of 512 bytes
blocks() {
	stat -c %b "$1"
}

# left DIR: what is in it
left() {
	ls -A "$1"
}

# mounts COMMAND [OPTION...]: a mount namespace of our own in which the shell
# command was done; ns COMMAND... runs something there. Its mounts end with it.
mounts() {
	need unshare nsenter
	rm -f mounted
	# shellcheck disable=SC2016 # for that shell
	start unshare -m --propagation private "${@:2}" sh -c "$1"' && : >mounted && exec tail -f /dev/null'
	NS=$PID
	INTO="nsenter -t $NS -m -w --"
	until_true test -e mounted
}

# apart COMMAND: the same with a PID namespace, in which no process is that can't
# be looked at; $INTO COMMAND... runs something there, too, such as a holder.
apart() {
	unshare -pf true 2>/dev/null || skip 'needs a PID namespace'
	mounts "$1" -pf --mount-proc --kill-child
	INTO="nsenter -t $NS -m -w --pid=/proc/$NS/ns/pid_for_children --"
}

ns() {
	# shellcheck disable=SC2086 # words
	$INTO "$@"
}

# deny: build ./deny, which runs a command (a) without O_TMPFILE, as on a file
# system that has none, or (b) without renameat2 as well
deny() {
	need cc
	cat >deny.c <<-'EOF'
	#include <linux/filter.h>
	#include <linux/seccomp.h>
	#include <sys/prctl.h>
	#include <sys/syscall.h>
	#include <errno.h>
	#include <stddef.h>
	#include <unistd.h>
	#define LOAD(f) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, f))
	#define RET(v) BPF_STMT(BPF_RET | BPF_K, v)
	int main(int argc, char **argv)
	{
		struct sock_filter f[] = {
			LOAD(nr),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
			RET(argv[1][0] == 'b' ? SECCOMP_RET_ERRNO | EINVAL : SECCOMP_RET_ALLOW),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
			LOAD(args[2]),
			BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 020000000, 0, 1),
			RET(SECCOMP_RET_ERRNO | EOPNOTSUPP),
			RET(SECCOMP_RET_ALLOW),
		};
		struct sock_fprog p = { sizeof f / sizeof *f, f };
		if (argc < 3 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p))
			return 99;
		execvp(argv[2], argv + 2);
		return 98;
	}
	EOF
	cc -o deny deny.c || skip 'needs the headers of seccomp'
	./deny a true || skip 'needs seccomp'
}

# gone NAME HOLD-ACTION...: a file of 300,000 bytes held as 100 and removed, a
# copy of it in ./ref
gone() {
	data "$1" 300000
	cp "$1" ref
	hold "100=${2:-r}:$1" "unlink:$1"
}

# loops NAME=TYPE...: file systems in images, mounted as ./NAME where ns runs
# things; they and their loop devices go with the namespace
loops() {
	local arg dir cmd=:
	need_root
	for arg; do
		dir=${arg%=*}
		need "mkfs.${arg#*=}"
		mkdir "$dir"
		truncate -s 320M "$dir.img"
		"mkfs.${arg#*=}" -q "$dir.img" >/dev/null 2>&1
		cmd="$cmd && { mount -o loop $dir.img $dir || : >no-loop; }"
	done
	mounts "$cmd"
	[ ! -e no-loop ] || skip 'needs loop devices and the file systems'
}

# lost FILE ACTION...: a file of 3,000,000 bytes where ns runs things, and a copy
# of it in ./ref; it is held as 100, after the actions, and removed
lost() {
	local f=$1
	shift
	[ -e ref ] || data ref 3000000
	ns cp --reflink=never ref "$f"
	hold_as "nsenter -t $NS -m -w --" "$@" "100=rw:$f" "unlink:$f"
}

# stores FILE [PREFIX...]: a process, started below the prefix, with two threads
# that count in both ends of the file through a mapping of it, and removed it
stores() {
	need python3
	cat >stores.py <<-'EOF'
	import mmap, os, sys, threading
	with open(sys.argv[1], 'r+b') as f:
	    m = mmap.mmap(f.fileno(), 0)
	    held = os.dup2(f.fileno(), 100)
	os.unlink(sys.argv[1])
	def count(at):
	    n = 0
	    while True:
	        n += 1
	        b = n.to_bytes(8, 'little')
	        m[at:at + 8] = b
	        m[-16 - at:-8 - at] = b
	for at in 0, 16:
	    threading.Thread(target=count, args=(at,), daemon=True).start()
	open('storing', 'w').write('%d\n' % os.getpid())
	threading.Event().wait()
	EOF
	rm -f storing
	start "${@:2}" python3 stores.py "$1"
	until_true test -s storing
	read -r PID <storing
}

# whole FILE: is what "stores" counts in its two ends at most a store apart?
whole() {
	python3 - "$1" <<-'EOF'
	import sys
	d = open(sys.argv[1], 'rb').read()
	n = lambda at: int.from_bytes(d[at:at + 8], 'little')
	ends = [(n(at), n(len(d) - 16 - at)) for at in (0, 16)]
	print(ends)
	sys.exit(not all(0 <= a - b <= 1 and a for a, b in ends))
	EOF
}
