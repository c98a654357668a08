// SPDX-License-Identifier: GPL-2.0

//! What tracers are told: each allocation, each free and each violation.
//!
//! The tracepoints are in `sys/tracepoints.h`. Each event is sent where the call is counted. While
//! nobody traces, a static branch skips all of it.

use crate::{
    callers::call_site,
    lib::{
        export::matches_header,
        text::Text, //
    },
    sys::{
        self,
        raw,
        tracing::{
            ALLOC,
            FREE,
            VIOLATION, //
        }, //
    },
    types::{
        memory_type::MemoryType,
        tag::{
            PoolKind,
            Tag, //
        }, //
    }, //
};
use kernel::prelude::*;

/// When an allocation began; nothing while nobody traces allocations.
#[derive(Clone, Copy)]
pub(crate) struct Began(Option<u64>);

impl Began {
    /// Not known.
    pub(crate) const UNKNOWN: Self = Self(None);

    /// Now. Any context.
    #[inline]
    pub(crate) fn now() -> Self {
        if sys::watched() {
            Self::now_if_traced()
        } else {
            Self::UNKNOWN
        }
    }

    #[cold]
    fn now_if_traced() -> Self {
        Self(ALLOC.is_traced().then(sys::uptime))
    }

    /// How many nanoseconds ago that was; 0 if it is not known.
    fn elapsed(self) -> u64 {
        self.0.map_or(0, |then| sys::uptime().saturating_sub(then))
    }
}

/// A block that is allocated or freed.
pub(crate) struct Block {
    pub(crate) memory: MemoryType,
    pub(crate) tag: Option<Tag>,
    /// The bytes that the client asked for.
    pub(crate) bytes: usize,
    /// The bytes that it takes.
    pub(crate) used: usize,
    pub(crate) addr: usize,
}

impl Block {
    /// A block of a family that has no tags.
    pub(crate) fn untagged(memory: MemoryType, bytes: usize, used: usize, addr: usize) -> Self {
        Self {
            memory,
            tag: None,
            bytes,
            used,
            addr,
        }
    }

    /// Tells tracers that the client at `caller` has allocated it, by a call that began then. Any
    /// context.
    #[inline]
    pub(crate) fn allocated(&self, caller: usize, began: Began) {
        if sys::watched() && ALLOC.is_traced() {
            self.tell(caller, began, |event| ALLOC.send(event));
        }
    }

    /// Tells tracers that the client at `caller` has freed it. Any context. The memory must not be
    /// given back before: the address could be told as allocated again before it was told as freed.
    #[inline]
    pub(crate) fn freed(&self, caller: usize) {
        if sys::watched() && FREE.is_traced() {
            self.tell(caller, Began::UNKNOWN, |event| FREE.send(event));
        }
    }

    #[cold]
    fn tell(&self, caller: usize, began: Began, send: impl FnOnce(&raw::rust_pool_traced)) {
        let Some(memory) = number_of(self.memory) else {
            return;
        };
        let ns = began.elapsed();
        send(&raw::rust_pool_traced {
            tag: word_of(self.tag),
            type_: memory,
            bytes: self.bytes,
            used: self.used,
            addr: self.addr,
            caller: call_site::driver(caller),
            ns,
        });
    }
}

/// The number that an event has for a memory type; `None` for what is no memory of ours.
fn number_of(memory: MemoryType) -> Option<u32> {
    Some(match memory {
        MemoryType::Pool { kind, .. } => match kind {
            PoolKind::NonPaged => raw::RUST_POOL_TRACED_NONP,
            PoolKind::Paged => raw::RUST_POOL_TRACED_PAGED,
        },
        MemoryType::Contiguous => raw::RUST_POOL_TRACED_CONTIGUOUS,
        MemoryType::NonCached => raw::RUST_POOL_TRACED_NONCACHED,
        MemoryType::CommonBuffer => raw::RUST_POOL_TRACED_COMMON,
        MemoryType::MdlPages => raw::RUST_POOL_TRACED_MDL_PAGES,
        _ => return None,
    })
}

// CAST: Lossless.
const TAG_ROOM: usize = raw::RUST_POOL_TAG_ROOM as usize;
// CAST: Lossless.
const MODULE_ROOM: usize = raw::RUST_POOL_MODULE_NAME_LEN as usize;

/// How an event shows a tag: as one word, a dash for none, with a NUL.
fn word_of(tag: Option<Tag>) -> [c_char; TAG_ROOM] {
    let mut word = [0; TAG_ROOM];
    let text = match tag {
        Some(tag) => Text::of(&tag.word()),
        None => Text::<8>::of("-"),
    };
    copy(&mut word, text.as_bytes());
    word
}

/// Copies a text, as much of it as fits with its NUL. `to` has zeroes only.
fn copy(to: &mut [c_char], text: &[u8]) {
    let room = to.len().saturating_sub(1);
    for (to, &byte) in to.iter_mut().take(room).zip(text) {
        *to = byte;
    }
}

/// Whether somebody traces violations. Any context.
pub(crate) fn violations() -> bool {
    VIOLATION.is_traced()
}

/// A violation, as an event has it.
pub(crate) struct Violation<'a> {
    pub(crate) code: u32,
    /// As the log shows them: addresses are hashed.
    pub(crate) parameters: [u64; 4],
    pub(crate) tag: Option<Tag>,
    pub(crate) module: &'a str,
    /// The address that it is about; 0 for none.
    pub(crate) addr: usize,
    pub(crate) caller: usize,
}

impl Violation<'_> {
    /// Tells tracers. Any context.
    pub(crate) fn tell(&self) {
        let mut module = [0; MODULE_ROOM];
        copy(&mut module, self.module.as_bytes());
        VIOLATION.send(&raw::rust_pool_traced_violation {
            code: self.code,
            parameters: self.parameters,
            tag: word_of(self.tag),
            module,
            addr: self.addr,
            caller: self.caller,
        });
    }
}

/// The kernel calls it before the first tracer of frees comes, and after the last has gone.
#[no_mangle]
extern "C" fn rust_pool_watch_frees(watch: bool) {
    sys::watch_frees(watch);
}
matches_header!(safe rust_pool_watch_frees(_));
