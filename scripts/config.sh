# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# The versions of the kernel and of the toolchain. No other file names them.

# The kernel series that the code supports. The stock kernel is the newest one of this
# series in the package index.
KERNEL_SERIES=7.3

# The flavours of Debian's kernel that are supported, and the first series that Debian
# built with CONFIG_RUST, which the package index does not tell.
KERNEL_FLAVOURS="amd64 cloud"
RUST_SINCE=7.2

# The Debian release whose toolchain built that kernel. No other will do: Rust metadata can
# only be read by the very compiler that wrote it.
DEBIAN_RELEASE=trixie
DEBIAN_VERSION=13

# Raise it when kernel.sh makes something else from the same packages.
KERNEL_RECIPE=1

KERNEL_CC=gcc-14

TOOLCHAIN_PACKAGES=(
	# the kernel's build, as Documentation/process/changes.rst has it
	bc bindgen bison flex gcc gcc-14 kmod libc6-dev libelf-dev libssl-dev
	make pahole perl python3 rust-src rustc xz-utils
	# the virtual machine
	busybox-static cpio qemu-system-x86
	# lint and documents
	git patch python3-sphinx rust-clippy rustfmt shellcheck
)

# The debug kernel. Raise DEBUG_RECIPE when debug-kernel.sh makes something else from the
# same source and configuration. LLVM has the version of libclang, which bindgen uses.
DEBUG_RECIPE=1
DEBUG_LLVM=-19
DEBUG_PACKAGES=(clang-19 lld-19 llvm-19)

# For the pictures and plots of Documentation/. A new toolchain has these packages; to one
# that was made without them they are added.
DOC_PACKAGES=(gnuplot-nox graphviz)

# What finds misspelt words; as above.
SPELLING_PACKAGES=(codespell)

# What poolmon is built with, besides the compiler; as above.
CARGO_PACKAGES=(cargo)

# The WDK's headers as mingw-w64 has them, and what reads them in a test.
MINGW_PACKAGES=(mingw-w64-common "python3-clang$DEBUG_LLVM")

# What reads poolmon's numbers in a test: only their programs are unpacked, in the cache.
PROMETHEUS_PACKAGES=(prometheus promtool prometheus-node-exporter)

# Likewise bpftrace. It uses the compiler's LLVM.
BPFTRACE_PACKAGES=(bpftrace libbpfcc)

# What loads are recorded with: programs with all that they depend on, and modules of the
# stock kernel.
RECORD_PROGRAMS=(fio e2fsprogs)
RECORD_MODULES=(e1000 nvme ext4)

# What reads a dump of memory in a test, and its libraries; unpacked in the cache as well.
DRGN_PACKAGES=(python3-drgn libkdumpfile10 liblzo2-2 libsnappy1v5)

# What draws the dashboard in a test, with all that these depend on; unpacked in a root of its own.
DRAW_PACKAGES=(base-files chromium coreutils dash fonts-dejavu-core fonts-inter nodejs npm)

# What kdump-tools uses, likewise: kexec, which wants to know of Xen, and makedumpfile.
KDUMP_PACKAGES=(kexec-tools makedumpfile liblzo2-2 libxenmisc4.20 libxencall1 libxendevicemodel1
	libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxentoolcore1 libxentoollog1)
