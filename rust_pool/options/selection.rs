// SPDX-License-Identifier: GPL-2.0

//! Which requests an option selects: patterns of tags and of modules.

use crate::{
    callers::call_site::CallSite,
    lib::text::{
        kwrite,
        module_of,
        Symbol,
        Text, //
    },
    types::tag::Tag, //
};
use kernel::{
    fmt,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The most bytes of a module's name: `MODULE_NAME_LEN` without the NUL.
const NAME: usize = 55;

/// Whether an option names modules. Only then is the caller's module looked up.
static BY_MODULE: Atomic<u32> = Atomic::new(0);

/// Sets whether an option names modules.
pub(crate) fn set_by_module(by_module: bool) {
    BY_MODULE.store(by_module.into(), Relaxed);
}

/// Who made a request: the name of a module, `vmlinux` for the kernel, or unknown.
pub(crate) struct Who(Option<Text<NAME>>);

impl Who {
    /// It is not known who made the request.
    pub(crate) const UNKNOWN: Self = Self(None);

    /// The module that has the code at an address, if an option names modules. Any context but NMI,
    /// with or without a lock held.
    pub(crate) fn of(caller: usize) -> Self {
        if caller == 0 || BY_MODULE.load(Relaxed) == 0 {
            return Self::UNKNOWN;
        }
        Self::look(caller)
    }

    #[cold]
    #[inline(never)]
    fn look(caller: usize) -> Self {
        Symbol(caller).with(Self::of_symbol)
    }

    /// The module of a call site, whether or not it is still loaded.
    pub(crate) fn of_site(site: &CallSite) -> Self {
        site.with_name(|name| name.map_or(Self::UNKNOWN, Self::of_symbol))
    }

    /// A module by its name.
    pub(crate) fn named(name: &str) -> Self {
        Self(Text::exact(name))
    }

    /// The module of a symbol as `%pS` shows it. A symbol without a module is the kernel's; a bare
    /// address, which has no offset, is unknown.
    fn of_symbol(symbol: &str) -> Self {
        match module_of(symbol) {
            Some(name) => Self::named(name),
            None if symbol.contains('+') => Self::named("vmlinux"),
            None => Self::UNKNOWN,
        }
    }
}

/// Patterns, of which one has to match: `*` stands for any characters, `?` for one.
#[derive(PartialEq, Eq)]
pub(crate) enum Patterns {
    /// `*` is one of them. That also matches an unknown module, and memory without a tag.
    All,
    /// Other patterns, separated by commas.
    Some(KVec<u8>),
}

/// What is wrong with patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadPattern {
    /// One of them can match nothing.
    Word,
    /// Together they are too long.
    Long,
    /// There is no memory to keep them.
    NoMemory,
}

impl Patterns {
    /// The most bytes of all patterns of a line, so that the line is never cut when it is shown.
    const LONGEST: usize = 255;

    /// The patterns in a word. `fits_one` says whether a pattern is valid.
    fn new(word: &str, fits_one: impl Fn(&[u8]) -> bool) -> Result<Self, BadPattern> {
        let mut patterns = word.as_bytes().split(|&byte| byte == b',');
        if !patterns.all(fits_one) {
            return Err(BadPattern::Word);
        }
        if word.len() > Self::LONGEST {
            return Err(BadPattern::Long);
        }
        if word.split(',').any(|pattern| pattern == "*") {
            return Ok(Self::All);
        }
        let mut kept = KVec::new();
        kept.extend_from_slice(word.as_bytes(), GFP_KERNEL)
            .map_err(|_| BadPattern::NoMemory)?;
        Ok(Self::Some(kept))
    }

    /// Patterns of tags. A tag has at most four characters.
    pub(crate) fn of_tags(word: &str) -> Result<Self, BadPattern> {
        Self::new(word, |pattern| {
            let named = pattern.iter().filter(|&&byte| byte != b'*').count();
            (1..=8).contains(&pattern.len())
                && named <= 4
                && pattern.iter().all(u8::is_ascii_graphic)
        })
    }

    /// Patterns of modules. A `-` becomes `_`, as it does in the kernel's names of modules.
    pub(crate) fn of_modules(word: &str) -> Result<Self, BadPattern> {
        let mut patterns = Self::new(word, |pattern| {
            let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-*?".contains(byte);
            (1..=NAME).contains(&pattern.len()) && pattern.iter().all(letter)
        })?;
        if let Self::Some(names) = &mut patterns {
            for dash in names.iter_mut().filter(|byte| **byte == b'-') {
                *dash = b'_';
            }
        }
        Ok(patterns)
    }

    fn fit(&self, word: Option<&[u8]>) -> bool {
        match (self, word) {
            (Self::All, _) => true,
            (Self::Some(patterns), Some(word)) => patterns
                .split(|&byte| byte == b',')
                .any(|pattern| fits(pattern, word)),
            _ => false,
        }
    }

    /// Whether one of them matches a tag, without the blanks that pad it. Only `*` matches memory
    /// without a tag.
    pub(crate) fn fit_tag(&self, tag: Option<Tag>) -> bool {
        let bytes = tag.map(|tag| tag.as_raw().to_le_bytes());
        self.fit(bytes.as_ref().map(|bytes| bytes.trim_ascii_end()))
    }

    /// Whether one of them matches a module. Only `*` matches an unknown one.
    pub(crate) fn fit_module(&self, who: &Who) -> bool {
        self.fit(who.0.as_ref().map(Text::as_bytes))
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Some(patterns) => f.write_str(core::str::from_utf8(patterns).unwrap_or("?")),
        }
    }
}

/// Which requests an option selects: those whose tag and module match.
#[derive(PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) tags: Patterns,
    pub(crate) modules: Patterns,
}

impl Selection {
    /// Whether it selects a request.
    pub(crate) fn has(&self, tag: Option<Tag>, who: &Who) -> bool {
        self.tags.fit_tag(tag) && self.modules.fit_module(who)
    }

    /// Whether it selects some modules only.
    pub(crate) fn by_module(&self) -> bool {
        self.modules != Patterns::All
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "tag={}", self.tags)?;
        if self.by_module() {
            kwrite!(f, " module={}", self.modules)?;
        }
        Ok(())
    }
}

/// Whether a pattern matches a text. On a mismatch only the last `*` takes one character more, not
/// those before it: the time is bounded by the product of the lengths.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // The position behind the last `*` in the pattern, and the end of what it matches in the text.
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), text.get(seen)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                at += 1;
                star = Some((at, seen));
            }
            (Some(&one), Some(&first)) if one == b'?' || one == first => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((behind, end)) if end < text.len() => {
                    at = behind;
                    seen = end + 1;
                    star = Some((behind, seen));
                }
                _ => return false,
            },
        }
    }
}

#[kernel::macros::kunit_tests(rust_pool_selection)]
mod tests {
    use super::*;

    fn tag(tag: &str) -> Tag {
        let bytes = tag.bytes().rev();
        Tag::from_raw(bytes.fold(0, |raw, byte| raw << 8 | u32::from(byte)))
    }

    fn is(pattern: &str, name: &str) -> bool {
        Patterns::of_tags(pattern).is_ok_and(|it| it.fit_tag(Some(tag(name))))
    }

    fn of_module(pattern: &str, name: &str) -> bool {
        Patterns::of_modules(pattern).is_ok_and(|it| it.fit_module(&Who::named(name)))
    }

    fn of_symbol(pattern: &str, symbol: &str) -> bool {
        Patterns::of_modules(pattern).is_ok_and(|it| it.fit_module(&Who::of_symbol(symbol)))
    }

    #[test]
    fn wildcards() {
        assert!(is("Ring", "Ring"));
        assert!(!is("Ring", "Rind"));
        assert!(is("*", "Ring"));
        assert!(is("R*", "Ring"));
        assert!(is("*g", "Ring"));
        assert!(is("R*n*", "Ring"));
        assert!(!is("R*x", "Ring"));
        assert!(is("R??g", "Ring"));
        assert!(!is("R?", "Ring"));
        assert!(is("Ring*", "Ring"));
        assert!(is("*i*g", "iiig"));
        assert!(!is("*i*i", "Ring"));
    }

    #[test]
    fn one_of_several() {
        assert!(is("Ring,Na*", "Name"));
        assert!(is("Ring,Na*", "Ring"));
        assert!(!is("Ring,Na*", "Rind"));
        assert!(is("Ring,*", "Else"));
        assert!(Patterns::of_tags("A,*").is_ok_and(|it| it == Patterns::All));
        for bad in ["", ",", "A,", ",A", "A,,B", "A,123456789"] {
            assert!(Patterns::of_tags(bad).is_err_and(|bad| bad == BadPattern::Word));
        }
    }

    #[test]
    fn what_fits_no_tag() {
        for bad in ["Rings", "R?ngs", "*Rings*", "A\u{e9}", "A\x7f"] {
            assert!(Patterns::of_tags(bad).is_err_and(|bad| bad == BadPattern::Word));
        }
        assert!(is("**Ring**", "Ring"));
    }

    #[test]
    fn without_the_blanks_that_fill_it_up() {
        assert!(is("A", "A   "));
        assert!(!is("A?", "A   "));
        assert!(is("A?B", "A B "));
    }

    #[test]
    fn memory_without_a_tag() {
        assert!(Patterns::of_tags("*").is_ok_and(|all| all.fit_tag(None)));
        assert!(Patterns::of_tags("R*").is_ok_and(|some| !some.fit_tag(None)));
    }

    #[test]
    fn modules() {
        assert!(of_module("dma_demo", "dma_demo"));
        assert!(of_module("dma-demo", "dma_demo"));
        assert!(of_module("x,dma*", "dma_demo"));
        assert!(!of_module("dma", "dma_demo"));
        assert!(!of_module(
            "*a*a*a*a*a*a*a*a*a*a*b",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        ));
        assert!(Patterns::of_modules("*").is_ok_and(|all| all.fit_module(&Who::UNKNOWN)));
        assert!(Patterns::of_modules("?*").is_ok_and(|some| !some.fit_module(&Who::UNKNOWN)));
        for bad in ["", "dma.ko", "./dma", "a b", "[dma]"] {
            assert!(Patterns::of_modules(bad).is_err());
        }
        let name = core::str::from_utf8(&[b'a'; NAME + 1]).unwrap_or("");
        assert!(Patterns::of_modules(name).is_err());
    }

    #[test]
    fn whose_a_symbol_is() {
        assert!(of_symbol("dma_demo", "probe+0x1/0x20 [dma_demo]"));
        assert!(of_symbol("b", "_R[a] [x]+0x1/0x2 [b]"));
        assert!(of_symbol("vmlinux", "mempool_alloc+0x1/0x20"));
        assert!(!of_symbol("?*", "0xffffffffc0000000"));
        assert!(!of_symbol("?*", "unknown"));
    }
}
