#!/bin/sh
# demo.sh - the five tools on processes that are started here; what "make demo"
# runs. Each command is shown with its real output. Nothing that was not made
# here is ended or removed.
set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit
PATH=$top/cmd:$PATH
dir=$(mktemp -d) || exit
started=

clean_up() {
	for pid in $started; do
		kill "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	cd / && rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

say() {
	printf '%s\n' "$@"
}

title() {
	printf '\n--- %s\n' "$1"
	shift
	say "$@" ''
}

# show COMMAND...: print it as one types it, then what it prints
show() {
	say "\$ $*"
	"$@" 2>&1
	status=$?
	[ "$status" -eq 0 ] || say "[exit status $status]"
}

# until_true COMMAND...: repeat it until it is true; after 10 s the demo ends
until_true() {
	i=0
	until "$@" 2>/dev/null; do
		i=$((i + 1))
		if [ "$i" -gt 200 ]; then
			say "this never came true: $*"
			exit 1
		fi
		sleep 0.05
	done
}

# sleeping PID: it waits in the kernel
sleeping() {
	grep -q '^State:.[SD]' "/proc/$1/status"
}

# is PID COMMAND: it has come to run that
is() {
	[ "$(cat "/proc/$1/comm")" = "$2" ]
}

# find_fd PID PATH: the number of the descriptor, in $fd
find_fd() {
	for fd in "/proc/$1/fd"/*; do
		if [ "$(readlink "$fd")" = "$2" ]; then
			fd=${fd##*/}
			return 0
		fi
	done
	return 1
}

cd "$dir" || exit
dir=$(pwd -P)
mkfifo input

# A pipeline that waits for input which never comes. We hold the FIFO open.
exec 7<>input
sh -c 'echo $$ >cat.pid; exec cat input' 7>&- |
	sh -c 'echo $$ >sort.pid; exec sort' >/dev/null 7>&- &
until_true test -s cat.pid
until_true test -s sort.pid
read -r cat <cat.pid
read -r sort <sort.pid
started="$cat $sort"
until_true is "$cat" cat
until_true is "$sort" sort
until_true find_fd "$cat" "$dir/input"
until_true sleeping "$cat"
until_true sleeping "$sort"

say 'The five tools, on processes that were started for this.'

title 'pstack' \
	"cat makes no progress (it was started as: cat input | sort). Where does it" \
	'wait, and for what?'
show pstack "$cat"
[ "$(id -u)" -eq 0 ] ||
	say '' 'The frames of the kernel stack need root; this is what a user can see.'

title 'lsfd' 'Which files does it have open?'
show lsfd "$cat"

title 'fdpeer' "Who reads what it writes to its pipe? And who writes to sort's input?"
show fdpeer "$cat" 1
show fdpeer "$sort" 0

truncate -s 1G disk.raw
dd if=/dev/urandom of=disk.raw bs=1M count=4 conv=notrunc 2>/dev/null
dd if=/dev/urandom of=disk.raw bs=1M count=4 seek=700 conv=notrunc 2>/dev/null
cp --sparse=always disk.raw compare.raw
tail -f disk.raw >/dev/null 2>&1 7>&- &
tail=$!
started="$started $tail"
until_true find_fd "$tail" "$dir/disk.raw"

title 'fdrecover' 'A file of 1 GB is removed while tail has it open.'
show rm disk.raw
show lsfd -d "$tail"
show fdrecover "$tail" "$fd"
show ls -ls disk.raw
show cmp disk.raw compare.raw
[ "$status" -ne 0 ] || say '(cmp is silent: it is the same)'

truncate -s 3G massive_file.raw
sha256sum massive_file.raw >sum 7>&- &
sha=$!
started="$started $sha"
until_true find_fd "$sha" "$dir/massive_file.raw"

title 'fdprogress' 'sha256sum reads a file of 3 GB. How far is it?'
show fdprogress "$sha" "$fd"
show fdprogress -f "$sha" "$fd"
wait "$sha"
started="$cat $sort $tail"
say '' 'Done; what was started is ended, and what was made is removed.'
