// SPDX-License-Identifier: GPL-2.0

//! The tracepoints: see `tracepoints.h`.

use crate::sys::raw;

/// An event that tracers can ask for, with what it tells them.
///
/// # Invariants
///
/// `is_traced` may be called in any context. So may `send`, which only reads what it is given.
pub(crate) struct Tracepoint<T> {
    is_traced: unsafe extern "C" fn() -> bool,
    send: unsafe extern "C" fn(*const T),
}

/// A block is allocated.
// INVARIANT: See `tracepoints.c`.
pub(crate) const ALLOC: Tracepoint<raw::rust_pool_traced> = Tracepoint {
    is_traced: raw::rust_pool_traces_allocs,
    send: raw::rust_pool_trace_alloc,
};

/// A block is freed.
// INVARIANT: See `tracepoints.c`.
pub(crate) const FREE: Tracepoint<raw::rust_pool_traced> = Tracepoint {
    is_traced: raw::rust_pool_traces_frees,
    send: raw::rust_pool_trace_free,
};

/// A violation is reported.
// INVARIANT: See `tracepoints.c`.
pub(crate) const VIOLATION: Tracepoint<raw::rust_pool_traced_violation> = Tracepoint {
    is_traced: raw::rust_pool_traces_violations,
    send: raw::rust_pool_trace_violation,
};

impl<T> Tracepoint<T> {
    /// Whether somebody traces such events.
    #[inline(always)]
    pub(crate) fn is_traced(&self) -> bool {
        // SAFETY: By the type invariant it may be called here.
        unsafe { (self.is_traced)() }
    }

    /// Tells tracers of such an event.
    #[inline(always)]
    pub(crate) fn send(&self, event: &T) {
        // SAFETY: By the type invariant it may be called here, and only reads the event.
        unsafe { (self.send)(event) }
    }
}
