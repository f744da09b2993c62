//! A pool as allocation sees it: its addresses by family, and for whom they are.

use std::{net::IpAddr, sync::Arc};

use super::{draft::Request, space::Space};
use crate::api::{AddressPool, Selector, core_kinds::Family};

/// An AddressPool with its ranges put in order.
#[derive(Clone, Debug)]
pub struct Pool<'a> {
    pub(super) object: &'a AddressPool,
    v4: Space,
    v6: Space,
}

impl<'a> Pool<'a> {
    pub fn new(object: &'a AddressPool) -> Self {
        let ranges = &object.spec.addresses;
        Self {
            object,
            v4: Space::new(ranges, Family::V4),
            v6: Space::new(ranges, Family::V6),
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.object.meta.name
    }

    pub(super) fn space(&self, family: Family) -> &Space {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.space(Family::of(address)).contains(address)
    }

    pub(super) fn is_selective(&self) -> bool {
        let spec = &self.object.spec;
        spec.namespace_selector.is_some() || spec.gateway_selector.is_some()
    }

    /// Whether a Gateway may have its addresses, else the name of the field that says no.
    pub(super) fn allows(&self, request: &Request) -> Result<(), &'static str> {
        let spec = &self.object.spec;
        let fits = |selector: &Option<Selector>, labels| {
            selector.as_ref().is_none_or(|s| s.matches(labels))
        };
        if !fits(&spec.namespace_selector, &request.namespace_labels) {
            return Err("namespaceSelector");
        }
        if !fits(&spec.gateway_selector, request.labels) {
            return Err("gatewaySelector");
        }
        Ok(())
    }
}
