//! Random connections, most of whose segments are nearly right: host and kernel agree on every outcome,
//! on every byte, and on what they keep.

mod client;

use std::collections::HashMap;

use gateway_common::{abi::Frontend, splice::Outcome};
use gateway_tests::measured::measured;
use rustix::time::{ClockId, clock_gettime};

use self::client::Client;
use super::{
    fixture::{Passthrough, TLS, frontend_key, listener, passthrough},
    host::OnHost,
    judge::{Entry, Judge as _, Kept},
    kernel::InKernel,
    segment::Read,
    way::Way,
    world::{leave, run},
};
use crate::{
    fixture::NODE,
    frames::Family,
    path::Hook::{self, *},
    random::{Rng, seed},
    tagged::{CUSTOMER, SERVICE},
};

const ROUNDS: usize = 40;
/// Frames of each round: far less than a second, for times are not compared.
const FRAMES: usize = 250;
const CLIENTS: usize = 3;
/// Seconds for which a cookie is made with the same number, of which it tells the last two bits.
const PERIOD: u32 = 64;

#[test]
fn host_and_kernel_agree_on_random_connections() {
    let seed = seed("connections");
    let mut seen = HashMap::new();
    for family in [Family::V4, Family::V6] {
        let all = passthrough();
        let mut both = Both {
            host: OnHost::new(&all),
            kernel: InKernel::new(&all),
            family,
            seen: HashMap::new(),
        };
        let mut rng = Rng(seed);
        for round in 0..ROUNDS {
            both.round(
                &all,
                &mut rng,
                &format!("SEED={seed}, {family:?}, round {round}"),
            );
        }
        for (outcome, count) in both.seen {
            *seen.entry(outcome).or_insert(0) += count;
        }
    }
    let mut all: Vec<_> = seen.iter().map(|(o, n)| (o.describe().0, *n)).collect();
    all.sort_by_key(|(_, count)| *count);
    measured(format_args!("random connections: {all:?}"));
    for outcome in Outcome::ALL {
        // Those need what rows put into the maps, or sockets.
        let is_of_rows = matches!(
            outcome,
            Outcome::NotOurs
                | Outcome::NoCookie
                | Outcome::Local
                | Outcome::Full
                | Outcome::OrphanReset
                | Outcome::NoRoom
        );
        assert!(
            is_of_rows || seen.contains_key(outcome),
            "SEED={seed}: no {outcome:?}"
        );
    }
}

/// Both judges, which get the same frames.
struct Both {
    host: OnHost,
    kernel: InKernel,
    family: Family,
    seen: HashMap<Outcome, u32>,
}

impl Both {
    fn round(&mut self, all: &Passthrough, rng: &mut Rng, context: &str) {
        self.host.reset(all);
        self.kernel.reset(all);
        let listener = Entry::Listener(
            frontend_key(self.family, TLS),
            Some(Frontend {
                resets: rng.below(2) as u32,
                ..listener(self.family)
            }),
        );
        self.host.put(&listener);
        self.kernel.put(&listener);
        let mut clients: Vec<_> = (0..CLIENTS).map(|n| Client::new(n, rng)).collect();
        for number in 0..FRAMES {
            if rng.below(16) == 0 {
                let milliseconds = rng.pick(&[150, 4_000, 31_000]);
                self.host.age(milliseconds);
                self.kernel.age(milliseconds);
            }
            if rng.below(100) == 0 {
                self.host.drain();
                self.kernel.drain();
            }
            let which = rng.below(CLIENTS);
            let (hook, frame) = clients[which].frame(rng, self.family);
            let tags = match hook {
                Ingress if rng.below(4) == 0 => [SERVICE, CUSTOMER].concat(),
                _ => Vec::new(),
            };
            let context = format!("{context}, frame {number}, {hook:?}: {frame:02x?}");
            if let Some((outcome, out)) = self.run(hook, &frame, &tags, &context) {
                *self.seen.entry(outcome).or_insert(0) += 1;
                self.hear(&mut clients, outcome, &out);
            }
        }
        let kept = [self.host.kept(), self.kernel.kept()].map(Kept::timeless);
        assert_eq!(kept[0], kept[1], "{context}");
    }

    /// What both have made of a frame.
    fn run(
        &mut self,
        hook: Hook,
        frame: &[u8],
        tags: &[u8],
        context: &str,
    ) -> Option<(Outcome, Vec<u8>)> {
        let (mut left, mut right) = (frame.to_vec(), frame.to_vec());
        let kernel = run(&mut self.kernel, hook, &mut right, tags);
        self.set_clock(kernel.outcome, &right);
        let host = run(&mut self.host, hook, &mut left, tags);
        assert_eq!(host.outcome, kernel.outcome, "{context}");
        let out = left.clone();
        if let Some(outcome) = host.outcome {
            let wanted = leave(&mut left, hook, outcome);
            assert_eq!(kernel.action, Some(wanted), "{context}: {outcome:?}");
        }
        assert_eq!(left, right, "{context}: {:?}", host.outcome);
        Some((host.outcome?, out))
    }

    /// The host's clock is the kernel's, as the kernel has read it.
    fn set_clock(&mut self, outcome: Option<Outcome>, frame: &[u8]) {
        let now = clock_gettime(ClockId::Monotonic);
        let tables = &mut self.host.tables;
        tables.seconds = now.tv_sec as u32;
        tables.clock = (now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000) as u32;
        if outcome != Some(Outcome::Accepted) {
            return;
        }
        let told = Read::of(frame).told();
        if told.stamp != 0 {
            tables.clock = told.stamp;
        }
        while (tables.seconds / PERIOD) & 3 != told.cookie & 3 {
            tables.seconds -= PERIOD;
        }
    }

    /// Whoever gets a segment knows what it says.
    fn hear(&self, clients: &mut [Client], outcome: Outcome, frame: &[u8]) {
        use Outcome::*;
        match outcome {
            Accepted => {
                let read = Read::of(frame);
                for client in clients {
                    if self.family.of(client.end) == read.destination {
                        client.told = read.told();
                        (client.sent, client.asked) = (0, None);
                    }
                }
            }
            Asked | AskedProxy | Replayed | ToBackend | Doubted => {
                let read = Read::of(frame);
                for client in clients {
                    let is_seen = self.family.of(client.end) == read.source;
                    if is_seen || client.way == Way::Far && self.family.of(NODE) == read.source {
                        client.asked = Some(read);
                    }
                }
            }
            _ => {}
        }
    }
}
