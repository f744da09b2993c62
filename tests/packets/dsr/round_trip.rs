//! Two nodes on the host: what the gateway's node sends arrives on the backend's node, and the
//! client gets what it expects.

use gateway_common::abi::{FrontendKey, Origin, TCP};

use super::*;
use crate::{
    fixture::{config_of, tag_key},
    host::Host,
    path::{Action, Path as _},
    random::{Rng, seed},
};

const ROUNDS: usize = 20_000;

/// The gateway's node, and that of backend 5 with the same services.
fn nodes(family: Family) -> [Host; 2] {
    let (gateway, mut backend) = (config_of(family), config_of(family));
    for (id, value) in &mut backend.backends {
        if *id == 5 {
            value.far = 0;
        }
    }
    let slot = match family {
        Family::V4 => 0,
        Family::V6 => 1,
    };
    backend.snat[slot].address = family.of((OTHER_NODE, 0)).0.into();
    backend.tags = vec![(tag_key(5, DISTANT_TAG), 5)];
    let (address, port) = family.of(DISTANT);
    let endpoint = FrontendKey {
        address: address.into(),
        port: port.into(),
        protocol: TCP,
    };
    let (address, port) = family.of(DIRECT);
    let origin = Origin {
        address: address.into(),
        port: port.into(),
        shared: 0,
    };
    backend.origins.push((endpoint, origin));
    [Host::new(&gateway), Host::new(&backend)]
}

#[test]
fn what_one_node_wraps_the_other_serves() {
    let seed = seed("round trips");
    for family in [Family::V4, Family::V6] {
        let mut rng = Rng(seed);
        let [mut gateway, mut backend] = nodes(family);
        for round in 0..ROUNDS {
            let context = format!("seed {seed}, {family:?}, round {round}");
            let (request, reply) = exchange(&mut rng);
            let mut frame = request.within(family).frame();
            let action = gateway.run(Ingress, &mut frame);
            assert_eq!(action, Action::Pass, "{context}");
            assert_eq!(frame, onward(&request).frame(family), "{context}");
            let action = backend.run(Ingress, &mut frame);
            assert_eq!(action, Action::Pass, "{context}");
            let served = request.to(DISTANT).within(family).frame();
            assert_eq!(frame, served, "{context}");

            let mut frame = reply.from(DISTANT).within(family).frame();
            let action = backend.run(Egress, &mut frame);
            assert_eq!(action, Action::Pass, "{context}");
            assert_eq!(frame, reply.within(family).frame(), "{context}");
        }
        let [here, there] = [gateway.counters(), backend.counters()];
        assert_eq!(here.encapsulated.packets, ROUNDS as u64);
        assert_eq!(there.decapsulated.packets, ROUNDS as u64);
        assert_eq!(there.replied.packets, ROUNDS as u64);
    }
}

/// A request of some client, and a reply as the client expects it.
fn exchange(rng: &mut Rng) -> (Spec, Spec) {
    let host = rng.below(200) as u8;
    let client = (v4(10, 0, 1, host), 1_024 + rng.below(60_000) as u16);
    let is_tcp = rng.below(2) == 0;
    let [mut request, mut reply] = [(client, DIRECT), (DIRECT, client)].map(|(from, to)| {
        let mut spec = match is_tcp {
            true => tcp(from, to, rng.pick(&[ACK, ACK, SYN, FIN | ACK, RST])),
            false => udp(from, to),
        };
        spec.unsummed = rng.below(8) == 0;
        spec.payload = (0..rng.below(200)).map(|_| rng.below(256) as u8).collect();
        spec.class = rng.below(256) as u8;
        spec.hops = 2 + rng.below(250) as u8;
        spec
    });
    // IPv6 has no packets without a checksum of TCP; nor has IPv4.
    request.unsummed &= !is_tcp;
    reply.unsummed &= !is_tcp;
    (request, reply)
}
