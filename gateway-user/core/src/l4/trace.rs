//! Why a packet goes where it goes: the data path itself, run on a made-up packet over what the
//! maps hold. Nothing is written anywhere: flows that it opens live in memory, and end with the run.

mod frame;
mod replay;
#[cfg(test)]
mod tests;
mod tls;

use std::net::{IpAddr, SocketAddr};

use gateway_common::{
    abi::{
        Address, Backend, Counter, FORWARD, Flow, FlowKey, Frontend, FrontendKey, Kind,
        LinkAddress, Origin, REVERSE, Service, Snat, TlsTarget,
    },
    addr::Addr,
    splice::{HelloKind, Splice},
    steer::Steer,
};

use self::replay::{Hook, Known, Replay};
pub use self::tls::Tls;
use super::names::NameKey;
use crate::plan::{HostPattern, Transport};

/// Reads one entry of a map at a time.
pub trait Source {
    type Error;

    fn frontend(&self, key: &FrontendKey) -> Result<Option<Frontend>, Self::Error>;
    fn service(&self, id: u32) -> Result<Option<Service>, Self::Error>;
    fn slot(&self, slot: u32) -> Result<Option<u32>, Self::Error>;
    fn backend(&self, id: u32) -> Result<Option<Backend>, Self::Error>;
    fn origin(&self, endpoint: &FrontendKey) -> Result<Option<Origin>, Self::Error>;
    fn address(&self, address: &Addr) -> Result<Option<Address>, Self::Error>;
    fn uplink(&self, interface: u32) -> Result<Option<LinkAddress>, Self::Error>;
    fn snat(&self, slot: u32) -> Result<Option<Snat>, Self::Error>;
    /// Among the established flows.
    fn flow(&self, key: &FlowKey) -> Result<Option<Flow>, Self::Error>;
    /// Among those that are not.
    fn fresh(&self, key: &FlowKey) -> Result<Option<Flow>, Self::Error>;
    /// The connection of TLS passthrough of a client.
    fn splice(&self, client: &FlowKey) -> Result<Option<Splice>, Self::Error>;
    /// The client that a backend's packets are for.
    fn tie(&self, backend: &FlowKey) -> Result<Option<FlowKey>, Self::Error>;
    /// The most specific entry for a server name, and where it leads.
    fn name(&self, asked: &NameKey) -> Result<Option<(NameKey, TlsTarget)>, Self::Error>;
}

/// Time as the flow table knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Low 32 bits of the kernel's jiffies.
    pub now: u32,
    /// Jiffies in a second.
    pub hz: u32,
}

/// The packet to ask about. Both addresses are of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    pub transport: Transport,
    pub source: SocketAddr,
    pub destination: SocketAddr,
}

/// A look into a map, with what was found there, or what the data path would do to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Flow(FlowKey, Option<Flow>),
    Frontend(FrontendKey, Option<Frontend>),
    Service(u32, Option<Service>),
    Slot(u32, Option<u32>),
    Backend(u32, Option<Backend>),
    /// Of an endpoint near by.
    Origin(FrontendKey, Origin),
    Address(Addr, Option<Address>),
    /// An entry that a real packet would make.
    Open(FlowKey, Flow),
    /// A connection of TLS passthrough, by its client's key.
    Splice(FlowKey, Option<Splice>),
    /// Of a backend's packets, with its client's key.
    Tie(FlowKey, FlowKey),
    /// What was asked for, and the entry for it.
    Name(HostPattern, Option<(HostPattern, TlsTarget)>),
}

/// What becomes of the packet, and how that was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub tuple: Tuple,
    /// In order, without repetitions.
    pub steps: Vec<Step>,
    /// `true`: as the reply of a backend, which leaves the node. `false`: as it arrives.
    pub reply: bool,
    pub outcome: Counter,
    /// What TLS passthrough makes of it, where it has it.
    pub tls: Option<Tls>,
    /// What its ClientHello will be, where that is known.
    pub hello: Option<HelloKind>,
    /// Source and destination after the programs, where they changed.
    pub rewritten: Option<(SocketAddr, SocketAddr)>,
    /// The node that it goes to in an outer header, unchanged inside (DSR).
    pub node: Option<IpAddr>,
    /// Who takes it in this node's stack, where it gets there unchanged.
    pub steer: Option<Steer>,
    /// The destination is an address of a Gateway; whether this node answers for it.
    pub owned: Option<bool>,
}

impl Tuple {
    /// As a key of the flow table: [`FORWARD`] or [`REVERSE`].
    pub fn key(&self, direction: u16) -> FlowKey {
        FlowKey {
            source: self.source.ip().into(),
            destination: self.destination.ip().into(),
            source_port: self.source.port(),
            destination_port: self.destination.port(),
            protocol: self.transport.protocol() as u16,
            direction,
        }
    }
}

/// Follows a first packet of `tuple`: a SYN, or a datagram. `name` is the server name of the client's
/// ClientHello, lower-case and without a final dot; empty: it sends none.
///
/// # Errors
/// Those of `source`.
pub fn trace<S: Source>(
    source: &S,
    tuple: Tuple,
    name: Option<&str>,
    clock: Clock,
) -> Result<Trace, S::Error> {
    let mut known = Known::default();
    // The data path takes references, which a map of the kernel cannot give: what it misses is
    // read, and it runs again. It asks a bounded number of questions, each of them once.
    loop {
        let (trace, missing) = attempt(&known, tuple, name, clock);
        match missing {
            Some(question) => known.learn(question, source)?,
            None => return Ok(trace),
        }
    }
}

/// One run on what is known; and the first question that it could not answer.
fn attempt(
    known: &Known,
    tuple: Tuple,
    name: Option<&str>,
    clock: Clock,
) -> (Trace, Option<replay::Question>) {
    let mut replay = Replay::new(known, clock);
    let mut frame = frame::build(&tuple);
    let mut outcome = replay.run(Hook::Ingress, &mut frame);
    let mut reply = false;
    let (mut tls, mut hello) = (None, None);
    if replay.is_sure() && outcome.kind() == Kind::Pass {
        if replay.knows(&tuple.key(REVERSE)) {
            frame = frame::build(&tuple);
            outcome = replay.run(Hook::Egress, &mut frame);
            reply = true;
        } else if let Some(of) = tls::backend(&replay, &tuple) {
            (outcome, reply, tls) = (Counter::Tls, true, Some(of));
        }
    } else if replay.is_sure() && outcome == Counter::Tls {
        let of_client = tls::client(&replay, &tuple, name);
        (tls, hello) = (Some(of_client.0), of_client.1);
    }
    let now = frame::addresses(&frame);
    let before = (tuple.source, tuple.destination);
    let rewritten = match &tls {
        Some(tls) => tls.rewritten(reply),
        None => now.filter(|now| *now != before),
    };
    let node = frame::outer_destination(&frame);
    let is_own = tls.is_none_or(|tls| tls == Tls::Proxy);
    let stays = rewritten.is_none() && node.is_none() && !reply && is_own;
    let steer = stays.then(|| replay.steer(&tuple.key(FORWARD)));
    let owned = replay.owner(&tuple.destination.ip().into());
    let (steps, missing) = replay.end();
    let trace = Trace {
        tuple,
        steps,
        reply,
        outcome,
        tls,
        hello,
        rewritten,
        node,
        steer,
        owned: owned.map(Address::is_owned),
    };
    (trace, missing)
}
