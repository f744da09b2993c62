//! ClientHellos as browsers have them (RFC 8446, 4.1.2), for clients that need no TLS behind them.

use anyhow::{Context, Result};

use super::pattern::fill;

/// RFC 8701: values that servers must pass over.
const GREASE: u16 = 0x2a2a;
const HANDSHAKE: u8 = 22;
const RECORD_HEADER: usize = 5;
/// Most bytes of a record.
pub const RECORD_MAX: usize = 1 << 14;

/// A name below `name`, one for each number.
pub fn numbered(name: &str, number: u32) -> String {
    format!("name-{number}.{name}")
}

/// What a hello is to look like.
#[derive(clap::Args, Clone, Debug)]
pub struct Opening {
    /// Begin with a ClientHello for this name; one without a name where this is empty.
    #[arg(long)]
    pub server_name: Option<String>,
    /// Bytes of the ClientHello with its records, or more where it needs more.
    #[arg(long, default_value_t = 517)]
    pub hello_bytes: usize,
    /// Most bytes of the ClientHello in one record.
    #[arg(long, default_value_t = RECORD_MAX)]
    pub record_bytes: usize,
    /// Send a key share of X25519MLKEM768, too.
    #[arg(long)]
    pub post_quantum: bool,
}

impl Opening {
    /// A usual hello for this name.
    pub fn of(name: &str) -> Self {
        Self {
            server_name: Some(name.to_owned()),
            hello_bytes: 517,
            record_bytes: RECORD_MAX,
            post_quantum: false,
        }
    }

    /// The same for one of many names.
    pub(super) fn numbered(&self, number: u32) -> Self {
        let name = self.server_name.as_deref();
        Self {
            server_name: name.map(|name| numbered(name, number)),
            ..self.clone()
        }
    }

    /// The bytes on the wire; none where there is to be no hello. `seed` shuffles the extensions
    /// and makes the random numbers.
    ///
    /// # Errors
    /// Something is too long for its length field.
    pub fn wire(&self, seed: u64) -> Result<Vec<u8>> {
        let Some(name) = &self.server_name else {
            return Ok(Vec::new());
        };
        let short = self.records(&self.message(name, seed, None)?)?;
        // The extension has a header of its own.
        let padding = self.hello_bytes.checked_sub(short.len() + 4);
        let Some(padding) = padding else {
            return Ok(short);
        };
        self.records(&self.message(name, seed, Some(padding))?)
    }

    fn message(&self, name: &str, seed: u64, padding: Option<usize>) -> Result<Vec<u8>> {
        let mut random = [0; 64];
        fill(seed, 0, &mut random);
        let mut body = vec![3, 3];
        body.extend(&random[..32]);
        // A session id, for middleboxes (RFC 8446, D.4).
        vector(&mut body, 1, &random[32..])?;
        vector(
            &mut body,
            2,
            &words(&[GREASE, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f]),
        )?;
        vector(&mut body, 1, &[0])?;
        vector(&mut body, 2, &self.extensions(name, seed, padding)?)?;
        let mut message = vec![1];
        vector(&mut message, 3, &body)?;
        Ok(message)
    }

    /// GREASE first and last, the others in any order, as browsers do.
    fn extensions(&self, name: &str, seed: u64, padding: Option<usize>) -> Result<Vec<u8>> {
        let mut all = vec![
            extension(23, &[])?,
            extension(0xff01, &[0])?,
            extension(10, &list(2, &words(&[GREASE, 0x11ec, 29, 23, 24]))?)?,
            extension(11, &[1, 0])?,
            extension(35, &[])?,
            extension(16, b"\0\x0c\x02h2\x08http/1.1")?,
            extension(13, &list(2, &words(&[0x0403, 0x0804, 0x0401, 0x0806]))?)?,
            extension(51, &list(2, &self.shares(seed)?)?)?,
            extension(45, &[1, 1])?,
            extension(43, &list(1, &words(&[GREASE, 0x0304, 0x0303]))?)?,
        ];
        if !name.is_empty() {
            let mut host = vec![0];
            vector(&mut host, 2, name.as_bytes())?;
            all.push(extension(0, &list(2, &host)?)?);
        }
        if let Some(padding) = padding {
            all.push(extension(21, &vec![0; padding])?);
        }
        let mut order = vec![0; all.len()];
        fill(seed, 64, &mut order);
        let mut order: Vec<_> = order.into_iter().zip(all).collect();
        order.sort();
        let shuffled = order.into_iter().flat_map(|(_, extension)| extension);
        let mut out = extension(GREASE, &[])?;
        out.extend(shuffled);
        out.extend(extension(GREASE + 0x1010, &[0])?);
        Ok(out)
    }

    fn shares(&self, seed: u64) -> Result<Vec<u8>> {
        let mut shares = [words(&[GREASE]), list(2, &[0])?].concat();
        let mut groups = vec![(29, 32)];
        if self.post_quantum {
            groups.insert(0, (0x11ec, 1_216));
        }
        for (group, length) in groups {
            let mut key = vec![0; length];
            fill(seed, u64::from(group), &mut key);
            shares.extend(words(&[group]));
            vector(&mut shares, 2, &key)?;
        }
        Ok(shares)
    }

    fn records(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for fragment in message.chunks(self.record_bytes.clamp(1, RECORD_MAX)) {
            out.extend([HANDSHAKE, 3, 1]);
            vector(&mut out, 2, fragment)?;
        }
        Ok(out)
    }
}

/// Bytes that are missing at least at the end of a hello that begins so: 0 where it is whole. For
/// servers, which believe every length.
///
/// # Errors
/// Not the beginning of a hello.
pub fn missing(begun: &[u8]) -> Result<usize> {
    let (mut rest, mut message) = (begun, Vec::new());
    loop {
        let wanted = match message[..] {
            [] | [_] | [_, _] | [_, _, _] => 4,
            [_, high, middle, low, ..] => {
                4 + usize::from(u16::from_be_bytes([middle, low])) + (usize::from(high) << 16)
            }
        };
        if message.len() >= wanted {
            return Ok(0);
        }
        let Some((header, after)) = rest.split_at_checked(RECORD_HEADER) else {
            return Ok(RECORD_HEADER - rest.len());
        };
        anyhow::ensure!(header[0] == HANDSHAKE, "a record of kind {}", header[0]);
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let Some((fragment, after)) = after.split_at_checked(length) else {
            return Ok(length - after.len());
        };
        message.extend(fragment);
        anyhow::ensure!(message[0] == 1, "a message of kind {}", message[0]);
        rest = after;
    }
}

fn extension(kind: u16, data: &[u8]) -> Result<Vec<u8>> {
    let mut out = words(&[kind]);
    vector(&mut out, 2, data)?;
    Ok(out)
}

fn list(bytes_of_length: usize, data: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    vector(&mut out, bytes_of_length, data)?;
    Ok(out)
}

/// Appends data with its length before it.
fn vector(to: &mut Vec<u8>, bytes_of_length: usize, data: &[u8]) -> Result<()> {
    let length = u32::try_from(data.len())?.to_be_bytes();
    let (none, length) = length.split_at(4 - bytes_of_length);
    let fits = none.iter().all(|byte| *byte == 0);
    fits.then_some(())
        .context("too long for its length field")?;
    to.extend(length);
    to.extend(data);
    Ok(())
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use gateway_common::client_hello::server_name;

    use super::*;

    fn opening(hello_bytes: usize, record_bytes: usize, post_quantum: bool) -> Opening {
        Opening {
            hello_bytes,
            record_bytes,
            post_quantum,
            ..Opening::of("A.example.com")
        }
    }

    #[test]
    fn hellos_have_the_name_and_the_length() {
        for (bytes, record, post_quantum) in [
            (517, RECORD_MAX, false),
            (1_900, RECORD_MAX, true),
            (16_000, 4_000, true),
        ] {
            let hello = opening(bytes, record, post_quantum);
            for seed in 0..50 {
                let wire = hello.wire(seed).unwrap();
                let name = server_name(&wire).unwrap().unwrap();
                assert_eq!(name.as_str(), "a.example.com");
                // Padding may need more records, with a header each.
                let headers = bytes.div_ceil(record) * RECORD_HEADER;
                let lengths = bytes..bytes + headers + RECORD_HEADER;
                assert!(lengths.contains(&wire.len()), "{}", wire.len());
            }
        }
        assert_ne!(
            opening(517, 99, false).wire(1).unwrap(),
            opening(517, 99, false).wire(2).unwrap()
        );
    }

    #[test]
    fn a_hello_without_a_name_and_no_hello_at_all() {
        let without = Opening::of("").wire(1).unwrap();
        assert_eq!(server_name(&without), Ok(None));
        let none = Opening {
            server_name: None,
            ..Opening::of("")
        };
        assert!(none.wire(1).unwrap().is_empty());
    }

    #[test]
    fn the_end_of_a_hello_is_found_from_every_byte() {
        for record in [1, 7, 200, RECORD_MAX] {
            let mut wire = opening(517, record, false).wire(3).unwrap();
            for end in 0..wire.len() {
                let more = missing(&wire[..end]).unwrap();
                assert!((1..=wire.len() - end).contains(&more), "{record}: {end}");
            }
            wire.extend(b"early data");
            assert_eq!(missing(&wire).unwrap(), 0);
        }
        assert!(missing(b"GET / HTTP/1.1\r\n").is_err());
    }
}
