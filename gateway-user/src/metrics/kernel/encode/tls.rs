//! TLS passthrough in the words of the metrics. Pure.

use std::fmt;

use gateway_common::abi::Count;
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use super::{Snapshot, counter};

pub(super) fn encode(snapshot: &Snapshot, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let series = |of: fn(&Count) -> u64| {
        let all = snapshot.tls_outcomes.iter();
        all.map(move |(outcome, count)| ([("outcome", outcome.describe().0)], of(count)))
    };
    let help = "Packets of TLS passthrough in the kernel, by what became of them";
    let packets = series(|count| count.packets);
    counter(encoder, ("tls_packets", help, None), packets)?;
    let help = "Bytes of frames of TLS passthrough in the kernel, by what became of them";
    let bytes = series(|count| count.bytes);
    counter(encoder, ("tls", help, Some(&Unit::Bytes)), bytes)?;
    let help = "ClientHellos of TLS passthrough in the kernel, and what came in place of one, by what \
                they were found to be";
    let hellos = snapshot.tls_hellos.iter();
    let hellos = hellos.map(|(kind, count)| ([("found", kind.describe().0)], *count));
    counter(encoder, ("tls_hellos_read", help, None), hellos)?;
    let help = "Answers of TLS passthrough that left behind XDP, as the uplink's driver may lose what \
                XDP sends; counted by their outcomes too";
    let name = "tls_answers_behind_xdp";
    let answers = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(snapshot.counters.answer_tls.packets).encode(answers)?;
    gauges(snapshot, encoder)
}

fn gauges(snapshot: &Snapshot, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let live = &snapshot.flows.splices;
    let help = "Connections of TLS passthrough in the kernel's table, as of its last sweep";
    let mut family = encoder.encode_descriptor("tls_connections", help, None, MetricType::Gauge)?;
    for (state, value) in [
        ("hello", live.hello),
        ("connecting", live.connecting),
        ("replaying", live.replaying),
        ("open", live.open),
        ("closing", live.closing),
        ("refused", live.refused),
        ("drained", live.drained),
    ] {
        ConstGauge::new(value).encode(family.encode_family(&[("state", state)])?)?;
    }
    for (name, help, value) in [
        (
            "tls_connections_draining",
            "Open connections of TLS passthrough whose backends get no new ones, as of the last sweep",
            live.draining,
        ),
        (
            "tls_hellos",
            "ClientHellos that the kernel keeps, as of the last sweep",
            live.hellos,
        ),
        (
            "tls_half_open",
            "Clients whose SYN was answered without time stamps, as of the last sweep",
            live.half_open,
        ),
    ] {
        let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(gauge)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
