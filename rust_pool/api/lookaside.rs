// SPDX-License-Identifier: GPL-2.0

//! Lookaside lists of entries that are owned.

use crate::{
    api::{
        allocator::Pool,
        memory::{
            private::Sealed,
            Memory, //
        },
        shape::MIN_ALIGN,
        tag::PoolTag, //
    },
    lib::{
        argument::{
            calls,
            Given, //
        },
        text::kwrite, //
    },
    sys::{
        here,
        raw,
        this_module,
        PAGE_SIZE, //
    },
    types::status::Status, //
};
use core::{
    alloc::Layout,
    marker::PhantomData,
    mem::{
        align_of,
        offset_of,
        size_of,
        ManuallyDrop,
        MaybeUninit, //
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
    alloc::{
        AllocError,
        Allocator,
        Box,
        Flags,
        NumaNode, //
    },
    bindings,
    fmt,
    prelude::*,
    sync::Arc,
    transmute::FromBytes,
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
/// that is reported (0xC2/0x09). In NMI the list stays.
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
/// The list is in `A`. Its entries have the size of a `T` and at least its alignment.
#[pin_data(PinnedDrop)]
pub struct LookasideList<T, A: Pool> {
    #[pin]
    head: Head,
    // A list owns no `T`: they are dropped before their memory comes back to it.
    _entries: PhantomData<fn(T, A) -> T>,
}

calls! {
    // SAFETY: A `Head` is the head of a list, or was one before it was deleted, which is reported.
    // Its memory is there during the call. An entry is given up by whoever had it. What a list is
    // made of may be any, if it has no routines.
    unsafe extern "C" {
        safe fn rust_pool_lookaside_make_extended(
            head: NewHead,
            spec: &mut WithoutRoutines,
            flags: u32,
            caller: usize,
            module: *mut bindings::module
        ) -> i32;
        safe fn rust_pool_lookaside_allocate(head: &Head, caller: usize) -> *mut c_void;
        safe fn rust_pool_lookaside_free(head: &Head, entry: GivenUp, caller: usize);
        safe fn rust_pool_lookaside_flush(head: &Head, caller: usize);
        safe fn rust_pool_lookaside_delete(head: &Head, caller: usize);
    }
}

/// Where a head is to be made.
///
/// # Invariants
///
/// The memory is there, and stays where it is until the head is dropped.
struct NewHead(*mut raw::GENERAL_LOOKASIDE);

impl Given<*mut raw::GENERAL_LOOKASIDE> for NewHead {
    #[inline(always)]
    fn given(self) -> *mut raw::GENERAL_LOOKASIDE {
        self.0
    }
}

/// What a list is made of.
///
/// # Invariants
///
/// There are no routines of the client.
#[repr(transparent)]
struct WithoutRoutines(raw::rust_pool_lookaside_spec);

impl WithoutRoutines {
    #[inline(always)]
    fn new(size: usize, type_: u32, tag: u32) -> Self {
        // INVARIANT: Both routines are null.
        Self(raw::rust_pool_lookaside_spec {
            allocate: null_mut(),
            free: null_mut(),
            size,
            type_,
            tag,
            extended: true,
        })
    }
}

impl Given<*mut raw::rust_pool_lookaside_spec> for &mut WithoutRoutines {
    #[inline(always)]
    fn given(self) -> *mut raw::rust_pool_lookaside_spec {
        &mut self.0
    }
}

/// The head of a list. It is not generic, so [`LookasideList`] has to delete it on drop: code for
/// the drop of this type would not be in the client.
///
/// # Invariants
///
/// It is the head of a list without routines of the client.
#[pin_data]
struct Head {
    #[pin]
    list: Opaque<raw::LOOKASIDE_LIST_EX>,
}

// SAFETY: Any thread may use a list and delete it.
unsafe impl Send for Head {}
// SAFETY: Several threads may use a list at the same time.
unsafe impl Sync for Head {}

impl Given<*mut raw::GENERAL_LOOKASIDE> for &Head {
    #[inline(always)]
    fn given(self) -> *mut raw::GENERAL_LOOKASIDE {
        // CAST: It is the only member.
        self.list.get().cast()
    }
}

impl Head {
    /// Makes a list.
    #[inline(always)]
    fn new(size: usize, kind: Option<u32>, tag: u32) -> impl PinInit<Self, Error> {
        // INVARIANT: It is a new head; without one there is an error.
        try_pin_init!(Self {
            list <- Opaque::try_ffi_init(move |head: *mut raw::LOOKASIDE_LIST_EX| {
                // INVARIANT: It is where the head is to be.
                let head = NewHead(head.cast());
                let mut spec = WithoutRoutines::new(size, kind.ok_or(EINVAL)?, tag);
                Status::result_of(rust_pool_lookaside_make_extended(
                    head,
                    &mut spec,
                    0,
                    here(),
                    this_module(),
                ))
            }),
        }? Error)
    }

    /// A number that the head has at an offset. Others may write it meanwhile, whole.
    #[inline]
    fn number<N: FromBytes + Default>(&self, offset: usize) -> N {
        let head = NonNull::from(&self.list).cast();
        // SAFETY: The head is valid for reads and writes, as its list may be used by several
        // threads, and nobody has a reference to what is in there.
        let head = unsafe { Memory::new(head, size_of::<raw::LOOKASIDE_LIST_EX>()) };
        head.read(offset).unwrap_or_default()
    }
}

/// How often a list was asked, since it was made. The numbers wrap around. What a list in paged
/// pool is asked where sleeping is not allowed does not count.
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
        // INVARIANT: It is a new list, for entries of this type.
        try_pin_init!(Self {
            head <- Head::new(size_of::<T>(), Self::TYPE, A::Tag::TAG.as_raw()),
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

    /// An entry without a value yet.
    #[inline(always)]
    fn room(&self) -> Result<Box<MaybeUninit<T>, Entries>> {
        let at = rust_pool_lookaside_allocate(&self.head, here());
        let at = NonNull::new(at.cast()).ok_or(ENOMEM)?;
        // SAFETY: It was just allocated. By the type invariant it has the size of a value, and is
        // aligned.
        Ok(unsafe { Box::from_raw(at.as_ptr()) })
    }

    /// Makes a value in a new entry, which goes back to the list after an error.
    #[inline(always)]
    fn make<B, E>(
        &self,
        write: impl FnOnce(Box<MaybeUninit<T>, Entries>) -> Result<B, E>,
    ) -> Result<B>
    where
        Error: From<E>,
    {
        let mut room = self.room()?;
        let at = room.as_mut_ptr().cast();
        match write(room) {
            Ok(entry) => Ok(entry),
            Err(error) => {
                // INVARIANT: The box, which had the entry, is gone.
                rust_pool_lookaside_free(&self.head, GivenUp(at), here());
                Err(error.into())
            }
        }
    }

    /// Frees the memory that the list keeps. Others may use the list meanwhile. The context is that
    /// of a drop of the list.
    #[inline(always)]
    pub fn flush(&self) {
        rust_pool_lookaside_flush(&self.head, here());
    }

    /// How many entries the list keeps at most. It is adapted after every 64 allocations, to the
    /// share of those that found nothing: from 4 up to 256.
    #[inline]
    pub fn depth(&self) -> u16 {
        self.head.number(offset_of!(raw::GENERAL_LOOKASIDE, Depth))
    }

    /// How often the list was asked. Others may use it meanwhile, so the numbers may not be of one
    /// moment.
    #[inline]
    pub fn counters(&self) -> Counters {
        let head = &self.head;
        Counters {
            allocates: head.number(offset_of!(raw::GENERAL_LOOKASIDE, TotalAllocates)),
            allocate_misses: head.number(offset_of!(
                raw::GENERAL_LOOKASIDE,
                __bindgen_anon_2.AllocateMisses
            )),
            frees: head.number(offset_of!(raw::GENERAL_LOOKASIDE, TotalFrees)),
            free_misses: head.number(offset_of!(
                raw::GENERAL_LOOKASIDE,
                __bindgen_anon_3.FreeMisses
            )),
        }
    }
}

#[pinned_drop]
impl<T, A: Pool> PinnedDrop for LookasideList<T, A> {
    #[inline(always)]
    fn drop(self: Pin<&mut Self>) {
        rust_pool_lookaside_delete(&self.head, here());
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

/// Where the memory of an entry in a `Box` is from. A drop of the box drops the value, and leaves
/// the memory alone, which has to go back to the list.
struct Entries;

// SAFETY: It allocates nothing, and frees nothing.
unsafe impl Allocator for Entries {
    const MIN_ALIGN: usize = 1;

    #[inline(always)]
    unsafe fn realloc(
        _ptr: Option<NonNull<u8>>,
        _layout: Layout,
        _old_layout: Layout,
        _flags: Flags,
        _nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        Err(AllocError)
    }

    #[inline(always)]
    unsafe fn free(_ptr: NonNull<u8>, _layout: Layout) {}
}

/// An entry that goes back to its list.
///
/// # Invariants
///
/// Nobody else has it.
struct GivenUp(*mut c_void);

impl<V> From<Box<MaybeUninit<V>, Entries>> for GivenUp {
    #[inline(always)]
    fn from(entry: Box<MaybeUninit<V>, Entries>) -> Self {
        // INVARIANT: The box, which had it, is gone.
        Self(Box::into_raw(entry).cast())
    }
}

impl Given<*mut c_void> for GivenUp {
    #[inline(always)]
    fn given(self) -> *mut c_void {
        self.0
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
/// `entry` is an entry of `list`.
pub struct LookasideEntry<L: ListRef> {
    entry: ManuallyDrop<Box<L::Value, Entries>>,
    list: L,
}

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
        let room = list.list().room()?;
        Ok(Self::of(Box::write(room, value), list))
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
        let entry = list.list().make(|room| room.write_init(init))?;
        Ok(Self::of(entry, list))
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
        let entry = list.list().make(|room| room.write_pin_init(init))?;
        // SAFETY: Whoever has the result cannot move the value, which is not moved here, either.
        Ok(unsafe { Pin::new_unchecked(Self::of(Pin::into_inner_unchecked(entry), list)) })
    }

    /// Takes the value out. The memory goes back to the list.
    #[inline(always)]
    pub fn into_inner(self) -> L::Value {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used after this, and not dropped.
        let (mut entry, list) = unsafe {
            (
                ManuallyDrop::take(&mut this.entry),
                core::ptr::read(&this.list),
            )
        };
        // INVARIANT: Nobody has the entry any more when the value was moved out of its box.
        let memory = GivenUp((&raw mut *entry).cast());
        let value = Box::into_inner(entry);
        rust_pool_lookaside_free(&list.list().head, memory, here());
        value
    }

    /// An entry of this list.
    #[inline(always)]
    fn of(entry: Box<L::Value, Entries>, list: L) -> Self {
        // INVARIANT: The caller has it from there.
        Self {
            entry: ManuallyDrop::new(entry),
            list,
        }
    }
}

impl<L: ListRef> Deref for LookasideEntry<L> {
    type Target = L::Value;

    #[inline(always)]
    fn deref(&self) -> &L::Value {
        &self.entry
    }
}

impl<L: ListRef> DerefMut for LookasideEntry<L> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut L::Value {
        &mut self.entry
    }
}

impl<L: ListRef> Drop for LookasideEntry<L> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `self` is not used after this.
        let entry = unsafe { ManuallyDrop::take(&mut self.entry) };
        let memory = Box::drop_contents(entry);
        rust_pool_lookaside_free(&self.list.list().head, memory.into(), here());
    }
}

impl<L: ListRef<Value: fmt::Debug>> fmt::Debug for LookasideEntry<L> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
