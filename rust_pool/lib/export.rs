// SPDX-License-Identifier: GPL-2.0

//! Rust functions that C or other modules call.

/// Exports a `#[no_mangle]` function to GPL-compatible modules, as `EXPORT_SYMBOL_GPL` does in C.
///
/// The kernel's own `#[export]` needs a declaration in its own bindings. This is what modpost looks
/// for: see `include/linux/export.h`.
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

/// Fails to compile if a `#[no_mangle]` function is not what `core.h` declares.
macro_rules! matches_header {
    ($name:ident) => {
        const _: () = {
            // Both arms must be functions of one type.
            if true {
                $crate::sys::raw::$name
            } else {
                $name
            };
        };
    };
}
pub(crate) use matches_header;
