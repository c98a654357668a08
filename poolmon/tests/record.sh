#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# Prints the files in debugfs while the examples are loaded, for poolmon's tests, which read them
# from recorded/examples.txt. It runs in the virtual machine:
#
#   E=Documentation/examples; make client M=$E
#   make vm RUN=poolmon/tests/record.sh FILES="$E/c_client.ko $E/c_driver.ko $E/rust_client.ko"

stats=/sys/kernel/debug/rust_pool
{
	insmod rust_pool.ko
	echo "tracking tag=R*" >$stats/verifier
	echo dma >$stats/verifier
	insmod c_client.ko
	insmod c_driver.ko
	insmod rust_client.ko
} >/dev/null 2>&1
for file in tags contiguous noncached mdl_pages adapters summary violations sites verifier; do
	echo "==> $file <=="
	cat $stats/$file
done
