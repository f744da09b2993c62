//! The whole data path as functions over traits: the same code runs on the host and in the kernel.
//!
//! Parse, decide, rewrite: nothing is written before everything was checked, and every packet
//! ends in exactly one [`Counter`], whose kind says what to do with it.

mod dsr;
mod far;
mod fresh;
mod icmp;
mod neighbour;
mod open;
mod rewrite;
mod touch;

use crate::{
    abi::{Counter, FORWARD, Flow, FlowKey, Kind, REVERSE, TUNNEL},
    header::{
        ACCEPTS, ETHER_ARP, ETHER_IPV4, ETHER_IPV6, End, Ether, Ip, Ipv4, Ipv6, L4, Signal, Tcp,
        Udp,
    },
    packet::{Frame, Packet},
    tables::{Tables, Traffic},
};

/// A packet that arrives on an uplink: requests for a layer 4 frontend get a backend's address
/// and go on through the node's stack; whoever asks for the link address of a gateway's address
/// or pings it is answered.
#[inline(always)]
pub fn ingress<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    pass::<Ingress, P, T>(packet, tables)
}

/// A packet behind XDP: what belongs to a flow with a far backend is sent on; and on an uplink that
/// XDP cannot answer on, whoever asks for the link address of a gateway's address is answered.
/// Counts what it does: all packets were counted before.
#[inline(always)]
pub fn behind<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    let (bytes, interface) = (packet.len(), packet.interface());
    let outcome = match packet.head::<Ether>().map(|ether| ether.kind) {
        Some(ETHER_ARP) => neighbour::arp::<P, T, true>(packet, tables),
        Some(ETHER_IPV4) => behind_ip::<P, Ipv4, T>(packet, interface, tables),
        Some(ETHER_IPV6) => behind_ip::<P, Ipv6, T>(packet, interface, tables),
        _ => Counter::PassNotIp,
    };
    if matches!(outcome.kind(), Kind::Done | Kind::Answer | Kind::Drop) {
        tables.count(outcome, bytes);
    }
    outcome
}

#[inline(always)]
fn behind_ip<P, I, T>(packet: &mut P, interface: u32, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    match is_made_here::<P, I, T>(packet, interface, tables) {
        true => Counter::AnswerTls,
        false => far::packet::<P, I, T>(packet, tables),
    }
}

/// A frame from an address of ours and the uplink's own link address: XDP has made an answer, which its
/// driver may lose.
#[inline(always)]
fn is_made_here<P, I, T>(packet: &mut P, interface: u32, tables: &T) -> bool
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let source = packet.head::<Frame<I, ()>>().map(|frame| frame.ip.source());
    // Nearly no packet of a client is: that is seen without looking for the interface.
    if !source.is_some_and(|source| tables.may_serve(&source)) {
        return false;
    }
    let Some((own, true)) = neighbour::uplink::<T, true>(interface, tables) else {
        return false;
    };
    packet
        .head::<Ether>()
        .is_some_and(|ether| ether.source == own)
}

/// A packet that leaves on an uplink: replies of backends get the gateway's address.
#[inline(always)]
pub fn egress<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    pass::<Egress, P, T>(packet, tables)
}

/// What a hook does with each kind of packet.
trait Hook {
    fn transport<P: Packet + ?Sized, I: Ip, L: L4, T: Tables>(p: &mut P, t: &mut T) -> Counter;
    fn control<P: Packet + ?Sized, I: Ip, T: Tables>(packet: &mut P, tables: &mut T) -> Counter;
    /// A packet inside another.
    fn nested<P: Packet + ?Sized, I: Ip, T: Tables>(packet: &mut P, tables: &mut T) -> Counter;
    /// Neither IPv4 nor IPv6.
    fn other<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter;
}

struct Ingress;
struct Egress;

impl Hook for Ingress {
    #[inline(always)]
    fn transport<P: Packet + ?Sized, I: Ip, L: L4, T: Tables>(p: &mut P, t: &mut T) -> Counter {
        request::<P, I, L, T>(p, t)
    }

    #[inline(always)]
    fn control<P: Packet + ?Sized, I: Ip, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
        if I::ICMP == Ipv6::ICMP && neighbour::is_ndp(packet) {
            return neighbour::ndp::<P, T, false>(packet, tables);
        }
        icmp::ingress::<P, I, T>(packet, tables)
    }

    #[inline(always)]
    fn nested<P: Packet + ?Sized, I: Ip, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
        dsr::arrive::<P, I, T>(packet, tables)
    }

    #[inline(always)]
    fn other<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
        neighbour::arp::<P, T, false>(packet, tables)
    }
}

impl Hook for Egress {
    #[inline(always)]
    fn transport<P: Packet + ?Sized, I: Ip, L: L4, T: Tables>(p: &mut P, t: &mut T) -> Counter {
        reply::<P, I, L, T>(p, t)
    }

    #[inline(always)]
    fn control<P: Packet + ?Sized, I: Ip, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
        icmp::egress::<P, I, T>(packet, tables)
    }

    #[inline(always)]
    fn nested<P: Packet + ?Sized, I: Ip, T: Tables>(_: &mut P, _: &mut T) -> Counter {
        Counter::PassProtocol
    }

    #[inline(always)]
    fn other<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
        neighbour::egress(packet, tables)
    }
}

/// Finds out what the packet is, lets `H` decide, and counts the outcome.
#[inline(always)]
fn pass<H: Hook, P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    let bytes = packet.len();
    let outcome = match packet.head::<Ether>().map(|ether| ether.kind) {
        Some(ETHER_IPV4) => by_protocol::<H, P, Ipv4, T>(packet, tables),
        Some(ETHER_IPV6) => by_protocol::<H, P, Ipv6, T>(packet, tables),
        Some(_) => H::other(packet, tables),
        None => Counter::PassMalformed,
    };
    tables.count(outcome, bytes);
    outcome
}

#[inline(always)]
fn by_protocol<H: Hook, P: Packet + ?Sized, I: Ip, T: Tables>(
    packet: &mut P,
    tables: &mut T,
) -> Counter {
    let plain = packet.head::<Frame<I, ()>>().map(|frame| frame.ip.plain());
    match plain {
        None => Counter::PassMalformed,
        Some(Err(reason)) => reason,
        Some(Ok(p)) if u16::from(p) == Tcp::PROTOCOL => {
            H::transport::<P, I, Tcp, T>(packet, tables)
        }
        Some(Ok(p)) if u16::from(p) == Udp::PROTOCOL => {
            H::transport::<P, I, Udp, T>(packet, tables)
        }
        Some(Ok(p)) if p == I::ICMP => H::control::<P, I, T>(packet, tables),
        Some(Ok(p)) if p == I::TUNNEL => H::nested::<P, I, T>(packet, tables),
        Some(Ok(_)) => Counter::PassProtocol,
    }
}

#[inline(always)]
fn request<P, I, L, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
    T: Tables,
{
    let bytes = packet.len();
    let Some(frame) = packet.head::<Frame<I, L>>() else {
        return Counter::PassMalformed;
    };
    if !frame.ip.holds(bytes, size_of::<L>()) {
        return Counter::PassMalformed;
    }
    let (key, signal) = (frame.key(FORWARD), frame.l4.signal());
    if !tables.may_serve(&key.destination) {
        return Counter::PassNotOurs;
    }
    // No flow has the key of such a connection, so that the rest needs not be searched.
    if key.is_tcp()
        && tables.may_splice(&key.destination, key.destination_port)
        && tables.is_spliced(&key)
    {
        return Counter::Tls;
    }
    let flow = match tables.flow(&key) {
        Some(flow) if quiet(flow, signal, tables) => Ok(flow),
        found => {
            let place = prepare(&key, found.is_some(), signal, bytes, tables);
            follow(&key, place, tables)
        }
    };
    let carried = match flow {
        Ok(flow) if flow.is_near() => carry::<P, I, L>(packet, flow, End::Destination),
        Ok(flow) if flow.is_dsr() => {
            let (node, tag, backend) = (flow.peer, flow.peer_port, flow.backend);
            match dsr::send::<P, I, T>(packet, &node, tag, backend, tables) {
                Counter::Forwarded => return Counter::Forwarded,
                reason => Err(reason),
            }
        }
        // It leaves by the program behind XDP, which finds the flow as it is now.
        Ok(_) => Err(Counter::PassFar),
        Err(reason) => Err(reason),
    };
    settle(carried, &key, signal, bytes, tables)
}

#[inline(always)]
fn reply<P, I, L, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
    T: Tables,
{
    let bytes = packet.len();
    let Some(frame) = packet.head::<Frame<I, L>>() else {
        return Counter::PassMalformed;
    };
    let (key, signal) = (frame.key(REVERSE), frame.l4.signal());
    let may_reply = tables.may_reply(&key);
    let known = match may_reply {
        true => tables.flow(&key),
        false => None,
    };
    let flow = match known {
        Some(flow) if quiet(flow, signal, tables) => Ok(flow),
        // No flow has the key of such a connection, so that the rest needs not be searched.
        None if key.is_tcp()
            && tables.may_splice(&key.source, key.source_port)
            && tables.is_tied(&key) =>
        {
            return Counter::Tls;
        }
        // Most of what leaves the node: nothing more is asked of it.
        None if !may_reply || fresh::is_foreign(&key, tables) => return fresh::NONE,
        found => {
            let place = fresh::reply(&key, found.is_some(), signal, bytes, tables);
            follow(&key, place, tables)
        }
    };
    let carried = match flow {
        Ok(flow) if flow.is_near() => {
            let by_tunnel = flow.state & TUNNEL != 0;
            let carried = carry::<P, I, L>(packet, flow, End::Source);
            if by_tunnel && signal == ACCEPTS {
                dsr::clamp::<P, I, T>(packet, tables);
            }
            carried
        }
        // Both ends of its packets are to be rewritten: that is not done here.
        Ok(_) => Err(Counter::PassNoFlow),
        Err(reason) => Err(reason),
    };
    settle(carried, &key, signal, bytes, tables)
}

/// A flow that was evicted since a moment ago: the table is far too small for its load.
const EVICTED: Counter = Counter::DropTableFull;

/// The flow, which is among the established or the fresh ones, as `place` says; another CPU may have
/// moved a fresh one since. Where there is none, `place` is why.
#[inline(always)]
fn follow<'a, T: Tables>(
    key: &FlowKey,
    place: Counter,
    tables: &'a T,
) -> Result<&'a Flow, Counter> {
    let fresh = match place {
        Counter::Opened => tables.fresh(key),
        Counter::Established => None,
        reason => return Err(reason),
    };
    fresh.or_else(|| tables.flow(key)).ok_or(EVICTED)
}

/// The packet changes nothing about its flow: most packets need this one lookup only.
#[inline(always)]
fn quiet<T: Tables>(flow: &Flow, signal: Signal, tables: &T) -> bool {
    signal == 0 && !flow.stale(tables.now(), tables.hz())
}

/// Brings the flow of a request up to date, or opens it; [`Counter::Established`] or
/// [`Counter::Opened`] where there is one to follow among the established or the fresh ones, else
/// what becomes of the packet. `known`: the key was found among the established ones.
#[inline(always)]
fn prepare<T: Tables>(
    key: &FlowKey,
    known: bool,
    signal: Signal,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    if revive(key, known, signal, tables) {
        return Counter::Established;
    }
    open::open(key, signal, bytes, tables)
}

/// Brings an established flow up to date, unless there is none or it has ended, which makes room for
/// another.
#[inline(always)]
fn revive<T: Tables>(key: &FlowKey, known: bool, signal: Signal, tables: &mut T) -> bool {
    if !known {
        return false;
    }
    let lives = !touch::ended(key, signal, tables);
    match lives {
        true => touch::touch(key, signal, tables),
        // What is under way in the other direction still needs its own entry.
        false => tables.forget(key),
    }
    lives
}

/// Enters the other direction of a flow. Apart from its callers, whose frames on the stack are large
/// enough.
#[inline(never)]
fn reflect<T: Tables>(key: &FlowKey, flow: &Flow, other: &FlowKey, tables: &mut T) -> bool {
    tables.insert(other, &key.mirror(flow))
}

/// Rewrites a packet as its flow says; the backend that it goes to or comes from.
#[inline(always)]
fn carry<P, I, L>(packet: &mut P, flow: &Flow, end: End) -> Result<u32, Counter>
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
{
    if rewrite::rewrite::<P, I, L>(packet, flow, end) {
        Ok(flow.backend)
    } else {
        Err(Counter::DropRewrite)
    }
}

/// Credits the backend of a packet that was carried, and tells of one that is dropped.
#[inline(always)]
fn settle<T: Tables>(
    carried: Result<u32, Counter>,
    key: &FlowKey,
    signal: Signal,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    let (outcome, traffic) = match key.direction {
        FORWARD => (Counter::Forwarded, Traffic::Request),
        _ => (Counter::Replied, Traffic::Reply(signal)),
    };
    match carried {
        Ok(backend) => {
            tables.credit(backend, traffic, bytes);
            outcome
        }
        Err(reason) => {
            if matches!(reason.kind(), Kind::Refuse | Kind::Drop) {
                tables.report(reason, key, bytes);
            }
            reason
        }
    }
}
