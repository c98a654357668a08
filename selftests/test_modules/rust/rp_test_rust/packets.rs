// SPDX-License-Identifier: GPL-2.0

//! Packets of map registers that are owned. As in `lists.rs`, addresses are the kernel's own
//! memory, and what is above 28 bits is copied.

use crate::{
    common_buffers::with_device,
    harness::{
        cases,
        check,
        check_eq,
        check_violation,
        must,
        Context,
        Test,
        UserMemory,
        DMA_VERIFIER, //
    },
    lists::{
        behind,
        far,
        is_counted, //
    },
    mdl::{
        scattered,
        RsMd, //
    }, //
};
use kernel::{
    prelude::*,
    str::CString, //
};
use rust_pool::{
    Adapter,
    Bounds,
    Contiguous,
    Direction,
    Mdl,
    NotTransferred,
    Pages,
    PoolVec,
    ReadOnly,
    User, //
};

cases![
    all_of_a_buffer,
    piece_by_piece,
    as_many_as_registers,
    mdl_given_back,
    several_packets,
    written_by_the_device,
    read_by_the_device,
    read_only_not_written,
    outside_refused,
    registers_limited,
    dropped_while_mapped,
    in_atomic,
    hard_interrupt_reported,
    shown,
];

/// Whether the adapter has no map registers in use.
fn idle(t: &Test) -> bool {
    check!(
        t,
        t.has_line(c"adapters", c"in_use 0 lists 0 buffers 0 open")
    )
}

fn low(bytes: usize) -> Result<Contiguous> {
    Contiguous::new(bytes, Bounds::ANY.highest((1 << 28) - 1))
}

fn all_of_a_buffer(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let memory = must!(t, low(20_000));
        let mdl = must!(t, Mdl::build(&memory));
        let packet = must!(t, adapter.packet(5));
        check_eq!(t, packet.map_registers(), 5);
        let transfer = must!(t, packet.map(&mdl, 0, 20_000, Direction::ToDevice));
        check_eq!(t, transfer.address(), memory.physical_address());
        check_eq!(t, transfer.len(), 20_000);
        check!(t, transfer.direction() == Direction::ToDevice);
        check_eq!(t, transfer.mdl().len(), 20_000);
        check_eq!(t, transfer.map_registers(), 5);
        // The same, and then another piece.
        let (packet, mdl) = transfer.flush();
        let transfer = must!(t, packet.map(mdl, 0, 20_000, Direction::FromDevice));
        check!(t, transfer.direction() == Direction::FromDevice);
        let (packet, mdl) = transfer.flush();
        let transfer = must!(t, packet.map(mdl, 5000, 100, Direction::ToDevice));
        check_eq!(t, transfer.address(), memory.physical_address() + 5000);
        check_eq!(t, transfer.len(), 100);
        drop(transfer);
        idle(t);
    });
}

fn piece_by_piece(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 1 << 20));
        let mapped = must!(t, must!(t, scattered().ok_or(ENOMEM)).map());
        for at in (0..1 << 20).step_by(512) {
            must!(t, mapped.write(at, at));
        }
        let mut packet = must!(t, adapter.packet(256));
        let (mut done, mut pieces, mut wrong) = (0, 0, 0);
        while done < mapped.len() {
            let rest = mapped.len() - done;
            let transfer = must!(t, packet.map(&mapped, done, rest, Direction::ToDevice));
            for at in (0..transfer.len()).step_by(512) {
                let there: *const usize = behind(transfer.address() + at as u64).cast();
                // SAFETY: It is memory of the transfer, for the device to read.
                wrong += usize::from(unsafe { there.read_volatile() } != done + at);
            }
            (done, pieces) = (done + transfer.len(), pieces + 1);
            (packet, _) = transfer.flush();
        }
        check_eq!(t, done, 1 << 20);
        check_eq!(t, wrong, 0);
        check!(t, pieces > 1);
        drop(packet);
        idle(t);
    });
}

fn as_many_as_registers(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let memory = must!(t, low(20_000));
        let mdl = must!(t, Mdl::build(&memory));
        let (mut packet, mut done) = (must!(t, adapter.packet(2)), 100);
        for len in [8192 - 100, 8192, 20_000 - 16_384] {
            let rest = 20_000 - done;
            let transfer = must!(t, packet.map(&mdl, done, rest, Direction::ToDevice));
            check_eq!(t, transfer.len(), len);
            check_eq!(
                t,
                transfer.address(),
                memory.physical_address() + done as u64
            );
            done += len;
            (packet, _) = transfer.flush();
        }
        check_eq!(t, done, 20_000);
    });
}

fn mdl_given_back(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let mut block = must!(t, PoolVec::<u8, RsMd>::zeroed(10_000, GFP_KERNEL));
        block[9999] = 4;
        let mdl = must!(t, Mdl::build(block));
        let packet = must!(t, adapter.packet(3));
        let transfer = must!(t, packet.map(mdl, 9000, 1000, Direction::ToDevice));
        let (packet, mdl) = transfer.flush();
        let block = mdl.into_buffer();
        check_eq!(t, block[9999], 4);
        // A part may be mapped as well.
        let pages = must!(t, Mdl::<Pages>::allocate(20_000, Bounds::ANY));
        let part = must!(t, pages.part(5000, 10_000));
        let transfer = must!(t, packet.map(part, 100, 10, Direction::ToDevice));
        check_eq!(t, transfer.address() % 4096, 5100 % 4096);
        drop(transfer);
        // What a transfer owns is dropped with it.
        check_eq!(t, t.nonpaged(c"RsMd").diff, 1);
        let mdl = must!(t, Mdl::build(block));
        let packet = must!(t, adapter.packet(3));
        drop(must!(t, packet.map(mdl, 0, 10_000, Direction::FromDevice)));
        check_eq!(t, t.nonpaged(c"RsMd").diff, 0);
    });
}

fn several_packets(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let memory = must!(t, low(8192));
        let mdl = must!(t, Mdl::build(&memory));
        let (one, two) = (must!(t, adapter.packet(2)), must!(t, adapter.packet(2)));
        let three = must!(t, adapter.packet(1));
        let one = must!(t, one.map(&mdl, 0, 8192, Direction::ToDevice));
        let two = must!(t, two.map(&mdl, 0, 8192, Direction::ToDevice));
        // They outlive the adapter's owner.
        drop(adapter);
        drop(three);
        check_eq!(t, one.address(), two.address());
        let (one, mdl) = one.flush();
        check_eq!(t, two.len(), 8192);
        let one = must!(t, one.map(mdl, 4096, 4096, Direction::ToDevice));
        check_eq!(t, one.address(), two.address() + 4096);
    });
}

fn written_by_the_device(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let mapped = must!(t, must!(t, far()).map());
        let (mut packet, mut done) = (must!(t, adapter.packet(2)), 0);
        while done < 8192 {
            let rest = 8192 - done;
            let transfer = must!(t, packet.map(&mapped, done, rest, Direction::FromDevice));
            for at in 0..transfer.len() {
                // SAFETY: It is memory of the transfer, for the device to write.
                unsafe { behind(transfer.address() + at as u64).write_volatile((done + at) as u8) };
            }
            done += transfer.len();
            (packet, _) = transfer.flush();
        }
        check!(t, is_counted(&mapped));
    });
}

fn read_by_the_device(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let mapped = must!(t, must!(t, far()).map());
        for at in 0..8192 {
            must!(t, mapped.write(at, at as u8));
        }
        let packet = must!(t, adapter.packet(2));
        let transfer = must!(t, packet.map(&mapped, 100, 50, Direction::ToDevice));
        let first = behind(transfer.address());
        // SAFETY: It is memory of the transfer, for the device to read. Nobody else reads it.
        let is = unsafe { first.read_volatile() };
        check_eq!(t, is, 100);
        // SAFETY: As above.
        unsafe { first.write_volatile(0) };
        drop(transfer);
        // What is written there does not come back.
        check!(t, is_counted(&mapped));
    });
}

fn read_only_not_written(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let memory = must!(t, UserMemory::new(8192));
        let mdl = must!(t, Mdl::<User<ReadOnly>>::lock_user(memory.at(0), 8192));
        let packet = must!(t, adapter.packet(2));
        let refused = packet.map(mdl, 0, 8192, Direction::FromDevice).err();
        let NotTransferred { packet, mdl, error } = must!(t, refused.ok_or(EINVAL));
        check!(t, error == EINVAL);
        check!(t, packet.map(mdl, 0, 8192, Direction::ToDevice).is_ok());
    });
}

fn outside_refused(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let memory = must!(t, low(5000));
        let mdl = must!(t, Mdl::build(&memory));
        let mut packet = must!(t, adapter.packet(2));
        for (offset, bytes) in [
            (0, 0),
            (0, 5001),
            (4999, 2),
            (5000, 1),
            (1, usize::MAX),
            (usize::MAX, 1),
        ] {
            let refused = packet.map(&mdl, offset, bytes, Direction::ToDevice).err();
            let not = must!(t, refused.ok_or(EINVAL));
            check!(t, not.error == EINVAL);
            packet = not.packet;
        }
        check!(t, packet.map(&mdl, 4999, 1, Direction::ToDevice).is_ok());
    });
}

fn registers_limited(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 8192));
        let most = adapter.map_registers();
        check!(t, matches!(adapter.packet(0), Err(e) if e == EINVAL));
        check!(t, matches!(adapter.packet(most + 1), Err(e) if e == ENOMEM));
        // Each packet may have as many.
        let packets = (adapter.packet(most), adapter.packet(most));
        check!(t, packets.0.is_ok() && packets.1.is_ok());
    });
}

fn dropped_while_mapped(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(20_000, Bounds::ANY));
        for _ in 0..3 {
            let packet = must!(t, adapter.packet(5));
            check!(
                t,
                t.has_line(c"adapters", c"in_use 5 lists 0 buffers 0 open")
            );
            drop(must!(
                t,
                packet.map(&pages, 0, 20_000, Direction::FromDevice)
            ));
            idle(t);
        }
    });
}

fn in_atomic(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(20_000, Bounds::ANY));
        for context in [Context::Spinlock, Context::RcuReadSide, Context::Softirq] {
            let mut bytes = 0;
            t.in_context(context, || {
                let Ok(packet) = adapter.packet(1) else {
                    return;
                };
                if let Ok(transfer) = packet.map(&pages, 5000, 9000, Direction::FromDevice) {
                    bytes = transfer.len();
                    drop(transfer.flush());
                }
            });
            check_eq!(t, bytes, 8192 - 5000);
            idle(t);
        }
    });
}

fn hard_interrupt_reported(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(4096, Bounds::ANY));
        let mut refused = false;
        t.in_context(Context::HardInterrupt, || {
            refused = matches!(adapter.packet(1), Err(e) if e == EINVAL);
        });
        check!(t, refused);
        check_violation!(t, DMA_VERIFIER, 0x13);
        let (mut packet, mut not) = (Some(must!(t, adapter.packet(1))), None);
        t.in_context(Context::HardInterrupt, || {
            not = packet
                .take()
                .and_then(|packet| packet.map(&pages, 0, 4096, Direction::ToDevice).err());
        });
        check_violation!(t, DMA_VERIFIER, 0x13);
        let not = must!(t, not.ok_or(EINVAL));
        check!(t, not.error == ENOMEM);
        let transfer = not.packet.map(&pages, 0, 4096, Direction::ToDevice);
        let mut transfer = Some(must!(t, transfer));
        let mut flushed = None;
        t.in_context(Context::HardInterrupt, || {
            flushed = transfer.take().map(|transfer| transfer.flush().0);
        });
        check_violation!(t, DMA_VERIFIER, 0x13);
        t.in_context(Context::HardInterrupt, || drop(flushed.take()));
        check_violation!(t, DMA_VERIFIER, 0x13);
        idle(t);
    });
}

fn shown(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let memory = must!(t, low(4096));
        let mdl = must!(t, Mdl::build(&memory));
        let packet = must!(t, adapter.packet(3));
        let text = must!(t, CString::try_from_fmt(fmt!("{packet:?}")));
        check!(t, text.to_bytes() == b"Packet { registers: 3 }");
        let transfer = must!(t, packet.map(mdl, 0, 100, Direction::FromDevice));
        let text = must!(t, CString::try_from_fmt(fmt!("{transfer:?}")));
        check!(
            t,
            text.to_bytes() == b"Packet { registers: 3, FromDevice, len: 100 }"
        );
    });
}
