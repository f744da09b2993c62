//! What the data path asks of the world: maps, clock and counters.

use crate::{
    abi::{
        Address, Backend, BackendStats, Counter, Flow, FlowKey, Frontend, FrontendKey, LinkAddress,
        Mac, Origin, Service, Snat, TagKey,
    },
    addr::Addr,
    header::{ACCEPTS, OPENS, Signal},
    maps::{SNAT_V4, SNAT_V6},
};

/// Which way a packet of a backend went, with what it says, or what it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    Request,
    Reply(Signal),
    /// Not a packet: a new flow, by one that says this.
    Opened(Signal),
}

impl BackendStats {
    /// `bytes` of the frame.
    ///
    /// Without branches on what a packet says: the verifier would follow each from there on.
    #[inline(always)]
    pub const fn credit(&mut self, traffic: Traffic, bytes: u64) {
        match traffic {
            Traffic::Request => {
                self.request_packets += 1;
                self.request_bytes += bytes;
            }
            Traffic::Reply(signal) => {
                self.reply_packets += 1;
                self.reply_bytes += bytes;
                self.accepted += (signal / ACCEPTS % 2) as u64;
            }
            Traffic::Opened(signal) => {
                self.flows += 1;
                self.asked += (signal / OPENS % 2) as u64;
            }
        }
    }

    pub const fn merge(&mut self, other: &Self) {
        self.request_packets += other.request_packets;
        self.request_bytes += other.request_bytes;
        self.reply_packets += other.reply_packets;
        self.reply_bytes += other.reply_bytes;
        self.flows += other.flows;
        self.asked += other.asked;
        self.accepted += other.accepted;
    }
}

/// Somebody else says that an address is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub address: Addr,
    pub mac: Mac,
}

impl Claim {
    /// Key of the event that tells of it: both addresses are the one claimed.
    #[inline(always)]
    pub const fn key(&self) -> FlowKey {
        FlowKey {
            source: self.address,
            destination: self.address,
            source_port: 0,
            destination_port: 0,
            protocol: 0,
            direction: 0,
        }
    }
}

/// BPF maps in the kernel, plain collections on the host.
pub trait Tables {
    /// Whether there may be a frontend or a flow with this destination. `false` saves looking.
    #[inline(always)]
    fn may_serve(&self, _destination: &Addr) -> bool {
        true
    }

    /// Whether packets of this source, of a key that is [`crate::abi::REVERSE`], may be of a flow.
    /// `false` saves looking.
    #[inline(always)]
    fn may_reply(&self, _key: &FlowKey) -> bool {
        true
    }

    /// Whether this may be the listener of a connection of TLS passthrough, or its backend near by.
    /// `false` saves looking.
    #[inline(always)]
    fn may_splice(&self, _address: &Addr, _port: u16) -> bool {
        true
    }

    fn frontend(&self, key: &FrontendKey) -> Option<&Frontend>;
    fn service(&self, id: u32) -> Option<&Service>;
    /// Backend id in a slot of the Maglev tables.
    fn slot(&self, slot: u32) -> Option<u32>;
    fn backend(&self, id: u32) -> Option<&Backend>;
    /// Id of the backend on this node that an outer header names.
    fn tagged(&self, key: &TagKey) -> Option<u32>;
    /// Of an endpoint near by.
    fn origin(&self, endpoint: &FrontendKey) -> Option<&Origin>;

    /// Of a Gateway.
    fn address(&self, address: &Addr) -> Option<&Address>;
    /// Packets of this key, [`crate::abi::FORWARD`], are of a client of TLS passthrough whose
    /// connection is known.
    #[inline(always)]
    fn is_spliced(&self, _key: &FlowKey) -> bool {
        false
    }
    /// Packets of this key, [`crate::abi::REVERSE`], are of a backend of TLS passthrough.
    #[inline(always)]
    fn is_tied(&self, _key: &FlowKey) -> bool {
        false
    }

    /// By the index of the interface.
    fn uplink(&self, interface: u32) -> Option<&LinkAddress>;

    /// How far backends are reached; `slot` is one of [`crate::maps::SNAT_V4`] and
    /// [`crate::maps::SNAT_V6`].
    fn snat(&self, slot: u32) -> Option<&Snat>;

    /// How far backends are reached by clients like that of a request; `None`: not at all.
    #[inline(always)]
    fn snat_for(&self, request: &FlowKey) -> Option<&Snat> {
        let slot = match request.source.is_v4() {
            true => SNAT_V4,
            false => SNAT_V6,
        };
        self.snat(slot).filter(|snat| snat.ports > 0)
    }

    /// An established flow: all that most packets ask for.
    fn flow(&self, key: &FlowKey) -> Option<&Flow>;
    /// A flow that is not established.
    fn fresh(&self, key: &FlowKey) -> Option<&Flow>;
    /// Sets the time and adds bits to the state, of an established flow or else of a fresh one;
    /// `false` where there is no such flow.
    fn mark(&mut self, key: &FlowKey, state: u32, now: u32) -> bool;
    /// Among the established flows or the fresh ones, as its state says; `false` where the table
    /// takes no more.
    fn insert(&mut self, key: &FlowKey, flow: &Flow) -> bool;
    /// Removes an established flow.
    fn forget(&mut self, key: &FlowKey);
    /// Removes a flow that is not established.
    fn forget_fresh(&mut self, key: &FlowKey);

    /// A flow, whichever it is. In the order in which another CPU may move it in between.
    #[inline(always)]
    fn find(&self, key: &FlowKey) -> Option<&Flow> {
        self.fresh(key).or_else(|| self.flow(key))
    }

    /// Low 32 bits of jiffies.
    fn now(&self) -> u32;
    /// Jiffies in a second.
    fn hz(&self) -> u32;

    fn count(&mut self, counter: Counter, bytes: u64);
    /// Traffic of a backend; `bytes` of the frame.
    fn credit(&mut self, backend: u32, traffic: Traffic, bytes: u64);
    /// Tells user space of a dropped packet.
    fn report(&mut self, reason: Counter, key: &FlowKey, bytes: u64);
    /// Tells user space of somebody who claims an address of this node.
    fn dispute(&mut self, reason: Counter, claim: &Claim, bytes: u64);
}
