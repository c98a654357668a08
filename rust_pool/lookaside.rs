// SPDX-License-Identifier: GPL-2.0

//! Lookaside lists: all but the common case, which is in `lookaside/list.c`.
//!
//! The head of a list is in its client's memory, which the client may overwrite or free at any
//! time. So a list has a record here, found by the head's address. The record contains the store,
//! in which the list keeps entries. A head is accessed only in calls that were passed it.
//!
//! A head may outlive its list, and still points to the store then. So the record of a list that is
//! gone is not freed, but used for the next list.
//!
//! The entries that a list keeps are live blocks of pool, counted under the list's tag. While the
//! verifier is on, or a checker of the kernel wants to see every allocation and free, lists keep
//! nothing.
//!
//! WDK: "Using Lookaside Lists", "ExInitializeLookasideListEx", "NPAGED_LOOKASIDE_LIST".

pub(crate) mod depth;

use crate::{
    callers::call_site::{
        self,
        CallSite, //
    },
    header::{
        self,
        Header,
        LARGEST,
        UNIT, //
    },
    lib::{
        at_load::AtLoad,
        export::{
            export_symbol_gpl,
            matches_header, //
        },
        hash_table::{
            Entry,
            HashTable,
            Place, //
        },
        list::List, //
    },
    memory::{
        magazine::{
            self,
            kind::MagazineKind, //
        },
        request::Request, //
    },
    pool::{
        self,
        damage,
        lookup,
        pages,
        special::arena, //
    },
    report::{
        rule,
        violation::{
            Blocks,
            Parameter, //
        }, //
    },
    sys::{
        self,
        raw,
        Client,
        Module, //
    },
    types::{
        memory_type::MemoryType,
        status::Status,
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use core::{
    mem::{
        needs_drop,
        size_of, //
    },
    ptr::{
        null,
        null_mut,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    new_mutex,
    new_spinlock_irq,
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Mutex,
        SpinLockIrq, //
    },
    types::Opaque, //
};

/// Bits of a POOL_TYPE.
const PAGED: u32 = raw::_POOL_TYPE_PagedPool;
const CACHE_ALIGNED: u32 = raw::_POOL_TYPE_NonPagedPoolCacheAligned;
const NX: u32 = raw::POOL_NX_ALLOCATION;
const RAISE: u32 = raw::POOL_RAISE_IF_ALLOCATION_FAILURE;
const FAIL: u32 = raw::POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;

/// Where the kernel's half of the address space begins.
const SYSTEM_SPACE: usize = 1 << 63;

/// What a list was initialised with.
#[derive(Clone, Copy)]
struct Wish(raw::rust_pool_lookaside_wish);

impl Wish {
    fn tag(&self) -> Tag {
        Tag::from_raw(self.0.tag)
    }

    fn is_paged(&self) -> bool {
        self.0.type_ & PAGED != 0
    }

    /// Whether a routine of the client frees entries. It is called only in a call from the client:
    /// at any other time the client may be unloading.
    fn is_freed_by_client(&self) -> bool {
        !self.0.free.is_null()
    }

    /// Whether a routine of the client makes or frees entries, so that they may be anything.
    fn is_custom(&self) -> bool {
        !self.0.allocate.is_null() || !self.0.free.is_null()
    }

    /// Whether all entries are blocks of pool with a header in front, and none is cache-aligned.
    fn is_small(&self) -> bool {
        !self.is_custom() && self.0.size <= LARGEST && self.0.type_ & CACHE_ALIGNED == 0
    }

    /// Whether `entry` may be an entry of this list of `client`: a live block with its tag, size
    /// and pool, or anything if a routine of the client makes or frees entries.
    fn is_entry(&self, entry: usize, client: Client) -> bool {
        self.is_custom()
            || lookup::may_be_of(entry, client)
                && lookup::find(entry).is_some_and(|known| {
                    let paged = match known.memory {
                        MemoryType::Pool { kind, .. } => kind == PoolKind::Paged,
                        _ => return false,
                    };
                    known.tag == Some(self.tag())
                        && known.bytes == self.0.size
                        && paged == self.is_paged()
                })
    }

    /// Whether the list may keep this entry, although the common case cannot recognize it. Blocks
    /// of special pool are not kept, and neither are pages to which somebody else has a reference:
    /// the pool frees those when the last reference is dropped.
    ///
    /// # Safety
    ///
    /// It is an entry of this list, and its owner gives it up.
    unsafe fn may_put(&self, entry: usize) -> bool {
        let reusable = || {
            // SAFETY: By the safety requirements. Above this size blocks have no header in front.
            let all = |block| unsafe { pages::are_reusable(block, self.0.size) };
            self.0.size <= LARGEST || NonNull::new(entry as *mut u8).is_some_and(all)
        };
        !self.is_custom()
            && !self.is_small()
            && self.fits_here()
            && !arena::covers(entry)
            && reusable()
    }

    /// Whether an entry has room for the link. A block of pool always has.
    fn has_room(&self) -> bool {
        // CAST: A small constant.
        self.0.allocate.is_null() || self.0.size >= raw::LOOKASIDE_MINIMUM_BLOCK_SIZE as usize
    }

    /// Whether entries may be made and freed here.
    fn fits_here(&self) -> bool {
        !self.is_paged() || sys::irql().may_sleep()
    }

    /// Makes an entry; null if it cannot. Any context but NMI.
    fn make(&self, head: Head, client: Client, caller: usize) -> *mut c_void {
        let Self(wish) = self;
        if wish.allocate.is_null() {
            return pool::allocate_for(client, wish.type_, wish.size, wish.tag, caller)
                .map_or(sys::NULL, |entry| entry.as_ptr().cast());
        }
        if !self.fits_here() {
            let given = [wish.type_.into(), wish.size.into()];
            let violation = rule::PAGED_REQUESTED.by(caller, given);
            violation.about(self.tag()).report();
            return null_mut();
        }
        // SAFETY: The routine belongs to the client, which is calling us. No lock is held.
        unsafe { raw::rust_pool_entry_make(wish, head.as_ptr()) }
    }

    /// Frees an entry. Any context but NMI.
    fn unmake(&self, head: Head, entry: *mut c_void, caller: usize) {
        let Self(wish) = self;
        if !self.is_freed_by_client() {
            return pool::free_given(entry as usize, wish.tag, caller);
        }
        if !self.fits_here() {
            let given = [Parameter::Address(entry as usize)];
            let violation = rule::PAGED_FREED.by(caller, given);
            violation.about(self.tag()).report();
        }
        // SAFETY: As in `make()`.
        unsafe { raw::rust_pool_entry_unmake(wish, head.as_ptr(), entry) }
    }
}

/// Entries that were taken out of a store. Whoever has the chain frees them.
///
/// # Invariants
///
/// `first` is null, or an entry of which nobody else knows; its first word is the link to the next.
/// There are no more than `number`.
#[must_use = "entries that are not freed are lost"]
struct Chain {
    first: *mut c_void,
    number: u16,
}

impl Chain {
    const EMPTY: Self = Self {
        first: null_mut(),
        number: 0,
    };
}

impl Iterator for Chain {
    type Item = *mut c_void;

    fn next(&mut self) -> Option<*mut c_void> {
        let entry = NonNull::new(self.first)?;
        // INVARIANT: The first entry leaves the chain: it is the caller's from now on.
        self.number = self.number.checked_sub(1)?;
        // SAFETY: By the type invariant it is an entry, which has room for a link. It is aligned
        // like pool, or however the client's routine aligns it.
        self.first = unsafe { entry.cast::<*mut c_void>().read_unaligned() };
        Some(entry.as_ptr())
    }
}

/// The record of a list.
pub(crate) struct Lookaside {
    /// Heads may point to it as long as this module is loaded.
    store: Opaque<raw::rust_pool_store>,
    place: Place<Lookaside>,
    /// Where the head is.
    head: usize,
    wish: Wish,
    /// Who initialised the list.
    client: Client,
    site: CallSite,
    /// Entries that were made and not freed through the list: those that the client has, those that
    /// it freed by `ExFreePool()`, and those that the list keeps. Changed under the lock of the
    /// bucket.
    live: Atomic<i64>,
    /// How many entries the list should keep. Changed under the lock of the bucket.
    depth: Atomic<u32>,
}

const _: () = assert!(!needs_drop::<Lookaside>());

// SAFETY: It is data about memory that any thread may free; the store has a lock.
unsafe impl Send for Lookaside {}
// SAFETY: As above; all that changes is atomic.
unsafe impl Sync for Lookaside {}

impl Entry for Lookaside {
    // Heads are aligned to 16 bytes.
    const ALIGN: u32 = 4;

    fn key(&self) -> usize {
        self.head
    }

    fn place(&self) -> &Place<Self> {
        &self.place
    }

    fn place_mut(&mut self) -> &mut Place<Self> {
        &mut self.place
    }
}

impl Lookaside {
    /// A record for a list at `head`, with an empty store; `None` without memory. Any context but
    /// NMI.
    fn new(head: Head, wish: Wish, client: Client, caller: usize) -> Option<KBox<Self>> {
        let spare = SPARE.lock().pop();
        let mut record = match spare {
            Some(spare) => spare,
            None => Self::allocate(wish)?,
        };
        record.head = head.addr();
        record.wish = wish;
        record.client = client;
        record.site = CallSite::new(call_site::driver(caller));
        record.live.store(0, Relaxed);
        record.depth.store(depth::LEAST.into(), Relaxed);
        let (paged, custom) = (wish.is_paged(), wish.is_custom());
        // SAFETY: The store was initialised, and is there as long as this module is loaded.
        unsafe { raw::rust_pool_store_own(record.store.get(), head.as_ptr(), paged, custom) };
        Some(record)
    }

    /// A record that belongs to no list yet.
    fn allocate(wish: Wish) -> Option<KBox<Self>> {
        let request = Request {
            bytes: size_of::<Self>(),
            zero: false,
            sleep: true,
        };
        let record = KBox::write(
            request.attempt(sys::room)?,
            Self {
                store: Opaque::uninit(),
                place: Place::none(),
                head: 0,
                wish,
                client: Client::UNKNOWN,
                site: CallSite::new(0),
                live: Atomic::new(0),
                depth: Atomic::new(0),
            },
        );
        // SAFETY: The store is in its place, and nobody else knows of it.
        unsafe { raw::rust_pool_store_init(record.store.get()) };
        Some(record)
    }

    fn depth(&self) -> u16 {
        u16::try_from(self.depth.load(Relaxed)).unwrap_or(depth::MOST)
    }

    /// How many entries it may keep now. Call it with the lock of the bucket held.
    fn limit(&self) -> u16 {
        if may_keep() && self.wish.has_room() {
            depth::limit(self.depth(), self.wish.0.size)
        } else {
            0
        }
    }

    /// Sets the store's limit to what the list may keep now, and takes out the entries above
    /// `keep`. Call it with the lock of the bucket held, or when the record is no longer in the
    /// table.
    fn take(&self, keep: u16) -> Chain {
        self.take_and_limit(self.limit(), keep)
    }

    fn take_and_limit(&self, limit: u16, keep: u16) -> Chain {
        let mut number = 0;
        // SAFETY: The store was initialised, and is there as long as the record.
        let first =
            unsafe { raw::rust_pool_store_limit(self.store.get(), limit, keep, &mut number) };
        self.count(-i64::from(number));
        // INVARIANT: The entries are no longer in the store.
        Chain { first, number }
    }

    /// How many entries it keeps, or did a moment ago.
    fn kept(&self) -> u16 {
        // SAFETY: As above.
        unsafe { (&raw const (*self.store.get()).depth).read_volatile() }
    }

    /// Whether this is the entry that was freed to it last.
    fn is_first(&self, entry: usize) -> bool {
        // SAFETY: As above. An older value will do: the caller, which may have freed the entry
        // twice, does not take it meanwhile.
        let first = unsafe { (&raw const (*self.store.get()).first).read_volatile() };
        first as usize == entry
    }

    /// How many more entries were allocated from it than freed to it.
    fn out(&self) -> u64 {
        let live = self.live.load(Relaxed);
        u64::try_from(live.saturating_sub(self.kept().into())).unwrap_or(0)
    }

    /// Counts entries that were made or freed. Call it with the lock of the bucket held.
    fn count(&self, more: i64) {
        self.live
            .store(self.live.load(Relaxed).wrapping_add(more), Relaxed);
    }

    /// Learns from an entry that was just made what the headers of all entries have in common.
    fn learn(&self, entry: usize) {
        let header = entry.checked_sub(UNIT).filter(|_| self.wish.is_small());
        if let Some(headers) = header.and_then(Header::common) {
            // SAFETY: The store was initialised, and is there as long as the record.
            unsafe { raw::rust_pool_store_learn(self.store.get(), &headers) };
        }
    }

    /// Keeps a block of pool that was freed to the list, if there is room.
    fn put(&self, head: Head, entry: *mut c_void) -> Put {
        let mut twice = false;
        // SAFETY: As above. It is an entry of the list, so it has room for a link, and its owner
        // gives it up.
        let kept =
            unsafe { raw::rust_pool_store_put(self.store.get(), head.as_ptr(), entry, &mut twice) };
        match (kept, twice) {
            (true, _) => Put::Kept,
            (false, true) => Put::Twice,
            (false, false) => Put::Full,
        }
    }

    /// Adapts the depth to the latest allocations from the list. Returns the entries above the new
    /// limit.
    fn adapt(&self, head: Head) -> Chain {
        let (mut allocates, mut misses) = (0, 0);
        // SAFETY: The head exists during the call.
        let asked = unsafe {
            raw::rust_pool_head_asked(head.as_ptr(), depth::WINDOW, &mut allocates, &mut misses)
        };
        if !asked {
            return Chain::EMPTY;
        }
        let depth = depth::after(self.depth(), allocates, misses);
        self.depth.store(depth.into(), Relaxed);
        // SAFETY: As above.
        unsafe { raw::rust_pool_head_depth(head.as_ptr(), depth) };
        self.take(self.limit())
    }

    /// Puts the record of a list that is gone aside, for the next list.
    fn release(record: KBox<Self>) {
        COUNT.add(-1, Relaxed);
        // SAFETY: The store was initialised, and is there as long as this module is loaded.
        unsafe { raw::rust_pool_store_own(record.store.get(), null(), false, false) };
        SPARE.lock().push(record);
    }
}

/// What became of an entry that was to be kept.
enum Put {
    Kept,
    Full,
    /// The list keeps it already.
    Twice,
}

/// The lists.
pub(crate) static LISTS: AtLoad<HashTable<Lookaside>> = AtLoad::new(|| {
    KBox::pin_init(
        HashTable::with_class(c"rust_pool::lookaside", static_lock_class!()),
        GFP_KERNEL,
    )
});

/// Records of lists that are gone: at most as many as there once were lists at the same time. A
/// head may still point to their stores, so they are freed only when this module is unloaded.
pub(crate) static SPARE: AtLoad<SpinLockIrq<List<Lookaside>>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(List::new(), "rust_pool::lookaside_spare"),
        GFP_KERNEL,
    )
});

/// Held while entries are freed that were taken out of lists other than in a call from the client.
pub(crate) static GIVING: AtLoad<Mutex<()>> =
    AtLoad::new(|| KBox::pin_init(new_mutex!((), "rust_pool::lookaside_giving"), GFP_KERNEL));

/// How many lists there are. While it is 0, nobody needs to look for any.
static COUNT: Atomic<i64> = Atomic::new(0);

/// Whether the verifier is on.
static VERIFIED: Atomic<bool> = Atomic::new(false);

/// Whether lists may keep entries.
fn may_keep() -> bool {
    let magazines = MagazineKind::from_number(0).map_or(0, magazine::capacity);
    magazines != 0 && !VERIFIED.load(Relaxed)
}

/// The head of a list. It exists during the call that was passed it.
#[derive(Clone, Copy)]
struct Head(NonNull<raw::GENERAL_LOOKASIDE>);

impl Head {
    /// The head that a routine was given; NULL is a violation.
    ///
    /// # Safety
    ///
    /// `list` is null, or the head of a list, or memory for one, during the call of the routine.
    unsafe fn new(list: *mut raw::GENERAL_LOOKASIDE, caller: usize) -> Option<Self> {
        let head = NonNull::new(list).map(Self);
        if head.is_none() {
            rule::LOOKASIDE_NULL.by(caller, []).report();
        }
        head
    }

    /// Like [`Self::new`], for routines that must not be called in NMI, where no lock may be taken.
    ///
    /// # Safety
    ///
    /// See [`Self::new`].
    unsafe fn outside_nmi(list: *mut raw::GENERAL_LOOKASIDE, caller: usize) -> Option<Self> {
        // SAFETY: By the safety requirements it is null, or a head or memory for one, during the
        // call.
        let head = unsafe { Self::new(list, caller) }?;
        if sys::irql().is_nmi() {
            rule::LOOKASIDE_IN_NMI.by(caller, [head.into()]).report();
            return None;
        }
        Some(head)
    }

    fn as_ptr(self) -> *mut raw::GENERAL_LOOKASIDE {
        self.0.as_ptr()
    }

    fn addr(self) -> usize {
        self.as_ptr() as usize
    }

    /// Calls `look` with its record, if it has one, and returns the result. Any context but NMI.
    fn with<T>(self, look: impl FnOnce(&Lookaside) -> T) -> Option<T> {
        LISTS.bucket(self.addr()).lock().find(self.addr()).map(look)
    }

    /// What it was initialised with, and by whom. Any context but NMI.
    fn wish(self, caller: usize) -> Option<(Wish, Client)> {
        let known = self.with(|list| (list.wish, list.client));
        known.or_else(|| Some((self.bare()?, Client::at(caller))))
    }

    /// What it was initialised with, if there was no memory for a record.
    fn bare(self) -> Option<Wish> {
        let mut wish = raw::rust_pool_lookaside_wish {
            allocate: null_mut(),
            free: null_mut(),
            size: 0,
            type_: 0,
            tag: 0,
            extended: false,
        };
        // SAFETY: The head exists during the call that was passed it.
        let is_bare = unsafe { raw::rust_pool_head_is_bare(self.as_ptr(), &mut wish) };
        is_bare.then_some(Wish(wish))
    }

    fn close(self) {
        // SAFETY: The head exists during the call that was passed it.
        unsafe { raw::rust_pool_head_close(self.as_ptr()) }
    }
}

impl From<Head> for Parameter {
    fn from(head: Head) -> Self {
        Self::Address(head.addr())
    }
}

/// Initialises a list. Any context.
fn make(head: Head, wish: Wish, client: Client, caller: usize) -> Status {
    let Wish(asked) = wish;
    let tag = wish.tag();
    if asked.size == 0 {
        head.close();
        let given = [asked.type_.into(), tag.into()];
        rule::LOOKASIDE_ZERO_BYTES.by(caller, given).report();
        return Status::InvalidParameter;
    }
    if !asked.extended {
        if asked.type_ & !(PAGED | NX | RAISE) != 0 {
            head.close();
            let given = [asked.type_.into(), asked.size.into(), tag.into()];
            rule::LOOKASIDE_FLAGS_UNKNOWN.by(caller, given).report();
            return Status::InvalidParameter;
        }
        // CAST: A small constant.
        if asked.size < raw::LOOKASIDE_MINIMUM_BLOCK_SIZE as usize {
            let given = [head.into(), asked.size.into(), tag.into()];
            rule::LOOKASIDE_ENTRY_SMALL.by(caller, given).report();
        }
    }
    let record = Lookaside::new(head, wish, client, caller);
    let status = if record.is_some() {
        Status::Success
    } else {
        Status::InsufficientResources
    };
    let store = record
        .as_ref()
        .map_or(null_mut(), |record| record.store.get());
    let old = {
        let mut bucket = LISTS.bucket(head.addr()).lock();
        let old = bucket.remove(head.addr());
        // SAFETY: The head is memory of the client, who wants it initialised.
        unsafe { raw::rust_pool_head_init(head.as_ptr(), &asked, store, depth::LEAST) };
        if let Some(record) = record {
            // `Full` here and in `verify()`: if that does not see the list, this sees the verifier.
            COUNT.fetch_add(1, Full);
            // A new store has no entries to take out: this only sets its limit.
            let Chain { .. } = record.take(0);
            bucket.insert(record);
        }
        old
    };
    if let Some(old) = old {
        let given = [head.into(), old.wish.tag().into(), old.out().into()];
        let say = || tell(&old, old.kept());
        // Memory inside the module itself cannot have been freed and given to somebody else.
        if old.client == client || old.client == Client::at(head.addr()) {
            let violation = rule::LOOKASIDE_INITIALISED_TWICE.by(caller, given);
            violation.report_with(say);
        } else {
            let violation = rule::LOOKASIDE_GONE.by(caller, given);
            violation.report_of_site(&old.site, say);
        }
        // A routine of another module may have been unloaded.
        if old.client == client || !old.wish.is_freed_by_client() {
            let entries = old.take_and_limit(0, 0);
            entries.for_each(|entry| old.wish.unmake(head, entry, caller));
        }
        Lookaside::release(old);
    }
    status
}

/// Allocates an entry that the list does not have. Any context.
fn miss(head: Head, caller: usize) -> *mut c_void {
    if sys::irql().is_nmi() {
        // SAFETY: The head exists during the call.
        let (kind, size) = unsafe {
            let head = head.as_ptr();
            ((*head).Type, (*head).Size)
        };
        let rule = if kind & PAGED == 0 {
            &rule::NONPAGED_REQUESTED
        } else {
            &rule::PAGED_REQUESTED
        };
        rule.by(caller, [kind.into(), size.into()]).report();
        return null_mut();
    }
    let Some((wish, client)) = head.wish(caller) else {
        let given = [head.into()];
        rule::LOOKASIDE_NOT_INITIALISED.by(caller, given).report();
        return null_mut();
    };
    let entry = wish.make(head, client, caller);
    if !entry.is_null() {
        let surplus = head.with(|list| {
            list.count(1);
            list.learn(entry as usize);
            list.adapt(head)
        });
        for entry in surplus.into_iter().flatten() {
            wish.unmake(head, entry, caller);
        }
    }
    entry
}

/// Frees an entry that no list keeps, if it is a block of pool. Any context but NMI.
fn free_to_pool(entry: usize, caller: usize) {
    let known = lookup::find(entry);
    if known.is_some_and(|known| matches!(known.memory, MemoryType::Pool { .. })) {
        pool::free_given(entry, 0, caller);
    }
}

/// Frees an entry that the common case did not keep: there is no room, or it did not recognize the
/// entry. Any context. `entry` may be any address, unless the client's own routine makes or frees
/// entries.
fn overflow(head: Option<Head>, entry: usize, caller: usize) {
    if sys::irql().is_nmi() {
        let given = [Parameter::Address(entry)];
        rule::POOL_FREED_IN_NMI.by(caller, given).report();
        return;
    }
    if entry < SYSTEM_SPACE {
        // This is reported there.
        return pool::free_given(entry, 0, caller);
    }
    let Some(head) = head else {
        return free_to_pool(entry, caller);
    };
    let Some((wish, client)) = head.wish(caller) else {
        let tag = lookup::find(entry).and_then(|known| known.tag);
        let given = [head.into(), Parameter::Address(entry)];
        rule::LOOKASIDE_FREED_TO_NONE
            .by(caller, given)
            .about(tag.unwrap_or(Tag::from_raw(0)))
            .report();
        return free_to_pool(entry, caller);
    };
    // The pool would refuse it as well. But it must not be kept either, nor count as freed.
    // A routine of the client may put the scatter/gather list before it frees the entry.
    if !wish.is_freed_by_client() && pool::refuses(entry, caller) {
        return;
    }
    let block = entry as *mut c_void;
    let is_entry = wish.is_entry(entry, client);
    // An entry that is freed in the wrong context is not kept: the pool reports it. If the common
    // case refused a small block, its header is not like the others', or there is no room.
    let twice = if wish.is_custom() {
        head.with(|list| list.is_first(entry)).unwrap_or(false)
    // SAFETY: It was found to be an entry, which its owner frees.
    } else if is_entry && unsafe { wish.may_put(entry) } {
        match head.with(|list| list.put(head, block)) {
            Some(Put::Kept) => return,
            Some(Put::Twice) => true,
            Some(Put::Full) | None => false,
        }
    } else {
        false
    };
    if twice {
        let given = [wish.tag().into(), Parameter::Address(entry)];
        let violation = rule::POOL_FREED_TWICE.by(caller, given);
        return violation.about(wish.tag()).report();
    }
    // The pool reports a block whose header was overwritten. The client has given it up, so it
    // counts as freed.
    let is_freed = is_entry || !header::is_at(entry) && damage::look(entry).is_some();
    wish.unmake(head, block, caller);
    if is_freed {
        head.with(|list| list.count(-1));
    }
}

/// Frees the entries that a list keeps. Any context but NMI.
fn flush(head: Head, caller: usize) {
    let known = head.with(|list| (list.wish, list.take(0)));
    match known {
        Some((wish, entries)) => entries.for_each(|entry| wish.unmake(head, entry, caller)),
        None if head.bare().is_some() => (),
        None => {
            let given = [head.into()];
            rule::LOOKASIDE_NOT_INITIALISED.by(caller, given).report();
        }
    }
}

/// Deletes a list. Any context but NMI.
fn delete(head: Head, caller: usize) {
    let list = LISTS.bucket(head.addr()).lock().remove(head.addr());
    let Some(list) = list else {
        if head.bare().is_none() {
            let given = [head.into()];
            rule::LOOKASIDE_NOT_INITIALISED.by(caller, given).report();
        }
        return head.close();
    };
    head.close();
    let entries = list.take_and_limit(0, 0);
    let kept = entries.number;
    entries.for_each(|entry| list.wish.unmake(head, entry, caller));
    let out = list.out();
    if out != 0 {
        rule::LOOKASIDE_DELETED_WITH_ENTRIES
            .by(caller, [head.into(), out.into()])
            .about(list.wish.tag())
            .report_with(|| tell(&list, kept));
    }
    Lookaside::release(list);
}

/// Prints what is known of a list, which keeps or kept `kept` entries.
fn tell(list: &Lookaside, kept: u16) {
    let (tag, size, site) = (list.wish.tag(), list.wish.0.size, &list.site);
    let (out, kept) = (Blocks(list.out()), Blocks(kept.into()));
    pr_err!("  a list of {size} bytes, tag {tag}: {out} not freed to it, {kept} kept; initialised at {site}\n");
    if out.0 != 0 {
        pr_err!("  entries that ExFreePool() has freed count as not freed to it\n");
    }
}

/// Calls `visit` on each list, with the lock of its bucket held, and frees the entries that `visit`
/// takes out. May miss lists that are made or deleted meanwhile. `visit` must not take entries from
/// a list whose client frees them. Sleeps.
fn for_each(mut visit: impl FnMut(&Lookaside) -> Chain) {
    if COUNT.load(Relaxed) == 0 {
        return;
    }
    let mut position = 0;
    loop {
        let _until_freed = GIVING.lock();
        let mut taken = None;
        let next = LISTS.next(position, |list| {
            taken = Some((list.wish, visit(list)));
            Some(())
        });
        let (Some(next), Some((wish, entries))) = (next, taken) else {
            return;
        };
        position = next;
        for entry in entries {
            pool::free_given(entry as usize, wish.0.tag, 0);
        }
    }
}

/// How many entries a list goes on to keep, in a call that is not from its client.
fn least(list: &Lookaside) -> u16 {
    if list.wish.is_freed_by_client() {
        u16::MAX
    } else {
        0
    }
}

/// Makes lists keep nothing while the verifier is on. Sleeps.
pub(crate) fn verify(on: bool) {
    VERIFIED.xchg(on, Full);
    for_each(|list| {
        let keep = if on { least(list) } else { u16::MAX };
        list.take(keep)
    });
}

/// Frees the entries that lists keep, as memory is short. Sleeps.
pub(crate) fn drain() {
    for_each(|list| {
        list.depth.store(depth::LEAST.into(), Relaxed);
        list.take(least(list))
    });
}

/// How many entries the lists keep that could be freed. Any context but NMI.
pub(crate) fn held() -> usize {
    let mut held = 0usize;
    if COUNT.load(Relaxed) != 0 {
        LISTS.for_each(|list| {
            if !list.wish.is_freed_by_client() {
                held = held.saturating_add(list.kept().into());
            }
        });
    }
    held
}

/// Calls `visit` on the site of each list.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    LISTS.for_each(|list| visit(&list.site));
}

/// Takes a list out of the table for which `which` returns `true`.
fn remove(which: impl Fn(&Lookaside) -> bool) -> Option<KBox<Lookaside>> {
    let mut head = None;
    LISTS.next(0, |list| which(list).then(|| head = Some(list.head)));
    let head = head?;
    LISTS.bucket(head).lock().remove(head)
}

/// Frees the entries of a list that has lost its head. Entries that a routine of the client would
/// free stay allocated.
fn forget(list: KBox<Lookaside>) {
    if !list.wish.is_freed_by_client() {
        for entry in list.take_and_limit(0, 0) {
            pool::free_given(entry as usize, list.wish.0.tag, 0);
        }
    }
    Lookaside::release(list);
}

/// The most lines about lists that one module left.
const LINES: usize = 32;

/// Reports the lists that a client did not delete, and forgets them. When it returns, no entry of
/// the client's lists is on its way to the pool. Sleeps.
pub(crate) fn departed(module: Module) {
    let mut lines = 0usize;
    while let Some(list) = remove(|list| list.client == module.client()) {
        let kept = list.kept();
        let given = [
            Parameter::Address(list.head),
            list.out().into(),
            u32::from(kept).into(),
        ];
        let violation = rule::LOOKASIDE_LEFT.by(0, given).about(list.wish.tag());
        lines = lines.saturating_add(1);
        if lines <= LINES {
            violation.report_of(Some(module.name()), || tell(&list, kept));
        } else {
            violation.list(Some(module.name()), list.site.copy());
        }
        forget(list);
    }
    if lines > LINES {
        let more = lines - LINES;
        pr_err!("  and {more} more lookaside lists\n");
    }
    // Wait for entries that were taken out of a list before it was deleted: they still count as the
    // client's.
    drop(GIVING.lock());
}

/// Forgets all lists, at our own unload.
pub(crate) fn forget_all() {
    while let Some(list) = remove(|_| true) {
        forget(list);
    }
}

/// `ExInitializeNPagedLookasideList` and `ExInitializePagedLookasideList`.
///
/// # Safety
///
/// `list` is null or memory for a head, `wish` is valid, and its routines are null or of the right
/// kind.
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_make(
    list: *mut raw::GENERAL_LOOKASIDE,
    wish: *const raw::rust_pool_lookaside_wish,
    caller: usize,
    module: *mut bindings::module,
) -> i32 {
    // SAFETY: By the safety requirements `list` is null or memory for a head, and `wish` may be
    // read.
    let (head, wish) = unsafe { (Head::outside_nmi(list, caller), Wish(*wish)) };
    let status = head.map_or(Status::InvalidParameter, |head| {
        make(head, wish, Client::new(module), caller)
    });
    status.as_raw()
}
matches_header!(rust_pool_lookaside_make);
export_symbol_gpl!(rust_pool_lookaside_make);

/// `ExInitializeLookasideListEx`.
///
/// # Safety
///
/// As for [`rust_pool_lookaside_make`].
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_make_extended(
    list: *mut raw::GENERAL_LOOKASIDE,
    wish: *mut raw::rust_pool_lookaside_wish,
    flags: u32,
    caller: usize,
    module: *mut bindings::module,
) -> i32 {
    // SAFETY: By the safety requirements `list` is null or memory for a head, and `wish` may be
    // read.
    let (head, mut wish) = unsafe { (Head::outside_nmi(list, caller), *wish) };
    let Some(head) = head else {
        return Status::InvalidParameter.as_raw();
    };
    if wish.type_ & !(PAGED | CACHE_ALIGNED | NX) != 0 {
        head.close();
        return Status::InvalidParameter4.as_raw();
    }
    wish.type_ |= match flags {
        0 => 0,
        raw::EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL => RAISE,
        raw::EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE => FAIL,
        _ => {
            head.close();
            return Status::InvalidParameter5.as_raw();
        }
    };
    let status = make(head, Wish(wish), Client::new(module), caller);
    if matches!(status, Status::InsufficientResources) {
        // The client got an error, so it does not use the list.
        head.close();
    }
    status.as_raw()
}
matches_header!(rust_pool_lookaside_make_extended);
export_symbol_gpl!(rust_pool_lookaside_make_extended);

/// Called from `lookaside/list.c`: an entry for a list that has none.
///
/// # Safety
///
/// As for [`Head::new`].
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_miss(
    list: *mut raw::GENERAL_LOOKASIDE,
    caller: usize,
) -> *mut c_void {
    // SAFETY: By the safety requirements it is null, or a head or memory for one, during the call.
    let head = unsafe { Head::new(list, caller) };
    head.map_or(null_mut(), |head| miss(head, caller))
}
matches_header!(rust_pool_lookaside_miss);

/// Called from `lookaside/list.c`: frees an entry that the list does not keep.
///
/// # Safety
///
/// As for [`Head::new`].
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_overflow(
    list: *mut raw::GENERAL_LOOKASIDE,
    entry: *mut c_void,
    caller: usize,
) {
    // SAFETY: By the safety requirements it is null, or a head or memory for one, during the call.
    let head = unsafe { Head::new(list, caller) };
    overflow(head, entry as usize, caller);
}
matches_header!(rust_pool_lookaside_overflow);

/// `ExFlushLookasideListEx`.
///
/// # Safety
///
/// As for [`Head::new`].
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_flush(list: *mut raw::GENERAL_LOOKASIDE, caller: usize) {
    // SAFETY: By the safety requirements it is null, or a head or memory for one, during the call.
    if let Some(head) = unsafe { Head::outside_nmi(list, caller) } {
        flush(head, caller);
    }
}
matches_header!(rust_pool_lookaside_flush);
export_symbol_gpl!(rust_pool_lookaside_flush);

/// `ExDeleteNPagedLookasideList`, `ExDeletePagedLookasideList` and `ExDeleteLookasideListEx`.
///
/// # Safety
///
/// As for [`Head::new`].
#[no_mangle]
unsafe extern "C" fn rust_pool_lookaside_delete(list: *mut raw::GENERAL_LOOKASIDE, caller: usize) {
    // SAFETY: By the safety requirements it is null, or a head or memory for one, during the call.
    if let Some(head) = unsafe { Head::outside_nmi(list, caller) } {
        delete(head, caller);
    }
}
matches_header!(rust_pool_lookaside_delete);
export_symbol_gpl!(rust_pool_lookaside_delete);
