//! Reads the server name out of a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3).
//!
//! Looks at the bytes as they came from the wire, from the first record on; the hello may be cut
//! into records and segments at any byte. Nothing is copied but the name.

mod name;
mod scan;
mod wire;

#[cfg(test)]
mod tests;

use self::wire::Wire;
pub use self::{
    name::ServerName,
    scan::{AHEAD, STEPS, Scan},
};

/// Most bytes of a hello with the headers of its records. Real ones have 200 to 4,000.
pub const MAX: usize = 17 * 1024;
/// Most bytes of a handshake message that is a hello.
const MESSAGE_MAX: usize = 16 * 1024;

const CLIENT_HELLO: u8 = 1;
const RANDOM: usize = 32;
/// Extension `server_name`, and its only kind of name.
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;

/// Why there is no hello to be had from the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The hello goes on; at least this many bytes more are needed, never 0.
    Incomplete(usize),
    /// Not the beginning of a TLS connection.
    NotTls,
    /// A length that does not fit, or a name that is none.
    Malformed,
    /// Longer than [`MAX`].
    TooLong,
}

/// The server name of the hello that `bytes` begin with; `None` where the client sends none, or an
/// address, which is no name. What follows the hello is not looked at.
///
/// # Errors
/// See [`Stop`]. Only after [`Stop::Incomplete`] may more bytes give another answer.
pub fn server_name(bytes: &[u8]) -> Result<Option<ServerName>, Stop> {
    match hello(bytes) {
        Err(Stop::Incomplete(_)) if bytes.len() >= MAX => Err(Stop::TooLong),
        other => other,
    }
}

fn hello(bytes: &[u8]) -> Result<Option<ServerName>, Stop> {
    let mut wire = Wire::new(bytes);
    if wire.u8()? != CLIENT_HELLO {
        return Err(Stop::NotTls);
    }
    let length = usize::from(wire.u8()?) << 16 | usize::from(wire.u16()?);
    if length > MESSAGE_MAX {
        return Err(Stop::TooLong);
    }
    // From here on everything is there, so that a length beyond it is wrong, not incomplete.
    wire.demand(length)?;
    let mut name = None;
    let mut left = length;
    wire.skip(&mut left, size_of::<u16>() + RANDOM)?;
    for bytes_of_length in [1, 2, 1] {
        // Session id, cipher suites, compression methods.
        let length = wire.length(&mut left, bytes_of_length)?;
        wire.skip(&mut left, length)?;
    }
    if left == 0 {
        // TLS 1.2 without extensions.
        return Ok(None);
    }
    if wire.length(&mut left, 2)? != left {
        return Err(Stop::Malformed);
    }
    let mut seen = false;
    while left > 0 {
        let kind = wire.length(&mut left, 2)?;
        let length = wire.length(&mut left, 2)?;
        if kind != usize::from(SERVER_NAME) {
            wire.skip(&mut left, length)?;
            continue;
        }
        if core::mem::replace(&mut seen, true) || length > left {
            return Err(Stop::Malformed);
        }
        left -= length;
        name = names(&mut wire, length)?;
    }
    Ok(name)
}

/// The host name of the list that fills the extension.
fn names(wire: &mut Wire<'_>, mut left: usize) -> Result<Option<ServerName>, Stop> {
    if wire.length(&mut left, 2)? != left || left == 0 {
        return Err(Stop::Malformed);
    }
    let mut found = None;
    while left > 0 {
        let kind = wire.length(&mut left, 1)?;
        let length = wire.length(&mut left, 2)?;
        if kind != usize::from(HOST_NAME) {
            wire.skip(&mut left, length)?;
            continue;
        }
        if found.is_some() || length > left || length == 0 {
            return Err(Stop::Malformed);
        }
        left -= length;
        found = Some(ServerName::read(wire, length)?);
    }
    Ok(found.flatten())
}
