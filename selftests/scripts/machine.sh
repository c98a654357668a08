# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For a test of the scripts that boots a machine in the background, behind lib.sh: where its logs
# are, and that it ends with the test. The test sets machine to the process of vm.sh, which is a
# process group together with QEMU.

LOGS=$WORK/logs
# shellcheck disable=SC2034 # for the test
CONSOLE=$LOGS/console
machine=

end() {
	trap '' INT TERM
	if [ -n "$machine" ]; then
		kill -- "-$machine"
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			kill -0 -- "-$machine" || break
			sleep 0.5
		done
		kill -9 -- "-$machine"
	fi >/dev/null 2>&1
	rm -rf "$WORK"
}
trap end EXIT
