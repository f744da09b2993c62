//! Rules for `spec.healthCheck` of GatewayParameters.

use std::{ops::RangeInclusive, time::Duration};

use super::{Problems, format::Format, format::is_path};
use crate::api::{
    duration::ApiDuration,
    health_check::{HealthCheckSpec, HttpCheckSpec, UdpCheckSpec},
    path::Path,
};
use crate::plan::Pace;

const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(1);
const THRESHOLDS: RangeInclusive<i64> = 1..=100;
/// A datagram that fits every network with its headers.
const SEND: usize = 1_200;
const PATH: RangeInclusive<usize> = 1..=1_024;
const STATUSES: RangeInclusive<usize> = 1..=16;

pub(super) fn health_check(check: &HealthCheckSpec, out: &mut Problems) {
    let at = Path::spec().field("healthCheck");
    if check.tcp.is_none() && check.udp.is_none() && check.http.is_none() {
        let message = "checks nothing: add one or more of tcp: {}, udp: {} and http: {}, or remove \
                       healthCheck";
        out.error(at.clone(), message);
    }
    times(&at, check, out);
    let thresholds = [
        ("unhealthyThreshold", check.unhealthy_threshold),
        ("healthyThreshold", check.healthy_threshold),
    ];
    for (name, value) in thresholds {
        if let Some(value) = value.filter(|value| !THRESHOLDS.contains(value)) {
            let (low, high) = (THRESHOLDS.start(), THRESHOLDS.end());
            let message = format!("{value} is out of range: use {low} to {high}");
            out.error(at.field(name), message);
        }
    }
    if let Some(check) = &check.udp {
        udp(&at.field("udp"), check, out);
    }
    if let Some(check) = &check.http {
        http(&at.field("http"), check, out);
    }
}

fn times(at: &Path, check: &HealthCheckSpec, out: &mut Problems) {
    let ranges = [
        ("interval", check.interval, INTERVALS, "1s to 1h"),
        ("timeout", check.timeout, TIMEOUTS, "100ms to 1h"),
    ];
    for (name, value, range, words) in ranges {
        if let Some(ApiDuration(value)) = value.filter(|value| !range.contains(&value.0)) {
            let message = format!("{value:?} is out of range: use {words}");
            out.error(at.field(name), message);
        }
    }
    let interval = check.interval.map_or(Pace::default().interval, |d| d.0);
    if let Some(ApiDuration(timeout)) = check.timeout.filter(|timeout| timeout.0 > interval) {
        let message = format!(
            "{timeout:?} is longer than the interval of {interval:?}: use {interval:?} or less, or \
             a longer interval"
        );
        out.error(at.field("timeout"), message);
    }
}

fn udp(at: &Path, check: &UdpCheckSpec, out: &mut Problems) {
    let length = check.send.as_ref().map_or(0, |send| send.0.len());
    if length > SEND {
        let message = format!("{length} bytes are too many: use at most {SEND}");
        out.error(at.field("send"), message);
    }
}

fn http(at: &Path, check: &HttpCheckSpec, out: &mut Problems) {
    if let Some(path) = &check.path {
        let known = |byte| is_path(byte) || byte == b'?';
        if !PATH.contains(&path.len()) || !path.starts_with('/') || !path.bytes().all(known) {
            let message = format!(
                "{path:?} is no path: use one such as /healthz or /ready?deep=1, of at most {} \
                 characters, with others than letters, digits and -._~!$&'()*+,;=:@ escaped",
                PATH.end()
            );
            out.error(at.field("path"), message);
        }
    }
    out.optional(
        at.field("host"),
        check.host.as_deref(),
        Format::PreciseHostname,
    );
    if let Some(statuses) = &check.statuses {
        out.count(at.field("statuses"), statuses.len(), STATUSES);
    }
}
