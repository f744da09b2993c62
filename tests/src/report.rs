//! What the clients of the bed report: one JSON object on standard output.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// What an HTTP server of the bed saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub version: String,
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Lower-case names; the last value of each.
    pub headers: BTreeMap<String, String>,
    /// Who connected: the proxy.
    pub peer: SocketAddr,
    /// Bytes of the request's body.
    pub body: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HttpReport {
    pub sent: u64,
    /// Requests without a whole answer.
    pub failed: u64,
    /// Connections opened.
    pub connections: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers by the version of the server that gave them.
    pub versions: BTreeMap<String, u64>,
    /// The first errors, as text.
    pub errors: Vec<String>,
    pub last: Option<Answer>,
}

/// One HTTP response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    /// Lower-case names; the last value of each.
    pub headers: BTreeMap<String, String>,
    /// Where a server of the bed answered.
    pub seen: Option<Seen>,
    pub body: String,
}

/// First line that a TCP server of the bed sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    pub server: String,
    /// Who connected, as the server sees it.
    pub client: SocketAddr,
    /// FNV-1a of the ClientHello, where the server waits for one.
    #[serde(default)]
    pub hello: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TcpReport {
    pub connections: u64,
    /// Connections that were refused, were cut, or brought back other bytes than were sent.
    pub failed: u64,
    /// Bytes sent, and bytes that came back equal.
    pub bytes_sent: u64,
    pub bytes_back: u64,
    /// FNV-1a of both streams, over all connections.
    pub checksum_sent: u64,
    pub checksum_back: u64,
    /// Connections by server.
    pub servers: BTreeMap<String, u64>,
    /// Whether every server saw the address and port that its client used.
    pub client_address_kept: bool,
    pub errors: Vec<String>,
    pub milliseconds: u64,
}

/// Connections that a client without the kernel's TCP made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SegmentsReport {
    pub connections: u64,
    /// Connections that did not bring every byte back, in order and once.
    pub failed: u64,
    /// Segments that the client had to send again.
    pub repeated: u64,
    /// Packets with a wrong checksum.
    pub wrong_sums: u64,
    /// Connections by server.
    pub servers: BTreeMap<String, u64>,
    /// Whether every server saw the address and port that its client used.
    pub client_address_kept: bool,
    /// The first errors, as text.
    pub errors: Vec<String>,
}

/// Short connections, each opened as soon as another had ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LoadReport {
    /// Those that were served from the first byte to the last.
    pub connections: u64,
    pub failed: u64,
    /// The first errors, as text.
    pub errors: Vec<String>,
    /// From the first to the last of them, in microseconds.
    pub microseconds: u64,
    /// From the SYN to the first byte of the answer, in microseconds.
    pub first_byte_median: u64,
    pub first_byte_p99: u64,
}

/// HTTP requests of many connections.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HttpLoadReport {
    /// Those that were answered with 200, to the end.
    pub requests: u64,
    pub failed: u64,
    /// The first errors, as text.
    pub errors: Vec<String>,
    /// Bytes of bodies.
    pub bytes: u64,
    /// From when the first request was due to the end of the last answer, in microseconds.
    pub microseconds: u64,
    /// From when a request was due to the end of its answer, in microseconds.
    pub median: u64,
    pub p99: u64,
}

/// Bytes of one connection in one direction.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BulkReport {
    pub bytes: u64,
    pub microseconds: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FloodReport {
    pub sent: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UdpReport {
    pub sent: u64,
    /// Queries without an answer in time.
    pub lost: u64,
    /// Answers by server.
    pub servers: BTreeMap<String, u64>,
    pub client_address_kept: bool,
    pub errors: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PingReport {
    pub sent: u64,
    pub lost: u64,
}

impl TcpReport {
    /// # Errors
    /// Where not all `bytes` came back as they were sent.
    pub fn expect_echoed(&self, bytes: u64) -> Result<()> {
        let whole = self.failed == 0 && self.bytes_back == bytes;
        ensure!(
            whole && self.checksum_sent == self.checksum_back,
            "{self:?}"
        );
        Ok(())
    }
}
