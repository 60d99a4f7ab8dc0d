# What the benchmarks share: to be sourced with $tool and $hold set, which become
# absolute; goes to a directory of its own. Everything runs in a pid namespace of
# its own, so that all look at the same processes, and at nothing else. CPU time
# is with that of the children; what is compared takes turns, and the medians
# are told.
TIMEFORMAT='%U %S'

# many N ACTION...: so many processes, started by $how; goes on when all wait
many() {
	local n=$1 i dir in out
	shift
	dir=$(mktemp -d -p "$work")
	mkfifo "$dir/in" "$dir/out"
	exec {in}<>"$dir/in" {out}<>"$dir/out"
	for ((i = 0; i < n; i++)); do
		$how "$hold" "$@" <&"$in" >&"$out" {in}>&- {out}>&- &
	done
	for ((i = 0; i < n; i++)); do
		read -r PID <&"$out"
	done
}

# cpu COMMAND...: milliseconds of CPU time
cpu() {
	{ time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print ($1 + $2) * 1000 }'
}

# clock COMMAND...: milliseconds from start to end
clock() {
	local begin=${EPOCHREALTIME/[.,]/}
	"$@" >/dev/null 2>&1
	awk "BEGIN { print (${EPOCHREALTIME/[.,]/} - $begin) / 1000 }"
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# against MEASURE RUNS COMMAND COMMAND: the first one by the second, which is
# told as as[COMMAND] if that is set
declare -A as
against() {
	local measure=$1 runs=$2 a=$3 b=$4 i
	for ((i = 0; i < runs; i++)); do
		# shellcheck disable=SC2086 # words, and patterns of files
		{
			"$measure" $a >&3
			"$measure" $b >&4
		}
	done 3>a 4>b
	awk -v a="${a/"$tool"/"${tool##*/}"}" -v b="${as[$b]:-$b}" -v m="$measure" \
		-v x="$(median <a)" -v y="$(median <b)" 'BEGIN {
		printf "%s %.2f ms, %s %.2f ms, %s, ratio %.2f\n", a, x, b, y,
		    m ~ /^cpu/ ? "CPU" : "start to end", x / y
	}'
}

# peak OPTION...: kilobytes
peak() {
	command time -f %M "$tool" "$@" 2>&1 >/dev/null | tail -n 1
}

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
tool=$(realpath "$tool") hold=$(realpath "$hold")
cd "$work" || exit
