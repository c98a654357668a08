#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a client of the Rust API must not compile, as the types forbid it: a part that
# outlives its source, a view of space that is gone, a write of what may only be read.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/borrows"
echo 'obj-m := borrows.o' >"$WORK/borrows/Kbuild"

# client LINE...: a client with a function of these lines, to which everything is given
client() {
	cat >"$WORK/borrows/borrows.rs" <<-END
		// SPDX-License-Identifier: GPL-2.0
		//! A client.
		use kernel::{prelude::*, uaccess::UserPtr};
		use rust_pool::*;
		module! {
		    type: Client,
		    name: "borrows",
		    authors: ["The rust_pool authors"],
		    description: "a client",
		    license: "GPL",
		}
		struct Client;
		impl kernel::Module for Client {
		    fn init(_: &'static ThisModule) -> Result<Self> {
		        Ok(Self)
		    }
		}
		pool_tag!(pub Brrw = "Brrw");
		type Space = MappingAddress<Brrw>;
		/// Is given everything.
		pub fn function(
		    at: UserPtr,
		    adapter: &Adapter<'_>,
		    mut pages: Mdl<Pages>,
		    mut others: Mdl<Pages>,
		    mut space: Space,
		) -> Result {
		    let to = Direction::ToDevice;
		    let _ = (at, adapter, &mut pages, &mut others, &mut space, to);
		    $(printf '%s\n' "$@")
		    Ok(())
		}
	END
}

# The first is built as clients are. The others are compiled by the same command.
right() {
	client "$@"
	"$TOP/scripts/client.sh" "$WORK/borrows" || return
	COMMAND=$(sed -n '1s/^savedcmd_[^=]*:= *//p' "$WORK/borrows/.borrows.o.cmd")
	COMMAND=$(sed 's#--emit=[^ ]*##g; s# --crate-type# --emit=metadata&#' <<<"${COMMAND%%;*}")
}

# compiles: what the compiler says is printed
compiles() {
	cd "$WORK/borrows" && VISIBLE=$WORK in_root sh -c "export RUSTC_BOOTSTRAP=1; $COMMAND"
}

# wrong CODE LINE...: a client that does not compile, for this one reason
wrong() {
	local code=$1
	shift

	client "$@"
	if compiles >"$WORK/compiler" 2>&1; then
		echo "it compiles"
		return 1
	fi
	sed 's/^/| /' "$WORK/compiler"
	[ "$(sed -n 's/^error\[\(E[0-9]*\)\]:.*/\1/p' "$WORK/compiler" | sort -u)" = "$code" ]
}

# Nothing of it is wrong. What is forbidden below is allowed here, in another order.
check "what is right compiles" right \
	'let part = pages.part(0, 10)?;' \
	'let inner = part.part(0, 5)?;' \
	'let _ = (inner.len(), part.len());' \
	'let view = space.map(&mut pages)?;' \
	'view.write(0, 1u8)?;' \
	'let part = view.part(0, 10)?;' \
	'part.write(0, 1u8)?;' \
	'drop(view);' \
	'let view = space.map(&mut others)?;' \
	'drop(view);' \
	'drop(space);' \
	'let given = Mdl::<User<ReadOnly>>::lock_user(at, 10)?.map()?;' \
	'let _: u8 = given.read(0)?;' \
	'let got = Mdl::<User<ReadWrite>>::lock_user(at, 10)?.map()?;' \
	'got.write(0, 1u8)?;' \
	'let transfer = adapter.packet(1)?.map(&pages, 0, 10, to)?;' \
	'let _ = transfer.address();' \
	'let (packet, _) = transfer.flush();' \
	'let transfer = packet.map(&pages, 0, 10, to)?;' \
	'drop(transfer);' \
	'pages.map()?.write(0, 1u8)?;'
[ -n "${COMMAND:-}" ] || exit 1
check "the source of a part is not dropped" wrong E0505 \
	'let part = pages.part(0, 10)?;' 'drop(pages);' 'let _ = part.len();'
check "nor mapped" wrong E0505 \
	'let part = pages.part(0, 10)?;' 'let mapped = pages.map()?;' 'let _ = (part.len(), mapped.len());'
check "nor unmapped" wrong E0505 \
	'let mapped = pages.map()?;' 'let part = mapped.part(0, 10)?;' 'let pages = mapped.unmap();' \
	'let _ = (part.len(), pages.len());'
check "nor does it give its buffer back" wrong E0505 \
	'let block = PoolVec::<u8, Brrw>::zeroed(10, GFP_KERNEL)?;' 'let mdl = Mdl::lock(block)?;' \
	'let part = mdl.part(0, 10)?;' 'let block = mdl.into_buffer();' 'let _ = (part.len(), block.len());'
check "nor is that of a part of a part" wrong E0505 \
	'let part = pages.part(0, 10)?;' 'let inner = part.part(0, 5)?;' 'drop(part);' 'let _ = inner.len();'
check "two MDLs are not mapped in one space" wrong E0499 \
	'let one = space.map(&mut pages)?;' 'let two = space.map(&mut others)?;' 'let _ = (one.len(), two.len());'
check "space is not dropped with a view" wrong E0505 \
	'let view = space.map(&mut pages)?;' 'drop(space);' 'let _ = view.len();'
check "nor is the MDL" wrong E0505 \
	'let view = space.map(&mut pages)?;' 'drop(pages);' 'let _ = view.len();'
check "what may only be read is not written" wrong E0599 \
	'let given = Mdl::<User<ReadOnly>>::lock_user(at, 10)?.map()?;' 'given.write(0, 1u8)?;'
check "nor are its parts" wrong E0599 \
	'let given = Mdl::<User<ReadOnly>>::lock_user(at, 10)?.map()?;' 'given.part(0, 5)?.write(0, 1u8)?;'
check "nor is it where space was reserved" wrong E0599 \
	'let mut given = Mdl::<User<ReadOnly>>::lock_user(at, 10)?;' 'space.map(&mut given)?.write(0, 1u8)?;'
check "what is not mapped is not read" wrong E0599 \
	'let _: u8 = pages.part(0, 10)?.read(0)?;'
check "a packet that maps nothing has no address" wrong E0599 \
	'let _ = adapter.packet(1)?.address();'
check "a packet that maps something does not map more" wrong E0382 \
	'let packet = adapter.packet(1)?;' 'let one = packet.map(&pages, 0, 10, to)?;' \
	'let two = packet.map(&pages, 10, 10, to)?;' 'let _ = (one.len(), two.len());'
check "an MDL is not dropped while a packet maps it" wrong E0505 \
	'let transfer = adapter.packet(1)?.map(&pages, 0, 10, to)?;' 'drop(pages);' 'let _ = transfer.len();'
