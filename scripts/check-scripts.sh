#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-scripts.sh [--check] [PROGRAM...]: tests the scripts themselves, by the programs in
# selftests/scripts or those named. With --check it only checks whether such programs exist.
# Most of these boot no virtual machine. The last line is "N passed, N failed", and
# ", N skipped" if any was.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

check=
[ "${1:-}" != --check ] || { check=y; shift; }
programs=("$@")
if [ $# -eq 0 ]; then
	programs=(messages.sh lint.sh layers.sh rules.sh widths.sh install.sh runner.sh wdk.sh
		borrows.sh native.sh poolmon.sh poolmon_live.sh traces.sh crash.sh crash_dump.sh)
fi
for program in "${programs[@]}"; do
	[ -x "$TOP/selftests/scripts/$program" ] ||
		die "TESTS: no such program in selftests/scripts: $program"
done
[ -z "$check" ] || exit 0
setup_ensure
results=$(mktemp "${TMPDIR:-/tmp}/rust_pool-scripts.XXXXXX")
trap 'rm -f "$results"' EXIT
for program in "${programs[@]}"; do
	status=0
	"$TOP/selftests/scripts/$program" 2>&1 | tee "$results.out" || status=$?
	sed -n 's/^ok .* # SKIP /skip\t/p; t; s/^ok /pass\t/p; s/^not ok /fail\t/p' "$results.out" |
		sed "s/\t/\t$program: /" >>"$results"
	if [ "$status" -ne 0 ] && ! grep -q '^not ok ' "$results.out" ||
		! grep -qE '^(not )?ok ' "$results.out"; then
		printf 'fail\t%s: ended with status %s\n' "$program" "$status" >>"$results"
	fi
	rm "$results.out"
done

echo
sed -n 's/^fail\t/FAILED: /p' "$results"
passed=$(grep -c '^pass' "$results" || true)
failed=$(grep -c '^fail' "$results" || true)
skipped=$(grep -c '^skip' "$results" || true)
sed -n 's/^skip\t/skipped: /p' "$results"
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
