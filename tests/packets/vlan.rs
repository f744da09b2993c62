//! Frames with VLAN tags, in the kernel: that the host treats every row of the table alike with tags
//! is shown where rows are run.

use gateway_common::abi::Counter::{self, *};

use crate::{
    control::ping,
    fixture::{
        BACKENDS, CLIENT, DIRECT, DISTANT_TAG, NODE, ONE, OTHER_NODE, PROXY, TAGS, config,
        config_of,
    },
    frames::{ACK, Family, SYN, tcp, udp},
    host::Host,
    kernel::Kernel,
    neighbours::*,
    nested::nested,
    path::{Action, Config, Hook::*, Path, World},
    table::{Row, answered, becomes, stays},
    tagged::{CUSTOMER, SERVICE, Tagged, tag},
};

const NEW: &[Counter] = &[Forwarded, Opened];
/// Of VLAN 0: it tells of a priority only.
const PRIORITY: [u8; 4] = [0x81, 0, 0xe0, 0];

fn tagged(config: &Config, tags: &[[u8; 4]]) -> Box<dyn Path> {
    Box::new(Tagged::with(Kernel::new(config), tags))
}

/// In both families.
fn run_with(tags: &[[u8; 4]], rows: &[Row<'_>]) {
    for family in [Family::V4, Family::V6] {
        let path = tagged(&config_of(family), tags);
        let mut world = World { path, family };
        rows.iter().for_each(|row| row.check_in(&mut world));
    }
}

#[test]
fn packets_are_carried_with_their_tags() {
    let backend = BACKENDS[0];
    let (syn, data) = (tcp(CLIENT, ONE, SYN), tcp(CLIENT, ONE, ACK));
    let answer = tcp(backend, CLIENT, SYN | ACK);
    let query = udp(CLIENT, ONE);
    let (proxied, far) = (tcp(CLIENT, PROXY, SYN), tcp(CLIENT, DIRECT, SYN));
    let inside = tcp(CLIENT, ONE, SYN);
    let arriving = nested(&inside, NODE.0, TAGS[0]);
    let onward = nested(&far, OTHER_NODE, DISTANT_TAG);
    for tags in [&[CUSTOMER][..], &[PRIORITY], &[SERVICE, CUSTOMER]] {
        run_with(
            tags,
            &[
                becomes("SYN", Ingress, &syn, NEW, &syn.to(backend)),
                becomes("SYN-ACK", Egress, &answer, &[Replied], &answer.from(ONE)),
                becomes("data", Ingress, &data, &[Forwarded], &data.to(backend)),
                becomes("UDP", Ingress, &query, NEW, &query.to(backend)),
                stays("proxy", Ingress, &proxied, &[PassProxy]),
                answered(
                    "outer header",
                    Ingress,
                    &far,
                    &[Forwarded, Opened, Encapsulated],
                    onward.clone(),
                ),
            ],
        );
        run_with(
            tags,
            &[answered(
                "from another node",
                Ingress,
                arriving.clone(),
                &[Forwarded, Opened, Decapsulated],
                &inside.to(BACKENDS[0]),
            )],
        );
    }
}

#[test]
fn questions_are_answered_in_the_vlan_they_come_from() {
    let stranger = (STRANGER, STRANGER_V4);
    let reply = arp(STRANGER, REPLY, (UPLINK, OURS), stranger);
    let advert = advert(UPLINK, OURS_V6, Some((STRANGER, STRANGER_V6)));
    let echo = ping(CLIENT.0, ONE.0, b"?");
    let mut path = tagged(&config(), &[SERVICE, CUSTOMER]);
    for row in [
        answered("ARP", Ingress, who_has(OURS), &[AnswerArp], reply),
        answered("NDP", Ingress, solicit(OURS_V6, &[]), &[AnswerNdp], advert),
        stays("another node's", Ingress, who_has(THEIRS), &[SuppressArp]),
        answered("ping", Ingress, &echo, &[AnswerEcho], &echo.answered()),
    ] {
        row.check(path.as_mut());
    }
}

/// What has more tags, or ends within one, is none of ours.
#[test]
fn what_cannot_be_read_passes_as_it_is() {
    let syn = tcp(CLIENT, ONE, SYN).within(Family::V4).frame();
    let mut deep = syn.clone();
    tag(&mut deep, &[CUSTOMER; 3].concat());
    let mut whole = syn;
    tag(&mut whole, &[SERVICE, CUSTOMER].concat());
    let cut = (14..24).map(|at| whole[..at].to_vec());
    for frame in cut.chain([deep]) {
        for path in [
            &mut Host::new(&config()) as &mut dyn Path,
            &mut Kernel::new(&config()),
        ] {
            let mut passed = frame.clone();
            assert_eq!(path.run(Ingress, &mut passed), Action::Pass, "{frame:02x?}");
            assert_eq!(passed, frame, "{}", path.name());
            let counters = path.counters();
            let left = counters.pass_not_ip.packets + counters.pass_malformed.packets;
            assert_eq!(left, 1, "{}: {frame:02x?}", path.name());
        }
    }
}
