//! Ranges of IP addresses, as `spec.addresses` of an AddressPool writes them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::core_kinds::Family;

/// Addresses of one family from `first` to `last`, both included.
///
/// Written as a CIDR, as `first-last`, or as one address. Of a CIDR the addresses that are no
/// host's are left out: network and broadcast address of IPv4 (prefixes up to /30; RFC 3021 has
/// none in a /31), the Subnet-Router anycast address of IPv6 (prefixes up to /126; RFC 4291
/// section 2.6.1, RFC 6164). `first-last` is taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// Why a text is not a range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error(
        "{0:?} is not an address, a CIDR or a range: write 192.0.2.10, 192.0.2.0/24, \
         192.0.2.10-192.0.2.20, or the same of IPv6"
    )]
    Malformed(String),
    #[error("{text:?} has bits set after its prefix: did you mean {meant}?")]
    HostBits { text: String, meant: String },
    #[error("{0:?} mixes IPv4 and IPv6: write a range of each")]
    Mixed(String),
    #[error("{0:?} ends before it begins: swap the two addresses")]
    Backwards(String),
    #[error(
        "{0:?} has addresses that no host may have (multicast, loopback, unspecified, broadcast \
         or IPv4-mapped): leave those out"
    )]
    NoHost(String),
}

impl AddressRange {
    /// Addresses that are not a unicast address of a host, as far as a range must not touch them.
    const NO_HOSTS: [Self; 6] = [
        Self::v4([0, 0, 0, 0], [0, 255, 255, 255]),
        Self::v4([127, 0, 0, 0], [127, 255, 255, 255]),
        Self::v4([224, 0, 0, 0], [239, 255, 255, 255]),
        Self::v4([255, 255, 255, 255], [255, 255, 255, 255]),
        // Unspecified, loopback, IPv4-compatible and IPv4-mapped.
        Self::v6(0, 0xffff_ffff_ffff),
        Self::v6(0xff << 120, u128::MAX),
    ];

    const fn v4(first: [u8; 4], last: [u8; 4]) -> Self {
        let [a, b, c, d] = first;
        let [e, f, g, h] = last;
        Self {
            first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            last: IpAddr::V4(Ipv4Addr::new(e, f, g, h)),
        }
    }

    const fn v6(first: u128, last: u128) -> Self {
        Self {
            first: IpAddr::V6(Ipv6Addr::from_bits(first)),
            last: IpAddr::V6(Ipv6Addr::from_bits(last)),
        }
    }

    /// The range between two addresses of one family; the order does not matter.
    pub(crate) fn between(a: IpAddr, b: IpAddr) -> Self {
        debug_assert_eq!(Family::of(a), Family::of(b));
        Self {
            first: a.min(b),
            last: a.max(b),
        }
    }

    pub fn first(&self) -> IpAddr {
        self.first
    }

    pub fn last(&self) -> IpAddr {
        self.last
    }

    pub fn family(&self) -> Family {
        Family::of(self.first)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        (self.first..=self.last).contains(&address)
    }

    /// How many addresses it has.
    pub fn count(&self) -> u128 {
        // A range of everything is not one of hosts, so it cannot overflow.
        number(self.last) - number(self.first) + 1
    }

    /// The addresses of both.
    pub fn overlap(&self, other: &Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        let same = self.family() == other.family();
        (same && first <= last).then_some(Self { first, last })
    }
}

/// An address as a number.
pub(crate) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address that is `steps` after another; beyond the last of its family it wraps.
pub(crate) fn after(address: IpAddr, steps: u128) -> IpAddr {
    match address {
        // The lower 32 bits are what counts for IPv4.
        IpAddr::V4(a) => Ipv4Addr::from_bits(a.to_bits().wrapping_add(steps as u32)).into(),
        IpAddr::V6(a) => Ipv6Addr::from_bits(a.to_bits().wrapping_add(steps)).into(),
    }
}

impl FromStr for AddressRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let malformed = || RangeError::Malformed(text.to_owned());
        let address = |part: &str| part.trim().parse::<IpAddr>().map_err(|_| malformed());
        let range = if let Some((base, prefix)) = text.split_once('/') {
            let prefix = prefix.parse().map_err(|_| malformed())?;
            cidr(address(base)?, prefix, text)?
        } else if let Some((first, last)) = text.split_once('-') {
            let (first, last) = (address(first)?, address(last)?);
            if Family::of(first) != Family::of(last) {
                return Err(RangeError::Mixed(text.to_owned()));
            }
            if first > last {
                return Err(RangeError::Backwards(text.to_owned()));
            }
            Self { first, last }
        } else {
            let address = address(text)?;
            Self::between(address, address)
        };
        let reserved = Self::NO_HOSTS.iter().any(|r| r.overlap(&range).is_some());
        if reserved {
            return Err(RangeError::NoHost(text.to_owned()));
        }
        Ok(range)
    }
}

fn cidr(base: IpAddr, prefix: u32, text: &str) -> Result<AddressRange, RangeError> {
    let bits: u32 = if base.is_ipv4() { 32 } else { 128 };
    let Some(host_bits) = bits.checked_sub(prefix) else {
        return Err(RangeError::Malformed(text.to_owned()));
    };
    if prefix == 0 {
        return Err(RangeError::NoHost(text.to_owned()));
    }
    let rest = (1_u128 << host_bits) - 1;
    let set = number(base) & rest;
    if set != 0 {
        let network = after(base, set.wrapping_neg());
        let meant = format!("{network}/{prefix}");
        let text = text.to_owned();
        return Err(RangeError::HostBits { text, meant });
    }
    let last = after(base, rest);
    Ok(match (base, host_bits) {
        (_, 0 | 1) => AddressRange::between(base, last),
        (IpAddr::V4(_), _) => AddressRange::between(after(base, 1), after(base, rest - 1)),
        (IpAddr::V6(_), _) => AddressRange::between(after(base, 1), last),
    })
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.first != self.last {
            write!(f, "-{}", self.last)?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::AddressRange;

    #[test]
    fn what_texts_mean() {
        let cases = [
            ("192.0.2.7", "192.0.2.7", 1),
            ("192.0.2.10 - 192.0.2.20", "192.0.2.10-192.0.2.20", 11),
            ("192.0.2.0-192.0.2.255", "192.0.2.0-192.0.2.255", 256),
            ("192.0.2.0/24", "192.0.2.1-192.0.2.254", 254),
            ("192.0.2.4/30", "192.0.2.5-192.0.2.6", 2),
            ("192.0.2.4/31", "192.0.2.4-192.0.2.5", 2),
            ("192.0.2.4/32", "192.0.2.4", 1),
            ("10.0.0.0/8", "10.0.0.1-10.255.255.254", (1 << 24) - 2),
            ("2001:db8::/126", "2001:db8::1-2001:db8::3", 3),
            ("2001:db8::/127", "2001:db8::-2001:db8::1", 2),
            ("2001:db8::8/128", "2001:db8::8", 1),
            (
                "2001:db8::/64",
                "2001:db8::1-2001:db8::ffff:ffff:ffff:ffff",
                (1 << 64) - 1,
            ),
        ];
        for (text, shown, count) in cases {
            let range: AddressRange = text.parse().expect(text);
            assert_eq!((&*range.to_string(), range.count()), (shown, count));
        }
    }

    #[test]
    fn what_is_wrong_with_others() {
        let cases = [
            ("web", "is not an address"),
            ("192.0.2.0/33", "is not an address"),
            ("192.0.2.0/x", "is not an address"),
            ("2001:db8::/129", "is not an address"),
            ("192.0.2.1-2", "is not an address"),
            ("192.0.2.5/24", "did you mean 192.0.2.0/24?"),
            ("2001:db8::5/64", "did you mean 2001:db8::/64?"),
            ("192.0.2.1-2001:db8::1", "mixes"),
            ("192.0.2.9-192.0.2.1", "ends before it begins"),
            ("0.0.0.0/0", "no host"),
            ("::/0", "no host"),
            ("::ffff:10.0.0.1", "no host"),
            ("223.0.0.0-225.0.0.0", "no host"),
            ("255.255.255.255", "no host"),
            ("ff02::1", "no host"),
            ("127.0.0.0/8", "no host"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<AddressRange>().expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
