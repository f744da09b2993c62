//! The tables that all rows share.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gateway_common::{
    abi::{
        Address, BY_DSR, BY_SNAT, Backend, Frontend, FrontendKey, KIND_L4, KIND_PROXY, LinkAddress,
        Origin, Service, Snat, TCP, TagKey, UDP,
    },
    addr::Addr,
};

use crate::{
    frames::{End, Family, v4},
    path::{Config, INTERFACE},
};

pub(crate) const CLIENT: End = (v4(10, 0, 0, 1), 40_000);
/// TCP and UDP, one backend.
pub(crate) const ONE: End = (v4(203, 0, 113, 1), 80);
/// TCP, the same backend behind another address.
pub(crate) const SAME: End = (v4(203, 0, 113, 2), 80);
/// TCP and UDP, two backends.
pub(crate) const TWO: End = (v4(203, 0, 113, 3), 53);
/// TCP, a service without backends.
pub(crate) const EMPTY: End = (v4(203, 0, 113, 4), 80);
/// TCP, served by the proxy.
pub(crate) const PROXY: End = (v4(203, 0, 113, 1), 8080);

/// TCP and UDP, one backend, which is far.
pub(crate) const REMOTE: End = (v4(203, 0, 113, 1), 90);
/// What far backends see as their client.
pub(crate) const NODE: End = (v4(192, 0, 2, 10), 61_000);
/// Backend 4, behind `REMOTE`.
pub(crate) const FAR: End = (v4(10, 9, 0, 7), 9090);

/// TCP and UDP, one backend, which is on another node and is reached by DSR.
pub(crate) const DIRECT: End = (v4(203, 0, 113, 1), 91);
/// Backend 5, behind `DIRECT`, its node and its tag.
pub(crate) const DISTANT: End = (v4(10, 9, 0, 8), 9091);
pub(crate) const OTHER_NODE: IpAddr = v4(192, 0, 2, 11);
pub(crate) const DISTANT_TAG: u16 = 0xbeef;
/// Tags of backends 2 and 3, which are on this node, for service 2.
pub(crate) const TAGS: [u16; 2] = [0x0102, 0x0203];
/// Of the link that `NODE` is on.
pub(crate) const MTU: u32 = 1500;

/// Of the interface that frames arrive on.
pub(crate) const UPLINK: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Addresses that this node answers for; the first is `ONE`'s.
pub(crate) const OURS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
pub(crate) const OURS_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xab, 0xcd01);
/// Addresses that another node answers for; the first is `TWO`'s.
pub(crate) const THEIRS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 3);
pub(crate) const THEIRS_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xab, 0xcd02);

/// Backends 1, 2 and 3.
pub(crate) const BACKENDS: [End; 3] = [
    (v4(10, 1, 0, 7), 8080),
    (v4(10, 1, 0, 8), 8080),
    (v4(10, 2, 255, 9), 53),
];

pub(crate) fn backend((address, port): End) -> Backend {
    Backend {
        address: address.into(),
        port: port.into(),
        service: 1,
        weight: 1,
        ..Backend::default()
    }
}

/// By id.
fn backends(family: Family) -> Vec<(u32, Backend)> {
    let far = Backend {
        service: 4,
        far: BY_SNAT,
        ..backend(family.of(FAR))
    };
    let direct = Backend {
        service: 5,
        far: BY_DSR,
        node: family.of((OTHER_NODE, 0)).0.into(),
        tag: DISTANT_TAG.into(),
        ..backend(family.of(DISTANT))
    };
    let near = [(1, 0), (2, 1), (2, 2)].map(|(service, at)| Backend {
        service,
        ..backend(family.of(BACKENDS[at]))
    });
    (1..).zip(near.into_iter().chain([far, direct])).collect()
}

/// How far backends are reached, over this family: one port, so that rows can name it.
fn snat(family: Family) -> Snat {
    let (address, port) = family.of(NODE);
    Snat {
        address: address.into(),
        first_port: port.into(),
        ports: 1,
        mtu: MTU,
        pad: 0,
    }
}

pub(crate) fn tag_key(service: u32, tag: u16) -> TagKey {
    let tag = tag.into();
    TagKey { service, tag }
}

/// TCP of backend 1 has two frontends, all else near by has one.
fn origins(family: Family) -> [(FrontendKey, Origin); 6] {
    let origin = |at: usize, protocol, frontend, shared| {
        let ((address, port), frontend) = (family.of(BACKENDS[at]), family.of(frontend));
        let endpoint = FrontendKey {
            address: address.into(),
            port: port.into(),
            protocol,
        };
        let origin = Origin {
            address: frontend.0.into(),
            port: frontend.1.into(),
            shared,
        };
        (endpoint, origin)
    };
    [
        origin(0, TCP, ONE, 1),
        origin(0, UDP, ONE, 0),
        origin(1, TCP, TWO, 0),
        origin(1, UDP, TWO, 0),
        origin(2, TCP, TWO, 0),
        origin(2, UDP, TWO, 0),
    ]
}

/// Those that this node answers for, and those of another.
fn addresses(family: Family) -> Vec<(Addr, Address)> {
    vec![
        (IpAddr::V4(OURS).into(), Address::new(true)),
        (IpAddr::V6(OURS_V6).into(), Address::new(true)),
        (family.of(ONE).0.into(), Address::new(true)),
        (IpAddr::V4(THEIRS).into(), Address::new(false)),
        (IpAddr::V6(THEIRS_V6).into(), Address::new(false)),
        (family.of(TWO).0.into(), Address::new(false)),
    ]
}

pub(crate) fn config() -> Config {
    config_of(Family::V4)
}

/// The same tables with addresses of one family; those for ARP and neighbour discovery are of both.
pub(crate) fn config_of(family: Family) -> Config {
    let l4 = |service| Frontend {
        kind: KIND_L4,
        service,
        ..Frontend::default()
    };
    let key = |end: End, protocol| {
        let (address, port) = family.of(end);
        FrontendKey {
            address: address.into(),
            port: port.into(),
            protocol,
        }
    };
    let service = |maglev_offset, maglev_size, backends| Service {
        maglev_offset,
        maglev_size,
        backends,
        affinity: 0,
    };
    let proxy = Frontend {
        kind: KIND_PROXY,
        workers: 2,
        ..Frontend::default()
    };
    Config {
        frontends: vec![
            (key(ONE, TCP), l4(1)),
            (key(ONE, UDP), l4(1)),
            (key(SAME, TCP), l4(1)),
            (key(TWO, TCP), l4(2)),
            (key(TWO, UDP), l4(2)),
            (key(EMPTY, TCP), l4(3)),
            (key(PROXY, TCP), proxy),
            (key(REMOTE, TCP), l4(4)),
            (key(REMOTE, UDP), l4(4)),
            (key(DIRECT, TCP), l4(5)),
            (key(DIRECT, UDP), l4(5)),
        ],
        services: vec![
            (1, service(0, 1, 1)),
            (2, service(1, 7, 2)),
            (3, service(8, 0, 0)),
            (4, service(8, 1, 1)),
            (5, service(9, 1, 1)),
        ],
        slots: vec![1, 2, 3, 2, 3, 2, 3, 2, 4, 5],
        tags: (2..)
            .zip(TAGS)
            .map(|(id, tag)| (tag_key(2, tag), id))
            .collect(),
        backends: backends(family),
        origins: origins(family).into(),
        addresses: addresses(family),
        uplinks: vec![(INTERFACE, LinkAddress::new(UPLINK))],
        snat: [Family::V4, Family::V6].map(snat).to_vec(),
    }
}
