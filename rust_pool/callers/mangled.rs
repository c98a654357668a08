// SPDX-License-Identifier: GPL-2.0

//! Finds out which crate a function is from, by its mangled name.
//!
//! See "Symbol Mangling", version v0, in the Rust compiler's book.

/// The crates whose functions are compiled into the modules that use them.
const LIBRARIES: [&str; 5] = ["core", "alloc", "kernel", "pin_init", "rust_pool"];

/// Whether a symbol is a function of a library that was compiled into the module that uses it. A
/// generic function counts as one of the crate that has its source, whatever types it is
/// instantiated with.
pub(crate) fn is_of_library(symbol: &str) -> bool {
    crate_of(symbol).is_some_and(|name| LIBRARIES.contains(&name))
}

/// The crate that a function is from, if the symbol is a Rust name.
fn crate_of(symbol: &str) -> Option<&str> {
    let mut rest = symbol.strip_prefix("_R")?;
    loop {
        let (tag, behind) = (rest.chars().next()?, rest.get(1..)?);
        rest = match tag {
            // A generic function begins with its path; a default function of a trait begins with
            // the type that it is for.
            'I' | 'Y' => behind,
            // A nested path begins with the letter of its namespace.
            'N' => behind.get(1..)?,
            // An `impl` begins with its path.
            'M' | 'X' => disambiguated(behind),
            // The root of a crate.
            'C' => return identifier(disambiguated(behind)),
            // The type behind 'Y' may be a slice, a reference or a pointer.
            'S' | 'R' | 'Q' | 'P' | 'O' => behind,
            _ => return None,
        };
    }
}

/// The text behind an optional disambiguator: `s`, a number in base 62, `_`.
fn disambiguated(text: &str) -> &str {
    let behind = text.strip_prefix('s').and_then(|rest| {
        let (number, behind) = rest.split_once('_')?;
        let is_number = number.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_number.then_some(behind)
    });
    behind.unwrap_or(text)
}

/// The identifier at the start of a text: its length, then `_` if it begins with a digit or `_`,
/// then its characters.
fn identifier(text: &str) -> Option<&str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let length = text.get(..digits)?.parse::<usize>().ok()?;
    let name = text.get(digits..)?;
    name.strip_prefix('_').unwrap_or(name).get(..length)
}

#[kernel::macros::kunit_tests(rust_pool_mangled)]
mod tests {
    use super::*;

    #[test]
    fn crates() {
        for (symbol, name) in [
            ("_RNvCs1234_7mycrate3foo", Some("mycrate")),
            ("_RNvNtCs1a2B_6kernel5alloc3foo", Some("kernel")),
            (
                "_RNvXs_CsgYn3lKQ_3rs1NtB4_6DriverNtNtCs4_6kernel3pci6Driver5probe",
                Some("rs1"),
            ),
            (
                "_RNvMs2_NtCs8_9rust_pool7adapterNtB5_7Adapter3new",
                Some("rust_pool"),
            ),
            (
                "_RINvNtCs9_4core3ptr13drop_in_placeNtCs1_3rs15StateEB4_",
                Some("core"),
            ),
            ("_RNCNvCs5_3rs15probe0", Some("rs1")),
            (
                "_RNvYNtCs5_3rs16DriverNtCs4_6kernel6Module4init",
                Some("rs1"),
            ),
            ("_RNvC3rs13foo", Some("rs1")),
            ("leak_all", None),
            ("_RNv", None),
            ("_R", None),
            ("", None),
            ("_RNvCs_99kernel", None),
        ] {
            assert!(crate_of(symbol) == name);
        }
    }

    #[test]
    fn libraries() {
        assert!(is_of_library(
            "_RNvMs2_NtCs8_9rust_pool7adapterNtB5_7Adapter3new+0x10/0x20 [rs1]"
        ));
        assert!(!is_of_library(
            "_RNvCs1234_7mycrate3foo+0x10/0x20 [mycrate]"
        ));
        assert!(!is_of_library("kmalloc+0x10/0x20"));
    }
}
