# Nothing hangs the tools: processes that hang whoever looks at them, and what
# is known of them and of all others all the same.

load helper
load stuck

LIMIT=0.5			# -T of every run

# The bench, or skip.
bench() {
	need_root
	[ -w /dev/fuse ] || skip 'needs /dev/fuse'
	unshare -pfm --mount-proc true 2>/dev/null ||
		skip 'needs namespaces of its own'
	make_bench
}

# ask NAME TOOL ARG...: run it in the namespace and note what it says, its
# status and how long it took, in NAME.out, NAME.err and NAME.end.
ask() {
	local name=$1 status=0 began=${EPOCHREALTIME/[.,]/}
	ns timeout -s KILL 20 "$2" -T "$LIMIT" "${@:3}" \
		>"$name.out" 2>"$name.err" 3>&- </dev/null || status=$?
	echo "$status $(((${EPOCHREALTIME/[.,]/} - began) / 1000))" >"$name.end"
}

# Ask all tools at the same time. Where the machine was too busy for all of them
# to be in time (the limit and a second), ask again.
ask_all() {
	local i asked f
	bystander 2 "${IN[@]}"
	LATE=$PID
	for i in 1 2 3; do
		asked=()
		ask pstack pstack "$V" & asked+=($!)
		ask pstack_a pstack -a & asked+=($!)
		ask lsfd lsfd -H & asked+=($!)
		ask count lsfd --count -H & asked+=($!)
		ask lsfd_a lsfd -alH "$V" & asked+=($!)
		ask fdpeer fdpeer -H 1 & asked+=($!)
		ask fdpeer_v fdpeer -H "$V" & asked+=($!)
		ask fdrecover fdrecover -H & asked+=($!)
		ask fdprogress fdprogress -H "$V" 100 & asked+=($!)
		wait "${asked[@]}"
		in_time && return
	done
	tail -- *.end
	return 1
}

in_time() {
	local f status ms
	for f in *.end; do
		read -r status ms <"$f"
		[ "$ms" -lt 1500 ] || return
	done
}

# said NAME STATUS [LINE]: that was its exit status, and all it said on standard
# error but what is no complaint; @V stands for the victim's PID.
said() {
	local status ms want= err
	read -r status ms <"$1.end"
	[ $# -lt 3 ] || want=${3//@V/$V}
	err=$(sed '/ in [0-9]* deleted files$/d; /: stalled: state /d' "$1.err")
	[ "$status" -eq "$2" ] && [ "$err" = "$want" ] && return
	echo "$1: $status after $ms ms, not $2, and: $(cat "$1.err")"
	cat "$1.out"
	return 1
}

stall='@V: no answer from /proc within 0.5 s'

# has NAME REGEX: is there such a line? @V stands for the PID.
has() {
	local re=${2//@V/$V}
	grep -qE -- "$re" "$1.out" && return
	echo "$1: no line $re:"
	cat "$1.out"
	return 1
}

# All that is no victim is shown by everyone who shows it.
others_shown() {
	local pid=1 n
	has fdpeer '^1	hold	62	->	1	hold	61	open	'
	for pid in 1 "$LATE"; do
		has pstack_a "^$pid/$pid S hold read\\(0<"
		has count "^$pid	hold	[0-9]+	[0-9]+$"
		n=$((pid > 1 ? 2 : 1))
		has lsfd "^$pid	hold	60	rw	reg	6144	.*/gone$n \(deleted\)"
		has lsfd "^$pid	hold	61	r	pipe	"
		has lsfd "^$pid	hold	62	w	pipe	"
		has fdrecover "^$pid	hold	60	rw	1	0	6144	[0-9]+	.*/gone$n$"
	done
}

# Nothing at all is missing, and nothing is said.
all_answer() {
	said pstack 0
	said pstack_a 0
	said count 0
	said lsfd 0
	said lsfd_a 0
	said fdpeer 0
	said fdrecover 0
	said fdprogress 0
	others_shown
}

@test "a reader in D" {
	bench
	victim read mnt/f
	ask_all
	all_answer
	has pstack "^@V/@V D victim read\(100<$PWD/mnt/f>\)"
	has pstack '	filemap_read'
	has lsfd "^@V	victim	100	rw	reg	65536	$PWD/mnt/f$"
	has lsfd_a "^@V	.*	exe	.*/victim$"
	has fdprogress "^@V	victim	100	none	0	65536	.*/mnt/f$"
}

@test "a page fault that is not served" {
	bench
	victim fault mnt/f
	ask_all
	all_answer
	has pstack '^@V/@V D victim page fault'
	has lsfd "^@V	victim	100	rw	reg	65536	$PWD/mnt/f$"
	has lsfd_a "^@V	.*	mem	.*	$PWD/mnt/f$"
}

@test "a fault that ends the process, whose exit hangs" {
	bench
	victim crash mnt/f
	ask pstack pstack "$V"
	said pstack 0
	has pstack '^@V/@V [SD] victim unknown$'
	# the fault, which is over, is there all the same
	[ "$(uname -m)" != x86_64 ] || has pstack '^	asm_exc_page_fault'
	has pstack '^	do_exit'
}

@test "epoll_wait that faults: only what its lock covers is unknown" {
	bench
	victim epoll mnt/f
	ask_all
	others_shown
	said pstack 0
	has pstack '^@V/@V D victim epoll_wait\(102'
	said fdrecover 0
	said fdprogress 0
	said lsfd 3 "lsfd: $stall"
	has lsfd '^@V	victim	101	rw	eventfd	'
	has lsfd '^@V	victim	102	rw	epoll	'
	said lsfd_a 3 "lsfd: $stall"
	has lsfd_a "^@V	victim	root	100	rw	.*	0	65536	$PWD/mnt/f$"
	has lsfd_a '^@V	victim	root	101	rw	-	eventfd	'
	has lsfd_a '^@V	victim	root	102	rw	-	epoll	'
	# not asked where it can't be shown
	ask lsfd_t lsfd -lH -t pipe
	said lsfd_t 0
	has lsfd_t '	pipe:'
	ask lsfd_d lsfd -lHd
	said lsfd_d 0
	has lsfd_d '/gone1 \(deleted\)$'
	# whose targets the kernel could tell
	ask fdpeer_e fdpeer -H "$V" 102
	said fdpeer_e 3 "fdpeer: $stall"
	has fdpeer_e '^@V	victim	102	<->	-	-	-	hidden	'
	# of no other one is anything missing
	has lsfd_a '^@V	victim	root	0	r	-	chr	.*	0	-	/dev/null$'
	has lsfd_a '^@V	victim	root	119	r	-	chr	.*	0	-	/dev/null$'
}

@test "mmap_lock held: only what is mapped is unknown" {
	bench
	victim mmap mnt/f
	ask_all
	others_shown
	said pstack 0
	has pstack '^@V/@V D victim mmap'
	said lsfd 0
	has lsfd "^@V	victim	100	rw	reg	65536	$PWD/mnt/f$"
	said lsfd_a 3 "lsfd: $stall"
	has lsfd_a "^@V	victim	root	exe	.*/victim$"
	has lsfd_a "^@V	victim	root	100	rw	.*	$PWD/mnt/f$"
	said fdpeer 0
	said fdrecover 3 "fdrecover: $stall"
	said fdprogress 0
	has fdprogress '^@V	victim	100	'
}

@test "exec_update_lock held: what is safe is still told" {
	bench
	victim exec mnt/f
	ask_all
	others_shown
	said pstack 3 "pstack: $stall"
	said pstack_a 3 "pstack: $stall"
	said count 0
	has count '^@V	victim	[0-9]+	[0-9]+$'
	has pstack '^@V/@V D victim unknown$'
	has pstack '^	\?$'
	said lsfd 3 "lsfd: $stall"
	said lsfd_a 3 "lsfd: $stall"
	said fdpeer 3 "fdpeer: $stall"
	said fdpeer_v 3 "fdpeer: $stall"
	said fdrecover 3 "fdrecover: $stall"
	said fdprogress 3 "fdprogress: $stall"
	# nor is the child that got stuck in the list of the one after it
	ask pstack_a pstack -a -s DRS
	said pstack_a 3 "pstack: $stall"
	has pstack_a '^@V/@V D victim unknown$'
	run ! grep ' pstack ' pstack_a.out
	# nor is the first look lost with it
	ask pstack_i pstack -ai 0.1
	said pstack_i 3 "pstack: $stall"
	has pstack_i '^@V/@V D victim unknown \[ran 0 times in 0.1 s\]$'
	has pstack_i "^$LATE/$LATE S hold read\(0<.* \[ran 0 times in 0.1 s\]\$"
}

@test "exec_update_lock held: not of whom it is only the child" {
	bench
	server 'hang WRITE'
	# shellcheck disable=SC2016 # expanded there
	keep "${IN[@]}" bash -c '"$@" & exec 60</dev/zero; wait' - \
		"$TESTS/victim" exec mnt/f
	V=$PID
	until_true logged 'held WRITE'
	parent=$(ns awk '/^PPid:/ { print $2 }' "/proc/$V/status")
	[ "$(ns cat "/proc/$parent/comm")" = bash ]
	until_true ns test -e "/proc/$parent/fd/60"
	ask lsfd_p lsfd -H "$parent"
	said lsfd_p 0
	has lsfd_p "^$parent	bash	60	r	chr	-	/dev/zero$"
	[ "$(wc -l <lsfd_p.out)" -eq "$(ns ls "/proc/$parent/fd" | wc -l)" ]
	# and the child is told once
	ask lsfd lsfd -H
	said lsfd 3 'lsfd: @V: no answer from /proc within 0.1 s'
	has lsfd "^$parent	bash	60	r	chr	-	/dev/zero$"
}

@test "fdrecover --pause goes on without what gives no answer" {
	bench
	victim exec mnt/f
	for n in 1 2 3; do
		ask pause fdrecover --pause 1 60 new
		grep -q 'hold' pause.err && break
		rm -f new
	done
	said pause 3 "fdrecover: $stall
fdrecover: new: copied, 6144 bytes (8.00K on disk); open for writing in 1 (hold): what is written there is not in it
fdrecover: new: what gave no answer was not stopped"
	cmp new "/proc/${STARTED[0]}/root/$PWD/new"
	ns sh -c 'cmp /proc/1/fd/60 new'
	ns grep -q '^TracerPid:.0$' /proc/1/status
}

@test "a frozen file system" {
	need mkfs.ext4
	bench
	frozen
	victim freeze ext4/f
	ask_all
	others_shown
	said pstack 0
	has pstack '^@V/@V D victim mmap'
	has pstack '^@V/[0-9]+ D victim page fault'
	has pstack "^@V/[0-9]+ D victim write\(100<$PWD/ext4/f>\)"
	said lsfd 0
	has lsfd "^@V	victim	100	rw	reg	4096	$PWD/ext4/f$"
	said lsfd_a 3 "lsfd: $stall"
	has lsfd_a "^@V	victim	root	100	rw	.*	$PWD/ext4/f$"
	said fdpeer 0
	said fdrecover 3 "fdrecover: $stall"
	said fdprogress 0
}

@test "a FIFO blocked in open" {
	bench
	mkfifo fifo
	victim fifo fifo
	ask_all
	others_shown
	said pstack 0
	has pstack '^@V/@V S victim openat?\('
	said lsfd 0
	has lsfd '^@V	victim	1	w	reg	'
	said lsfd_a 0
	said fdpeer 0
	said fdrecover 0
	said fdprogress 1 'fdprogress: @V: no descriptor 100'
}

@test "the parent in vfork" {
	bench
	victim vfork
	ask_all
	others_shown
	said pstack 0
	has pstack '^@V/@V D victim vfork'
	said lsfd 0
	has lsfd '^@V	victim	1	w	reg	'
	said lsfd_a 0
	said fdpeer 0
	said fdrecover 0
}

@test "twenty stuck processes: each is named, and all ends in seconds" {
	local i victims=() asked=()
	bench
	for i in {1..20}; do
		victim exec "mnt/f$i"
		victims+=("$V")
	done
	bystander 2 "${IN[@]}"
	LATE=$PID LIMIT=1
	ask pstack pstack "${victims[@]}" & asked+=($!)
	ask pstack_a pstack -a & asked+=($!)
	ask count lsfd --count -H & asked+=($!)
	ask lsfd lsfd -H & asked+=($!)
	ask fdpeer fdpeer -H 1 & asked+=($!)
	ask fdrecover fdrecover -H & asked+=($!)
	wait "${asked[@]}"
	others_shown
	for i in pstack pstack_a lsfd fdpeer fdrecover; do
		read -r status ms <$i.end
		echo "$i: $status after $ms ms"
		[ "$status" -eq 3 ]
		# the limit once, then a tenth of it
		[ "$ms" -lt 10000 ]
		grep 'no answer' $i.err >lines
		for V in "${victims[@]}"; do
			[ "$(grep -c "^${i%_a}: $V: no answer from /proc within" \
				lines)" -eq 1 ]
		done
		[ "$(wc -l <lines)" -eq 20 ]
	done
	[ "$(grep -c '^[0-9/]* D victim unknown$' pstack.out)" -eq 20 ]
}

# The states of the children of PID, by files that are safe to read.
states_of_children() {
	ns sh -c 'cat /proc/[0-9]*/status' 2>/dev/null | awk -v "pid=$PID" '
		/^State:/ { state = $2 }
		/^PPid:/ && $2 == pid { printf "%s", state }'
}

waits() {
	[ "$(states_of_children)" = D ]
}

# Has nobody of that name outlived it? Process 1 leaves the dead unburied.
none_lives() {
	ns sh -c 'cat /proc/[0-9]*/status' 2>/dev/null | awk -v "name=$1" '
		/^Name:/ { named = $2 == name }
		/^State:/ && named && $2 != "Z" { found = 1 }
		END { exit found }'
}

# signalled SIGNAL TOOL ARG...: a tool that waits for ever ends by the signal, at
# once.
signalled() {
	local began status=0
	# a job of a shell is started with SIGINT ignored
	# shellcheck disable=SC2016 # for the other shell
	keep "${IN[@]}" sh -c 'echo $$; exec env --default-signal=INT "$@"' - \
		"$2" -T 0 "${@:3}"
	until_true waits
	began=${EPOCHREALTIME/[.,]/}
	ns kill "-$1" "$PID"
	wait "${STARTED[-1]}" || status=$?
	echo "$*: $status after $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
	[ "$status" -eq "$((128 + $(kill -l "$1")))" ]
	[ "$((${EPOCHREALTIME/[.,]/} - began))" -lt 2000000 ]
}

@test "signals end who waits, at once and with all that belongs to it" {
	local signal
	bench
	victim exec mnt/f
	for signal in INT TERM KILL; do
		signalled $signal pstack "$V"
		signalled $signal lsfd
		signalled $signal fdpeer 1
		signalled $signal fdrecover
		signalled $signal fdrecover "$V" 100 file
		signalled $signal fdprogress "$V" 100
	done
	for tool in pstack lsfd fdpeer fdrecover fdprogress; do
		until_true none_lives $tool
	done
	[ ! -e file ]
}

@test "signals end who waits for what no signal ends" {
	local signal
	bench
	victim epoll mnt/f
	for signal in INT TERM KILL; do
		signalled $signal lsfd -l "$V"
	done
}

@test "a file system that answers nothing at all" {
	local asked=()
	bench
	keep "${IN[@]}" "$TESTS/hold" 100=rw:mnt/f 101=rw:mnt/g unlink:mnt/g
	V=$PID
	server 'hang all'
	bystander 2 "${IN[@]}"
	LATE=$PID
	ask pstack pstack "$V" & asked+=($!)
	ask pstack_a pstack -a & asked+=($!)
	ask count lsfd --count -H & asked+=($!)
	ask lsfd lsfd -H & asked+=($!)
	ask lsfd_f lsfd -H mnt/f & asked+=($!)
	ask lsfd_t lsfd -H ./mnt/.//f & asked+=($!)
	ask lsfd_m lsfd -H -m mnt & asked+=($!)
	ask lsfd_sub lsfd -H -m mnt/sub & asked+=($!)
	ask lsfd_up lsfd -H -m mnt/sub/.. & asked+=($!)
	ask fdpeer fdpeer -H 1 & asked+=($!)
	ask fdrecover fdrecover -H & asked+=($!)
	ask fdprogress fdprogress -H "$V" 100 & asked+=($!)
	wait "${asked[@]}"
	others_shown
	said pstack 0
	said lsfd 0
	has lsfd "^@V	hold	100	rw	reg	65536	$PWD/mnt/f$"
	has lsfd "^@V	hold	101	rw	reg	65536	$PWD/mnt/g \(deleted\)$"
	# by its name, then
	said lsfd_f 3 'lsfd: mnt/f: no answer within 0.5 s'
	[ "$(cut -f1-3 lsfd_f.out)" = "$V	hold	100" ]
	said lsfd_t 3 'lsfd: ./mnt/.//f: no answer within 0.5 s'
	cmp lsfd_f.out lsfd_t.out
	said lsfd_m 0
	[ "$(cut -f1-3 lsfd_m.out)" = "$V	hold	100
$V	hold	101" ]
	# it may be a link to a mount point
	said lsfd_sub 3 'lsfd: mnt/sub: no answer within 0.5 s'
	[ ! -s lsfd_sub.out ]
	said lsfd_up 3 'lsfd: mnt/sub/..: no answer within 0.5 s'
	cmp lsfd_m.out lsfd_up.out
	said fdpeer 0
	said fdrecover 0
	has fdrecover "^@V	hold	101	rw	1	0	65536	.*/mnt/g$"
	said fdprogress 0
}

@test "what does not answer is asked twice, and others all the same" {
	bench
	keep "${IN[@]}" "$TESTS/hold" 100=rw:mnt/f 101=rw:name
	V=$PID
	ln name other
	rm name
	server 'hang all'
	ask lsfd_f lsfd -H mnt/f mnt/{1..30} other
	read -r status ms <lsfd_f.end
	[ "$status" -eq 3 ]
	[ "$ms" -lt 3000 ]
	[ "$(wc -l <lsfd_f.err)" -eq 2 ]
	# the one by its path, the other one by what it is; so is the path of
	# the latter looked up, of which another name is left
	[ "$(cut -f 1-3,7 lsfd_f.out)" = "$V	hold	100	$PWD/mnt/f
$V	hold	101	$PWD/name (deleted)" ]
	ask lsfd_j lsfd -J mnt/{1..30} other
	grep -q '"fd":101,.*"deleted":true' lsfd_j.out
}

@test "names that can't be looked up: nothing else is lost with them" {
	local asked=() i tool
	bench
	touch held
	ln held other
	server 'hang READ'
	keep "${IN[@]}" "$TESTS/hold" '100=rw:mnt/a (deleted)' \
		'101=rw:mnt/b (deleted)' '102=rw:mnt/c (deleted)' \
		103=rw:held 104,105=pipe read:100 read:101 read:102
	V=$PID
	until_true stuck_threads 3
	server 'hang LOOKUP GETATTR'
	bystander 2 "${IN[@]}"
	LATE=$PID
	ask pstack pstack "$V" "$LATE" & asked+=($!)
	ask pstack_a pstack -a & asked+=($!)
	ask pstack_f pstack -F "$V" "$LATE" & asked+=($!)
	ask count lsfd --count -H & asked+=($!)
	ask lsfd lsfd -H & asked+=($!)
	ask fdpeer fdpeer -H 1 & asked+=($!)
	ask fdpeer_v fdpeer -H "$V" & asked+=($!)
	ask fdrecover fdrecover -H & asked+=($!)
	ask files lsfd -H mnt/d mnt/e other & asked+=($!)
	wait "${asked[@]}"
	others_shown
	for tool in pstack pstack_a pstack_f lsfd fdpeer_v; do
		said $tool 3 "${tool%_*}: $stall"
	done
	said fdpeer 0
	for i in 0,a 1,b 2,c; do
		for tool in pstack pstack_a; do
			has $tool "^@V/[0-9]+ D hold read\(10${i%,*}<$PWD/mnt/${i#*,}"
		done
		has lsfd "^@V	hold	10${i%,*}	rw	reg	65536	$PWD/mnt/${i#*,}"
	done
	has pstack "^$LATE/$LATE S hold read\(0<"
	[ "$(awk '{ n += $NF } END { print n }' pstack_f.out)" -eq 5 ]
	has fdpeer_v '^@V	hold	105	->	@V	hold	104	open	'
	# nor the files that were named, and where one is to go
	[ "$(grep -c "^lsfd: mnt/[de]: no answer within " files.err)" -eq 2 ]
	[ "$(cut -f 1-3 files.out)" = "$V	hold	103" ]
	ask path fdrecover gone2 new
	cmp -n 6144 new /dev/zero
	[ "$(stat -c %s new)" -eq 6144 ]
}

@test "-R: a procfs that does not answer" {
	local tool
	bench
	server 'hang all'
	for tool in 'pstack 1' 'pstack -i 1 1' lsfd 'fdpeer 1' fdrecover 'fdprogress 1 1'; do
		# shellcheck disable=SC2086 # words
		ask "${tool%% *}" ${tool%% *} -R mnt ${tool#"${tool%% *}"}
		said "${tool%% *}" 3 "${tool%% *}: mnt: no answer within 0.5 s"
	done
}

@test "-R: what blocks in a tree is waited for no longer than -T says" {
	local tool call
	mkdir -p tree/7/fd tree/7/fdinfo tree/7/task/7
	ln -s "$PWD/file" tree/7/fd/3
	mkfifo tree/7/status tree/7/comm tree/7/fdinfo/3
	for call in 'pstack 7' 'lsfd 7' 'fdpeer 7' fdrecover 'fdprogress 7 3'; do
		tool=${call%% *}
		# shellcheck disable=SC2086 # words
		run --separate-stderr -3 timeout -s KILL 10 $tool -T 0.5 \
			-R tree ${call#"$tool"}
		[ "$stderr" = "$tool: 7: no answer from tree within 0.5 s" ]
	done
}

@test "fdprogress -f: a process whose end hangs has no end yet, but --stall" {
	local status=0
	bench
	keep "${IN[@]}" "$TESTS/hold" 100=r:mnt/f
	V=$PID
	ns timeout -s KILL 20 fdprogress -fH -i 0.1 --stall 1 "$V" 100 >out \
		2>err 3>&- </dev/null &
	STARTED+=($!)
	until_true test -s out
	server 'hang FLUSH'
	ns kill -KILL "$V"
	until_true logged 'held FLUSH'
	wait "${STARTED[-1]}" || status=$?
	cat out err
	[ "$status" -eq 4 ]
	[[ $(tail -n 1 err) = "fdprogress: $V: stalled for 1 s"*': state D, '* ]]
}
