// SPDX-License-Identifier: GPL-2.0

//! Lets programs use the device, one at a time, as long as it is bound.
//!
//! A file of a device may be open when the device is unbound, and a program may be in the middle of
//! a request. So what the driver has of its device is behind a gate, to which the file has a
//! reference. A request takes it out and brings it back. Unbind closes the gate, waits for the
//! request under way, and drops it.

use super::DmaDemo;
use core::mem::transmute;
use kernel::{
    devres,
    new_condvar,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        CondVar,
        Mutex, //
    }, //
};

/// The gate of one device.
#[pin_data]
pub(crate) struct Gate {
    #[pin]
    state: Mutex<State>,
    #[pin]
    changed: CondVar,
}

struct State {
    /// `None` while a request has it, and when the gate has been closed.
    demo: Option<DmaDemo<'static>>,
    busy: bool,
    closed: bool,
}

/// A resource of the device: closes the gate when the device is unbound.
struct Closer(Arc<Gate>);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Gate {
    /// A gate that is open as long as the device is bound. Sleeps.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if memory is short.
    pub(crate) fn new<'a>(demo: DmaDemo<'a>) -> Result<Arc<Self>> {
        let device = demo.device();
        // SAFETY: Only the lifetime changes, for which the device is bound. The value borrows
        // nothing else. It is not there any longer than that: the gate is given to a resource of
        // the device, which drops the value as the device is unbound, or at once if there is no
        // memory for it. Nobody sees the longer lifetime: a request gets the value for any.
        let demo = unsafe { transmute::<DmaDemo<'a>, DmaDemo<'static>>(demo) };
        let gate = Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(State {
                    demo: Some(demo),
                    busy: false,
                    closed: false,
                }),
                changed <- new_condvar!(),
            }),
            GFP_KERNEL,
        )?;
        devres::register(device, Closer(gate.clone()), GFP_KERNEL)?;
        Ok(gate)
    }

    /// Makes a request, when those before it are done. Sleeps.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if the device is not bound any more, [`ERESTARTSYS`] if a signal comes first.
    pub(crate) fn pass<R>(&self, request: impl FnOnce(&mut DmaDemo<'_>) -> R) -> Result<R> {
        let mut demo = self.take()?;
        let result = request(&mut demo);
        self.put(demo);
        Ok(result)
    }

    /// Whether the device is being unbound: a request should come to an end.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Drops what was behind the gate, after the request that is under way. Sleeps.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.changed.notify_all();
        while state.busy {
            self.changed.wait(&mut state);
        }
        let demo = state.demo.take();
        drop(state);
        drop(demo);
    }

    fn take(&self) -> Result<DmaDemo<'static>> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return Err(ENODEV);
            }
            if let Some(demo) = state.demo.take() {
                state.busy = true;
                return Ok(demo);
            }
            if self.changed.wait_interruptible(&mut state) {
                return Err(ERESTARTSYS);
            }
        }
    }

    fn put(&self, demo: DmaDemo<'static>) {
        let mut state = self.state.lock();
        state.demo = Some(demo);
        state.busy = false;
        self.changed.notify_all();
    }
}
