// SPDX-License-Identifier: GPL-2.0

//! Adapters and common buffers that are owned.
//!
//! They belong to a bound device: each case is run by the probe of a driver for QEMU's edu, which
//! is registered for as long as the case takes.

use crate::harness::{
    cases,
    check,
    check_eq,
    must,
    Raw,
    Test, //
};
use core::{
    mem::offset_of,
    ptr::null_mut, //
};
use kernel::{
    device::{
        Bound,
        Core,
        Device, //
    },
    dma::{
        Device as _,
        DmaMask, //
    },
    driver,
    module::this_module,
    pci,
    prelude::*,
    str::CString,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};
use rust_pool::{
    Adapter,
    Block,
    DescriptorRing, //
};

cases![
    adapter_owned,
    buffer_owned,
    buffer_outlives_adapter,
    registers_limit_a_buffer,
    accesses_within_bounds,
    ring_of_descriptors,
    ring_within_bounds,
    zeroed_on_allocation,
];

// SAFETY: `Vendor` is a transparent `u16`, and this one is the number of a vendor, QEMU.
const QEMU: pci::Vendor = unsafe { core::mem::transmute::<u16, pci::Vendor>(0x1234) };
const EDU_DEVICE: u32 = 0x11e8;

type Body = fn(&Test, &Device<Bound>);

/// The case that probe runs, and what it does.
static RAW: Atomic<*mut Raw> = Atomic::new(null_mut());
static BODY: Atomic<usize> = Atomic::new(0);
static RAN: Atomic<u32> = Atomic::new(0);

struct Probe;

kernel::pci_device_table!(
    TABLE,
    <Probe as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(QEMU, EDU_DEVICE), ())]
);

impl pci::Driver for Probe {
    type IdInfo = ();
    type Data<'bound> = Self;
    const ID_TABLE: pci::IdTable<Self::IdInfo> = &TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            // SAFETY: Nobody else uses the device.
            unsafe { pdev.dma_set_mask_and_coherent(DmaMask::new::<28>())? };
            // SAFETY: `with_device` set both, and waits for this in the case.
            let (body, t) = unsafe {
                (
                    core::mem::transmute::<usize, Body>(BODY.load(Relaxed)),
                    Test::from_raw(RAW.load(Relaxed)),
                )
            };
            body(&t, pdev.as_ref());
            RAN.store(1, Relaxed);
            Ok(try_init!(Self {}))
        })
    }
}

/// Runs `body` with the device bound.
pub(crate) fn with_device(t: &Test, body: Body) {
    RAW.store(t.as_raw(), Relaxed);
    BODY.store(body as usize, Relaxed);
    RAN.store(0, Relaxed);
    let driver = KBox::pin_init(
        driver::Registration::<pci::Adapter<Probe>>::new(
            c"rp_test_rust",
            this_module::<crate::LocalModule>(),
        ),
        GFP_KERNEL,
    );
    drop(must!(t, driver));
    check!(t, RAN.load(Relaxed) == 1);
}

fn adapter_owned(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 10_000));
        check_eq!(t, adapter.map_registers(), 4);
        drop(adapter);
        let adapter = must!(t, Adapter::new(device, 1));
        check_eq!(t, adapter.map_registers(), 2);
        check!(t, Adapter::new(device, 1 << 32).is_err());
    });
}

fn buffer_owned(t: &Test) {
    with_device(t, |t, device| {
        let before = t.family(c"adapters");
        let adapter = must!(t, Adapter::new(device, 65536));
        let buffer = must!(t, adapter.allocate(5000));
        let row = t.family(c"adapters");
        check_eq!(t, row.diff, before.diff + 1);
        check_eq!(t, row.bytes, before.bytes + 5000);
        check_eq!(t, row.used, before.used + 8192);
        check_eq!(t, buffer.len(), 5000);
        check_eq!(t, buffer.used(), 8192);
        // Within the mask that the driver set.
        check!(t, buffer.bus_address() + 4999 < 1 << 28);
        drop(buffer);
        check_eq!(t, t.family(c"adapters").diff, before.diff);
    });
}

fn buffer_outlives_adapter(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let one = must!(t, adapter.allocate(4096));
        let two = must!(t, adapter.allocate(8192));
        drop(adapter);
        // No violation: the buffers hold it.
        must!(t, one.write(0, 1u64));
        must!(t, two.write(8184, 2u64));
        check!(t, matches!(one.read::<u64>(0), Ok(1)));
        check!(t, matches!(two.read::<u64>(8184), Ok(2)));
    });
}

fn registers_limit_a_buffer(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 8192));
        check!(t, adapter.allocate(3 * 4096).is_ok());
        check!(t, adapter.allocate(3 * 4096 + 1).is_err());
        check!(t, adapter.allocate(usize::MAX).is_err());
        check!(t, adapter.allocate(1 << 32).is_err());
    });
}

fn accesses_within_bounds(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 8192));
        let buffer = must!(t, adapter.allocate(100));
        must!(t, buffer.write(96, 7u32));
        check!(t, matches!(buffer.read::<u32>(96), Ok(7)));
        check!(t, buffer.read::<u32>(100).is_err());
        check!(t, buffer.read::<u32>(98).is_err());
        check!(t, buffer.write(4092, 0u32).is_err());
        let mut bytes = [0u8; 101];
        check!(t, buffer.copy_to_slice(0, &mut bytes).is_err());
        must!(t, buffer.copy_to_slice(0, &mut bytes[..100]));
    });
}

fn zeroed_on_allocation(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        for _ in 0..3 {
            let buffer = must!(t, adapter.allocate(20_000));
            check!(
                t,
                (0..20_000).all(|at| matches!(buffer.read::<u8>(at), Ok(0)))
            );
            for at in 0..20_000 {
                must!(t, buffer.write(at, 0xa5u8));
            }
        }
    });
}

/// As a device would have it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq)]
struct Descriptor {
    address: u64,
    len: u16,
    flags: u16,
    owner: u32,
}

// SAFETY: Numbers without anything between them.
unsafe impl AsBytes for Descriptor {}
// SAFETY: As above.
unsafe impl FromBytes for Descriptor {}

fn ring_of_descriptors(t: &Test) {
    with_device(t, |t, device| {
        const LEN: usize = 300;
        let adapter = must!(t, Adapter::new(device, 65536));
        let ring = must!(t, DescriptorRing::<Descriptor>::new(&adapter, LEN));
        check_eq!(t, ring.len(), LEN);
        check_eq!(t, ring.buffer().len(), LEN * 16);
        let descriptor = |at: usize| Descriptor {
            address: at as u64 * 0x1_0001,
            len: at as u16,
            flags: 0x8000,
            owner: !at as u32,
        };
        let empty = Descriptor {
            address: 0,
            len: 0,
            flags: 0,
            owner: 0,
        };
        check!(
            t,
            (0..LEN).all(|at| matches!(ring.read(at), Ok(it) if it == empty))
        );
        for count in LEN..2 * LEN {
            must!(t, ring.write(ring.slot(count), descriptor(count - LEN)));
        }
        check!(
            t,
            (0..LEN).all(|at| matches!(ring.read(at), Ok(it) if it == descriptor(at)))
        );
        // Where the device looks for them.
        for at in [0, 1, LEN - 1] {
            let bus = must!(t, ring.bus_address_of(at));
            check_eq!(t, bus, ring.bus_address() + at as u64 * 16);
            let len = ring.buffer().read::<u16>(at * 16 + 8);
            check!(t, matches!(len, Ok(len) if usize::from(len) == at));
        }
        must!(t, ring.write_field(7, offset_of!(Descriptor, owner), 5u32));
        check!(
            t,
            matches!(ring.read(7), Ok(it) if it == Descriptor { owner: 5, ..descriptor(7) })
        );
        let flags = ring.read_field::<u16>(7, offset_of!(Descriptor, flags));
        check!(t, matches!(flags, Ok(0x8000)));
        let block = must!(t, Block::at(ring.buffer().as_ptr()).ok_or(ENOENT));
        check_eq!(t, block.bytes(), LEN * 16);
        let shown = must!(t, CString::try_from_fmt(fmt!("{ring:?} {adapter:?}")));
        let begin = b"DescriptorRing { len: 300, buffer: CommonBuffer { bus: 0x";
        check!(t, shown.to_bytes().starts_with(begin));
        // It outlives the adapter, as its buffer does.
        drop(adapter);
        must!(t, ring.write(0, empty));
    });
}

fn ring_within_bounds(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let ring = must!(t, DescriptorRing::<Descriptor>::new(&adapter, 10));
        check!(
            t,
            ring.read(10).is_err() && ring.bus_address_of(10).is_err()
        );
        check!(t, ring.read(usize::MAX / 16 + 1).is_err());
        let descriptor = must!(t, ring.read(9));
        check!(t, ring.write(10, descriptor).is_err());
        must!(t, ring.write(9, descriptor));
        check!(t, ring.write_field(9, 16, 0u8).is_err());
        check!(t, ring.write_field(9, 14, 0u32).is_err());
        check!(t, ring.write_field(9, 13, 0u16).is_err());
        check!(t, ring.read_field::<u32>(10, 12).is_err());
        check!(t, ring.read_field::<u32>(9, usize::MAX).is_err());
        check!(t, DescriptorRing::<Descriptor>::new(&adapter, 0).is_err());
        check!(
            t,
            DescriptorRing::<Descriptor>::new(&adapter, usize::MAX).is_err()
        );
        check!(
            t,
            DescriptorRing::<Descriptor>::new(&adapter, 65536).is_err()
        );
        check!(t, DescriptorRing::<()>::new(&adapter, 4).is_err());
        check_eq!(t, ring.slot(10), 0);
        check_eq!(t, ring.slot(usize::MAX), usize::MAX % 10);
    });
}
