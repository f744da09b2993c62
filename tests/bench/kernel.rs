//! What a packet costs in the XDP program: nanoseconds net of the least program, and beside Katran's
//! where its object is at hand.
//!
//! Each sample is one `BPF_PROG_TEST_RUN` with repeat = 1, so that every run gets the frame as it
//! was; the cases take turns on one CPU. Bounds nothing: other machines have other numbers.
#![expect(
    dead_code,
    reason = "shared with the packet table, which uses the rest"
)]

use aya::programs::{TestRun as _, TestRunOptions, Xdp};
use gateway_common::{
    abi::{Frontend, FrontendKey, KIND_L4, TCP},
    addr::Addr,
    maps::{PROGRAM_CLOCK, PROGRAM_EGRESS, PROGRAM_INGRESS, PROGRAM_LOOKUP},
};
use rustix::thread::{CpuSet, sched_setaffinity};

#[path = "../packets/fixture.rs"]
mod fixture;
#[path = "../packets/frames.rs"]
mod frames;
#[path = "../packets/host.rs"]
mod host;
mod katran;
#[path = "../packets/kernel.rs"]
mod kernel;
#[path = "../packets/path.rs"]
mod path;

use Family::{V4, V6};
use fixture::{BACKENDS, CLIENT, ONE, PROXY, SAME, TWO};
use frames::{ACK, End, Family, SYN, Spec, tcp, udp, v4};
use katran::Katran;
use kernel::Kernel;
use path::{Config, Hook, Path as _};

const ROUNDS: u32 = 9;
/// Samples of each case in a round.
const SAMPLES: u32 = 2_000;
/// For flows, where a case has few.
const ROOM: u32 = 65_536;
const MANY: u32 = 1_000_000;
const FRONTENDS: u32 = 10_000;

struct Case {
    name: &'static str,
    family: Family,
    on: On,
    /// Of a sample.
    frame: fn(u32) -> Spec,
    /// Katran has nothing like it.
    is_ours_alone: bool,
}

/// The tables that a case is run with.
#[derive(Clone, Copy)]
enum On {
    Few,
    /// A million flows.
    Flows,
    Frontends,
}

const CASES: [Case; 15] = [
    case("not ours", V4, On::Few, others),
    alone("for the proxy", On::Few, |_| tcp(CLIENT, PROXY, ACK)),
    case("TCP, established", V4, On::Few, |_| tcp(CLIENT, ONE, ACK)),
    case("TCP, 1,000 flows", V4, On::Flows, |n| of_flows(n, 1_000)),
    case("TCP, 1,000,000 flows", V4, On::Flows, |n| of_flows(n, MANY)),
    alone("TCP, 10,000 frontends", On::Frontends, |_| {
        tcp(CLIENT, ONE, ACK)
    }),
    case("UDP, established", V4, On::Few, |_| udp(CLIENT, ONE)),
    case("TCP, new flow", V4, On::Few, opens),
    alone("new, shared backend", On::Few, |n| {
        tcp(newcomer(n + 3 * MANY), TWO, SYN)
    }),
    alone("new, 10,000 frontends", On::Frontends, opens),
    alone("not ours, 10,000 f.", On::Frontends, others),
    case("not ours, IPv6", V6, On::Few, others),
    case("TCP, IPv6", V6, On::Few, |_| tcp(CLIENT, ONE, ACK)),
    case("UDP, IPv6", V6, On::Few, |_| udp(CLIENT, ONE)),
    case("TCP, IPv6, new flow", V6, On::Few, opens),
];

const fn case(name: &'static str, family: Family, on: On, frame: fn(u32) -> Spec) -> Case {
    Case {
        name,
        family,
        on,
        frame,
        is_ours_alone: false,
    }
}

const fn alone(name: &'static str, on: On, frame: fn(u32) -> Spec) -> Case {
    Case {
        is_ours_alone: true,
        ..case(name, V4, on, frame)
    }
}

fn others(_number: u32) -> Spec {
    tcp(CLIENT, (v4(198, 51, 100, 1), 443), ACK)
}

fn opens(number: u32) -> Spec {
    // Others than those of the million flows.
    tcp(newcomer(number + 2 * MANY), ONE, SYN)
}

/// One of so many established flows, far from the last.
fn of_flows(number: u32, flows: u32) -> Spec {
    let flow = u64::from(number) * 7_919 % u64::from(flows);
    tcp(newcomer(flow as u32), ONE, ACK)
}

/// The client of that number.
fn newcomer(number: u32) -> End {
    let [_, high, low, port] = number.to_be_bytes();
    (v4(10, 200, high, low), 1024 + u16::from(port))
}

/// Our programs with the tables of each kind of case.
struct Ours {
    four: Kernel,
    six: Kernel,
    flows: Kernel,
    frontends: Kernel,
}

impl Ours {
    fn new() -> Self {
        let mut wide = config(V4);
        wide.frontends.extend((0..FRONTENDS).map(frontend));
        let mut ours = Self {
            four: Kernel::with_flows(&config(V4), ROOM),
            six: Kernel::with_flows(&config(V6), ROOM),
            flows: Kernel::with_flows(&config(V4), 4 * MANY),
            frontends: Kernel::with_flows(&wide, ROOM),
        };
        establish(&mut ours.four, V4);
        establish(&mut ours.six, V6);
        establish(&mut ours.frontends, V4);
        for flow in 0..MANY {
            connect(&mut ours.flows, newcomer(flow), V4);
        }
        ours
    }

    fn of(&mut self, case: &Case) -> &mut Kernel {
        match (case.on, case.family) {
            (On::Few, V4) => &mut self.four,
            (On::Few, V6) => &mut self.six,
            (On::Flows, _) => &mut self.flows,
            (On::Frontends, _) => &mut self.frontends,
        }
    }
}

/// Katran's, where it is at hand.
struct Katrans {
    few: Option<Katran>,
    flows: Option<Katran>,
}

impl Katrans {
    fn of(&mut self, case: &Case) -> Option<&mut Katran> {
        match case.on {
            _ if case.is_ours_alone => None,
            On::Flows => self.flows.as_mut(),
            On::Few | On::Frontends => self.few.as_mut(),
        }
    }
}

/// Tables in which one frontend leads to the backend of `ONE`, as is the rule, and several to those of
/// `TWO`.
fn config(family: Family) -> Config {
    let mut config = fixture::config_of(family);
    let [one, same] = [ONE, SAME].map(|end| Addr::from(family.of(end).0));
    config.frontends.retain(|(key, _)| key.address != same);
    for (_, origin) in &mut config.origins {
        origin.shared = u32::from(origin.address != one);
    }
    config
}

/// A frontend that no case uses.
fn frontend(number: u32) -> (FrontendKey, Frontend) {
    let [_, _, high, low] = number.to_be_bytes();
    let key = FrontendKey {
        address: v4(192, 18, high, low).into(),
        port: 443,
        protocol: TCP,
    };
    let frontend = Frontend {
        kind: KIND_L4,
        service: 1,
        ..Frontend::default()
    };
    (key, frontend)
}

/// What was measured of a case, in nanoseconds.
#[derive(Default)]
struct Samples {
    ours: Vec<u64>,
    katran: Vec<u64>,
}

fn main() {
    let mut cpu = CpuSet::new();
    cpu.set(0);
    sched_setaffinity(None, &cpu).expect("the right to choose our own CPU");
    let mut ours = Ours::new();
    let mut katran = Katrans {
        few: Katran::at_hand(ROOM),
        flows: Katran::at_hand(4 * MANY),
    };
    if let Some(katran) = &mut katran.flows {
        katran.meet((0..MANY).map(|flow| tcp(newcomer(flow), ONE, SYN)));
    }
    let mut least = Vec::new();
    let mut all: Vec<Samples> = CASES.iter().map(|_| Samples::default()).collect();
    for round in 0..ROUNDS {
        let frame = tcp(CLIENT, ONE, ACK).frame();
        let clock = kernel::program(&mut ours.four.ebpf, PROGRAM_CLOCK);
        least.push(median((0..SAMPLES).map(|_| time(clock, &frame)).collect()));
        for (case, samples) in CASES.iter().zip(&mut all) {
            let frames: Vec<_> = (0..SAMPLES)
                .map(|n| (case.frame)(round * SAMPLES + n))
                .map(|spec| spec.within(case.family).frame())
                .collect();
            let program = kernel::program(&mut ours.of(case).ebpf, PROGRAM_INGRESS);
            samples.ours.push(series(program, &frames));
            if let Some(katran) = katran.of(case) {
                samples.katran.push(series(&mut katran.program, &frames));
            }
        }
    }
    report(median(least), all);
    programs(&ours.four);
}

fn report(least: u64, all: Vec<Samples>) {
    println!("least program: {least} ns, subtracted below");
    println!(
        "{:<22} {:>6} {:>10} {:>6}",
        "packet", "ns", "Katran ns", "ratio"
    );
    for (case, samples) in CASES.iter().zip(all) {
        let ours = median(samples.ours).saturating_sub(least);
        let (katran, ratio) = match samples.katran.is_empty() {
            true => ("-".into(), "-".into()),
            false => {
                let katran = median(samples.katran).saturating_sub(least);
                let ratio = ours as f64 / katran.max(1) as f64;
                (katran.to_string(), format!("{ratio:.2}"))
            }
        };
        println!("{:<22} {ours:>6} {katran:>10} {ratio:>6}", case.name);
    }
}

fn programs(kernel: &Kernel) {
    println!("{:<22} {:>6} {:>10}", "program", "size", "verified");
    for name in [PROGRAM_INGRESS, PROGRAM_EGRESS, PROGRAM_LOOKUP] {
        let [size, verified] = instructions(kernel, name);
        println!("{name:<22} {size:>6} {verified:>10}");
    }
}

/// Makes the flows of the samples established: both ends have taken part.
fn establish(kernel: &mut Kernel, family: Family) {
    connect(kernel, CLIENT, family);
    let [backend, ..] = BACKENDS;
    let (request, reply) = (udp(CLIENT, ONE), udp(backend, CLIENT));
    for (hook, spec) in [
        (Hook::Ingress, request.clone()),
        (Hook::Egress, reply),
        (Hook::Ingress, request),
    ] {
        kernel.run(hook, &mut spec.within(family).frame());
    }
    let flows = kernel.flows();
    assert!(flows.iter().all(|(_, flow)| flow.is_established()));
}

fn connect(kernel: &mut Kernel, client: End, family: Family) {
    let [backend, ..] = BACKENDS;
    for (hook, spec) in [
        (Hook::Ingress, tcp(client, ONE, SYN)),
        (Hook::Egress, tcp(backend, client, ACK)),
    ] {
        kernel.run(hook, &mut spec.within(family).frame());
    }
}

fn series(program: &mut Xdp, frames: &[Vec<u8>]) -> u64 {
    median(frames.iter().map(|frame| time(program, frame)).collect())
}

/// Runs an XDP program once on a frame; the kernel says how many nanoseconds that took.
fn time(program: &mut Xdp, frame: &[u8]) -> u64 {
    let mut options = TestRunOptions::new();
    options.data_in = Some(frame);
    let result = program.test_run(options).expect("a test run");
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
