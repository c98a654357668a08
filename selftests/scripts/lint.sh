#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The lint's own checks: what they find where something is planted, in a repository of a
# few files. layers.sh and rules.sh test those that are scripts of their own.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

setup_ensure
tree=$WORK/tree

# build: the repository anew, without a fault
build() {
	rm -rf "$tree"
	mkdir -p "$tree/selftests/a/mutants"
	git init -q "$tree"
	# These are there to be run, and what they read.
	mkdir "$tree/poolmon"
	cp -r "$TOP/scripts" "$tree/"
	cp "$TOP/poolmon/Cargo.toml" "$TOP/poolmon/Cargo.lock.in" "$tree/poolmon/"
	printf '%s\n' /scripts /poolmon /build >"$tree/.git/info/exclude"
	cp "$TOP/selftests/list.sh" "$tree/selftests/"
	printf '# %s: GPL-2.0\n' SPDX-License-Identifier |
		tee "$tree/selftests/suites" "$tree/selftests/suites.sh" >"$tree/known"
	printf '%s\n' '#!/bin/sh' "$(cat "$tree/known")" 'true' >"$tree/selftests/a/t.sh"
	chmod +x "$tree/selftests/a/t.sh"
	mutant 'Test: t.sh' >"$tree/selftests/a/mutants/m.patch"
}

# mutant LINE...: a patch that begins with these lines
mutant() {
	printf '%s\n' "$@" '' 'It does.' '' "$(sed 's/^# //' "$tree/known")" '' \
		'--- a/selftests/a/t.sh' '+++ b/selftests/a/t.sh' '@@ -3 +3 @@' '-true' '+false'
}

# finds REGEX CHECK: the check fails, and one of the lines that it shows matches
finds() {
	local out status=0

	out=$("$tree/scripts/lint.sh" "$2" 2>&1) || status=$?
	echo "$out"
	[ "$status" -eq 1 ] && grep -qE -e "^  \| $1" <<<"$out"
}

no_fault() {
	build
	"$tree/scripts/lint.sh" SPDX python mutants
}

unknown_check() {
	build
	refused 'there is no check of the name nosuch' "$tree/scripts/lint.sh" nosuch
}

without_a_licence() {
	build
	echo 'int x;' >"$tree/x.c"
	finds 'x.c$' SPDX
}

licence_far_below() {
	build
	{ seq 10; cat "$tree/known"; } >"$tree/x.c"
	finds 'x.c$' SPDX
}

another_licence() {
	local other

	for other in -or-later -only + ' OR MIT' ' WITH Linux-syscall-note'; do
		build
		printf '// %s\n' "$(sed 's/^# //' "$tree/known")$other" >"$tree/x.c"
		finds 'x.c$' SPDX || return 1
	done
}

name_with_a_blank() {
	build
	cp "$tree/known" "$tree/a name"
	finds 'a name$' SPDX
}

mutant_without_a_test() {
	build
	mutant 'Case: x' >"$tree/selftests/a/mutants/m.patch"
	finds 'selftests/a/mutants/m.patch: its line "Test: " names no program$' mutants
}

mutant_of_no_kernel() {
	build
	mutant 'Test: t.sh' 'Kernel: stock' >"$tree/selftests/a/mutants/m.patch"
	"$tree/scripts/lint.sh" mutants || return 1
	mutant 'Test: t.sh' 'Kernel: nosuch' >"$tree/selftests/a/mutants/m.patch"
	finds 'selftests/a/mutants/m.patch: its line "Kernel: nosuch" names no kernel$' mutants
}

case_that_cannot_match() {
	build
	mutant 'Test: t.sh' 'Case: ^a_2.32|^b|(^c)' >"$tree/selftests/a/mutants/m.patch"
	"$tree/scripts/lint.sh" mutants || return 1
	mutant 'Test: t.sh' 'Case: 2^32' >"$tree/selftests/a/mutants/m.patch"
	finds 'selftests/a/mutants/m.patch: its line "Case: 2\^32" is a regex' mutants || return 1
	mutant 'Test: t.sh' 'Case: free() fails' >"$tree/selftests/a/mutants/m.patch"
	finds 'selftests/a/mutants/m.patch: its line "Case: free\(\) fails" is a regex' mutants
}

mutant_elsewhere() {
	build
	mkdir -p "$tree/b/mutants"
	mv "$tree/selftests/a/mutants/m.patch" "$tree/b/mutants/"
	finds 'b/mutants/m.patch: t.sh finds it, so it belongs in selftests/a/mutants$' mutants
}

python_that_is_none() {
	build
	{ cat "$tree/known"; echo 'if x'; } >"$tree/x.py"
	finds 'x.py: ' python || return 1
	build
	printf '%s\n' '#!/usr/bin/env python3' "$(cat "$tree/known")" 'print "x"' >"$tree/x"
	finds 'x: ' python
}

# A fault of a shell script, whatever its first line is.
shells() {
	local first

	for first in '#!/bin/sh' '#!/bin/bash' '#! /bin/bash' '#!/usr/bin/env bash' \
		'#!/usr/bin/env -S bash -e'; do
		build
		# shellcheck disable=SC2016 # a fault for shellcheck
		printf '%s\n' "$first" "$(cat "$tree/known")" 'cd $1 || exit' >"$tree/x"
		finds 'In x line 3:$' shellcheck || {
			echo "not found: $first"
			return 1
		}
	done
}

check "a repository without a fault" no_fault
check "an unknown check" unknown_check
check "a file without a licence" without_a_licence
check "a licence far below" licence_far_below
check "another licence" another_licence
check "a name with a blank" name_with_a_blank
check "a mutant without a test" mutant_without_a_test
check "a mutant of no kernel" mutant_of_no_kernel
check "a mutant whose line Case: cannot match" case_that_cannot_match
check "a mutant elsewhere" mutant_elsewhere
check "Python that is none" python_that_is_none
check "shell scripts by their first line" shells
