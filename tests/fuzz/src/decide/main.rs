//! The data path on plain collections: any frames in any order at any hook, while time passes and
//! backends come and go. What each frame may become is judged apart from the code that decides it.

#![no_main]

mod judge;
mod script;

// The host's side of the packet table, which also runs against the kernel's.
#[allow(dead_code, reason = "the packet table uses the rest")]
#[path = "../../../packets/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "the packet table uses the rest")]
#[path = "../../../packets/frames.rs"]
mod frames;
#[allow(dead_code, reason = "the packet table uses the rest")]
#[path = "../../../packets/host.rs"]
mod host;
#[allow(dead_code, reason = "the packet table uses the rest")]
#[path = "../../../packets/path.rs"]
mod path;
#[path = "../../../packets/sums.rs"]
mod sums;
#[allow(dead_code, reason = "the packet table uses the rest")]
#[path = "../../../packets/wire.rs"]
mod wire;

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};

use self::script::Script;

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(Unstructured::new(bytes));
    // Until the bytes are used up.
    while script.step().is_ok() {}
});
