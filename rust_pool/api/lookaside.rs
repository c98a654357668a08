// SPDX-License-Identifier: GPL-2.0

//! Lookaside lists of entries that are owned.

use crate::{
    api::{
        allocator::Pool,
        memory::private::Sealed,
        shape::MIN_ALIGN,
        tag::PoolTag, //
    },
    lib::text::kwrite,
    sys::{
        here,
        raw,
        this_module,
        PAGE_SIZE, //
    },
    types::status::Status, //
};
use core::{
    marker::PhantomData,
    mem::{
        align_of,
        size_of,
        ManuallyDrop, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::{
    fmt,
    prelude::*,
    sync::Arc,
    types::Opaque, //
};

/// The alignment that the cache-aligned pool types promise for blocks below a page.
const CACHE_ALIGN: usize = 64;

/// A list that gives out values of one type, and keeps the memory of some that were dropped for the
/// next ones.
///
/// The WDK's `LOOKASIDE_LIST_EX`, in place: its head must not move, so it is made by an initialiser
/// of the `kernel` crate, in a pinned `Box`, an `Arc`, or a pinned field of the driver's data. `A`
/// is [`NonPaged`](crate::NonPaged) or [`Paged`](crate::Paged) with the tag of the entries.
///
/// An entry borrows its list, or has a reference to it: [`LookasideEntry`]. So the compiler makes
/// sure that the list is there as long as any of its entries. One that is never dropped
/// (`core::mem::forget()`) is reported when the list is dropped (0xC4/0x62), and stays allocated.
///
/// To be dropped in any context but NMI; a list in paged pool by a task that may sleep. Elsewhere
/// that is reported (0xC2/0x09, or 0xC4/0x16 in NMI, where the list stays).
///
/// # Examples
///
/// ```ignore
/// type Requests = LookasideList<Request, NonPaged<Rq>>;
///
/// let requests = Arc::pin_init(Requests::new(), GFP_KERNEL)?;
/// let request = LookasideEntry::new(requests.clone(), Request::new())?;
/// ```
///
/// # Invariants
///
/// `head` is the head of a list without routines of the client, in `A`, whose entries have the size
/// of a `T` and at least its alignment. It is deleted on drop.
#[pin_data(PinnedDrop)]
pub struct LookasideList<T, A: Pool> {
    #[pin]
    head: Opaque<raw::LOOKASIDE_LIST_EX>,
    // A list owns no `T`: they are dropped before their memory comes back to it.
    _entries: PhantomData<fn(T, A) -> T>,
}

// SAFETY: Any thread may use a list and delete it. There is no `T` in it.
unsafe impl<T, A: Pool> Send for LookasideList<T, A> {}
// SAFETY: Several threads may use a list at the same time.
unsafe impl<T, A: Pool> Sync for LookasideList<T, A> {}

/// How often a list was asked, since it was made. The numbers wrap around. What a list in paged pool
/// is asked where sleeping is not allowed does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Entries that were allocated.
    pub allocates: u32,
    /// Those of them for which the list had no memory. Failures count, too.
    pub allocate_misses: u32,
    /// Entries that were freed.
    pub frees: u32,
    /// Those of them for which the list had no room.
    pub free_misses: u32,
}

impl<T, A: Pool> LookasideList<T, A> {
    /// The POOL_TYPE of entries, if a pool has blocks with the alignment of a `T`.
    const TYPE: Option<u32> = {
        // CAST: The discriminants are those of POOL_TYPE.
        let kind = A::KIND as u32;
        let (size, align) = (size_of::<T>(), align_of::<T>());
        if size == 0 {
            None
        } else if align <= MIN_ALIGN || (size >= PAGE_SIZE && align <= PAGE_SIZE) {
            Some(kind)
        } else if align <= CACHE_ALIGN {
            Some(kind | raw::_POOL_TYPE_NonPagedPoolCacheAligned)
        } else {
            None
        }
    };

    /// Makes a list, which keeps nothing yet. Nothing is allocated for entries. Any context but
    /// NMI.
    ///
    /// How many it keeps is for the list to find out, as the WDK's `Depth` is ignored there, too;
    /// [`Self::depth`] says how many.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if a `T` has no bytes, or more alignment than there is: 64, or a page for one of
    /// a page and more; and after a violation: NMI. [`ENOMEM`] if memory is short.
    #[inline(always)]
    #[allow(clippy::new_ret_no_self, reason = "it must not move")]
    pub fn new() -> impl PinInit<Self, Error> {
        // INVARIANT: It is a new head, for entries of this type; without one there is an error.
        try_pin_init!(Self {
            head <- Opaque::try_ffi_init(|head: *mut raw::LOOKASIDE_LIST_EX| {
                let mut wish = raw::rust_pool_lookaside_wish {
                    allocate: null_mut(),
                    free: null_mut(),
                    size: size_of::<T>(),
                    type_: Self::TYPE.ok_or(EINVAL)?,
                    tag: A::Tag::TAG.as_raw(),
                    extended: true,
                };
                // SAFETY: The memory is there, and stays where it is, as it is pinned. The wish is
                // valid, and has no routines.
                Status::result_of(unsafe {
                    raw::rust_pool_lookaside_make_extended(
                        head.cast(),
                        &mut wish,
                        0,
                        here(),
                        this_module(),
                    )
                })
            }),
            _entries: PhantomData,
        }? Error)
    }

    /// Allocates an entry that borrows the list; see [`LookasideEntry::new`].
    ///
    /// # Errors
    ///
    /// As there.
    #[inline(always)]
    pub fn allocate(&self, value: T) -> Result<LookasideEntry<&Self>> {
        LookasideEntry::new(self, value)
    }

    /// Frees the memory that the list keeps. Others may use the list meanwhile. The context is that
    /// of a drop of the list.
    #[inline(always)]
    pub fn flush(&self) {
        // SAFETY: By the type invariant it is the head of a list.
        unsafe { raw::rust_pool_lookaside_flush(self.as_ptr(), here()) };
    }

    /// How many entries the list keeps at most. It is adapted after every 64 allocations, to the
    /// share of those that found nothing: from 4 up to 256.
    #[inline]
    pub fn depth(&self) -> u16 {
        // SAFETY: By the type invariant it is the head of a list. Others write it meanwhile, whole.
        unsafe { (&raw const (*self.as_ptr()).Depth).read_volatile() }
    }

    /// How often the list was asked. Others may use it meanwhile, so the numbers may not be of one
    /// moment.
    #[inline]
    pub fn counters(&self) -> Counters {
        let head = self.as_ptr();
        // SAFETY: As in `depth()`. The unions consist of numbers.
        unsafe {
            Counters {
                allocates: (&raw const (*head).TotalAllocates).read_volatile(),
                allocate_misses: (&raw const (*head).__bindgen_anon_2.AllocateMisses)
                    .read_volatile(),
                frees: (&raw const (*head).TotalFrees).read_volatile(),
                free_misses: (&raw const (*head).__bindgen_anon_3.FreeMisses).read_volatile(),
            }
        }
    }

    #[inline(always)]
    fn as_ptr(&self) -> *mut raw::GENERAL_LOOKASIDE {
        // CAST: It is the only member.
        self.head.get().cast()
    }
}

#[pinned_drop]
impl<T, A: Pool> PinnedDrop for LookasideList<T, A> {
    #[inline(always)]
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant it is the head of a list. It is borrowed here for the last
        // time.
        unsafe { raw::rust_pool_lookaside_delete(self.as_ptr(), here()) };
    }
}

impl<T, A: Pool> fmt::Debug for LookasideList<T, A> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (depth, counters) = (self.depth(), self.counters());
        kwrite!(f, "LookasideList {{ depth: {depth}, {counters:?} }}")
    }
}

/// What an entry has of its list: a `&LookasideList`, or an `Arc` of one.
pub trait ListRef: Sealed {
    /// What the entries are.
    type Value;

    /// Where they are from.
    type Pool: Pool;

    /// The list. It is always the same.
    fn list(&self) -> &LookasideList<Self::Value, Self::Pool>;
}

macro_rules! list_ref {
    ($type:ty) => {
        impl<T, A: Pool> Sealed for $type {}

        impl<T, A: Pool> ListRef for $type {
            type Value = T;
            type Pool = A;

            #[inline(always)]
            fn list(&self) -> &LookasideList<T, A> {
                self
            }
        }
    };
}

list_ref!(&LookasideList<T, A>);
list_ref!(Arc<LookasideList<T, A>>);

/// The memory of an entry, which goes back to the list on drop.
///
/// # Invariants
///
/// `at` is an entry of `list`, which nobody else has.
struct Slot<L: ListRef> {
    at: NonNull<L::Value>,
    list: L,
}

impl<L: ListRef> Slot<L> {
    #[inline(always)]
    fn new(list: L) -> Result<Self> {
        // SAFETY: By the invariant of `LookasideList` it is the head of a list.
        let at = unsafe { raw::rust_pool_lookaside_allocate(list.list().as_ptr(), here()) };
        // INVARIANT: It was just allocated.
        Ok(Self {
            at: NonNull::new(at.cast()).ok_or(ENOMEM)?,
            list,
        })
    }

    /// Writes a value into the memory.
    #[inline(always)]
    fn write<E>(self, value: impl PinInit<L::Value, E>) -> Result<LookasideEntry<L>>
    where
        Error: From<E>,
    {
        // SAFETY: By the type invariant, and that of `LookasideList`, the memory is nobody else's,
        // has the size of a value, and is aligned. It does not move. After an error it is not
        // touched, but freed.
        unsafe { pin_init::raw_try_init(self.at.as_ptr(), value)? };
        // INVARIANT: The value was just written.
        Ok(LookasideEntry {
            slot: self,
            _value: PhantomData,
        })
    }
}

impl<L: ListRef> Drop for Slot<L> {
    #[inline(always)]
    fn drop(&mut self) {
        let list = self.list.list().as_ptr();
        // SAFETY: By the invariant of `LookasideList` it is the head of a list. By the type
        // invariant the entry is one of it, and is not used after this.
        unsafe { raw::rust_pool_lookaside_free(list, self.at.as_ptr().cast(), here()) };
    }
}

/// A value in the memory of a lookaside list, which goes back to the list when the value is
/// dropped.
///
/// The WDK's `ExAllocateFromLookasideListEx` and `ExFreeToLookasideListEx`. `L` is a
/// `&LookasideList`, or an `Arc` of one for entries that are stored beside it.
///
/// Entries in nonpaged pool may be dropped in any context but NMI, those in paged pool by a task
/// that may sleep. Elsewhere a drop is reported (0xC2/0x09), and carried out; in NMI the memory
/// leaks. The value is dropped in any case.
///
/// # Invariants
///
/// There is a value in `slot`, which this owns.
pub struct LookasideEntry<L: ListRef> {
    slot: Slot<L>,
    _value: PhantomData<L::Value>,
}

// SAFETY: It owns a value and a reference to the list, both of which are `Send`.
unsafe impl<L: ListRef + Send> Send for LookasideEntry<L> where L::Value: Send {}
// SAFETY: As above, with `Sync`.
unsafe impl<L: ListRef + Sync> Sync for LookasideEntry<L> where L::Value: Sync {}

// It does not move its value.
impl<L: ListRef> Unpin for LookasideEntry<L> {}

impl<L: ListRef> LookasideEntry<L> {
    /// Allocates an entry with a value. Never sleeps for nonpaged pool. Any context but NMI; for
    /// paged pool a task that may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if memory is short, or after a violation: the wrong context (0xC2/0x08). The
    /// value is dropped.
    #[inline(always)]
    pub fn new(list: L, value: L::Value) -> Result<Self> {
        let slot = Slot::new(list)?;
        // SAFETY: By the invariants of `Slot` and `LookasideList` the memory is nobody else's, has
        // the size of a value, and is aligned.
        unsafe { slot.at.write(value) };
        // INVARIANT: The value was just written.
        Ok(Self {
            slot,
            _value: PhantomData,
        })
    }

    /// Like [`Self::new`], with an initialiser: the value is made in its place.
    ///
    /// # Errors
    ///
    /// As there, and those of the initialiser; then the memory goes back to the list.
    #[inline(always)]
    pub fn init<E>(list: L, init: impl Init<L::Value, E>) -> Result<Self>
    where
        Error: From<E>,
    {
        Slot::new(list)?.write(init)
    }

    /// Like [`Self::init`], for a value that must not move.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline(always)]
    pub fn pin_init<E>(list: L, init: impl PinInit<L::Value, E>) -> Result<Pin<Self>>
    where
        Error: From<E>,
    {
        let entry = Slot::new(list)?.write(init)?;
        // SAFETY: Whoever has the result cannot move the value, which is not moved here, either.
        Ok(unsafe { Pin::new_unchecked(entry) })
    }

    /// Takes the value out. The memory goes back to the list.
    #[inline(always)]
    pub fn into_inner(self) -> L::Value {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used after this, and not dropped.
        let slot = unsafe { core::ptr::read(&this.slot) };
        // SAFETY: By the type invariant there is a value, which is not used there any more.
        unsafe { slot.at.read() }
    }
}

impl<L: ListRef> Deref for LookasideEntry<L> {
    type Target = L::Value;

    #[inline(always)]
    fn deref(&self) -> &L::Value {
        // SAFETY: By the type invariant.
        unsafe { self.slot.at.as_ref() }
    }
}

impl<L: ListRef> DerefMut for LookasideEntry<L> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut L::Value {
        // SAFETY: By the type invariant; it is borrowed exclusively.
        unsafe { self.slot.at.as_mut() }
    }
}

impl<L: ListRef> Drop for LookasideEntry<L> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant there is a value. It is not used after this: `slot`, which
        // is dropped next, has only its memory.
        unsafe { core::ptr::drop_in_place(self.slot.at.as_ptr()) };
    }
}

impl<L: ListRef<Value: fmt::Debug>> fmt::Debug for LookasideEntry<L> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
