//! The flow table's clock: the programs and the daemon mean the same second.

use std::time::{Duration, Instant};

use gateway_common::abi::Flow;
use gateway_user::bpf::Datapath;
use tokio::time::sleep;

use crate::{
    rig::Rig,
    traffic::{Sockets, open},
};

const WAIT: Duration = Duration::from_millis(400);

/// `last_seen` of the one flow, the same in both entries.
fn last_seen(datapath: &Datapath) -> u32 {
    let flows = datapath.open_flows().expect("a handle").list(9);
    let flows = flows.expect("flows");
    let seen: Vec<u32> = flows
        .iter()
        .map(|(_, Flow { last_seen, .. })| *last_seen)
        .collect();
    assert!(seen.len() == 2 && seen[0] == seen[1], "{seen:?}");
    seen[0]
}

#[test]
fn jiffies_are_what_the_daemon_takes_them_for() {
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let datapath = Datapath::open(&options).await.expect("it opens");
        let (start, first) = (Instant::now(), datapath.clock().expect("the clock"));
        sleep(WAIT).await;
        let second = datapath.clock().expect("the clock");
        let took = start.elapsed().as_secs_f64();
        let ticks = f64::from(second.now.wrapping_sub(first.now));
        let expected = took * f64::from(first.hz);
        assert!(
            (ticks - expected).abs() <= 3.0,
            "{ticks} ticks in {took} s of {} Hz",
            first.hz
        );
    });
}

/// The loader told the programs the length of a second: a flow is written once in each, and not
/// before. With another `HZ` one of the two would not hold.
#[test]
fn a_flow_is_touched_once_a_second() {
    let rig = Rig::new();
    let (options, sockets) = (rig.options(), Sockets::new(&rig));
    rig.on_node(async || {
        let datapath = open(&options).await;
        sockets.exchange().expect("an answer");
        let opened = last_seen(&datapath);
        let clock = datapath.clock().expect("the clock");
        assert!(
            clock.now.wrapping_sub(opened) < clock.hz / 2,
            "opened just now"
        );
        sleep(WAIT).await;
        sockets.exchange().expect("an answer");
        assert_eq!(last_seen(&datapath), opened, "not within a second");
        sleep(Duration::from_secs(1).saturating_sub(WAIT / 2)).await;
        sockets.exchange().expect("an answer");
        let later = last_seen(&datapath).wrapping_sub(opened);
        // Between 1 s and the 1.2 s slept; twice that for a busy machine.
        assert!(
            (clock.hz..clock.hz * 5 / 2).contains(&later),
            "{later} of {} Hz",
            clock.hz
        );
    });
}
