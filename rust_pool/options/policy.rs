// SPDX-License-Identifier: GPL-2.0

//! What happens after a violation, besides the report: which stop the machine, and which requests
//! are carried out all the same.

use kernel::{
    fmt,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

static PANIC: Atomic<u32> = Atomic::new(0);
/// Where the reader of a dump finds it.
pub(crate) const PANIC_PLACE: *const Atomic<u32> = &raw const PANIC;
static POLICY: Atomic<u32> = Atomic::new(0);
/// The bits of what is tolerated.
static TOLERATED: Atomic<u32> = Atomic::new(0);

/// Sets whether the parameter `panic_on_violation` was given.
pub(crate) fn set_panic(panic: bool) {
    PANIC.store(panic.into(), Relaxed);
}

/// Whether the parameter `panic_on_violation` was given: any violation stops the machine.
pub(crate) fn panics_by_parameter() -> bool {
    PANIC.load(Relaxed) != 0
}

/// Which violations stop the machine by the verifier's policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    Never,
    /// By modules that the verifier's options name.
    SomeModules,
    All,
}

/// Sets which violations stop the machine by the verifier's policy.
pub(crate) fn set(stop: Stop) {
    // CAST: The discriminants are 0 to 2.
    POLICY.store(stop as u32, Relaxed);
}

/// Whether a violation stops the machine by the verifier's policy. If that depends on the module
/// that made the violation, `some` is called to find out.
pub(crate) fn stops(some: impl FnOnce() -> bool) -> bool {
    const NEVER: u32 = Stop::Never as u32;
    const ALL: u32 = Stop::All as u32;
    match POLICY.load(Relaxed) {
        NEVER => false,
        ALL => true,
        _ => some(),
    }
}

/// What breaks a rule, and is carried out all the same if the policy says so. Windows without a
/// verifier carries it out, and some drivers rely on that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tolerated {
    /// The free of a block of pool with a tag that is not the block's.
    WrongTag,
    /// A request for zero bytes of pool: it gets the smallest block.
    ZeroBytes,
}

impl Tolerated {
    /// The one that a word names.
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "free-wrong-tag" => Some(Self::WrongTag),
            "serve-zero-bytes" => Some(Self::ZeroBytes),
            _ => None,
        }
    }

    fn bit(self) -> u32 {
        // CAST: The discriminants are 0 and 1.
        1 << self as u32
    }

    /// Whether it is tolerated at present.
    pub(crate) fn now(self) -> bool {
        TOLERATED.load(Relaxed) & self.bit() != 0
    }
}

impl fmt::Display for Tolerated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongTag => "free-wrong-tag",
            Self::ZeroBytes => "serve-zero-bytes",
        })
    }
}

/// All that is tolerated.
pub(crate) struct Tolerance(u32);

impl Tolerance {
    /// Tolerates these.
    pub(crate) fn of(all: impl Iterator<Item = Tolerated>) -> Self {
        Self(all.fold(0, |bits, one| bits | one.bit()))
    }
}

/// Sets what is tolerated.
pub(crate) fn tolerate(all: Tolerance) {
    TOLERATED.store(all.0, Relaxed);
}
