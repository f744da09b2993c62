//! Who else claims addresses of this node. Pure: times are arguments, since any fixed moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use super::MacAddress;

/// A claim that was not repeated for so long is over. Longer than the pause between our own
/// announcements, which a rival answers.
const MEMORY: Duration = Duration::from_secs(180);

/// The last claim to each address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conflicts {
    claims: BTreeMap<IpAddr, (MacAddress, Duration)>,
}

impl Conflicts {
    /// Somebody at `mac` says that `address` is there; whether that is news.
    pub fn note(&mut self, address: IpAddr, mac: MacAddress, now: Duration) -> bool {
        let before = self.claims.insert(address, (mac, now));
        before.is_none_or(|(known, _)| known != mac)
    }

    /// Forgets claims that are over, and those to addresses that are not `owned` any more; whether
    /// there were any.
    pub fn forget(&mut self, owned: &BTreeSet<IpAddr>, now: Duration) -> bool {
        let before = self.claims.len();
        self.claims.retain(|address, (_, seen)| {
            owned.contains(address) && now.saturating_sub(*seen) < MEMORY
        });
        self.claims.len() != before
    }

    /// Each address with who claims it.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, MacAddress)> {
        self.claims
            .iter()
            .map(|(address, (mac, _))| (*address, *mac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_news_once_and_end_in_silence_or_with_the_address() {
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let (rival, other) = (MacAddress([2; 6]), MacAddress([4; 6]));
        let both = [one, two].into();
        let at = Duration::from_secs;
        let mut conflicts = Conflicts::default();
        assert!(conflicts.note(one, rival, at(0)));
        assert!(!conflicts.note(one, rival, at(100)));
        assert!(conflicts.note(two, rival, at(100)));
        assert!(conflicts.note(two, other, at(101)));
        assert!(!conflicts.forget(&both, at(279)), "said again at 100");
        assert!(conflicts.forget(&both, at(280)));
        assert_eq!(conflicts.iter().collect::<Vec<_>>(), [(two, other)]);
        assert!(conflicts.forget(&[one].into(), at(102)), "given away");
        assert_eq!(conflicts, Conflicts::default());
    }
}
