//! Listeners of TLS for some of the same hosts (`OverlappingTLSConfig`, GEP-3567).

use super::{gateway::GatewayState, hostname, listener::ListenerState};
use crate::{
    api::{Open, Protocol},
    verdict::{ListenerVerdict, hint},
};

const HTTPS: &str = "gets a 421 and has to connect anew";
/// Nothing looks into these connections here.
const TLS: &str = "reaches the backend of the former, which should answer with a 421";

/// Tells each such listener about the others of its port. Ports are not shared between Gateways.
pub(super) fn judge(gateways: &mut [GatewayState]) {
    for gateway in gateways {
        let listeners = &gateway.listeners;
        let others: Vec<Vec<String>> = listeners.iter().map(|l| others(l, listeners)).collect();
        for (listener, others) in gateway.listeners.iter_mut().zip(others) {
            if !others.is_empty() {
                let others = hint::list(&others);
                let effect = match listener.spec.protocol.is(Protocol::Https) {
                    true => HTTPS,
                    false => TLS,
                };
                let verdict = ListenerVerdict::Overlap { others, effect };
                listener.verdicts.push(verdict);
            }
        }
    }
}

fn others(listener: &ListenerState, all: &[ListenerState]) -> Vec<String> {
    let secure = |l: &ListenerState| {
        let protocol = &l.spec.protocol;
        l.is_accepted() && matches!(protocol, Open::Known(Protocol::Https | Protocol::Tls))
    };
    let overlapping = all.iter().filter(|other| {
        !std::ptr::eq(*other, listener)
            && secure(listener)
            && secure(other)
            && other.spec.port == listener.spec.port
            && hostname::overlap(&other.hostname, &listener.hostname)
    });
    overlapping.map(|other| other.label.to_string()).collect()
}
