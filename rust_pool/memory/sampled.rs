// SPDX-License-Identifier: GPL-2.0

//! Objects that KFENCE watches.
//!
//! KFENCE, where it is on, takes an object of slab from time to time, and puts it on a page of its
//! own between two that are not mapped. So a client that accesses what is beside the object, or the
//! object after its free, faults, and KFENCE reports it. It would never see the pool's blocks: they
//! come from a magazine, and go back there. So when a magazine is empty, the pool asks kmalloc for
//! an object from time to time. If KFENCE took it, it is a block's, until that is freed: then it
//! goes back to kmalloc.

use crate::{
    header::{
        freeing::Freeing,
        Header,
        Live,
        Place,
        UNIT, //
    },
    memory::request,
    sys::{
        self,
        raw,
        SlabObject, //
    }, //
};
use core::ptr::NonNull;
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// Attempts per jiffy, over all CPUs; a power of two. One would hardly ever hit KFENCE's sample, of
/// which there is one in many jiffies, for whoever asks first. One per refill would cost much of
/// what magazines save.
const TRIES: usize = 32;

/// In which jiffy kmalloc was asked last, times [`TRIES`], and how often in that, less one.
static TRIED: Atomic<usize> = Atomic::new(0);

/// Whether to ask for an object. Any context.
#[inline(always)]
pub(crate) fn is_due() -> bool {
    sys::kfence_samples() && may_try()
}

/// Whether it was not asked for one often enough in this jiffy. CPUs that look at the same time may
/// count as one.
fn may_try() -> bool {
    let now = sys::jiffies().wrapping_mul(TRIES);
    let tried = TRIED.load(Relaxed);
    let next = match tried.wrapping_sub(now) {
        before if before >= TRIES => now,
        last if last == TRIES - 1 => return false,
        _ => tried.wrapping_add(1),
    };
    TRIED.store(next, Relaxed);
    true
}

/// The object of a block that is sampled.
///
/// # Invariants
///
/// The object is aligned to [`UNIT`], and longer than a header.
#[must_use = "an object that is not freed is lost"]
pub(crate) struct Sampled(SlabObject);

impl Sampled {
    /// Asks for an object for a block of `bytes` bytes, zeroed if `zero`, and charged to the
    /// current process if `charged`. `None` if KFENCE did not take one. Any context but NMI.
    pub(crate) fn allocate(bytes: usize, zero: bool, charged: bool) -> Option<Self> {
        let gfp = raw::RUST_POOL_GFP_NOWAIT | request::modifiers(zero, charged);
        // No more than the client asked for, so that KFENCE sees each byte beyond it.
        let object = sys::kmalloc(bytes.checked_add(UNIT)?, gfp)?;
        if sys::is_kfence(object.addr()) && object.addr() % UNIT == 0 {
            // INVARIANT: It is longer than a header.
            return Some(Self(object));
        }
        object.free();
        None
    }

    /// The block behind its header, for a client. The header has to say that the block is sampled.
    pub(crate) fn into_block(self, header: Header) -> NonNull<u8> {
        header.write(self.place());
        // By the type invariant the object is longer than that.
        self.0.into_raw().map_addr(|at| at.saturating_add(UNIT))
    }

    /// Where its header is.
    fn place(&self) -> &Place {
        // SAFETY: By the type invariant the object is ours, aligned, and as long as a header.
        unsafe { self.0.at().cast().as_ref() }
    }

    /// Marks a block as freed, and takes its object; `None` if another CPU freed it first, or if it
    /// is not sampled. Any context.
    pub(crate) fn claim(freeing: &Freeing, header: &Live<Header>) -> Option<Self> {
        if !header.is_sampled() {
            return None;
        }
        let freed = freeing.claim(header)?;
        let at = NonNull::new(freed.addr() as *mut u8)?;
        // SAFETY: A header of this load says that the block is sampled, so its object begins there,
        // which `into_block()` gave up. By the type invariant of `Freed` the block is that of this
        // value.
        // INVARIANT: As above, it has a header.
        Some(Self(unsafe { SlabObject::from_raw(at) }))
    }

    /// Frees it. KFENCE protects it from then on, and wipes it if the kernel wipes freed memory.
    /// Any context but NMI.
    pub(crate) fn free(self) {
        Header::erase(self.place());
        self.0.free();
    }
}

#[kernel::macros::kunit_tests(rust_pool_sampled)]
mod tests {
    use super::*;

    #[test]
    fn so_often_in_a_jiffy() {
        let mut begun = sys::jiffies();
        // A jiffy may end meanwhile.
        for _ in 0..100 {
            while sys::jiffies() == begun {}
            begun = sys::jiffies();
            let tries = (0..2 * TRIES).filter(|_| may_try()).count();
            if sys::jiffies() == begun {
                // Others may have tried as well.
                assert!(tries <= TRIES && tries != 0);
                return;
            }
        }
    }
}
