//! Server names as they are compared: lower-case, without a final dot.

use core::net::IpAddr;

use super::{Stop, wire::Wire};

/// Most bytes of a host name with a final dot (RFC 1035 section 2.3.4).
const NAME_MAX: usize = 254;
const LABEL_MAX: usize = 63;

/// A host name of letters, digits, `-` and `_`, of one label or more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ServerName {
    bytes: [u8; NAME_MAX],
    length: usize,
}

impl ServerName {
    /// `None` for an address, which clients must not send as a name, but some do.
    pub(super) fn read(wire: &mut Wire<'_>, length: usize) -> Result<Option<Self>, Stop> {
        if length > NAME_MAX {
            return Err(Stop::Malformed);
        }
        let mut name = Self {
            bytes: [0; NAME_MAX],
            length,
        };
        for byte in name.bytes.iter_mut().take(length) {
            *byte = wire.u8()?.to_ascii_lowercase();
        }
        if name.as_str().parse::<IpAddr>().is_ok() {
            return Ok(None);
        }
        if name.as_str().ends_with('.') {
            name.length -= 1;
        }
        let well = name.length < NAME_MAX && name.as_str().split('.').all(is_label);
        well.then_some(Some(name)).ok_or(Stop::Malformed)
    }

    /// A name that was read already, from its end on.
    pub(super) fn backwards(name: &[u8]) -> Self {
        let mut bytes = [0; NAME_MAX];
        let letters = bytes.iter_mut().zip(name.iter().rev());
        let length = letters.map(|(to, from)| *to = *from).count();
        Self { bytes, length }
    }

    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        // Bytes that are no text are no name either: an empty label.
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

fn is_label(label: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=LABEL_MAX).contains(&label.len()) && label.bytes().all(fits)
}

impl core::fmt::Debug for ServerName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_str().fmt(f)
    }
}
