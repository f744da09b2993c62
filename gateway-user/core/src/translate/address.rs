//! Addresses of Gateways: what each asks for, and what it gets of the defaults and the pools.

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    Scope,
    age::age,
    gateway::{Foreign, GatewayState},
};
use crate::{
    addresses::{Request, allocate},
    api::{AddressPool, Gateway, gateway::AddressType},
    verdict::{ConditionType, GatewayVerdict, Verdict},
};

/// Fills in the addresses of all Gateways of ours. `served`: the oldest first. Returns the
/// addresses that nobody else can have.
pub(super) fn judge(
    scope: Scope,
    served: &mut [GatewayState],
    foreign: &mut [Foreign],
) -> BTreeSet<IpAddr> {
    let mut requests = Vec::new();
    for state in &mut *served {
        let asked = asked(state.gateway, &mut state.verdicts);
        requests.push(request(scope, state.gateway, asked, true));
    }
    // They lose nothing while their class is refused.
    let mut waiting: Vec<&mut Foreign> = foreign.iter_mut().filter(|f| f.ours).collect();
    for foreign in &waiting {
        let asked = asked(foreign.gateway, &mut Vec::new());
        requests.push(request(scope, foreign.gateway, asked, false));
    }
    let allocation = allocate(&pools(scope), &requests, &scope.settings.addressing);
    let mut allotments = allocation.allotments.into_iter();
    for (state, allotment) in served.iter_mut().zip(&mut allotments) {
        state.addresses = allotment.addresses;
        state.verdicts.extend(allotment.verdicts);
    }
    for (foreign, allotment) in waiting.iter_mut().zip(allotments) {
        foreign.addresses = allotment.addresses;
        let kept = allotment.verdicts.into_iter();
        let kept = kept.filter(|v| v.is_about(ConditionType::AddressesAssigned));
        foreign.verdicts.extend(kept);
    }
    allocation.taken
}

/// Every pool, the oldest first.
pub(super) fn pools<'a>(scope: Scope<'a>) -> Vec<&'a AddressPool> {
    let mut pools: Vec<_> = scope.world.pools.values().collect();
    pools.sort_by_cached_key(|pool| age(&pool.meta));
    pools
}

/// What `spec.addresses` says. A Gateway without any asks for one, as if with an empty entry.
struct Asked {
    addresses: Vec<IpAddr>,
    /// Entries without a value.
    automatic: usize,
}

fn asked(gateway: &Gateway, verdicts: &mut Vec<GatewayVerdict>) -> Asked {
    let mut asked = Asked {
        addresses: Vec::new(),
        automatic: usize::from(gateway.spec.addresses.is_empty()),
    };
    for (index, entry) in gateway.spec.addresses.iter().enumerate() {
        if !entry.kind.is(AddressType::IpAddress) {
            let kind = entry.kind.to_string();
            verdicts.push(GatewayVerdict::UnsupportedAddress { index, kind });
            continue;
        }
        let value = entry.value.as_ref().filter(|value| !value.is_empty());
        match value.map(|value| (value, value.parse::<IpAddr>())) {
            Some((_, Ok(address))) => {
                let address = address.to_canonical();
                if !asked.addresses.contains(&address) {
                    asked.addresses.push(address);
                }
            }
            Some((value, Err(_))) => verdicts.push(GatewayVerdict::MalformedAddress {
                index,
                value: value.clone(),
            }),
            None => asked.automatic += 1,
        }
    }
    asked
}

fn request<'a>(scope: Scope, gateway: &'a Gateway, asked: Asked, may_grow: bool) -> Request<'a> {
    Request {
        gateway: gateway.name(),
        labels: &gateway.meta.labels,
        namespace_labels: scope.world.namespace_labels(&gateway.meta.namespace),
        asked: asked.addresses,
        automatic: asked.automatic,
        held: &gateway.status.allocated,
        may_grow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        addresses::Addressing,
        translate::{Settings, translate},
        world::{Item, World},
    };

    const CLASS: &str = r#"{"metadata":{"name":"c"},
        "spec":{"controllerName":"xdp-gateway.dev/controller"}}"#;

    /// Addresses and reason of Programmed of a Gateway with `spec.addresses` of `asked`, with
    /// `defaults` as default addresses.
    fn judged(asked: &str, defaults: &[&str]) -> (Vec<String>, String) {
        let listener = r#"{"name":"http","port":80,"protocol":"HTTP"}"#;
        let gateway = format!(
            r#"{{"metadata":{{"name":"g","namespace":"n"}},"spec":
            {{"gatewayClassName":"c","listeners":[{listener}],"addresses":{asked}}}}}"#
        );
        let class = Item::GatewayClass(serde_json::from_str(CLASS).expect("a class"));
        let gateway = Item::Gateway(serde_json::from_str(&gateway).expect(asked));
        let defaults = defaults.iter().map(|d| d.parse().expect("an address"));
        let settings = Settings {
            addressing: Addressing::standalone(defaults.collect()),
            ..Settings::default()
        };
        let statuses = translate(&World::from_iter([class, gateway]), &settings).statuses;
        let status = &statuses.gateways[0].status;
        let addresses = status.addresses.iter().map(|a| a.value.clone());
        let programmed = status
            .conditions
            .iter()
            .find(|c| c.kind == ConditionType::Programmed);
        let reason = programmed.map(|c| c.reason.to_string()).unwrap_or_default();
        (addresses.collect(), reason)
    }

    #[test]
    fn addresses_are_given_once_and_the_usable_ones_are_used() {
        let cases = [
            ("[]", &[][..], &[][..], "AddressNotAssigned"),
            ("[]", &["10.0.0.9", "10.0.0.9"], &["10.0.0.9"], "Programmed"),
            (
                r#"[{"value":"10.0.0.1"}]"#,
                &["10.0.0.9"],
                &["10.0.0.1"],
                "Programmed",
            ),
            (
                r#"[{"value":"10.0.0.1"},{"value":"::ffff:10.0.0.1"}]"#,
                &[],
                &["10.0.0.1"],
                "Programmed",
            ),
            (
                r#"[{"type":"IPAddress"}]"#,
                &["10.0.0.9"],
                &["10.0.0.9"],
                "Programmed",
            ),
            (
                r#"[{"value":""}]"#,
                &["10.0.0.9"],
                &["10.0.0.9"],
                "Programmed",
            ),
            (r#"[{"type":"IPAddress"}]"#, &[], &[], "AddressNotAssigned"),
            (
                r#"[{"value":"web"},{"value":"::1"}]"#,
                &[],
                &["::1"],
                "AddressNotUsable",
            ),
        ];
        for (asked, defaults, addresses, reason) in cases {
            let found = judged(asked, defaults);
            let expected = addresses.iter().map(ToString::to_string).collect();
            assert_eq!(found, (expected, reason.to_owned()), "{asked}");
        }
    }
}
