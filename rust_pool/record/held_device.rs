// SPDX-License-Identifier: GPL-2.0

//! References to devices, and how they are dropped.
//!
//! Dropping the last reference to a device calls its `release()`: code of another module, which may
//! sleep, take locks, and call this module. So the reference is dropped where the client puts the
//! adapter back, if that context may sleep, and otherwise by a work item that does nothing else.
//! Nobody waits for that work item, with one exception: the unload of a module waits while
//! `release()` code of that module may still be called.
//!
//! A module may be unloaded while an adapter, a buffer or a list is left of a device that needs the
//! module's code. Then the device is abandoned: nothing reads it any more, and its references are
//! never dropped.

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
    mem::ManuallyDrop,
    ops::Deref, //
};
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// The modules whose code a device needs when it is released.
#[derive(Clone, Copy)]
struct Code {
    /// Addresses in those modules.
    at: [usize; CODES],
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
        self.at.iter().any(|&at| module.contains(at))
    }
}

/// A reference to a device, which can be put into the list of those to be dropped.
struct Reference {
    next: Next<Reference>,
    device: DmaDevice,
    /// Found out when the reference is taken: later the device's class may have been freed.
    code: Code,
}

// SAFETY: Only the list uses the link, and it owns the next reference as it owns this one. A
// `DmaDevice` may be dropped by any thread.
unsafe impl Send for Reference {}

linked_by_next!(Reference);

/// A reference to a device, which may be dropped in any context but NMI.
pub(crate) struct HeldDevice(ManuallyDrop<KBox<Reference>>);

impl HeldDevice {
    /// Takes a reference to a device for a caller.
    pub(crate) fn new(device: DmaDevice, caller: usize) -> Result<Self> {
        let next = Next::none();
        let code = Code {
            at: device.code(),
            client: Client::at(caller),
        };
        let reference = KBox::new(Reference { next, device, code }, GFP_KERNEL)?;
        Ok(Self(ManuallyDrop::new(reference)))
    }

    /// Whether the device's release may need code of this module.
    pub(crate) fn is_of(&self, module: Module) -> bool {
        self.0.code.lies_in(module)
    }

    /// Abandons the device if it cannot be used or released any more once this module is gone.
    /// Called while the module's code and data are still there.
    pub(crate) fn depart(&self, module: Module) {
        let Reference { device, code, .. } = &**self.0;
        // The client may have changed how the device is released after it got the adapter, which
        // cannot be seen here. That matters once the device was removed; before, its bus releases
        // it.
        let changed = code.client == module.client() && device.is_gone();
        if code.is_known_in(module) || module.contains(device.own_release()) || changed {
            device.abandon();
        }
    }
}

impl Deref for HeldDevice {
    type Target = DmaDevice;

    fn deref(&self) -> &DmaDevice {
        &self.0.device
    }
}

impl Drop for HeldDevice {
    fn drop(&mut self) {
        // SAFETY: `drop()` runs once, and nothing uses the field after this.
        let reference = unsafe { ManuallyDrop::take(&mut self.0) };
        if sys::may_call_others() {
            sys::about_to_call_others();
            drop(reference);
        } else {
            DEPARTING.lock().waiting.push(reference);
            sys::part_soon();
        }
    }
}

/// The references that are still to be dropped.
pub(crate) struct Departing {
    waiting: List<Reference>,
    /// While the work item drops a reference, the modules whose code that needs.
    leaving: Option<Code>,
}

impl Departing {
    /// No references.
    pub(crate) const fn new() -> Self {
        Self {
            waiting: List::new(),
            leaving: None,
        }
    }
}

/// The references that are still to be dropped.
pub(crate) static DEPARTING: AtLoad<SpinLockIrq<Departing>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(Departing::new(), "rust_pool::departing"),
        GFP_KERNEL,
    )
});

/// Called by the work item that drops references to devices.
///
/// # Safety
///
/// None needed: functions that C calls are declared `unsafe`.
#[no_mangle]
unsafe extern "C" fn rust_pool_part() {
    loop {
        let mut departing = DEPARTING.lock();
        let Some(reference) = departing.waiting.pop() else {
            break;
        };
        departing.leaving = Some(reference.code);
        drop(departing);
        sys::doing(Awaited::Parted, || drop(reference));
        DEPARTING.lock().leaving = None;
        sys::wake();
    }
}
matches_header!(rust_pool_part);

/// Drops all references that may need code of a module that is being unloaded, and waits for the
/// work item if it is dropping one. When this returns, no `release()` in that module's code is
/// called any more. Sleeps.
pub(crate) fn finish(module: Module) {
    loop {
        let mine = {
            let mut departing = DEPARTING.lock();
            departing
                .waiting
                .unlink(|reference| reference.code.lies_in(module))
        };
        if mine.is_none() {
            break;
        }
    }
    sys::wait_until(Awaited::Parted, || {
        let leaving = DEPARTING.lock().leaving;
        !leaving.is_some_and(|code| code.lies_in(module))
    });
}
