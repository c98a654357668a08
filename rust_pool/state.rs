// SPDX-License-Identifier: GPL-2.0

//! What the module holds under locks.
//!
//! No spinlock is taken while another is held, but for `names`, which is taken within those whose
//! data has calling sites, when a module comes or goes. They disable interrupts, as their data is
//! used from any context.

use crate::{
    adapter::Adapters,
    backlog::Backlog,
    departure::Departing,
    heap::Heap,
    holdings::DepartedModules,
    region_table::Regions,
    site::Names,
    verifier::{
        arena::Arena,
        check::Held,
        faults::Injections,
        freed::Freed,
        kept::Kept,
        options::Options,
        tracking::Records, //
    },
    violation_log::Log, //
};
use core::ptr::null_mut;
use kernel::{
    new_mutex,
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Mutex,
        SpinLockIrq, //
    }, //
};

/// The locked state.
#[pin_data]
pub(crate) struct State {
    #[pin]
    pub(crate) regions: Regions,
    #[pin]
    pub(crate) violations: SpinLockIrq<Log>,
    #[pin]
    pub(crate) adapters: SpinLockIrq<Adapters>,
    /// Held while a device's DMA masks are set. May sleep; taken before any other. Nothing is
    /// allocated and no device let go of meanwhile: that may call code of others, which may want it.
    #[pin]
    pub(crate) masks: Mutex<()>,
    /// What is to be given back, of each family.
    #[pin]
    pub(crate) large: Backlog,
    #[pin]
    pub(crate) contiguous: Backlog,
    #[pin]
    pub(crate) noncached: Backlog,
    #[pin]
    pub(crate) buffers: Backlog,
    #[pin]
    pub(crate) departing: SpinLockIrq<Departing>,
    #[pin]
    pub(crate) heap: SpinLockIrq<Heap>,
    /// Held while the verifier is switched on or off. May sleep.
    #[pin]
    pub(crate) verifier_switch: Mutex<()>,
    #[pin]
    pub(crate) verifier: SpinLockIrq<Options>,
    #[pin]
    pub(crate) records: Records,
    #[pin]
    pub(crate) special: SpinLockIrq<Option<Arena>>,
    #[pin]
    pub(crate) held: SpinLockIrq<Option<Held>>,
    #[pin]
    pub(crate) kept: SpinLockIrq<Kept>,
    #[pin]
    pub(crate) freed: SpinLockIrq<Freed>,
    #[pin]
    pub(crate) injected: SpinLockIrq<Injections>,
    #[pin]
    pub(crate) departed: SpinLockIrq<DepartedModules>,
    /// Taken within `violations`, `adapters`, `special`, `held`, `kept`, `freed`, `injected`, and a
    /// bucket's lock of `regions` or `records`. None is taken within it.
    #[pin]
    pub(crate) names: SpinLockIrq<Names>,
}

static STATE: Atomic<*mut State> = Atomic::new(null_mut());

/// The state, from the start of the module's init to the end of its exit.
#[inline]
pub(crate) fn get() -> &'static State {
    // SAFETY: An [`Owner`] is made before anything else of the module runs and dropped after all of
    // it, so the pointer is valid.
    unsafe { &*STATE.load(Acquire) }
}

/// Owns the state; dropped last.
pub(crate) struct Owner(());

impl Owner {
    /// Makes the state. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        let (log, heap) = (Log::new()?, Heap::new()?);
        let state = KBox::try_pin_init(
            try_pin_init!(State {
                regions <- Regions::new(),
                violations <- new_spinlock_irq!(log, "rust_pool::violations"),
                adapters <- new_spinlock_irq!(Adapters::new(), "rust_pool::adapters"),
                masks <- new_mutex!((), "rust_pool::masks"),
                heap <- new_spinlock_irq!(heap, "rust_pool::heap"),
                large <- Backlog::new(),
                contiguous <- Backlog::new(),
                noncached <- Backlog::new(),
                buffers <- Backlog::new(),
                departing <- new_spinlock_irq!(Departing::new(), "rust_pool::departing"),
                verifier_switch <- new_mutex!((), "rust_pool::verifier_switch"),
                verifier <- new_spinlock_irq!(Options::new(), "rust_pool::verifier"),
                records <- Records::new(),
                special <- new_spinlock_irq!(None, "rust_pool::special"),
                held <- new_spinlock_irq!(None, "rust_pool::held"),
                freed <- new_spinlock_irq!(Freed::new(), "rust_pool::freed"),
                kept <- new_spinlock_irq!(Kept::new(), "rust_pool::kept"),
                injected <- new_spinlock_irq!(Injections::new(), "rust_pool::injected"),
                departed <- new_spinlock_irq!(DepartedModules::new(), "rust_pool::departed"),
                names <- new_spinlock_irq!(Names::new(), "rust_pool::names"),
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: The state is not moved out of its box, only handed over as a pointer.
        let state = KBox::into_raw(unsafe { Pin::into_inner_unchecked(state) });
        STATE.store(state, Release);
        Ok(Self(()))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let state = STATE.xchg(null_mut(), kernel::sync::atomic::Full);
        // SAFETY: `new()` stored it, and nobody uses it any more. It stayed in its place.
        drop(unsafe { Pin::new_unchecked(KBox::from_raw(state)) });
    }
}
