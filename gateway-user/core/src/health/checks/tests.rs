//! What is checked and when, and what results do.

use std::net::SocketAddr;

use super::*;
use crate::{
    endpoints::Endpoints,
    health::Failing,
    l4::testing::{backend, endpoints, plan, tcp},
    name::ObjectName,
    plan::{FrontendId, HealthCheck, HttpCheck, Parameters, Plan, Transport, UdpCheck},
};

const START: Duration = Duration::from_secs(1_000);
const PACE: Pace = Pace {
    interval: Duration::from_secs(5),
    timeout: Duration::from_secs(1),
    unhealthy: 3,
    healthy: 2,
};
const REFUSED: Option<Result<(), Fault>> = Some(Err(Fault::Refused));
const WELL: Option<Result<(), Fault>> = Some(Ok(()));

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(address: &str) -> EndpointId {
    EndpointId::tcp(address.parse::<SocketAddr>().expect("an address and port"))
}

fn wanted(pairs: &[(&str, How)], pace: Pace) -> Wanted {
    let mut wanted = Wanted::new();
    for (address, how) in pairs {
        let ways = wanted.entry(at(address)).or_default();
        ways.push((Arc::new(how.clone()), pace));
    }
    wanted
}

fn http() -> How {
    How::Http {
        check: HttpCheck::default(),
        protocol: crate::plan::BackendProtocol::Http1,
        tls: None,
    }
}

/// Has everything that is due at `now` end at once, with the result for its way.
fn round(
    checks: &mut Checks,
    now: Duration,
    result: impl Fn(&How) -> Option<Result<(), Fault>>,
) -> Vec<(EndpointId, Turn)> {
    let tasks = checks.take_due(now, usize::MAX);
    let turns = tasks.into_iter();
    let turns = turns.filter_map(|task| checks.done(task.id, result(&task.how), now));
    turns.collect()
}

#[test]
fn an_endpoint_turns_after_enough_results_in_a_row() {
    let mut checks = Checks::default();
    assert!(!checks.want(&wanted(&[("10.0.0.1:80", How::Tcp)], PACE), START));
    let one = at("10.0.0.1:80");
    let fails = Some((one, Turn::Fails(Fault::Refused)));
    let back = Some((one, Turn::Recovers));
    let not = None;
    let steps = [
        (REFUSED, not),
        (REFUSED, not),
        (WELL, not),
        (REFUSED, not),
        (REFUSED, not),
        (None, not),
        (REFUSED, fails),
        (Some(Err(Fault::TimedOut)), not),
        (WELL, not),
        (REFUSED, not),
        (WELL, not),
        (None, not),
        (WELL, back),
    ];
    for (index, (result, expected)) in (1..).zip(steps) {
        let turns = round(&mut checks, START + secs(5) * index, |_| result);
        assert_eq!(turns, Vec::from_iter(expected), "step {index}");
        let failing = checks.failing();
        let expected = (7..13).contains(&index).then_some((one, Fault::Refused));
        assert_eq!(failing, expected.into_iter().collect(), "step {index}");
    }
}

#[test]
fn one_failing_check_of_several_is_enough() {
    let mut checks = Checks::default();
    let both = wanted(&[("10.0.0.1:80", How::Tcp), ("10.0.0.1:80", http())], PACE);
    checks.want(&both, START);
    let answers_500 = |how: &How| match how {
        How::Http { .. } => Some(Err(Fault::Status(500))),
        _ => WELL,
    };
    let mut turns = Vec::new();
    for index in 1..10 {
        turns.extend(round(&mut checks, START + secs(5) * index, answers_500));
    }
    let one = at("10.0.0.1:80");
    assert_eq!(turns, [(one, Turn::Fails(Fault::Status(500)))]);
    // Now the other one as well: it is back only once both pass.
    for index in 10..13 {
        assert!(round(&mut checks, START + secs(5) * index, |_| REFUSED).is_empty());
    }
    for index in 13..16 {
        assert!(round(&mut checks, START + secs(5) * index, answers_500).is_empty());
    }
    assert!(round(&mut checks, START + secs(80), |_| WELL).is_empty());
    let turns = round(&mut checks, START + secs(85), |_| WELL);
    assert_eq!(turns, [(one, Turn::Recovers)]);
}

#[test]
fn each_check_is_due_once_an_interval_and_they_are_spread() {
    let addresses: Vec<_> = (1..=100).map(|n| format!("10.0.0.{n}:80")).collect();
    let pairs: Vec<_> = addresses.iter().map(|a| (a.as_str(), How::Tcp)).collect();
    let mut checks = Checks::default();
    checks.want(&wanted(&pairs, PACE), START);
    let mut begun = Vec::new();
    for second in 1..=10 {
        let now = START + secs(second);
        let tasks = checks.take_due(now, usize::MAX);
        begun.push(tasks.len());
        for task in tasks {
            checks.done(task.id, WELL, now);
        }
    }
    assert!(begun[..5].iter().all(|n| (5..50).contains(n)), "{begun:?}");
    assert_eq!(begun[..5].iter().sum::<usize>(), 100, "{begun:?}");
    assert_eq!(begun[..5], begun[5..], "the same in each interval");
}

#[test]
fn no_more_run_than_there_is_room_for_and_none_twice() {
    let pairs = [("10.0.0.1:80", How::Tcp), ("10.0.0.2:80", How::Tcp)];
    let mut checks = Checks::default();
    checks.want(&wanted(&pairs, PACE), START);
    let now = START + secs(5);
    let first = checks.take_due(now, 1);
    assert_eq!(first.len(), 1);
    assert!(checks.next_due().is_some_and(|due| due <= now), "one waits");
    let second = checks.take_due(now, 1);
    assert_ne!(first[0].endpoint, second[0].endpoint);
    assert!(checks.take_due(now + secs(60), 1).is_empty(), "both run");
    assert_eq!(checks.next_due(), None);
    // One interval after it began; and not before now, where that is over.
    checks.done(first[0].id, WELL, now + secs(1));
    assert_eq!(checks.next_due(), Some(now + secs(5)));
    checks.done(second[0].id, WELL, now + secs(20));
    assert_eq!(checks.take_due(now + secs(19), 9).len(), 1);
    assert_eq!(checks.next_due(), Some(now + secs(20)));
}

#[test]
fn what_stays_the_same_keeps_its_state_and_what_goes_is_forgotten() {
    let mut checks = Checks::default();
    let [one, two] = ["10.0.0.1:80", "10.0.0.2:80"];
    let both = [(one, How::Tcp), (two, How::Tcp)];
    checks.want(&wanted(&both, PACE), START);
    for index in 1..=3 {
        round(&mut checks, START + secs(5) * index, |_| REFUSED);
    }
    let now = START + secs(15);
    assert_eq!(checks.failing().len(), 2);
    let slower = Pace {
        interval: secs(60),
        healthy: 1,
        ..PACE
    };
    assert!(!checks.want(&wanted(&both, slower), now), "none turned");
    assert_eq!(checks.failing().len(), 2);
    assert!(checks.want(&wanted(&both[..1], slower), now), "one is gone");
    let turns = round(&mut checks, now + secs(60), |_| WELL);
    assert_eq!(turns, [(at(one), Turn::Recovers)], "by the new threshold");

    // It is another check: what the old one found does not count.
    for index in 0..3 {
        round(&mut checks, now + secs(120 + 60 * index), |_| REFUSED);
    }
    assert_eq!(checks.failing().len(), 1);
    let running = checks.take_due(now + secs(400), 1);
    assert!(checks.want(&wanted(&[(one, http())], PACE), now + secs(400)));
    assert_eq!(checks.done(running[0].id, REFUSED, now + secs(401)), None);
    assert!(checks.failing().is_empty());
    assert_eq!(checks.take_due(now + secs(405), 9).len(), 1);
    checks.want(&Wanted::new(), now + secs(405));
    assert_eq!(checks.next_due(), None);
}

#[test]
fn a_shorter_interval_is_in_force_at_once() {
    let pairs = [("10.0.0.1:80", How::Tcp)];
    let mut checks = Checks::default();
    let hour = Pace {
        interval: secs(3_600),
        ..PACE
    };
    checks.want(&wanted(&pairs, hour), START);
    checks.want(&wanted(&pairs, PACE), START);
    assert!(checks.next_due().is_some_and(|due| due < START + secs(5)));
}

/// A plan of two Gateways with a listener each, at TCP ports 1 and 2.
fn two_gateways(first: Option<HealthCheck>, second: Option<HealthCheck>) -> Plan {
    let mut plan = plan(&[(tcp(1), &[("a", 1)]), (tcp(2), &[("a", 1), ("b", 0)])]);
    for ((index, check), frontend) in (0..).zip([first, second]).zip(plan.frontends.values_mut()) {
        let name = ObjectName::new("default", format!("gateway{index}"));
        if let crate::plan::Frontend::L4(service) = frontend {
            service.gateway = name.clone();
        }
        let parameters = Parameters {
            health_check: check.map(Arc::new),
            ..Parameters::default()
        };
        plan.parameters.insert(name, Arc::new(parameters));
    }
    plan
}

fn tcp_check(interval: u64) -> HealthCheck {
    HealthCheck {
        pace: Pace {
            interval: secs(interval),
            ..PACE
        },
        tcp: true,
        udp: None,
        http: None,
    }
}

#[test]
fn an_endpoint_of_two_gateways_is_checked_once_at_the_shorter_interval() {
    let all = endpoints(&[("a", &["10.0.0.1:80"]), ("b", &["10.0.0.2:80"])]);
    for intervals in [(3, 7), (7, 3)] {
        let (first, second) = (tcp_check(intervals.0), tcp_check(intervals.1));
        let wanted = two_gateways(Some(first), Some(second)).checks(&all);
        let of_one = &wanted[&at("10.0.0.1:80")];
        assert_eq!(of_one.len(), 1);
        assert_eq!((&*of_one[0].0, of_one[0].1.interval), (&How::Tcp, secs(3)));
    }
    let wanted = two_gateways(Some(tcp_check(3)), None).checks(&all);
    assert_eq!(Vec::from_iter(wanted.keys()), [&at("10.0.0.1:80")]);
    assert!(two_gateways(None, None).checks(&all).is_empty());
}

#[test]
fn only_endpoints_that_may_get_traffic_are_checked() {
    let mut all: Endpoints = endpoints(&[("a", &["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"])]);
    let list = all.0.get_mut(&backend("a")).expect("endpoints");
    list[0].conditions.ready = false;
    list[1].conditions.terminating = true;
    let wanted = two_gateways(Some(tcp_check(5)), None).checks(&all);
    assert_eq!(Vec::from_iter(wanted.keys()), [&at("10.0.0.3:80")]);
}

#[test]
fn udp_is_checked_and_left_out_by_itself() {
    let mut plan = two_gateways(None, None);
    let check = HealthCheck {
        udp: Some(UdpCheck::default()),
        ..tcp_check(5)
    };
    let mut backend = backend("a");
    backend.transport = Transport::Udp;
    for (id, mut frontend) in std::mem::take(&mut plan.frontends) {
        if let crate::plan::Frontend::L4(service) = &mut frontend {
            service.backends.truncate(1);
            service.backends[0].target = crate::plan::Target::Backend(backend.clone());
        }
        let transport = Transport::Udp;
        plan.frontends
            .insert(FrontendId { transport, ..id }, frontend);
    }
    let parameters = Arc::new(Parameters {
        health_check: Some(Arc::new(check)),
        ..Parameters::default()
    });
    let gateways = plan.parameters.values_mut();
    gateways.for_each(|of_gateway| *of_gateway = parameters.clone());
    let mut all = endpoints(&[("a", &["10.0.0.1:80", "10.0.0.2:80"])]);
    let (tcp, list) = all.0.pop_first().expect("endpoints");
    all.0.insert(backend.clone(), list.clone());
    all.0.insert(tcp.clone(), list);
    let wanted = plan.checks(&all);
    let (id, ways) = wanted.first_key_value().expect("a check");
    assert_eq!(wanted.len(), 2);
    assert_eq!(id.to_string(), "10.0.0.1:80/udp");
    assert_eq!(*ways[0].0, How::Udp(UdpCheck::default()));

    let out = [(*id, Failing::Checks(Fault::Refused))].into();
    assert!(all.leave_out(&out).is_empty());
    assert_eq!(all.ready(&backend).count(), 1);
    assert_eq!(all.ready(&tcp).count(), 2);
}
