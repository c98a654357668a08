#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# poolmon's own tests, which read recorded files; that what is built is one static program;
# what bash completes; and keys typed into a terminal, whose screen is read.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"

# A line for each of cargo's tests.
tests() {
	"$TOP/scripts/poolmon.sh" test >"$WORK/tests" 2>&1
	sed -n 's/^test \(.*\) \.\.\. ok$/ok \1/p; s/^test \(.*\) \.\.\. FAILED$/not ok \1/p' \
		"$WORK/tests"
	sed -n '/^failures:$/,/^failures:$/s/^/# /p' "$WORK/tests"
	grep -q '^test result: ok' "$WORK/tests" ||
		{ tail -n 40 "$WORK/tests" | sed 's/^/# /'; echo "not ok poolmon is built and tested"; }
}

builds() {
	"$TOP/scripts/poolmon.sh" build && [ -x "$POOLMON" ]
}

# No interpreter: it needs nothing that an initramfs may not have.
is_static() {
	! in_root readelf -lW "$POOLMON" | grep INTERP && "$POOLMON" --version
}

# keys STEP...: in a terminal of its own
keys() {
	printf '%s\n' "$@" | VISIBLE=$WORK in_root python3 "$TOP/selftests/scripts/screen.py" 110 24 \
		"$POOLMON" --dir "$WORK/files" --interval 0.2
}

shows_what_grows() {
	recorded
	keys 'see ^ECfg +Paged +1 \(0\) +0 \(0\) +1 +500 \(0\) +500 ' \
		"run sed -i 's/ 812  .*  832 / 1412  832 /' '$WORK/files/tags'" \
		'see ^Ring .* 1412 \(.*\) .*\+.*/s +[0-9]+s .* c_client$' 'type q' 'end 0'
}

obeys_keys() {
	recorded
	keys 'see ^ECfg' 'type p' 'see nonpaged' 'gone ^ECfg' 'see ^Ring' 'type ppp' 'see ^ECfg' \
		'type /E?xt\r' 'gone ^Ring' 'see ^EExt' 'type \r' 'see Live blocks by call site' \
		'see 48 bytes' 'type \x1b' 'see ^EExt' 'type ?' 'see turn the order around' \
		'type z' 'type x' 'end 0'
}

# What ends it from outside, as a shutdown does or a terminal that is closed.
restores_the_terminal() {
	recorded
	keys 'see ^ECfg' 'signal TERM' 'end -15' && keys 'see ^ECfg' 'signal HUP' 'end -1' &&
		keys 'see ^ECfg' 'signal INT' 'end -2' && keys 'see ^ECfg' 'type \x03' 'end 0'
}

# Copies are somebody's evidence: no key changes them.
keeps_copies() {
	recorded
	cp -r "$WORK/files" "$WORK/kept"
	keys 'see ^ECfg' 'type v' 'see The verifier is on' 'type i' 'see is a copy: nothing' \
		'type q' 'end 0' && diff -r "$WORK/files" "$WORK/kept"
}

has_any_size() {
	recorded
	keys 'see ^ECfg' 'size 10 3' 'see ^rust_pool$|^rust_pool ' 'size 1 1' 'size 60 5' 'see ^Tag ' \
		'type \r' 'size 10 3' 'type ?' 'size 110 24' 'see turn the order around' 'type zq' 'end 0'
}

# In a shell of its own, as that offers it to who types.
completes() {
	local said

	# shellcheck disable=SC2016 # for the inner shell
	said=$(in_root bash -ec 'eval "$("$1" completions bash)"
		complete -p poolmon | grep -q -e "-F _poolmon"
		COMP_WORDS=(poolmon watch --li) COMP_CWORD=2
		_poolmon poolmon --li watch
		echo "${COMPREPLY[*]}"' bash "$POOLMON")
	echo "$said"
	[ "$said" = --limit ]
}

if ! cargo_can; then
	echo "ok poolmon # SKIP its crates cannot be fetched; make poolmon says why"
	exit
fi
tests
check "poolmon is built" builds
check "screen shows what grows" shows_what_grows
check "screen obeys keys" obeys_keys
check "screen leaves the terminal as it was" restores_the_terminal
check "screen changes no copies" keeps_copies
check "screen has any size" has_any_size
check "poolmon is static" is_static
check "bash completes what is typed" completes
