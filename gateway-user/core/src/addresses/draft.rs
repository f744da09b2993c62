//! What a Gateway asks for, and what it has got so far.

use std::net::IpAddr;

use crate::{
    api::{core_kinds::Family, object::Labels},
    name::ObjectName,
    verdict::GatewayVerdict,
};

/// What one Gateway asks for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub gateway: ObjectName,
    pub labels: &'a Labels,
    pub namespace_labels: Labels,
    /// Particular addresses, in the order of `spec.addresses`, each once.
    pub asked: Vec<IpAddr>,
    /// How many of each family it asks for without saying which.
    pub automatic: usize,
    /// What its status says that it has.
    pub held: &'a [IpAddr],
    /// Whether it may get an address that it does not have: not while its class is refused.
    pub may_grow: bool,
}

/// A request while addresses are given out.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub request: &'a Request<'a>,
    /// Of those asked for.
    pub asked: Vec<IpAddr>,
    /// Of those not asked for by value.
    pub automatic: Vec<IpAddr>,
    pub verdicts: Vec<GatewayVerdict>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(request: &'a Request<'a>) -> Self {
        Self {
            request,
            asked: Vec::new(),
            automatic: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.asked.contains(&address) || self.automatic.contains(&address)
    }

    pub(super) fn asks_for(&self, address: IpAddr) -> bool {
        self.request.asked.contains(&address)
    }

    pub(super) fn holds(&self, address: IpAddr) -> bool {
        self.request.held.contains(&address)
    }

    /// Whether it still has a use for that address.
    pub(super) fn wants(&self, address: IpAddr) -> bool {
        !self.has(address) && (self.asks_for(address) || self.missing(Family::of(address)) > 0)
    }

    /// How many addresses of a family it still wants without saying which.
    pub(super) fn missing(&self, family: Family) -> usize {
        let of_family = self.automatic.iter().filter(|a| Family::of(**a) == family);
        self.request.automatic.saturating_sub(of_family.count())
    }

    pub(super) fn add(&mut self, address: IpAddr) {
        if self.asks_for(address) {
            self.asked.push(address);
        } else {
            self.automatic.push(address);
        }
    }

    /// Asked ones in the order in which they are asked for, then the others, IPv4 first.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let order = self.request.asked.iter();
        let mut addresses: Vec<IpAddr> =
            order.copied().filter(|a| self.asked.contains(a)).collect();
        let mut automatic = self.automatic.clone();
        automatic.sort_by_key(IpAddr::is_ipv6);
        addresses.extend(automatic);
        addresses
    }
}
