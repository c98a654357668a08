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

/// Fails to compile if a `#[no_mangle]` function has another type than `core.h` declares. The
/// second form, with an underscore for each argument, is for functions that anybody may call. The
/// third is for those whose arguments are [`Passed`](crate::lib::argument::Passed).
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
    (safe $name:ident($($argument:tt),*)) => {
        const _: () = {
            // Both arms must have one type. What C declares is unsafe in Rust.
            if true {
                $crate::sys::raw::$name as unsafe extern "C" fn($($argument),*) -> _
            } else {
                $name as unsafe extern "C" fn($($argument),*) -> _
            };
        };
    };
    ($name:ident($($argument:tt),+)) => {
        const _: () = $crate::lib::argument::compare(
            $name as unsafe extern "C" fn($($argument),+) -> _,
            $crate::sys::raw::$name as unsafe extern "C" fn($($argument),+) -> _,
        );
    };
}
pub(crate) use matches_header;
