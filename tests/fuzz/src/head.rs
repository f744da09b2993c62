//! Checks of a request's head: a host that passes is one that can be looked up as it is.

#![no_main]

use gateway_core::http::head;
use http::{Request, Version, header::HOST};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &[u8], &str)| {
    let (new, host, target) = input;
    let request = Request::get(target)
        .version(if new {
            Version::HTTP_2
        } else {
            Version::HTTP_11
        })
        .header(HOST, host);
    // What the parser already refuses is not asked about.
    let Ok(request) = request.body(()) else {
        return;
    };
    let (parts, ()) = request.into_parts();
    if let Ok(host) = head::check(&parts) {
        let strange = |c: char| c.is_control() || c.is_uppercase() || " /?#@\\,".contains(c);
        assert!(!host.contains(strange), "{host:?}");
        assert!(!host.ends_with('.'), "{host:?}");
    }
});
