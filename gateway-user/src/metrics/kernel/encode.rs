//! Counters of the kernel in the words of the metrics. Pure.

mod tls;

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
};

use gateway_common::{
    abi::{BackendStats, Count, Counter, Counters, Kind},
    splice::{HelloKind, Outcome},
};
use gateway_core::{
    l4::{Tables, compile::frontend_key, tables::RouteAt},
    name::ObjectName,
    plan::{Frontend, Plan},
};
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use super::Swept;

/// Everything of one scrape.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) counters: Counters,
    pub(super) tls_outcomes: Vec<(Outcome, Count)>,
    pub(super) tls_hellos: Vec<(HelloKind, u64)>,
    pub(super) flows: Swept,
    pub(super) backends: BTreeMap<BackendName, BackendStats>,
}

/// Labels of a backend's series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BackendName {
    pub(super) gateway: String,
    pub(super) listener: String,
    pub(super) backend: String,
}

/// Names of the backends in the kernel, by id.
pub(super) fn backend_names(plan: &Plan, tables: &Tables) -> BTreeMap<u32, BackendName> {
    let mut names = BTreeMap::new();
    let listeners = listeners(plan, tables);
    for (id, value) in &tables.backends {
        let Some((gateway, listener)) = listeners.get(&value.service) else {
            continue;
        };
        let port = u16::try_from(value.port).unwrap_or_default();
        let name = BackendName {
            gateway: gateway.to_string(),
            listener: (*listener).to_owned(),
            backend: SocketAddr::new(IpAddr::from(value.address), port).to_string(),
        };
        names.insert(*id, name);
    }
    names
}

/// Traffic of so many backends, those with the lowest ids. What routes of one listener share is one
/// series.
pub(super) fn backend_stats(
    names: BTreeMap<u32, BackendName>,
    stats: &BTreeMap<u32, BackendStats>,
    most: usize,
) -> BTreeMap<BackendName, BackendStats> {
    let mut sums: BTreeMap<BackendName, BackendStats> = BTreeMap::new();
    for (id, name) in names {
        if sums.len() < most || sums.contains_key(&name) {
            let own = stats.get(&id).copied().unwrap_or_default();
            sums.entry(name).or_default().merge(&own);
        }
    }
    sums
}

/// Gateway and listener of each service. A TLSRoute that several listeners of an address and port
/// serve has one service, which counts as the first one's.
fn listeners<'p>(plan: &'p Plan, tables: &Tables) -> BTreeMap<u32, (&'p ObjectName, &'p str)> {
    let of_route: BTreeMap<_, u32> = tables.routes.iter().map(|(id, at)| (at, *id)).collect();
    let mut listeners = BTreeMap::new();
    for (id, frontend) in &plan.frontends {
        let key = frontend_key(id);
        match frontend {
            Frontend::L4(l4) => {
                let service = tables.service_of(&key);
                listeners.extend(service.map(|id| (id, (&l4.gateway, &*l4.listener))));
            }
            Frontend::Http(http) => {
                let passing = http.tls.iter().filter(|l| l.tls.is_none());
                for (listener, route) in passing.flat_map(|l| l.routes.iter().map(move |r| (l, r)))
                {
                    let at = RouteAt {
                        frontend: key,
                        route: route.name.clone(),
                    };
                    if let Some(service) = of_route.get(&at) {
                        let named = (&http.gateway, &*listener.name);
                        listeners.entry(*service).or_insert(named);
                    }
                }
            }
        }
    }
    listeners
}

pub(super) fn encode(snapshot: &Snapshot, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
    let counters = &snapshot.counters;
    carried(counters, &mut encoder)?;
    let help = "Packets left to the network stack, by reason";
    let passed = by_reason(counters, Kind::Pass);
    counter(&mut encoder, ("l4_passed_packets", help, None), passed)?;
    let help = "Packets dropped or refused, by reason";
    let dropped = [Kind::Refuse, Kind::Drop].map(|kind| by_reason(counters, kind));
    let dropped = dropped.into_iter().flatten();
    counter(&mut encoder, ("l4_dropped_packets", help, None), dropped)?;
    neighbours(counters, &mut encoder)?;
    flows(&snapshot.flows, &mut encoder)?;
    tls::encode(snapshot, &mut encoder)?;
    backends(&snapshot.backends, &mut encoder)
}

/// Of TLS passthrough, not about an address.
const ANSWER_TLS: &str = Counter::AnswerTls.describe().name;

/// Name without unit, help, unit.
type About<'a> = (&'a str, &'a str, Option<&'a Unit>);

fn counter<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): About<'_>,
    series: impl IntoIterator<Item = (L, u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
    for (labels, value) in series {
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

/// What went between clients and backends.
fn carried(counters: &Counters, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let both = |of: fn(Count) -> u64| {
        [
            ([("direction", "request")], of(counters.forwarded)),
            ([("direction", "reply")], of(counters.replied)),
        ]
    };
    let help = "Packets that the kernel carried between clients and backends";
    counter(
        encoder,
        ("l4_packets", help, None),
        both(|count| count.packets),
    )?;
    let help = "Bytes of frames that the kernel carried between clients and backends";
    let unit = Some(&Unit::Bytes);
    counter(encoder, ("l4", help, unit), both(|count| count.bytes))?;
    let (name, help) = ("l4_flows_opened", "Flows that the kernel gave a backend");
    let opened = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(counters.opened.packets).encode(opened)?;
    let help = "Flows that both ends took part in; far below those opened, there is a flood";
    let name = "l4_flows_established";
    let established = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(counters.established.packets).encode(established)?;
    let help = "ICMP errors about flows, which the kernel sent on to whom they concern";
    let name = "l4_icmp_errors";
    let related = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(counters.related.packets).encode(related)?;
    let help = "Packets between nodes in an outer header (DSR): sent to a backend's node, received \
                for a backend of this node";
    let series = [
        ([("direction", "sent")], counters.encapsulated.packets),
        ([("direction", "received")], counters.decapsulated.packets),
    ];
    counter(encoder, ("l4_dsr_packets", help, None), series)
}

/// Packets of ARP and neighbour discovery about our addresses, and pings of them. The counters' names are outcome and
/// protocol.
fn neighbours(counters: &Counters, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let kinds = [Kind::Answer, Kind::Suppress, Kind::Conflict];
    let all = Counter::ALL
        .iter()
        .map(|c| (c.describe(), counters.get(*c)));
    let series = all.filter(|(about, _)| kinds.contains(&about.kind) && about.name != ANSWER_TLS);
    let series = series.filter_map(|(about, count)| {
        let (outcome, protocol) = about.name.split_once('_')?;
        Some((
            [("outcome", outcome), ("protocol", protocol)],
            count.packets,
        ))
    });
    let help = "Packets of ARP and NDP about the Gateways' addresses, and pings: answered, kept from the stack \
                because another node answers, or another station's claim to an address of this node";
    counter(encoder, ("neighbour_packets", help, None), series)
}

/// Packets of one kind; reasons are the counters' names without the kind.
fn by_reason(
    counters: &Counters,
    kind: Kind,
) -> impl Iterator<Item = ([(&'static str, &'static str); 1], u64)> {
    let all = Counter::ALL
        .iter()
        .map(|c| (c.describe(), counters.get(*c)));
    let of_kind = all.filter(move |(about, _)| about.kind == kind);
    of_kind.map(|(about, count)| {
        let reason = about.name.split_once('_');
        let reason = reason.map_or(about.name, |(_, reason)| reason);
        ([("reason", reason)], count.packets)
    })
}

fn flows(swept: &Swept, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let flows = &swept.live;
    let help = "Flows in the kernel's table, as of its last sweep";
    let mut family = encoder.encode_descriptor("l4_flows", help, None, MetricType::Gauge)?;
    for (protocol, state, value) in [
        ("tcp", "new", flows.tcp_fresh),
        (
            "tcp",
            "open",
            flows
                .tcp
                .saturating_sub(flows.tcp_closing + flows.tcp_fresh),
        ),
        ("tcp", "closing", flows.tcp_closing),
        ("udp", "new", flows.udp_fresh),
        ("udp", "open", flows.udp.saturating_sub(flows.udp_fresh)),
    ] {
        let labels = [("protocol", protocol), ("state", state)];
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    let help = "Flows whose backends get no new ones, as of the last sweep";
    let name = "l4_flows_draining";
    let draining = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(flows.draining).encode(draining)?;
    let help = "Flows, and connections of TLS passthrough, that did not end before the deadline of a backend that left";
    let name = "l4_flows_drained";
    let drained = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(swept.drained).encode(drained)
}

fn backends(
    backends: &BTreeMap<BackendName, BackendStats>,
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let series = |value: fn(&BackendStats) -> [u64; 2]| {
        backends.iter().flat_map(move |(name, stats)| {
            let [request, reply] = value(stats);
            [("request", request), ("reply", reply)].map(|(direction, value)| {
                let labels = [
                    ("gateway", name.gateway.as_str()),
                    ("listener", name.listener.as_str()),
                    ("backend", name.backend.as_str()),
                    ("direction", direction),
                ];
                (labels, value)
            })
        })
    };
    let packets = series(|s| [s.request_packets, s.reply_packets]);
    let bytes = series(|s| [s.request_bytes, s.reply_bytes]);
    let about = (
        "l4_backend_packets",
        "Packets of each backend that the kernel serves",
        None,
    );
    counter(encoder, about, packets)?;
    let help = "Bytes of frames of each backend that the kernel serves";
    counter(encoder, ("l4_backend", help, Some(&Unit::Bytes)), bytes)
}

#[cfg(test)]
mod tests;
