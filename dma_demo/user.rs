// SPDX-License-Identifier: GPL-2.0

//! The file `/dev/dma_demo.<device>`: copies a buffer of a program to another, by the device.
//!
//! The request is `ioctl(fd, _IOW(0xed, 1, struct request), &request)` with
//!
//! ```c
//! struct request {
//!     __u64 from, to, bytes;
//! };
//! ```
//!
//! The pages of both buffers are locked and mapped for the device, which so reads and writes the
//! program's own memory: the driver copies nothing. The result is how many bytes were copied. There
//! may be fewer than asked for if a signal comes, the device is unbound, or it fails; if there are
//! none, the result is an error:
//!
//! - `EFAULT`: the program may not read the one buffer, or write to the other, or the request is
//!   not there.
//! - `EINVAL`, `EMSGSIZE`: no bytes, or more than 64 KiB.
//! - `EINTR`, `ENODEV`: a signal came, the device is not bound any more.
//! - `ETIMEDOUT`: the device does not answer. If it stays busy it is stopped, and this is the
//!   result of all requests until it is bound again.
//! - `ENOMEM`: memory is short.
//! - `ENOTTY`: there is no such request.

use super::{
    edu::Engine,
    gate::Gate,
    memory::COPY_MAX,
    DmaDemo, //
};
use core::mem::{
    forget,
    transmute, //
};
use kernel::{
    container_of,
    current,
    device::{
        Bound,
        Device, //
    },
    devres,
    fs::File,
    ioctl::_IOW,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    prelude::*,
    str::{
        CStr,
        CString, //
    },
    sync::{
        Arc,
        ArcBorrow, //
    },
    uaccess::UserSlice, //
};
use rust_pool::{
    Direction,
    Element,
    Mdl,
    ReadOnly,
    ReadWrite,
    User, //
};

/// What a program passes: from where, to where, and how many bytes.
type Request = [u64; 3];

const COPY: u32 = _IOW::<Request>(0xed, 1);

/// The file, which is there until this is dropped. The fields are dropped in this order.
#[pin_data]
struct Node {
    #[pin]
    misc: MiscDeviceRegistration<Program>,
    _name: CString,
    gate: Arc<Gate>,
}

/// Makes the file of a device, which is there as long as the device is bound. Sleeps.
///
/// # Errors
///
/// [`ENOMEM`] if memory is short.
pub(crate) fn register(device: &Device<Bound>, gate: Arc<Gate>) -> Result {
    let name = CString::try_from_fmt(fmt!("dma_demo.{}", device.name().to_str()?))?;
    // SAFETY: The text does not move with its owner, and nobody writes it. It is for the
    // registration, which is dropped before its owner.
    let text = unsafe { transmute::<&CStr, &'static CStr>(&name) };
    // The file can be opened as soon as it is registered, so that comes last.
    let node = try_pin_init!(Node {
        gate,
        _name: name,
        misc <- MiscDeviceRegistration::register(MiscDeviceOptions { name: text }),
    });
    devres::register(device, node, GFP_KERNEL)
}

/// A program that has the file open.
struct Program;

#[vtable]
impl MiscDevice for Program {
    type Ptr = Arc<Gate>;

    fn open(_file: &File, misc: &MiscDeviceRegistration<Self>) -> Result<Arc<Gate>> {
        let misc: *const MiscDeviceRegistration<Self> = misc;
        // SAFETY: Each registration for this type is that of a `Node`. It is registered, so the
        // fields that were written before it are there.
        Ok(unsafe { (*container_of!(misc, Node, misc)).gate.clone() })
    }

    fn ioctl(gate: ArcBorrow<'_, Gate>, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            COPY => {
                let request = UserSlice::new(UserPtr::from_addr(arg), size_of::<Request>());
                let copied = copy(&gate, request.reader().read()?)?;
                Ok(isize::try_from(copied)?)
            }
            _ => Err(ENOTTY),
        }
    }
}

/// Makes a request. Sleeps.
fn copy(gate: &Gate, [from, to, bytes]: Request) -> Result<usize> {
    let bytes = usize::try_from(bytes)?;
    if bytes > COPY_MAX {
        return Err(EMSGSIZE);
    }
    let (from, to) = (usize::try_from(from)?, usize::try_from(to)?);
    // Before the request has the device: it may take any time until a page is there.
    let from = Mdl::lock_user(UserPtr::from_addr(from), bytes)?;
    let to = Mdl::lock_user(UserPtr::from_addr(to), bytes)?;
    gate.pass(|demo| {
        demo.copy(from, to, || {
            if gate.is_closed() {
                Err(ENODEV)
            } else if current!().signal_pending() {
                Err(ERESTARTSYS)
            } else {
                Ok(())
            }
        })
    })?
}

impl DmaDemo<'_> {
    /// Has the device copy a buffer, in pieces that it can hold, and asks before each of them
    /// whether to go on. Returns how many bytes were copied, if any. Sleeps.
    fn copy(
        &mut self,
        from: Mdl<User<ReadOnly>>,
        to: Mdl<User<ReadWrite>>,
        go_on: impl Fn() -> Result,
    ) -> Result<usize> {
        let adapter = &self.memory.adapter;
        let from = adapter.scatter_gather(from, Direction::ToDevice)?;
        let to = adapter.scatter_gather(to, Direction::FromDevice)?;
        let (mut copied, mut pieces) = (0usize, 0u64);
        let result = self.edu.run(|engine| {
            let mut source = Cursor::new(from.elements());
            let mut target = Cursor::new(to.elements());
            loop {
                let bytes = source.left().min(target.left()).min(Engine::BUFFER_BYTES);
                if bytes == 0 {
                    return Ok(());
                }
                go_on()?;
                engine.copy_out(source.advance(bytes)?, bytes)?;
                engine.copy_in(target.advance(bytes)?, bytes)?;
                copied = copied.saturating_add(bytes);
                pieces = pieces.saturating_add(1);
            }
        });
        if self.edu.is_loose() {
            // They stay mapped and locked, of which the adapter tells, and the report at unload.
            forget((from, to));
        } else {
            // What the device wrote is in the buffer when the list is dropped, and the pages are
            // unlocked with its MDL.
            drop((from, to));
        }
        if copied == 0 {
            result?;
        }
        self.count(copied, pieces);
        Ok(copied)
    }

    /// Counts a request.
    fn count(&mut self, bytes: usize, pieces: u64) {
        let extension = &mut self.memory.extension;
        extension.requests = extension.requests.saturating_add(1);
        extension.copied = extension.copied.saturating_add(bytes);
        extension.pieces = extension.pieces.saturating_add(pieces);
        self.report();
    }
}

/// How far a transfer has come in a list.
struct Cursor<I> {
    /// What is left of the element.
    element: Element,
    /// The elements after it.
    rest: I,
}

impl<I: Iterator<Item = Element>> Cursor<I> {
    fn new(elements: I) -> Self {
        let mut cursor = Self {
            element: Element { address: 0, len: 0 },
            rest: elements,
        };
        cursor.skip_empty();
        cursor
    }

    /// How many bytes are left of the element: none at the end of the list.
    fn left(&self) -> usize {
        // CAST: `usize` is 64 bits wide on the architectures supported.
        self.element.len as usize
    }

    /// Goes on by so many bytes of the element, and returns where they begin for the device.
    fn advance(&mut self, bytes: usize) -> Result<u32> {
        // The DMA mask keeps all elements below 256 MiB.
        let address = u32::try_from(self.element.address)?;
        let bytes = u32::try_from(bytes)?;
        self.element.address = self.element.address.wrapping_add(bytes.into());
        self.element.len = self.element.len.saturating_sub(bytes);
        self.skip_empty();
        Ok(address)
    }

    fn skip_empty(&mut self) {
        while self.element.len == 0 {
            let Some(next) = self.rest.next() else {
                return;
            };
            self.element = next;
        }
    }
}
