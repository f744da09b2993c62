//! The parser of ClientHellos: bytes that come later change nothing that was decided, and where
//! rustls finds a name, it is the same.

#![no_main]

use gateway_common::client_hello::{Stop, server_name};
use libfuzzer_sys::fuzz_target;
use rustls::server::Acceptor;

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let whole = server_name(bytes);
    let first = server_name(&bytes[..bytes.len().min(cut.into())]);
    match first {
        Err(Stop::Incomplete(more)) => assert_ne!(more, 0),
        decided => assert_eq!(decided, whole),
    }
    if let Some(expected) = reference(bytes) {
        let found = whole.map(|name| name.map(|name| name.as_str().to_owned()));
        assert_eq!(found, Ok(expected));
    }
});

/// The name as rustls reads it; `None` where it reads no hello.
fn reference(mut bytes: &[u8]) -> Option<Option<String>> {
    let mut acceptor = Acceptor::default();
    while !bytes.is_empty() {
        acceptor.read_tls(&mut bytes).ok()?;
        if let Some(accepted) = acceptor.accept().ok()? {
            let name = accepted
                .client_hello()
                .server_name()
                .map(str::to_ascii_lowercase);
            return Some(name);
        }
    }
    None
}
