//! Writes in time: pauses, retries, and any order of events ending in the wanted state.

mod random;

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::*;
use crate::pace::{ECHO, PAUSE, RETRY};

fn write(version: &str, status: &Json) -> Write {
    Write {
        kind: Kind::Gateway,
        name: ObjectName::new("default", "web"),
        api_version: String::new(),
        uid: "uid".into(),
        resource_version: version.into(),
        status: status.clone(),
        withdrawal: false,
        notices: Vec::new(),
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn one_write_at_a_time_and_the_next_once_it_was_seen() {
    let mut ledger = Ledger::default();
    let (first, second) = (write("1", &json!({"a": 1})), write("2", &json!({"a": 2})));
    assert!(ledger.begin(&first, secs(0)));
    assert!(!ledger.begin(&first, secs(99)), "under way");
    assert_eq!(ledger.next(secs(99)), None);
    ledger.end(&first.key(), &Written::Done("2".into()), secs(1));
    assert!(!ledger.begin(&first, secs(2)), "not seen");
    assert_eq!(ledger.next(secs(1)), Some(secs(1) + PAUSE));
    assert_eq!(ledger.next(secs(2)), Some(secs(1) + ECHO));
    assert!(!ledger.begin(&second, secs(1)), "seen, but too soon");
    assert!(ledger.begin(&second, secs(1) + PAUSE));
}

#[test]
fn without_a_watch_a_write_is_made_again_in_time() {
    let mut ledger = Ledger::default();
    let write = write("1", &json!({"a": 1}));
    assert!(ledger.begin(&write, secs(0)));
    ledger.end(&write.key(), &Written::Outdated, secs(0));
    assert!(!ledger.begin(&write, secs(9)));
    assert!(ledger.begin(&write, secs(10)));
}

#[test]
fn an_outdated_write_is_made_again_as_soon_as_the_watch_tells() {
    let mut ledger = Ledger::default();
    let old = write("1", &json!({"a": 1}));
    assert!(ledger.begin(&old, secs(0)));
    ledger.end(&old.key(), &Written::Outdated, secs(0));
    assert!(ledger.begin(&write("2", &json!({"a": 1})), secs(0)));
}

#[test]
fn a_write_without_effect_is_not_repeated() {
    let mut ledger = Ledger::default();
    let same = write("1", &json!({"unknown": 1}));
    assert!(ledger.begin(&same, secs(0)));
    ledger.end(&same.key(), &Written::Done("1".into()), secs(0));
    assert!(!ledger.begin(&same, secs(1_000_000)));
    assert!(ledger.begin(&write("1", &json!({"unknown": 2})), secs(1)));
}

#[test]
fn failures_are_repeated_ever_more_slowly() {
    let mut ledger = Ledger::default();
    let (write, mut now) = (write("1", &json!({"a": 1})), secs(0));
    let mut waits = Vec::new();
    for _ in 0..7 {
        assert!(ledger.begin(&write, now));
        ledger.end(&write.key(), &Written::Failed, now);
        let next = ledger.next(now).expect("a retry");
        assert!(!ledger.begin(&write, next - Duration::from_millis(1)));
        waits.push((next - now).as_millis());
        now = next;
    }
    assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    assert!(ledger.begin(&write, now));
    ledger.end(&write.key(), &Written::Done("2".into()), now);
    let write = self::write("2", &json!({"a": 2}));
    now += PAUSE;
    assert!(ledger.begin(&write, now));
    ledger.end(&write.key(), &Written::Failed, now);
    assert_eq!(ledger.next(now), Some(now + RETRY));
}

#[test]
fn one_object_does_not_hold_up_another() {
    let mut ledger = Ledger::default();
    let (stuck, mut other) = (write("1", &json!({})), write("1", &json!({})));
    other.name = ObjectName::new("default", "other");
    assert!(ledger.begin(&stuck, secs(0)));
    assert!(ledger.begin(&other, secs(0)));
}
