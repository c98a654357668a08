# SPDX-License-Identifier: GPL-2.0
#
# Reads the kernel log in the format of /dev/kmsg, and writes a line to the file "verdict"
# for each splat that no test provoked. A test that provokes one writes to the log before
# and after it: "rust_pool-selftest: expect begin", "... expect end".

function complain(what) {
	print (program ? program ": " : "") what >verdict
}

BEGIN { printf "" >verdict }

# Continuation lines of a record are its dictionary, not text.
/^ / { next }
{ sub(/^[^;]*;/, "") }

# The machine hangs, and vm.sh is asking for its stacks: ignore the rest.
/^sysrq: Changing Loglevel/ { exit }

/^rust_pool-selftest: run / { program = $3; expected = 0; next }
/^rust_pool-selftest: end / {
	if (expected)
		complain("expect begin without an end")
	program = ""
	next
}
/^rust_pool-selftest: expect begin/ { expected = 1; next }
/^rust_pool-selftest: expect end/ { expected = 0; next }
/^rust_pool-selftest: last/ { last = 1; next }

expected { next }

# Messages of checkers about themselves, at boot.
/^kmemleak: (Kernel memory leak detector initialized|Automatic memory scanning thread)/ { next }
/^DMA-API: (preallocated|debugging enabled)/ { next }
/RCU lockdep checking is enabled/ { next }

# A line for each of these is enough: the rest of a splat follows it in the log.
/WARNING: |BUG: |BUG |kernel BUG at|Oops|Call Trace:|general protection|lockdep|INFO: (possible|suspicious|rcu|task|trying)|(possible|inconsistent).*lock|UBSAN|KASAN|DMA-API:|Bad page|bad page|pagealloc: |page allocation failure|Out of memory|oom-kill|refcount_t:|ODEBUG|corruption|turning off the locking|Disabling lock debugging|unchecked MSR|kmemleak:|cut here|blocked for more|soft lockup|hard LOCKUP/ {
	if (said[program]++ < 10)
		complain($0)
}

END {
	if (!last)
		complain("the log is incomplete: the machine ended early")
}
