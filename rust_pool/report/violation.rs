// SPDX-License-Identifier: GPL-2.0

//! Violations of the WDK's rules. Windows stops with a bug check where this module reports.
//!
//! WDK: "Bug Check 0xC2: BAD_POOL_CALLER", "Bug Check 0xC4: DRIVER_VERIFIER_DETECTED_VIOLATION",
//! "Bug Check 0xE6: DRIVER_VERIFIER_DMA_VIOLATION". Where those pages name no code, the table in
//! `report/rule.rs` has one of ours.

use crate::{
    lib::text::{
        kwrite,
        Symbol,
        Text, //
    },
    sys::{
        self,
        Irql, //
    },
    types::{
        cache_type::CacheType,
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use core::mem::{
    offset_of,
    size_of, //
};
use kernel::fmt;

/// A bug check's parameter. The reader of a dump takes it for a number of 32 bits, which says which
/// of these it is, and one of 64 bits in the second half.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Parameter {
    /// A number, shown as it is.
    Value(u64) = 0,
    /// A kernel address, which is shown hashed, as by `%p`.
    Address(usize) = 1,
}

const _: () = assert!(size_of::<Parameter>() == 2 * size_of::<u64>());

impl Parameter {
    /// The number that is shown for it: an address is hashed.
    pub(crate) fn shown(self) -> u64 {
        match self {
            Self::Value(value) => value,
            // CAST: Lossless on the architectures supported.
            Self::Address(addr) if addr < sys::PAGE_SIZE => addr as u64,
            Self::Address(addr) => {
                let text = Text::<24>::pointer(addr);
                let digits = text.as_str().strip_prefix("0x");
                // Before the kernel can hash, it shows no number.
                digits.map_or(0, |digits| u64::from_str_radix(digits, 16).unwrap_or(0))
            }
        }
    }

    /// The address, if it is one.
    pub(crate) fn address(&self) -> Option<usize> {
        match *self {
            Self::Address(addr) => Some(addr),
            Self::Value(_) => None,
        }
    }
}

impl From<usize> for Parameter {
    fn from(value: usize) -> Self {
        // CAST: `usize` is 64 bits wide on the architectures supported.
        Self::Value(value as u64)
    }
}

impl From<u32> for Parameter {
    fn from(value: u32) -> Self {
        Self::Value(value.into())
    }
}

impl From<u64> for Parameter {
    fn from(value: u64) -> Self {
        Self::Value(value)
    }
}

impl From<Tag> for Parameter {
    fn from(tag: Tag) -> Self {
        tag.as_raw().into()
    }
}

impl From<PoolKind> for Parameter {
    fn from(kind: PoolKind) -> Self {
        // CAST: The discriminants are those of POOL_TYPE.
        (kind as u32).into()
    }
}

impl From<CacheType> for Parameter {
    fn from(cache: CacheType) -> Self {
        // CAST: The discriminants are small and not negative.
        (cache as u32).into()
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Value(value) => kwrite!(f, "{value:#x}"),
            // NULL and other small numbers are not hashed: they reveal nothing.
            Self::Address(addr) if addr < sys::PAGE_SIZE => kwrite!(f, "{addr:#x}"),
            Self::Address(addr) => Text::<24>::pointer(addr).fmt(f),
        }
    }
}

/// A bug check's code.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Check {
    BadPoolHeader = 0x19,
    TargetMdlTooSmall = 0x49,
    SpecialPool = 0xc1,
    BadPoolCaller = 0xc2,
    DriverVerifier = 0xc4,
    FreedSpecialPool = 0xcc,
    BeyondEnd = 0xcd,
    DriverUnloaded = 0xce,
    UnmappingInvalidView = 0xd7,
    SystemPteMisuse = 0xda,
    DmaVerifier = 0xe6,
}

impl Check {
    fn name(self) -> &'static str {
        match self {
            Self::BadPoolHeader => "BAD_POOL_HEADER",
            Self::TargetMdlTooSmall => "TARGET_MDL_TOO_SMALL",
            Self::UnmappingInvalidView => "DRIVER_UNMAPPING_INVALID_VIEW",
            Self::SystemPteMisuse => "SYSTEM_PTE_MISUSE",
            Self::SpecialPool => "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION",
            Self::FreedSpecialPool => "PAGE_FAULT_IN_FREED_SPECIAL_POOL",
            Self::BeyondEnd => "PAGE_FAULT_BEYOND_END_OF_ALLOCATION",
            Self::DriverUnloaded => "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
            Self::BadPoolCaller => "BAD_POOL_CALLER",
            Self::DriverVerifier => "DRIVER_VERIFIER_DETECTED_VIOLATION",
            Self::DmaVerifier => "DRIVER_VERIFIER_DMA_VIOLATION",
        }
    }
}

/// What happened, in words.
#[derive(Clone, Copy)]
pub(crate) struct What {
    words: &'static str,
    detail: Detail,
}

/// The values of the placeholders in a rule's words, such as `{context}`.
///
/// The reader of a dump knows the numbers. By the rules for an enumeration with a representation,
/// the fields of each follow the number as in a structure of C.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Detail {
    /// There are no placeholders.
    None = 0,
    /// For `{context}`.
    Context { irql: Irql, context: &'static str } = 1,
    /// For `{block}`, `{given}` and `{bytes}`.
    WrongTag {
        block: Tag,
        given: Tag,
        bytes: usize,
    } = 2,
    /// For `{routine}`.
    Routine(&'static str) = 3,
    /// For `{what}`, `{blocks}` and `{bytes}`.
    Left {
        what: &'static str,
        blocks: u64,
        bytes: u64,
    } = 4,
}

impl Detail {
    /// The context that this is called in.
    fn here() -> Self {
        Self::Context {
            irql: sys::irql(),
            context: sys::context(),
        }
    }

    /// Writes the value of a placeholder.
    fn write(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, name) {
            (Self::Context { irql, context }, "context") => {
                kwrite!(f, "{}: {context}", irql.words())
            }
            (Self::WrongTag { block, .. }, "block") => kwrite!(f, "{block}"),
            (Self::WrongTag { given, .. }, "given") => kwrite!(f, "{given}"),
            (Self::WrongTag { bytes, .. }, "bytes") => kwrite!(f, "{bytes}"),
            (Self::Routine(name), "routine") => f.write_str(name),
            (Self::Left { what, .. }, "what") => f.write_str(what),
            (Self::Left { blocks, .. }, "blocks") => kwrite!(f, "{}", Blocks(blocks)),
            (Self::Left { bytes, .. }, "bytes") => kwrite!(f, "{bytes}"),
            _ => f.write_str(name),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every second part was between braces: a placeholder.
        let mut names = self.words.split(['{', '}']);
        while let Some(text) = names.next() {
            f.write_str(text)?;
            if let Some(name) = names.next() {
                self.detail.write(name, f)?;
            }
        }
        Ok(())
    }
}

/// A number of blocks, in words.
pub(crate) struct Blocks(pub(crate) u64);

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks = if self.0 == 1 { "block" } else { "blocks" };
        kwrite!(f, "{} {blocks}", self.0)
    }
}

/// One violation, of a rule of the table in `report/rule.rs`.
#[derive(Clone, Copy)]
#[must_use = "a violation is nothing until it is reported"]
pub(crate) struct Violation {
    pub(crate) check: Check,
    pub(crate) parameters: [Parameter; 4],
    pub(crate) caller: usize,
    pub(crate) what: What,
    /// The tag of the memory that it is about.
    pub(crate) tag: Option<Tag>,
}

impl Violation {
    /// For the reader of a dump: where a violation has its code, its parameters, its words and
    /// their detail, and its optional tag.
    pub(crate) const LAYOUT: [usize; 5] = [
        offset_of!(Self, check),
        offset_of!(Self, parameters),
        offset_of!(Self, what) + offset_of!(What, words),
        offset_of!(Self, what) + offset_of!(What, detail),
        offset_of!(Self, tag),
    ];

    /// Adds the tag of the memory that it is about; 0 stands for none.
    pub(crate) fn about(self, tag: Tag) -> Self {
        let tag = Some(tag).filter(|tag| tag.as_raw() != 0);
        Self { tag, ..self }
    }

    /// Adds the values of the placeholders in the rule's words. `{context}` has its value already.
    pub(crate) fn with(self, detail: Detail) -> Self {
        let what = What {
            detail,
            ..self.what
        };
        Self { what, ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, fourth] = &self.parameters;
        // CAST: The discriminant is the code.
        let code = self.check as u32;
        kwrite!(
            f,
            "{} ({code:#x}): {first}, {second}, {third}, {fourth}: {}",
            self.check.name(),
            self.what
        )?;
        // With any other detail, the words name the tag already, or are not about one block.
        if let (Some(tag), Detail::None | Detail::Context { .. }) = (self.tag, self.what.detail) {
            kwrite!(f, ", tag {tag}")?;
        }
        if self.caller != 0 {
            let how = match self.check {
                Check::FreedSpecialPool | Check::BeyondEnd => "at",
                _ => "called from",
            };
            kwrite!(f, ", {how} {}", Symbol(self.caller))?;
        }
        Ok(())
    }
}

/// One of a rule's four parameters in the table.
pub(super) enum Column {
    /// Always this number.
    Is(u64),
    /// Always this number, which is our choice, as Microsoft's documents name none.
    Ours(u64),
    /// The IRQL of the violation.
    Irql,
    /// The report gives it; the text says what it means.
    Given(&'static str),
}

/// How a report fills in one of the four parameters: a [`Column`] without the text for the
/// documentation.
#[derive(Clone, Copy)]
enum Fill {
    Is(u64),
    Irql,
    Given,
}

/// What becomes of a call that breaks a rule, or of the block. The comments are what the
/// documentation says, and only that is made of it: the code behind each report is what decides.
pub(super) enum Then {
    /// refused
    Refused,
    /// carried out
    Done,
    /// carried out, in NMI refused
    DoneButInNmi,
    /// carried out when the last buffer is freed
    Later,
    /// the memory is lost
    Lost,
    /// the block stays allocated
    Left,
    /// it was free already
    Past,
    /// the kernel dies
    Dies,
}

/// A rule, whose reports give `N` of the four parameters.
pub(crate) struct Rule<const N: usize> {
    check: Check,
    fills: [Fill; 4],
    words: &'static str,
}

/// A row of the table in `report/rule.rs`: the bug check, its parameters, the words of the report,
/// and what becomes of the call or of the block. Words may contain placeholders. The value of
/// `{context}` is the IRQL, and what raised it; the report adds the values of others by
/// [`Violation::with`].
pub(super) const fn rule<const N: usize>(
    check: Check,
    columns: [Column; 4],
    words: &'static str,
    _then: Then,
) -> Rule<N> {
    let mut fills = [Fill::Given; 4];
    let mut given = 0;
    let mut at = 0;
    while at < fills.len() {
        fills[at] = match columns[at] {
            Column::Is(number) | Column::Ours(number) => Fill::Is(number),
            Column::Irql => Fill::Irql,
            Column::Given(meaning) => {
                assert!(!meaning.is_empty());
                given += 1;
                Fill::Given
            }
        };
        at += 1;
    }
    assert!(given == N, "the rule has another number of parameters");
    Rule {
        check,
        fills,
        words,
    }
}

impl<const N: usize> Rule<N> {
    /// A violation of the rule by the code at `caller`, with the parameters that the table leaves
    /// to the report.
    #[cold]
    pub(crate) fn by(&self, caller: usize, given: [Parameter; N]) -> Violation {
        let mut given = given.into_iter();
        let parameters = self.fills.map(|fill| match fill {
            Fill::Is(number) => Parameter::Value(number),
            Fill::Irql => sys::irql().as_raw().into(),
            // There is one for each: `rule()` counted them.
            Fill::Given => given.next().unwrap_or(Parameter::Value(0)),
        });
        let detail = if self.words.ends_with("{context}") {
            Detail::here()
        } else {
            Detail::None
        };
        Violation {
            check: self.check,
            parameters,
            caller,
            what: What {
                words: self.words,
                detail,
            },
            tag: None,
        }
    }
}
