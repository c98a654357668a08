// SPDX-License-Identifier: GPL-2.0

//! Macros for Rust functions that C code or other modules call.

/// Exports a `#[no_mangle]` function to GPL-compatible modules, as `EXPORT_SYMBOL_GPL` does in C.
///
/// The kernel's own `#[export]` needs a declaration in the kernel's bindings. This writes the entry
/// that modpost looks for: see `include/linux/export.h`.
macro_rules! export_symbol_gpl {
    ($name:ident) => {
        ::core::arch::global_asm!(
            ".pushsection .export_symbol, \"a\"",
            concat!("__export_symbol_", stringify!($name), ":"),
            ".asciz \"GPL\"",
            ".asciz \"\"",
            ".balign 8",
            concat!(".quad ", stringify!($name)),
            ".popsection",
        );
    };
}
pub(crate) use export_symbol_gpl;

/// Fails to compile if a `#[no_mangle]` function has another type than `core.h` declares. The second
/// form, with an underscore for each argument, is for functions whose arguments are [`Passed`].
macro_rules! matches_header {
    ($name:ident) => {
        const _: () = {
            // Both arms must have one type.
            if true {
                $crate::sys::raw::$name
            } else {
                $name
            };
        };
    };
    ($name:ident($($argument:tt),+)) => {
        const _: () = $crate::lib::export::compare(
            $name as unsafe extern "C" fn($($argument),+) -> _,
            $crate::sys::raw::$name as unsafe extern "C" fn($($argument),+) -> _,
        );
    };
}
pub(crate) use matches_header;

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

/// Fails to compile if `ours` may not be called as `declared`.
#[allow(dead_code)]
pub(crate) const fn compare<Declared: Copy, Ours: CalledAs<Declared> + Copy>(
    _ours: Ours,
    _declared: Declared,
) {
}
