// SPDX-License-Identifier: GPL-2.0

//! The records of lists, which are found by the addresses of their heads.

use crate::{
    callers::call_site::{
        self,
        CallSite, //
    },
    header::{
        Header,
        UNIT, //
    },
    lib::{
        at_load::AtLoad,
        hash_table::{
            Entry as InTable,
            HashTable,
            Place, //
        },
        list::List, //
    },
    lookaside::{
        chain::Chain,
        depth,
        entry::Entry,
        head::Head,
        spec::Spec, //
        store::{
            rust_pool_head_init,
            OfHead,
            Put,
            Store, //
        },
    },
    memory::{
        magazine::{
            self,
            kind::MagazineKind, //
        },
        request::Request, //
    },
    report::violation::Blocks,
    sys::{
        self,
        Client, //
    }, //
};
use core::mem::{
    needs_drop,
    size_of, //
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        SpinLockIrq, //
    }, //
};

/// The record of a list.
///
/// # Invariants
///
/// Once a head points to the store, the record stays in its box, and the box is not freed as long
/// as this module is loaded.
pub(crate) struct Lookaside {
    store: Store,
    place: Place<Lookaside>,
    /// Where the head is.
    pub(crate) head: usize,
    pub(crate) spec: Spec,
    /// Who initialised the list.
    pub(crate) client: Client,
    pub(crate) site: CallSite,
    /// Entries that were made and not freed through the list: those that the client has, those that
    /// it freed by `ExFreePool()`, and those that the list keeps. Changed under the lock of the
    /// bucket.
    live: Atomic<i64>,
    /// How many entries the list should keep. Changed under the lock of the bucket.
    depth: Atomic<u32>,
}

const _: () = assert!(!needs_drop::<Lookaside>());

// SAFETY: It is data about memory that any thread may free.
unsafe impl Send for Lookaside {}
// SAFETY: As above; all that changes is atomic or has a lock.
unsafe impl Sync for Lookaside {}

impl InTable for Lookaside {
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
    pub(crate) fn new(
        head: Head<'_>,
        spec: Spec,
        client: Client,
        caller: usize,
    ) -> Option<KBox<Self>> {
        let spare = SPARE.lock().pop();
        let mut record = match spare {
            Some(spare) => spare,
            None => Self::allocate(spec)?,
        };
        record.head = head.addr();
        record.spec = spec;
        record.client = client;
        record.site = CallSite::new(call_site::driver(caller));
        record.live.store(0, Relaxed);
        record.depth.store(depth::LEAST.into(), Relaxed);
        let (paged, custom) = (spec.is_paged(), spec.is_custom());
        record.store.own(Some(head), paged, custom);
        Some(record)
    }

    /// A record that belongs to no list yet.
    fn allocate(spec: Spec) -> Option<KBox<Self>> {
        let request = Request {
            bytes: size_of::<Self>(),
            zero: false,
            sleep: true,
        };
        let record = KBox::write(
            request.attempt(sys::room)?,
            Self {
                store: Store::new(),
                place: Place::none(),
                head: 0,
                spec,
                client: Client::UNKNOWN,
                site: CallSite::new(0),
                live: Atomic::new(0),
                depth: Atomic::new(0),
            },
        );
        Some(record)
    }

    fn depth(&self) -> u16 {
        u16::try_from(self.depth.load(Relaxed)).unwrap_or(depth::MOST)
    }

    /// Makes it keep few entries from the next allocations on.
    pub(crate) fn reset_depth(&self) {
        self.depth.store(depth::LEAST.into(), Relaxed);
    }

    /// How many entries it may keep now. Call it with the lock of the bucket held.
    fn limit(&self) -> u16 {
        if may_keep() && self.spec.has_room() {
            depth::limit(self.depth(), self.spec.size())
        } else {
            0
        }
    }

    /// Sets the store's limit to what the list may keep now, and takes out the entries above
    /// `keep`. Call it with the lock of the bucket held, or when the record is no longer in the
    /// table.
    pub(crate) fn take(&self, keep: u16) -> Chain {
        self.take_and_limit(self.limit(), keep)
    }

    /// Takes out all entries of a list whose record is no longer in the table.
    pub(crate) fn take_all(&self) -> Chain {
        self.take_and_limit(0, 0)
    }

    fn take_and_limit(&self, limit: u16, keep: u16) -> Chain {
        let entries = self.store.limit(limit, keep);
        self.count(-i64::from(entries.number()));
        entries
    }

    /// How many entries it keeps, or did a moment ago.
    pub(crate) fn kept(&self) -> u16 {
        self.store.kept()
    }

    /// Whether this is the entry that was freed to it last.
    pub(crate) fn is_first(&self, entry: usize) -> bool {
        self.store.is_first(entry)
    }

    /// How many more entries were allocated from it than freed to it.
    pub(crate) fn out(&self) -> u64 {
        let live = self.live.load(Relaxed);
        u64::try_from(live.saturating_sub(self.kept().into())).unwrap_or(0)
    }

    /// Counts entries that were made or freed. Call it with the lock of the bucket held.
    pub(crate) fn count(&self, more: i64) {
        self.live
            .store(self.live.load(Relaxed).wrapping_add(more), Relaxed);
    }

    /// Learns from an entry that was just made what the headers of all entries have in common.
    pub(crate) fn learn(&self, entry: usize) {
        let header = entry.checked_sub(UNIT).filter(|_| self.spec.is_small());
        if let Some(headers) = header.and_then(Header::common) {
            self.store.learn(&headers);
        }
    }

    /// Keeps a block of pool that was freed to the list, if there is room.
    pub(crate) fn put(&self, head: Head<'_>, entry: Entry) -> Put {
        self.store.put(head, entry)
    }

    /// Adapts the depth to the latest allocations from the list. Returns the entries above the new
    /// limit.
    pub(crate) fn adapt(&self, head: Head<'_>) -> Chain {
        let Some((allocates, misses)) = head.asked(depth::WINDOW) else {
            return Chain::EMPTY;
        };
        let depth = depth::after(self.depth(), allocates, misses);
        self.depth.store(depth.into(), Relaxed);
        head.set_depth(depth);
        self.take(self.limit())
    }

    /// Puts the record of a list that is gone aside, for the next list.
    pub(crate) fn release(record: KBox<Self>) {
        COUNT.add(-1, Relaxed);
        record.store.own(None, false, false);
        SPARE.lock().push(record);
    }

    /// Prints what is known of the list, which keeps or kept `kept` entries.
    pub(crate) fn tell(&self, kept: u16) {
        let (tag, size, site) = (self.spec.tag(), self.spec.size(), &self.site);
        let (out, kept) = (Blocks(self.out()), Blocks(kept.into()));
        pr_err!("  a list of {size} bytes, tag {tag}: {out} not freed to it, {kept} kept; initialised at {site}\n");
        if out.0 != 0 {
            pr_err!("  entries that ExFreePool() has freed count as not freed to it\n");
        }
    }
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

/// How many lists there are. While it is 0, nobody needs to look for any.
static COUNT: Atomic<i64> = Atomic::new(0);

/// Whether the verifier is on.
static VERIFIED: Atomic<bool> = Atomic::new(false);

/// Whether lists may keep entries.
fn may_keep() -> bool {
    let magazines = MagazineKind::from_number(0).map_or(0, magazine::capacity);
    magazines != 0 && !VERIFIED.load(Relaxed)
}

/// Says whether the verifier is on. Limits that are set from now on go by that.
pub(crate) fn set_verified(on: bool) {
    VERIFIED.xchg(on, Full);
}

/// Whether there are any lists.
pub(crate) fn any() -> bool {
    COUNT.load(Relaxed) != 0
}

/// Initialises a head, whose list has this record from now on, or none if there was no memory for
/// one. Returns the record that it had before. Any context but NMI.
pub(crate) fn begin(
    head: Head<'_>,
    spec: Spec,
    record: Option<KBox<Lookaside>>,
) -> Option<KBox<Lookaside>> {
    // INVARIANT: The record is in its box, and whoever takes it out of the table releases it. So
    // its store stays.
    let store = OfHead(record.as_ref().map(|record| &record.store));
    let mut bucket = LISTS.bucket(head.addr()).lock();
    let old = bucket.remove(head.addr());
    rust_pool_head_init(head, &spec, store, depth::LEAST);
    if let Some(record) = record {
        // `Full` here and in `set_verified()`: if `verify()` does not see the list, this sees the
        // verifier.
        COUNT.fetch_add(1, Full);
        // A new store has no entries to take out: this only sets its limit.
        let Chain { .. } = record.take(0);
        bucket.insert(record);
    }
    old
}

/// Ends the list with this head, and returns its record. Any context but NMI.
pub(crate) fn remove(head: usize) -> Option<KBox<Lookaside>> {
    LISTS.bucket(head).lock().remove(head)
}

/// Calls `look` with the record of the list with this head, if it has one, and returns the result.
/// Any context but NMI.
pub(crate) fn with<T>(head: Head<'_>, look: impl FnOnce(&Lookaside) -> T) -> Option<T> {
    LISTS.bucket(head.addr()).lock().find(head.addr()).map(look)
}

/// What the list with this head was initialised with, and by whom. Any context but NMI.
pub(crate) fn spec(head: Head<'_>, caller: usize) -> Option<(Spec, Client)> {
    let known = with(head, |list| (list.spec, list.client));
    known.or_else(|| Some((Spec::of_bare(head)?, Client::at(caller))))
}
