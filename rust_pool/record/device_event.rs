// SPDX-License-Identifier: GPL-2.0

//! What happens to a device while it has common buffers, and the reports of it.

use crate::{
    report::violation::{
        Check,
        Parameter,
        Violation, //
    },
    sys::{
        DmaDevice,
        Fate,
        Origin, //
    }, //
};
/// What has happened to a buffer's device, as the fourth parameter of a report has it.
#[derive(Clone, Copy)]
enum Event {
    DriverLost = 1,
    Removed = 2,
    DomainChanged = 3,
}

/// A free that was asked for.
pub(crate) struct Freeing {
    caller: usize,
    /// What the device had been through by then.
    event: Option<Event>,
}

impl Freeing {
    pub(crate) fn new(device: &DmaDevice, origin: &Origin, caller: usize) -> Self {
        let event = if device.is_gone() {
            Some(Event::Removed)
        } else if device.lost_driver_of(origin) {
            Some(Event::DriverLost)
        } else {
            None
        };
        Self { caller, event }
    }

    /// Reports what became of the memory, if the device is not as it was when the buffer was made.
    pub(crate) fn report(
        &self,
        device: &DmaDevice,
        adapter: impl Into<Parameter>,
        base: usize,
        fate: Fate,
    ) {
        let event = match self.event {
            None if fate == Fate::Freed => return,
            Some(Event::Removed) => Event::Removed,
            Some(event) if fate == Fate::Freed => event,
            // A free that was deferred may have been overtaken by a removal.
            _ if device.is_gone() => Event::Removed,
            _ => Event::DomainChanged,
        };
        let what = match (event, fate) {
            (Event::DriverLost, _) => {
                "common buffer freed after its device lost its driver: given back"
            }
            (Event::Removed, Fate::Freed) => {
                "common buffer freed after its device was removed: given back"
            }
            (Event::Removed, Fate::FreedPages) => {
                "common buffer freed after its device was removed: given back without the IOMMU"
            }
            (Event::Removed, Fate::Lost) => {
                "common buffer freed after its device was removed: memory lost"
            }
            (Event::DomainChanged, Fate::Freed | Fate::FreedPages) => {
                "common buffer freed after its IOMMU domain changed: given back without the IOMMU"
            }
            (Event::DomainChanged, Fate::Lost) => {
                "common buffer freed after its IOMMU domain changed: memory lost"
            }
        };
        report(
            event,
            adapter.into(),
            Parameter::Address(base),
            self.caller,
            what,
        );
    }
}

/// Reports a request for a device that was removed, by an adapter or for one.
pub(crate) fn no_device(adapter: impl Into<Parameter>, caller: usize, what: &'static str) {
    report(Event::Removed, adapter.into(), 0u32.into(), caller, what);
}

fn report(event: Event, adapter: Parameter, subject: Parameter, caller: usize, what: &'static str) {
    // CAST: The discriminants are those that the page on violations lists.
    let event = event as u32;
    Violation::new(
        Check::DmaVerifier,
        0x00,
        [adapter, subject, event.into()],
        caller,
        what,
    )
    .report();
}
