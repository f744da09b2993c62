//! Direct server return: the gateway's side, the backend's node, and both together.

mod hostile;
mod round_trip;

use gateway_common::abi::Counter::{self, *};

use crate::{
    control::*,
    fixture::{
        BACKENDS, CLIENT, DIRECT, DISTANT, DISTANT_TAG, MTU, NODE, ONE, OTHER_NODE, REMOTE, TAGS,
        TWO,
    },
    frames::{ACK, FIN, Family, RST, SYN, Spec, tcp, udp, v4},
    nested::{Nested, nested},
    path::{Hook::*, worlds},
    table::{Row, Shape, answered, becomes, run_in_both_families, stays},
};

const NEW: &[Counter] = &[Forwarded, Opened, Encapsulated];
const OLD: &[Counter] = &[Forwarded, Encapsulated];
/// It goes on for more than a second.
const PROVEN: &[Counter] = &[Forwarded, Established, Encapsulated];
const CAME: &[Counter] = &[Forwarded, Opened, Decapsulated];
const COMES: &[Counter] = &[Forwarded, Decapsulated];

/// As it goes to the backend's node.
fn onward(inner: impl Into<Shape>) -> Nested {
    nested(inner, OTHER_NODE, DISTANT_TAG)
}

/// As it comes to this node, for the second or third backend.
fn here(inner: impl Into<Shape>, backend: usize) -> Nested {
    nested(inner, NODE.0, TAGS[backend - 1])
}

/// A request that comes in an outer header and goes on to a backend.
fn delivered<'a>(
    name: &'static str,
    counters: &'a [Counter],
    request: &Spec,
    backend: usize,
) -> Row<'a> {
    let out = request.to(BACKENDS[backend]);
    answered(name, Ingress, here(request, backend), counters, &out)
}

#[test]
fn requests_go_to_the_backends_node_as_they_are() {
    let (syn, data) = (tcp(CLIENT, DIRECT, SYN), tcp(CLIENT, DIRECT, ACK));
    let query = udp(CLIENT, DIRECT);
    let mut bare = query.clone();
    bare.unsummed = true;
    run_in_both_families(&[
        answered("SYN", Ingress, &syn, NEW, onward(&syn)),
        answered("data", Ingress, &data, OLD, onward(&data)),
        answered("UDP", Ingress, &query, NEW, onward(&query)),
        answered("no checksum", Ingress, &bare, OLD, onward(&bare)),
        stays("nothing behind XDP", Answer, &data, &[]),
    ]);
}

#[test]
fn the_last_hop_is_the_backends_nodes_to_count() {
    let mut last = tcp(CLIENT, DIRECT, SYN);
    last.hops = 1;
    run_in_both_families(&[answered("SYN", Ingress, &last, NEW, onward(&last))]);
}

/// One entry, which names the backend, its node and its tag.
#[test]
fn a_flow_to_another_node_has_one_entry() {
    for mut world in worlds() {
        let syn = tcp(CLIENT, DIRECT, SYN);
        answered("SYN", Ingress, &syn, NEW, onward(&syn)).check_in(&mut world);
        let [(_, flow)] = world.path.flows()[..] else {
            panic!("{:?}", world.path.flows());
        };
        let (address, port) = world.family.of(DISTANT);
        let (node, _) = world.family.of((OTHER_NODE, 0));
        assert_eq!((flow.address, flow.port), (address.into(), port.into()));
        assert_eq!(flow.peer, node.into());
        assert_eq!(flow.peer_port, u32::from(DISTANT_TAG));
        assert!(flow.is_dsr() && !flow.is_far() && !flow.is_near());
        // A touch a second later makes no other.
        world.path.age(2);
        let data = tcp(CLIENT, DIRECT, ACK);
        answered("data", Ingress, &data, PROVEN, onward(&data)).check_in(&mut world);
        assert_eq!(world.path.flows().len(), 1);
    }
}

/// Of the end of a connection only the client's half is seen.
#[test]
fn a_new_connection_follows_the_clients_last_segment() {
    let (syn, fin) = (tcp(CLIENT, DIRECT, SYN), tcp(CLIENT, DIRECT, FIN | ACK));
    let reset = tcp(CLIENT, DIRECT, RST);
    run_in_both_families(&[
        answered("SYN", Ingress, &syn, NEW, onward(&syn)),
        answered("SYN again", Ingress, &syn, OLD, onward(&syn)),
        answered("FIN", Ingress, &fin, OLD, onward(&fin)),
        answered("SYN anew", Ingress, &syn, NEW, onward(&syn)),
        answered("RST", Ingress, &reset, OLD, onward(&reset)),
        answered("SYN after RST", Ingress, &syn, NEW, onward(&syn)),
    ]);
}

/// Where the backend is: the gateway that the client came to hears no answer.
#[test]
fn acceptance_is_counted_on_the_backends_node() {
    for mut world in worlds() {
        let syn = tcp(CLIENT, TWO, SYN);
        delivered("SYN", CAME, &syn, 1).check_in(&mut world);
        let answer = tcp(BACKENDS[1], CLIENT, SYN | ACK);
        becomes("SYN-ACK", Egress, &answer, &[Replied], &answer.from(TWO)).check_in(&mut world);
        let stats = world.path.stats(2);
        assert_eq!((stats.flows, stats.asked, stats.accepted), (1, 1, 1));
    }
}

/// Also when all new flows are to go by SNAT now, or to a backend on this node.
#[test]
fn a_flow_keeps_what_it_began_with() {
    for mut world in worlds() {
        let (first, data) = (tcp(CLIENT, DIRECT, SYN), tcp(CLIENT, DIRECT, ACK));
        answered("SYN", Ingress, &first, NEW, onward(&first)).check_in(&mut world);
        world.put_backend(5, DISTANT);
        world.path.age(2);
        answered("data", Ingress, &data, PROVEN, onward(&data)).check_in(&mut world);
        let other = tcp((CLIENT.0, 41_000), DIRECT, SYN);
        becomes(
            "new",
            Ingress,
            &other,
            &[Forwarded, Opened],
            &other.to(DISTANT),
        )
        .check_in(&mut world);
    }
}

/// Path MTU discovery of the backend: whoever complains of its replies complains to the gateway.
#[test]
fn errors_about_replies_go_to_the_backends_node() {
    let router = v4(198, 51, 100, 77);
    for (request, reply) in [
        (tcp(CLIENT, DIRECT, SYN), tcp(DIRECT, CLIENT, ACK)),
        (udp(CLIENT, DIRECT), udp(DIRECT, CLIENT)),
    ] {
        let told = error(TOO_BIG, router, DIRECT.0, &reply);
        run_in_both_families(&[
            stays("before", Ingress, &told, &[PassProtocol]),
            answered("request", Ingress, &request, NEW, onward(&request)),
            answered(
                "error",
                Ingress,
                &told,
                &[Related, Encapsulated],
                onward(&told),
            ),
        ]);
    }
}

/// The stack of this node could not send the outer packet: the client learns what that means for
/// its own one. The MTU of the control messages is 1300.
#[test]
fn errors_about_the_way_to_the_node_reach_the_client() {
    for (kinds, told) in [(TOO_BIG, true), (NO_PORT, false), (TIME_EXCEEDED, false)] {
        let request = udp(CLIENT, DIRECT);
        for mut world in worlds() {
            answered("request", Ingress, &request, NEW, onward(&request)).check_in(&mut world);
            let mut of_stack = error(kinds, OTHER_NODE, CLIENT.0, &request);
            of_stack.body = Body::Nested(Box::new(onward(&request)));
            let mut client = error(kinds, DIRECT.0, CLIENT.0, &request).quoting(8);
            let overhead = if world.family == Family::V4 { 20 } else { 40 };
            let mtu = u16::to_be_bytes(if told { 1300 - overhead } else { 0 });
            client.rest = [0, 0, mtu[0], mtu[1]];
            answered("error", Egress, &of_stack, &[Related], &client).check_in(&mut world);
        }
    }
}

#[test]
fn errors_about_tunnels_of_others_stay() {
    let request = udp(CLIENT, DIRECT);
    let about = |nested| {
        let mut error = error(TOO_BIG, OTHER_NODE, CLIENT.0, &request);
        error.body = Body::Nested(Box::new(nested));
        error
    };
    let elsewhere = nested(&request, v4(192, 0, 2, 12), DISTANT_TAG);
    let mut foreign = onward(&request);
    foreign.source = Some(v4(192, 0, 2, 12));
    run_in_both_families(&[
        stays("no flow", Egress, &about(onward(&request)), &[PassProtocol]),
        answered("request", Ingress, &request, NEW, onward(&request)),
        stays("other node", Egress, &about(elsewhere), &[PassProtocol]),
        stays("other source", Egress, &about(foreign), &[PassProtocol]),
        stays(
            "near",
            Egress,
            &about(onward(&udp(CLIENT, ONE))),
            &[PassProtocol],
        ),
    ]);
}

/// Whatever the lookup tables here say: both backends get what is for them.
#[test]
fn the_outer_header_chooses_the_backend() {
    for mut world in worlds() {
        for (backend, port) in [1, 2]
            .into_iter()
            .flat_map(|b| (0..16).map(move |p| (b, p)))
        {
            let client = (CLIENT.0, 40_000 + 100 * backend as u16 + port);
            let (syn, query) = (tcp(client, TWO, SYN), udp(client, TWO));
            let answer = tcp(BACKENDS[backend], client, SYN | ACK);
            let reply = udp(BACKENDS[backend], client);
            for row in [
                delivered("SYN", CAME, &syn, backend),
                becomes("SYN-ACK", Egress, &answer, &[Replied], &answer.from(TWO)),
                delivered("SYN again", COMES, &syn, backend),
                delivered("UDP", CAME, &query, backend),
                becomes("UDP reply", Egress, &reply, &[Replied], &reply.from(TWO)),
            ] {
                row.check_in(&mut world);
            }
        }
    }
}

/// A flow stays with its backend, whoever sends its packets here and whatever that one thinks.
#[test]
fn a_flow_that_came_by_dsr_stays_with_its_backend() {
    let (syn, data) = (tcp(CLIENT, TWO, SYN), tcp(CLIENT, TWO, ACK));
    let to = data.to(BACKENDS[2]);
    run_in_both_families(&[
        delivered("SYN", CAME, &syn, 2),
        becomes("directly", Ingress, &data, &[Forwarded], &to),
        answered("other tag", Ingress, here(&data, 1), COMES, &to),
        answered("no tag", Ingress, nested(&data, NODE.0, 9), COMES, &to),
    ]);
}

/// Segmentation offload may write over the tag; the entry of the flow may be lost besides.
#[test]
fn without_a_known_tag_the_lookup_table_decides() {
    let data = tcp(CLIENT, ONE, ACK);
    let strange = nested(&data, NODE.0, 0x4711);
    run_in_both_families(&[answered(
        "data",
        Ingress,
        strange,
        CAME,
        &data.to(BACKENDS[0]),
    )]);
}

/// Never on to a third node, which could send it back.
#[test]
fn what_is_for_a_backend_elsewhere_is_dropped() {
    let (far, direct) = (tcp(CLIENT, REMOTE, SYN), tcp(CLIENT, DIRECT, SYN));
    let drop: &[Counter] = &[DropNotHere, Decapsulated];
    let stripped = |inner: &Spec| {
        let frame = nested(inner, NODE.0, DISTANT_TAG);
        answered("flow", Ingress, frame, drop, inner)
    };
    run_in_both_families(&[
        stays("by SNAT", Ingress, nested(&far, NODE.0, DISTANT_TAG), drop),
        stays(
            "by DSR",
            Ingress,
            nested(&direct, NODE.0, DISTANT_TAG),
            drop,
        ),
        stays("flow by SNAT", Ingress, &far, &[PassFar, Opened]),
        stripped(&far),
        answered("flow by DSR", Ingress, &direct, NEW, onward(&direct)),
        stripped(&direct),
    ]);
}

#[test]
fn errors_come_in_an_outer_header_too() {
    let router = v4(198, 51, 100, 77);
    let (request, reply) = (udp(CLIENT, TWO), udp(BACKENDS[1], CLIENT));
    let told = error(TOO_BIG, router, TWO.0, &reply.from(TWO));
    let translated = error(TOO_BIG, router, BACKENDS[1].0, &reply);
    run_in_both_families(&[
        stays("no flow", Ingress, here(&told, 1), &[PassProtocol]),
        delivered("request", CAME, &request, 1),
        answered(
            "error",
            Ingress,
            here(&told, 1),
            &[Related, Decapsulated],
            &translated,
        ),
    ]);
}

/// The client's segments must fit the link between the nodes with an outer header, and no other
/// value changes.
#[test]
fn the_largest_segment_is_lowered_for_clients_behind_another_node() {
    for mut world in worlds() {
        let headers = match world.family {
            Family::V4 => 60,
            Family::V6 => 100,
        };
        let most = (MTU - headers) as u16;
        let answer = |size: u16, flags| {
            let [high, low] = size.to_be_bytes();
            let mut answer = tcp(BACKENDS[1], CLIENT, flags);
            answer.options = vec![2, 4, high, low, 1, 3, 3, 7];
            answer
        };
        let mut bare = tcp(BACKENDS[1], CLIENT, SYN | ACK);
        bare.payload = b"\x02\x04\xff\xff is not an option".to_vec();
        let mut scale = answer(9000, SYN | ACK);
        scale.options.rotate_left(4);
        let reply = |name, sent: &Spec, seen: &Spec| {
            becomes(name, Egress, sent, &[Replied], &seen.from(TWO))
        };
        let first = SYN | ACK;
        for row in [
            delivered("SYN", CAME, &tcp(CLIENT, TWO, SYN), 1),
            reply("larger", &answer(1460, first), &answer(most, first)),
            reply("one more", &answer(most + 1, first), &answer(most, first)),
            reply("as large", &answer(most, first), &answer(most, first)),
            reply("smaller", &answer(536, first), &answer(536, first)),
            reply("no option", &bare, &bare),
            reply("another first", &scale, &scale),
            becomes(
                "no SYN",
                Egress,
                &answer(1460, ACK),
                &[Replied, Established],
                &answer(1460, ACK).from(TWO),
            ),
        ] {
            row.check_in(&mut world);
        }
    }
}

/// The client came to this node itself: nothing is put in front of its segments.
#[test]
fn the_largest_segment_stays_for_other_clients() {
    let mut answer = tcp(BACKENDS[0], CLIENT, SYN | ACK);
    answer.options = vec![2, 4, 0x23, 0x28];
    let syn = tcp(CLIENT, ONE, SYN);
    run_in_both_families(&[
        becomes(
            "SYN",
            Ingress,
            &syn,
            &[Forwarded, Opened],
            &syn.to(BACKENDS[0]),
        ),
        becomes("SYN-ACK", Egress, &answer, &[Replied], &answer.from(ONE)),
    ]);
}

/// Routers between the nodes mark outer headers (RFC 6040); the packet says whether it can bear it.
#[test]
fn congestion_on_the_way_is_passed_on() {
    for (inner, outer, after) in [(2, 3, 3), (1, 3, 3), (0, 3, 0), (2, 2, 2), (3, 3, 3)] {
        let mut request = udp(CLIENT, TWO);
        request.class = 0xb8 | inner;
        let mut delivered = request.to(BACKENDS[1]);
        delivered.class = 0xb8 | after;
        let mut frame = here(&request, 1);
        frame.congestion = Some(outer);
        run_in_both_families(&[answered("request", Ingress, frame, CAME, &delivered)]);
    }
    let mut request = udp(CLIENT, DIRECT);
    request.class = 0xb9;
    run_in_both_families(&[answered(
        "to the node",
        Ingress,
        &request,
        NEW,
        onward(&request),
    )]);
}
