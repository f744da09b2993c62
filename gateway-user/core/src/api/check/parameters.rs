//! Rules for GatewayParameters.

use std::{ops::RangeInclusive, time::Duration};

use super::Problems;
use crate::api::{GatewayParameters, duration::ApiDuration, path::Path};

const CONNECTIONS: RangeInclusive<i64> = 1..=1_000_000;
const HEADER_BYTES: RangeInclusive<i64> = 1_024..=1_048_576;
const STREAMS: RangeInclusive<i64> = 1..=10_000;
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

pub(crate) fn gateway_parameters(object: &GatewayParameters, out: &mut Problems) {
    let Some(limits) = &object.spec.limits else {
        return;
    };
    let at = Path::spec().field("limits");
    let numbers = [
        ("connections", limits.connections, CONNECTIONS),
        (
            "requestHeaderBytes",
            limits.request_header_bytes,
            HEADER_BYTES,
        ),
        ("http2Streams", limits.http2_streams, STREAMS),
    ];
    for (name, value, range) in numbers {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            let (low, high) = (range.start(), range.end());
            let message = format!("{value} is out of range: use {low} to {high}");
            out.error(at.field(name), message);
        }
    }
    let timeouts = [
        ("handshakeTimeout", limits.handshake_timeout),
        ("idleTimeout", limits.idle_timeout),
        ("bodyTimeout", limits.body_timeout),
    ];
    for (name, value) in timeouts {
        if let Some(ApiDuration(value)) = value
            && !TIMEOUTS.contains(&value)
        {
            let message = format!("{value:?} is out of range: use 1s to 24h");
            out.error(at.field(name), message);
        }
    }
}
