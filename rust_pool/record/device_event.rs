// SPDX-License-Identifier: GPL-2.0

//! What happens to a device while it has common buffers, and the reports of it.

use crate::{
    report::{
        rule,
        violation::Parameter, //
    },
    sys::{
        DmaDevice,
        Fate,
        Origin, //
    }, //
};

/// What has happened to a buffer's device.
#[derive(Clone, Copy)]
enum Event {
    DriverLost,
    Removed,
    DomainChanged,
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
        let rule = match (event, fate) {
            (Event::DriverLost, _) => &rule::FREED_WITHOUT_DRIVER,
            (Event::Removed, Fate::Freed) => &rule::FREED_WITHOUT_DEVICE,
            (Event::Removed, Fate::FreedPages) => &rule::FREED_WITHOUT_DEVICE_OR_IOMMU,
            (Event::Removed, Fate::Lost) => &rule::LOST_WITH_DEVICE,
            (Event::DomainChanged, Fate::Freed | Fate::FreedPages) => &rule::FREED_WITHOUT_IOMMU,
            (Event::DomainChanged, Fate::Lost) => &rule::LOST_WITH_IOMMU,
        };
        let given = [adapter.into(), Parameter::Address(base)];
        rule.by(self.caller, given).report();
    }
}
