load helper

# CHURN=MS for a longer run of each command.
: "${CHURN:=500}"

# Root sees nothing but this test's processes: others may not answer.
setup() {
	HELDS=() STARTED=() NS=()
	cd "$BATS_TEST_TMPDIR" || return
	head -c 11 /dev/zero >A
	head -c 22 /dev/zero >B
	mkfifo in out
	if [ "$(id -u)" -eq 0 ] && unshare -pfm --mount-proc true 2>/dev/null; then
		start unshare -pfm --mount-proc --kill-child sh -c \
			'echo $$ >ready && exec tail -f /dev/null'
		until_true test -s ready
		NS=(nsenter -t "$(pgrep -P "$PID")" -p -m -w --)
	fi
	"${NS[@]}" "$TESTS/churn" A B <in >out 3>&- 4>&- 10>&- 251>&- &
	STARTED+=($!)
	exec {HELD}>in
	HELDS+=("$HELD")
	read -r PID <out
}

# again COMMAND...: run it again and again; each run must end with 0 and have no
# message but those that $ALLOWED matches. What all of them printed is in ./all.
again() {
	local n=0 end status
	: >all
	end=$(($(date +%s%3N) + CHURN))
	while [ $((n++)) -lt 3 ] || [ "$(date +%s%3N)" -lt "$end" ]; do
		"${NS[@]}" "$@" >one 2>err && status=0 || status=$?
		[ "$status" -eq 0 ] && ! grep -vE -e "$ALLOWED" err || {
			echo "$*: $status"
			cat err
			return 1
		}
		cat one >>all
	done
	echo "$*: $n runs"
}

# PID 1 may refuse even root, and an ordinary user sees little.
ALLOWED='^[a-z]+: [0-9]+ process(es)? could not be read '

# only PATTERN...: no line of ./got but those that match one of these as a whole
only() {
	local IFS='|'
	run grep -vxE -e "$*" got
	echo "$output"
	[ -z "$output" ]
	[ -s got ]
}

@test "churn: lsfd" {
	again lsfd -H
	again lsfd -alH "$PID"
	again lsfd -H "$PID"
	# the rows of it and its threads; private tables have its command too
	awk -F '\t' '$2 == "churn" && $3 >= 100 { print $3, $4, $5, $6, $7 }' all |
		sort -u >got
	only "(100|101|200) r reg 11 $PWD/A" "(100|102) rw reg 22 $PWD/B" \
		'(100|201) r pipe - pipe:\[[0-9]+\]' '202 w pipe - pipe:\[[0-9]+\]' \
		"203 rw reg 4 $PWD/churn\.[A-Za-z0-9]+ \(deleted\)" '100 - - - -'
	for n in 200 201 202 203; do
		[ "$(grep -c "^$PID	churn	$n	" all)" -ge 3 ]
	done
	again lsfd -H "$PWD/A"
	[ "$(grep -c "^$PID	churn	200	r	reg	11	$PWD/A\$" all)" -ge 3 ]
	[ -z "$(grep -v "	$PWD/A\$" all)" ]
	again lsfd -dH
	awk -F '\t' -v pid="$PID" '$1 == pid { print $3, $7 }' all | sort -u >got
	only "203 $PWD/churn\.[A-Za-z0-9]+ \(deleted\)"
}

@test "churn: lsfd -J" {
	need jq
	again lsfd -J
	jq -se --argjson pid "$PID" 'map(select(.pid == $pid and .fd == 203)) |
		length >= 3' all >/dev/null
}

@test "churn: pstack" {
	# stacks are root's
	[ "$(id -u)" -eq 0 ] && cat /proc/self/stack >/dev/null 2>&1 ||
		skip 'needs CAP_SYS_ADMIN'
	again pstack "$PID"
	grep -vP '^\t' all | grep . | awk '{ print $1, $3 }' |
		sed "s|^$PID/[0-9]*|T|" | sort -u >got
	only 'T churn'
	again pstack -a
	again pstack -u "$PID"
	again pstack -aF
	[ -z "$(grep -vE '^[^ ]+;.* [0-9]+$' all)" ]
	again pstack -i 0.005 "$PID"
}

@test "churn: fdpeer" {
	again fdpeer -H "$PID" 201
	awk -F '\t' '{ print $1, $3, $4, $7, $8 }' all | sort -u >got
	only "$PID 201 <- 202 open" "$PID 201 == 201 -"
	[ "$(grep -c "^$PID	churn	201	<-	$PID	churn	202	open	" all)" -ge 3 ]
	again fdpeer -H "$PID"
	[ "$(grep -c "^$PID	churn	201	<-	$PID	churn	202	open	" all)" -ge 3 ]
}

@test "churn: fdrecover" {
	ALLOWED+='|^fdrecover: [0-9.]+[BKMG]? in [0-9]+ deleted files?$'
	again fdrecover -H
	awk -F '\t' -v pid="$PID" '$1 == pid { print $3, $9 }' all | sort -u >got
	only "203 $PWD/churn\.[A-Za-z0-9]+"
	ALLOWED='^fdrecover: stdout: copied, 4 bytes'
	again fdrecover "$PID" 203 -
	[ -z "$(tr -d '\n' <all | sed 's/\(gone\)*//')" ]
}

@test "churn: fdprogress" {
	ALLOWED+='|^fdprogress: [0-9]+: (stalled|its position)'
	again fdprogress -i 0.005 -H "$PID" 200
	awk -F '\t' '{ print $1, $2, $3, $5, $6 }' all | sort -u >got
	only "$PID churn 200 [0-] 11"
}
