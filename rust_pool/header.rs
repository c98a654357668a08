// SPDX-License-Identifier: GPL-2.0

//! Headers of pool blocks.
//!
//! A small block has a header of 16 bytes in front, with the layout of NT's `POOL_HEADER` for x64.
//!
//! ```text
//! +0  PreviousSize  u8   if cache-aligned: the units of the object in front of the header
//! +1  PoolIndex     u8   0
//! +2  BlockSize     u8   header and block, in units of 16 bytes
//! +3  PoolType      u8   bit 1: in use, bit 0: paged, bit 2: cache-aligned, bit 3: charged to a
//!                        process, bit 4: marked by the verifier, bit 5: with a red zone, bit 6:
//!                        sampled by KFENCE
//! +4  PoolTag       u32
//! +8  AllocatorBackTraceIndex  u16  bytes asked for
//! +10 PoolTagHash   u16  number of the tag's row in the tag table
//! +12                u32  check word (NT has no field of that name here)
//! ```
//!
//! A block of a page or more, up to 64 KiB, has its header in the `struct page` of its first page,
//! where Windows has its big-page table:
//!
//! ```text
//! +0  bytes asked for  u20  and above them, in four bits, the order of the pages plus 1, or 0
//! +3  flags            u8   as in PoolType; bit 2: the last page is shared, bit 3: always set,
//!                           bit 6: charged to a process
//! +4  PoolTag          u32
//! +8                   u16  0
//! +10 PoolTagHash      u16
//! +12                  u32  check word
//! ```
//!
//! The check word covers all fields except the in-use bit, and the address of the header, or of the
//! block of pages. It is multiplied by a secret that is chosen at load. So no other memory passes
//! for a header, not even a copy of one, while the header of a freed block is still recognized.
//!
//! An object that waits in a magazine for its first block has a spare header: one that is not in
//! use, and whose block has 0 bytes. It says where the object ends, and nothing else.

pub(crate) mod freeing;
pub(crate) mod recently_freed;

use crate::{
    sys::{
        self,
        arch::read_once,
        raw,
        PageWords,
        PAGE_SIZE, //
    },
    types::{
        memory_type::Known,
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use core::{
    cell::Cell,
    mem::size_of,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// Bytes of a header, and of the unit in which block sizes are counted.
pub(crate) const UNIT: usize = size_of::<Place>();

/// Where a header goes: the first [`UNIT`] bytes of an object, or those in front of a cache-aligned
/// block in it. Others may look for a header there at any time.
#[repr(C, align(16))]
pub(crate) struct Place([Cell<u64>; 2]);

impl Place {
    /// Its address.
    #[inline(always)]
    fn addr(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Writes both words, in this order.
    fn write(&self, first: u64, second: u64) {
        let [at, next] = &self.0;
        read_once::write(at, first);
        read_once::write(next, second);
    }
}

/// The largest block that has a header in front, as on Windows.
pub(crate) const LARGEST: usize = 4064;

/// The alignment of cache-aligned blocks.
pub(crate) const CACHE_LINE: usize = 64;

/// The most units of an object that may be in front of a cache-aligned block's header.
const FRONT_UNITS: usize = CACHE_LINE / UNIT - 1;

/// How many bytes larger an object must be so that a cache-aligned block fits, wherever it begins.
pub(crate) const CACHE_ROOM: usize = FRONT_UNITS * UNIT;

const PAGED: u64 = 1 << 24;
const IN_USE: u64 = 2 << 24;
const SHARED: u64 = 4 << 24;
/// In front of a small block: it is cache-aligned.
const ALIGNED: u64 = 4 << 24;
/// The field with the units of the object in front of the header of a cache-aligned block.
const FRONT: u64 = 0xff;
/// The field with the units from a small block's header to the end of its object.
const UNITS: u64 = 0xff << 16;
const PAGES: u64 = 8 << 24;
/// In front of a small block: its memory is its own, and is charged to a process.
const CHARGED: u64 = 8 << 24;
/// Of a block of pages: it is charged to a process.
const PAGES_CHARGED: u64 = 64 << 24;
/// In front of a small block: its memory is an object of kmalloc that KFENCE watches.
const SAMPLED: u64 = 64 << 24;
const BYTES: u64 = (1 << 20) - 1;
const ORDER: u32 = 20;
/// The verifier's mark: the block is freed on the slow path.
const MARKED: u64 = 16 << 24;
/// The block has a red zone. It has the verifier's mark as well.
const CHECKED: u64 = 32 << 24;
/// The bits that the fast path checks.
const STATE: u64 = IN_USE | PAGED | MARKED;
const SMALL_STATE: u64 = STATE | ALIGNED | CHARGED | SAMPLED;

static SECRET: Atomic<u64> = Atomic::new(0);
/// Where the reader of a dump finds it.
pub(crate) const SECRET_PLACE: *const Atomic<u64> = &raw const SECRET;

/// Chooses the secret.
pub(crate) fn init() {
    // Multiplication by an odd number loses no information.
    SECRET.store(sys::random() | 1, Relaxed);
}

/// The check word of a header with these words, the first with its in-use bit set.
#[inline(always)]
fn check(addr: usize, first: u64, second: u64) -> u32 {
    // CAST: Addresses are 64 bits wide on the architectures supported. The upper half of the
    // product is mixed best.
    let mixed = first ^ (addr as u64).rotate_left(24) ^ (second & 0xffff_ffff) << 20;
    (mixed.wrapping_mul(read_once::read(&SECRET)) >> 32) as u32
}

/// A word that proves that this module wrote `word` to the `struct page` of the page at `addr`, and
/// did so since it was loaded.
pub(crate) fn seal(addr: usize, word: u64) -> u64 {
    // CAST: Addresses are 64 bits wide on the architectures supported.
    (word ^ (addr as u64).rotate_left(24)).wrapping_mul(read_once::read(&SECRET))
}

/// The part of the first word that is the same in all headers of a tag. Its top bit is clear, as
/// that of a tag is.
#[inline]
pub(crate) fn stamp(kind: PoolKind, tag: Tag) -> u64 {
    // CAST: The discriminants are 0 and 1.
    IN_USE | (kind as u64) << 24 | u64::from(tag.as_raw()) << 32
}

/// A [`stamp`] for headers with the verifier's mark.
#[inline]
pub(crate) fn marked(stamp: u64) -> u64 {
    stamp | MARKED
}

/// A [`stamp`] for headers with the verifier's mark, and the one for a red zone.
pub(crate) fn checked(stamp: u64) -> u64 {
    stamp | MARKED | CHECKED
}

/// A [`stamp`] for headers of small blocks whose memory is their own, and is charged to a process.
#[inline]
pub(crate) fn charged(stamp: u64) -> u64 {
    stamp | CHARGED
}

/// A [`stamp`] for headers of small blocks whose memory KFENCE watches.
#[inline]
pub(crate) fn sampled(stamp: u64) -> u64 {
    stamp | SAMPLED
}

/// The two words of a header, of either kind.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    first: u64,
    second: u64,
}

impl Words {
    /// The second word with its check word. These are the words of a live block.
    #[inline]
    fn sealed(&self, addr: usize) -> u64 {
        self.second | u64::from(check(addr, self.first, self.second)) << 32
    }

    /// The second word with its check word, if these are the words of a block that is not live.
    #[inline]
    fn freed(&self, addr: usize) -> u64 {
        Self {
            first: self.first | IN_USE,
            ..*self
        }
        .sealed(addr)
    }

    /// The words, if their check word proves that they are a header of `addr`.
    #[inline(always)]
    fn genuine((first, second): (u64, u64), addr: usize) -> Option<Self> {
        // CAST: It is the upper half of the second word.
        ((second >> 32) as u32 == check(addr, first | IN_USE, second))
            .then_some(Self { first, second })
    }

    #[inline]
    fn in_use(&self) -> bool {
        self.first & IN_USE != 0
    }

    #[inline]
    fn tag(&self) -> Tag {
        // CAST: It is the upper half of the first word.
        Tag::stored((self.first >> 32) as u32)
    }

    #[inline]
    fn kind(&self) -> PoolKind {
        if self.first & PAGED != 0 {
            PoolKind::Paged
        } else {
            PoolKind::NonPaged
        }
    }

    #[inline]
    fn row(&self) -> u16 {
        // CAST: The field has 16 bits.
        (self.second >> 16) as u16
    }

    /// The words without a check word.
    fn unsealed(&self) -> Self {
        Self {
            second: self.second & 0xffff_ffff,
            ..*self
        }
    }

    /// Whether the block may be freed with this tag. Tag 0 stands for any.
    #[inline]
    fn admits(&self, tag: Tag) -> bool {
        tag == self.tag() || tag.as_raw() == 0
    }
}

impl From<Header> for Words {
    #[inline(always)]
    fn from(header: Header) -> Self {
        header.0
    }
}

impl From<PageHeader> for Words {
    #[inline(always)]
    fn from(header: PageHeader) -> Self {
        header.0
    }
}

/// A header that was found.
pub(crate) enum Found<H> {
    /// The header of a live block.
    Live(Live<H>),
    /// The header of a block that was freed.
    Freed(H),
}

/// The header of a block that was live when it was found.
///
/// # Invariants
///
/// `header` is that of a live block, and was read at `at`. Its check word proves that this module
/// wrote it there: to an object or a `struct page` of ours.
#[derive(Clone, Copy)]
pub(crate) struct Live<H> {
    header: H,
    /// The address that it is the header of.
    addr: usize,
    /// The address of its first word.
    at: usize,
}

impl<H> Deref for Live<H> {
    type Target = H;

    #[inline(always)]
    fn deref(&self) -> &H {
        &self.header
    }
}

impl<H: Copy + Into<Words>> Live<H> {
    /// The address at which it was found.
    #[inline(always)]
    pub(crate) fn addr(&self) -> usize {
        self.addr
    }

    /// The index of its row in the tag table.
    #[inline(always)]
    pub(crate) fn row(&self) -> u16 {
        self.header.into().row()
    }

    /// Marks the block as freed. Returns `false` if another CPU freed it first. Any context.
    #[inline(always)]
    pub(crate) fn claim(&self) -> bool {
        let Words { first, .. } = self.header.into();
        // SAFETY: By the type invariant `peek()` has read a header of ours there. Only this
        // function changes the first word of a live block's header. If the block was freed
        // meanwhile, the word differs.
        unsafe { sys::replace(self.at, first, first & !IN_USE) }
    }
}

/// Looks at the header of the live block that begins at `addr`, if there is one. Any context, any
/// address.
fn look_at<T>(
    addr: usize,
    pages: impl FnOnce(PageHeader) -> T,
    small: impl FnOnce(Header) -> T,
) -> Option<T> {
    if addr % PAGE_SIZE == 0 {
        if let Some(Found::Live(Live { header, .. })) = PageHeader::find(addr) {
            return Some(pages(header));
        }
    }
    let header = addr.checked_sub(UNIT).filter(|at| at % UNIT == 0);
    match header.and_then(Header::find) {
        Some(Found::Live(Live { header, .. })) => Some(small(header)),
        _ => None,
    }
}

/// The live block with a header that begins at `addr`, if there is one. Any context, any address.
pub(crate) fn live_at(addr: usize) -> Option<Known> {
    look_at(
        addr,
        |header| Known::pool(header.tag(), header.kind(), header.bytes()),
        |header| Known::pool(header.tag(), header.kind(), header.bytes()),
    )
}

/// The number of the row under which the live block with a header that begins at `addr` is counted,
/// if there is one. Any context, any address.
pub(crate) fn row_at(addr: usize) -> Option<u16> {
    look_at(addr, |header| header.row(), |header| header.row())
}

/// Whether the live block with a header that begins at `addr` is charged to a process; `None` if
/// there is none. Any context, any address.
pub(crate) fn charged_at(addr: usize) -> Option<bool> {
    look_at(
        addr,
        |header| header.is_charged(),
        |header| header.is_charged(),
    )
}

/// Whether a header is at `addr`, whether of a live block or of one that was freed. Any context,
/// any address.
pub(crate) fn is_at(addr: usize) -> bool {
    let header = addr.checked_sub(UNIT).filter(|at| at % UNIT == 0);
    header.and_then(Header::find).is_some()
        || addr % PAGE_SIZE == 0 && PageHeader::find(addr).is_some()
}

/// The contents of a header in front of a small block.
#[derive(Clone, Copy)]
pub(crate) struct Header(Words);

impl Header {
    /// The header of a live block of `bytes` bytes, at most [`LARGEST`] and not 0, under a tag with
    /// this [`stamp`].
    #[inline(always)]
    pub(crate) fn new(bytes: usize, stamp: u64, row: u16) -> Self {
        Self::with_room(bytes, 0, stamp, row)
    }

    /// Like [`Self::new`], for a block with `room` bytes of its object behind it. Both together
    /// have at most [`LARGEST`] bytes.
    #[inline(always)]
    pub(crate) fn with_room(bytes: usize, room: usize, stamp: u64, row: u16) -> Self {
        // CAST: Lossless: the units are at most 255, and `bytes` has 12 bits.
        Self(Words {
            first: stamp.wrapping_add((units(bytes.wrapping_add(room)) as u64) << 16),
            second: bytes as u64 | u64::from(row) << 16,
        })
    }

    /// This header for a cache-aligned block, with `front` units of its object in front of the
    /// header, at most 3.
    #[inline]
    pub(crate) fn behind(self, front: usize) -> Self {
        // CAST: It is at most 3.
        let front = front as u64 & FRONT;
        Self(Words {
            first: self.0.first | ALIGNED | front,
            ..self.0
        })
    }

    /// Whether the block's memory is its own, and is charged to a process.
    #[inline]
    pub(crate) fn is_charged(&self) -> bool {
        self.0.first & CHARGED != 0
    }

    /// Whether the block's memory is an object of kmalloc that KFENCE watches.
    #[inline]
    pub(crate) fn is_sampled(&self) -> bool {
        self.0.first & SAMPLED != 0
    }

    /// Clears the header of a block that was freed, so that it is not found in what becomes of its
    /// memory.
    pub(crate) fn erase(place: &Place) {
        place.write(0, 0);
    }

    /// Writes the header to its place.
    #[inline(always)]
    pub(crate) fn write(self, place: &Place) {
        let Words { first, second } = self.0;
        let check = check(place.addr(), first, second);
        let [at, next] = &place.0;
        at.set(first);
        // Write the word by one store. The free loads it as a whole, and a processor can forward
        // one pending store to a load, but not two.
        next.set(second | u64::from(check) << 32);
    }

    /// Writes a spare header. It says that `units` units from there on, at most 255, are one
    /// object, or the part of an object in front of a cache-aligned block's header, and that no
    /// block begins there yet. If a block began there that was freed since, its header stays except
    /// for the units and marks, so that a second free is still recognized.
    #[inline]
    pub(crate) fn write_spare(object: &Place, units: usize) {
        let addr = object.addr();
        // CAST: It is at most 255.
        let place = (units as u64) << 16;
        let found = sys::peek(addr).and_then(|found| Words::genuine(found, addr));
        let words = match found.filter(|words| !words.in_use()) {
            Some(words) if words.first & (UNITS | ALIGNED | FRONT) == place => return,
            Some(words) => Words {
                first: words.first
                    & !(UNITS | ALIGNED | FRONT | CHARGED | SAMPLED | MARKED | CHECKED)
                    | place,
                second: words.second & 0xffff_ffff,
            },
            None => Words {
                first: place,
                second: 0,
            },
        };
        object.write(words.first, words.freed(addr));
    }

    /// The spare header at `addr`, which may be any address.
    pub(crate) fn find_spare(addr: usize) -> Option<Self> {
        let words = Words::genuine(sys::peek(addr)?, addr)?;
        Some(Self(words)).filter(Self::is_spare)
    }

    fn is_spare(&self) -> bool {
        !self.0.in_use() && self.bytes() == 0
    }

    /// The bytes of the block's object in front of the header.
    #[inline]
    pub(crate) fn front(&self) -> usize {
        if self.0.first & ALIGNED == 0 {
            return 0;
        }
        // CAST: The field has 8 bits.
        (self.0.first & FRONT) as usize * UNIT
    }

    /// Whether the block has a red zone.
    #[inline]
    pub(crate) fn is_checked(&self) -> bool {
        self.0.first & CHECKED != 0
    }

    /// Whether it has the verifier's mark.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.0.first & MARKED != 0
    }

    /// Whether the block is neither charged, nor sampled, nor cache-aligned.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.0.first & (ALIGNED | CHARGED | SAMPLED) == 0
    }

    /// The header at `addr`, which may be any address, if it is that of a live block in nonpaged
    /// pool, without the verifier's mark, and [plain](Self::is_plain).
    #[inline(always)]
    pub(crate) fn find_nonpaged(addr: usize) -> Option<Live<Self>> {
        let (first, second) = sys::peek(addr)?;
        // CAST: It is the upper half of the second word.
        (first & SMALL_STATE == IN_USE && (second >> 32) as u32 == check(addr, first, second))
            .then_some(Self(Words { first, second }).found_at(addr))
    }

    /// This header, which was found at `addr`, in use and with its check word.
    #[inline(always)]
    fn found_at(self, addr: usize) -> Live<Self> {
        // INVARIANT: The caller has read it there.
        Live {
            header: self,
            addr,
            at: addr,
        }
    }

    /// What the header of a live block at `addr`, which may be any address, has in common with
    /// those of all other blocks of its size, tag, pool and row; `None` if the verifier knows the
    /// block, or it is not [plain](Self::is_plain). With it `lookaside/list.c` computes the check
    /// word as [`check`] does.
    pub(crate) fn common(addr: usize) -> Option<raw::rust_pool_headers> {
        match Self::find(addr)? {
            Found::Live(header) if header.is_plain() && !header.is_marked() => {
                let Words { first, second } = header.0.unsealed();
                Some(raw::rust_pool_headers {
                    live: first,
                    freed: first & !IN_USE,
                    second,
                    mixed: first ^ second << 20,
                    secret: read_once::read(&SECRET),
                })
            }
            _ => None,
        }
    }

    /// Looks for a block's header at `addr`, which may be any address.
    #[inline]
    pub(crate) fn find(addr: usize) -> Option<Found<Self>> {
        let header = Self(Words::genuine(sys::peek(addr)?, addr)?);
        if header.0.in_use() {
            return Some(Found::Live(header.found_at(addr)));
        }
        (!header.is_spare()).then_some(Found::Freed(header))
    }

    /// The bytes that the client asked for.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        // CAST: The field has 16 bits.
        (self.0.second & 0xffff) as usize
    }

    /// The units from the header to the end of the object.
    #[inline]
    pub(crate) fn units(&self) -> usize {
        // CAST: The field has 8 bits.
        usize::from((self.0.first >> 16) as u8)
    }

    /// The block's tag.
    #[inline]
    pub(crate) fn tag(&self) -> Tag {
        self.0.tag()
    }

    /// The pool that the block is from.
    #[inline]
    pub(crate) fn kind(&self) -> PoolKind {
        self.0.kind()
    }

    /// The index of its row in the tag table.
    #[inline]
    pub(crate) fn row(&self) -> u16 {
        self.0.row()
    }

    /// Whether the block may be freed with this tag. Tag 0 stands for any.
    #[inline]
    pub(crate) fn admits(&self, tag: Tag) -> bool {
        self.0.admits(tag)
    }
}

/// The most units that a red zone takes in addition to those of its block.
const PATTERN_UNITS: usize = 1;

/// The most units of the object behind a block whose header has this first word: those of a red
/// zone and, behind a cache-aligned block, those that its alignment did not need.
fn units_behind(first: u64) -> usize {
    if first & ALIGNED == 0 {
        PATTERN_UNITS
    } else {
        PATTERN_UNITS + FRONT_UNITS
    }
}

/// The bits of the first word that tell how far the header is from the start of its object: none,
/// or those of a cache-aligned block, for each number of units in front.
const PLACES: [u64; 5] = [0, ALIGNED, ALIGNED | 1, ALIGNED | 2, ALIGNED | 3];

/// The marks that the first word of a small block's header may have.
const MARKS: [u64; 10] = [
    0,
    MARKED,
    MARKED | CHECKED,
    CHARGED,
    CHARGED | MARKED,
    CHARGED | MARKED | CHECKED,
    SAMPLED,
    SAMPLED | MARKED,
    SAMPLED | CHARGED,
    SAMPLED | CHARGED | MARKED,
];

/// The words of a damaged header, to find out what it was.
///
/// # Invariants
///
/// `words` were read at `at`, where `addr` would have its header.
#[derive(Clone, Copy)]
pub(crate) struct Remains {
    words: Words,
    addr: usize,
    at: usize,
}

impl Remains {
    /// The words where a small block's header would be, at any address.
    pub(crate) fn of_small(addr: usize) -> Option<Self> {
        let (first, second) = sys::peek(addr)?;
        // INVARIANT: They were just read.
        Some(Self {
            words: Words { first, second },
            addr,
            at: addr,
        })
    }

    /// The words in the `struct page` of the page at any address, where a block of pages has its
    /// header.
    pub(crate) fn of_pages(addr: usize) -> Option<Self> {
        let page = PageWords::around(addr)?;
        let (first, second) = page.peek();
        // INVARIANT: They were just read.
        Some(Self {
            words: Words { first, second },
            addr,
            at: page.addr(),
        })
    }

    /// Whether the words are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.words.first == other.words.first && self.words.second == other.words.second
    }

    /// The number of its row in the tag table, if the second word is intact.
    pub(crate) fn row(&self) -> u16 {
        self.words.row()
    }

    /// Its tag and pool, if the first word is intact and the block is live.
    pub(crate) fn identity(&self) -> Option<(Tag, PoolKind)> {
        let words = &self.words;
        words.in_use().then(|| (words.tag(), words.kind()))
    }

    /// Whether the second word is intact, if this was the first.
    fn proves(&self, first: u64) -> bool {
        self.agrees(first, self.words.second)
    }

    /// Whether the check word is intact, if these were the words.
    fn agrees(&self, first: u64, second: u64) -> bool {
        // CAST: It is the upper half of the second word.
        check(self.addr, first, second) == (self.words.second >> 32) as u32
    }

    /// The header of a small block, if only its first word was overwritten, and its tag has this
    /// stamp. Tries every first word that such a header can have; the check word proves which one
    /// it was.
    pub(crate) fn small_by_second(&self, stamp: u64) -> Option<Header> {
        let header = Header(self.words);
        let bytes = Some(header.bytes()).filter(|&bytes| bytes != 0 && bytes <= LARGEST)?;
        let least = units(bytes);
        PLACES
            .into_iter()
            .flat_map(|place| {
                (least..=least + units_behind(place)).flat_map(move |units| {
                    MARKS.map(|marks| {
                        // CAST: It is at most 255.
                        stamp.wrapping_add((units as u64) << 16) | marks | place
                    })
                })
            })
            .find(|&first| self.proves(first))
            .map(|first| {
                Header(Words {
                    first,
                    ..self.words
                })
            })
    }

    /// The header of a live small block, if only its second word was overwritten, or one half of
    /// that, and its tag has this stamp and row. If the check word is gone, there is no proof, as
    /// the first word may be a copy. Then the header only counts if `begins`: the caller knows that
    /// a block begins there.
    pub(crate) fn small_by_first(&self, stamp: u64, row: u16, begins: bool) -> Option<Header> {
        let Words { first, second } = self.words;
        let header = Header(self.words);
        let place = first & (ALIGNED | FRONT);
        if first & !(CHARGED | SAMPLED | MARKED | CHECKED | UNITS) != stamp | place
            || !PLACES.contains(&place)
            || header.units() < 2
        {
            return None;
        }
        let behind = units_behind(first);
        let fits = |bytes: &usize| {
            let least = units(*bytes);
            *bytes != 0 && *bytes <= LARGEST && (least..=least + behind).contains(&header.units())
        };
        // CAST: It has 16 bits.
        let with = |bytes: usize| bytes as u64 | u64::from(row) << 16;
        let end = header.units() * UNIT;
        let proven = |bytes: &usize| self.agrees(first, with(*bytes));
        let sizes = end.saturating_sub((3 + behind) * UNIT)..end;
        let rest = match sizes.filter(fits).find(proven) {
            Some(bytes) => with(bytes),
            None if begins && self.row() == row && fits(&header.bytes()) => second & 0xffff_ffff,
            None => return None,
        };
        Some(Header(Words {
            first,
            second: rest,
        }))
    }

    /// The header of a block of pages, if only its first word was overwritten, its tag has this
    /// stamp, and its size is among `sizes`. `form` returns the form of a block of this many bytes.
    pub(crate) fn pages_by_second(
        &self,
        stamp: u64,
        sizes: impl Iterator<Item = usize>,
        form: impl Fn(usize) -> Form,
    ) -> Option<PageHeader> {
        if self.words.second & 0xffff != 0 || self.words.second == 0 {
            return None;
        }
        sizes
            .flat_map(|bytes| {
                let words = |form| PageHeader::new(bytes, form, stamp, self.row()).0.first;
                let plain = words(form(bytes));
                let charged = words(Form::Exact) | PAGES_CHARGED;
                [plain, plain | MARKED, charged, charged | MARKED]
            })
            .find(|&first| self.proves(first))
            .map(|first| {
                PageHeader(Words {
                    first,
                    ..self.words
                })
            })
    }

    /// The header of a live block of pages, if only its second word was overwritten, and its tag
    /// has this stamp and row.
    pub(crate) fn pages_by_first(
        &self,
        stamp: u64,
        row: u16,
        form: impl Fn(usize) -> Form,
    ) -> Option<PageHeader> {
        let first = self.words.first;
        let found = PageHeader(self.words);
        let bytes = found.bytes();
        let PageHeader(words) = if found.is_charged() {
            PageHeader::new(bytes, Form::Exact, stamp, row).charged()
        } else {
            PageHeader::new(bytes, form(bytes), stamp, row)
        };
        (first & !MARKED == words.first).then_some(PageHeader(Words { first, ..words }))
    }

    /// Repairs the header, as that of a block that was freed. Returns `false` if the first word has
    /// changed since it was read.
    ///
    /// # Safety
    ///
    /// A block of ours had this header where these words were read.
    pub(crate) unsafe fn bury(&self, header: impl Into<Words>) -> bool {
        let words = header.into();
        let sealed = words.unsealed().freed(self.addr);
        let found = self.words.first;
        // A first word that is an error number is refused: `replace()` could not tell it from a
        // fault.
        // CAST: Its bits are compared with those of error numbers.
        if (found as i64) < 0 && (found as i64) > -4096 {
            return false;
        }
        // SAFETY: By the safety requirements both words are ours; by the type invariant they were
        // read there.
        unsafe {
            if !sys::replace(self.at, found, words.first & !IN_USE) {
                return false;
            }
            (self.at as *mut u64).add(1).write_volatile(sealed);
        }
        true
    }
}

/// How the pages of a block were allocated.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// The block has all pages of an order.
    Order(u32),
    /// The block has as many pages as it needs.
    Exact,
    /// The block has as many pages as it needs, and small blocks may be in the last.
    Shared,
}

/// The contents of a header in the `struct page` of a block's first page.
#[derive(Clone, Copy)]
pub(crate) struct PageHeader(Words);

impl PageHeader {
    /// The header of a live block of `bytes` bytes, fewer than 1 MiB, under a tag with this
    /// [`stamp`].
    #[inline(always)]
    pub(crate) fn new(bytes: usize, form: Form, stamp: u64, row: u16) -> Self {
        let form = match form {
            Form::Order(order) => (u64::from(order) + 1) << ORDER,
            Form::Exact => 0,
            Form::Shared => SHARED,
        };
        // CAST: Lossless on the architectures supported.
        let bytes = bytes as u64 & BYTES;
        Self(Words {
            first: bytes | form | PAGES | stamp,
            second: u64::from(row) << 16,
        })
    }

    /// This header for a block whose pages are charged to a process. Their form is
    /// [`Form::Exact`]: no magazine takes them.
    #[inline]
    pub(crate) fn charged(self) -> Self {
        Self(Words {
            first: self.0.first | PAGES_CHARGED,
            ..self.0
        })
    }

    /// Whether the block's pages are charged to a process.
    #[inline]
    pub(crate) fn is_charged(&self) -> bool {
        self.0.first & PAGES_CHARGED != 0
    }

    /// Writes the header of the block at `addr` into `page`, the first of its pages.
    ///
    /// # Safety
    ///
    /// The page belongs to the caller.
    #[inline(always)]
    pub(crate) unsafe fn write(self, addr: usize, page: PageWords) {
        // SAFETY: By the safety requirements the page belongs to the caller.
        unsafe { page.write(self.0.first, self.0.sealed(addr)) };
    }

    /// Whether it has the verifier's mark.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.0.first & MARKED != 0
    }

    /// The header of a block at `addr`, which may be any page-aligned address, if it is that of a
    /// live block in nonpaged pool without the verifier's mark.
    #[inline(always)]
    pub(crate) fn find_nonpaged(addr: usize) -> Option<(Live<Self>, PageWords)> {
        let page = PageWords::around(addr)?;
        let (first, second) = page.peek();
        // CAST: It is the upper half of the second word.
        (first & STATE == IN_USE && (second >> 32) as u32 == check(addr, first, second))
            .then_some((Self(Words { first, second }).found_at(addr, page), page))
    }

    /// This header, which was found in `page`, that of `addr`, in use and with its check word.
    #[inline(always)]
    fn found_at(self, addr: usize, page: PageWords) -> Live<Self> {
        // INVARIANT: The caller has read it there.
        Live {
            header: self,
            addr,
            at: page.addr(),
        }
    }

    /// Looks for the header of a block at `addr`, which may be any page-aligned address.
    #[inline]
    pub(crate) fn find(addr: usize) -> Option<Found<Self>> {
        let page = PageWords::around(addr)?;
        let header = Self(Words::genuine(page.peek(), addr)?);
        Some(if header.0.in_use() {
            Found::Live(header.found_at(addr, page))
        } else {
            Found::Freed(header)
        })
    }

    /// Removes the header of the pages at `base`, if they have one, before they are given back.
    /// Remembers their address as recently freed.
    ///
    /// # Safety
    ///
    /// `base` is the start of pages that belong to the caller.
    pub(crate) unsafe fn erase(base: NonNull<u8>) {
        let addr = base.as_ptr() as usize;
        if Self::find(addr).is_some() {
            recently_freed::remember(addr);
        }
        if let Some(page) = PageWords::around(addr) {
            // SAFETY: By the safety requirements the page belongs to the caller.
            unsafe { page.write(0, 0) };
        }
    }

    /// The bytes that the client asked for.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        // CAST: The field has 20 bits.
        (self.0.first & BYTES) as usize
    }

    /// How its pages were allocated.
    #[inline(always)]
    pub(crate) fn form(&self) -> Form {
        // CAST: The field has four bits.
        match (self.0.first >> ORDER & 15) as u32 {
            0 if self.0.first & SHARED != 0 => Form::Shared,
            0 => Form::Exact,
            order => Form::Order(order.wrapping_sub(1)),
        }
    }

    /// The block's tag.
    #[inline]
    pub(crate) fn tag(&self) -> Tag {
        self.0.tag()
    }

    /// The pool that the block is from.
    #[inline]
    pub(crate) fn kind(&self) -> PoolKind {
        self.0.kind()
    }

    /// The index of its row in the tag table.
    #[inline]
    pub(crate) fn row(&self) -> u16 {
        self.0.row()
    }

    /// Whether the block may be freed with this tag. Tag 0 stands for any.
    #[inline]
    pub(crate) fn admits(&self, tag: Tag) -> bool {
        self.0.admits(tag)
    }
}

/// The units of a header and a block of `bytes` bytes, at most [`LARGEST`].
#[inline]
pub(crate) const fn units(bytes: usize) -> usize {
    (bytes.wrapping_add(2 * UNIT - 1)) / UNIT
}

#[kernel::macros::kunit_tests(rust_pool_header)]
mod tests {
    use super::*;
    use kernel::prelude::*;

    const TAG: u32 = u32::from_le_bytes(*b"Ring");

    /// Where the header of a small block could be.
    fn object() -> Result<KBox<Place>> {
        Ok(KBox::new(Place([const { Cell::new(0) }; 2]), GFP_KERNEL)?)
    }

    impl Place {
        fn words(&self) -> [u64; 2] {
            self.0.each_ref().map(Cell::get)
        }
    }

    fn write(object: &Place, bytes: usize, kind: PoolKind) {
        Header::new(bytes, stamp(kind, Tag::stored(TAG)), 7).write(object);
    }

    fn live(addr: usize) -> Option<Live<Header>> {
        match Header::find(addr)? {
            Found::Live(header) => Some(header),
            Found::Freed(_) => None,
        }
    }

    #[test]
    fn units_of_header_and_block() {
        for (bytes, expected) in [(1, 2), (16, 2), (17, 3), (32, 3), (4064, 255)] {
            assert!(units(bytes) == expected);
        }
    }

    #[test]
    fn says_what_was_written() -> Result {
        let object = object()?;
        for kind in [PoolKind::NonPaged, PoolKind::Paged] {
            for bytes in [1, 300, LARGEST] {
                write(&object, bytes, kind);
                let header = live(object.addr()).ok_or(EINVAL)?;
                assert!(header.bytes() == bytes && header.units() == units(bytes));
                assert!(header.kind() == kind && header.row() == 7 && !header.is_marked());
                assert!(header.tag() == Tag::stored(TAG));
                assert!(header.admits(Tag::stored(TAG)) && header.admits(Tag::stored(0)));
                assert!(!header.admits(Tag::stored(TAG + 1)));
            }
        }
        Ok(())
    }

    #[test]
    fn laid_out_as_by_nt() -> Result {
        let object = object()?;
        write(&object, 100, PoolKind::Paged);
        let [first, second] = object.words();
        assert!(first.to_le_bytes() == *b"\0\0\x08\x03Ring");
        assert!(second as u32 == 100 | 7 << 16);
        Ok(())
    }

    #[test]
    fn freed_once() -> Result {
        let object = object()?;
        write(&object, 100, PoolKind::NonPaged);
        let addr = object.addr();
        let header = live(addr).ok_or(EINVAL)?;
        assert!(header.claim());
        assert!(!header.claim());
        assert!(matches!(Header::find(addr), Some(Found::Freed(_))));
        assert!(Header::find_nonpaged(addr).is_none());
        Ok(())
    }

    #[test]
    fn no_bit_of_it_can_change() -> Result {
        let object = object()?;
        let addr = object.addr();
        for bit in 0..128 {
            write(&object, 100, PoolKind::NonPaged);
            let word = object.0.get(bit / 64).ok_or(EINVAL)?;
            word.set(word.get() ^ 1 << (bit % 64));
            let in_use = bit as u32 == IN_USE.trailing_zeros();
            assert!(Header::find(addr).is_some() == in_use);
            assert!(Header::find_nonpaged(addr).is_none());
        }
        Ok(())
    }

    #[test]
    fn a_copy_is_none() -> Result {
        let (one, two) = (object()?, object()?);
        write(&one, 100, PoolKind::NonPaged);
        let [first, second] = one.words();
        two.write(first, second);
        assert!(live(one.addr()).is_some());
        assert!(Header::find(two.addr()).is_none());
        Ok(())
    }

    #[test]
    fn a_spare_header_is_no_block() -> Result {
        let object = object()?;
        let addr = object.addr();
        for units in [1, 2, 3, 255] {
            Header::write_spare(&object, units);
            let header = Header::find_spare(addr).ok_or(EINVAL)?;
            assert!(header.units() == units && header.front() == 0);
            assert!(Header::find(addr).is_none() && Header::find_nonpaged(addr).is_none());
            assert!(live_at(addr + UNIT).is_none());
        }
        let [first, second] = object.words();
        object.write(first ^ 1, second);
        assert!(Header::find_spare(addr).is_none());
        Ok(())
    }

    #[test]
    fn a_spare_header_remembers_the_freed_block() -> Result {
        let object = object()?;
        let addr = object.addr();
        write(&object, 100, PoolKind::Paged);
        let header = live(addr).ok_or(EINVAL)?;
        assert!(header.claim());
        for units in [8, 5, 1, 8] {
            Header::write_spare(&object, units);
            assert!(Header::find_spare(addr).is_none());
            assert!(
                matches!(Header::find(addr), Some(Found::Freed(header)) if header.units() == units
                    && header.tag() == Tag::stored(TAG) && header.bytes() == 100)
            );
        }
        Ok(())
    }

    #[test]
    fn a_marked_block_is_not_for_the_fast_path() -> Result {
        let object = object()?;
        let addr = object.addr();
        write(&object, 100, PoolKind::Paged);
        assert!(Header::find_nonpaged(addr).is_none());
        write(&object, 100, PoolKind::NonPaged);
        assert!(Header::find_nonpaged(addr).is_some());
        let header = Header::new(100, marked(stamp(PoolKind::NonPaged, Tag::stored(TAG))), 7);
        header.write(&object);
        assert!(live(addr).is_some_and(|header| header.is_marked() && header.bytes() == 100));
        assert!(Header::find_nonpaged(addr).is_none());
        Ok(())
    }

    #[test]
    fn a_charged_block_is_not_for_the_fast_path() -> Result {
        let object = object()?;
        let addr = object.addr();
        let stamp = stamp(PoolKind::NonPaged, Tag::stored(TAG));
        let header = Header::new(100, charged(stamp), 7);
        header.write(&object);
        let [first, _] = object.words();
        // As `POOL_QUOTA_MASK` of NT.
        assert!(first.to_le_bytes().get(3) == Some(&(2 | 8)));
        let header = live(addr).ok_or(EINVAL)?;
        assert!(header.is_charged() && header.bytes() == 100 && header.front() == 0);
        assert!(charged_at(addr + UNIT) == Some(true));
        assert!(Header::find_nonpaged(addr).is_none() && Header::common(addr).is_none());
        // Either word is enough to find the other.
        let remains = Remains::of_small(addr).ok_or(EINVAL)?;
        let found = [
            remains.small_by_second(stamp),
            remains.small_by_first(stamp, 7, false),
        ];
        assert!(found
            .iter()
            .all(|header| header.as_ref().is_some_and(Header::is_charged)));
        Ok(())
    }

    #[test]
    fn a_cache_aligned_block_knows_its_object() -> Result {
        let object = object()?;
        let addr = object.addr();
        for front in 0..=FRONT_UNITS {
            let stamp = stamp(PoolKind::NonPaged, Tag::stored(TAG));
            let room = (FRONT_UNITS - front) * UNIT;
            let header = Header::with_room(100, room, stamp, 7).behind(front);
            header.write(&object);
            let header = live(addr).ok_or(EINVAL)?;
            assert!(header.front() == front * UNIT && header.bytes() == 100);
            assert!(header.units() + front == units(100 + CACHE_ROOM));
            assert!(Header::find_nonpaged(addr).is_none());
            // Either word is enough to find the other.
            let remains = Remains::of_small(addr).ok_or(EINVAL)?;
            assert!(remains
                .small_by_second(stamp)
                .is_some_and(|header| header.front() == front * UNIT));
            assert!(remains
                .small_by_first(stamp, 7, false)
                .is_some_and(|header| header.bytes() == 100));
        }
        Ok(())
    }

    #[test]
    fn pages_of_each_form() {
        let stamp = stamp(PoolKind::Paged, Tag::stored(TAG));
        for bytes in [4065, 65536, (1 << 20) - 1] {
            for order in 0..=4 {
                let header = PageHeader::new(bytes, Form::Order(order), stamp, 7);
                assert!(matches!(header.form(), Form::Order(it) if it == order));
                assert!(header.bytes() == bytes && header.row() == 7);
                assert!(header.kind() == PoolKind::Paged && header.tag() == Tag::stored(TAG));
            }
            let header = PageHeader::new(bytes, Form::Exact, stamp, 7);
            assert!(matches!(header.form(), Form::Exact) && header.bytes() == bytes);
            assert!(!header.is_charged() && header.charged().is_charged());
            assert!(matches!(header.charged().form(), Form::Exact));
            let header = PageHeader::new(bytes, Form::Shared, stamp, 7);
            assert!(matches!(header.form(), Form::Shared) && header.bytes() == bytes);
        }
    }
}
