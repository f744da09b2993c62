//! Rules for AddressPool.

use super::{Problems, listener::selector};
use crate::api::{AddressPool, path::Path};

pub(crate) fn pool(pool: &AddressPool, out: &mut Problems) {
    let spec = &pool.spec;
    let at = Path::spec();
    out.count(at.field("addresses"), spec.addresses.len(), 1..=64);
    let selectors = [
        ("namespaceSelector", &spec.namespace_selector),
        ("gatewaySelector", &spec.gateway_selector),
    ];
    for (name, given) in selectors {
        if let Some(given) = given {
            selector(&at.field(name), given, out);
        }
    }
}
