//! Hellos of a real client, with a post-quantum key share, in any number of pieces.

use gateway_common::client_hello::{Stop, server_name};

use super::{Offer, USUAL};

fn read(bytes: &[u8]) -> Result<Option<String>, Stop> {
    Ok(server_name(bytes)?.map(|name| name.as_str().to_owned()))
}

#[test]
fn whole_hellos_have_their_name_and_parts_of_them_are_waited_for() {
    for (name, expected) in [
        ("abc.example.com", Some("abc.example.com")),
        ("ABC.Example.com", Some("abc.example.com")),
        ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
        ("192.0.2.1", None),
        ("2001:db8::1", None),
    ] {
        for fragment in [None, Some(100), Some(32)] {
            let bytes = Offer { fragment, ..USUAL }.hello(name);
            // More than one segment of an Ethernet link.
            assert!(bytes.len() > 1460, "{}", bytes.len());
            for end in 0..bytes.len() {
                let found = read(&bytes[..end]);
                let waits =
                    matches!(found, Err(Stop::Incomplete(more)) if end + more <= bytes.len());
                assert!(waits, "{name} {fragment:?} {end}: {found:?}");
            }
            let found = read(&bytes);
            assert_eq!(
                found,
                Ok(expected.map(str::to_owned)),
                "{name} {fragment:?}"
            );
        }
    }
}
