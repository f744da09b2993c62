//! Whether bytes are a host name, one after the other.

const LABEL_MAX: u32 = 63;

/// The labels of a name so far.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels {
    /// Bytes of the last one.
    length: u32,
    /// Finished ones.
    count: u32,
    /// The last one as an octet of an IPv4 address; more than 255: some label is none.
    octet: u32,
}

const NO_OCTET: u32 = 256;

impl Labels {
    pub(super) const NEW: Self = Self {
        length: 0,
        count: 0,
        octet: 0,
    };

    /// Takes a byte in; `false` where it belongs to no name.
    ///
    /// A function of its own, so that the verifier does not follow each way through it together with
    /// each way through those of the bytes before.
    #[inline(never)]
    pub(super) const fn take(&mut self, byte: u8) -> bool {
        if byte == b'.' {
            let labelled = self.length > 0;
            self.length = 0;
            self.count += 1;
            if self.octet < NO_OCTET {
                self.octet = 0;
            }
            return labelled;
        }
        self.octet = match byte {
            // As `Ipv4Addr` is read: no leading zeros.
            b'0'..=b'9' if self.octet < NO_OCTET && (self.length == 0 || self.octet != 0) => {
                self.octet * 10 + (byte - b'0') as u32
            }
            _ => NO_OCTET,
        };
        self.length += 1;
        self.length <= LABEL_MAX && (byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    }

    /// The last byte was a dot.
    #[inline(always)]
    pub(super) const fn have_ended(&self) -> bool {
        self.length == 0
    }

    /// Four labels that are an IPv4 address.
    #[inline(always)]
    pub(super) const fn are_an_address(&self) -> bool {
        self.octet < NO_OCTET && self.count == 3 && self.length > 0
    }
}
