//! Listeners that terminate TLS for some of the same hosts (`OverlappingTLSConfig`, GEP-3567).

use super::{gateway::GatewayState, hostname, listener::ListenerState};
use crate::{
    api::Protocol,
    verdict::{ListenerVerdict, hint},
};

/// Tells each such listener about the others of its port. Ports are not shared between Gateways.
pub(super) fn judge(gateways: &mut [GatewayState]) {
    for gateway in gateways {
        let listeners = &gateway.listeners;
        let others: Vec<Vec<String>> = listeners.iter().map(|l| others(l, listeners)).collect();
        for (listener, others) in gateway.listeners.iter_mut().zip(others) {
            if !others.is_empty() {
                let others = hint::list(&others);
                listener.verdicts.push(ListenerVerdict::Overlap { others });
            }
        }
    }
}

fn others(listener: &ListenerState, all: &[ListenerState]) -> Vec<String> {
    let terminates = |l: &ListenerState| l.is_accepted() && l.spec.protocol.is(Protocol::Https);
    let overlapping = all.iter().filter(|other| {
        !std::ptr::eq(*other, listener)
            && terminates(listener)
            && terminates(other)
            && other.spec.port == listener.spec.port
            && hostname::overlap(&other.hostname, &listener.hostname)
    });
    overlapping
        .map(|other| other.spec.name.to_string())
        .collect()
}
