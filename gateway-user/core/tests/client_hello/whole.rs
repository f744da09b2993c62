//! Hellos of a real client, with a post-quantum key share, in any number of pieces.

use std::sync::Arc;

use gateway_common::client_hello::{Stop, server_name};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName,
};

/// What a client sends first; `fragment` bounds its records.
fn hello(name: &'static str, fragment: Option<usize>) -> Vec<u8> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("TLS");
    let config = config.with_root_certificates(RootCertStore::empty());
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.max_fragment_size = fragment;
    let name = ServerName::try_from(name).expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).expect("bytes");
    }
    bytes
}

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
            let bytes = hello(name, fragment);
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
