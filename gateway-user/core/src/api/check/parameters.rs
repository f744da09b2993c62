//! Rules for GatewayParameters.

use std::{ops::RangeInclusive, time::Duration};

use gateway_common::maps::LISTENERS_MAX;

use super::{Problems, filter::part, health_check::health_check};
use crate::api::{
    GatewayParameters, Open,
    duration::ApiDuration,
    parameters::{AccessLogSpec, L4Spec, LimitsSpec, ParametersSpec, RequestIdPolicy, TlsSpec},
    path::Path,
};

/// `IFNAMSIZ` of Linux, without the final zero.
const INTERFACE_NAME: RangeInclusive<usize> = 1..=15;
const INTERFACES: usize = 64;
const WORKERS: RangeInclusive<i64> = 0..=LISTENERS_MAX as i64;
const CONNECTIONS: RangeInclusive<i64> = 1..=1_000_000;
const HEADER_BYTES: RangeInclusive<i64> = 1_024..=1_048_576;
/// No longer one can be read (`http::Uri`).
const TARGET_BYTES: RangeInclusive<i64> = 256..=65_534;
const BODY_BYTES: RangeInclusive<i64> = 0..=1_099_511_627_776;
const STREAMS: RangeInclusive<i64> = 1..=10_000;
const FLOWS: RangeInclusive<i64> = 4_096..=4_194_304;
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

pub(crate) fn gateway_parameters(object: &GatewayParameters, out: &mut Problems) {
    node(&object.spec, out);
    if let Some(limits) = &object.spec.limits {
        self::limits(limits, out);
    }
    if let Some(l4) = &object.spec.l4 {
        self::l4(l4, out);
    }
    if let Some(tls) = &object.spec.tls {
        self::tls(tls, out);
    }
    if let Some(log) = &object.spec.access_log {
        access_log(log, out);
    }
    let policy = object.spec.request_id.as_ref();
    if let Some(Open::Unknown(value)) = policy.and_then(|id| id.policy.as_ref()) {
        let known = RequestIdPolicy::NAMES.join(", ");
        let at = Path::spec().field("requestId").field("policy");
        out.error(at, format!("{value:?} is not known: use one of {known}"));
    }
    if let Some(check) = &object.spec.health_check {
        health_check(check, out);
    }
}

/// What concerns the process of a node.
fn node(spec: &ParametersSpec, out: &mut Problems) {
    let at = Path::spec().field("interfaces");
    if spec.interfaces.len() > INTERFACES {
        let message = format!(
            "{} are too many: use at most {INTERFACES}",
            spec.interfaces.len()
        );
        out.error(at.clone(), message);
    }
    for (index, name) in spec.interfaces.iter().enumerate() {
        let foreign = |c: char| matches!(c, '/' | ':') || c.is_whitespace() || c.is_control();
        if !INTERFACE_NAME.contains(&name.len()) || name.contains(foreign) {
            let message = format!(
                "{name:?} is no name of an interface: use 1 to 15 characters such as eth0, or a \
                 pattern such as eth*"
            );
            out.error(at.index(index), message);
        }
        if spec.interfaces[..index].contains(name) {
            out.error(at.index(index), format!("{name:?} is there twice"));
        }
    }
    if let Some(workers) = spec.workers.filter(|workers| !WORKERS.contains(workers)) {
        let message = format!(
            "{workers} is out of range: use 1 to {}, or 0 for one of each core",
            WORKERS.end()
        );
        out.error(Path::spec().field("workers"), message);
    }
}

fn limits(limits: &LimitsSpec, out: &mut Problems) {
    let at = Path::spec().field("limits");
    let numbers = [
        ("connections", limits.connections, CONNECTIONS),
        (
            "requestHeaderBytes",
            limits.request_header_bytes,
            HEADER_BYTES,
        ),
        (
            "requestTargetBytes",
            limits.request_target_bytes,
            TARGET_BYTES,
        ),
        ("requestBodyBytes", limits.request_body_bytes, BODY_BYTES),
        ("http2Streams", limits.http2_streams, STREAMS),
    ];
    for (name, value, range) in numbers {
        within(at.field(name), value, &range, out);
    }
    let timeouts = [
        ("handshakeTimeout", limits.handshake_timeout),
        ("idleTimeout", limits.idle_timeout),
        ("bodyTimeout", limits.body_timeout),
    ];
    for (name, value) in timeouts {
        timeout(at.field(name), value, out);
    }
}

fn within(at: Path, value: Option<i64>, range: &RangeInclusive<i64>, out: &mut Problems) {
    if let Some(value) = value.filter(|value| !range.contains(value)) {
        let (low, high) = (range.start(), range.end());
        out.error(at, format!("{value} is out of range: use {low} to {high}"));
    }
}

/// What concerns TCP and UDP listeners.
fn l4(l4: &L4Spec, out: &mut Problems) {
    let at = Path::spec().field("l4");
    within(at.field("flows"), l4.flows, &FLOWS, out);
    timeout(at.field("drainTimeout"), l4.drain_timeout, out);
    if let Some(Open::Unknown(value)) = &l4.no_backend {
        let message = format!("{value:?} is not known: use Refuse or Drop");
        out.error(at.field("noBackend"), message);
    }
    if let Some(Open::Unknown(value)) = &l4.mode {
        let message = format!("{value:?} is not known: use SNAT or DSR");
        out.error(at.field("mode"), message);
    }
}

/// What concerns TLS listeners.
fn tls(tls: &TlsSpec, out: &mut Problems) {
    let at = Path::spec().field("tls");
    if let Some(Open::Unknown(value)) = &tls.passthrough {
        let message = format!("{value:?} is not known: use Kernel or Proxy");
        out.error(at.field("passthrough"), message);
    }
    if let Some(Open::Unknown(value)) = &tls.unmatched {
        let message = format!("{value:?} is not known: use Proxy or Reset");
        out.error(at.field("unmatched"), message);
    }
}

fn access_log(log: &AccessLogSpec, out: &mut Problems) {
    let at = Path::spec().field("accessLog");
    if let Some(Open::Unknown(value)) = &log.format {
        let message = format!("{value:?} is not known: use JSON or Text");
        out.error(at.field("format"), message);
    }
    if let Some(sample) = log.sample {
        part(&at.field("sample"), sample, out);
    }
}

fn timeout(at: Path, value: Option<ApiDuration>, out: &mut Problems) {
    if let Some(ApiDuration(value)) = value
        && !TIMEOUTS.contains(&value)
    {
        out.error(at, format!("{value:?} is out of range: use 1s to 24h"));
    }
}
