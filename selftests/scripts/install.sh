#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make install below a root of its own; a client built against what is there alone;
# modprobe in a virtual machine that has it; make uninstall.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

setup_ensure
release=$(cat "$KERNEL_BUILD/include/config/kernel.release")
root=$WORK/root
config=$root/usr/bin/rust_pool-config

listing() {
	(cd "$root" && find . -printf '%p %y\n' | sort)
}

# install_to ROOT [VARIABLE=VALUE...]: what "make install" does when all is built;
# stripped, for compressing takes most of the time
install_to() {
	local to=$1
	shift

	env INSTALL_MOD_PATH="$to" INSTALL_MOD_STRIP=1 "$@" "$TOP/scripts/install.sh"
}

# A root that has a kernel of that release, as far as depmod looks, and things of others.
make_root() {
	mkdir -p "$root/lib/modules/$release/kernel" "$root/usr/src" "$root/usr/bin" "$root/etc"
	touch "$root/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} \
		"$root/usr/bin/other"
	in_root depmod -b "$root" "$release"
	listing >"$WORK/before"
}

make_key() {
	VISIBLE=$WORK in_root openssl req -new -x509 -newkey rsa:2048 -nodes -days 2 \
		-subj "/CN=The owner of the machine/" -outform DER \
		-keyout "$WORK/$1.key" -out "$WORK/$1.crt"
}

# info FIELD: of the module in the root
info() {
	VISIBLE=$WORK in_root modinfo -b "$root" -k "$release" -F "$1" rust_pool
}

# Nothing is shown that looks like a failure.
quiet_install() {
	make -C "$TOP" install INSTALL_MOD_PATH="$root" >"$WORK/out" 2>&1 ||
		{ cat "$WORK/out"; return 1; }
	cat "$WORK/out"
	! grep -iE 'warning|error|ssl|missing|skipping' "$WORK/out" &&
		grep -q "not signed" "$WORK/out" &&
		grep -q "^updates/rust_pool.ko" "$root/lib/modules/$release/modules.dep" &&
		[ -f "$root/usr/src/rust_pool-$release/librust_pool.rmeta" ] &&
		[ -z "$(info signer)" ] && [ "$(info name)" = rust_pool ]
}

no_demo() {
	! listing | grep dma_demo && ! grep dma_demo "$root/lib/modules/$release/modules.alias"
}

on_request() {
	install_to "$root" DEMO=1 && listing | grep -q /dma_demo.ko &&
		[ "$(grep -c dma_demo "$root/lib/modules/$release/modules.alias")" -eq 1 ] &&
		grep -q '^alias pci:v00001234d000011E8sv\*sd\*bc\*sc\*i\* dma_demo$' \
			"$root/lib/modules/$release/modules.alias"
}

not_any_more() {
	install_to "$root" && no_demo
}

signs() {
	make_key own || return
	install_to "$root" DEMO=1 SIGN_KEY="$WORK/own.key" SIGN_CERT="$WORK/own.crt" || return
	info signer
	[ "$(info signer)" = "The owner of the machine" ] && [ "$(info sig_hashalgo)" = sha256 ]
}

# A key that is not the certificate's installs nothing else in its place.
wrong_key() {
	local status=0

	make_key other || return
	listing >"$WORK/unchanged"
	install_to "$root" SIGN_KEY="$WORK/own.key" SIGN_CERT="$WORK/other.crt" \
		>"$WORK/out" 2>&1 || status=$?
	cat "$WORK/out"
	listing | cmp - "$WORK/unchanged" &&
		[ "$status" -ne 0 ] && grep -q "^rust_pool: error: cannot sign with $WORK/own.key" "$WORK/out"
}

no_certificate() {
	refused 'certificate is wanted as well, SIGN_CERT=' install_to "$root" SIGN_KEY="$WORK/own.key"
}

no_such_key() {
	refused "SIGN_KEY: cannot read $WORK/none" \
		install_to "$root" SIGN_KEY="$WORK/none" SIGN_CERT="$WORK/own.crt"
}

answers() {
	local dir=$root/usr/src/rust_pool-$release
	local wdk=$dir/include/rust_pool/wdk

	[ "$("$config" --kernels)" = "$release" ] &&
		[ "$("$config" --kernel "$release" --dir)" = "$dir" ] &&
		[ "$("$config" --kernel "$release" --kdir)" = "$KERNEL_BUILD" ] &&
		[ -f "$("$config" --kernel "$release" --kbuild)" ] &&
		[ -f "$("$config" --kernel "$release" --symvers)" ] &&
		[ "$("$config" --kernel "$release" --cflags)" = "-I$dir/include" ] &&
		[ "$("$config" --kernel "$release" --wdk-cflags)" = \
			"-I$dir/include -I$wdk -include $wdk/rust_pool_first.h" ] &&
		[ -f "$dir/include/rust_pool/wdm.h" ] &&
		! "$config" --kernel 1.2.3 --cflags && ! "$config" --nothing && ! "$config"
}

# The examples, copied away, with the one line that the documents name; the checkout is
# not mentioned.
builds_client() {
	local modules

	mkdir "$WORK/client" &&
		cp "$TOP/Documentation/examples"/{Kbuild,*.c,*.rs} "$WORK/client" || return
	rm -f "$WORK/client"/*.mod.c
	modules=$(find "$WORK/client" -name '*.c' -o -name '*.rs' | wc -l)
	echo "include \$(shell $config --kernel \$(KERNELRELEASE) --kbuild)" \
		>>"$WORK/client/Kbuild"
	VISIBLE=$WORK in_root make -C "$("$config" --kernel "$release" --kdir)" \
		M="$WORK/client" "${KERNEL_MAKE[@]}" CONFIG_DEBUG_INFO_BTF_MODULES= \
		-j "$JOBS" >"$WORK/out" 2>&1 || { cat "$WORK/out"; return 1; }
	cat "$WORK/out"
	! grep -iE 'warning|error' "$WORK/out" && ! grep -F "$TOP/" "$WORK/client"/.*.cmd &&
		[ "$(find "$WORK/client" -name '*.ko' | wc -l)" -eq "$modules" ]
}

# bad_tag_refused USE: a tag of seven letters is an error, of which the first place is the
# client's own line, with the statement USE in it
bad_tag_refused() {
	rm -rf "$WORK/tagbad"
	mkdir "$WORK/tagbad" || return
	cat >"$WORK/tagbad/tagbad.rs" <<-END
		// SPDX-License-Identifier: GPL-2.0
		//! A tag that is too long.
		use kernel::prelude::*;
		use rust_pool::*;

		module! { type: Client, name: "tagbad", authors: ["a"], description: "d", license: "GPL", }
		pool_tag!(Bad = "toolong");

		struct Client;

		impl kernel::Module for Client {
		    fn init(_module: &'static ThisModule) -> Result<Self> {
		        $1
		        Ok(Client)
		    }
		}
	END
	{
		echo 'obj-m := tagbad.o'
		echo "include \$(shell $config --kernel \$(KERNELRELEASE) --kbuild)"
	} >"$WORK/tagbad/Kbuild"
	! VISIBLE=$WORK in_root make -C "$("$config" --kernel "$release" --kdir)" \
		M="$WORK/tagbad" "${KERNEL_MAKE[@]}" CONFIG_DEBUG_INFO_BTF_MODULES= \
		-j "$JOBS" >"$WORK/out" 2>&1 || { cat "$WORK/out"; return 1; }
	cat "$WORK/out"
	sed -n '/^error/,$s/^ *--> //p' "$WORK/out" | head -n 1 | grep -q '\(^\|/\)tagbad.rs:7:'
}

refuses_bad_tag() {
	bad_tag_refused '' && bad_tag_refused 'PoolBox::<u8, Bad>::new(1, GFP_KERNEL)?;'
}

cleans_client() {
	make -C "$TOP" client-clean M="$WORK/client" || return
	[ -z "$(find "$WORK/client" -name '*.ko' -o -name '*.o')" ] &&
		[ -e "$WORK/client/Kbuild" ] && [ -n "$(find "$WORK/client" -name '*.rs')" ]
}

# kmod as it is on a Debian system, and what is installed.
machine_files() {
	local tools=$WORK/tools tool library

	mkdir -p "$tools/kmod"
	for tool in modprobe depmod modinfo; do
		VISIBLE=$WORK in_root cp -L /bin/kmod "$tools/kmod/$tool" || return
	done
	VISIBLE=$WORK in_root ldd /bin/kmod | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$tools$(dirname "$library")" &&
			VISIBLE=$WORK in_root cp -L "$library" "$tools$library"
	done
	mkdir "$WORK/clients" && cp "$WORK/client"/{c,rust}_client.ko "$WORK/clients"
}

modprobes() {
	machine_files || return
	cat >"$WORK/run.sh" <<-'END'
		cp -r tools/* / && cp -r root/* /
		PATH=/kmod:$PATH
		rm -f *.ko
		step() {
			"$@" || { echo "FAILED: $*"; exit 1; }
		}
		in_kernel() {
			[ -d "/sys/module/$1" ]
		}
		wanted=0
		for device in /sys/bus/pci/devices/*; do
			alias=$(cat "$device/modalias")
			if [ "$(cat "$device/vendor") $(cat "$device/device")" = "0x1234 0x11e8" ]; then
				wanted=$alias
			else
				# As udev would.
				modprobe -q "$alias"
			fi
		done
		in_kernel dma_demo && { echo "FAILED: dma_demo by another's alias"; exit 1; }
		step modprobe rust_pool
		step in_kernel rust_pool
		step insmod clients/c_client.ko
		step insmod clients/rust_client.ko
		step rmmod rust_client c_client
		step modprobe -r rust_pool
		step modprobe "$wanted"
		step in_kernel dma_demo
		step in_kernel rust_pool
		step modprobe -r dma_demo rust_pool
		mkdir -p /etc/modprobe.d
		sed 's/^#options/options/' root/usr/share/doc/rust_pool/examples/modprobe.d/rust_pool.conf \
			>/etc/modprobe.d/rust_pool.conf
		step modprobe rust_pool
		for is in "verifier=tracking tag=*;policy panic # panic_on_violation" panic_on_violation=Y; do
			file=/sys/module/rust_pool/parameters/${is%%=*}
			[ "$(cat "$file" | paste -s -d ';' -)" = "${is#*=}" ] ||
				{ echo "FAILED: the example for modprobe.d: $(cat "$file")"; exit 1; }
		done
		step modprobe -r rust_pool
		dmesg | grep -i 'rust_pool\|dma_demo'
		echo "ALL DONE"
	END
	QEMU_ARGS="-device virtio-rng-pci -device virtio-balloon-pci" FILES="$WORK/tools $root $WORK/clients" \
		"$TOP/scripts/vm.sh" "$WORK/run.sh" >"$WORK/out" 2>&1
	cat "$WORK/out"
	grep -q "^ALL DONE" "$WORK/out" && ! grep -E "FAILED|WARNING|BUG" "$WORK/out"
}

uninstall() {
	env INSTALL_MOD_PATH="$root" "$@" "$TOP/scripts/uninstall.sh"
}

# Another kernel's stays whole, with what both use.
leaves_others() {
	local other=$root/usr/src/rust_pool-other

	mkdir "$other" &&
		printf '%s\n' "# rust_pool - installed: version 1" usr/bin/rust_pool-config \
			usr/src/rust_pool-other/ >"$other/installed" &&
		uninstall RELEASE="$release" && [ -x "$config" ] &&
		[ "$("$config" --kernels)" = other ] && ! listing | grep "rust_pool-$release"
}

removes_all() {
	uninstall && listing | diff "$WORK/before" - &&
		! grep rust_pool "$root/lib/modules/$release/modules.dep"
}

nothing_there() {
	refused "rust_pool is not installed below $root" uninstall
}

# The list is data of a root that others may write to.
odd_list() {
	mkdir -p "$root/usr/src/rust_pool-odd"
	printf '%s\n' "# rust_pool - installed: version 1" ../outside \
		>"$root/usr/src/rust_pool-odd/installed"
	touch "$WORK/outside"
	refused "names files elsewhere: nothing is removed" uninstall && [ -e "$WORK/outside" ] &&
		rm -r "$root/usr/src/rust_pool-odd"
}

# Nothing was there before, so nothing is left; and a path with a blank is none to build in.
empty_root() {
	local own="$WORK/a root"

	install_to "$own" && [ -f "$own/lib/modules/$release/modules.dep" ] &&
		make -C "$TOP" uninstall INSTALL_MOD_PATH="$own" &&
		[ -z "$(ls -A "$own")" ]
}

make_root
check "installs without alarm" quiet_install
check "no demo unless it is asked for" no_demo
check "the demo on request, for its device" on_request
check "no demo when it is not asked for any more" not_any_more
check "signs with a key of one's own" signs
check "a key that is not the certificate's" wrong_key
check "a key without its certificate" no_certificate
check "a key that is not there" no_such_key
check "says how to build against it" answers
check "a client without the checkout" builds_client
check "a bad tag is an error at the client's line" refuses_bad_tag
check "modprobe" modprobes
check "a client is cleaned" cleans_client
check "uninstall leaves what another kernel has" leaves_others
check "uninstall removes the rest" removes_all
check "nothing to uninstall" nothing_there
check "a list with odd lines" odd_list
check "an empty root is empty again" empty_root
