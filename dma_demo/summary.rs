// SPDX-License-Identifier: GPL-2.0

//! What debugfs shows of a device.

use super::memory::{
    ConfigTag,
    ExtensionTag,
    Memory, //
};
use core::alloc::Layout;
use kernel::{
    device::{
        Bound,
        Device, //
    },
    fmt,
    prelude::*,
    str::CString, //
};
use rust_pool::{
    physical_address,
    NonPaged,
    Paged,
    Report, //
};

/// A row of the table.
struct Buffer<'a> {
    what: &'a str,
    from: &'a str,
    asked: usize,
    used: usize,
    at: *const u8,
    bus: Option<u64>,
}

impl fmt::Display for Buffer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self {
            what,
            from,
            asked,
            used,
            at,
            bus,
        } = self;
        let physical = physical_address(at).unwrap_or(0);
        f.write_fmt(fmt!(
            "{what:<10} {from:<14} {asked:>5} {used:>5}  {at:p}  {physical:#010x}  "
        ))?;
        match bus {
            Some(bus) => f.write_fmt(fmt!("{bus:#010x}\n")),
            None => f.write_str("-\n"),
        }
    }
}

/// The whole text.
struct Summary<'a>(&'a str, &'a Memory<'a>);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, memory) = self;
        let extension = Layout::for_value(&*memory.extension);
        let config = Layout::for_value(memory.config.as_slice());
        let mailbox = memory.mailbox.read::<u32>(0).unwrap_or(0);
        f.write_fmt(fmt!(
            "dma_demo - version: 1.1\n\
             {name}: {} DMA transfers, {} bytes out and back, all equal; {} interrupts\n\
             for programs: {} requests, {} bytes in {} pieces\n\
             {} map registers; last number in the mailbox: {mailbox}\n\
             #what      from           bytes  used  virtual             physical    bus\n",
            memory.extension.transfers,
            memory.extension.bytes,
            memory.extension.interrupts,
            memory.extension.requests,
            memory.extension.copied,
            memory.extension.pieces,
            memory.adapter.map_registers()
        ))?;
        let buffers = [
            Buffer {
                what: "extension",
                from: "nonpaged EduX",
                asked: extension.size(),
                used: NonPaged::<ExtensionTag>::used(extension).unwrap_or(0),
                at: core::ptr::from_ref(&*memory.extension).cast(),
                bus: None,
            },
            Buffer {
                what: "config",
                from: "paged EduC",
                asked: config.size(),
                used: Paged::<ConfigTag>::used(config).unwrap_or(0),
                at: memory.config.as_ptr().cast(),
                bus: None,
            },
            Buffer {
                what: "buffer",
                from: "common buffer",
                asked: memory.buffer.len(),
                used: memory.buffer.used(),
                at: memory.buffer.as_ptr(),
                bus: Some(memory.buffer.bus_address()),
            },
            Buffer {
                what: "staging",
                from: "contiguous",
                asked: memory.staging.len(),
                used: memory.staging.used(),
                at: memory.staging.as_ptr(),
                bus: None,
            },
            Buffer {
                what: "mailbox",
                from: "noncached",
                asked: memory.mailbox.len(),
                used: memory.mailbox.used(),
                at: memory.mailbox.as_ptr(),
                bus: None,
            },
        ];
        buffers.iter().try_for_each(|buffer| buffer.fmt(f))
    }
}

/// Makes the file. Sleeps.
pub(crate) fn summary(device: &Device<Bound>, memory: &Memory<'_>) -> Result<Report> {
    let device = device.name().to_str()?;
    let name = CString::try_from_fmt(fmt!("dma_demo.{device}"))?;
    let text = CString::try_from_fmt(fmt!("{}", Summary(device, memory)))?;
    Report::new(&name, text.to_bytes())
}
