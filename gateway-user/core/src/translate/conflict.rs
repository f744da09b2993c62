//! Listeners that cannot be told apart (API documentation of `GatewaySpec.listeners`).
//!
//! Within a Gateway none of them is served, nor within a ListenerSet. Of a Gateway and its
//! ListenerSets, the one with precedence keeps what it has (`ListenerSetSpec.listeners`); between
//! Gateways that share an address, the older Gateway with all its ListenerSets.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use super::{gateway::GatewayState, listener::ListenerState};
use crate::{
    api::{Listener, Open, Protocol},
    name::ObjectName,
    plan::{HostPattern, Transport},
    verdict::{ListenerVerdict, listener::Clash},
};

/// `gateways`: the oldest first.
pub(super) fn judge(gateways: &mut [GatewayState]) {
    for gateway in &mut *gateways {
        among(&mut gateway.listeners);
    }
    let mut claims = Claims::new();
    for gateway in gateways {
        between(gateway, &mut claims);
    }
}

/// All listeners that a Gateway serves, in the order of precedence.
fn among(listeners: &mut [ListenerState]) {
    let mut begin = 0;
    while let Some(owner) = listeners.get(begin).map(|first| first.owner) {
        let (before, rest) = listeners.split_at_mut(begin);
        let count = rest.iter().take_while(|l| l.owner.is_same(owner)).count();
        let own = &mut rest[..count];
        for listener in &mut *own {
            let mut lost = before.iter().filter_map(|other| preceded(listener, other));
            let lost = lost.next();
            listener.verdicts.extend(lost);
        }
        within(own);
        begin += count;
    }
}

/// Why `listener` cannot be served beside `other`, which precedes it, if so.
fn preceded(listener: &ListenerState, other: &ListenerState) -> Option<ListenerVerdict> {
    clash(listener, other).map(|clash| ListenerVerdict::Preceded {
        port: other.spec.port,
        other: other.label.clone(),
        clash,
    })
}

fn within(listeners: &mut [ListenerState]) {
    let verdicts: Vec<Vec<_>> = listeners
        .iter()
        .map(|listener| {
            let others = listeners
                .iter()
                .filter(|other| !std::ptr::eq(*other, listener));
            others
                .filter_map(|other| conflict(listener, other))
                .collect()
        })
        .collect();
    for (listener, verdicts) in listeners.iter_mut().zip(verdicts) {
        listener.verdicts.extend(verdicts);
    }
}

/// Why `listener` cannot be told from `other` of the same owner, if so.
fn conflict(listener: &ListenerState, other: &ListenerState) -> Option<ListenerVerdict> {
    let (name, port) = (other.label.clone(), other.spec.port);
    clash(listener, other).map(|clash| match clash {
        Clash::Protocol => ListenerVerdict::ProtocolConflict {
            other: name,
            port,
            protocol: other.spec.protocol.to_string(),
        },
        Clash::Port => ListenerVerdict::PortConflict { other: name, port },
        Clash::Hostname => ListenerVerdict::HostnameConflict { other: name },
    })
}

/// What keeps two listeners from being told apart, if anything.
fn clash(listener: &ListenerState, other: &ListenerState) -> Option<Clash> {
    let same_port =
        listener.spec.port == other.spec.port && listener.transport() == other.transport();
    if !same_port || !listener.is_accepted() || !other.is_accepted() {
        return None;
    }
    if !share_ports(&listener.spec.protocol, &other.spec.protocol) {
        return Some(Clash::Protocol);
    }
    if listener.is_l4() {
        return Some(Clash::Port);
    }
    (listener.hostname == other.hostname).then_some(Clash::Hostname)
}

/// Whether connections of these protocols can be told apart by host name, or are of one protocol.
/// Both HTTPS and TLS begin with a ClientHello, which has the name.
fn share_ports(a: &Open<Protocol>, b: &Open<Protocol>) -> bool {
    let secure = |p: &Open<Protocol>| matches!(p, Open::Known(Protocol::Https | Protocol::Tls));
    a == b || (secure(a) && secure(b))
}

/// A transport address in use, and by whom.
type Claims<'a> = BTreeMap<(IpAddr, Transport, u16), Claim<'a>>;

#[derive(Clone)]
struct Claim<'a> {
    gateway: ObjectName,
    listener: &'a Listener,
    label: Arc<str>,
    hostname: HostPattern,
}

fn between<'a>(gateway: &mut GatewayState<'a>, claims: &mut Claims<'a>) {
    let mut own = Claims::new();
    for listener in gateway.listeners.iter_mut().filter(|l| l.is_accepted()) {
        let (port, transport) = (listener.spec.port, listener.transport());
        let keys = gateway
            .addresses
            .iter()
            .map(|address| (*address, transport, port));
        let mut taken = keys
            .clone()
            .filter_map(|key| Some((key.0, claims.get(&key)?)));
        if let Some((address, claim)) = taken.next() {
            listener.verdicts.push(ListenerVerdict::PortTaken {
                address,
                port,
                gateway: claim.gateway.clone(),
                other: claim.label.clone(),
                clash: claim.clash(listener),
            });
            continue;
        }
        let claim = Claim {
            gateway: gateway.name.clone(),
            listener: listener.spec,
            label: listener.label.clone(),
            hostname: listener.hostname.clone(),
        };
        own.extend(keys.map(|key| (key, claim.clone())));
    }
    claims.extend(own);
}

impl Claim<'_> {
    fn clash(&self, other: &ListenerState) -> Clash {
        if !share_ports(&self.listener.protocol, &other.spec.protocol) {
            Clash::Protocol
        } else if !other.is_l4() && self.hostname == other.hostname {
            Clash::Hostname
        } else {
            Clash::Port
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::Gateway,
        translate::{Scope, Settings, listener, nearby::Nearby, owner::Owner},
        verdict::{ConditionType, Outcome, Verdict},
        world::World,
    };

    /// Reasons of `Conflicted` for two listeners of one Gateway, each a protocol, a port and a
    /// host name; also those that the CRDs' rules keep out of newer clusters.
    fn reasons(a: (&str, u16, &str), b: (&str, u16, &str)) -> Vec<&'static str> {
        let host = |h: &str| (!h.is_empty()).then(|| h.to_owned());
        let specs = [("a", a), ("b", b)].map(|(name, (protocol, port, hostname))| {
            serde_json::json!({
                "name": name, "protocol": protocol, "port": port, "hostname": host(hostname),
            })
        });
        let gateway: Gateway = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "g", "namespace": "n"},
            "spec": {"gatewayClassName": "c", "listeners": specs},
        }))
        .expect("a Gateway");
        let (world, settings) = (World::default(), Settings::default());
        let scope = Scope {
            world: &world,
            settings: &settings,
            nearby: &Nearby::new(&world),
            policies: &crate::translate::policy::Policies::new(&world),
        };
        let specs = gateway.spec.listeners.iter();
        let mut listeners: Vec<_> = specs
            .map(|spec| listener::judge(scope, Owner::of(&gateway), spec))
            .collect();
        within(&mut listeners);
        let outcomes = listeners
            .iter()
            .flat_map(|l| &l.verdicts)
            .flat_map(Verdict::outcomes);
        let conflicted = |o: &&Outcome| o.condition == ConditionType::Conflicted;
        outcomes.filter(conflicted).map(|o| o.reason).collect()
    }

    #[test]
    fn what_cannot_be_told_apart() {
        let both = |reason| vec![reason, reason];
        let cases = [
            (("HTTP", 80, "a.com"), ("HTTP", 80, "b.com"), vec![]),
            (("HTTP", 80, "a.com"), ("HTTP", 80, "*.a.com"), vec![]),
            (("HTTP", 80, ""), ("HTTP", 80, "a.com"), vec![]),
            (("HTTP", 80, "a.com"), ("HTTP", 81, "a.com"), vec![]),
            (
                ("HTTP", 80, "a.com"),
                ("HTTP", 80, "A.com."),
                both("HostnameConflict"),
            ),
            (("HTTP", 80, ""), ("HTTP", 80, ""), both("HostnameConflict")),
            (
                ("HTTP", 80, "a.com"),
                ("TCP", 80, ""),
                both("ProtocolConflict"),
            ),
            (
                ("HTTP", 80, "a.com"),
                ("HTTPS", 80, "b.com"),
                both("ProtocolConflict"),
            ),
            (("TCP", 80, ""), ("TCP", 80, ""), both("PortUnavailable")),
            (
                ("TCP", 80, "a.com"),
                ("TCP", 80, "b.com"),
                both("PortUnavailable"),
            ),
            (("UDP", 53, ""), ("UDP", 53, ""), both("PortUnavailable")),
            (("UDP", 53, ""), ("TCP", 53, ""), vec![]),
            (("TLS", 80, ""), ("TCP", 80, ""), both("ProtocolConflict")),
            (
                ("TLS", 80, "a.com"),
                ("HTTP", 80, "b.com"),
                both("ProtocolConflict"),
            ),
            (("TLS", 80, "a.com"), ("HTTPS", 80, "b.com"), vec![]),
            (("TLS", 80, "a.com"), ("TLS", 80, "*.com"), vec![]),
            (
                ("TLS", 80, "a.com"),
                ("HTTPS", 80, "a.com"),
                both("HostnameConflict"),
            ),
        ];
        for (a, b, expected) in cases {
            assert_eq!(reasons(a, b), expected, "{a:?} and {b:?}");
            assert_eq!(reasons(b, a), expected, "{b:?} and {a:?}");
        }
    }
}
