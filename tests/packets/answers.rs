//! Who answers ARP and neighbour discovery, on the host and in the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gateway_common::abi::{
    Address,
    Counter::{self, *},
    Event, FlowKey, LinkAddress,
};

use crate::{
    fixture::config,
    host::Host,
    kernel::Kernel,
    neighbours::*,
    path::{
        Config,
        Hook::{self, *},
        Path as _,
    },
    table::{answered, run, stays},
};

const ANYBODY: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);
const ANYBODY_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xab, 0xcd77);

#[test]
fn arp_is_answered_for_our_addresses() {
    let stranger = (STRANGER, STRANGER_V4);
    let reply = |to| arp(STRANGER, REPLY, (UPLINK, OURS), to);
    let again = arp(UPLINK, REQUEST, stranger, (UPLINK, OURS));
    let nobody = (STRANGER, Ipv4Addr::UNSPECIFIED);
    let probe = arp(BROADCAST, REQUEST, nobody, ([0; 6], OURS));
    let mut padded = who_has(OURS);
    padded.resize(60, 0);
    let mut padded_reply = reply(stranger);
    padded_reply.resize(60, 0);
    run(&[
        answered(
            "broadcast",
            Ingress,
            who_has(OURS),
            &[AnswerArp],
            reply(stranger),
        ),
        answered("unicast", Ingress, again, &[AnswerArp], reply(stranger)),
        answered("padded", Ingress, padded, &[AnswerArp], padded_reply),
        // RFC 5227: whoever wants the address must hear that it is taken.
        answered("probe", Ingress, probe, &[AnswerArp], reply(nobody)),
    ]);
}

#[test]
fn solicitations_are_answered_for_our_addresses() {
    let stranger = (STRANGER, STRANGER_V6);
    let answer = advert(UPLINK, OURS_V6, Some(stranger));
    let again = icmp6(stranger, (UPLINK, OURS_V6), &message(135, 0, OURS_V6, &[]));
    let nonce = [14, 1, 1, 2, 3, 4, 5, 6];
    let long = solicit(OURS_V6, &nonce);
    run(&[
        answered(
            "group",
            Ingress,
            solicit(OURS_V6, &[]),
            &[AnswerNdp],
            answer.clone(),
        ),
        answered("longer", Ingress, long, &[AnswerNdp], answer.clone()),
        answered("shorter", Ingress, again, &[AnswerNdp], answer),
        answered(
            "duplicate address detection",
            Ingress,
            probe(OURS_V6),
            &[AnswerNdp],
            advert(UPLINK, OURS_V6, None),
        ),
    ]);
}

#[test]
fn the_stack_hears_nothing_about_addresses_of_other_nodes() {
    let announced = arp(BROADCAST, REQUEST, (STRANGER, THEIRS), ([0; 6], THEIRS));
    let from_us = arp(BROADCAST, REQUEST, (UPLINK, THEIRS), ([0; 6], ANYBODY));
    run(&[
        stays("ARP", Ingress, who_has(THEIRS), &[SuppressArp]),
        stays("announcement", Ingress, announced, &[SuppressArp]),
        stays("our stack's own", Egress, from_us, &[SuppressArp]),
        stays("NDP", Ingress, solicit(THEIRS_V6, &[]), &[SuppressNdp]),
        stays("DAD", Ingress, probe(THEIRS_V6), &[SuppressNdp]),
    ]);
}

#[test]
fn neighbours_of_the_node_itself_pass() {
    let ours = (UPLINK, OURS);
    let own = arp(BROADCAST, REQUEST, ours, ([0; 6], OURS));
    let reply = arp(UPLINK, REPLY, (STRANGER, ANYBODY), (UPLINK, STRANGER_V4));
    let about_theirs = advert(STRANGER, THEIRS_V6, None);
    let talk = arp(BROADCAST, REQUEST, ours, ([0; 6], ANYBODY));
    run(&[
        stays("ARP", Ingress, who_has(ANYBODY), &[PassNotIp]),
        stays("reply", Ingress, reply, &[PassNotIp]),
        stays("our own, back", Ingress, own, &[PassNotIp]),
        stays("our own, out", Egress, talk, &[PassNotIp]),
        stays("NDP", Ingress, solicit(ANYBODY_V6, &[]), &[PassProtocol]),
        stays("advert", Ingress, about_theirs, &[PassProtocol]),
    ]);
}

/// A station that says it has an address of ours, and how it says so.
fn claims() -> [(&'static str, Vec<u8>, Counter, IpAddr); 5] {
    let liar = (STRANGER, OURS);
    let liar_v6 = (STRANGER, OURS_V6);
    let asked = message(135, 0, ANYBODY_V6, &[]);
    let (all, one) = ([0xff; 6], (UPLINK, STRANGER_V4));
    [
        (
            "announcement",
            arp(all, REQUEST, liar, ([0; 6], OURS)),
            ConflictArp,
            OURS.into(),
        ),
        (
            "question",
            arp(all, REQUEST, liar, ([0; 6], ANYBODY)),
            ConflictArp,
            OURS.into(),
        ),
        (
            "reply",
            arp(UPLINK, REPLY, liar, one),
            ConflictArp,
            OURS.into(),
        ),
        (
            "advertisement",
            advert(STRANGER, OURS_V6, None),
            ConflictNdp,
            OURS_V6.into(),
        ),
        (
            "solicitation",
            icmp6(liar_v6, (all, ANYBODY_V6), &asked),
            ConflictNdp,
            OURS_V6.into(),
        ),
    ]
}

#[test]
fn claims_to_our_addresses_pass_and_are_told() {
    let mut host = Host::new(&config());
    for (name, frame, counter, address) in claims() {
        let mut passed = frame.clone();
        host.run(Ingress, &mut passed);
        assert_eq!(passed, frame, "{name}");
        let expected = Event {
            key: FlowKey {
                source: address.into(),
                destination: address.into(),
                ..FlowKey::default()
            },
            reason: counter as u32,
            bytes: frame.len() as u32,
            station: LinkAddress::new(STRANGER),
        };
        assert_eq!(host.events.pop(), Some(expected), "{name}");
        // The kernel tells one in a tenth of a second: each on fresh maps.
        let mut kernel = Kernel::new(&config());
        kernel.run(Ingress, &mut frame.clone());
        assert_eq!(kernel.events(), [expected], "{name}");
        assert_eq!(kernel.counters().get(counter).packets, 1, "{name}");
    }
}

/// Where a byte of a good question is changed so that it is none any more.
const SPOILT: [(&str, bool, usize, u8, Counter); 8] = [
    ("hardware", false, 15, 6, PassNotIp),
    ("protocol", false, 16, 0x86, PassNotIp),
    ("address length", false, 18, 8, PassNotIp),
    ("operation", false, 21, 3, PassNotIp),
    ("another network", true, 21, 254, PassProtocol),
    ("next header", true, 20, 132, PassProtocol),
    ("code", true, 55, 1, PassProtocol),
    ("router solicitation", true, 54, 133, PassProtocol),
];

#[test]
fn what_is_no_question_passes() {
    for (name, v6, at, byte, counter) in &SPOILT {
        let mut frame = if *v6 {
            solicit(OURS_V6, &[])
        } else {
            who_has(OURS)
        };
        frame[*at] = *byte;
        run(&[stays(name, Ingress, frame, std::slice::from_ref(counter))]);
    }
    let arp = (14..42).map(|at| stays("cut", Ingress, who_has(OURS)[..at].to_vec(), &[PassNotIp]));
    run(&arp.collect::<Vec<_>>());
    let ndp = (14..78).map(|at| {
        let counters: &[Counter] = if at < 62 {
            &[PassMalformed]
        } else {
            &[PassProtocol]
        };
        stays("cut", Ingress, probe(OURS_V6)[..at].to_vec(), counters)
    });
    run(&ndp.collect::<Vec<_>>());
}

#[test]
fn without_a_link_address_of_its_own_the_node_says_nothing() {
    let config = Config {
        uplinks: Vec::new(),
        ..config()
    };
    for path in [
        &mut Host::new(&config) as &mut dyn crate::path::Path,
        &mut Kernel::new(&config),
    ] {
        for frame in [who_has(OURS), who_has(THEIRS)] {
            stays("unknown interface", Ingress, frame, &[PassNotIp]).check(path);
        }
        let question = solicit(OURS_V6, &[]);
        stays("unknown interface", Ingress, question, &[PassProtocol]).check(path);
    }
}

#[test]
fn an_address_changes_hands_with_its_entry() {
    let mut config = config();
    for (_, address) in &mut config.addresses {
        *address = Address::new(!address.is_owned());
    }
    let hook: Hook = Ingress;
    let answer = arp(STRANGER, REPLY, (UPLINK, THEIRS), (STRANGER, STRANGER_V4));
    for path in [
        &mut Host::new(&config) as &mut dyn crate::path::Path,
        &mut Kernel::new(&config),
    ] {
        stays("given away", hook, who_has(OURS), &[SuppressArp]).check(path);
        answered(
            "taken",
            Ingress,
            who_has(THEIRS),
            &[AnswerArp],
            answer.clone(),
        )
        .check(path);
    }
}

/// An interface that XDP cannot answer on: the program behind it does, and nothing else.
#[test]
fn what_xdp_cannot_answer_is_answered_behind_it() {
    let mut config = config();
    for (_, uplink) in &mut config.uplinks {
        uplink.detour = 1;
    }
    let (stranger, stranger_v6) = ((STRANGER, STRANGER_V4), (STRANGER, STRANGER_V6));
    let reply = arp(STRANGER, REPLY, (UPLINK, OURS), stranger);
    let advert_v6 = advert(UPLINK, OURS_V6, Some(stranger_v6));
    let (longer, to_all) = (
        solicit(OURS_V6, &[14, 1, 1, 2, 3, 4, 5, 6]),
        advert(UPLINK, OURS_V6, None),
    );
    let mut rows = vec![
        answered("ARP", Answer, who_has(OURS), &[AnswerArp], reply),
        answered(
            "NDP",
            Answer,
            solicit(OURS_V6, &[]),
            &[AnswerNdp],
            advert_v6.clone(),
        ),
        answered("longer", Answer, longer, &[AnswerNdp], advert_v6),
        answered("shorter", Answer, probe(OURS_V6), &[AnswerNdp], to_all),
        stays("others", Answer, who_has(ANYBODY), &[]),
        stays("ARP in XDP", Ingress, who_has(OURS), &[PassNotIp]),
        stays("NDP in XDP", Ingress, probe(OURS_V6), &[PassProtocol]),
        stays("another node's", Ingress, who_has(THEIRS), &[SuppressArp]),
    ];
    let claims = claims().map(|(name, frame, ..)| stays(name, Answer, frame, &[]));
    rows.extend(claims);
    for path in [
        &mut Host::new(&config) as &mut dyn crate::path::Path,
        &mut Kernel::new(&config),
    ] {
        rows.iter().for_each(|row| row.check(path));
    }
    // Where XDP answers, the program behind it would never see a question, and leaves it.
    run(&[stays("not its task", Answer, who_has(OURS), &[])]);
}
