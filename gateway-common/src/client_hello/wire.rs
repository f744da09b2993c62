//! The bytes of handshake messages, taken out of the records that carry them.

use super::Stop;

const HANDSHAKE: u8 = 22;
/// Of the record layer: every version of TLS has the same.
const MAJOR_VERSION: u8 = 3;
const HEADER: usize = 5;
/// RFC 8446 section 5.1; records of a handshake are never empty.
const FRAGMENT_MAX: usize = 1 << 14;

/// A place in the handshake.
#[derive(Clone, Copy)]
pub(super) struct Wire<'a> {
    rest: &'a [u8],
    /// Bytes of the current record that are still to come.
    fragment: usize,
}

impl<'a> Wire<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, fragment: 0 }
    }

    /// Enters the next record if the current one is used up.
    fn record(&mut self) -> Result<(), Stop> {
        if self.fragment > 0 {
            return Ok(());
        }
        // Decided by the first byte that is wrong, so that other protocols are not waited for.
        if self.rest.first().is_some_and(|kind| *kind != HANDSHAKE)
            || self
                .rest
                .get(1)
                .is_some_and(|major| *major != MAJOR_VERSION)
        {
            return Err(Stop::NotTls);
        }
        let Some((header, rest)) = self.rest.split_at_checked(HEADER) else {
            return Err(Stop::Incomplete(HEADER + 1 - self.rest.len()));
        };
        let length = usize::from(header[3]) << 8 | usize::from(header[4]);
        if length == 0 || length > FRAGMENT_MAX {
            return Err(Stop::Malformed);
        }
        self.rest = rest;
        self.fragment = length;
        Ok(())
    }

    pub(super) fn u8(&mut self) -> Result<u8, Stop> {
        self.record()?;
        let (first, rest) = self.rest.split_first().ok_or(Stop::Incomplete(1))?;
        self.rest = rest;
        self.fragment -= 1;
        Ok(*first)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Stop> {
        Ok(u16::from(self.u8()?) << 8 | u16::from(self.u8()?))
    }

    /// That `count` more bytes of the handshake are there.
    pub(super) fn demand(&self, count: usize) -> Result<(), Stop> {
        self.clone().advance(count)
    }

    fn advance(&mut self, mut count: usize) -> Result<(), Stop> {
        while count > 0 {
            match self.record() {
                Err(Stop::Incomplete(header)) => return Err(Stop::Incomplete(header - 1 + count)),
                other => other?,
            }
            let step = count.min(self.fragment);
            let Some(rest) = self.rest.get(step..) else {
                return Err(Stop::Incomplete(count - self.rest.len()));
            };
            self.rest = rest;
            self.fragment -= step;
            count -= step;
        }
        Ok(())
    }

    /// A length of `bytes` bytes, which must fit into what is `left`.
    pub(super) fn length(&mut self, left: &mut usize, bytes: usize) -> Result<usize, Stop> {
        *left = left.checked_sub(bytes).ok_or(Stop::Malformed)?;
        let mut length = 0;
        for _ in 0..bytes {
            length = length << 8 | usize::from(self.u8()?);
        }
        Ok(length)
    }

    /// Passes over `count` bytes, which must fit into what is `left`.
    pub(super) fn skip(&mut self, left: &mut usize, count: usize) -> Result<(), Stop> {
        *left = left.checked_sub(count).ok_or(Stop::Malformed)?;
        self.advance(count)
    }
}
