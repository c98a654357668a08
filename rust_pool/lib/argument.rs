// SPDX-License-Identifier: GPL-2.0

//! The arguments of functions that C code calls, and of those that are called here.
//!
//! A function that C code calls takes its pointers as types whose invariants are what it requires
//! of its caller: `Option<&T>` for what may be read, [`Output`] for where a result goes. So it uses
//! them without `unsafe`. [`Passed`] says what each is in C, for `matches_header!`.
//!
//! A function that is called here is declared in C with raw pointers as well. [`calls!`] declares
//! it with types whose invariants are what it requires, so its callers need no `unsafe`, either.
//! [`Given`] says what each is in C.

use crate::sys::GivenDevice;
use core::{
    cell::Cell,
    mem::MaybeUninit, //
};
use kernel::bindings;

/// What an exported function takes or returns in place of a type that `core.h` declares.
///
/// The function's safety requirements say what its callers pass. If the type's invariants say the
/// same, the function need not argue it, and those whom it passes the argument on to can rely on
/// it.
///
/// # Safety
///
/// A value is passed as a `Declared` is, and whatever callers may pass is a value.
// Constants without a name are its only users, which the lint does not see.
#[allow(dead_code)]
pub(crate) unsafe trait Passed<Declared> {}

// SAFETY: It is the same type.
unsafe impl<T> Passed<T> for T {}

// SAFETY: It is a pointer. It is for functions whose callers pass what is not null, and where
// nobody writes during the call.
unsafe impl<T> Passed<*const T> for &T {}

// SAFETY: As above, and `None` is null.
unsafe impl<T> Passed<*const T> for Option<&T> {}

// SAFETY: As above. It is for functions whose callers pass what nobody else uses during the call.
unsafe impl<T> Passed<*mut T> for Option<&mut T> {}

// SAFETY: `GivenDevice` is a transparent pointer that is not null, so `None` is null.
unsafe impl Passed<*mut bindings::device> for Option<GivenDevice<'_>> {}

/// Where a result goes.
///
/// It is null, or may be written during the call. What is there before need not be initialised.
/// Others may be given the same place.
#[repr(transparent)]
pub(crate) struct Output<'a, T>(Option<&'a Cell<MaybeUninit<T>>>);

// SAFETY: `Output` is a transparent `Option<&Cell<_>>`, so it is a pointer, and `None` is null.
unsafe impl<T> Passed<*mut T> for Output<'_, T> {}

impl<T> Output<'_, T> {
    /// Whether there is no place.
    pub(crate) fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// Writes the result, if there is a place for it.
    pub(crate) fn write(self, result: T) {
        if let Some(place) = self.0 {
            place.set(MaybeUninit::new(result));
        }
    }
}

/// What a function in a list of [`calls!`] is called with, in place of a type that C declares.
pub(crate) trait Given<Declared> {
    /// What C takes.
    fn given(self) -> Declared;
}

impl<T> Given<T> for T {
    #[inline(always)]
    fn given(self) -> T {
        self
    }
}

impl<T> Given<*const T> for &T {
    #[inline(always)]
    fn given(self) -> *const T {
        self
    }
}

impl<T> Given<*mut T> for &mut T {
    #[inline(always)]
    fn given(self) -> *mut T {
        self
    }
}

/// Makes a safe function of each function that is listed, with arguments that are [`Given`] in
/// place of those that `core.h` or a header of the C API declares.
///
/// The list is like a block of foreign functions. It is `unsafe`, as above it stands why each may
/// be called with any arguments of these types.
macro_rules! calls {
    (unsafe extern "C" {$(
        $(#[$doc:meta])*
        $vis:vis safe fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?;
    )*}) => {$(
        $(#[$doc])*
        #[inline(always)]
        $vis fn $name($($arg: $type),*) $(-> $result)? {
            // SAFETY: Who lists it says that it may be called with any arguments of these types.
            unsafe { $crate::sys::raw::$name($($crate::lib::argument::Given::given($arg)),*) }
        }
    )*};
}
pub(crate) use calls;

/// A type of functions that may be called as functions of the type `Declared`.
#[allow(dead_code)]
pub(crate) trait CalledAs<Declared> {}

macro_rules! called_by_arguments {
    ($($ours:ident $declared:ident),+) => {
        impl<Ours, Declared, $($ours, $declared),+>
            CalledAs<unsafe extern "C" fn($($declared),+) -> Declared>
            for unsafe extern "C" fn($($ours),+) -> Ours
        where
            Ours: Passed<Declared>,
            $($ours: Passed<$declared>),+
        {
        }
    };
}

called_by_arguments!(A1 D1);
called_by_arguments!(A1 D1, A2 D2);
called_by_arguments!(A1 D1, A2 D2, A3 D3);
called_by_arguments!(A1 D1, A2 D2, A3 D3, A4 D4);
called_by_arguments!(A1 D1, A2 D2, A3 D3, A4 D4, A5 D5);
called_by_arguments!(A1 D1, A2 D2, A3 D3, A4 D4, A5 D5, A6 D6);
called_by_arguments!(A1 D1, A2 D2, A3 D3, A4 D4, A5 D5, A6 D6, A7 D7);

/// Fails to compile if `ours` may not be called as `declared`.
#[allow(dead_code)]
pub(crate) const fn compare<Declared: Copy, Ours: CalledAs<Declared> + Copy>(
    _ours: Ours,
    _declared: Declared,
) {
}
