// SPDX-License-Identifier: GPL-2.0

//! Size classes of blocks with a header.
//!
//! Header included, they are 16 bytes apart up to 256 bytes, an eighth of a power of two up to
//! 1024, and a sixteenth above that, so that little of an object is wasted. With kmalloc's classes
//! the header would push every power of two into the next class.

use crate::header::{
    self,
    Header,
    LARGEST,
    UNIT, //
};

/// The largest object, in units.
pub(crate) const MAX_UNITS: usize = header::units(LARGEST);

/// The size of the class that an object of `units` units comes from.
const fn class_units(units: usize) -> usize {
    if units <= 16 {
        return if units < 2 { 2 } else { units };
    }
    let eighth = 1 << ((units - 1).ilog2() - 3);
    let step = if units <= 64 { eighth } else { eighth / 2 };
    let size = units.div_ceil(step) * step;
    if size > MAX_UNITS {
        MAX_UNITS
    } else {
        size
    }
}

const fn count() -> usize {
    let mut count = 0;
    let mut units = 2;
    while units <= MAX_UNITS {
        count += 1;
        units = class_units(units) + 1;
    }
    count
}

/// How many classes there are.
pub(crate) const CLASSES: usize = count();

/// The sizes of the classes, in units.
pub(crate) const SIZES: [usize; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    let mut units = 2;
    while class < CLASSES {
        sizes[class] = class_units(units);
        units = sizes[class] + 1;
        class += 1;
    }
    sizes
};

// Units of an object are counted in a byte, so there is a class for each number of them.
const _: () = assert!(MAX_UNITS == u8::MAX as usize);

/// The class of each size in units.
static CLASS_OF: [Class; MAX_UNITS + 1] = {
    let mut class_of = [Class::new(0); MAX_UNITS + 1];
    let mut class = 0;
    let mut units = 0;
    while units <= MAX_UNITS {
        if units > SIZES[class] {
            class += 1;
        }
        class_of[units] = Class::new(class);
        units += 1;
    }
    class_of
};

/// Where the reader of a dump finds the sizes: in bytes, in the lower half of each word.
pub(crate) const CLASS_OF_PLACE: *const [Class; MAX_UNITS + 1] = &raw const CLASS_OF;

/// A size class, in one word: its size in bytes, and its number in the upper half.
///
/// # Invariants
///
/// The number is below [`CLASSES`], and the size is that of [`SIZES`].
#[derive(Clone, Copy)]
pub(crate) struct Class(u32);

impl Class {
    const fn new(number: usize) -> Self {
        // INVARIANT: The number is an index of `SIZES`, and the size is that element.
        // CAST: There are fewer than 256 classes, of at most 4080 bytes.
        Self((number as u32) << 16 | (SIZES[number] * UNIT) as u32)
    }

    /// The class for objects of `units` units, header included.
    #[inline(always)]
    pub(crate) fn of(units: u8) -> Self {
        // PANIC: The array has an element for each value of a byte.
        CLASS_OF[usize::from(units)]
    }

    /// The class for a block of `bytes` bytes, if that is not empty and may be small.
    #[inline(always)]
    pub(crate) fn for_bytes(bytes: usize) -> Option<Self> {
        if bytes.wrapping_sub(1) >= LARGEST {
            return None;
        }
        // SAFETY: As checked, so many bytes have at most `MAX_UNITS` units. The compiler cannot
        // prove that, and would test the index in each allocation.
        Some(unsafe { *CLASS_OF.get_unchecked(header::units(bytes)) })
    }

    /// The class that a block with this header is of.
    #[inline]
    pub(crate) fn of_header(header: &Header) -> Self {
        // CAST: A header of this load has at most `MAX_UNITS` units, with those in front of it.
        Self::of((header.units() + header.front() / UNIT) as u8)
    }

    /// The class that a block with this header is of, if nothing is in front of the header.
    #[inline(always)]
    pub(crate) fn of_plain(header: &Header) -> Self {
        // CAST: As above.
        Self::of(header.units() as u8)
    }

    /// The units from a header to the end of its object, or of the part of an object that is in
    /// front of a cache-aligned block's header.
    pub(crate) fn units_from(header: &Header) -> usize {
        // A block takes at least two units, so one unit is such a part.
        match header.units() {
            1 => 1,
            _ => (Self::of_header(header).bytes() - header.front()) / UNIT,
        }
    }

    /// Its number.
    #[inline(always)]
    pub(crate) fn number(self) -> usize {
        // CAST: Lossless on the architectures supported.
        (self.0 >> 16) as usize
    }

    /// Header and block, in bytes.
    #[inline(always)]
    pub(crate) fn bytes(self) -> usize {
        // CAST: The lower half.
        (self.0 & 0xffff) as usize
    }
}

#[kernel::macros::kunit_tests(rust_pool_size_class)]
mod tests {
    use super::*;

    fn of(units: usize) -> Class {
        // CAST: The tests ask for no more than `MAX_UNITS`.
        Class::of(units as u8)
    }

    #[test]
    fn smallest_that_is_large_enough() {
        for bytes in 1..=LARGEST {
            let class = of(header::units(bytes));
            assert!(class.bytes() >= bytes + UNIT);
            assert!(SIZES.get(class.number()) == Some(&(class.bytes() / UNIT)));
            let below = class.number().checked_sub(1).and_then(|it| SIZES.get(it));
            assert!(below.is_none_or(|&units| units < header::units(bytes)));
        }
    }

    #[test]
    fn little_is_left_over() {
        for units in 2..=MAX_UNITS {
            let left = of(units).bytes() / UNIT - units;
            let part = match units {
                ..=16 => 0,
                ..=64 => units / 8,
                _ => units / 16,
            };
            assert!(left <= part);
        }
    }

    #[test]
    fn of_blocks() {
        for bytes in [1, 16, 17, 4063, LARGEST] {
            let class = Class::for_bytes(bytes);
            assert!(class.is_some_and(|it| it.bytes() == of(header::units(bytes)).bytes()));
        }
        assert!(Class::for_bytes(0).is_none() && Class::for_bytes(LARGEST + 1).is_none());
        assert!(Class::for_bytes(usize::MAX).is_none());
    }

    #[test]
    fn from_a_header_to_the_largest() {
        assert!(of(0).number() == 0 && of(2).number() == 0);
        assert!(of(0).bytes() == 2 * UNIT && of(3).bytes() == 3 * UNIT);
        assert!(of(MAX_UNITS).number() == CLASSES - 1);
        assert!(of(MAX_UNITS).bytes() == LARGEST + UNIT);
    }
}
