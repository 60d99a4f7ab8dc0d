# make itself, in a copy of the tree as it was built.
load helper

setup() {
	HELDS=() STARTED=()
	unset MAKEFLAGS MFLAGS MAKELEVEL
	cd "$TOP" || return
	cp -a Makefile cmd common man completions tests "$BATS_TEST_TMPDIR" ||
		return
	cd "$BATS_TEST_TMPDIR" || return
}

# What is installed below DIR with PREFIX x or none, without the pages.
programs() {
	for t in pstack lsfd fdpeer fdrecover fdprogress; do
		echo "bin/$1$t"
		echo "share/bash-completion/completions/$1$t"
		echo "share/zsh/site-functions/_$1$t"
		echo "share/fish/vendor_completions.d/$1$t.fish"
	done
}

pages() {
	for t in pstack lsfd fdpeer fdrecover fdprogress; do
		echo "share/man/man1/$1$t.1"
	done
	echo "share/man/man7/$1proctools.7"
}

installed() {
	find "$1" -type f -printf '%P\n' | sort
}

@test "make: install and uninstall" {
	need scdoc
	run -0 make install DESTDIR="$PWD/dest"
	diff <(installed dest/usr/local) <({ programs ''; pages ''; } | sort)
	[ -z "$(find dest -type f -path '*/bin/*' ! -perm 755)" ]
	[ -z "$(find dest -type f ! -path '*/bin/*' ! -perm 644)" ]
	[ -z "$(find dest -type d ! -perm 755)" ]
	for t in pstack lsfd fdpeer fdrecover fdprogress; do
		cmp "cmd/$t" "dest/usr/local/bin/$t"
		cmp "man/$t.1" "dest/usr/local/share/man/man1/$t.1"
		cmp "completions/zsh/_$t" \
			"dest/usr/local/share/zsh/site-functions/_$t"
	done
	touch dest/usr/local/bin/other
	run -0 make uninstall DESTDIR="$PWD/dest"
	[ "$(find dest -type f)" = dest/usr/local/bin/other ]
}

@test "make: install below other directories" {
	run -0 make install PREFIX="$PWD/p" BINDIR="$PWD/a b" MANDIR="$PWD/m"
	[ -x 'a b/lsfd' ]
	[ ! -e p/bin ]
	[ ! -e p/share/man ]
	[ "$('a b/lsfd' -V)" = "$(cmd/lsfd -V)" ]
}

@test "make: PROGPREFIX renames all that is installed, and all that names it" {
	need scdoc
	run -0 make install PREFIX="$PWD/p" PROGPREFIX=x
	diff <(installed p) <({ programs x; pages x; } | sort)
	for t in pstack lsfd fdpeer fdrecover fdprogress; do
		run -0 "p/bin/x$t" --version
		[[ $output == "x$t (proctools) "* ]]
		[ "$(tail -n 1 "p/share/bash-completion/completions/x$t")" = \
			"complete -F _proctools_$t x$t" ]
		[ "$(head -n 1 "p/share/zsh/site-functions/_x$t")" = \
			"#compdef x$t" ]
		run -1 grep -v "^complete -c x$t " \
			"p/share/fish/vendor_completions.d/x$t.fish"
		grep -q "^x$t - " "p/share/man/man1/x$t.1"
		grep -q "^\.TH \"x$t\"" "p/share/man/man1/x$t.1"
		# no old name but behind another letter, and no new one twice
		run -1 grep -nE "(^|\\\\f[BIR]|[ (])($t|xx$t)([^[:alnum:]_]|\$)" \
			"p/share/man/man1/x$t.1"
		# shellcheck disable=SC2016 # a backslash, not an expansion
		grep -q '\\fBxproctools\\fR(7)' "p/share/man/man1/x$t.1"
	done
	grep -q '^xproctools - ' p/share/man/man7/xproctools.7
	run -0 make uninstall PREFIX="$PWD/p" PROGPREFIX=x
	[ -z "$(find p -type f)" ]
}

@test "make: without scdoc the tools are built and installed, and it says so once" {
	rm -f man/*.1 man/*.7
	run -0 make install SCDOC=no-such-scdoc PREFIX="$PWD/p"
	[ "$(printf '%s\n' "$output" |
		grep -c 'the manual pages are left out')" -eq 1 ]
	diff <(installed p) <(programs '' | sort)
}

@test "make: a touched header builds again what includes it, a touched page itself" {
	run -0 make -n -o common/flags all
	[[ $output != *' -c -o '* ]]
	for h in cmd/*.h common/*.h; do
		touch -d '+1 minute' "$h"
		run -0 make -n -o common/flags all
		for c in $(grep -lF "\"${h##*/}\"" cmd/*.c common/*.c); do
			[[ $output == *" -c -o ${c%.c}.o $c"* ]]
		done
		touch -d '-1 day' "$h"
	done
	need scdoc
	run -0 make pages
	touch -d '+1 minute' man/lsfd.1.scd
	run -0 make pages
	[ "$output" = 'scdoc <man/lsfd.1.scd >man/lsfd.1' ]
}

@test "make: clean leaves what git has" {
	run -0 make clean
	[ -z "$(find . -name '*.o' -o -name '*.a' -o -name 'sysname_*.h')" ]
	[ -z "$(find cmd tests -type f -size -2000k -exec \
		sh -c 'head -c 4 "$1" | grep -q ELF' sh {} \; -print)" ]
	[ -z "$(find man -type f ! -name '*.scd')" ]
}
