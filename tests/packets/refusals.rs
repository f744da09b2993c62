//! What the kernel refuses only under pressure, on the host: a full flow table, a packet that
//! cannot be rewritten.

use gateway_common::{
    abi::{Counter, Flow, FlowKey},
    decide,
    header::{Ip, L4},
    packet::{Buffer, Packet, Wire},
    vlan,
};

use crate::{
    fixture::{BACKENDS, CLIENT, ONE, config},
    frames::{ACK, SYN, tcp},
    host::Host,
    neighbours::{OURS_V6, probe},
    path::{INTERFACE, Path as _},
    tagged::{CUSTOMER, tag},
};

/// A packet to which the kernel lets us do little.
struct Rigid<'a> {
    packet: Buffer<'a>,
    /// Its checksum can be changed.
    adjusts: bool,
    /// Bytes can be cut off at its front; none can be added anywhere.
    shrinks: bool,
}

impl Packet for Rigid<'_> {
    fn len(&self) -> u64 {
        self.packet.len()
    }

    fn interface(&self) -> u32 {
        self.packet.interface()
    }

    fn resize(&mut self, _bytes: u64) -> bool {
        false
    }

    fn shift(&mut self, bytes: i32) -> bool {
        self.shrinks && bytes > 0 && self.packet.shift(bytes)
    }

    fn head<T: Wire>(&mut self) -> Option<&mut T> {
        self.packet.head()
    }

    fn adjust<I: Ip, L: L4>(&mut self, address_delta: u32, port_delta: u32) -> bool {
        self.adjusts && self.packet.adjust::<I, L>(address_delta, port_delta)
    }
}

/// Nothing can be done to it.
fn stubborn(frame: &mut [u8]) -> Rigid<'_> {
    Rigid {
        packet: buffer(frame),
        adjusts: false,
        shrinks: false,
    }
}

/// What was cut off at its front does not fit any more.
fn crammed(frame: &mut [u8]) -> Rigid<'_> {
    Rigid {
        adjusts: true,
        shrinks: true,
        ..stubborn(frame)
    }
}

fn buffer(frame: &mut [u8]) -> Buffer<'_> {
    let length = frame.len();
    Buffer::new(frame, length, INTERFACE)
}

fn reasons(host: &Host) -> Vec<Option<Counter>> {
    let events = host.events.iter();
    events.map(|e| Counter::from_index(e.reason)).collect()
}

#[test]
fn a_packet_that_cannot_be_rewritten_is_dropped_as_it_is() {
    let mut host = Host::new(&config());
    let request = tcp(CLIENT, ONE, SYN).frame();
    let mut frame = request.clone();
    let outcome = decide::ingress(&mut stubborn(&mut frame), &mut host);
    assert_eq!((outcome, frame), (Counter::DropRewrite, request));

    let reply = tcp(BACKENDS[0], CLIENT, SYN | ACK).frame();
    let mut frame = reply.clone();
    let outcome = decide::egress(&mut stubborn(&mut frame), &mut host);
    assert_eq!((outcome, frame), (Counter::DropRewrite, reply));

    let told = Some(Counter::DropRewrite);
    assert_eq!(reasons(&host), [told, told]);
    let counters = host.counters();
    assert_eq!(counters.drop_rewrite.packets, 2);
    assert_eq!(counters.forwarded.packets + counters.replied.packets, 0);
}

/// Without room for both entries nothing is forwarded: the reply could not be translated, or the
/// next request would open the flow again.
#[test]
fn a_flow_without_room_is_refused() {
    let request = tcp(CLIENT, ONE, SYN).frame();
    for room in [0, 1] {
        let mut host = Host::new(&config());
        host.flows_max = Some(room);
        let mut frame = request.clone();
        let outcome = decide::ingress(&mut buffer(&mut frame), &mut host);
        assert_eq!(outcome, Counter::DropTableFull, "room for {room}");
        assert_eq!(frame, request, "room for {room}");
        assert_eq!(reasons(&host), [Some(Counter::DropTableFull)]);
        assert_eq!(host.counters().opened.packets, 0, "room for {room}");
    }
}

/// A full table does not disturb the flows in it.
#[test]
fn established_flows_go_on_in_a_full_table() {
    let mut host = Host::new(&config());
    let mut opens = tcp(CLIENT, ONE, SYN).frame();
    assert_eq!(
        decide::ingress(&mut buffer(&mut opens), &mut host),
        Counter::Forwarded
    );
    host.flows_max = Some(0);
    host.age(2);
    let before = host.flows();
    let mut data = tcp(CLIENT, ONE, ACK).frame();
    assert_eq!(
        decide::ingress(&mut buffer(&mut data), &mut host),
        Counter::Forwarded
    );
    let touched = |(key, flow): &(FlowKey, Flow)| {
        before
            .iter()
            .any(|(old, was)| old == key && was.last_seen != flow.last_seen)
    };
    assert!(host.flows().iter().all(touched), "both entries stay fresh");
}

/// Without room for the link address there is no answer; the frame stays as it was.
#[test]
fn a_solicitation_that_cannot_grow_is_dropped_as_it_is() {
    let mut host = Host::new(&config());
    let question = probe(OURS_V6);
    let mut frame = question.clone();
    let outcome = decide::ingress(&mut buffer(&mut frame), &mut host);
    assert_eq!((outcome, frame), (Counter::DropRewrite, question));
    assert_eq!(host.counters().drop_rewrite.packets, 1);
}

#[test]
fn a_packet_that_does_not_get_its_tags_back_goes_nowhere() {
    let mut frame = tcp(CLIENT, ONE, SYN).frame();
    let plain = vlan::without_tags(&mut crammed(&mut frame), |_| 7);
    assert_eq!(plain, Some(7));
    tag(&mut frame, &CUSTOMER);
    let tagged = vlan::without_tags(&mut crammed(&mut frame), |_| 7);
    assert_eq!(tagged, None);
}

#[test]
fn a_packet_that_keeps_its_tags_is_left_alone() {
    let mut host = Host::new(&config());
    let mut frame = tcp(CLIENT, ONE, SYN).frame();
    tag(&mut frame, &CUSTOMER);
    let before = frame.clone();
    let outcome = vlan::without_tags(&mut stubborn(&mut frame), |packet| {
        decide::ingress(packet, &mut host) as u32
    });
    assert_eq!(outcome, Some(Counter::PassNotIp as u32));
    assert_eq!(frame, before);
}
