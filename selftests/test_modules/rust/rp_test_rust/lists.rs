// SPDX-License-Identifier: GPL-2.0

//! Scatter/gather lists that are owned. The addresses are the kernel's own memory, as there is no
//! IOMMU, and the driver has set a mask of 28 bits: what is above is copied.

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
        DMA_VERIFIER, //
    },
    mdl::RsMd, //
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
    MdlRef,
    Memory,
    Pages,
    PoolVec,
    ScatterGatherList, //
};

cases![
    elements_are_the_buffer,
    list_owns_its_mdl,
    list_outlives_adapter,
    written_by_the_device,
    read_by_the_device,
    registers_limit_a_list,
    in_atomic,
    hard_interrupt_reported,
    shown,
];

extern "C" {
    fn MmGetVirtualForPhysical(address: i64) -> *mut u8;
}

/// Where the kernel has what the device finds at an address.
pub(crate) fn behind(address: u64) -> *mut u8 {
    // SAFETY: It may be any address.
    unsafe { MmGetVirtualForPhysical(address as i64) }
}

/// All bytes are in the elements, each within the device's mask.
fn covers<M: MdlRef>(t: &Test, list: &ScatterGatherList<'_, M>, bytes: usize) -> bool {
    let mut all = 0;
    for element in list.elements() {
        if !check!(t, element.len != 0)
            || !check!(t, element.address + u64::from(element.len) <= 1 << 28)
        {
            return false;
        }
        all += element.len as usize;
    }
    check!(t, list.elements().len() >= 1) && check_eq!(t, all, bytes)
}

fn elements_are_the_buffer(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 1 << 20));
        let low = Bounds::ANY.highest((1 << 28) - 1);
        let memory: Contiguous = must!(t, Contiguous::new(20_000, low));
        let mdl = must!(t, Mdl::build(&memory));
        let list = must!(t, adapter.scatter_gather(&mdl, Direction::ToDevice));
        // Adjacent pages are one, and are where they are.
        check_eq!(t, list.elements().len(), 1);
        covers(t, &list, 20_000);
        let first = list.elements().next().map_or(0, |element| element.address);
        check_eq!(t, first, memory.physical_address());
        check!(t, list.direction() == Direction::ToDevice);
        check!(
            t,
            t.has_line(c"adapters", c"in_use 5 lists 1 buffers 0 open")
        );
        drop(list);
        check!(
            t,
            t.has_line(c"adapters", c"in_use 0 lists 0 buffers 0 open")
        );
        // Once more, for other pages.
        let pages = must!(t, Mdl::<Pages>::allocate(1 << 20, Bounds::ANY));
        let list = must!(t, adapter.scatter_gather(&pages, Direction::FromDevice));
        covers(t, &list, 1 << 20);
    });
}

fn list_owns_its_mdl(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 1 << 20));
        for bytes in [1, 5000, 70_000, 300_000] {
            let block = must!(t, PoolVec::<u8, RsMd>::zeroed(bytes, GFP_KERNEL));
            let mdl = must!(t, Mdl::build(block));
            let list = must!(t, adapter.scatter_gather(mdl, Direction::FromDevice));
            covers(t, &list, bytes);
            check_eq!(t, list.mdl().len(), bytes);
            check_eq!(t, t.nonpaged(c"RsMd").diff, 1);
            drop(list);
            check_eq!(t, t.nonpaged(c"RsMd").diff, 0);
        }
    });
}

fn list_outlives_adapter(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(20_000, Bounds::ANY));
        let list = must!(t, adapter.scatter_gather(pages, Direction::FromDevice));
        drop(adapter);
        // No violation: the list holds it.
        covers(t, &list, 20_480);
    });
}

/// Pages that the device reaches only by way of copies.
pub(crate) fn far() -> Result<Mdl<Pages>> {
    Mdl::allocate(8192, Bounds::ANY.lowest(1 << 28))
}

/// Calls with the kernel's address of each byte that the device finds.
fn each_byte<M: MdlRef>(list: &ScatterGatherList<'_, M>, mut f: impl FnMut(usize, *mut u8)) {
    let mut done = 0;
    for element in list.elements() {
        for at in 0..u64::from(element.len) {
            f(done, behind(element.address + at));
            done += 1;
        }
    }
}

/// Whether each byte is what the test wrote there.
pub(crate) fn is_counted(memory: &Memory) -> bool {
    (0..memory.len()).all(|at| matches!(memory.read::<u8>(at), Ok(is) if is == at as u8))
}

fn written_by_the_device(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let mapped = must!(t, must!(t, far()).map());
        let list = must!(t, adapter.scatter_gather(&mapped, Direction::FromDevice));
        each_byte(&list, |at, byte| {
            // SAFETY: It is memory of the list, for the device to write.
            unsafe { byte.write_volatile(at as u8) };
        });
        drop(list);
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
        let list = must!(t, adapter.scatter_gather(&mapped, Direction::ToDevice));
        let mut wrong = 0;
        each_byte(&list, |at, byte| {
            // SAFETY: It is memory of the list, for the device to read.
            wrong += u32::from(unsafe { byte.read_volatile() } != at as u8);
            // SAFETY: As above. Nobody else reads it.
            unsafe { byte.write_volatile(0) };
        });
        check_eq!(t, wrong, 0);
        drop(list);
        // What is written there does not come back.
        check!(t, is_counted(&mapped));
    });
}

fn registers_limit_a_list(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 8192));
        let pages = must!(t, Mdl::<Pages>::allocate(4 * 4096, Bounds::ANY));
        let list = adapter.scatter_gather(&pages, Direction::ToDevice);
        check!(t, matches!(list, Err(e) if e == ENOMEM));
        let few = must!(t, Mdl::<Pages>::allocate(3 * 4096, Bounds::ANY));
        let list = must!(t, adapter.scatter_gather(&few, Direction::ToDevice));
        // Each list may have as many.
        let more = adapter.scatter_gather(&few, Direction::ToDevice);
        check!(t, more.is_ok());
        drop((list, more));
        check!(t, adapter.scatter_gather(&few, Direction::ToDevice).is_ok());
    });
}

fn in_atomic(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(20_000, Bounds::ANY));
        for context in [Context::Spinlock, Context::RcuReadSide, Context::Softirq] {
            let mut list = None;
            t.in_context(context, || {
                list = adapter.scatter_gather(&pages, Direction::FromDevice).ok();
            });
            let made = must!(t, list.as_ref().ok_or(ENOMEM));
            covers(t, made, 20_480);
            t.in_context(context, || drop(list.take()));
        }
    });
}

fn hard_interrupt_reported(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(5000, Bounds::ANY));
        let mut refused = false;
        t.in_context(Context::HardInterrupt, || {
            let list = adapter.scatter_gather(&pages, Direction::FromDevice);
            refused = matches!(list, Err(e) if e == EINVAL);
        });
        check!(t, refused);
        check_violation!(t, DMA_VERIFIER, 0x13);
        let list = adapter.scatter_gather(&pages, Direction::FromDevice);
        let mut list = Some(must!(t, list));
        t.in_context(Context::HardInterrupt, || drop(list.take()));
        check_violation!(t, DMA_VERIFIER, 0x13);
    });
}

fn shown(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let pages = must!(t, Mdl::<Pages>::allocate(4096, Bounds::ANY));
        let list = must!(t, adapter.scatter_gather(pages, Direction::ToDevice));
        let text = must!(t, CString::try_from_fmt(fmt!("{list:?}")));
        let want = b"ScatterGatherList { ToDevice, elements: 1 }";
        check!(t, text.to_bytes() == want);
    });
}
