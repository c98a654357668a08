// SPDX-License-Identifier: GPL-2.0

//! The tagged pool.
//!
//! WDK: "ExAllocatePoolWithTag", "ExFreePoolWithTag", "POOL_TYPE".

pub(crate) mod bad_free;
pub(crate) mod damage;
pub(crate) mod fast;
pub(crate) mod flags;
pub(crate) mod lookup;
pub(crate) mod pages;
pub(crate) mod quarantine;
pub(crate) mod raise;
pub(crate) mod red_zone;
pub(crate) mod small;
pub(crate) mod special;
pub(crate) mod traced;
pub(crate) mod verified;
pub(crate) mod wish;

use crate::{
    header::{
        self,
        freeing::Freeing,
        Found,
        Header,
        Live,
        PageHeader,
        UNIT, //
    },
    lib::{
        argument::Passed,
        at_load::AtLoad,
        export::{
            export_symbol_gpl,
            matches_header, //
        }, //
    },
    memory::{
        large,
        object::Claimed,
        request::{
            self,
            Request, //
        },
        sampled::Sampled,
        slab_caches,
        zeroing::ZERO, //
    },
    options::policy::Tolerated,
    pool::{
        fast::Outcome,
        quarantine::Memory,
        raise::RAISE,
        special::arena,
        wish::Wish, //
    },
    record::{
        backlog::{
            self,
            Backlog,
            Batch, //
        },
        listed,
        table::{
            Reservation,
            Taken,
            REGIONS, //
        },
        Owner,
        Region, //
    },
    report::{
        rule,
        violation::Parameter, //
    },
    stats::{
        tag_stats::TagStats,
        tag_table, //
    },
    sys::{
        self,
        arch::percpu,
        Client,
        PAGE_SIZE, //
    },
    trace::Began,
    types::{
        memory_type::{
            Known,
            MemoryType, //
        },
        tag::{
            BadTag,
            PoolKind,
            Tag, //
        }, //
    },
    verifier::{
        held_back,
        hooks,
        on,
        quarantine_set,
        tracking, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

/// Modifiers of a POOL_TYPE that are accepted: quota, raise, cold, NX and zero. Of these only raise
/// and zero have an effect; see `Documentation/wdk-routines.rst`. Quota says how a failure is told;
/// it is the routine that charges a block.
const MODIFIERS: u32 = 8 | RAISE | 256 | 512 | ZERO;
/// The modifiers that the fast path handles. A request that raises has to log its failure.
const QUICK: u32 = MODIFIERS & !RAISE;
const MUST_SUCCEED: u32 = 2;
/// The bits of POOL_FLAGS that select a pool, and do not occur in a POOL_TYPE.
const FLAGS: u32 = 0x40 | 0x80;

/// The beginning of the kernel's half of the address space.
const SYSTEM_SPACE: usize = 1 << 63;

/// Large blocks whose free was deferred.
pub(crate) static BACKLOG: AtLoad<Backlog> =
    AtLoad::new(|| KBox::pin_init(Backlog::new(), GFP_KERNEL));

/// Allocates a block of `bytes` bytes, or reports why not and returns `None`. Any context.
#[inline(always)]
fn allocate(
    pool_type: u32,
    bytes: usize,
    tag: u32,
    caller: usize,
    owner: Client,
) -> Option<NonNull<u8>> {
    if sys::watched() {
        return allocate_any(pool_type, bytes, Tag::from_raw(tag), caller, owner);
    }
    // Rows and headers have tags without `PROTECTED_POOL`. A request with that bit finds no row, so
    // it takes the slow path.
    let tag = Tag::stored(tag);
    if pool_type & !QUICK == 0 {
        match fast::allocate(PoolKind::NonPaged, pool_type, bytes, tag, owner) {
            Outcome::Block(block) => return Some(block),
            Outcome::Empty(row) => return fast::allocate_from_depot(pool_type, bytes, row),
            Outcome::Other => (),
        }
    }
    allocate_pages(pool_type, bytes, tag, caller, owner)
}

/// Allocates a block of pages, or any other block that the fast path for small blocks did not
/// allocate.
#[inline(never)]
fn allocate_pages(
    pool_type: u32,
    bytes: usize,
    tag: Tag,
    caller: usize,
    owner: Client,
) -> Option<NonNull<u8>> {
    if pool_type & !QUICK != 0 {
        return allocate_any(pool_type, bytes, tag.unprotected(), caller, owner);
    }
    match fast::allocate_pages(PoolKind::NonPaged, pool_type, bytes, tag, owner) {
        None => allocate_front(pool_type, bytes, tag, caller, owner),
        block => block,
    }
}

/// Allocates a block of pages whose last page others may share, or any other block that the fast
/// path for blocks of whole pages did not allocate.
#[inline(never)]
fn allocate_front(
    pool_type: u32,
    bytes: usize,
    tag: Tag,
    caller: usize,
    owner: Client,
) -> Option<NonNull<u8>> {
    fast::allocate_front(PoolKind::NonPaged, pool_type, bytes, tag, owner)
        .or_else(|| allocate_any(pool_type, bytes, tag.unprotected(), caller, owner))
}

/// The slow path of allocation.
#[inline(never)]
fn allocate_any(
    pool_type: u32,
    bytes: usize,
    tag: Tag,
    caller: usize,
    owner: Client,
) -> Option<NonNull<u8>> {
    allocate_with(pool_type, bytes, tag, caller, owner, Wish::NONE)
}

/// The slow path of allocation, with everything that a request may ask for. Any context.
pub(crate) fn allocate_with(
    pool_type: u32,
    bytes: usize,
    tag: Tag,
    caller: usize,
    owner: Client,
    wish: Wish,
) -> Option<NonNull<u8>> {
    let block = allocate_checked(pool_type, bytes, tag, caller, owner, wish);
    if block.is_none() && pool_type & RAISE != 0 {
        raise::tell(bytes, tag, caller);
    }
    block
}

/// Checks a request, and carries it out.
#[inline]
fn allocate_checked(
    pool_type: u32,
    bytes: usize,
    tag: Tag,
    caller: usize,
    owner: Client,
    wish: Wish,
) -> Option<NonNull<u8>> {
    let (kind, aligned) = match pool_type & !MODIFIERS {
        0 => (PoolKind::NonPaged, false),
        1 => (PoolKind::Paged, false),
        4 => (PoolKind::NonPaged, true),
        5 => (PoolKind::Paged, true),
        _ => {
            refuse_type(pool_type, bytes, tag, caller);
            return None;
        }
    };
    let wish = Wish {
        cache_aligned: wish.cache_aligned || aligned,
        charged: wish.charged && sys::has_process(),
        ..wish
    };
    let bytes = match bytes {
        0 => bytes_for_zero(pool_type, tag, caller)?,
        bytes => bytes,
    };
    let began = Began::now();
    // A tag that has a row was checked before.
    if !tag_table::is_known(tag, kind) {
        if let Err(bad) = tag.check() {
            refuse_tag(bad, pool_type, bytes, tag, caller);
            return None;
        }
    }
    if percpu::in_nmi() || (kind == PoolKind::Paged && !sys::irql().may_sleep()) {
        let rule = match kind {
            PoolKind::Paged => &rule::PAGED_REQUESTED,
            PoolKind::NonPaged => &rule::NONPAGED_REQUESTED,
        };
        let given = [pool_type.into(), bytes.into()];
        rule.by(caller, given).about(tag).report();
        return None;
    }
    let row = tag_table::row(tag, kind, caller, owner);
    if hooks::refuse(MemoryType::pool(kind), Some(tag), bytes, caller)
        || (wish.spare && !request::is_plenty(bytes))
    {
        row.fail();
        return None;
    }
    let request = Request {
        bytes,
        zero: pool_type & ZERO != 0,
        sleep: true,
    };
    let small = small::is_small(bytes, wish.cache_aligned);
    // The verifier may be switched meanwhile, and what it records has to be marked.
    let verified = on();
    let mut stamp = header::stamp(kind, tag);
    let mut block = None;
    if verified {
        stamp = header::marked(stamp);
        block = verified::allocate(request, wish, kind, tag, row, caller);
    }
    let block = match block {
        None if small => small::allocate(request, wish, stamp, row),
        None => allocate_large(request, wish.charged, kind, tag, stamp, row, caller),
        block => block,
    };
    match block {
        Some(block) => {
            row.begin_peak();
            if verified {
                verified::allocated(block, bytes, small, tag, kind, caller);
            }
            traced::allocated(block, bytes, small, tag, kind, caller, began);
        }
        None => row.fail(),
    }
    block
}

/// Allocates a block that is not small.
#[inline(never)]
fn allocate_large(
    request: Request,
    charged: bool,
    kind: PoolKind,
    tag: Tag,
    stamp: u64,
    row: &'static TagStats,
    caller: usize,
) -> Option<NonNull<u8>> {
    if request.bytes <= pages::MAX {
        if let Some(block) = pages::allocate(request, charged, stamp, row) {
            return Some(block);
        }
    }
    let used = large::used(request.bytes)?;
    if sys::irql().may_sleep() {
        BACKLOG.shorten(used, give_back);
    }
    let record = Reservation::new()?;
    let block = backlog::retry(
        || large::allocate_pages(request, charged),
        || sys::irql().may_sleep() && BACKLOG.drain(give_back),
    )?;
    row.charge(request.bytes, used);
    record.insert(
        block,
        request.bytes,
        used,
        caller,
        Owner::Pool {
            kind,
            tag,
            row,
            charged,
        },
    );
    Some(block)
}

/// Reports a request for zero bytes. Returns how many to allocate all the same, by the policy.
#[cold]
fn bytes_for_zero(pool_type: u32, tag: Tag, caller: usize) -> Option<usize> {
    let given = [pool_type.into(), tag.into()];
    let served = Tolerated::ZeroBytes.now();
    rule::POOL_ZERO_BYTES.by(caller, given).report_with(|| {
        if served {
            pr_err!("  served all the same: policy {}\n", Tolerated::ZeroBytes);
        }
    });
    served.then_some(1)
}

/// Reports a request with a bad pool type.
#[cold]
fn refuse_type(pool_type: u32, bytes: usize, tag: Tag, caller: usize) {
    let rule = if pool_type & !MODIFIERS == MUST_SUCCEED {
        &rule::MUST_SUCCEED_REQUESTED
    } else if pool_type & FLAGS != 0 && pool_type < 2 * ZERO {
        &rule::POOL_TYPE_OF_FLAGS
    } else {
        &rule::POOL_TYPE_UNKNOWN
    };
    let given = [pool_type.into(), bytes.into(), tag.into()];
    rule.by(caller, given).about(tag).report();
}

/// Reports a request with a bad tag.
#[cold]
fn refuse_tag(bad: BadTag, pool_type: u32, bytes: usize, tag: Tag, caller: usize) {
    let (rule, [first, second]): (_, [Parameter; 2]) = match bad {
        BadTag::Zero => (&rule::TAG_ZERO, [pool_type.into(), bytes.into()]),
        BadTag::Reserved => (&rule::TAG_RESERVED, [pool_type.into(), bytes.into()]),
        BadTag::NoAlphanumeric => (&rule::TAG_UNREADABLE, [tag.into(), pool_type.into()]),
    };
    let given = [first, second, Parameter::Address(caller)];
    rule.by(caller, given).about(tag).report();
}

/// Frees the block at an address. `tag` must be 0 or the block's. Any context, any address.
#[inline(always)]
fn free(freeing: Freeing, tag: u32, caller: usize) {
    let tag = Tag::stored(tag);
    if sys::frees_watched() {
        free_watched(freeing, tag, caller);
    } else if !fast::free(&freeing, tag) {
        free_pages(freeing, tag, caller);
    }
}

/// Frees a block while somebody looks at frees: a tracer, or a scatter/gather list, whose memory
/// must not be freed.
#[inline(never)]
fn free_watched(freeing: Freeing, tag: Tag, caller: usize) {
    if !percpu::in_nmi() && refuses(freeing.addr(), caller) {
        return;
    }
    if sys::watched() {
        return free_any(freeing, tag.unprotected(), caller);
    }
    if !fast::free(&freeing, tag) {
        free_pages(freeing, tag, caller);
    }
}

/// If a scatter/gather list uses a block, reports its free and returns `true`: the caller must not
/// carry it out. Any context but NMI, any address.
pub(crate) fn refuses(addr: usize, caller: usize) -> bool {
    let refuses = |known: Known| listed::refuses(addr, known.bytes, caller);
    sys::any_listed() && lookup::find(addr).is_some_and(refuses)
}

/// Frees a block of pages, or any other block that the fast path for small blocks did not free.
#[inline(never)]
fn free_pages(freeing: Freeing, tag: Tag, caller: usize) {
    if freeing.addr() % PAGE_SIZE != 0 {
        free_any(freeing, tag.unprotected(), caller);
    } else if !fast::free_pages(&freeing, tag) {
        free_other_pages(freeing, tag, caller);
    }
}

/// Frees a block of pages of another form, or any other block that the fast path for blocks of
/// whole pages did not free.
#[inline(never)]
fn free_other_pages(freeing: Freeing, tag: Tag, caller: usize) {
    if !fast::free_other_pages(&freeing, tag) {
        free_any(freeing, tag.unprotected(), caller);
    }
}

/// The slow path of freeing.
#[inline(never)]
fn free_any(freeing: Freeing, tag: Tag, caller: usize) {
    let addr = freeing.addr();
    if percpu::in_nmi() {
        // In NMI no lock may be taken, so nothing can be looked up or freed.
        rule::POOL_FREED_IN_NMI
            .by(caller, [Parameter::Address(addr)])
            .report();
        return;
    }
    if arena::covers(addr) {
        return special::free(addr, tag, caller);
    }
    // A small block may also begin at a page boundary, so the alignment does not tell them apart.
    let large = if addr % PAGE_SIZE == 0 {
        free_large(&freeing, tag, caller)
    } else {
        Large::None
    };
    if matches!(large, Large::Done) {
        return;
    }
    match addr.checked_sub(UNIT) {
        Some(at) if at % UNIT == 0 => match Header::find(at) {
            Some(Found::Live(header)) => free_small(&freeing, header, tag, caller),
            Some(Found::Freed(header)) => {
                held_back::quarantine_on_free(addr);
                free_freed(addr, &header, caller);
            }
            None => free_nothing(addr, matches!(large, Large::Recent), caller),
        },
        _ => free_nothing(addr, matches!(large, Large::Recent), caller),
    }
}

/// Frees a small block.
#[inline]
fn free_small(freeing: &Freeing, header: Live<Header>, tag: Tag, caller: usize) {
    let addr = freeing.addr();
    if !header.admits(tag) {
        if header.is_marked() {
            quarantine_set::quarantine_on_free(addr);
        }
        let block = (header.tag(), header.kind(), header.bytes());
        if !bad_free::report_wrong_tag(addr, block, tag, caller) {
            return;
        }
    }
    bad_free::check_context(addr, header.kind(), caller);
    let checked = header.is_checked();
    let keep = !checked && header.is_marked() && forget(addr);
    if header.is_sampled() {
        return free_sampled(freeing, &header, keep, caller);
    }
    let Some(object) = Claimed::claim(freeing, &header) else {
        return bad_free::report_freed_twice(addr, header.tag(), caller);
    };
    if checked {
        return red_zone::free(object, &header, caller);
    }
    small::discharge(&header, tag_table::at(header.row()));
    traced::small(addr, &header).freed(caller);
    if keep {
        quarantine::keep(Memory::Object(object, addr));
    } else {
        object.free();
    }
}

/// Frees a small block that KFENCE watches.
#[cold]
fn free_sampled(freeing: &Freeing, header: &Live<Header>, keep: bool, caller: usize) {
    let addr = freeing.addr();
    let Some(object) = Sampled::claim(freeing, header) else {
        return bad_free::report_freed_twice(addr, header.tag(), caller);
    };
    small::discharge(header, tag_table::at(header.row()));
    traced::small(addr, header).freed(caller);
    if keep {
        quarantine::keep(Memory::Sampled(object, addr, header.bytes()));
    } else {
        object.free();
    }
}

/// Removes the verifier's record of a block. Returns whether to put the memory into quarantine.
fn forget(addr: usize) -> bool {
    tracking::remove(addr);
    quarantine_set::take(addr)
}

/// Frees a block of pages.
fn free_found_pages(freeing: &Freeing, header: Live<PageHeader>, tag: Tag, caller: usize) {
    let addr = freeing.addr();
    if !header.admits(tag) {
        if header.is_marked() {
            quarantine_set::quarantine_on_free(addr);
        }
        let block = (header.tag(), header.kind(), header.bytes());
        if !bad_free::report_wrong_tag(addr, block, tag, caller) {
            return;
        }
    }
    bad_free::check_context(addr, header.kind(), caller);
    let keep = header.is_marked() && forget(addr);
    let Some(freed) = pages::Freed::claim(freeing, &header) else {
        return bad_free::report_freed_twice(addr, header.tag(), caller);
    };
    traced::pages(addr, &header).freed(caller);
    if keep {
        quarantine::keep(Memory::Pages(freed));
    } else {
        freed.give();
    }
}

/// The result of the free of a page-aligned address.
enum Large {
    /// There was a block, which was freed or reported.
    Done,
    /// There is no block of pages, but one was freed there recently.
    Recent,
    /// There is no block of pages. A small block may begin there.
    None,
}

/// Frees the block of pages or the large block at an address, if there is one.
#[inline(never)]
fn free_large(freeing: &Freeing, tag: Tag, caller: usize) -> Large {
    let addr = freeing.addr();
    match PageHeader::find(addr) {
        Some(Found::Live(header)) => free_found_pages(freeing, header, tag, caller),
        Some(Found::Freed(header)) => bad_free::report_freed_twice(addr, header.tag(), caller),
        None => return free_region(addr, tag, caller),
    }
    Large::Done
}

/// Frees a block with a record, if there is one at `addr`.
fn free_region(addr: usize, tag: Tag, caller: usize) -> Large {
    let taken = REGIONS.take(addr, |region| match region.owner {
        Owner::Pool { tag: owner, .. } if tag.as_raw() == 0 || tag == owner => Ok(()),
        Owner::Pool { tag, kind, .. } => Err(Ok((tag, kind, region.asked))),
        _ => Err(Err(region.facts())),
    });
    match taken {
        Taken::Region(region) => {
            if let Owner::Pool { kind, .. } = region.owner {
                bad_free::check_context(addr, kind, caller);
            }
            release(region, caller);
        }
        Taken::Refused(Ok(block)) => {
            quarantine_set::quarantine_on_free(addr);
            if bad_free::report_wrong_tag(addr, block, tag, caller) {
                return free_region(addr, Tag::from_raw(0), caller);
            }
        }
        Taken::Refused(Err(facts)) => {
            bad_free::not_from_pool(addr, caller).report_with(|| facts.print())
        }
        Taken::Recent => return Large::Recent,
        Taken::Missing => return Large::None,
    }
    Large::Done
}

/// Frees a block that was taken out of the table. Any context but NMI.
fn release(region: KBox<Region>, caller: usize) {
    if let Owner::Pool { row, .. } = region.owner {
        row.discharge(region.asked, region.used);
        region.traced().freed(caller);
        if quarantine_set::take(region.addr()) {
            return quarantine::keep(Memory::Region(region));
        }
        if !sys::irql().may_sleep() && sys::is_vmalloc(region.base) {
            BACKLOG.add(region);
        } else {
            give_back(Batch::of(region));
        }
    }
}

/// Frees the memory of large blocks. In a context that may not sleep, none may be vmalloc's:
/// vmalloc would keep its list of areas to free in the pages themselves, which others may still
/// map.
pub(crate) fn give_back(mut batch: Batch) {
    while let Some(region) = batch.regions.pop() {
        // SAFETY: `allocate_large()` allocated it, of this size. The region was taken out of the
        // table, so nobody uses it any more.
        unsafe { large::free(region.base, region.asked, large::Source::Pages) };
    }
}

/// Reports the free of an address at which no block begins. `recent` says whether one was freed
/// there recently.
#[cold]
fn free_nothing(addr: usize, recent: bool, caller: usize) {
    if addr == 0 {
        return rule::NULL_FREED.by(caller, [addr.into()]).report();
    }
    if addr < SYSTEM_SPACE {
        return rule::USER_ADDRESS_FREED.by(caller, [addr.into()]).report();
    }
    // Before the search for damage: a block may have damaged headers of former blocks in it.
    if let Some(block) = around(addr) {
        return free_inside(addr, block, caller);
    }
    if let Some(damage) = damage::look(addr) {
        return damage.report(caller);
    }
    if let Some(bytes) = tracking::block(addr).filter(|_| !recent) {
        let given = [Parameter::Address(addr), bytes.into(), 0u32.into()];
        return rule::HEADER_CHANGED.by(caller, given).report_with(|| {
            tracking::tell(addr);
        });
    }
    // The address may have been used again since, for a mapping or an object of somebody else. Then
    // this is not a second free.
    if recent && !is_mapping_of_another(addr) && !slab_caches::is_of_another(addr) {
        return bad_free::report_freed_twice(addr, Tag::from_raw(0), caller);
    }
    bad_free::report_foreign(addr, caller);
}

/// Whether memory or a device is mapped at an address, other than for a block that was freed there.
/// Such a block is mapped as long as it waits to be given back.
fn is_mapping_of_another(addr: usize) -> bool {
    NonNull::new(addr as *mut u8).is_some_and(sys::is_vmalloc)
        && sys::physical(addr).is_some()
        && !BACKLOG.holds(addr)
}

/// Reports the free of an address that has the header of a freed block in front of it. That is a
/// second free, unless the memory was used again: an object of the kernel or a block of the pool
/// may still contain headers of former blocks, where its owner has not written yet. A charged block
/// may have been an object of kmalloc itself, and a sampled one was.
#[cold]
fn free_freed(addr: usize, header: &Header, caller: usize) {
    let own = header.is_charged() || header.is_sampled();
    if slab_caches::is_of_another(addr) && !own {
        return bad_free::report_foreign(addr, caller);
    }
    match around(addr) {
        Some(block) => free_inside(addr, block, caller),
        None => bad_free::report_freed_twice(addr, header.tag(), caller),
    }
}

/// Reports the free of an address inside the live block at `block`.
#[cold]
fn free_inside(addr: usize, block: usize, caller: usize) {
    if is_marked(block) {
        quarantine_set::quarantine_on_free(block);
    }
    bad_free::report_inside(addr, block, lookup::find(block).as_ref(), caller);
}

/// Whether the free of a block will check whether it is marked for quarantine.
fn is_marked(block: usize) -> bool {
    if block % PAGE_SIZE == 0 {
        if let Some(Found::Live(header)) = PageHeader::find(block) {
            return header.is_marked();
        }
    }
    match block.checked_sub(UNIT).and_then(Header::find) {
        Some(Found::Live(header)) => header.is_marked(),
        _ => true,
    }
}

/// The live block that contains an address.
fn around(addr: usize) -> Option<usize> {
    let region = || {
        REGIONS.find_map(|region| {
            let inside = matches!(region.owner, Owner::Pool { .. })
                && addr
                    .checked_sub(region.addr())
                    .is_some_and(|offset| offset < region.used);
            inside.then(|| region.addr())
        })
    };
    small::around(addr)
        .or_else(|| pages::around(addr))
        .or_else(region)
}

/// Allocates a block for a client, by another routine than `ExAllocatePoolWithTag`. Any context.
pub(crate) fn allocate_for(
    owner: Client,
    pool_type: u32,
    bytes: usize,
    tag: u32,
    caller: usize,
) -> Option<NonNull<u8>> {
    let module = owner.as_usize() as *mut bindings::module;
    NonNull::new(rust_pool_allocate(pool_type, bytes, tag, caller, module).cast())
}

/// Frees a block that a client gave up, to another routine than `ExFreePoolWithTag`. Any context,
/// any address.
pub(crate) fn free_given(addr: usize, tag: u32, caller: usize) {
    // SAFETY: Whoever calls this was given the block, if one begins there.
    rust_pool_free(unsafe { Freeing::new(addr) }, tag, caller);
}

/// Exported: `ExAllocatePoolWithTag`. Not declared `unsafe`, as Rust calls it, too.
#[no_mangle]
extern "C" fn rust_pool_allocate(
    pool_type: u32,
    bytes: usize,
    tag: u32,
    caller: usize,
    module: *mut bindings::module,
) -> *mut c_void {
    let owner = Client::new(module);
    allocate(pool_type, bytes, tag, caller, owner).map_or(sys::NULL, |block| block.as_ptr().cast())
}
matches_header!(rust_pool_allocate(_, _, _, _, _));
export_symbol_gpl!(rust_pool_allocate);

/// Exported: `ExAllocatePoolWithQuotaTag` and its relatives. The type has the modifier raise
/// already, if the routine is to raise.
#[no_mangle]
extern "C" fn rust_pool_allocate_charged(
    pool_type: u32,
    bytes: usize,
    tag: u32,
    caller: usize,
    module: *mut bindings::module,
) -> *mut c_void {
    let (tag, owner) = (Tag::from_raw(tag), Client::new(module));
    let wish = Wish {
        charged: true,
        ..Wish::NONE
    };
    allocate_with(pool_type, bytes, tag, caller, owner, wish)
        .map_or(sys::NULL, |block| block.as_ptr().cast())
}
matches_header!(safe rust_pool_allocate_charged(_, _, _, _, _));
export_symbol_gpl!(rust_pool_allocate_charged);

// SAFETY: It is a transparent address, so it is passed as a pointer is, and any one is a value. It
// is for functions whose callers give up what they pass.
unsafe impl Passed<*mut c_void> for Freeing {}

/// Exported: `ExFreePoolWithTag`, and `ExFreePool` with tag 0. Not declared `unsafe`, as the type
/// [`Freeing`] says what is required.
#[no_mangle]
extern "C" fn rust_pool_free(block: Freeing, tag: u32, caller: usize) {
    free(block, tag, caller);
}
matches_header!(rust_pool_free(_, _, _));
export_symbol_gpl!(rust_pool_free);
