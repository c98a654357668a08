// SPDX-License-Identifier: GPL-2.0

//! Violations of the pool's rules: what is a bug check on Windows is a report here.
//!
//! WDK: "Bug Check 0xC2: BAD_POOL_CALLER", "Bug Check 0xC4: DRIVER_VERIFIER_DETECTED_VIOLATION",
//! "Bug Check 0xE6: DRIVER_VERIFIER_DMA_VIOLATION". The codes that those pages leave open are chosen
//! in `Documentation/violations.rst`.

use crate::{
    lib::text::{
        kwrite,
        Symbol,
        Text, //
    },
    sys,
    types::{
        cache_type::CacheType,
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use kernel::fmt;

/// A bug check's parameter.
#[derive(Clone, Copy)]
pub(crate) enum Parameter {
    /// A number, shown as it is.
    Value(u64),
    /// A kernel address, shown hashed to whoever may not see it.
    Address(usize),
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
            // NULL and its like are no secret.
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
    SystemPteMisuse = 0xda,
    DmaVerifier = 0xe6,
}

impl Check {
    fn name(self) -> &'static str {
        match self {
            Self::BadPoolHeader => "BAD_POOL_HEADER",
            Self::TargetMdlTooSmall => "TARGET_MDL_TOO_SMALL",
            Self::SystemPteMisuse => "SYSTEM_PTE_MISUSE",
            Self::SpecialPool => "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION",
            Self::FreedSpecialPool => "PAGE_FAULT_IN_FREED_SPECIAL_POOL",
            Self::BeyondEnd => "PAGE_FAULT_BEYOND_END_OF_ALLOCATION",
            Self::BadPoolCaller => "BAD_POOL_CALLER",
            Self::DriverVerifier => "DRIVER_VERIFIER_DETECTED_VIOLATION",
            Self::DmaVerifier => "DRIVER_VERIFIER_DMA_VIOLATION",
        }
    }
}

/// What happened, in words.
#[derive(Clone, Copy)]
pub(crate) enum What {
    /// These words say all.
    Words(&'static str),
    /// Something was done in a context in which it may not be.
    Context {
        done: &'static str,
        irql: u32,
        context: &'static str,
    },
    /// A block was freed with another tag than its own.
    WrongTag {
        block: Tag,
        given: Tag,
        bytes: usize,
    },
    /// Memory was left behind.
    Left {
        what: &'static str,
        blocks: u64,
        bytes: u64,
    },
}

impl From<&'static str> for What {
    fn from(words: &'static str) -> Self {
        Self::Words(words)
    }
}

impl What {
    /// What was done, in a context in which it may not be.
    pub(crate) fn here(done: &'static str) -> Self {
        Self::Context {
            done,
            irql: sys::irql(),
            context: sys::context(),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Words(words) => f.write_str(words),
            Self::Context {
                done,
                irql,
                context,
            } => {
                let level = match irql {
                    0 => "at PASSIVE_LEVEL",
                    2 => "at DISPATCH_LEVEL",
                    15 => "at HIGH_LEVEL",
                    _ => "above DISPATCH_LEVEL",
                };
                kwrite!(f, "{done} {level}: {context}")
            }
            Self::WrongTag {
                block,
                given,
                bytes,
            } => {
                kwrite!(f, "free of a {block} block with tag {given}")?;
                kwrite!(f, " (a block of {bytes} bytes)")
            }
            Self::Left {
                what,
                blocks,
                bytes,
            } => kwrite!(f, "{what}: {}, {bytes} bytes", Blocks(blocks)),
        }
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

/// One violation.
#[derive(Clone, Copy)]
#[must_use = "a violation is nothing until it is reported"]
pub(crate) struct Violation {
    pub(crate) check: Check,
    pub(crate) parameters: [Parameter; 4],
    pub(crate) caller: usize,
    pub(crate) what: What,
    /// Of the memory that it is about.
    pub(crate) tag: Option<Tag>,
}

impl Violation {
    /// A violation by the code at `caller`, with the check's four parameters and what they mean in
    /// words.
    pub(crate) fn new(
        check: Check,
        first: u64,
        rest: [Parameter; 3],
        caller: usize,
        what: impl Into<What>,
    ) -> Self {
        let [second, third, fourth] = rest;
        let first = Parameter::Value(first);
        Self::of(check, [first, second, third, fourth], caller, what)
    }

    /// The same where the first parameter is no number.
    pub(crate) fn of(
        check: Check,
        parameters: [Parameter; 4],
        caller: usize,
        what: impl Into<What>,
    ) -> Self {
        Self {
            check,
            parameters,
            caller,
            what: what.into(),
            tag: None,
        }
    }

    /// The same about memory with a tag; 0 is none.
    pub(crate) fn about(self, tag: Tag) -> Self {
        let tag = Some(tag).filter(|tag| tag.as_raw() != 0);
        Self { tag, ..self }
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
        // The other words have it in them.
        if let (Some(tag), What::Words(_) | What::Context { .. }) = (self.tag, self.what) {
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

/// A request that this context does not allow: `done` is what was done.
pub(crate) fn wrong_context(
    kind: impl Into<Parameter>,
    bytes: usize,
    caller: usize,
    done: &'static str,
) -> Violation {
    Violation::new(
        Check::BadPoolCaller,
        0x08,
        [sys::irql().into(), kind.into(), bytes.into()],
        caller,
        What::here(done),
    )
}

/// A free that this context does not allow: `done` is what was done. It is carried out, but not in
/// NMI.
pub(crate) fn wrong_context_free(
    kind: impl Into<Parameter>,
    addr: usize,
    caller: usize,
    done: &'static str,
) -> Violation {
    Violation::new(
        Check::BadPoolCaller,
        0x09,
        [sys::irql().into(), kind.into(), Parameter::Address(addr)],
        caller,
        What::here(done),
    )
}

/// A request for no bytes.
pub(crate) fn zero_bytes(
    kind: impl Into<Parameter>,
    tag: impl Into<Parameter>,
    caller: usize,
) -> Violation {
    Violation::new(
        Check::BadPoolCaller,
        0x00,
        [0u32.into(), kind.into(), tag.into()],
        caller,
        "zero bytes requested",
    )
}

/// Arguments that do not fit, to a routine of which `bad` is what is wrong.
pub(crate) fn bad_argument(
    bad: impl Into<Parameter>,
    right: impl Into<Parameter>,
    given: impl Into<Parameter>,
    caller: usize,
    what: &'static str,
) -> Violation {
    Violation::new(
        Check::DriverVerifier,
        0x16,
        [bad.into(), right.into(), given.into()],
        caller,
        what,
    )
}
