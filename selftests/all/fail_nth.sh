#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Every allocation inside module load, each routine of both APIs, and dma_demo's
# probe, failed one after the other until none is left to fail: by the kernel's
# own fault injection. What fails says so, and nothing is left of it. With FAIL_EVERY
# it is only every so many-th allocation of load and probe.
# vm-kernel: debug
# vm-own: what a failed allocation costs the kernel elsewhere is not to disturb others

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/faults.sh
. "$DIR/lib/faults.sh"

# More allocations than any of them has.
MOST=20000
# Of the allocations, every so many-th.
STEP=${FAIL_EVERY:-1}

# sweep COMMAND...: runs "COMMAND... N" for N from 1, until nothing fails in it
sweep() {
	_nth=1
	_refused=0
	while [ $_nth -le $MOST ]; do
		_before=$(failures)
		"$@" $_nth
		_status=$?
		if [ $_status -gt 1 ]; then
			echo "# after failure $_nth"
			return 1
		fi
		_refused=$((_refused + _status))
		if [ "$(failures)" -eq "$_before" ]; then
			echo "# up to $((_nth - 1)) allocations failed: refused $_refused times"
			# It must have come to something, and the last must do.
			[ $_nth -gt 1 ] && [ $_status -eq 0 ]
			return
		fi
		_nth=$((_nth + STEP))
	done
	echo "# no end after $MOST"
	return 1
}

nothing_of_it() {
	[ ! -e "$STATS" ] && ! grep rust_pool /proc/slabinfo | sed 's/^/# left: /' | grep .
}

# marked NTH REST COMMAND...: has the N-th allocation of the command fail, and with
# REST 1 all that follow; to be called in a process of its own
marked() {
	echo "$2" >/proc/self/make-it-fail && echo "$1" >/proc/self/fail-nth || exit 1
	shift 2
	"$@"
}

# 0: loaded all the same, 1: refused, 2: not as it should be. One that is refused
# insmod tries once more by another system call, which fails where the rest does.
load_nth() {
	_file=$(module_file rust_pool)
	if (marked "$3" "$2" exec insmod "$_file" magazines="$1") 2>/dev/null; then
		rmmod rust_pool && nothing_of_it || return 2
		return 0
	fi
	! loaded rust_pool && nothing_of_it || return 2
	return 1
}

# Only what runs in the module's init: the loader's own failures are not ours.
loads() {
	faults_beneath do_one_initcall && sweep load_nth "$1" "$2"
	_swept=$?
	faults_anywhere && [ $_swept -eq 0 ] && [ "$_refused" -ge "$2" ]
}

# With a slab cache for each size it has very many; of these some.
loads_with_caches() {
	STEP=1009
	loads 0 1
	_swept=$?
	STEP=${FAIL_EVERY:-1}
	return $_swept
}

bind_here() {
	echo "${EDU##*/}" >/sys/bus/pci/drivers/dma_demo/bind
}

bind_nth() {
	(marked "$2" "$1" bind_here) 2>/dev/null
	if [ -e "$EDU/driver" ]; then
		echo "${EDU##*/}" >"$EDU/driver/unbind" && idle || return 2
		return 0
	fi
	idle || return 2
	return 1
}

idle() {
	no_family_live && no_tag_live
}

probes() {
	echo 0 >/sys/bus/pci/drivers_autoprobe
	# An interrupt that could not be entered in the kernel's tree of them is
	# given out all the same, and the kernel oopses.
	load dma_demo && faults_beneath pci_device_probe &&
		faults_spare __irq_alloc_descs && sweep bind_nth "$1"
	_swept=$?
	echo 1 >/sys/bus/pci/drivers_autoprobe
	faults_anywhere && unload dma_demo && [ $_swept -eq 0 ] && [ "$_refused" -gt 0 ]
}

[ -e /proc/self/fail-nth ] || skip_all "no fault injection in this kernel"
begin rp_test rp_test_failing rp_test_rust dma_demo
prepare_faults || skip_all "fault injection is not as this needs it"
load_or_fail rust_pool rp_test rp_test_failing rp_test_rust
cases failing rust_failing >"$TMP/cases"
find_edu
ktap_set_plan $(($(wc -l <"$TMP/cases") + 8 + ENDS))

echo "rust_pool-selftest: expect begin" >/dev/kmsg
run_cases
if [ -n "$EDU" ]; then
	check "dma_demo's probe, one allocation failed" probes 0
	check "dma_demo's probe, all from one on failed" probes 1
else
	ktap_test_skip "dma_demo's probe, one allocation failed"
	ktap_test_skip "dma_demo's probe, all from one on failed"
fi
check "modules unload before the sweeps of load" unload_all
check "load, one allocation failed" loads 1 0
check "load, all from one on failed" loads 1 1
check "load with slab caches, some failed" loads_with_caches
check "nothing leaked" nothing_leaked
echo "rust_pool-selftest: expect end" >/dev/kmsg
check "nothing in the log but what the kernel says of its failures" only_allowed_dumps
log_mark "ends"
BEGIN=$MARK
ends
