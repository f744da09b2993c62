//! What a packet costs in the XDP program: nanoseconds net of the least program.
//!
//! Each sample is one `BPF_PROG_TEST_RUN` with repeat = 1, so that every run gets the frame as it
//! was; the cases take turns on one CPU. Bounds nothing: other machines have other numbers.
#![expect(
    dead_code,
    reason = "shared with the packet table, which uses the rest"
)]

use std::collections::BTreeMap;

use aya::programs::{TestRun as _, TestRunOptions, Xdp};
use gateway_common::maps::{PROGRAM_CLOCK, PROGRAM_EGRESS, PROGRAM_INGRESS, PROGRAM_LOOKUP};
use rustix::thread::{CpuSet, sched_setaffinity};

#[path = "../packets/fixture.rs"]
mod fixture;
#[path = "../packets/frames.rs"]
mod frames;
#[path = "../packets/host.rs"]
mod host;
#[path = "../packets/kernel.rs"]
mod kernel;
#[path = "../packets/path.rs"]
mod path;

use Family::{V4, V6};
use fixture::{BACKENDS, CLIENT, ONE, PROXY};
use frames::{ACK, End, Family, SYN, Spec, tcp, udp, v4};
use kernel::Kernel;
use path::{Hook, Path as _};

const ROUNDS: u32 = 9;
/// Samples of each case in a round.
const SAMPLES: u32 = 2_000;
const LEAST: &str = "least program";
const OTHERS: &str = "not ours";

/// Name, program, family, and the frame of a sample.
type Case = (&'static str, &'static str, Family, fn(u32) -> Spec);

const CASES: [Case; 10] = [
    (LEAST, PROGRAM_CLOCK, V4, established),
    (OTHERS, PROGRAM_INGRESS, V4, others),
    ("proxy", PROGRAM_INGRESS, V4, |_| tcp(CLIENT, PROXY, ACK)),
    ("TCP, established", PROGRAM_INGRESS, V4, established),
    ("UDP, established", PROGRAM_INGRESS, V4, |_| {
        udp(CLIENT, ONE)
    }),
    ("TCP, new flow", PROGRAM_INGRESS, V4, opens),
    ("not ours, IPv6", PROGRAM_INGRESS, V6, others),
    ("TCP, IPv6", PROGRAM_INGRESS, V6, established),
    ("UDP, IPv6", PROGRAM_INGRESS, V6, |_| udp(CLIENT, ONE)),
    ("TCP, IPv6, new flow", PROGRAM_INGRESS, V6, opens),
];

fn others(_number: u32) -> Spec {
    tcp(CLIENT, (v4(198, 51, 100, 1), 443), ACK)
}

fn established(_number: u32) -> Spec {
    tcp(CLIENT, ONE, ACK)
}

fn opens(number: u32) -> Spec {
    tcp(newcomer(number), ONE, SYN)
}

/// A client that was never seen before.
fn newcomer(number: u32) -> End {
    let [_, high, low, port] = number.to_be_bytes();
    (v4(10, 200, high, low), 1024 + u16::from(port))
}

fn main() {
    let mut cpu = CpuSet::new();
    cpu.set(0);
    sched_setaffinity(None, &cpu).expect("the right to choose our own CPU");
    let mut four = Kernel::new(&fixture::config_of(V4));
    let mut six = Kernel::new(&fixture::config_of(V6));
    establish(&mut four, V4);
    establish(&mut six, V6);
    let mut medians: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for round in 0..ROUNDS {
        for (name, program, family, frame) in CASES {
            let kernel = match family {
                V4 => &mut four,
                V6 => &mut six,
            };
            let sample = |n| {
                let frame = frame(round * SAMPLES + n).within(family).frame();
                time(kernel, program, &frame)
            };
            let samples = (0..SAMPLES).map(sample).collect();
            medians.entry(name).or_default().push(median(samples));
        }
    }
    let of = |name| median(medians[name].clone());
    let least = of(LEAST);
    let net = |name| of(name).saturating_sub(least);
    println!("{LEAST}: {least} ns, subtracted below");
    println!("{:<20} {:>6} {:>14}", "packet", "ns", "to not ours");
    for (name, ..) in &CASES[1..] {
        let ratio = net(name) as f64 / net(OTHERS).max(1) as f64;
        println!("{name:<20} {:>6} {ratio:>14.2}", net(name));
    }
    println!("{:<20} {:>6} {:>14}", "program", "size", "verified");
    for name in [PROGRAM_INGRESS, PROGRAM_EGRESS, PROGRAM_LOOKUP] {
        let [size, verified] = instructions(&four, name);
        println!("{name:<20} {size:>6} {verified:>14}");
    }
}

/// Makes the flows of the samples established: both ends have taken part.
fn establish(kernel: &mut Kernel, family: Family) {
    let [backend, ..] = BACKENDS;
    let (request, reply) = (udp(CLIENT, ONE), udp(backend, CLIENT));
    for (hook, spec) in [
        (Hook::Ingress, tcp(CLIENT, ONE, SYN)),
        (Hook::Egress, tcp(backend, CLIENT, ACK)),
        (Hook::Ingress, request.clone()),
        (Hook::Egress, reply),
        (Hook::Ingress, request),
    ] {
        kernel.run(hook, &mut spec.within(family).frame());
    }
    let flows = kernel.flows();
    assert!(flows.iter().all(|(_, flow)| flow.is_established()));
}

/// Runs an XDP program once on a frame; the kernel says how many nanoseconds that took.
fn time(kernel: &mut Kernel, name: &str, frame: &[u8]) -> u64 {
    let mut options = TestRunOptions::new();
    options.data_in = Some(frame);
    let xdp: &mut Xdp = kernel::program(&mut kernel.ebpf, name);
    let result = xdp.test_run(options).expect("a test run");
    result.duration.as_nanos() as u64
}

/// Instructions of a program as loaded, and as the verifier walked through them.
fn instructions(kernel: &Kernel, name: &str) -> [u32; 2] {
    let program = kernel.ebpf.program(name).expect("program in the object");
    let info = program.info().expect("a loaded program");
    let bytes = info.size_translated().expect("kernel 4.13 or later");
    let verified = info.verified_instruction_count();
    [bytes / 8, verified.expect("kernel 5.16 or later")]
}

fn median(mut samples: Vec<u64>) -> u64 {
    samples.sort_unstable();
    samples[samples.len() / 2]
}
