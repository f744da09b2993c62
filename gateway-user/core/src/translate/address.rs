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
