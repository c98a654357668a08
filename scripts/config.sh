# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the project is built with and for; the only place that names versions.

# The kernel series that the code supports: the stock kernel is the newest of
# this series that the package index offers.
KERNEL_SERIES=7.3

# The flavours of Debian's kernel that it runs on, and the first series that Debian
# builds with CONFIG_RUST: the package index does not say.
KERNEL_FLAVOURS="amd64 cloud"
RUST_SINCE=7.2

# The Debian release whose toolchain built that kernel. Rust metadata is only
# good for the very compiler that wrote it, so another one will not do.
DEBIAN_RELEASE=trixie
DEBIAN_VERSION=13

# Raised when what kernel.sh makes of the same packages changes.
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

# The debug kernel: raised when what debug-kernel.sh makes of the same source and
# configuration changes. libclang, which bindgen uses, is of the same version.
DEBUG_RECIPE=1
DEBUG_LLVM=-19
DEBUG_PACKAGES=(clang-19 lld-19 llvm-19)

# The pictures and plots of Documentation/. They come with a new toolchain, and are added
# to one that was made without them.
DOC_PACKAGES=(gnuplot-nox graphviz)
