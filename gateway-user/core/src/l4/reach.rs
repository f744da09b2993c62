//! How the backends of a service are reached: through this node's routes, or on other nodes by
//! SNAT or DSR.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use gateway_common::{
    abi::{BY_DSR, BY_SNAT, Backend, NEAR},
    addr::Addr,
};

use crate::{
    endpoints::Endpoints,
    hash::stable,
    plan::{L4Mode, L4Service},
};

/// One way to a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Its replies pass this node, or it is on none that is known. `tagged`: outer headers that
    /// come here can name it.
    Near {
        tagged: bool,
    },
    Snat,
    /// In an outer header to this address of its node.
    Dsr(IpAddr),
}

/// Ways to all backends of a service.
#[derive(Debug)]
pub(super) struct Reach {
    /// Those on other nodes, and what their node takes outer headers at.
    far: BTreeMap<SocketAddr, Option<IpAddr>>,
    mode: L4Mode,
    /// Node and tag of backends seen before.
    taken: BTreeSet<(Option<IpAddr>, u32)>,
}

impl Reach {
    pub(super) fn new(service: &L4Service, mode: L4Mode, endpoints: &Endpoints) -> Self {
        let named = service.backends.iter().filter_map(|b| b.target.id());
        let far = named.flat_map(|id| endpoints.far(id));
        Self {
            far: far
                .map(|endpoint| (endpoint.address, endpoint.via))
                .collect(),
            mode,
            taken: BTreeSet::new(),
        }
    }

    /// The way to a backend. To be asked for in the order of addresses, on each node: of several
    /// backends with one tag on one node, the first has it, and the others are reached by SNAT.
    pub(super) fn way(&mut self, to: SocketAddr) -> Way {
        let mut first = |node| self.taken.insert((node, tag(to)));
        match (self.far.get(&to), self.mode) {
            (None, _) => Way::Near {
                tagged: first(None),
            },
            (Some(Some(node)), L4Mode::Dsr) if first(Some(*node)) => Way::Dsr(*node),
            (Some(_), _) => Way::Snat,
        }
    }
}

impl Way {
    /// Writes it into the backend's entry.
    pub(super) fn write(self, to: SocketAddr, backend: &mut Backend) {
        (backend.far, backend.node) = match self {
            Self::Near { .. } => (NEAR, Addr::default()),
            Self::Snat => (BY_SNAT, Addr::default()),
            Self::Dsr(node) => (BY_DSR, node.into()),
        };
        backend.tag = tag(to);
    }
}

/// What names a backend within its service and node: 16 bits, never 0; the same on every node and
/// in every version.
fn tag(to: SocketAddr) -> u32 {
    let address = stable(&Addr::from(to.ip()).bytes, 0);
    let hash = stable(&to.port().to_be_bytes(), address);
    (hash % 0xffff) as u32 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        endpoints::{Endpoint, Nodes, Tunnels},
        l4::testing::{endpoints, service},
    };

    fn at(host: u32) -> SocketAddr {
        SocketAddr::from((0x0a00_0000_u32.wrapping_add(host).to_be_bytes(), 80))
    }

    fn reach(hosts: &[u32], tunnels: &Tunnels, mode: L4Mode) -> Reach {
        let names: Vec<_> = hosts.iter().map(|host| at(*host).to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut all = endpoints(&[("a", &names)]);
        let nodes = hosts.iter().map(|host| (at(*host).ip(), "there".into()));
        let nodes = Nodes {
            of: nodes.collect(),
            ..Nodes::default()
        };
        all.seen_from("here", &nodes, tunnels);
        Reach::new(&service(&[("a", 1)]), mode, &all)
    }

    fn tunnels(at: &[&str]) -> Tunnels {
        let at = at.iter().map(|ip| ip.parse().expect("an address"));
        [("there".into(), at.collect())].into()
    }

    #[test]
    fn dsr_needs_the_mode_and_a_node_that_takes_it_in_the_family() {
        let node = "192.0.2.9".parse().expect("an address");
        for (at_node, mode, way) in [
            (
                &["192.0.2.9", "2001:db8::9"][..],
                L4Mode::Dsr,
                Way::Dsr(node),
            ),
            (&["192.0.2.9"], L4Mode::Snat, Way::Snat),
            (&["2001:db8::9"], L4Mode::Dsr, Way::Snat),
            (&[], L4Mode::Dsr, Way::Snat),
        ] {
            let mut reach = reach(&[1], &tunnels(at_node), mode);
            assert_eq!(reach.way(at(1)), way, "{at_node:?} {mode:?}");
            assert_eq!(reach.way(at(2)), Way::Near { tagged: true });
        }
    }

    /// Found by search: two addresses with one tag.
    #[test]
    fn of_two_backends_with_one_tag_the_second_is_reached_by_snat() {
        let mut seen = BTreeMap::new();
        let pair = (1..).find_map(|host| {
            let before = seen.insert(tag(at(host)), host)?;
            Some((before, host))
        });
        let (one, other) = pair.expect("more addresses than tags");
        let mut far = reach(&[one, other], &tunnels(&["192.0.2.9"]), L4Mode::Dsr);
        assert!(matches!(far.way(at(one)), Way::Dsr(_)));
        assert_eq!(far.way(at(other)), Way::Snat);
        let mut near = reach(&[], &Tunnels::new(), L4Mode::Dsr);
        assert_eq!(near.way(at(one)), Way::Near { tagged: true });
        assert_eq!(near.way(at(other)), Way::Near { tagged: false });
    }

    /// Nodes of two versions must agree.
    #[test]
    fn tags_never_change() {
        let tag = |text: &str| tag(text.parse().expect("an address and port"));
        let tags = ["10.0.0.1:80", "10.0.0.1:81", "[2001:db8::1]:80"].map(tag);
        assert_eq!(tags, [23_747, 33_072, 33_026]);
        assert!((1..2_000).all(|host| (1..=0xffff).contains(&super::tag(at(host)))));
    }

    #[test]
    fn endpoints_of_this_node_and_of_unknown_ones_are_near() {
        let mut all = endpoints(&[("a", &["10.0.0.1:80", "10.0.0.2:80"])]);
        let nodes = Nodes {
            of: [(at(1).ip(), "here".into())].into(),
            ..Nodes::default()
        };
        all.seen_from("here", &nodes, &tunnels(&["192.0.2.9"]));
        let is_near = |e: &Endpoint| !e.far && e.via.is_none();
        assert!(all.0.values().flatten().all(is_near));
    }
}
