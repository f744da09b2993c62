//! Where addresses are given out: the pools, and who has what.

use std::net::IpAddr;

use super::{Addressing, draft::Draft, pool::Pool, space::Taken};
use crate::{
    api::core_kinds::Family,
    hash,
    name::ObjectName,
    verdict::{GatewayVerdict, hint},
};

/// Spreads Gateways over a pool differently from other uses of their names.
const SEED: u64 = 0x0061_6464_7265_7373;

pub(super) struct Desk<'a> {
    /// In the order in which they are tried.
    pub pools: &'a [Pool<'a>],
    pub addressing: &'a Addressing,
    /// With the Gateway that has it; `None`: a default address.
    pub taken: Taken<Option<ObjectName>>,
}

impl Desk<'_> {
    /// Gives what the Gateway has and wants, and a pool has for it. Who may not decide takes the
    /// word of whoever wrote the status.
    pub(super) fn keep(&mut self, draft: &mut Draft) {
        for &address in draft.request.held {
            let fine = !self.addressing.may_allocate || self.pool_of(address, draft).is_some();
            if fine && draft.wants(address) {
                self.take(address, draft);
            }
        }
    }

    /// Gives the addresses that it asks for by value, or says why not.
    pub(super) fn give_asked(&mut self, draft: &mut Draft) {
        for address in draft.request.asked.clone() {
            if draft.has(address) {
                continue;
            }
            let shared = self.addressing.defaults.contains(&address)
                || self.addressing.without_pools && self.pools.is_empty();
            if shared {
                draft.add(address);
            } else if !self.addressing.may_allocate {
                draft.verdicts.push(GatewayVerdict::AddressPending);
            } else if self.pool_of(address, draft).is_some() {
                if draft.request.may_grow && !self.take(address, draft) {
                    let verdict = self.taken_by_another(address);
                    draft.verdicts.extend(verdict);
                }
            } else if !draft.holds(address) {
                draft.verdicts.push(self.unusable(address, draft));
            }
        }
    }

    /// Gives what it has and wants, although no pool has it for this Gateway any more.
    pub(super) fn keep_outside(&mut self, draft: &mut Draft) {
        if !self.addressing.may_allocate {
            return;
        }
        for &address in draft.request.held {
            let outside = self.pool_of(address, draft).is_none();
            if outside
                && draft.wants(address)
                && !self.take(address, draft)
                && draft.asks_for(address)
            {
                let verdict = self.taken_by_another(address);
                draft.verdicts.extend(verdict);
            }
        }
    }

    /// Gives free addresses to a Gateway that asks for some without saying which.
    pub(super) fn give_any(&mut self, draft: &mut Draft) {
        if draft.request.automatic == 0 {
            return;
        }
        if !self.addressing.defaults.is_empty() {
            for &address in &self.addressing.defaults {
                if !draft.has(address) {
                    draft.automatic.push(address);
                }
            }
            return;
        }
        if !draft.request.may_grow {
            return;
        }
        if !self.addressing.may_allocate {
            if draft.automatic.is_empty() {
                draft.verdicts.push(GatewayVerdict::AddressPending);
            }
            return;
        }
        let exhausted = [Family::V4, Family::V6]
            .into_iter()
            .filter(|family| !self.give_family(*family, draft));
        let exhausted: Vec<Family> = exhausted.collect();
        let none = draft.automatic.is_empty();
        for family in &exhausted {
            let pools = self.names(draft, |pool| offers(pool, *family, draft));
            let family = *family;
            draft.verdicts.push(if none {
                GatewayVerdict::PoolsExhausted { family, pools }
            } else {
                GatewayVerdict::FamilyExhausted { family, pools }
            });
        }
        if none && exhausted.is_empty() {
            draft.verdicts.push(self.no_pool(draft));
        }
    }

    /// Whether it has what it wants of a family, or no pool offers that family.
    fn give_family(&mut self, family: Family, draft: &mut Draft) -> bool {
        let name = draft.request.gateway.to_string();
        let high = u128::from(hash::stable(name.as_bytes(), SEED));
        let low = u128::from(hash::stable(name.as_bytes(), !SEED));
        let position = high << 64 | low;
        let pools = self.pools;
        let offering = pools.iter().filter(|pool| offers(pool, family, draft));
        let spaces: Vec<_> = offering.map(|pool| pool.space(family)).collect();
        if spaces.is_empty() {
            return true;
        }
        while draft.missing(family) > 0 {
            let mut free = spaces.iter().filter_map(|s| s.free(position, &self.taken));
            let Some(address) = free.next() else {
                return false;
            };
            self.take(address, draft);
        }
        true
    }

    /// Notes that the Gateway has the address, unless another has.
    fn take(&mut self, address: IpAddr, draft: &mut Draft) -> bool {
        if self.taken.contains_key(&address) {
            return false;
        }
        let owner = draft.request.gateway.clone();
        self.taken.insert(address, Some(owner));
        draft.add(address);
        true
    }

    /// The first pool that has the address for this Gateway.
    pub(super) fn pool_of(&self, address: IpAddr, draft: &Draft) -> Option<&Pool<'_>> {
        let mut having = self.pools.iter().filter(|pool| pool.has(address));
        having.find(|pool| pool.allows(draft.request).is_ok())
    }

    fn taken_by_another(&self, address: IpAddr) -> Option<GatewayVerdict> {
        let by = self.taken.get(&address)?.clone()?;
        Some(GatewayVerdict::AddressTaken { address, by })
    }

    /// Why an address may not be had.
    fn unusable(&self, address: IpAddr, draft: &Draft) -> GatewayVerdict {
        let having = self.pools.iter().filter(|pool| pool.has(address));
        let refusals = having.filter_map(|pool| {
            let field = pool.allows(draft.request).err()?;
            Some(format!(
                "the {field} of AddressPool \"{}\" leaves it out",
                pool.name()
            ))
        });
        let refusals: Vec<String> = refusals.collect();
        if refusals.is_empty() {
            let pools = match self.pools.is_empty() {
                true => "there is none".to_owned(),
                false => self.names(draft, |_| true),
            };
            GatewayVerdict::AddressInNoPool { address, pools }
        } else {
            let pools = refusals.join(", ");
            GatewayVerdict::AddressNotAllowed { address, pools }
        }
    }

    /// Why no pool offers anything.
    fn no_pool(&self, draft: &Draft) -> GatewayVerdict {
        if self.pools.is_empty() {
            return GatewayVerdict::NoAddress;
        }
        let reasons = self.pools.iter().map(|pool| {
            let name = pool.name();
            match pool.allows(draft.request) {
                Err(field) => format!("the {field} of \"{name}\" leaves it out"),
                Ok(()) => format!("\"{name}\" has autoAssign: false, so name one of its addresses in spec.addresses"),
            }
        });
        let pools = reasons.collect::<Vec<_>>().join(", ");
        GatewayVerdict::NoPoolFits { pools }
    }

    /// Pools that are for this Gateway, with their size.
    fn names(&self, draft: &Draft, good: impl Fn(&Pool) -> bool) -> String {
        let allowed = |pool: &&Pool| pool.allows(draft.request).is_ok() && good(pool);
        let names = self.pools.iter().filter(allowed).map(Pool::name);
        let names: Vec<_> = names.collect();
        match names.is_empty() {
            true => "no AddressPool is for this Gateway".to_owned(),
            false => format!("AddressPool {}", hint::list(&names)),
        }
    }
}

/// Whether a Gateway that names no address gets one there.
fn offers(pool: &Pool, family: Family, draft: &Draft) -> bool {
    let some = !pool.space(family).is_empty();
    some && pool.object.spec.auto_assign && pool.allows(draft.request).is_ok()
}
