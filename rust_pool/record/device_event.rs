// SPDX-License-Identifier: GPL-2.0

//! Reports common buffers and lists whose device has changed since they were made.

use crate::{
    callers::call_site::{
        self,
        CallSite, //
    },
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

/// How a buffer's device has changed since the buffer was allocated.
#[derive(Clone, Copy)]
enum Event {
    DriverLost,
    Removed,
    DomainChanged,
}

/// The free of a buffer, from the time when a client asks for it.
pub(crate) struct Release {
    site: CallSite,
    /// How the device had changed by then.
    event: Option<Event>,
}

impl Release {
    /// The free of a buffer with this origin, that `caller` asks for now.
    pub(crate) fn new(device: &DmaDevice, origin: &Origin, caller: usize) -> Self {
        let event = if device.is_gone() {
            Some(Event::Removed)
        } else if device.lost_driver_of(origin) {
            Some(Event::DriverLost)
        } else {
            None
        };
        Self {
            site: CallSite::new(caller),
            event,
        }
    }

    /// Prepares for another task to carry it out, and maybe report it. The call site becomes that
    /// of the driver, if it lies in a library that the driver uses: only this task's stack tells
    /// that.
    pub(crate) fn defer(&mut self) {
        self.site = CallSite::new(call_site::driver(self.site.address()));
    }

    /// Who asked for it.
    pub(crate) fn site(&self) -> &CallSite {
        &self.site
    }

    /// How the device has changed, as far as that matters for the report.
    fn event(&self, device: &DmaDevice, fate: Fate) -> Option<Event> {
        Some(match self.event {
            None if fate == Fate::Freed => return None,
            Some(Event::Removed) => Event::Removed,
            Some(event) if fate == Fate::Freed => event,
            // The free was deferred, and the device removed before it was carried out.
            _ if device.is_gone() => Event::Removed,
            _ => Event::DomainChanged,
        })
    }

    /// Reports that a list was put, or a piece of a packet flushed, if the device is not as it was
    /// when that was mapped. `at` is the list, or the map register base.
    pub(crate) fn report_list(
        &self,
        device: &DmaDevice,
        adapter: impl Into<Parameter>,
        at: Parameter,
        is_piece: bool,
        fate: Fate,
    ) {
        let Some(event) = self.event(device, fate) else {
            return;
        };
        let rule = match (event, is_piece) {
            (Event::DriverLost, false) => &rule::PUT_WITHOUT_DRIVER,
            (Event::DriverLost, true) => &rule::FLUSHED_WITHOUT_DRIVER,
            (Event::Removed, false) => &rule::PUT_WITHOUT_DEVICE,
            (Event::Removed, true) => &rule::FLUSHED_WITHOUT_DEVICE,
            (Event::DomainChanged, false) => &rule::PUT_WITHOUT_IOMMU,
            (Event::DomainChanged, true) => &rule::FLUSHED_WITHOUT_IOMMU,
        };
        let given = [adapter.into(), at];
        rule.by(0, given).report_late(&self.site);
    }

    /// Reports what became of the memory, if the device is not as it was when the buffer was
    /// allocated.
    pub(crate) fn report(
        &self,
        device: &DmaDevice,
        adapter: impl Into<Parameter>,
        base: usize,
        fate: Fate,
    ) {
        let Some(event) = self.event(device, fate) else {
            return;
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
        rule.by(0, given).report_late(&self.site);
    }
}
