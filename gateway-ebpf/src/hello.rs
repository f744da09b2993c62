//! A hello is read in a loop that the verifier follows once.

use core::ffi::{c_long, c_void};

use aya_ebpf::helpers::bpf_loop;
use gateway_common::{
    client_hello::{STEPS, Stop},
    splice::Hello,
};

/// What the turns of the loop share.
#[repr(C)]
struct Turns {
    hello: *mut Hello,
    /// How it ended; [`GOES_ON`]: it did not.
    end: u64,
}

const GOES_ON: u64 = 0;
const DONE: u64 = 1;
const INCOMPLETE: u64 = 2;
const NOT_TLS: u64 = 3;
const MALFORMED: u64 = 4;
const TOO_LONG: u64 = 5;

/// See `Splices::look`.
#[inline(never)]
pub(crate) fn look(hello: &mut Hello) -> Result<(), Stop> {
    let mut turns = Turns {
        hello,
        end: GOES_ON,
    };
    let (turn, shared) = (turn as *mut c_void, (&raw mut turns).cast());
    // SAFETY: a function of the form that the helper takes, and what that expects.
    unsafe { bpf_loop(STEPS, turn, shared, 0) };
    match turns.end {
        DONE => Ok(()),
        INCOMPLETE => Err(Stop::Incomplete(1)),
        NOT_TLS => Err(Stop::NotTls),
        MALFORMED => Err(Stop::Malformed),
        _ => Err(Stop::TooLong),
    }
}

/// One step; other than 0: the last.
extern "C" fn turn(_index: u64, turns: *mut Turns) -> c_long {
    // SAFETY: what `look` gave the helper.
    let turns = unsafe { &mut *turns };
    // SAFETY: as above.
    let hello = unsafe { &mut *turns.hello };
    turns.end = match hello.scan.step(&hello.bytes, hello.filled) {
        Ok(false) => return 0,
        Ok(true) => DONE,
        Err(Stop::Incomplete(_)) => INCOMPLETE,
        Err(Stop::NotTls) => NOT_TLS,
        Err(Stop::Malformed) => MALFORMED,
        Err(Stop::TooLong) => TOO_LONG,
    };
    1
}
