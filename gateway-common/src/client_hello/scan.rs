//! The same reading for code that the kernel's verifier must accept: in small steps, resumed where the
//! last look ended, its state flat and of a known size.

use crate::abi::{TlsKey, TlsName};

use super::{CLIENT_HELLO, HOST_NAME, MESSAGE_MAX, RANDOM, SERVER_NAME, ServerName, Stop};

mod label;

use self::label::Labels;

/// Most steps of one look. A step reads the header of a record, a number with what it says to pass
/// over, or some letters of the name. A usual hello takes 20 to 40; only one cut into the finest
/// records takes more than these.
pub const STEPS: u32 = 4096;
/// Most letters of one step.
const LETTERS: usize = 8;
/// Bytes that a step looks at.
pub const AHEAD: usize = 8;
/// Most bytes of a number, which may be two that follow each other.
const NUMBER_MAX: usize = 4;
/// Most bytes of a name, without a final dot.
const NAME_MAX: u32 = 253;

const HANDSHAKE: u8 = 22;
const MAJOR_VERSION: u8 = 3;
/// Bytes of the header of a record.
const HEADER: usize = 5;
const FRAGMENT_MAX: u32 = 1 << 14;

/// What the next bytes of the handshake are.
const KIND: u32 = 0;
const LENGTH: u32 = 1;
const SESSION: u32 = 2;
const CIPHERS: u32 = 3;
const COMPRESSION: u32 = 4;
const EXTENSIONS: u32 = 5;
/// Type and length.
const EXTENSION: u32 = 6;
/// From here on within the extension `server_name`.
const NAMES: u32 = 7;
/// Type and length.
const ENTRY: u32 = 8;
const NAME: u32 = 9;
const DONE: u32 = 10;

/// A hello that is read while it comes. 316 bytes.
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
    /// A number that is being read, and how many bytes of it, or letters, are to come; 0: not begun.
    value: u32,
    missing: u32,
    /// Bytes of the handshake to pass over.
    skip: u32,
    /// Bytes that the message, and the extension, have beyond what is read or skipped.
    left: u32,
    inner: u32,
    seen: u32,
    found: u32,
    labels: Labels,
    /// The name, filled from its end on; without a name that of all.
    key: TlsKey,
}

const _: () = assert!(size_of::<Scan>() == 316);

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
        seen: 0,
        found: 0,
        labels: Labels::NEW,
        key: TlsKey::all(0),
    };

    /// Goes on with the first `filled` of `bytes`, of which those that were looked at before are as
    /// they were. [`AHEAD`] more must be there; they may hold anything. The server name then is in
    /// [`Scan::key`].
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
        if self.at >= filled {
            return Err(Stop::Incomplete(1));
        }
        // One look whose place the verifier can follow, instead of one for each byte.
        let ahead = bytes.get(self.at as usize..).and_then(<[u8]>::first_chunk);
        let Some(ahead) = ahead else {
            return Err(Stop::TooLong);
        };
        if self.fragment == 0 {
            self.header(ahead, filled)?;
            return Ok(false);
        }
        match (self.skip, self.step) {
            (0, NAME) => self.letters(ahead, filled)?,
            (0, _) => self.number(ahead, filled)?,
            _ => {}
        }
        let pass = self.there(self.skip, filled);
        self.pass(pass);
        self.skip -= pass;
        self.rest()?;
        Ok(self.step == DONE)
    }

    /// How many of `wanted` bytes of the handshake are there, and in one record.
    #[inline(always)]
    fn there(&self, wanted: u32, filled: u32) -> u32 {
        wanted.min(self.fragment).min(filled - self.at)
    }

    #[inline(always)]
    const fn pass(&mut self, bytes: u32) {
        self.at += bytes;
        self.fragment -= bytes;
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

    /// What the maps of names are asked, once the frontend's group is put in: the name that was found,
    /// or, the trie alone, all names.
    #[inline(always)]
    pub const fn key(&mut self) -> &mut TlsKey {
        if !self.has_name() {
            self.key.bits = TlsName::GROUP_BITS;
        }
        &mut self.key
    }

    /// The header of a record, as far as it is there.
    #[inline(always)]
    fn header(&mut self, ahead: &[u8; AHEAD], filled: u32) -> Result<(), Stop> {
        for byte in ahead.iter().take(HEADER) {
            if self.fragment != 0 || self.at >= filled {
                break;
            }
            self.at += 1;
            self.record(*byte)?;
        }
        Ok(())
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

    /// A number, as far as it is there.
    #[inline(always)]
    fn number(&mut self, ahead: &[u8; AHEAD], filled: u32) -> Result<(), Stop> {
        if self.missing == 0 {
            self.missing = self.width();
            self.value = 0;
            if self.step > LENGTH {
                self.take(self.missing)?;
            }
        }
        let there = self.there(self.missing, filled);
        let mut value = self.value;
        for (i, byte) in ahead.iter().take(NUMBER_MAX).enumerate() {
            if i as u32 >= there {
                break;
            }
            value = value << 8 | u32::from(*byte);
        }
        self.value = value;
        self.pass(there);
        self.missing -= there;
        match self.missing {
            0 => self.read(value),
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
            NAMES..=NAME => self.inner -= bytes,
            _ => self.left -= bytes,
        }
        Ok(())
    }

    /// A number that is read.
    #[inline(always)]
    fn read(&mut self, value: u32) -> Result<(), Stop> {
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
            EXTENSION => return self.extension(value >> 16, value & 0xffff),
            NAMES if value != self.inner || value == 0 => return Err(Stop::Malformed),
            ENTRY => return self.entry(value >> 16, value & 0xffff),
            _ => {}
        }
        self.step += 1;
        Ok(())
    }

    #[inline(always)]
    const fn extension(&mut self, kind: u32, length: u32) -> Result<(), Stop> {
        if let Err(stop) = self.take(length) {
            return Err(stop);
        }
        if kind != SERVER_NAME as u32 {
            self.skip = length;
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
    const fn entry(&mut self, kind: u32, length: u32) -> Result<(), Stop> {
        if let Err(stop) = self.take(length) {
            return Err(stop);
        }
        if kind != HOST_NAME as u32 {
            self.skip = length;
            return Ok(());
        }
        if self.found != 0 || length == 0 || length > NAME_MAX {
            return Err(Stop::Malformed);
        }
        self.found = 1;
        self.key.bits = TlsKey::bits_of(length);
        self.missing = length;
        self.step = NAME;
        Ok(())
    }

    /// Bytes of the name, as far as they are there.
    #[inline(always)]
    fn letters(&mut self, ahead: &[u8; AHEAD], filled: u32) -> Result<(), Stop> {
        let there = self.there(self.missing.min(LETTERS as u32), filled);
        for (i, byte) in ahead.iter().take(LETTERS).enumerate() {
            if i as u32 >= there {
                break;
            }
            let byte = byte.to_ascii_lowercase();
            if !self.labels.take(byte) {
                return Err(Stop::Malformed);
            }
            let place = self.missing.wrapping_sub(i as u32 + 1) as usize;
            let Some(place) = self.key.name.name.get_mut(place) else {
                return Err(Stop::Malformed);
            };
            *place = byte;
        }
        self.pass(there);
        self.missing -= there;
        if self.missing == 0 {
            if self.labels.have_ended() {
                return Err(Stop::Malformed);
            }
            self.step = ENTRY;
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
        if self.step == ENTRY && self.inner == 0 {
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
            KIND | SESSION | COMPRESSION => 1,
            LENGTH | ENTRY => 3,
            EXTENSION => 4,
            _ => 2,
        }
    }

    #[inline(always)]
    const fn room(&self) -> u32 {
        match self.step {
            NAMES..=NAME => self.inner,
            _ => self.left,
        }
    }
}
