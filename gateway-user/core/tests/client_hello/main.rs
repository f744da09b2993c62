//! Hellos of real clients: their server names, read at once and in steps.

mod steps;
mod whole;

use std::sync::Arc;

use rustls::{
    ClientConfig, ClientConnection, DEFAULT_VERSIONS, NamedGroup, RootCertStore,
    SupportedProtocolVersion, crypto::aws_lc_rs, pki_types::ServerName,
};

/// What a client offers.
#[derive(Clone, Copy)]
struct Offer<'a> {
    versions: &'a [&'static SupportedProtocolVersion],
    /// No post-quantum key share.
    is_small: bool,
    /// Number of application protocols.
    protocols: usize,
    /// Bounds its records.
    fragment: Option<usize>,
    sends_name: bool,
}

const USUAL: Offer<'static> = Offer {
    versions: DEFAULT_VERSIONS,
    is_small: false,
    protocols: 2,
    fragment: None,
    sends_name: true,
};

impl Offer<'_> {
    /// What such a client sends first.
    fn hello(&self, name: &'static str) -> Vec<u8> {
        let mut provider = aws_lc_rs::default_provider();
        if self.is_small {
            let is_small = |group: NamedGroup| group == NamedGroup::X25519;
            provider.kx_groups.retain(|group| is_small(group.name()));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(provider));
        let config = config.with_protocol_versions(self.versions).expect("TLS");
        let config = config.with_root_certificates(RootCertStore::empty());
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec(); self.protocols];
        config.max_fragment_size = self.fragment;
        config.enable_sni = self.sends_name;
        let name = ServerName::try_from(name).expect("a name");
        let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("bytes");
        }
        bytes
    }
}
