//! Server names of TLS passthrough as keys of the kernel's maps, where the longest match wins.

use std::collections::BTreeMap;

use gateway_common::abi::{NAME_END, TlsKey, TlsName, TlsTarget};

use crate::{hash::stable, plan::HostPattern};

/// A key of the hash or of the trie: which names of a group it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameKey {
    pub name: TlsName,
    /// Bits of `name` that count, the group's included.
    pub bits: u32,
}

/// Server names of all groups, with where they lead.
pub type NameTable = BTreeMap<NameKey, TlsTarget>;

impl NameKey {
    /// `None` for a pattern that is longer than any name: nobody asks for it.
    pub fn new(group: u16, pattern: &HostPattern) -> Option<Self> {
        let TlsKey { bits, name } = match pattern {
            HostPattern::Exact(name) => TlsKey::new(group, name, false)?,
            HostPattern::Suffix(name) => TlsKey::new(group, name, true)?,
            HostPattern::Any => TlsKey::all(group),
        };
        Some(Self { name, bits })
    }

    /// A key of the hash.
    pub fn exact(name: TlsName) -> Self {
        let bytes = name.name.iter().take_while(|byte| **byte != NAME_END);
        let bits = TlsKey::bits_of(bytes.count() as u32);
        Self { name, bits }
    }

    /// One name, so that it is a key of the hash.
    pub fn is_exact(&self) -> bool {
        self.reversed().last() == Some(&NAME_END)
    }

    /// What a client's server name is looked up with. `name` is lower-case and without a final
    /// dot; empty: the client sent none. `None`: longer than a name can be.
    pub fn asked(group: u16, name: &str) -> Option<Self> {
        let pattern = match name {
            "" => HostPattern::Any,
            name => HostPattern::Exact(name.into()),
        };
        Self::new(group, &pattern)
    }

    pub const fn group(&self) -> u16 {
        u16::from_be_bytes(self.name.group)
    }

    /// The names that it stands for.
    pub fn pattern(&self) -> HostPattern {
        let mut name = self.reversed().to_vec();
        let last = name.pop();
        name.reverse();
        let text = String::from_utf8_lossy(&name).into();
        match last {
            None => HostPattern::Any,
            Some(NAME_END) => HostPattern::Exact(text),
            Some(_) => HostPattern::Suffix(text),
        }
    }

    /// The entry that leads there; `service` as in [`TlsTarget::service`].
    pub fn leads_to(&self, service: u32) -> TlsTarget {
        TlsTarget {
            name: self.id(),
            service,
            pad: 0,
        }
    }

    /// What stands for the names, whatever the group, in connections that were found by them: a hash
    /// so wide that no two of some 100,000 share it.
    pub fn id(&self) -> u64 {
        stable(self.reversed(), 0).max(1)
    }

    /// The bytes of the name that count.
    fn reversed(&self) -> &[u8] {
        let bits = self.bits.saturating_sub(TlsName::GROUP_BITS);
        let bytes = (bits / 8) as usize;
        self.name.name.get(..bytes).unwrap_or(&self.name.name)
    }

    /// The same without its last byte; `None` where only the group is left.
    fn shorter(mut self) -> Option<Self> {
        let last = self.reversed().len().checked_sub(1)?;
        self.name.name[last] = 0;
        self.bits -= 8;
        Some(self)
    }
}

/// The entry that the kernel finds for `asked`: its longest prefix in the table. An exact name is the
/// longest that there can be, so that it makes no difference that the hash is asked first.
pub fn matching(names: &NameTable, asked: NameKey) -> Option<(&NameKey, &TlsTarget)> {
    prefixes(asked).find_map(|key| names.get_key_value(&key))
}

/// Which entry it was that the kernel found for `asked`, when it led there.
pub fn found_by(asked: NameKey, target: &TlsTarget) -> Option<NameKey> {
    prefixes(asked).find(|key| key.id() == target.name)
}

/// A key, and all that are shorter, down to its group alone.
fn prefixes(asked: NameKey) -> impl Iterator<Item = NameKey> {
    std::iter::successors(Some(asked), |key| key.shorter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pattern: &HostPattern) -> NameKey {
        NameKey::new(7, pattern).expect("it is short enough")
    }

    #[test]
    fn a_key_tells_its_pattern() {
        for pattern in [
            HostPattern::Exact("a.example.com".into()),
            HostPattern::Suffix("example.com".into()),
            HostPattern::Suffix("com".into()),
            HostPattern::Any,
        ] {
            let key = key(&pattern);
            let is_exact = matches!(pattern, HostPattern::Exact(_));
            assert_eq!(key.is_exact(), is_exact, "{pattern}");
            assert!(!is_exact || NameKey::exact(key.name) == key, "{pattern}");
            assert_eq!((key.group(), key.pattern()), (7, pattern));
        }
        let endless = HostPattern::Exact("a".repeat(254).into());
        assert_eq!(NameKey::new(7, &endless), None);
    }

    #[test]
    fn the_longest_prefix_is_the_most_specific_pattern() {
        let patterns = [
            HostPattern::Any,
            HostPattern::Suffix("com".into()),
            HostPattern::Suffix("example.com".into()),
            HostPattern::Exact("example.com".into()),
            HostPattern::Exact("a.example.com".into()),
        ];
        let entry = |(service, pattern)| {
            let key = key(pattern);
            (key, key.leads_to(service))
        };
        let mut names: NameTable = (0..).zip(&patterns).map(entry).collect();
        let found = |names: &NameTable, group, name| {
            let asked = NameKey::asked(group, name).expect("it is short enough");
            let (key, target) = matching(names, asked)?;
            assert_eq!(found_by(asked, target).as_ref(), Some(key), "{name:?}");
            Some(target.service)
        };
        for (name, service) in [
            ("", 0),
            ("org", 0),
            ("com", 0),
            ("b.com", 1),
            ("badexample.com", 1),
            ("b.example.com", 2),
            ("x.a.example.com", 2),
            ("example.com", 3),
            ("a.example.com", 4),
        ] {
            assert_eq!(found(&names, 7, name), Some(service), "{name:?}");
        }
        assert_eq!(found(&names, 8, "a.example.com"), None, "another group");
        names.remove(&key(&HostPattern::Any));
        assert_eq!(found(&names, 7, "org"), None);
        assert_eq!(found(&names, 7, ""), None);
    }
}
