// SPDX-License-Identifier: GPL-2.0

//! Objects that are in no block: on the way from a magazine to a client, or back.
//!
//! The objects of charged blocks never come from a magazine, and never go there. The kernel's slab
//! allocator charges each to the memory cgroup of the process that it was allocated for, and
//! returns the charge when the object is freed, by whomever. Those of sampled blocks are in
//! [`sampled`](crate::memory::sampled).

use crate::{
    header::{
        freeing::Freeing,
        Header,
        Live,
        UNIT, //
    },
    memory::{
        batch::Block,
        magazine::{
            self,
            kind::MagazineKind,
            refill,
            Refill, //
        },
        request::Request,
        size_class::Class,
        slab_caches,
        zeroing, //
    },
    sys::SlabObject, //
};
use core::{
    cell::Cell,
    ops::Deref,
    ptr::NonNull, //
};

/// An object of a size class that is in no block.
///
/// # Invariants
///
/// At `at` is an object of this class, aligned to [`UNIT`]: one that its magazine had or that
/// [`refill`] made, as long as the class says; or one for a block that is charged, which is at
/// least as long. Nobody else uses it.
#[must_use = "an object that is not freed is lost"]
pub(crate) struct Object {
    at: NonNull<u8>,
    class: Class,
}

// SAFETY: It owns the object, which any thread may access and free.
unsafe impl Send for Object {}

impl Object {
    /// The object that a free block of this class is.
    #[inline(always)]
    fn new(block: Block, class: Class) -> Self {
        // INVARIANT: By the type invariant of blocks.
        Self {
            at: block.into_raw(),
            class,
        }
    }

    /// Takes an object from this CPU's magazine, if there is one. Any context.
    #[inline(always)]
    pub(crate) fn pop(class: Class) -> Option<Self> {
        let block = magazine::pop(MagazineKind::objects(class))?;
        Some(Self::new(block, class))
    }

    /// Takes an object from the depot, when the magazine has none. The error says how many to ask
    /// [`Self::supply_more`] for. Any context.
    #[inline(always)]
    pub(crate) fn refill(class: Class) -> Result<Self, usize> {
        match magazine::refill(MagazineKind::objects(class)) {
            Refill::Block(block) => Ok(Self::new(block, class)),
            Refill::Wanted(wanted) => Err(wanted),
        }
    }

    /// Allocates an object, and up to `wanted` in all, when the depot has none either. Any context
    /// but NMI.
    #[inline]
    pub(crate) fn supply_more(class: Class, wanted: usize, request: Request) -> Option<Self> {
        let block = refill::allocate_more(MagazineKind::objects(class), wanted, request)?;
        Some(Self::new(block, class))
    }

    /// Allocates an object, when the magazine has none. Any context but NMI.
    #[inline]
    pub(crate) fn supply(class: Class, request: Request) -> Option<Self> {
        let block = refill::allocate(MagazineKind::objects(class), request)?;
        Some(Self::new(block, class))
    }

    /// Allocates an object for a block that is charged to the current process, whose header has to
    /// say so: it must not go into a magazine. Any context but NMI.
    pub(crate) fn charged(class: Class, request: Request) -> Option<Self> {
        let at = slab_caches::allocate_charged(class, request)?.into_raw();
        // INVARIANT: It has at least the bytes of the class, and was just allocated. Slab aligns it
        // to a unit, as the sizes of classes are multiples of one.
        Some(Self { at, class })
    }

    /// Its address.
    #[inline(always)]
    pub(crate) fn addr(&self) -> usize {
        self.at.as_ptr() as usize
    }

    /// Its class.
    #[inline(always)]
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// Writes the header of a block that is not cache-aligned.
    #[inline(always)]
    pub(crate) fn write(&mut self, header: Header) {
        // SAFETY: By the type invariant; no object is shorter than a header.
        header.write(unsafe { self.at.cast().as_ref() });
    }

    /// The block behind its header, for a client.
    #[inline(always)]
    pub(crate) fn into_block(self) -> NonNull<u8> {
        // SAFETY: By the type invariant; an object is longer than its header.
        unsafe { self.at.add(UNIT) }
    }

    /// The cache-aligned block behind its header, for a client. The header says how much is in
    /// front of it.
    pub(crate) fn into_aligned_block(self, header: Header) -> Option<NonNull<u8>> {
        let front = header.front();
        if front + UNIT >= self.class.bytes() {
            return None;
        }
        // SAFETY: By the type invariant the object is ours, and aligned; as checked, header and
        // front are less than it. `front` is a multiple of a unit, so the header is aligned.
        let (start, place, block) = unsafe {
            let at = self.at.add(front);
            (self.at.cast().as_ref(), at.cast().as_ref(), at.add(UNIT))
        };
        if front != 0 {
            // Marks the front part, so that an old header there is not taken for that of the whole
            // object.
            Header::write_spare(start, front / UNIT);
        }
        header.write(place);
        Some(block)
    }

    /// Its bytes from some offset on. Clients that use a freed block may change them.
    pub(crate) fn bytes_from(&self, from: usize) -> &[Cell<u8>] {
        let from = from.min(self.class.bytes());
        let len = self.class.bytes() - from;
        // SAFETY: By the type invariant so many bytes are left behind the offset.
        unsafe { core::slice::from_raw_parts(self.at.as_ptr().add(from).cast(), len) }
    }

    /// Clears it from some offset on.
    #[inline]
    pub(crate) fn clear_from(&mut self, from: usize) {
        for byte in self.bytes_from(from) {
            byte.set(0);
        }
    }
}

/// The object of a block that was freed, and that was not charged.
///
/// # Invariants
///
/// It is an [`Object`] that its magazine had or that [`refill`] made.
#[must_use = "an object that is not freed is lost"]
pub(crate) struct Plain(Object);

impl Plain {
    /// Marks a block as freed, and takes its object; `None` if it is not plain, or if another CPU
    /// freed it first. Any context.
    #[inline(always)]
    pub(crate) fn claim(freeing: &Freeing, header: &Live<Header>) -> Option<Self> {
        if !header.is_plain() {
            return None;
        }
        let freed = freeing.claim(header)?;
        let at = freed.addr();
        // SAFETY: An address where a header was found is not null.
        unsafe {
            // Or the compiler would look whether the result is `None`.
            core::hint::assert_unchecked(at != 0);
            // INVARIANT: As in `Claimed::claim()`; nothing is in front of such a header.
            Some(Self(Object {
                at: NonNull::new_unchecked(at as *mut u8),
                class: Class::of_plain(&freed),
            }))
        }
    }

    /// Its class.
    #[inline(always)]
    pub(crate) fn class(&self) -> Class {
        self.0.class
    }

    /// The free block that it is.
    #[inline(always)]
    fn into_block(self) -> Block {
        let Object { at, class } = self.0;
        // SAFETY: By the type invariants it is an object of this class from where magazines get
        // theirs, and nobody uses it.
        unsafe { Block::new(MagazineKind::objects(class), at) }
    }

    /// Puts it into this CPU's magazine; the error has it if there is no room. Any context.
    #[inline(always)]
    pub(crate) fn push(self) -> Result<(), Self> {
        let class = self.class();
        // INVARIANT: It is the same object.
        magazine::push(self.into_block()).map_err(|block| Self(Object::new(block, class)))
    }

    /// Frees it after [`Self::push`] found no room. Any context but NMI.
    #[inline(never)]
    pub(crate) fn spill(self) {
        if zeroing::wipes() {
            return self.free();
        }
        refill::spill(self.into_block());
    }

    /// Frees it. Wipes it first if the kernel wipes freed memory. Any context but NMI.
    pub(crate) fn free(mut self) {
        if zeroing::wipes() {
            self.0.clear_from(UNIT);
        }
        refill::free(self.into_block());
    }
}

/// The object of a block that was freed, and where it goes.
///
/// # Invariants
///
/// If `charged`, the object comes from [`Object::charged`]; else it does not.
#[must_use = "an object that is not freed is lost"]
pub(crate) struct Claimed {
    object: Object,
    charged: bool,
}

impl Claimed {
    /// Marks a block as freed, and takes its object; `None` if another CPU freed it first, or if it
    /// is sampled. Any context.
    #[inline]
    pub(crate) fn claim(freeing: &Freeing, header: &Live<Header>) -> Option<Self> {
        if header.is_sampled() {
            return None;
        }
        let freed = freeing.claim(header)?;
        // INVARIANT: A header of this load says where its object begins, of which class it is, and
        // whether it is charged. By its type invariant the object is that of this value.
        Some(Self {
            object: Object {
                at: NonNull::new(freed.addr().wrapping_sub(freed.front()) as *mut u8)?,
                class: Class::of_header(&freed),
            },
            charged: freed.is_charged(),
        })
    }

    /// Frees it, and returns its charge. Any context but NMI.
    #[inline]
    pub(crate) fn free(self) {
        if self.charged {
            // The kernel wipes the objects of slab that it is given, if it wipes any.
            // SAFETY: By the type invariant `Object::charged()` took it from there, and nobody uses
            // it any more.
            unsafe { SlabObject::from_raw(self.object.at) }.free();
        } else {
            // INVARIANT: By the type invariant it is not charged.
            Plain(self.object).free();
        }
    }
}

impl Deref for Claimed {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.object
    }
}
