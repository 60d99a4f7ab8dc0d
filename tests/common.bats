load helper

setup() {
	HELDS=() STARTED=()
	cd "$TOP" || return
}

# The sources, without what is generated.
sources() {
	find cmd common -name '*.[ch]' \
		! -name 'sysname_native.h' ! -name 'sysname_compat.h' | sort
}

# nothing TEXT: print it and fail, unless it is empty
nothing() {
	[ -z "$1" ] || {
		printf '%s\n' "$1"
		return 1
	}
}

@test "common: what decodes and encodes does it as the tables say" {
	run "$TESTS/parse_test"
	nothing "$(printf '%s\n' "$output" | grep -v '^ok ' | grep -v '^1\.\.')"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "1..$(printf '%s\n' "$output" | grep -c '^ok ')" ]
}

@test "common: what a descriptor is, by its link and attributes" {
	run "$TESTS/desc_test"
	nothing "$(printf '%s\n' "$output" | grep -v '^ok ' | grep -v '^1\.\.')"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "1..$(printf '%s\n' "$output" | grep -c '^ok ')" ]
}

@test "house: nothing at the top but what is told in the README" {
	need git
	run git -C "$TOP" -c safe.directory='*' ls-files
	[ "$status" -eq 0 ] || skip 'needs a git checkout'
	nothing "$(printf '%s\n' "$output" | cut -d / -f 1 | sort -u |
		grep -v '^\.' | grep -vxE \
		'Makefile|cmd|common|tests|man|completions|README|LICENSE')"
	nothing "$(printf '%s\n' "$output" | grep -E '\.(o|a|1|7)$')"
}

@test "house: all that make builds is ignored by git" {
	need git
	git -C "$TOP" -c safe.directory='*' rev-parse 2>/dev/null ||
		skip 'needs a git checkout'
	nothing "$(git -C "$TOP" -c safe.directory='*' ls-files -o \
		--exclude-standard | grep -E '\.(o|a|1|7)$')"
	for f in cmd/* tests/* tests/bench/* tests/fuzz/*; do
		if [ "$(head -c 4 "$f" 2>/dev/null | tail -c 3)" = ELF ]; then
			git -c safe.directory='*' check-ignore "$f"
		fi
	done
}

@test "house: the Makefile names every source and every header" {
	for f in $(sources); do
		grep -qE "(^|[[:space:]])${f%.c}(\.o)?([[:space:]]|\$)" Makefile || {
			echo "$f"
			return 1
		}
	done
}

@test "house: common never prints and never exits" {
	nothing "$(sources | grep ^common/ | xargs grep -nE \
		'\<(v?f?printf|v?dprintf|puts|fputs|putchar|putc|fputc|fwrite|perror|v?(err|warn)x?|abort|exit)\> *\(|\<std(out|err)\>' |
		grep -vF -e 'common/out.h' -e 'as printf(3) does')"
	# guard ends its own child, and that only
	nothing "$(sources | grep ^common/ | grep -v '/guard\.c$' |
		xargs grep -nE '\<(_exit|_Exit|quick_exit)\> *\(')"
}

@test "house: the tools leave the steps of the guard to common" {
	nothing "$(sources | grep ^cmd/ |
		xargs grep -nE '\<guard_(enter(_long)?|leave)\> *\(')"
}

@test "house: no header includes a header of the project" {
	nothing "$(sources | grep '\.h$' | xargs grep -nE '^# *include *"')"
}

@test "house: parsers do no input or output and allocate nothing" {
	nothing "$(sources | grep '^common/parse_' | xargs grep -nE \
		'<(stdio|fcntl|unistd|dirent)\.h>|\<([cm]|re)alloc\(|^static [^(]*;')"
}

@test "house: each exported function has its contract in the header" {
	# A declaration stands below a comment, or in a row below one that does.
	nothing "$(sources | grep '^common/.*\.h$' | xargs awk '
		FNR == 1 { said = 0 }
		/^$/ { said = 0 }
		/^[a-z_].*\(/ && !said { print FILENAME ": " $0 }
		/\*\// || /^}/ { said = 1 }')"
}

@test "house: procfs is what -R says" {
	# Allowed: the default of -R and its check, and the way to a descriptor
	# of our own, which linkat(2) has only there.
	nothing "$(sources | xargs grep -nF '"/proc' | grep -vE \
		'\.procfs = "/proc"|strcmp\(path, "/proc"\) == 0|"/proc/self/fd/%d"')"
}

@test "house: no function is longer than 60 lines" {
	nothing "$(sources | grep '\.c$' | xargs awk '
		/^\{$/ { start = FNR }
		/^\}$/ && FNR - start > 60 { print FILENAME ":" start }')"
}

@test "house: nothing is left to be done later" {
	nothing "$(sources | xargs grep -nE 'TODO|FIXME|XXX')"
}
