//! The same reading for code that the kernel's verifier must accept: byte by byte, resumed where the
//! last look ended, its state flat and of a known size.

use crate::abi::{TlsKey, TlsName};

use super::{CLIENT_HELLO, HOST_NAME, MESSAGE_MAX, RANDOM, SERVER_NAME, ServerName, Stop};

mod label;

use self::label::Labels;

/// Most steps of one look. A step passes over one byte, or over everything that is of no interest.
/// A usual hello takes 300; only one cut into the finest records takes more than these.
pub const STEPS: u32 = 4096;
/// Most bytes of a name, without a final dot.
const NAME_MAX: u32 = 253;

const HANDSHAKE: u8 = 22;
const MAJOR_VERSION: u8 = 3;
const FRAGMENT_MAX: u32 = 1 << 14;

/// What the next bytes of the handshake are.
const KIND: u32 = 0;
const LENGTH: u32 = 1;
const SESSION: u32 = 2;
const CIPHERS: u32 = 3;
const COMPRESSION: u32 = 4;
const EXTENSIONS: u32 = 5;
const EXTENSION: u32 = 6;
const EXTENSION_LENGTH: u32 = 7;
/// From here on within the extension `server_name`.
const NAMES: u32 = 8;
const NAME_KIND: u32 = 9;
const NAME_LENGTH: u32 = 10;
const NAME_BYTES: u32 = 11;
const DONE: u32 = 12;

/// A hello that is read while it comes. 320 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    /// Bytes looked at.
    at: u32,
    /// Bytes of the header of a record that were read, above them the first byte of its length.
    header: u32,
    /// Bytes of the record that are to come.
    fragment: u32,
    step: u32,
    /// A number that is being read, and how many bytes of it are to come; 0: not begun.
    value: u32,
    missing: u32,
    /// Bytes of the handshake to pass over.
    skip: u32,
    /// Bytes that the message, and the extension, have beyond what is read or skipped.
    left: u32,
    inner: u32,
    /// Of the extension or name whose length comes next.
    kind: u32,
    seen: u32,
    found: u32,
    labels: Labels,
    /// The name, filled from its end on; without a name that of all.
    key: TlsKey,
}

const _: () = assert!(size_of::<Scan>() == 320);

impl Default for Scan {
    fn default() -> Self {
        Self::NEW
    }
}

impl Scan {
    pub const NEW: Self = Self {
        at: 0,
        header: 0,
        fragment: 0,
        step: KIND,
        value: 0,
        missing: 0,
        skip: 0,
        left: 0,
        inner: 0,
        kind: 0,
        seen: 0,
        found: 0,
        labels: Labels::NEW,
        key: TlsKey::all(0),
    };

    /// Goes on with the first `filled` of `bytes`, of which those that were looked at before are as
    /// they were. The server name then is in [`Scan::key`].
    ///
    /// # Errors
    /// As [`super::server_name`], though maybe for another reason, and maybe before the last byte.
    /// Besides, IPv6 addresses for names and names with a final dot, which RFC 6066 forbids, are
    /// malformed here, and hellos cut very finely too long.
    pub fn look(&mut self, bytes: &[u8], filled: u32) -> Result<(), Stop> {
        for _ in 0..STEPS {
            if self.step(bytes, filled)? {
                return Ok(());
            }
        }
        Err(Stop::TooLong)
    }

    /// One of at most [`STEPS`] steps of [`Scan::look`]; `true`: the last.
    ///
    /// # Errors
    /// As there.
    #[inline(always)]
    pub fn step(&mut self, bytes: &[u8], filled: u32) -> Result<bool, Stop> {
        if self.step == DONE {
            return Ok(true);
        }
        let byte = match bytes.get(self.at as usize) {
            Some(byte) if self.at < filled => *byte,
            _ => return Err(Stop::Incomplete(1)),
        };
        if self.fragment == 0 {
            self.at += 1;
            self.record(byte)?;
            return Ok(false);
        }
        let pass = match self.skip {
            0 => 1,
            skip => skip.min(self.fragment).min(filled - self.at),
        };
        self.at += pass;
        self.fragment -= pass;
        match self.skip {
            0 => self.handshake(byte)?,
            _ => self.skip -= pass,
        }
        self.rest()?;
        Ok(false)
    }

    /// A name was found.
    #[inline(always)]
    pub const fn has_name(&self) -> bool {
        self.found != 0 && !self.labels.are_an_address()
    }

    /// The name that was found, for people.
    pub fn name(&self) -> Option<ServerName> {
        let length = self.key.bits.checked_sub(TlsKey::bits_of(0))? / 8;
        let name = self.key.name.name.get(..length as usize)?;
        self.has_name().then(|| ServerName::backwards(name))
    }

    /// What the trie of names is asked, once the frontend's group is put in: the name that was found,
    /// or all names.
    #[inline(always)]
    pub const fn key(&mut self) -> &mut TlsKey {
        if !self.has_name() {
            self.key.bits = TlsName::GROUP_BITS;
        }
        &mut self.key
    }

    /// A byte of the header of a record.
    #[inline(always)]
    const fn record(&mut self, byte: u8) -> Result<(), Stop> {
        match self.header & 0xff {
            0 if byte != HANDSHAKE => return Err(Stop::NotTls),
            1 if byte != MAJOR_VERSION => return Err(Stop::NotTls),
            3 => self.header |= (byte as u32) << 8,
            4 => {
                self.fragment = (self.header & 0xff00) | byte as u32;
                self.header = 0;
                return match self.fragment {
                    1..=FRAGMENT_MAX => Ok(()),
                    _ => Err(Stop::Malformed),
                };
            }
            _ => {}
        }
        self.header += 1;
        Ok(())
    }

    #[inline(always)]
    fn handshake(&mut self, byte: u8) -> Result<(), Stop> {
        if self.step == NAME_BYTES {
            return self.letter(byte);
        }
        if self.missing == 0 {
            self.missing = self.width();
            self.value = 0;
            if self.step > LENGTH {
                self.take(self.missing)?;
            }
        }
        self.value = self.value << 8 | u32::from(byte);
        self.missing -= 1;
        match self.missing {
            0 => self.number(self.value),
            _ => Ok(()),
        }
    }

    /// Uses up bytes of what the message or the extension has.
    #[inline(always)]
    const fn take(&mut self, bytes: u32) -> Result<(), Stop> {
        if bytes > self.room() {
            return Err(Stop::Malformed);
        }
        match self.step {
            NAMES..=NAME_BYTES => self.inner -= bytes,
            _ => self.left -= bytes,
        }
        Ok(())
    }

    #[inline(always)]
    fn number(&mut self, value: u32) -> Result<(), Stop> {
        match self.step {
            KIND if value != u32::from(CLIENT_HELLO) => return Err(Stop::NotTls),
            LENGTH if value > MESSAGE_MAX as u32 => return Err(Stop::TooLong),
            LENGTH => {
                self.left = value;
                self.take((size_of::<u16>() + RANDOM) as u32)?;
                self.skip = (size_of::<u16>() + RANDOM) as u32;
            }
            SESSION | CIPHERS | COMPRESSION => {
                self.take(value)?;
                self.skip = value;
            }
            EXTENSIONS if value != self.left => return Err(Stop::Malformed),
            EXTENSION | NAME_KIND => self.kind = value,
            EXTENSION_LENGTH => return self.extension(value),
            NAMES if value != self.inner || value == 0 => return Err(Stop::Malformed),
            NAME_LENGTH => return self.entry(value),
            _ => {}
        }
        self.step += 1;
        Ok(())
    }

    #[inline(always)]
    const fn extension(&mut self, length: u32) -> Result<(), Stop> {
        if let Err(stop) = self.take(length) {
            return Err(stop);
        }
        if self.kind != SERVER_NAME as u32 {
            self.skip = length;
            self.step = EXTENSION;
            return Ok(());
        }
        // Its list has a length at least.
        if self.seen != 0 || length < 2 {
            return Err(Stop::Malformed);
        }
        self.seen = 1;
        self.inner = length;
        self.step = NAMES;
        Ok(())
    }

    /// An entry of the list of names.
    #[inline(always)]
    const fn entry(&mut self, length: u32) -> Result<(), Stop> {
        if let Err(stop) = self.take(length) {
            return Err(stop);
        }
        if self.kind != HOST_NAME as u32 {
            self.skip = length;
            self.step = NAME_KIND;
            return Ok(());
        }
        if self.found != 0 || length == 0 || length > NAME_MAX {
            return Err(Stop::Malformed);
        }
        self.found = 1;
        self.key.bits = TlsKey::bits_of(length);
        self.missing = length;
        self.step = NAME_BYTES;
        Ok(())
    }

    /// A byte of the name.
    #[inline(always)]
    fn letter(&mut self, byte: u8) -> Result<(), Stop> {
        let byte = byte.to_ascii_lowercase();
        if !self.labels.take(byte) {
            return Err(Stop::Malformed);
        }
        self.missing -= 1;
        if let Some(place) = self.key.name.name.get_mut(self.missing as usize) {
            *place = byte;
        }
        if self.missing == 0 {
            if self.labels.have_ended() {
                return Err(Stop::Malformed);
            }
            self.step = NAME_KIND;
        }
        Ok(())
    }

    /// Between two parts: ends the list of names, and the hello, where nothing of it is left, and
    /// sees that the next part has room.
    #[inline(always)]
    const fn rest(&mut self) -> Result<(), Stop> {
        if self.skip != 0 || self.missing != 0 {
            return Ok(());
        }
        if self.step == NAME_KIND && self.inner == 0 {
            self.step = EXTENSION;
        }
        if matches!(self.step, EXTENSIONS | EXTENSION) && self.left == 0 {
            self.step = DONE;
        }
        match self.step {
            KIND | LENGTH | DONE => Ok(()),
            _ if self.room() < self.width() => Err(Stop::Malformed),
            _ => Ok(()),
        }
    }

    /// Bytes of the number that this step reads.
    #[inline(always)]
    const fn width(&self) -> u32 {
        match self.step {
            KIND | SESSION | COMPRESSION | NAME_KIND => 1,
            LENGTH => 3,
            _ => 2,
        }
    }

    #[inline(always)]
    const fn room(&self) -> u32 {
        match self.step {
            NAMES..=NAME_BYTES => self.inner,
            _ => self.left,
        }
    }
}
