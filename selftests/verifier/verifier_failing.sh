#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The verifier without memory for itself: what is asked for is given all the same,
# unrecorded or with less around it, and counted. By the kernel's fault injection.
# vm-kernel: debug
# vm-own: what a failed allocation costs the kernel elsewhere is not to disturb others

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/control.sh
. "$DIR/lib/control.sh"
# shellcheck source=selftests/lib/faults.sh
. "$DIR/lib/faults.sh"

# What has a record was forgotten when it was freed; what has none was counted.
untracked_counted() {
	_untracked=$(head_of untracked)
	echo "# $_untracked without a record"
	[ "$_untracked" -gt 0 ] && is "$(head_of tracked)" 0 && is "$(rows live)" 0
}

# Once the options are gone so is the branch: no block is waited for in vain.
goes_off() {
	option off && is "$(head_of on)" 0
}

[ -e /proc/self/fail-nth ] || skip_all "no fault injection in this kernel"
begin rp_test rp_test_failing rp_test_rust
prepare_faults || skip_all "fault injection is not as this needs it"
load_or_fail rust_pool rp_test rp_test_failing rp_test_rust
_c=$CASES_DIR/failing
_rust=$CASES_DIR/rust_failing
for _file in "$_c"/*-nonpaged_24 "$_c"/*-paged_5000 "$_c"/*-nonpaged_1M \
	"$_c"/*-contiguous_20000 "$_c"/*-adapter "$_c"/*-common_buffer_20000 \
	"$_c"/*-common_buffer_4M "$_rust"/*-boxes "$_rust"/*-common_buffer; do
	echo "$_file"
done >"$TMP/cases"
ktap_set_plan $(($(wc -l <"$TMP/cases") + 4 + ENDS))

echo "rust_pool-selftest: expect begin" >/dev/kmsg
printf 'tracking tag=*\ndma\n' >"$STATS/verifier"
run_cases
check "tracking: what has no record is counted" untracked_counted
check "tracking: off when nothing is left" goes_off
check "nothing leaked" nothing_leaked
echo "rust_pool-selftest: expect end" >/dev/kmsg
check "nothing in the log but what the kernel says of its failures" only_allowed_dumps
log_mark "ends"
BEGIN=$MARK
ends
