// SPDX-License-Identifier: GPL-2.0

//! Pages of a process that are locked by an owned memory descriptor list.

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
        DRIVER_VERIFIER, //
    },
    lists::behind, //
};
use kernel::{
    prelude::*,
    str::CString,
    uaccess::UserPtr, //
};
use rust_pool::{
    Adapter,
    Direction,
    Mdl,
    MdlPage,
    MdlState,
    ReadOnly,
    ReadOnlyMemory,
    ReadWrite,
    User, //
};

cases![
    what_a_process_gives,
    what_a_process_gets,
    outlives_the_buffer,
    access_checked,
    no_buffer,
    locked_in_atomic_reported,
    dropped_in_atomic,
    for_a_device,
    shown,
];

const BYTES: usize = 3 * 4096;

/// Memory of this process, with another byte in each page.
fn memory() -> Result<UserMemory> {
    let memory = UserMemory::new(BYTES)?;
    let all = (0..3).all(|page| memory.put(page * 4096 + 100, page as u8 + 1));
    all.then_some(memory).ok_or(EFAULT)
}

/// Whether the pages have the bytes of a buffer that begins at `offset` and ends with a page.
fn in_pages<S: MdlState>(t: &Test, mdl: &Mdl<S>, offset: usize) -> bool {
    let want = |page: usize, frame| MdlPage {
        frame,
        offset: if page == 0 { offset } else { 0 },
        len: if page == 0 { 4096 - offset } else { 4096 },
    };
    let frames = mdl.frames();
    check_eq!(t, frames.len(), 3)
        && check_eq!(t, mdl.pages().len(), 3)
        && mdl
            .pages()
            .zip(frames)
            .enumerate()
            .all(|(page, (is, &frame))| {
                check!(t, is == want(page, frame)) && check_eq!(t, frame as u64, is.frame as u64)
            })
}

fn what_a_process_gives(t: &Test) {
    let before = t.nonpaged(c"Mdl ");
    let memory = must!(t, memory());
    let mdl = must!(
        t,
        Mdl::<User<ReadOnly>>::lock_user(memory.at(100), BYTES - 100)
    );
    check_eq!(t, mdl.len(), BYTES - 100);
    check_eq!(t, mdl.offset(), 100);
    in_pages(t, &mdl, 100);
    let mapped = must!(t, mdl.map());
    check_eq!(t, mapped.as_ptr() as usize % 4096, 100);
    check_eq!(t, ReadOnlyMemory::len(&mapped), BYTES - 100);
    for page in 0..3 {
        check!(
            t,
            matches!(mapped.read::<u8>(page * 4096), Ok(is) if is == page as u8 + 1)
        );
    }
    // It is the same memory, not a copy.
    check!(t, memory.put(8192 + 100, 77));
    let mut bytes = [0; 2];
    must!(t, mapped.copy_to_slice(8191, &mut bytes));
    check!(t, bytes == [0, 77]);
    check!(t, mapped.read::<u8>(BYTES - 100).is_err());
    check!(t, mapped.copy_to_slice(BYTES - 101, &mut bytes).is_err());
    // Once more, from the start.
    let mapped = must!(t, mapped.unmap().map());
    check!(t, matches!(mapped.read::<u8>(8192), Ok(77)));
    drop(mapped);
    check_eq!(t, t.nonpaged(c"Mdl ").diff, before.diff);
}

fn what_a_process_gets(t: &Test) {
    let memory = must!(t, memory());
    let mdl = must!(t, Mdl::<User<ReadWrite>>::lock_user(memory.at(0), BYTES));
    in_pages(t, &mdl, 0);
    let mapped = must!(t, mdl.map());
    check!(t, matches!(mapped.read::<u8>(4096 + 100), Ok(2)));
    must!(t, mapped.write(4096 + 100, 9u8));
    must!(t, mapped.fill(8192, 4096, 8));
    check!(t, memory.get(4096 + 100) == Some(9));
    drop(mapped);
    check!(
        t,
        memory.get(8192) == Some(8) && memory.get(BYTES - 1) == Some(8)
    );
}

fn outlives_the_buffer(t: &Test) {
    let memory = must!(t, memory());
    let mdl = must!(t, Mdl::<User<ReadOnly>>::lock_user(memory.at(0), BYTES));
    drop(memory);
    let mapped = must!(t, mdl.map());
    for page in 0..3 {
        let at = page * 4096 + 100;
        check!(
            t,
            matches!(mapped.read::<u8>(at), Ok(is) if is == page as u8 + 1)
        );
    }
}

/// Whether neither access is allowed. It is no violation.
fn is_refused(at: UserPtr, bytes: usize) -> bool {
    matches!(Mdl::<User<ReadOnly>>::lock_user(at, bytes), Err(e) if e == EFAULT)
        && matches!(Mdl::<User<ReadWrite>>::lock_user(at, bytes), Err(e) if e == EFAULT)
}

fn access_checked(t: &Test) {
    let constant = must!(t, UserMemory::read_only(BYTES));
    check!(
        t,
        Mdl::<User<ReadOnly>>::lock_user(constant.at(0), BYTES).is_ok()
    );
    let written = Mdl::<User<ReadWrite>>::lock_user(constant.at(0), BYTES);
    check!(t, matches!(written, Err(e) if e == EFAULT));
    // The last page is not there.
    let mut memory = must!(t, memory());
    memory.shorten(8192);
    check!(t, is_refused(memory.at(0), BYTES));
    // It is the kernel's, nobody's, or not in the address space.
    let kernel = must!(t, KBox::new([0u64; 8], GFP_KERNEL));
    check!(
        t,
        is_refused(UserPtr::from_addr(kernel.as_ptr() as usize), 64)
    );
    check!(t, is_refused(UserPtr::from_addr(0), 1));
    check!(t, is_refused(UserPtr::from_addr(usize::MAX - 3), 8));
}

fn no_buffer(t: &Test) {
    let memory = must!(t, memory());
    for bytes in [0, 1 << 32] {
        let refused = Mdl::<User<ReadOnly>>::lock_user(memory.at(0), bytes);
        check!(t, matches!(refused, Err(e) if e == EINVAL));
    }
}

fn locked_in_atomic_reported(t: &Test) {
    let memory = must!(t, memory());
    for context in [Context::Spinlock, Context::Softirq, Context::HardInterrupt] {
        let mut refused = false;
        t.in_context(context, || {
            let locked = Mdl::<User<ReadOnly>>::lock_user(memory.at(0), BYTES);
            refused = matches!(locked, Err(e) if e == EINVAL);
        });
        check!(t, refused);
        check_violation!(t, DRIVER_VERIFIER, 0x70);
    }
}

fn dropped_in_atomic(t: &Test) {
    let memory = must!(t, memory());
    let lock = || Mdl::<User<ReadWrite>>::lock_user(memory.at(0), BYTES);
    for context in [Context::Spinlock, Context::RcuReadSide, Context::Softirq] {
        let mut mapped = Some(must!(t, must!(t, lock()).map()));
        t.in_context(context, || drop(mapped.take()));
    }
    let mut locked = Some(must!(t, lock()));
    t.in_context(Context::HardInterrupt, || drop(locked.take()));
    check_violation!(t, DRIVER_VERIFIER, 0x78);
}

fn for_a_device(t: &Test) {
    with_device(t, |t, device| {
        let adapter = must!(t, Adapter::new(device, 65536));
        let memory = must!(t, memory());
        let given = must!(t, Mdl::<User<ReadOnly>>::lock_user(memory.at(0), BYTES));
        check!(
            t,
            adapter.scatter_gather(&given, Direction::ToDevice).is_ok()
        );
        let written = adapter.scatter_gather(&given, Direction::FromDevice);
        check!(t, matches!(written, Err(e) if e == EINVAL));
        drop(written);
        // So it is where it is mapped.
        let given = must!(t, given.map());
        let written = adapter.scatter_gather(&given, Direction::FromDevice);
        check!(t, matches!(written, Err(e) if e == EINVAL));
        let got = must!(t, Mdl::<User<ReadWrite>>::lock_user(memory.at(0), BYTES));
        let list = must!(t, adapter.scatter_gather(got, Direction::FromDevice));
        let first = must!(t, list.elements().next().ok_or(EINVAL));
        // SAFETY: It is memory of the list, for the device to write.
        unsafe { behind(first.address).write_volatile(5) };
        drop(list);
        check!(t, memory.get(0) == Some(5));
    });
}

fn shown(t: &Test) {
    let memory = must!(t, memory());
    let mdl = must!(t, Mdl::<User<ReadOnly>>::lock_user(memory.at(7), 5000));
    let text = must!(t, CString::try_from_fmt(fmt!("{mdl:?}")));
    check!(t, text.to_bytes() == b"Mdl { offset: 7, len: 5000 }");
    let mapped = must!(t, mdl.map());
    let text = must!(t, CString::try_from_fmt(fmt!("{:?}", *mapped)));
    check!(t, text.to_bytes().starts_with(b"ReadOnlyMemory { at: "));
    check!(t, text.to_bytes().ends_with(b", len: 5000 }"));
}
