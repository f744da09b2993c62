//! What a listener's Gateway and Services ask for: silence, and affinity.

use std::collections::BTreeSet;

use gateway_common::abi::Counter::*;

use crate::{
    fixture::{CLIENT, EMPTY, TWO},
    frames::{ACK, SYN, tcp, udp, v4},
    path::{Hook::*, worlds_where},
    table::stays,
};

#[test]
fn where_the_gateway_is_silent_nobody_hears_that_there_is_no_backend() {
    let worlds = worlds_where(|config| {
        for (_, frontend) in &mut config.frontends {
            frontend.silent = 1;
        }
        // A share of one service leads nowhere, too: its references are invalid.
        config.slots = vec![1, 0, 0, 0, 0, 0, 0, 0, 4];
    });
    for mut world in worlds {
        let world = &mut world;
        for flags in [SYN, ACK] {
            let segment = tcp(CLIENT, EMPTY, flags);
            stays("no backend", Ingress, &segment, &[DropUnserved]).check_in(world);
        }
        let query = udp(CLIENT, TWO);
        stays("invalid share", Ingress, &query, &[DropUnserved]).check_in(world);
    }
}

/// Backends that clients get from as many ports.
#[test]
fn with_affinity_a_client_gets_one_backend_whatever_its_ports() {
    for (affinity, backends_of_one) in [(1, 1), (0, 2)] {
        let worlds = worlds_where(|config| {
            for (_, service) in &mut config.services {
                service.affinity = affinity;
            }
        });
        for mut world in worlds {
            let (path, family) = (&mut world.path, world.family);
            let mut all = BTreeSet::new();
            for client in 1..=8 {
                let mut seen = BTreeSet::new();
                for port in 0..32_u16 {
                    let client = (v4(10, 0, 0, client), 40_000 + 97 * port);
                    let mut frame = tcp(client, TWO, SYN).within(family).frame();
                    path.run(Ingress, &mut frame);
                }
                for (_, flow) in path.flows() {
                    seen.insert(flow.backend);
                }
                for (key, _) in path.flows() {
                    path.remove_flow(&key);
                }
                assert_eq!(seen.len(), backends_of_one, "client {client}: {seen:?}");
                all.extend(seen);
            }
            assert_eq!(all.len(), 2, "clients spread");
        }
    }
}
