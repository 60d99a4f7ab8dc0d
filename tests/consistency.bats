# The options of a tool are told in seven places: usage text, option table and
# getopt string, manual page, completions for three shells. Each place is turned
# into lines "-a --all" or "-R --procfs =" (= stands for an argument, and - for
# the letter that an option has not), and the binary itself is asked.
load helper

ALL_TOOLS='pstack lsfd fdpeer fdrecover fdprogress'

# for_each FUNCTION: call it with each tool
for_each() {
	local tool
	for tool in $ALL_TOOLS; do
		"$1" "$tool" || {
			echo "($tool)"
			return 1
		}
	done
}

# same WHAT TEXT TEXT: the lines of both, in any order
same() {
	diff <(printf '%s\n' "$2" | sort) <(printf '%s\n' "$3" | sort) || {
		echo "$1"
		return 1
	}
}

usage_options() {
	"$1" -h | sed -nE \
		-e 's/^  (-.), (--[a-z-]+) [A-Z]+( .*)?$/\1 \2 =/p;t' \
		-e 's/^  (-.), (--[a-z-]+)( .*)?$/\1 \2/p;t' \
		-e 's/^ +(--[a-z-]+) [A-Z]+( .*)?$/- \1 =/p;t' \
		-e 's/^ +(--[a-z-]+)( .*)?$/- \1/p'
}

# The argument is the word behind the option in page and usage alike.
usage_arguments() {
	"$1" -h | sed -nE 's/^ +(-., )?(--[a-z-]+) ([A-Z]+)( .*)?$/\2 \3/p'
}

section() {
	awk -v s="# $2" '/^# / { on = $0 == s; next } on' \
		"$TOP/man/$1.1.scd"
}

page_options() {
	section "$1" OPTIONS | sed -nE \
		-e 's/^\*(-.)\*, \*(--[a-z-]+)\* _[A-Z]+_$/\1 \2 =/p;t' \
		-e 's/^\*(-.)\*, \*(--[a-z-]+)\*$/\1 \2/p;t' \
		-e 's/^\*(--[a-z-]+)\* _[A-Z]+_$/- \1 =/p;t' \
		-e 's/^\*(--[a-z-]+)\*$/- \1/p;t' \
		-e 's/^\*-.*/cannot be read: &/p'
}

page_arguments() {
	section "$1" OPTIONS |
		sed -nE 's/^\*.*\*(--[a-z-]+)\* _([A-Z]+)_$/\1 \2/p; s/^\*(--[a-z-]+)\* _([A-Z]+)_$/\1 \2/p' | sort -u
}

# The rows that the tools share are in two macros.
table_rows() {
	cat "$TOP/cmd/$1.c"
	if grep -q '^	CLI_RECORD_OPTIONS,$' "$TOP/cmd/$1.c"; then
		set -- CLI_RECORD_OPTIONS CLI_OPTIONS
	elif grep -q '^	CLI_OPTIONS,$' "$TOP/cmd/$1.c"; then
		set -- CLI_OPTIONS
	else
		return 0
	fi
	for macro; do
		sed -n "/^#define $macro /,/[^\\\\]\$/p" "$TOP/cmd/cli.h" |
			sed -E 's/ \\$//; s/\}$/},/'
	done
}

table_options() {
	table_rows "$1" | sed -nE \
		-e "s/^\t\{ \"([a-z-]+)\", no_argument, NULL, '(.)' \},\$/-\2 --\1/p;t" \
		-e "s/^\t\{ \"([a-z-]+)\", required_argument, NULL, '(.)' \},\$/-\2 --\1 =/p;t" \
		-e 's/^\t\{ "([a-z-]+)", no_argument, NULL, [A-Z_]+ \},$/- --\1/p;t' \
		-e 's/^\t\{ "([a-z-]+)", required_argument, NULL, [A-Z_]+ \},$/- --\1 =/p;t' \
		-e 's/.*\<(no|required|optional)_argument.*/cannot be read: &/p'
}

# By asking the binary: an option is known if it is not it that is complained
# about; '!' is an argument nowhere, and no option.
binary_options() {
	local c long said
	for c in {a..z} {A..Z} {0..9}; do
		said=$(timeout 20 "$1" "-$c!" 2>&1 </dev/null) || true
		case $said in
		*"invalid option -- '$c'"* | *"unrecognized option: $c"*) ;;
		*"invalid option -- '!'"* | *"unrecognized option: !"*)
			printf '%s\n' "-$c" ;;
		"usage: $1 "* | "$1 (proctools) "*)
			printf '%s\n' "-$c" ;;
		*)
			echo "-$c =" ;;
		esac
	done
	for long in $(printf '%s\n' "$2" | grep -oE -e '--[a-z-]+'); do
		said=$(timeout 20 "$1" "$long=!" 2>&1 </dev/null) || true
		case $said in
		*"unrecognized option"*) ;;
		*"ambiguous"*) ;;
		*"doesn't allow an argument"* | *"does not take an argument"*)
			echo "$long" ;;
		*)
			echo "$long =" ;;
		esac
	done
}

bash_options() {
	bash -c '. "$1" || exit
		set -- "$(basename "$1")"
		f=$(complete -p "$1" | sed "s/.* -F \([^ ]*\) .*/\1/")
		COMP_WORDS=("$1" -) COMP_CWORD=1
		"$f" "$1" - "$1"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$TOP/completions/bash/$1"
}

# With what excludes what, and descriptions, taken away.
zsh_options() {
	sed -E -e 's/^[[:space:]]*#.*//' -e "s/'\([^)]*\)'//g" \
		-e 's/\[[^]]*\]/[]/g' "$TOP/completions/zsh/_$1" |
		grep -E -e "(\{-|['\"]--)" | sed -nE \
		-e "s/.*\{(-.),(--[a-z-]+)\}'?\[\]:.*/\1 \2 =/p;t" \
		-e "s/.*\{(-.),(--[a-z-]+)=?\}'?\[\].*/\1 \2/p;t" \
		-e "s/.*['\"](--[a-z-]+)=?\[\]:.*/- \1 =/p;t" \
		-e "s/.*['\"](--[a-z-]+)\[\].*/- \1/p;t" \
		-e 's/.*/cannot be read: &/p'
}

fish_options() {
	sed -nE \
		-e 's/^complete -c [a-z]+ (-n .* )?-s (.) -l ([a-z-]+) (.* )?(-x|-r) .*/-\2 --\3 =/p;t' \
		-e 's/^complete -c [a-z]+ (-n .* )?-s (.) -l ([a-z-]+) .*/-\2 --\3/p;t' \
		-e 's/^complete -c [a-z]+ (-n .* )?-l ([a-z-]+) (.* )?(-x|-r) .*/- --\2 =/p;t' \
		-e 's/^complete -c [a-z]+ (-n .* )?-l ([a-z-]+) .*/- --\2/p' \
		"$TOP/completions/fish/$1.fish"
}

# Only the words: "-a", "--all", each with its argument or none.
words() {
	printf '%s\n' "$1" | awk '{
		if ($1 != "-") print $1
		if ($2 != "") print $2
	}'
}

usage_line() {
	"$1" -h | awk '/^  ? ? ?-|^ +--/ { exit } { print }' |
		sed 's/^usage: //' | tr -s ' \n' ' '
}

synopsis() {
	section "$1" SYNOPSIS | sed -e 's/ *++$//' -e 's/\\\([_*]\)/\1/g' \
		-e 's/[*_]//g' -e 's/\\//g' | tr -s ' \n' ' ' |
		sed -e 's/^ //'
}

check_usage() {
	[ -n "$(usage_options "$1")" ] &&
	same 'usage text and option table' "$(usage_options "$1")" \
		"$(table_options "$1")"
}

check_binary() {
	local known
	known=$(usage_options "$1")
	same 'usage text and binary' "$(binary_options "$1" "$known")" \
		"$(printf '%s\n' "$known" | awk '{
			eq = $3 ? " " $3 : ""
			if ($1 != "-") print $1 eq
			print $2 eq
		}')"
}

check_page() {
	same 'usage text and page' "$(usage_options "$1")" "$(page_options "$1")" &&
	same 'arguments in usage text and page' "$(usage_arguments "$1")" \
		"$(page_arguments "$1")"
}

check_synopsis() {
	[ "$(usage_line "$1")" = "$(synopsis "$1")" ] || {
		usage_line "$1"
		echo
		synopsis "$1"
		return 1
	}
}

# The usage line names each option but the two that print and exit.
check_usage_line() {
	local line
	line=$(usage_line "$1")
	same 'usage text and usage line' \
		"$(usage_options "$1" | grep -v -e '^-h ' -e '^-V ' |
			awk '{ print $1 == "-" ? $2 : $1 }')" \
		"$({
			grep -oE '\[-[A-Za-z0-9]+' <<<"$line" |
				sed 's/^\[-//' | grep -o . | sed 's/^/-/'
			grep -oE -e '--[a-z-]+' <<<"$line"
		} | sort -u)"
}

check_getopt_string() {
	same 'option table and getopt string' \
		"$(table_options "$1" | grep -v '^- ' |
			awk '{ print $1 ($3 ? ":" : "") }')" \
		"$(tr -d '\n' <"$TOP/cmd/$1.c" |
			grep -oE 'getopt_long\(argc, argv,[[:space:]]*"[^"]+"' |
			sed 's/.*"\(.*\)"/\1/' | grep -oE '[A-Za-z0-9]:?' |
			sed 's/^/-/')"
}

check_bash() {
	same 'usage text and bash' "$(words "$(usage_options "$1")")" \
		"$(bash_options "$1")" &&
	[ "$(tail -n 1 "$TOP/completions/bash/$1")" = \
		"complete -F _proctools_$1 $1" ]
}

check_zsh() {
	same 'usage text and zsh' "$(usage_options "$1")" "$(zsh_options "$1")" &&
	[ "$(head -n 1 "$TOP/completions/zsh/_$1")" = "#compdef $1" ]
}

check_fish() {
	same 'usage text and fish' "$(usage_options "$1")" "$(fish_options "$1")" &&
	! grep -qvE "^(complete -c $1 |#|\$)" "$TOP/completions/fish/$1.fish"
}

check_sections() {
	local s
	for s in NAME SYNOPSIS DESCRIPTION OPTIONS OUTPUT 'EXIT STATUS' \
		EXAMPLES 'SEE ALSO'; do
		[ -n "$(section "$1" "$s" | tr -d '\n')" ] || {
			echo "no section $s"
			return 1
		}
	done
	for s in 0 1 2 3; do
		section "$1" 'EXIT STATUS' | grep -qx "\*$s\*" || {
			echo "no exit status $s"
			return 1
		}
	done
	[[ $(section "$1" 'SEE ALSO') == *'*proctools*(7)'* ]]
}

@test "consistency: usage text and option table" {
	for_each check_usage
}

@test "consistency: usage text and what the binary takes" {
	for_each check_binary
}

@test "consistency: option table and getopt string" {
	for_each check_getopt_string
}

@test "consistency: usage text and the OPTIONS of the page" {
	for_each check_page
}

@test "consistency: usage line and the SYNOPSIS of the page" {
	for_each check_synopsis
}

@test "consistency: the usage line names every option" {
	for_each check_usage_line
}

@test "consistency: completion for bash" {
	for_each check_bash
}

@test "consistency: completion for zsh" {
	for_each check_zsh
}

@test "consistency: completion for fish" {
	for_each check_fish
}

@test "consistency: each page has its sections and exit statuses" {
	for_each check_sections
}

check_help() {
	"$1" -h >"$BATS_TEST_TMPDIR/h" 2>"$BATS_TEST_TMPDIR/e" &&
	"$1" --help | cmp - "$BATS_TEST_TMPDIR/h" &&
	[ ! -s "$BATS_TEST_TMPDIR/e" ] &&
	! expand "$BATS_TEST_TMPDIR/h" | grep -E '.{81,}'
}

@test "consistency: -h and --help print the usage text and end with 0" {
	for_each check_help
}

check_version() {
	[ "$("$1" -V)" = "$1 (proctools) $(sed -n 's/^VERSION = //p' \
		"$TOP/Makefile")" ] &&
	[ "$("$1" --version)" = "$("$1" -V)" ]
}

@test "consistency: -V prints name and version" {
	for_each check_version
}

# Those options that mean the same in all tools have the same letter, name and
# argument in all, and no letter means two things.
@test "consistency: no option means two things" {
	local twice
	twice=$(for tool in $ALL_TOOLS; do usage_options "$tool"; done |
		sort -u | grep -v '^- ' | cut -d ' ' -f 1 | uniq -d)
	[ -z "$twice" ] || { echo "$twice"; false; }
	twice=$(for tool in $ALL_TOOLS; do usage_options "$tool"; done |
		sort -u | awk '{ print $2 }' | sort | uniq -d)
	[ -z "$twice" ] || { echo "$twice"; false; }
	for tool in $ALL_TOOLS; do
		for o in '-h --help' '-V --version' '-J --json' \
			'-R --procfs =' '-T --timeout ='; do
			usage_options "$tool" | grep -qxF -e "$o"
		done
	done
}
