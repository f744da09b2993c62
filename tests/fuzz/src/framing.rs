//! The watcher of HTTP/1 framing: where the reads of a connection are cut does not matter.

#![no_main]

use gateway_core::http::framing::Framing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (cuts, bytes) = input;
    let mut whole = Framing::default();
    whole.feed(&bytes);

    let mut pieces = Framing::default();
    let mut rest = &bytes[..];
    for cut in cuts {
        let (piece, behind) = rest.split_at(rest.len().min(cut.into()));
        pieces.feed(piece);
        rest = behind;
    }
    pieces.feed(rest);
    assert_eq!(pieces.ambiguous(), whole.ambiguous());
});
