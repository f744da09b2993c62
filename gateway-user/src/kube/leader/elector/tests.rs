//! Elections among candidates that share one Lease.

use super::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn wall(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

/// One attempt, with the wall clock of the candidate, whatever that shows.
fn attempt(elector: &mut Elector, lease: &mut LeaseSpec, now: u64, clock: i64) -> bool {
    if let Some(new) = elector.judge(lease, secs(now), wall(clock)) {
        *lease = new;
        elector.renewed(secs(now));
    }
    elector.leads(secs(now))
}

#[test]
fn the_first_takes_it_and_the_second_waits() {
    let (mut a, mut b) = (Elector::new("a".into()), Elector::new("b".into()));
    let mut lease = LeaseSpec::default();
    assert!(attempt(&mut a, &mut lease, 0, 100));
    assert_eq!(lease.holder_identity.as_deref(), Some("a"));
    assert_eq!(lease.lease_transitions, Some(1));
    for now in 1..100 {
        assert!(
            !attempt(&mut b, &mut lease, now, 9_000_000),
            "clock far ahead"
        );
        assert!(attempt(&mut a, &mut lease, now, 100 + now as i64));
    }
    assert_eq!(lease.acquire_time, Some(MicroTime(wall(100))));
    assert_eq!(lease.renew_time, Some(MicroTime(wall(199))));
    assert_eq!(lease.lease_transitions, Some(1));
}

#[test]
fn a_silent_holder_stops_leading_before_another_begins() {
    let (mut a, mut b) = (Elector::new("a".into()), Elector::new("b".into()));
    let mut lease = LeaseSpec::default();
    assert!(attempt(&mut a, &mut lease, 0, 0));
    let mut taken = None;
    for now in 1..40 {
        // Far behind: the age of the Lease must not be judged by it.
        let leads = attempt(&mut b, &mut lease, now, -9_000_000);
        assert!(!(leads && a.leads(secs(now))), "two leaders at {now}");
        taken = taken.or(leads.then_some(now));
    }
    assert_eq!((a.leads(secs(9)), a.leads(secs(10))), (true, false));
    // First seen at 1.
    assert_eq!(taken, Some(16));
    assert_eq!(lease.lease_transitions, Some(2));
    assert!(!attempt(&mut a, &mut lease, 40, 40), "it is another's now");
}

#[test]
fn a_holder_that_finds_another_stops_at_once() {
    let mut a = Elector::new("a".into());
    let mut lease = LeaseSpec::default();
    assert!(attempt(&mut a, &mut lease, 0, 0));
    lease.holder_identity = Some("b".into());
    assert!(!attempt(&mut a, &mut lease, 1, 1));
}

#[test]
fn a_released_lease_is_taken_at_once() {
    let (mut a, mut b) = (Elector::new("a".into()), Elector::new("b".into()));
    let mut lease = LeaseSpec::default();
    assert!(attempt(&mut a, &mut lease, 0, 0));
    assert!(!attempt(&mut b, &mut lease, 1, 1));
    assert_eq!(b.release(&lease, wall(1)), None, "not its to release");
    lease = a.release(&lease, wall(2)).expect("ours");
    assert!(!a.leads(secs(2)));
    assert!(attempt(&mut b, &mut lease, 2, 2));
}

#[test]
fn a_restarted_holder_of_the_same_name_goes_on() {
    let mut lease = LeaseSpec::default();
    assert!(attempt(&mut Elector::new("a".into()), &mut lease, 0, 0));
    assert!(attempt(&mut Elector::new("a".into()), &mut lease, 1, 5));
    assert_eq!(lease.lease_transitions, Some(1));
    assert_eq!(lease.acquire_time, Some(MicroTime(wall(0))));
}

#[test]
fn the_duration_of_the_holder_counts() {
    let mut b = Elector::new("b".into());
    let mut lease = LeaseSpec {
        holder_identity: Some("a".into()),
        lease_duration_seconds: Some(60),
        ..LeaseSpec::default()
    };
    assert!(!attempt(&mut b, &mut lease, 0, 0));
    assert!(!attempt(&mut b, &mut lease, 59, 59));
    assert!(attempt(&mut b, &mut lease, 60, 60));
}
