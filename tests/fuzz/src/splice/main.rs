//! The state machine of TLS passthrough on plain collections: any packets of clients and backends in
//! any order, while time passes and tables fill up. What leaves is read by other code than made it.

#![no_main]

mod judge;
mod script;

// What the tests of the state machine use, which call it by the names of its crate.
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, which use the rest"
)]
#[path = "../../../../gateway-common/src/splice/tests/control.rs"]
mod control;
#[allow(dead_code, clippy::unwrap_used, reason = "tests, which use the rest")]
#[path = "../../../../gateway-common/src/splice/tests/hello.rs"]
mod hello;
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, which use the rest"
)]
#[path = "../../../../gateway-common/src/splice/tests/wire.rs"]
mod wire;
#[allow(dead_code, clippy::unwrap_used, reason = "tests, which use the rest")]
#[path = "../../../../gateway-common/src/splice/tests/world.rs"]
mod world;

use gateway_common::{abi, client_hello, splice};
use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};

use self::script::Script;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = Unstructured::new(bytes);
    let Ok(mut script) = Script::new(&mut rest) else {
        return;
    };
    // Until the bytes are used up.
    while !rest.is_empty() && script.step(&mut rest).is_ok() {}
    script.judged.end();
});
