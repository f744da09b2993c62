//! TLS passthrough: which server names lead where, and what the programs keep for themselves.

/// Most bytes of a [`TlsName`]: a name of 253 with its end.
pub const NAME_BYTES: usize = 254;
/// Seconds for which clients of a listener are told no time stamps, as a backend has none. Each time one
/// connection has to find it out anew.
pub const NO_STAMPS: u32 = 3_600;
/// Ends an exact name, so that it is no prefix of longer ones.
pub const NAME_END: u8 = 0;

/// A server name of a frontend: by itself the key of a hash, and with the number of bits that count
/// before it, 260 bytes, that of a trie whose longest match wins.
///
/// Names are lower-case, without a final dot, and backwards: `a.example` is `elpmaxe.a` with
/// [`NAME_END`], in the hash, and `*.example` is `elpmaxe.` without, in the trie. There the group alone
/// stands for all names, and for clients that send none. The bytes after a name are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsName {
    /// As `Frontend::service`, in network order.
    pub group: [u8; 2],
    pub name: [u8; NAME_BYTES],
}

/// The same with the number of its bits that count, as the trie takes it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsKey {
    pub bits: u32,
    pub name: TlsName,
}

/// `TlsTarget::service`: the proxy has the name, of a listener that ends TLS or of a route.
pub const TLS_PROXY: u32 = 0;
/// `TlsTarget::service`: no route of the most specific listener has the name, so that
/// `Frontend::resets` says what becomes of it; as of a name that has no entry.
pub const TLS_NOBODY: u32 = u32::MAX;

/// Where a server name leads.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsTarget {
    /// A hash of the key without its group, by which connections tell the name that they were found
    /// by; never 0.
    pub name: u64,
    /// Id of the service, [`TLS_PROXY`] or [`TLS_NOBODY`].
    pub service: u32,
    pub pad: u32,
}

/// What cookies are made with: random, from the first start on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsSecret {
    pub key: [u64; 2],
}

/// When the tables of connections took no more.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsFull {
    /// Low 32 bits of jiffies.
    pub since: u32,
    /// 1: they did once.
    pub is_full: u32,
}

impl TlsFull {
    /// It was a moment ago.
    #[inline(always)]
    pub const fn counts(&self, now: u32, hz: u32) -> bool {
        self.is_full != 0 && now.wrapping_sub(self.since) < hz
    }
}

/// When a backend of a listener was found to have no time stamps.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsNoStamps {
    /// Low 32 bits of jiffies.
    pub since: u32,
}

impl TlsNoStamps {
    /// It is believed still.
    #[inline(always)]
    pub const fn counts(&self, now: u32, hz: u32) -> bool {
        now.wrapping_sub(self.since) < NO_STAMPS.wrapping_mul(hz)
    }
}

impl TlsName {
    /// Bits of `group`.
    pub const GROUP_BITS: u32 = 16;

    /// All names of a group: no more than its bits count.
    #[inline(always)]
    pub const fn all(group: u16) -> Self {
        Self {
            group: group.to_be_bytes(),
            name: [0; NAME_BYTES],
        }
    }
}

impl TlsKey {
    /// All names of a group.
    #[inline(always)]
    pub const fn all(group: u16) -> Self {
        Self {
            bits: TlsName::GROUP_BITS,
            name: TlsName::all(group),
        }
    }

    /// Bits of an exact name of so many bytes.
    #[inline(always)]
    pub const fn bits_of(bytes: u32) -> u32 {
        TlsName::GROUP_BITS + 8 * (bytes + 1)
    }

    /// A name, or all names below it. `None`: longer than a name can be.
    ///
    /// `name` is lower-case, without a final dot and without `*.`.
    pub fn new(group: u16, name: &str, below: bool) -> Option<Self> {
        let mut key = Self::all(group);
        let mut length = 0;
        let end = if below { b'.' } else { NAME_END };
        for byte in name.bytes().rev().chain([end]) {
            *key.name.name.get_mut(length)? = byte;
            length += 1;
        }
        key.bits = TlsName::GROUP_BITS + 8 * length as u32;
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_name_ends_and_a_suffix_goes_on() {
        let key = |name, below| {
            let TlsKey { bits, name } = TlsKey::new(0x0102, name, below).expect("a name");
            let bytes = bits as usize / 8 - 2;
            (
                name.group,
                String::from_utf8_lossy(&name.name[..bytes]).into_owned(),
            )
        };
        assert_eq!(key("a.example", false), ([1, 2], "elpmaxe.a\0".into()));
        assert_eq!(key("example", true), ([1, 2], "elpmaxe.".into()));
    }

    #[test]
    fn the_longest_name_fits() {
        let longest = "a".repeat(253);
        let key = TlsKey::new(1, &longest, false).expect("it fits");
        assert_eq!(key.bits as usize, 8 * size_of::<TlsName>());
        assert_eq!(key.bits, TlsKey::bits_of(253));
        assert_eq!(TlsKey::new(1, &"a".repeat(254), false), None);
    }
}
