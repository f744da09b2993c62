//! Random and broken frames: host and kernel agree on every byte.

use gateway_tests::measured::measured;

use crate::{
    control::{Body, NO_PORT, TOO_BIG, error, ping},
    fixture::{
        BACKENDS, DIRECT, DISTANT_TAG, EMPTY, NODE, ONE, OTHER_NODE, PROXY, SAME, TAGS, TWO,
    },
    frames::{ACK, End, FIN, Family, RST, SYN, Spec, tcp, udp, v4},
    neighbours::*,
    nested::nested,
    path::{Hook, World, worlds},
    table::{Shape, difference},
    tagged::{CUSTOMER, SERVICE, tag},
};

const FRAMES: usize = 8_000;

/// xorshift64*.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Of the environment variable SEED, or of the clock; printed.
pub(crate) fn seed(of: &str) -> u64 {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(1, |d| d.as_nanos() as u64 | 1)
        });
    measured(format_args!("random {of} with SEED={seed}"));
    seed
}

#[test]
fn host_and_kernel_agree() {
    let seed = seed("frames");
    let mut worlds = worlds().into_iter();
    while let (Some(host), Some(kernel)) = (worlds.next(), worlds.next()) {
        agree(seed, host, kernel);
    }
}

fn agree(seed: u64, host: World, kernel: World) {
    let (family, mut rng) = (host.family, Rng(seed));
    let (mut host, mut kernel) = (host.path, kernel.path);
    for number in 0..FRAMES {
        let (hook, frame) = frame(&mut rng, family);
        let (mut left, mut right) = (frame.clone(), frame.clone());
        let before = (host.counters(), kernel.counters());
        let verdicts = (host.run(hook, &mut left), kernel.run(hook, &mut right));
        let after = (host.counters(), kernel.counters());
        let context = format!("seed {seed}, {family:?}, frame {number}, {hook:?}: {frame:02x?}");
        assert_eq!(verdicts.0, verdicts.1, "{context}");
        assert_eq!(left, right, "{context}");
        assert_eq!(
            difference(&before.0, &after.0),
            difference(&before.1, &after.1),
            "{context}"
        );
    }
    let counters = host.counters();
    for (name, count) in [
        ("forwarded", counters.forwarded),
        ("replied", counters.replied),
        ("opened", counters.opened),
        ("established", counters.established),
        ("malformed", counters.pass_malformed),
        ("fragments", counters.pass_fragment),
        ("ARP answers", counters.answer_arp),
        ("NDP answers", counters.answer_ndp),
        ("suppressed", counters.suppress_ndp),
        ("claims", counters.conflict_arp),
        ("pings", counters.answer_echo),
        ("errors", counters.related),
        ("encapsulated", counters.encapsulated),
        ("decapsulated", counters.decapsulated),
    ] {
        println!("{name}: {}", count.packets);
        assert!(
            count.packets > 10,
            "seed {seed}: only {} {name}",
            count.packets
        );
    }
}

/// A frame between clients, gateway and backends, or about their link addresses.
fn frame(rng: &mut Rng, family: Family) -> (Hook, Vec<u8>) {
    let client = (
        v4(10, 0, 0, rng.below(8) as u8),
        40_000 + rng.below(40) as u16,
    );
    let hook = rng.pick(&[Hook::Ingress, Hook::Egress]);
    let (source, destination) = match hook {
        Hook::Ingress | Hook::Answer => (
            client,
            rng.pick(&[ONE, TWO, SAME, EMPTY, PROXY, DIRECT, BACKENDS[0]]),
        ),
        Hook::Egress => (rng.pick(&BACKENDS), client),
    };
    let flags = rng.pick(&[SYN, ACK, ACK, ACK, SYN | ACK, FIN | ACK, RST]);
    if rng.below(4) == 0 {
        let frame = question(rng);
        return finish(rng, hook, frame);
    }
    if rng.below(4) == 0 {
        let control = match hook {
            Hook::Ingress | Hook::Answer if rng.below(3) == 0 => {
                ping(client.0, destination.0, b"?")
            }
            Hook::Ingress | Hook::Answer => {
                let about = message(rng, destination, client);
                error(TOO_BIG, v4(10, 9, 9, 9), destination.0, &about)
            }
            Hook::Egress => {
                let about = message(rng, client, source);
                error(NO_PORT, source.0, client.0, &about)
            }
        };
        let bytes = 6 + rng.below(20);
        return finish(rng, hook, control.quoting(bytes).frame(family));
    }
    let mut spec = match rng.below(2) {
        0 => tcp(source, destination, flags),
        _ => udp(source, destination),
    };
    spec.unsummed = rng.below(8) == 0;
    spec.payload = (0..rng.below(64)).map(|_| rng.below(256) as u8).collect();
    if rng.below(4) == 0 {
        let frame = within(rng, hook, &spec, family);
        return finish(rng, hook, frame);
    }
    let frame = spec.within(family).frame();
    finish(rng, hook, frame)
}

/// A packet of another gateway, or an error of the stack about one for another node.
fn within(rng: &mut Rng, hook: Hook, spec: &Spec, family: Family) -> Vec<u8> {
    if hook == Hook::Egress {
        let client = spec.destination;
        let request = message(rng, client, DIRECT);
        let mut error = error(rng.pick(&[TOO_BIG, NO_PORT]), NODE.0, client.0, &request);
        error.body = Body::Nested(Box::new(nested(&request, OTHER_NODE, DISTANT_TAG)));
        return error.frame(family);
    }
    let node = rng.pick(&[NODE.0, NODE.0, NODE.0, OTHER_NODE]);
    let tag = rng.pick(&[TAGS[0], TAGS[1], DISTANT_TAG]);
    let client = spec.source;
    let inner = match rng.below(4) {
        0 => {
            let reply = spec.from(spec.destination).to(client);
            Shape::Control(error(TOO_BIG, v4(10, 9, 9, 9), spec.destination.0, &reply))
        }
        _ => Shape::from(spec),
    };
    nested(inner, node, tag).frame(family)
}

/// A packet that an error may quote.
fn message(rng: &mut Rng, source: End, destination: End) -> Spec {
    match rng.below(2) {
        0 => tcp(source, destination, ACK),
        _ => udp(source, destination),
    }
}

/// ARP or neighbour discovery about our addresses, or another node's.
fn question(rng: &mut Rng) -> Vec<u8> {
    let (v4, v6) = (rng.pick(&[OURS, THEIRS]), rng.pick(&[OURS_V6, THEIRS_V6]));
    match rng.below(5) {
        0 => who_has(v4),
        1 => solicit(v6, &[]),
        2 => probe(v6),
        3 => advert(STRANGER, v6, None),
        _ => arp(BROADCAST, REPLY, (STRANGER, v4), (STRANGER, v4)),
    }
}

/// Every fourth request comes with VLAN tags, and every third frame is damaged.
fn finish(rng: &mut Rng, hook: Hook, mut frame: Vec<u8>) -> (Hook, Vec<u8>) {
    if hook == Hook::Ingress && rng.below(4) == 0 {
        for _ in 0..=rng.below(3) {
            tag(&mut frame, &rng.pick(&[CUSTOMER, SERVICE]));
        }
    }
    if rng.below(3) == 0 {
        for _ in 0..=rng.below(3) {
            let at = 12 + rng.below((frame.len() - 12).min(66));
            frame[at] = rng.below(256) as u8;
        }
        frame.truncate(14 + rng.below(frame.len() * 2));
    }
    let is_v6 = frame.len() > 20 && frame[12..14] == [0x86, 0xdd];
    if is_v6 && rng.below(16) == 0 {
        // Fragments and options, which random bytes seldom make.
        frame[20] = rng.pick(&[44, 0, 60]);
    }
    // The kernel refuses test runs of tc programs on IP frames without a whole IP header.
    if frame.len() < 54 && [[0x08, 0x00], [0x86, 0xdd]].contains(&[frame[12], frame[13]]) {
        return (Hook::Ingress, frame);
    }
    (hook, frame)
}
