#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The verifier's rules for DMA and for pool in hard interrupts, and what it knows
# of adapters and common buffers. What leaks here leaks until the next boot.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/control.sh
. "$DIR/lib/control.sh"

reads_back() {
	option dma && is "$(options)" dma && option irql &&
		is "$(options | tr '\n' ';')" 'dma;irql;' &&
		option 'tracking tag=A*' &&
		is "$(options | tr '\n' ';')" 'tracking tag=A*;dma;irql;' || return 1
	cat "$STATS/verifier" >"$TMP/saved"
	option off && is "$(options)" off && cat "$TMP/saved" >"$STATS/verifier" &&
		is "$(options)" "$(sed 1,3d "$TMP/saved")" || return 1
	log_mark "bad line"
	! { option 'dma tag=*'; } 2>/dev/null &&
		logged 'rust_pool: verifier: line 1, "dma tag=\*": .*expected: the word alone' &&
		option off && is "$(options)" off && is "$(head_of on)" 0
}

# holds OPTION SUITE...: cases that pass with the option set
holds() {
	option off && option "$1" || return 1
	shift
	cases "$@" | grep -v -- '-one_register_a_page$' >"$TMP/cases"
	[ -s "$TMP/cases" ] && suite_holds && option off
}

bind() {
	echo "${EDU##*/}" >/sys/bus/pci/drivers/dma_demo/bind
}

unbind() {
	echo "${EDU##*/}" >"$EDU/driver/unbind"
}

nothing_live() {
	is "$(stat_of adapters diff)" 0 && is "$(head_of tracked)" 0 &&
		! grep '^adapter ' "$STATS/adapters"
}

# dma_demo breaks no rule, and all that it holds is listed.
demo_is_clean() {
	printf 'tracking tag=*\ndma\nirql\n' >"$STATS/verifier" || return 1
	_before=$(violations)
	bind || return 1
	for _memory in 'EduX Nonp' 'EduC Paged' '- adapter' '- common' '- contiguous' '- noncached'; do
		grep -q "^$_memory .*\[dma_demo\] < " "$STATS/live" || {
			echo "# not listed: $_memory"
			sed 's/^/# /' "$STATS/live"
			return 1
		}
	done
	unbind && is "$(violations)" "$_before" && nothing_live && option off
}

# Each request of dma_demo's probe, adapter and common buffer among them.
demo_bears_failures() {
	_nth=1
	_failed=
	while :; do
		option off
		_done=$(head_of injected)
		option "fail nth=$_nth"
		if bind 2>/dev/null; then
			break
		fi
		is "$(head_of injected)" $((_done + 1)) && nothing_live || return 1
		_failed="$_failed $(tail -n 1 "$STATS/injected" | awk '{ print $4 "," $5 }')"
		tail -n 1 "$STATS/injected" | grep -q '\[dma_demo\] < ' || return 1
		_nth=$((_nth + 1))
		[ $_nth -lt 20 ] || return 1
	done
	options | grep -q ' 1 to go$' || return 1
	unbind && option off &&
		is "$_failed" ' EduX,Nonp EduC,Paged -,adapter -,common -,contiguous -,noncached'
}

# Buffers are freed as they were allocated, whatever is on by then.
option_changes() {
	_before=$(violations)
	option dma && run keep common 3 && option off && is "$(head_of on)" 0 && run drop &&
		run keep common 3 && option dma && run drop && option off &&
		is "$(violations)" "$_before" && is "$(stat_of adapters diff)" 0 || return 1
	option dma && run keep common && run overrun && option off && run drop &&
		is "$(violations)" $((_before + 1)) && run keep common && run overrun &&
		option dma && run drop && option off && is "$(violations)" $((_before + 1))
}

# The log says whose the buffer is, and the file has the report.
overrun_told() {
	log_mark overrun
	option dma && run keep common && run overrun && run drop && option off &&
		logged 'rust_pool: DRIVER_VERIFIER_DMA_VIOLATION \(0xe6\): 0xf, 0x5, 0x[0-9a-f]{16}, 0x[0-9a-f]{16}: .* wrote behind a common buffer, called from rptv_free_common\+' &&
		logged 'rust_pool: +the first byte after its 7000 bytes, allocated at rptv_allocate_common\+.*\[rp_test_verifier\]' &&
		tail -n 1 "$STATS/violations" | grep -q ' 0xe6 0xf 0x5 .*rptv_free_common+'
}

at_load() {
	unload dma_demo rp_test_rust rp_test_dma rp_test_pool rp_test rust_pool &&
		load rust_pool 'verifier="dma;irql"' &&
		is "$(options | tr '\n' ';')" 'dma;irql;' && load rp_test && load rp_test_verifier &&
		run keep common && run overrun && run drop && is "$(violations)" 1 && option off
}

# An adapter that nobody puts is told with its stack, and its buffers with theirs.
leaks_told() {
	option 'tracking tag=*' && log_mark leaks && insmod "$(module_file rp_test_leak)" common=2 &&
		is "$(grep -c '^- adapter .*leak_common+.*\[rp_test_leak\] < ' "$STATS/live")" 1 &&
		rmmod rp_test_leak &&
		logged 'rust_pool: +left by rp_test_leak: 2 blocks, 14000 bytes, adapters 1' &&
		logged 'rust_pool: +tracked adapter: 1, by leak_common\+.*\[rp_test_leak\] < ' &&
		logged 'rust_pool: +tracked common: 2 blocks, 14000 bytes, by leak_common\+.*\[rp_test_leak\] < ' &&
		logged 'rust_pool: +leaked adapter .* got at leak_common\+' && option off
}

need_edu
begin rp_test rp_test_dma rp_test_pool rp_test_rust rp_test_verifier rp_test_leak dma_demo
echo 0 >/sys/bus/pci/drivers_autoprobe
load_or_fail rust_pool rp_test rp_test_dma rp_test_pool rp_test_rust dma_demo
echo 1 >/sys/bus/pci/drivers_autoprobe
option dma
cases dma_checks >"$TMP/cases"
ktap_set_plan $(($(wc -l <"$TMP/cases") + 10 + ENDS))

run_cases
check "rules: read back" reads_back
check "dma: what holds without holds with it" holds dma dma
log_limit_passes
load rp_test_verifier
check "dma: overrun told" overrun_told
check "dma: option changes under a buffer" option_changes
unload rp_test_verifier
check "irql: pool in hard interrupts" holds irql irql rust_irql
check "irql: nothing is reported without" holds 'tracking tag=*' contexts rust_collections
check "dma_demo breaks no rule" demo_is_clean
check "dma_demo bears each failure" demo_bears_failures
check "rules: at load" at_load
check "tracking: leaked adapters told by place" leaks_told
kmemleak_forget
ends
