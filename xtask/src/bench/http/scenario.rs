//! What clients do.

use std::fmt;

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// HTTP/1.1, small answers on kept connections
    Small,
    /// HTTP/1.1, answers of 64 KiB
    Large,
    /// TLS 1.3, small answers on kept connections
    Tls,
    /// TLS 1.3, a new connection for each request
    Handshakes,
    /// HTTP/2 over TLS, 100 requests at once on each connection
    Http2,
}

impl Scenario {
    pub(super) const fn tls(self) -> bool {
        matches!(self, Self::Tls | Self::Handshakes | Self::Http2)
    }

    pub(super) const fn port(self) -> u16 {
        if self.tls() { 443 } else { 80 }
    }

    /// Bytes of each answer.
    pub(super) const fn bytes(self) -> u32 {
        match self {
            Self::Large => 64 << 10,
            Self::Small | Self::Tls | Self::Handshakes | Self::Http2 => 11,
        }
    }

    pub(super) const fn connections(self) -> u32 {
        match self {
            Self::Small | Self::Large | Self::Tls | Self::Handshakes => 64,
            Self::Http2 => 4,
        }
    }

    /// Requests a second of the fixed rate: less than the slowest proxy can.
    pub(super) const fn rate(self) -> u32 {
        match self {
            Self::Small | Self::Tls | Self::Http2 => 5_000,
            Self::Large => 2_000,
            Self::Handshakes => 400,
        }
    }

    /// What makes `peer http-load` do this.
    pub(super) const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Small | Self::Large | Self::Tls => &[],
            Self::Handshakes => &["--fresh"],
            Self::Http2 => &["--http2", "--streams", "100"],
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connections, bytes) = (self.connections(), self.bytes());
        match self {
            Self::Small => write!(
                f,
                "HTTP/1.1, {connections} kept connections, answers of {bytes} bytes"
            ),
            Self::Large => write!(
                f,
                "HTTP/1.1, {connections} kept connections, answers of 64 KiB"
            ),
            Self::Tls => write!(
                f,
                "TLS 1.3, HTTP/1.1, {connections} kept connections, answers of {bytes} bytes"
            ),
            Self::Handshakes => write!(
                f,
                "TLS 1.3, a new connection for each request, {connections} at once"
            ),
            Self::Http2 => write!(
                f,
                "TLS 1.3, HTTP/2, {connections} connections of 100 requests at once"
            ),
        }
    }
}
