//! What user space hears of drops.

use gateway_common::abi::{Counter, Event, FORWARD, FlowKey, TCP};

use crate::{
    fixture::{CLIENT, EMPTY, config},
    frames::{SYN, tcp},
    host::Host,
    kernel::Kernel,
    path::{Action, Hook, Path as _},
};

const DROPS: u64 = 100;

fn frame() -> Vec<u8> {
    tcp(CLIENT, EMPTY, SYN).frame()
}

fn expected() -> Event {
    let key = FlowKey {
        source: CLIENT.0.into(),
        destination: EMPTY.0.into(),
        source_port: CLIENT.1,
        destination_port: EMPTY.1,
        protocol: TCP as u16,
        direction: FORWARD,
    };
    Event {
        key,
        reason: Counter::RefuseNoBackend as u32,
        bytes: frame().len() as u32,
        ..Event::default()
    }
}

/// The data path hands over what it drops or has refused (here the stack does the latter), with
/// the packet's whole key, its reason and its size.
#[test]
fn the_data_path_tells_each_drop() {
    let mut host = Host::new(&config());
    assert_eq!(host.run(Hook::Ingress, &mut frame()), Action::Pass);
    assert_eq!(host.events, [expected()]);
}

/// A flood of drops is counted, but told once per CPU and tenth of a second.
#[test]
fn the_kernel_tells_drops_sparingly() {
    let mut kernel = Kernel::new(&config());
    for _ in 0..DROPS {
        assert_eq!(kernel.run(Hook::Ingress, &mut frame()), Action::Pass);
    }
    assert_eq!(kernel.counters().refuse_no_backend.packets, DROPS);
    let events = kernel.events();
    let cpus = aya::util::nr_cpus().expect("the number of CPUs");
    assert!(
        (1..=cpus).contains(&events.len()),
        "{} events on {cpus} CPUs",
        events.len()
    );
    assert!(
        events.iter().all(|&event| event == expected()),
        "{events:?}"
    );
}
