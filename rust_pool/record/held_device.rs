// SPDX-License-Identifier: GPL-2.0

//! References to devices, and how they are dropped.
//!
//! Dropping the last reference to a device calls its `release()`: code of another module, which may
//! sleep, take locks, and call this module. So the reference is dropped where the client puts the
//! adapter back, if that context may sleep, and otherwise by a work item that does nothing else.
//! Nobody waits for either, with one exception: the unload of a module waits while `release()` code
//! of that module may still be called.
//!
//! A module may be unloaded while an adapter, a buffer or a list is left of a device that needs the
//! module's code. Then the device is abandoned: nothing reads it any more, and its references are
//! never dropped. A call that reads it already may go on for a second or more, so the unload waits
//! for such calls.
//!
//! For both there is a list of all references. An adapter, a buffer or a list may have left its
//! table while somebody still has its reference, so the tables would not do.

use crate::{
    lib::{
        at_load::AtLoad,
        export::matches_header,
        list::{
            linked_by_next,
            List,
            Next, //
        }, //
    },
    sys::{
        self,
        Awaited,
        Client,
        DmaDevice,
        Module,
        CODES, //
    }, //
};
use core::{
    cell::Cell,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        SpinLockIrq, //
    }, //
};

/// The modules whose code a device needs when it is released.
struct Code {
    /// Addresses in those modules.
    at: [usize; CODES],
    /// The device's own `release()` when its reference was about to be dropped; 0 before.
    last_release: usize,
    /// The client that got the adapter, as it may have set the device's `release()`. Its call site
    /// would not do, as it may be in init code, which is freed by then.
    client: Client,
}

impl Code {
    /// Whether some of the code may be in this module.
    fn lies_in(&self, module: Module) -> bool {
        self.client == module.client() || self.is_known_in(module)
    }

    /// Whether some of the code is in this module.
    fn is_known_in(&self, module: Module) -> bool {
        let mut at = Iterator::chain(self.at.iter(), [&self.last_release]);
        at.any(|&at| module.contains(at))
    }
}

/// A reference to a device. It is in one of the lists of [`References`].
struct Reference {
    next: Next<Reference>,
    device: ManuallyDrop<DmaDevice>,
    /// Found out when the reference is taken: later the device's class may have been freed.
    code: Code,
    /// How many [`Giving`]s there are.
    givers: Atomic<i32>,
}

// SAFETY: Only the list uses the link, and it owns the next reference as it owns this one. A
// `DmaDevice` may be dropped by any thread.
unsafe impl Send for Reference {}

linked_by_next!(Reference);

impl Reference {
    /// Whether the device's release may need code of this module. Call it for a reference that is
    /// held or waits, with the lock of the lists held.
    fn is_of(&self, module: Module) -> bool {
        self.code.lies_in(module) || module.contains(self.device.own_release())
    }

    /// Abandons the device if it cannot be used or released any more once this module is gone. Call
    /// it as [`Self::is_of`], while the module's code and data are still there.
    fn depart(&self, module: Module) {
        let Self { device, code, .. } = self;
        // The client may have changed how the device is released after it got the adapter, which
        // cannot be seen here. That matters once the device was removed; before, its bus releases
        // it.
        let changed = code.client == module.client() && device.is_gone();
        if code.is_known_in(module) || module.contains(device.own_release()) || changed {
            device.abandon(module.client());
        }
    }
}

/// A reference that is in a list of [`References`].
///
/// # Invariants
///
/// The list has it until it is unlinked by whoever has this value, who does not use it after that.
#[derive(Clone, Copy)]
struct Listed(NonNull<Reference>);

impl Listed {
    /// Where it is.
    fn at(self) -> *const Reference {
        self.0.as_ptr()
    }
}

impl Deref for Listed {
    type Target = Reference;

    fn deref(&self) -> &Reference {
        // SAFETY: By the type invariant the list has it, which neither moves nor frees it. Others
        // may change its link, which is an `UnsafeCell`, and atomics.
        unsafe { self.0.as_ref() }
    }
}

/// A reference to a device, which may be dropped in any context but NMI.
///
/// # Invariants
///
/// Unless it was let go, the reference is in the list `held`, and only `let_go()` takes it out.
pub(crate) struct HeldDevice {
    reference: Listed,
    was_let_go: bool,
}

// SAFETY: A reference may be used and dropped by any thread.
unsafe impl Send for HeldDevice {}
// SAFETY: What others change of a reference meanwhile is its link, under the lock of the lists, and
// atomics.
unsafe impl Sync for HeldDevice {}

impl HeldDevice {
    /// Takes a reference to a device for a caller.
    pub(crate) fn new(device: DmaDevice, caller: usize) -> Result<Self> {
        let code = Code {
            at: device.code(),
            last_release: 0,
            client: Client::at(caller),
        };
        // Without memory this drops the device.
        let room = KBox::<Reference>::new_uninit(GFP_KERNEL)?;
        let reference = KBox::write(
            room,
            Reference {
                next: Next::none(),
                device: ManuallyDrop::new(device),
                code,
                givers: Atomic::new(0),
            },
        );
        let reference = NonNull::from(REFERENCES.lock().held.push(reference));
        // INVARIANT: It was put into the list just now. `drop()` lets it go, or `Giving`.
        Ok(Self {
            reference: Listed(reference),
            was_let_go: false,
        })
    }

    /// Whether the device's release may need code of this module, as far as was known when the
    /// reference was taken.
    pub(crate) fn is_of(&self, module: Module) -> bool {
        self.reference.code.lies_in(module)
    }
}

impl Deref for HeldDevice {
    type Target = DmaDevice;

    fn deref(&self) -> &DmaDevice {
        &self.reference.device
    }
}

impl Drop for HeldDevice {
    fn drop(&mut self) {
        if self.was_let_go {
            return;
        }
        let here = sys::may_call_others();
        let leaving = REFERENCES.lock().let_go(self.reference, here);
        part(leaving);
    }
}

/// A task that gives memory of a device back, from before the memory leaves the backlog until the
/// reference that its record had is dropped, or waits for the work item. The unload of a module
/// whose code that may need waits for it.
pub(crate) struct Giving(Option<Arc<HeldDevice>>);

impl Giving {
    /// Begins.
    pub(crate) fn new(device: &Arc<HeldDevice>) -> Self {
        device.reference.givers.add(1, Relaxed);
        Self(Some(device.clone()))
    }
}

impl Drop for Giving {
    fn drop(&mut self) {
        let Some(device) = self.0.take() else {
            return;
        };
        let here = sys::may_call_others();
        let leaving = {
            let mut references = REFERENCES.lock();
            device.reference.givers.add(-1, Relaxed);
            // Under the lock, so that an unload sees one or the other: somebody who gives, or a
            // reference that leaves or waits.
            Arc::into_unique_or_drop(device).map(|mut device| {
                device.was_let_go = true;
                references.let_go(device.reference, here)
            })
        };
        if let Some(leaving) = leaving {
            part(leaving);
        }
        sys::wake();
    }
}

/// All references to devices.
pub(crate) struct References {
    /// Those that somebody has.
    held: List<Reference>,
    /// Those that the work item is to drop.
    waiting: List<Reference>,
    /// Those that some task is dropping, which may free the device. So nothing of the device is
    /// read any more.
    leaving: List<Reference>,
}

impl References {
    /// No references.
    pub(crate) const fn new() -> Self {
        Self {
            held: List::new(),
            waiting: List::new(),
            leaving: List::new(),
        }
    }

    /// Takes a reference that nobody has any more out of those that are held. If it is to be
    /// dropped `here`, it is returned; else the work item is to drop it.
    fn let_go(&mut self, reference: Listed, here: bool) -> Option<Leaving> {
        let at = reference.at();
        let reference = self.held.unlink(|other| core::ptr::eq(other, at))?;
        if here {
            return Some(self.leave(reference));
        }
        self.waiting.push(reference);
        None
    }

    /// Takes the next that waits and for which `is_it` returns `true`, to drop it.
    fn take_waiting(&mut self, is_it: impl Fn(&Reference) -> bool) -> Option<Leaving> {
        let reference = self.waiting.unlink(is_it)?;
        Some(self.leave(reference))
    }

    fn leave(&mut self, mut reference: KBox<Reference>) -> Leaving {
        reference.code.last_release = reference.device.own_release();
        // INVARIANT: It is put into the list here.
        Leaving(Listed(NonNull::from(self.leaving.push(reference))))
    }

    /// Whether some task gives memory back of a device that may need this module's code, or drops a
    /// reference to one.
    fn may_call(&self, module: Module) -> bool {
        let gives = |one: &Reference| one.givers.load(Relaxed) != 0 && one.is_of(module);
        self.is_leaving(module) || self.held.iter().any(gives)
    }

    fn is_leaving(&self, module: Module) -> bool {
        self.leaving.iter().any(|one| one.code.lies_in(module))
    }
}

/// The references to devices.
pub(crate) static REFERENCES: AtLoad<SpinLockIrq<References>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(References::new(), "rust_pool::references"),
        GFP_KERNEL,
    )
});

/// A reference that the owner of this value is to drop.
///
/// # Invariants
///
/// It is in the list `leaving`, and only [`Self::drop_now`] takes it out.
struct Leaving(Listed);

impl Leaving {
    /// Drops it, which may call code of others. Sleeps.
    fn drop_now(self) {
        let at = self.0.at();
        sys::doing(Awaited::Parted, || {
            // SAFETY: Nobody has it any more, and those who look through this list read the code
            // only. This takes `self`, so it is called once. Only references that are held or wait
            // are abandoned.
            unsafe { self.0.device.put() };
        });
        let gone = REFERENCES
            .lock()
            .leaving
            .unlink(|other| core::ptr::eq(other, at));
        sys::wake();
        drop(gone);
    }
}

/// Drops a reference that was let go, or has the work item do so.
fn part(leaving: Option<Leaving>) {
    match leaving {
        Some(leaving) => {
            sys::about_to_call_others();
            leaving.drop_now();
        }
        None => sys::part_soon(),
    }
}

/// Called by the work item that drops references to devices.
#[no_mangle]
extern "C" fn rust_pool_part() {
    loop {
        let next = REFERENCES.lock().take_waiting(|_| true);
        let Some(next) = next else {
            break;
        };
        next.drop_now();
    }
}
matches_header!(safe rust_pool_part());

/// Drops all references that may need code of a module that is being unloaded and that nobody has
/// any more, and waits for tasks that drop one, or are about to. When this returns, no `release()`
/// in that module's code is called any more, but for devices that others still have. Sleeps.
pub(crate) fn finish(module: Module) {
    let is_mine = |one: &Reference| one.is_of(module);
    loop {
        let done = Cell::new(false);
        sys::wait_until(Awaited::Parted, || {
            let references = REFERENCES.lock();
            let waits = references.waiting.iter().any(is_mine);
            let quiet = !references.may_call(module);
            // At one time: who gives may let one wait, and the work item takes it.
            done.set(quiet && !waits);
            quiet || waits
        });
        if done.get() {
            break;
        }
        let mine = REFERENCES.lock().take_waiting(is_mine);
        if let Some(mine) = mine {
            mine.drop_now();
        }
    }
}

/// Abandons the devices that cannot be used or released any more once this module, which is being
/// unloaded, is gone, and waits for calls that use one already. When this returns, nothing reads
/// these devices any more. Sleeps.
pub(crate) fn abandon(module: Module) {
    {
        let references = REFERENCES.lock();
        let waiting = references.waiting.iter();
        for reference in Iterator::chain(references.held.iter(), waiting) {
            reference.depart(module);
        }
    }
    sys::wait_until(Awaited::Used, || {
        let references = REFERENCES.lock();
        let mut held = references.held.iter();
        !held.any(|one| one.device.is_used_after(module.client()))
    });
    // Others may have begun to drop references since `finish()`.
    sys::wait_until(Awaited::Parted, || !REFERENCES.lock().is_leaving(module));
}
