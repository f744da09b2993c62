//! The maps, clock and counters as the data path asks for them.

use aya_ebpf::{bindings::BPF_ANY, helpers::bpf_jiffies64};
use gateway_common::{
    abi::{
        Address, Backend, Counter, Flow, FlowKey, Frontend, FrontendKey, LinkAddress, Origin,
        Service, Snat, TagKey,
    },
    addr::Addr,
    maps::{EVENT_GATE_CLAIMS, EVENT_GATE_DROPS},
    tables::{Claim, Tables, Traffic},
};

use crate::{
    events::{gate, tell},
    maps::{
        ADDRESSES, BACKENDS, FLOWS, FRESH, FRONTENDS, MAGLEV, ORIGINS, SERVICES, SNAT, SPLICES,
        TAGS, TIES, UPLINKS,
    },
    served, stats,
};

/// Jiffies in a second. The loader sets it; no kernel ticks as slowly as this, so that tests see
/// where it did not.
#[unsafe(no_mangle)]
static HZ: u32 = 1;

/// Stands for all maps, which are statics.
///
/// Values are shared with other CPUs: whole fields are read and written, and the race between
/// two writers can lose a time stamp or a closing bit, never a rewrite, for those fields do not
/// change after the entry is made.
pub(crate) struct World;

impl Tables for World {
    #[inline(always)]
    fn may_serve(&self, destination: &Addr) -> bool {
        served::address(destination)
    }

    #[inline(always)]
    fn may_reply(&self, key: &FlowKey) -> bool {
        served::endpoint(key)
    }

    #[inline(always)]
    fn may_splice(&self, address: &Addr, port: u16) -> bool {
        served::tls(address, port)
    }

    #[inline(always)]
    fn frontend(&self, key: &FrontendKey) -> Option<&Frontend> {
        // SAFETY: see the type. The same for the lookups below.
        unsafe { FRONTENDS.get(key) }
    }

    #[inline(always)]
    fn service(&self, id: u32) -> Option<&Service> {
        // SAFETY: as above.
        unsafe { SERVICES.get(id) }
    }

    #[inline(always)]
    fn slot(&self, slot: u32) -> Option<u32> {
        MAGLEV.get(slot).copied()
    }

    #[inline(always)]
    fn backend(&self, id: u32) -> Option<&Backend> {
        // SAFETY: as above.
        unsafe { BACKENDS.get(id) }
    }

    #[inline(always)]
    fn tagged(&self, key: &TagKey) -> Option<u32> {
        // SAFETY: as above.
        unsafe { TAGS.get(key).copied() }
    }

    #[inline(always)]
    fn origin(&self, endpoint: &FrontendKey) -> Option<&Origin> {
        // SAFETY: as above.
        unsafe { ORIGINS.get(endpoint) }
    }

    #[inline(always)]
    fn address(&self, address: &Addr) -> Option<&Address> {
        // SAFETY: as above.
        unsafe { ADDRESSES.get(address) }
    }

    #[inline(always)]
    fn is_spliced(&self, key: &FlowKey) -> bool {
        SPLICES.get_ptr(key).is_some()
    }

    #[inline(always)]
    fn is_tied(&self, key: &FlowKey) -> bool {
        TIES.get_ptr(key).is_some()
    }

    #[inline(always)]
    fn uplink(&self, interface: u32) -> Option<&LinkAddress> {
        // SAFETY: as above.
        unsafe { UPLINKS.get(interface) }
    }

    #[inline(always)]
    fn snat(&self, slot: u32) -> Option<&Snat> {
        SNAT.get(slot)
    }

    #[inline(always)]
    fn flow(&self, key: &FlowKey) -> Option<&Flow> {
        // SAFETY: as above.
        unsafe { FLOWS.get(key) }
    }

    #[inline(always)]
    fn fresh(&self, key: &FlowKey) -> Option<&Flow> {
        // SAFETY: as above.
        unsafe { FRESH.get(key) }
    }

    #[inline(always)]
    fn mark(&mut self, key: &FlowKey, state: u32, now: u32) -> bool {
        let Some(flow) = FLOWS.get_ptr_mut(key).or_else(|| FRESH.get_ptr_mut(key)) else {
            return false;
        };
        // SAFETY: a live map value, its fields written whole.
        unsafe {
            (*flow).last_seen = now;
            (*flow).state |= state;
        }
        true
    }

    #[inline(always)]
    fn insert(&mut self, key: &FlowKey, flow: &Flow) -> bool {
        let done = match flow.is_established() {
            true => FLOWS.insert(key, flow, u64::from(BPF_ANY)),
            false => FRESH.insert(key, flow, u64::from(BPF_ANY)),
        };
        done.is_ok()
    }

    #[inline(always)]
    fn forget(&mut self, key: &FlowKey) {
        // What is gone already is as it should be.
        let _ = FLOWS.remove(key);
    }

    #[inline(always)]
    fn forget_fresh(&mut self, key: &FlowKey) {
        // As above.
        let _ = FRESH.remove(key);
    }

    #[inline(always)]
    fn now(&self) -> u32 {
        // SAFETY: the helper has no precondition.
        unsafe { bpf_jiffies64() as u32 }
    }

    #[inline(always)]
    fn hz(&self) -> u32 {
        // SAFETY: a valid static; volatile, because the loader changes its value.
        unsafe { core::ptr::read_volatile(&raw const HZ) }
    }

    #[inline(always)]
    fn count(&mut self, counter: Counter, bytes: u64) {
        stats::count(counter, bytes);
    }

    #[inline(always)]
    fn credit(&mut self, backend: u32, traffic: Traffic, bytes: u64) {
        stats::credit(backend, traffic, bytes);
    }

    #[inline(always)]
    fn report(&mut self, reason: Counter, key: &FlowKey, bytes: u64) {
        if gate(EVENT_GATE_DROPS, self.now(), self.hz()) {
            tell(*key, reason, bytes, [0; 3]);
        }
    }

    #[inline(always)]
    fn dispute(&mut self, reason: Counter, claim: &Claim, bytes: u64) {
        if gate(EVENT_GATE_CLAIMS, self.now(), self.hz()) {
            tell(claim.key(), reason, bytes, claim.mac);
        }
    }
}
