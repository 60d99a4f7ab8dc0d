load helper

@test "fuzz: the kept inputs end in no finding" {
	run "$TESTS/fuzz/replay" "$TESTS"/fuzz/corpus/*
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' "$TESTS"/fuzz/corpus/*)" ]
}

@test "fuzz: each target has a kept input" {
	local letters letter
	letters=$(sed -n "s/^.*{ '\(.\)', fuzz_.*/\1/p; s/^.*, { '\(.\)', fuzz_.*/\1/p" \
		"$TESTS/fuzz/fuzz.c" | sort -u)
	[ -n "$letters" ]
	for letter in $letters; do
		head -qc 1 "$TESTS"/fuzz/corpus/* | grep -q "$letter"
	done
}

@test "fuzz: each parser is a target" {
	# what takes foreign text, by the headers
	local f
	f=$(sed -n 's/.*\<\(\(parse\|num\)_[a-z_]*\)(.*/\1/p' \
		"$TOP"/common/parse_*.h "$TOP/common/num.h" | sort -u)
	[ -n "$f" ]
	for f in $f; do
		grep -q "\<$f(" "$TESTS/fuzz/fuzz.c" || { echo "$f"; return 1; }
	done
}
