//! The wire format of Protocol Buffers (protobuf.dev, "Encoding"), as far as messages of a few
//! fields need it.

/// A message under construction. Fields with the default of their type are left out, as in proto3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    /// A string, bytes, or a message.
    Bytes(&'a [u8]),
    /// Four or eight bytes: nothing that is read here has such a type.
    Fixed,
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no message of Protocol Buffers")]
pub(super) struct Broken;

/// The fields of a message, in their order; ends after the first error.
pub(super) struct Fields<'a>(&'a [u8]);

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED_32: u64 = 5;

impl Message {
    pub(super) fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field) << 3 | VARINT);
            self.varint(value);
        }
    }

    pub(super) fn text(&mut self, field: u32, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.prefixed(field, value);
        }
    }

    /// A message, which is there even if it is empty.
    pub(super) fn message(&mut self, field: u32, value: &Self) {
        self.prefixed(field, &value.0);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn prefixed(&mut self, field: u32, value: &[u8]) {
        self.varint(u64::from(field) << 3 | LENGTH);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let key = self.varint()?;
        let field = u32::try_from(key >> 3).ok().filter(|field| *field != 0)?;
        let value = match key & 7 {
            VARINT => Value::Number(self.varint()?),
            FIXED_64 => self.take(8).map(|_| Value::Fixed)?,
            LENGTH => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            FIXED_32 => self.take(4).map(|_| Value::Fixed)?,
            // Groups, which proto3 does not have.
            _ => return None,
        };
        Some((field, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (index, byte) in self.0.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            let shift = 7 * index as u32;
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                self.0 = self.0.get(index + 1..)?;
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Broken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Broken> {
        Fields::of(bytes).collect()
    }

    /// The examples of the format's documentation.
    #[test]
    fn numbers_and_strings_are_encoded_as_documented() {
        let mut message = Message::default();
        message.number(1, 150);
        message.text(2, "testing");
        message.number(3, 0);
        message.text(4, "");
        message.message(5, &Message::default());
        let bytes = message.into_bytes();
        let expected = b"\x08\x96\x01\x12\x07testing\x2a\x00";
        assert_eq!(bytes, expected);
        let read = [
            (1, Value::Number(150)),
            (2, Value::Bytes(b"testing")),
            (5, Value::Bytes(b"")),
        ];
        assert_eq!(fields(&bytes).as_deref(), Ok(&read[..]));
    }

    #[test]
    fn every_number_comes_back() {
        for value in [
            1,
            127,
            128,
            16_383,
            16_384,
            u64::from(u32::MAX),
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut message = Message::default();
            message.number(536_870_911, value);
            let bytes = message.into_bytes();
            assert_eq!(
                fields(&bytes),
                Ok(vec![(536_870_911, Value::Number(value))])
            );
        }
    }

    #[test]
    fn fixed_numbers_are_passed_over() {
        let bytes = [&[9][..], &[0; 8], &[0x15], &[0; 4], &[8, 1]].concat();
        let read = vec![(1, Value::Fixed), (2, Value::Fixed), (1, Value::Number(1))];
        assert_eq!(fields(&bytes), Ok(read));
    }

    #[test]
    fn what_is_no_message_is_told() {
        let cases: [&[u8]; 9] = [
            b"\x08",
            b"\x08\x80",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x12\x03ab",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x00\x01",
            b"\x0b\x0c",
            b"\x09\x00",
        ];
        for bytes in cases {
            assert_eq!(fields(bytes), Err(Broken), "{bytes:?}");
        }
    }
}
