//! What the maps hold for TLS passthrough, of both families at once.

use gateway_common::{
    abi::{
        Address, BY_SNAT, Backend, FORWARD, FlowKey, Frontend, FrontendKey, KIND_TLS, LinkAddress,
        Service, Snat, TCP, TLS_NOBODY, TLS_PROXY, TlsKey, TlsSecret, TlsTarget,
    },
    pick,
};

use crate::{
    fixture::{CLIENT, NODE, ONE, UPLINK},
    frames::{End, Family, v4},
    path::{Config, INTERFACE},
};

/// The listener.
pub(crate) const TLS: End = (ONE.0, 443);
/// An address and port of the gateway that nothing listens on.
pub(crate) const NOBODY: End = (ONE.0, 444);
/// Endpoints of a service of this node and of others, in the order in which [`CLIENT`] gets them.
pub(crate) const NEAR: [End; 2] = [(v4(10, 1, 0, 7), 8443), (v4(10, 1, 0, 8), 8443)];
pub(crate) const FAR: [End; 2] = [(v4(10, 9, 0, 7), 8443), (v4(10, 9, 0, 9), 8443)];
/// Largest segment that the listener promises.
pub(crate) const MSS: u16 = 1400;
/// Most entries of each table of connections.
pub(crate) const MOST: u32 = 64;

pub(crate) const SECRET: TlsSecret = TlsSecret { key: [7, 8] };

pub(crate) struct Passthrough {
    pub(crate) config: Config,
    pub(crate) names: Vec<(TlsKey, TlsTarget)>,
}

pub(crate) fn key(family: Family, source: End, destination: End, direction: u16) -> FlowKey {
    let [(source, source_port), (destination, destination_port)] =
        [source, destination].map(|end| family.of(end));
    FlowKey {
        source: source.into(),
        destination: destination.into(),
        source_port,
        destination_port,
        protocol: TCP as u16,
        direction,
    }
}

pub(crate) fn frontend_key(family: Family, end: End) -> FrontendKey {
    let (address, port) = family.of(end);
    FrontendKey {
        address: address.into(),
        port: port.into(),
        protocol: TCP,
    }
}

/// A listener with the names of a family.
pub(crate) fn listener(family: Family) -> Frontend {
    Frontend {
        kind: KIND_TLS,
        service: group(family).into(),
        workers: 2,
        mss: MSS.into(),
        ..Frontend::default()
    }
}

const fn group(family: Family) -> u16 {
    match family {
        Family::V4 => 1,
        Family::V6 => 2,
    }
}

pub(crate) fn passthrough() -> Passthrough {
    let mut all = Passthrough {
        config: Config {
            uplinks: vec![(INTERFACE, LinkAddress::new(UPLINK))],
            ..Config::default()
        },
        names: Vec::new(),
    };
    for family in [Family::V4, Family::V6] {
        all.add(family);
    }
    all
}

impl Passthrough {
    fn add(&mut self, family: Family) {
        let config = &mut self.config;
        let listener = (frontend_key(family, TLS), listener(family));
        config.frontends.push(listener);
        let own = family.of(TLS).0.into();
        config.addresses.push((own, Address::new(true)));
        let (address, port) = family.of(NODE);
        config.snat.push(Snat {
            address: address.into(),
            first_port: port.into(),
            ports: 1,
            mtu: 1500,
            pad: 0,
        });
        let group = group(family);
        for (service, far, ends, name) in [
            (u32::from(group), 0, NEAR, "near.example"),
            (u32::from(group) + 2, BY_SNAT, FAR, "far.example"),
        ] {
            self.serve(family, service, far, ends);
            self.name(group, name, service);
        }
        self.name(group, "proxy.example", TLS_PROXY);
        self.name(group, "bare.example", TLS_NOBODY);
        self.name(group, "*.wild.example", group.into());
        self.name(group, "bare.wild.example", TLS_NOBODY);
    }

    /// A service whose first slot for the client is that of the first end.
    fn serve(&mut self, family: Family, service: u32, far: u32, ends: [End; 2]) {
        let config = &mut self.config;
        let (offset, size) = (config.slots.len() as u32, ends.len() as u32);
        let first = pick::slot(pick::hash(&key(family, CLIENT, TLS, FORWARD)), 0, size);
        let of = Service {
            maglev_offset: offset,
            maglev_size: size,
            backends: size,
            affinity: 0,
        };
        config.services.push((service, of));
        config.slots.resize((offset + size) as usize, 0);
        for (at, end) in (0..).zip(ends) {
            let id = offset + at + 1;
            let (address, port) = family.of(end);
            let backend = Backend {
                address: address.into(),
                port: port.into(),
                service,
                weight: 1,
                far,
                ..Backend::default()
            };
            config.backends.push((id, backend));
            config.slots[(offset + (first + at) % size) as usize] = id;
        }
    }

    fn name(&mut self, group: u16, name: &str, service: u32) {
        let below = name.strip_prefix("*.");
        let key = TlsKey::new(group, below.unwrap_or(name), below.is_some());
        let key = key.expect("a short name");
        let target = TlsTarget {
            name: self.names.len() as u64 + 1,
            service,
            ..TlsTarget::default()
        };
        self.names.push((key, target));
    }
}
