// SPDX-License-Identifier: GPL-2.0

//! References to devices, and how they are dropped.
//!
//! Dropping the last reference to a device calls its `release()`. That is the code of others: it
//! may sleep, take locks, and call this module. So the reference is dropped where the client puts
//! the adapter, if that may sleep, and otherwise by a work item of its own, for which nobody waits.
//! One exception: unloading a module waits while `release()` code of that module is needed.

use crate::{
    lib::{
        at_load::AtLoad,
        export::matches_header,
        list::{
            Link,
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
    /// The module that got the device, as it may have set its `release()`. Not the call site, which
    /// may be in init code that is freed by then.
    client: Client,
}

impl Code {
    fn lies_in(&self, module: Module) -> bool {
        self.client == module.client() || self.at.iter().any(|&at| module.contains(at))
    }
}

/// A reference to a device, in the list of those to be dropped or not.
struct Reference {
    next: Next<Reference>,
    device: DmaDevice,
    /// Found out when the reference was taken: later the device's class may be gone.
    code: Code,
}

// SAFETY: Its link is used by the list alone; a device may be let go of by any thread.
unsafe impl Send for Reference {}

impl Link for Reference {
    fn link(&mut self) -> &mut Next<Self> {
        &mut self.next
    }

    fn next(&self) -> &Next<Self> {
        &self.next
    }
}

/// A reference to a device that may be dropped in any context but NMI.
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

    /// Whether its release may need code of this module.
    pub(crate) fn is_of(&self, module: Module) -> bool {
        self.0.code.lies_in(module)
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
        // SAFETY: The value is not used after this.
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
    /// The modules whose code the reference needs that the work item is dropping.
    leaving: Option<Code>,
}

impl Departing {
    /// None.
    pub(crate) const fn new() -> Self {
        Self {
            waiting: List::new(),
            leaving: None,
        }
    }
}

/// Those of the module.
pub(crate) static DEPARTING: AtLoad<SpinLockIrq<Departing>> = AtLoad::new(|| {
    KBox::pin_init(
        new_spinlock_irq!(Departing::new(), "rust_pool::departing"),
        GFP_KERNEL,
    )
});

/// Called from the work item that calls others' code.
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

/// Drops all waiting references that may need the code of a module which is being unloaded: none of
/// its code is called any more when this returns. Sleeps.
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
