// SPDX-License-Identifier: GPL-2.0

//! Pool in hard interrupts, with the verifier's option "irql" set, which whoever runs these cases
//! has done.

use crate::harness::{
    cases,
    check,
    check_violation,
    must,
    Context,
    Test,
    DRIVER_VERIFIER, //
};
use kernel::prelude::*;
use rust_pool::{
    pool_tag,
    PoolBox,
    PoolVec, //
};

pool_tag!(pub(crate) RsIq = "RsIq");

cases![boxes, a_vector_grows, silent_elsewhere];

fn boxes(t: &Test) {
    let mut made = None;
    t.in_context(Context::HardInterrupt, || {
        made = PoolBox::<_, RsIq>::new([9u8; 200], GFP_ATOMIC).ok();
    });
    check_violation!(t, DRIVER_VERIFIER, 0x02);
    check!(t, made.as_ref().is_some_and(|b| b.iter().all(|&x| x == 9)));
    t.in_context(Context::HardInterrupt, || drop(made.take()));
    check_violation!(t, DRIVER_VERIFIER, 0x12);
}

/// That is an allocation, and no free.
fn a_vector_grows(t: &Test) {
    let mut numbers = PoolVec::<u64, RsIq>::new();
    must!(t, numbers.push(1, GFP_KERNEL));
    let capacity = numbers.capacity();
    let mut grown = false;
    t.in_context(Context::HardInterrupt, || {
        grown = numbers.reserve(capacity * 9, GFP_ATOMIC).is_ok();
    });
    check!(t, grown);
    check_violation!(t, DRIVER_VERIFIER, 0x02);
    drop(numbers);
}

fn silent_elsewhere(t: &Test) {
    for context in [Context::Spinlock, Context::Softirq, Context::SpinlockIrq] {
        let mut made = None;
        t.in_context(context, || {
            made = PoolBox::<_, RsIq>::new([9u8; 200], GFP_ATOMIC).ok();
        });
        check!(t, made.is_some());
        t.in_context(context, || drop(made.take()));
    }
}
