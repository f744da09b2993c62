//! Which worker of the proxy takes a connection.

use gateway_common::{
    abi::{FORWARD, FlowKey, Frontend, KIND_PROXY, KIND_TLS, TCP, UDP},
    steer::{Steer, steer},
};

use crate::{
    fixture::{CLIENT, ONE, PROXY, config},
    frames::{End, v4},
    host::Host,
};

fn connection(source: End, destination: End, protocol: u32) -> FlowKey {
    FlowKey {
        source: source.0.into(),
        destination: destination.0.into(),
        source_port: source.1,
        destination_port: destination.1,
        protocol: protocol as u16,
        direction: FORWARD,
    }
}

/// Tables whose proxy frontend has so many workers.
fn host(workers: u32) -> Host {
    host_of(KIND_PROXY, workers)
}

/// The same with a frontend of another kind in its place.
fn host_of(kind: u32, workers: u32) -> Host {
    let mut config = config();
    for (_, frontend) in &mut config.frontends {
        if frontend.kind == KIND_PROXY {
            *frontend = Frontend {
                kind,
                workers,
                ..*frontend
            };
        }
    }
    Host::new(&config)
}

#[test]
fn a_connection_stays_with_its_worker_and_clients_spread_evenly() {
    let host = host(4);
    let mut workers = [0_u32; 4];
    for port in 0..4_000 {
        let client = (v4(10, 0, (port % 7) as u8, 1), 30_000 + port);
        let key = connection(client, PROXY, TCP);
        let worker = steer(&key, &host);
        assert_eq!(worker, steer(&key, &host));
        let Steer::Worker(worker) = worker else {
            panic!("{worker:?}: the proxy serves it");
        };
        workers[worker as usize] += 1;
    }
    // A quarter of 4,000, and 5 standard deviations to each side.
    assert!(
        workers.iter().all(|n| (863..=1137).contains(n)),
        "{workers:?}"
    );
}

/// What the kernel does not pass through is the proxy's.
#[test]
fn connections_to_a_listener_for_tls_passthrough_have_the_same_workers() {
    let (proxy, tls) = (host(4), host_of(KIND_TLS, 4));
    for port in 0..100 {
        let key = connection((CLIENT.0, port), PROXY, TCP);
        let worker = steer(&key, &tls);
        assert!(matches!(worker, Steer::Worker(_)), "{worker:?}");
        assert_eq!(worker, steer(&key, &proxy));
    }
}

#[test]
fn one_worker_takes_everything() {
    let host = host(1);
    for port in 0..100 {
        let key = connection((CLIENT.0, port), PROXY, TCP);
        assert_eq!(steer(&key, &host), Steer::Worker(0));
    }
}

#[test]
fn only_frontends_are_steered_and_none_of_layer_4_reaches_a_socket() {
    let other_port = (PROXY.0, PROXY.1 + 1);
    let other_address = (v4(203, 0, 113, 99), PROXY.1);
    let node = (v4(10, 0, 0, 99), PROXY.1);
    use Steer::{Node, Refuse};
    for (name, workers, key, taker) in [
        ("layer 4", 2, connection(CLIENT, ONE, TCP), Refuse),
        (
            "another port",
            2,
            connection(CLIENT, other_port, TCP),
            Refuse,
        ),
        ("the node itself", 2, connection(CLIENT, node, TCP), Node),
        (
            "another address",
            2,
            connection(CLIENT, other_address, TCP),
            Node,
        ),
        (
            "another protocol",
            2,
            connection(CLIENT, PROXY, UDP),
            Refuse,
        ),
        ("no worker yet", 0, connection(CLIENT, PROXY, TCP), Refuse),
    ] {
        assert_eq!(steer(&key, &host(workers)), taker, "{name}");
    }
}
