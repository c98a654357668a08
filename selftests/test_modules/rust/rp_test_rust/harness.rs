// SPDX-License-Identifier: GPL-2.0

//! The C harness (`rpt.h`), for tests in Rust. All of its unsafe is here.

use kernel::{
    error::to_result,
    ffi::{
        c_char,
        c_int,
        c_uint,
        c_ulong,
        c_void, //
    },
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// `struct rpt`, a running case.
#[repr(C)]
pub(crate) struct Raw {
    _opaque: [u8; 0],
}

/// `struct rpt_case`.
#[repr(C)]
pub(crate) struct Case {
    name: *const c_char,
    run: unsafe extern "C" fn(*mut Raw),
    args: *const c_void,
}

impl Case {
    pub(crate) const fn new(name: &'static CStr, run: unsafe extern "C" fn(*mut Raw)) -> Self {
        Self {
            name: name.to_bytes_with_nul().as_ptr(),
            run,
            args: core::ptr::null(),
        }
    }
}

/// `struct rpt_suite`.
#[repr(C)]
pub(crate) struct Suite {
    name: *const c_char,
    cases: *const Case,
    count: c_uint,
}

impl Suite {
    pub(crate) const fn new(name: &'static CStr, cases: &'static [Case]) -> Self {
        Self {
            name: name.to_bytes_with_nul().as_ptr(),
            cases: cases.as_ptr(),
            // CAST: There are not that many cases.
            count: cases.len() as c_uint,
        }
    }
}

// SAFETY: What the pointers lead to is never written.
unsafe impl Sync for Case {}
// SAFETY: As above.
unsafe impl Sync for Suite {}

/// `struct rpt_row`: a row of the statistics.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) found: bool,
    pub(crate) allocs: i64,
    pub(crate) frees: i64,
    pub(crate) diff: i64,
    pub(crate) bytes: i64,
    pub(crate) used: i64,
    pub(crate) per_alloc: i64,
    pub(crate) peak: i64,
    pub(crate) failures: i64,
}

/// `struct rpt_sweep`.
#[repr(C)]
struct Sweep {
    call: unsafe extern "C" fn(*mut c_void) -> bool,
    undo: unsafe extern "C" fn(*mut c_void),
    arg: *mut c_void,
    step: c_uint,
    counts: [c_uint; 4],
}

/// `enum rpt_context`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Context {
    Spinlock = 3,
    RcuReadSide = 4,
    Softirq = 5,
    SpinlockIrq = 7,
    HardInterrupt = 8,
}

pub(crate) const ATOMIC: [Context; 5] = [
    Context::Spinlock,
    Context::RcuReadSide,
    Context::Softirq,
    Context::SpinlockIrq,
    Context::HardInterrupt,
];

/// `enum rpt_cache`.
#[derive(Clone, Copy, PartialEq)]
#[repr(u32)]
pub(crate) enum Cache {
    Unmapped = 0,
    Wb = 1,
    Wc = 2,
    Uc = 3,
}

pub(crate) const BAD_POOL_CALLER: u32 = 0xc2;
pub(crate) const DRIVER_VERIFIER: u32 = 0xc4;
pub(crate) const SYSTEM_PTE_MISUSE: u32 = 0xda;
pub(crate) const DMA_VERIFIER: u32 = 0xe6;

// Found when the module is loaded; the first argument is that of the case.
extern "C" {
    fn rpt_register(suites: *const *const Suite, count: c_uint, key: *mut *mut c_void) -> c_int;
    fn rpt_unregister(key: *mut c_void);
    fn rpt_expect(
        t: *mut Raw,
        ok: bool,
        what: *const c_char,
        file: *const c_char,
        line: c_int,
    ) -> bool;
    fn rpt_expect_eq(
        t: *mut Raw,
        is: u64,
        want: u64,
        what: *const c_char,
        file: *const c_char,
        line: c_int,
    ) -> bool;
    fn rpt_tag(t: *mut Raw, shown: *const c_char, paged: bool, row: *mut Row);
    fn rpt_family(t: *mut Raw, file: *const c_char, row: *mut Row);
    fn rpt_violation(
        t: *mut Raw,
        code: u32,
        p1: u64,
        file: *const c_char,
        line: c_int,
    ) -> *const c_void;
    fn rpt_in_context(context: c_uint, call: unsafe extern "C" fn(*mut c_void), arg: *mut c_void);
    fn rpt_sweep(t: *mut Raw, sweep: *mut Sweep);
    fn rpt_cache(address: *const c_void) -> c_uint;
    fn rpt_phys(address: *const c_void) -> u64;
    fn rpt_settle(t: *mut Raw);
    fn rpt_has_line(t: *mut Raw, file: *const c_char, words: *const c_char) -> bool;
    fn rpt_skip(t: *mut Raw, format: *const c_char, ...);
    fn rpt_user_map(bytes: usize) -> *mut c_void;
    fn rpt_user_unmap(address: *mut c_void, bytes: usize);
    fn vm_mmap(
        file: *mut c_void,
        addr: c_ulong,
        len: c_ulong,
        prot: c_ulong,
        flag: c_ulong,
        offset: c_ulong,
    ) -> c_ulong;
}

/// A running case.
pub(crate) struct Test(*mut Raw);

impl Test {
    /// # Safety
    ///
    /// `raw` is what the harness gave to a case, and the case is still running.
    pub(crate) unsafe fn from_raw(raw: *mut Raw) -> Self {
        Self(raw)
    }

    pub(crate) fn as_raw(&self) -> *mut Raw {
        self.0
    }

    pub(crate) fn expect(&self, ok: bool, what: &CStr, line: u32) -> bool {
        // SAFETY: The case is running, the strings end with a NUL.
        unsafe {
            rpt_expect(
                self.0,
                ok,
                what.as_char_ptr(),
                c"rp_test_rust".as_char_ptr(),
                line as c_int,
            )
        }
    }

    pub(crate) fn expect_eq(&self, is: i64, want: i64, what: &CStr, line: u32) -> bool {
        // SAFETY: The case is running, the strings end with a NUL.
        // CAST: Shown as signed numbers again.
        unsafe {
            rpt_expect_eq(
                self.0,
                is as u64,
                want as u64,
                what.as_char_ptr(),
                c"rp_test_rust".as_char_ptr(),
                line as c_int,
            )
        }
    }

    /// Exactly one violation since the last.
    pub(crate) fn expect_violation(&self, code: u32, p1: u64, line: u32) -> bool {
        // SAFETY: The case is running, the string ends with a NUL.
        !unsafe {
            rpt_violation(
                self.0,
                code,
                p1,
                c"rp_test_rust".as_char_ptr(),
                line as c_int,
            )
        }
        .is_null()
    }

    fn tag(&self, shown: &CStr, paged: bool) -> Row {
        let mut row = Row::default();
        // SAFETY: The case is running, the row is ours.
        unsafe { rpt_tag(self.0, shown.as_char_ptr(), paged, &mut row) };
        row
    }

    pub(crate) fn nonpaged(&self, shown: &CStr) -> Row {
        self.tag(shown, false)
    }

    pub(crate) fn paged(&self, shown: &CStr) -> Row {
        self.tag(shown, true)
    }

    pub(crate) fn family(&self, file: &CStr) -> Row {
        let mut row = Row::default();
        // SAFETY: The case is running, the row is ours.
        unsafe { rpt_family(self.0, file.as_char_ptr(), &mut row) };
        row
    }

    /// Whether a file of the statistics has a line with these words.
    pub(crate) fn has_line(&self, file: &CStr, words: &CStr) -> bool {
        // SAFETY: The case is running, the strings end with a NUL.
        unsafe { rpt_has_line(self.0, file.as_char_ptr(), words.as_char_ptr()) }
    }

    /// Skips the case, which has to end then.
    pub(crate) fn skip(&self, why: &CStr) {
        // SAFETY: The case is running. The string ends with a NUL and is shown as it is.
        unsafe { rpt_skip(self.0, c"%s".as_char_ptr(), why.as_char_ptr()) };
    }

    pub(crate) fn settle(&self) {
        // SAFETY: The case is running.
        unsafe { rpt_settle(self.0) };
    }

    /// Runs `f` in the context, and returns after it.
    pub(crate) fn in_context<F: FnMut()>(&self, context: Context, mut f: F) {
        /// # Safety
        ///
        /// `arg` is an `F` that nobody else uses meanwhile.
        unsafe extern "C" fn call<F: FnMut()>(arg: *mut c_void) {
            // SAFETY: By the safety requirements.
            unsafe { (*arg.cast::<F>())() }
        }
        // SAFETY: `call` is right for `f`, which outlives the call.
        unsafe { rpt_in_context(context as c_uint, call::<F>, (&raw mut f).cast()) };
    }

    /// Calls with each allocation of the call failed, one after the other, until none is left.
    pub(crate) fn sweep<T, F: FnMut() -> Option<T>>(&self, f: F) {
        /// # Safety
        ///
        /// `arg` is the call and its result, which nobody else uses meanwhile.
        unsafe extern "C" fn call<T, F: FnMut() -> Option<T>>(arg: *mut c_void) -> bool {
            // SAFETY: By the safety requirements.
            let (f, got) = unsafe { &mut *arg.cast::<(F, Option<T>)>() };
            *got = f();
            got.is_some()
        }
        /// # Safety
        ///
        /// As for `call`.
        unsafe extern "C" fn undo<T, F>(arg: *mut c_void) {
            // SAFETY: By the safety requirements.
            let (_, got) = unsafe { &mut *arg.cast::<(F, Option<T>)>() };
            *got = None;
        }
        let mut state: (F, Option<T>) = (f, None);
        let mut sweep = Sweep {
            call: call::<T, F>,
            undo: undo::<T, F>,
            arg: (&raw mut state).cast(),
            step: 0,
            counts: [0; 4],
        };
        // SAFETY: The case is running. Both functions are right for the state, which outlives this.
        unsafe { rpt_sweep(self.0, &mut sweep) };
    }

    /// What the page table says of an address.
    pub(crate) fn cached_as(&self, address: *const u8, cache: Cache) -> bool {
        // SAFETY: Any address can be looked up.
        unsafe { rpt_cache(address.cast()) == cache as c_uint }
    }

    /// The physical address of mapped memory.
    pub(crate) fn phys(&self, address: *const u8) -> u64 {
        // SAFETY: Callers pass what they own.
        unsafe { rpt_phys(address.cast()) }
    }
}

/// What can be compared and shown as a number.
pub(crate) trait Number {
    fn number(self) -> i64;
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            #[allow(clippy::cast_lossless, reason = "some of the types are wider")]
            fn number(self) -> i64 {
                // CAST: Equal numbers stay equal, which is all that is asked.
                self as i64
            }
        }
    )*};
}

numbers!(i32, i64, u8, u16, u32, u64, usize);

/// Both give whether it held.
macro_rules! check {
    ($t:expr, $cond:expr) => {
        $t.expect(
            $cond,
            kernel::str::CStr::from_bytes_with_nul(concat!(stringify!($cond), "\0").as_bytes())
                .unwrap_or(c"?"),
            line!(),
        )
    };
}
pub(crate) use check;

macro_rules! check_eq {
    ($t:expr, $is:expr, $want:expr) => {
        $t.expect_eq(
            $crate::harness::Number::number($is),
            $crate::harness::Number::number($want),
            kernel::str::CStr::from_bytes_with_nul(concat!(stringify!($is), "\0").as_bytes())
                .unwrap_or(c"?"),
            line!(),
        )
    };
}
pub(crate) use check_eq;

macro_rules! check_violation {
    ($t:expr, $code:expr, $p1:expr) => {
        $t.expect_violation($code, $p1, line!())
    };
}
pub(crate) use check_violation;

/// Unwraps, or fails the case and leaves it.
macro_rules! must {
    ($t:expr, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(_) => {
                $t.expect(false, c"must succeed", line!());
                return;
            }
        }
    };
}
pub(crate) use must;

/// Declares `CASES`: each function `fn(&Test)` as a case of its own name.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(crate) static CASES: &[$crate::harness::Case] = &[$({
            /// # Safety
            ///
            /// The harness runs it.
            unsafe extern "C" fn run(raw: *mut $crate::harness::Raw) {
                // SAFETY: The harness runs the case.
                $case(&unsafe { $crate::harness::Test::from_raw(raw) });
            }
            // PANIC: Not at run time: an identifier holds no NUL.
            $crate::harness::Case::new(
                match kernel::str::CStr::from_bytes_with_nul(
                    concat!(stringify!($case), "\0").as_bytes(),
                ) {
                    Ok(name) => name,
                    Err(_) => panic!(),
                },
                run,
            )
        }),*];
    };
}
pub(crate) use cases;

/// Suites on offer, until dropped.
pub(crate) struct Registration(*mut c_void);

impl Registration {
    pub(crate) fn new(suites: &'static [&'static Suite]) -> Result<Self> {
        let mut key = core::ptr::null_mut();
        // SAFETY: The suites live as long as the module, and a reference is a pointer.
        // CAST: There are not that many suites.
        to_result(unsafe {
            rpt_register(suites.as_ptr().cast(), suites.len() as c_uint, &mut key)
        })?;
        Ok(Self(key))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: The key of `new`, once.
        unsafe { rpt_unregister(self.0) };
    }
}

// SAFETY: The harness takes the key from any thread.
unsafe impl Send for Registration {}
// SAFETY: Nothing can be done through a reference.
unsafe impl Sync for Registration {}

/// Memory of this process. It is unmapped on drop.
pub(crate) struct UserMemory {
    at: *mut c_void,
    bytes: usize,
}

impl UserMemory {
    pub(crate) fn new(bytes: usize) -> Result<Self> {
        // SAFETY: It makes a mapping where there is none.
        let at = unsafe { rpt_user_map(bytes) };
        if at.is_null() {
            return Err(ENOMEM);
        }
        Ok(Self { at, bytes })
    }

    /// Memory that the process may only read.
    pub(crate) fn read_only(bytes: usize) -> Result<Self> {
        // PROT_READ, and MAP_PRIVATE | MAP_ANONYMOUS.
        // SAFETY: As above.
        let at = unsafe { vm_mmap(core::ptr::null_mut(), 0, bytes, 1, 0x22, 0) };
        // An error is a small negative number.
        if at > usize::MAX - 4096 {
            return Err(ENOMEM);
        }
        Ok(Self {
            at: at as *mut c_void,
            bytes,
        })
    }

    /// An address in it.
    pub(crate) fn at(&self, offset: usize) -> UserPtr {
        UserPtr::from_ptr(self.at.wrapping_byte_add(offset))
    }

    /// What the process has there.
    pub(crate) fn get(&self, offset: usize) -> Option<u8> {
        UserSlice::new(self.at(offset), 1).reader().read().ok()
    }

    /// The process writes there.
    pub(crate) fn put(&self, offset: usize, value: u8) -> bool {
        let mut slice = UserSlice::new(self.at(offset), 1).writer();
        slice.write(&value).is_ok()
    }

    /// The process unmaps all from there on.
    pub(crate) fn shorten(&mut self, bytes: usize) {
        // SAFETY: This is not mapped by anybody else.
        unsafe { rpt_user_unmap(self.at.wrapping_byte_add(bytes), self.bytes - bytes) };
        self.bytes = bytes;
    }
}

impl Drop for UserMemory {
    fn drop(&mut self) {
        if self.bytes != 0 {
            self.shorten(0);
        }
    }
}
