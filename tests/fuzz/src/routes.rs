//! The routing table: what takes a request is what the specification's order of precedence says.
//! Shares its cases and its reference with a test of the core.

#![no_main]

#[path = "../../../gateway-user/core/tests/routing/case.rs"]
mod case;
#[path = "../../../gateway-user/core/tests/routing/check.rs"]
mod check;
#[path = "../../../gateway-user/core/tests/routing/reference.rs"]
mod reference;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check::check(bytes);
});
