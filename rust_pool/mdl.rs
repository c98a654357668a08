// SPDX-License-Identifier: GPL-2.0

//! Memory descriptor lists: a header that says where a buffer is, and its page frame numbers.
//!
//! Drivers write both, so a routine must check what could harm others. Facts that have to be
//! reliable are kept elsewhere: the size of the pool block says how long the list may be.
//!
//! WDK: "MmBuildMdlForNonPagedPool", "IoBuildPartialMdl".

pub(crate) mod allocate;
pub(crate) mod free;
pub(crate) mod lock;
pub(crate) mod map;
pub(crate) mod own_pages;
pub(crate) mod pages;
pub(crate) mod protect;
pub(crate) mod reserved;
pub(crate) mod view;

use crate::{
    lib::{
        argument::Passed,
        export::{
            export_symbol_gpl,
            matches_header, //
        }, //
    },
    pool::lookup,
    report::{
        rule,
        violation::{
            Parameter,
            Rule, //
        }, //
    },
    sys::{
        self,
        raw,
        Frame,
        Locker,
        PAGE_SIZE, //
    },
    types::{
        memory_type::{
            Known,
            MemoryType, //
        },
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use core::{
    cell::Cell,
    marker::PhantomData,
    mem::size_of,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::prelude::*;

/// Shown as `Mdl `, as on Windows.
const TAG: u32 = u32::from_be_bytes(*b" ldM");
/// The bytes of an MDL without its frames.
pub(crate) const HEAD: usize = size_of::<raw::MDL>();
const FRAME: usize = size_of::<raw::PFN_NUMBER>();
/// The largest `Size`, which stands for all that are larger.
const LARGEST: usize = 0x7ff8;
/// Where the kernel's half of the address space begins.
pub(crate) const SYSTEM_SPACE: usize = 1 << 63;

/// The bits of `MdlFlags`.
pub(crate) mod flag {
    use crate::sys::raw;

    // CAST: They are 16 bits, all positive but the last, which nobody uses.
    pub(crate) const MAPPED: u16 = raw::MDL_MAPPED_TO_SYSTEM_VA as u16;
    pub(crate) const LOCKED: u16 = raw::MDL_PAGES_LOCKED as u16;
    pub(crate) const NONPAGED: u16 = raw::MDL_SOURCE_IS_NONPAGED_POOL as u16;
    pub(crate) const FIXED: u16 = raw::MDL_ALLOCATED_FIXED_SIZE as u16;
    pub(crate) const PARTIAL: u16 = raw::MDL_PARTIAL as u16;
    pub(crate) const PARTIAL_MAPPED: u16 = raw::MDL_PARTIAL_HAS_BEEN_MAPPED as u16;
    pub(crate) const WRITE: u16 = raw::MDL_WRITE_OPERATION as u16;
    pub(crate) const IO_SPACE: u16 = raw::MDL_IO_SPACE as u16;
}

/// How many pages so many bytes at an address lie in.
pub(crate) fn span(addr: usize, bytes: usize) -> usize {
    let rest = (addr % PAGE_SIZE).saturating_add(bytes % PAGE_SIZE);
    (bytes / PAGE_SIZE).saturating_add(rest.div_ceil(PAGE_SIZE))
}

/// An MDL of a client, during the call of a routine.
///
/// # Invariants
///
/// For `'call` it is an MDL that nobody else uses, or a block of pool as large as one, which its
/// owner gives up. If it is no block of pool, it has as much room as its `Size` says. If its pages
/// are locked, it has the frame of each, and its owner unlocks them only when they are not mapped
/// any more. For a partial MDL that is the owner of its source.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Mdl<'call>(NonNull<raw::MDL>, PhantomData<&'call raw::MDL>);

/// Null, or an MDL.
// SAFETY: `Mdl` is a transparent pointer that is not null, so `None` is null.
unsafe impl Passed<*mut raw::MDL> for Option<Mdl<'_>> {}

/// Some of the frames of an MDL, as far as there are so many.
pub(crate) fn some_of(frames: &[Frame], first: usize, count: usize) -> &[Frame] {
    let rest = frames.get(first..).unwrap_or_default();
    rest.get(..count).unwrap_or(rest)
}

impl<'call> Mdl<'call> {
    /// The MDL that a routine was given; NULL is a violation.
    pub(crate) fn given(mdl: Option<Self>, caller: usize) -> Option<Self> {
        if mdl.is_none() {
            rule::MDL_NULL.by(caller, []).report();
        }
        mdl
    }

    /// The MDL in the block of pool at an address, if one begins there. Its owner gives it up. Any
    /// context, any address.
    pub(crate) fn of_block(addr: usize) -> Option<Self> {
        // INVARIANT: As checked.
        NonNull::new(addr as *mut raw::MDL)
            .map(|mdl| Self(mdl, PhantomData))
            .filter(|mdl| mdl.block().is_some())
    }

    /// Where it has its head.
    fn cell(&self) -> &'call Cell<raw::MDL> {
        // SAFETY: By the type invariant its head may be read and written, and nobody else uses it.
        // A `Cell` has the layout of what it contains.
        unsafe { self.0.cast().as_ref() }
    }

    /// The head.
    pub(crate) fn head(&self) -> raw::MDL {
        self.cell().get()
    }

    pub(crate) fn set_head(&self, head: raw::MDL) {
        self.cell().set(head);
    }

    pub(crate) fn addr(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// The first so many frames behind the head, if there is room for as many, as far as that is
    /// known. The client may have written anything there.
    pub(crate) fn frames(&self, count: usize) -> Option<&'call [Frame]> {
        let first = self.0.as_ptr().wrapping_add(1).cast();
        self.has_room_for(count).then(|| {
            // SAFETY: There is room for them, by the size of the block of pool that the MDL is. If
            // it is none, there is, by the type invariant, as much as it says; and nobody else uses
            // it. A cell has the layout of a number, and others may have the same cells.
            unsafe { core::slice::from_raw_parts(first, count) }
        })
    }

    /// The block of pool that contains the MDL, if it begins there.
    fn block(&self) -> Option<Known> {
        if sys::irql().is_nmi() {
            return None;
        }
        lookup::find(self.addr()).filter(|known| is_pool(known) && known.bytes >= HEAD)
    }

    /// The tag of the block of pool that contains it, if one does. Any address.
    pub(crate) fn tag(&self) -> Option<Tag> {
        self.block()?.tag
    }

    /// Whether it is in a block that a routine allocated for an MDL. Any address.
    pub(crate) fn is_allocated(&self) -> bool {
        self.tag() == Some(Tag::from_raw(TAG))
    }

    /// Whether there is room for so many frames, as far as that is known.
    pub(crate) fn has_room_for(&self, frames: usize) -> bool {
        let size = match self.block() {
            Some(block) => block.bytes,
            None => match usize::try_from(self.head().Size) {
                Ok(size) if size < LARGEST => size,
                Ok(_) => return true,
                Err(_) => 0,
            },
        };
        size.saturating_sub(HEAD) / FRAME >= frames
    }

    /// The MDL that keeps its pages locked: this one, or for a partial MDL its source.
    pub(crate) fn locker(&self) -> Locker {
        let head = self.head();
        if flags_of(&head) & flag::PARTIAL == 0 {
            Locker::mdl(self.addr())
        } else {
            Locker::from_bits(head.Reserved)
        }
    }

    /// Its flags.
    pub(crate) fn flags(&self) -> u32 {
        flags_of(&self.head()).into()
    }

    /// Reports that it breaks a rule whose parameters are the MDL, its flags, and one more.
    pub(crate) fn report(&self, rule: &Rule<3>, last: impl Into<Parameter>, caller: usize) {
        self.report_with(rule, last, caller, || ());
    }

    /// Like [`Self::report`]. If the violation is logged, `say` prints more lines.
    pub(crate) fn report_with(
        &self,
        rule: &Rule<3>,
        last: impl Into<Parameter>,
        caller: usize,
        say: impl FnOnce(),
    ) {
        let given = [(*self).into(), self.flags().into(), last.into()];
        rule.by(caller, given).report_with(say);
    }
}

impl From<Mdl<'_>> for Parameter {
    fn from(mdl: Mdl<'_>) -> Self {
        Self::Address(mdl.addr())
    }
}

/// The first MDL of a chain, or a later one.
///
/// # Invariants
///
/// The chain ends. For `'call` nobody else uses its MDLs, which keep to the invariants of [`Mdl`].
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Chain<'call>(Mdl<'call>);

impl<'call> Chain<'call> {
    /// The first.
    pub(crate) fn first(self) -> Mdl<'call> {
        self.0
    }

    /// The rest.
    pub(crate) fn rest(self) -> Option<Self> {
        let next = NonNull::new(self.0.head().Next)?;
        // INVARIANT: It is the rest of a chain.
        Some(Self(Mdl(next, PhantomData)))
    }

    /// The last.
    fn last(self) -> Mdl<'call> {
        let mut last = self;
        while let Some(rest) = last.rest() {
            last = rest;
        }
        last.first()
    }
}

/// The flags of a head.
pub(crate) fn flags_of(head: &raw::MDL) -> u16 {
    // CAST: C has them signed; they are bits.
    head.MdlFlags as u16
}

/// Sets the flags of a head.
pub(crate) fn set_flags(head: &mut raw::MDL, flags: u16) {
    // CAST: As above.
    head.MdlFlags = flags as i16;
}

/// Where the buffer of a head begins.
pub(crate) fn start_of(head: &raw::MDL) -> usize {
    // CAST: `usize` is 64 bits wide on the architectures supported.
    (head.StartVa as usize).wrapping_add(head.ByteOffset as usize)
}

/// The pages of a buffer, if the head is one that was initialised.
pub(crate) fn pages_of(head: &raw::MDL) -> Option<usize> {
    let pages = span_of(head)?;
    // CAST: As above.
    (head.StartVa as usize).checked_add(pages.checked_mul(PAGE_SIZE)?)?;
    Some(pages)
}

/// Whether a buffer goes on behind the last page of the address space, though the head is one that
/// was initialised.
pub(crate) fn wraps(head: &raw::MDL) -> bool {
    span_of(head).is_some() && pages_of(head).is_none()
}

/// How many pages a buffer has, wherever it is, if the head is one that was initialised.
fn span_of(head: &raw::MDL) -> Option<usize> {
    // CAST: As above.
    let (offset, bytes) = (head.ByteOffset as usize, head.ByteCount as usize);
    let fits = head.StartVa as usize % PAGE_SIZE == 0 && offset < PAGE_SIZE;
    fits.then(|| span(offset, bytes))
}

fn is_pool(known: &Known) -> bool {
    matches!(known.memory, MemoryType::Pool { .. })
}

/// The flags that say that an MDL is in use, so it may not be freed or describe another buffer.
pub(crate) fn in_use(head: &raw::MDL) -> u16 {
    let flags = flags_of(head);
    if flags & (flag::PARTIAL | flag::NONPAGED) != 0 {
        // Its source, or the buffer's owner, has mapped the pages. It has not, unless this flag is
        // set.
        flags & flag::PARTIAL_MAPPED
    } else {
        flags & flag::MAPPED
    }
}

/// The flag that says that its pages are locked, unless it is partial: then its source has them
/// locked.
fn locked(head: &raw::MDL) -> u16 {
    let flags = flags_of(head);
    if flags & (flag::PARTIAL | flag::NONPAGED) != 0 {
        0
    } else {
        flags & flag::LOCKED
    }
}

/// Fills in the frames of an MDL's buffer.
fn build(mdl: Mdl<'_>, caller: usize) {
    let mut head = mdl.head();
    let flags = flags_of(&head);
    let start = start_of(&head);
    let Some(pages) = pages_of(&head) else {
        mdl.report(&rule::MDL_NOT_INITIALISED, start, caller);
        return;
    };
    let used = in_use(&head) | locked(&head);
    if used != 0 {
        mdl.report(&rule::MDL_BUILT_IN_USE, u32::from(used), caller);
        return;
    }
    if start < SYSTEM_SPACE {
        rule::MDL_BUILT_OF_USER_ADDRESS
            .by(caller, [start.into(), head.ByteCount.into()])
            .report();
        return;
    }
    let Some(frames) = mdl.frames(pages) else {
        mdl.report(&rule::MDL_BUILT_TOO_SMALL, pages, caller);
        return;
    };
    let mut io = 0;
    for (page, frame) in frames.iter().enumerate() {
        let at = (head.StartVa as usize).wrapping_add(page.wrapping_mul(PAGE_SIZE));
        let Some(physical) = sys::physical(at) else {
            mdl.report(&rule::MDL_BUILT_UNMAPPED, Parameter::Address(at), caller);
            return;
        };
        if !sys::is_memory(physical) {
            io = flag::IO_SPACE;
        }
        // CAST: Lossless on the architectures supported.
        frame.set((physical / PAGE_SIZE as u64) as raw::PFN_NUMBER);
    }
    head.Process = null_mut();
    head.MappedSystemVa = start as *mut c_void;
    set_flags(&mut head, flags & flag::FIXED | flag::NONPAGED | io);
    mdl.set_head(head);
    let is_paged = |known: &Known| {
        matches!(
            known.memory,
            MemoryType::Pool {
                kind: PoolKind::Paged,
                ..
            }
        )
    };
    if !sys::irql().is_nmi() && lookup::find(start).as_ref().is_some_and(is_paged) {
        let given = [mdl.into(), mdl.flags().into()];
        rule::MDL_BUILT_OF_PAGED.by(caller, given).report();
    }
}

/// Makes the target describe `bytes` bytes from `start` on of the source's buffer; 0 stands for all
/// up to its end.
fn partial(source: Mdl<'_>, target: Mdl<'_>, start: usize, bytes: u32, caller: usize) {
    let (from, mut to) = (source.head(), target.head());
    let flags = flags_of(&from);
    if flags & (flag::LOCKED | flag::NONPAGED | flag::PARTIAL) == 0 {
        let given = [source.into(), Parameter::Address(start)];
        rule::SOURCE_MDL_NOT_LOCKED.by(caller, given).report();
        return;
    }
    // CAST: `usize` is 64 bits wide on the architectures supported.
    let all = from.ByteCount as usize;
    let part = start
        .checked_sub(start_of(&from))
        .and_then(|offset| Some((offset, all.checked_sub(offset)?)))
        .map(|(offset, rest)| (offset, rest, if bytes == 0 { rest } else { bytes as usize }));
    let (Some((offset, rest, bytes)), Some(whole)) = (part, pages_of(&from)) else {
        source.report(
            &rule::PART_BEGINS_OUTSIDE,
            Parameter::Address(start),
            caller,
        );
        return;
    };
    if bytes > rest {
        source.report(&rule::PART_ENDS_OUTSIDE, bytes, caller);
        return;
    }
    let Some(frames) = source.frames(whole) else {
        source.report(&rule::SOURCE_MDL_TOO_SMALL, whole, caller);
        return;
    };
    let pages = span(start, bytes);
    let Some(room) = target.frames(pages) else {
        let start = Parameter::Address(start);
        let given = [source.into(), target.into(), start, bytes.into()];
        rule::TARGET_MDL_TOO_SMALL.by(caller, given).report();
        return;
    };
    let used = in_use(&to) | locked(&to);
    if used != 0 {
        target.report(&rule::TARGET_MDL_IN_USE, u32::from(used), caller);
        return;
    }
    // CAST: As above.
    let first = (from.ByteOffset as usize).wrapping_add(offset) / PAGE_SIZE;
    // From the first on, as both may be the same.
    for (to, from) in room.iter().zip(some_of(frames, first, pages)) {
        to.set(from.get());
    }
    to.Reserved = source.locker().bits();
    to.Process = from.Process;
    to.StartVa = (start & !(PAGE_SIZE - 1)) as *mut c_void;
    // CAST: Less than a page; not more than the source's, which has 32 bits.
    (to.ByteOffset, to.ByteCount) = ((start % PAGE_SIZE) as u32, bytes as u32);
    let inherited = flag::NONPAGED | flag::MAPPED | flag::IO_SPACE;
    let kept = flags_of(&to) & flag::FIXED | flags & inherited;
    set_flags(&mut to, kept | flag::PARTIAL);
    to.MappedSystemVa = if flags & (flag::NONPAGED | flag::MAPPED) != 0 {
        from.MappedSystemVa.wrapping_byte_add(offset)
    } else {
        null_mut()
    };
    target.set_head(to);
}

/// `MmBuildMdlForNonPagedPool`.
///
/// # Safety
///
/// The MDL is null, or keeps to the invariants of [`Mdl`].
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_build(mdl: Option<Mdl<'_>>, caller: usize) {
    if let Some(mdl) = Mdl::given(mdl, caller) {
        build(mdl, caller);
    }
}
matches_header!(rust_pool_mdl_build(_, _));
export_symbol_gpl!(rust_pool_mdl_build);

/// `IoBuildPartialMdl`.
///
/// # Safety
///
/// As for [`rust_pool_mdl_build`], for both.
#[no_mangle]
unsafe extern "C" fn rust_pool_mdl_partial(
    source: Option<Mdl<'_>>,
    target: Option<Mdl<'_>>,
    va: *mut c_void,
    bytes: u32,
    caller: usize,
) {
    let (source, target) = (Mdl::given(source, caller), Mdl::given(target, caller));
    if let (Some(source), Some(target)) = (source, target) {
        partial(source, target, va as usize, bytes, caller);
    }
}
matches_header!(rust_pool_mdl_partial(_, _, _, _, _));
export_symbol_gpl!(rust_pool_mdl_partial);

#[kernel::macros::kunit_tests(rust_pool_mdl)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_bytes_lie_in() {
        for (addr, bytes, pages) in [
            (0, 0, 0),
            (1, 0, 1),
            (0, 1, 1),
            (0, 4096, 1),
            (0, 4097, 2),
            (4095, 1, 1),
            (4095, 2, 2),
            (4095, 4096, 2),
            (4095, 4098, 3),
            (0x7fff, 8192, 3),
        ] {
            assert!(span(addr, bytes) == pages);
        }
    }
}
