//! Addresses of a Gateway: those it asks for, or else the default ones.

use std::net::IpAddr;

use super::Scope;
use crate::{
    api::{Gateway, gateway::AddressType},
    verdict::GatewayVerdict,
};

/// Addresses in the order they are asked for, without repetitions.
pub(super) fn judge(scope: Scope, gateway: &Gateway) -> (Vec<IpAddr>, Vec<GatewayVerdict>) {
    let defaults = &scope.settings.default_addresses;
    let mut addresses = Vec::new();
    let mut verdicts = Vec::new();
    if gateway.spec.addresses.is_empty() {
        addresses.extend(defaults);
    }
    for (index, asked) in gateway.spec.addresses.iter().enumerate() {
        if !asked.kind.is(AddressType::IpAddress) {
            let kind = asked.kind.to_string();
            verdicts.push(GatewayVerdict::UnsupportedAddress { index, kind });
            continue;
        }
        match asked.value.as_ref().map(|value| (value, value.parse())) {
            Some((_, Ok(address))) => addresses.push(address),
            Some((value, Err(_))) => verdicts.push(GatewayVerdict::MalformedAddress {
                index,
                value: value.clone(),
            }),
            None => addresses.extend(defaults),
        }
    }
    if addresses.is_empty() && verdicts.is_empty() {
        verdicts.push(GatewayVerdict::NoAddress);
    }
    let mut seen = Vec::new();
    addresses.retain(|address: &IpAddr| {
        let new = !seen.contains(address);
        seen.push(*address);
        new
    });
    (addresses, verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        translate::{Settings, nearby::Nearby},
        world::World,
    };

    /// Judges a Gateway with `spec.addresses` of `asked`, with `default` as default address.
    fn judged(asked: &str, default: &[&str]) -> (Vec<String>, Vec<GatewayVerdict>) {
        let spec = format!(r#"{{"gatewayClassName":"c","listeners":[],"addresses":{asked}}}"#);
        let gateway = format!(r#"{{"metadata":{{}},"spec":{spec}}}"#);
        let gateway: Gateway = serde_json::from_str(&gateway).expect(asked);
        let world = World::default();
        let parse = |text: &&str| text.parse().expect("an address");
        let settings = Settings {
            default_addresses: default.iter().map(parse).collect(),
            ..Settings::default()
        };
        let scope = Scope {
            world: &world,
            settings: &settings,
            nearby: &Nearby::new(&world),
        };
        let (addresses, verdicts) = judge(scope, &gateway);
        (
            addresses.iter().map(ToString::to_string).collect(),
            verdicts,
        )
    }

    #[test]
    fn addresses_are_given_once_and_the_usable_ones_are_used() {
        let value = "web".into();
        let malformed = GatewayVerdict::MalformedAddress { index: 0, value };
        let cases = [
            ("[]", &[][..], &[][..], Some(GatewayVerdict::NoAddress)),
            ("[]", &["10.0.0.9", "10.0.0.9"], &["10.0.0.9"], None),
            (
                r#"[{"value":"10.0.0.1"}]"#,
                &["10.0.0.9"],
                &["10.0.0.1"],
                None,
            ),
            (
                r#"[{"value":"10.0.0.1"},{"value":"10.0.0.1"}]"#,
                &[],
                &["10.0.0.1"],
                None,
            ),
            (
                r#"[{"type":"IPAddress"}]"#,
                &["10.0.0.9"],
                &["10.0.0.9"],
                None,
            ),
            (
                r#"[{"type":"IPAddress"}]"#,
                &[],
                &[],
                Some(GatewayVerdict::NoAddress),
            ),
            (
                r#"[{"value":"web"},{"value":"::1"}]"#,
                &[],
                &["::1"],
                Some(malformed),
            ),
        ];
        for (asked, default, expected, verdict) in cases {
            let (addresses, verdicts) = judged(asked, default);
            assert_eq!(addresses, expected, "{asked}");
            assert_eq!(verdicts, Vec::from_iter(verdict), "{asked}");
        }
    }
}
