//! Tests of the text that a scrape gets.

use gateway_common::abi::{Backend, Frontend as KernelFrontend, KIND_L4};
use gateway_core::{
    name::ObjectName,
    plan::{FrontendId, L4Service, Transport},
};
use prometheus_client::{collector::Collector, registry::Registry};

use gateway_core::l4::Gauges;

use super::*;

#[derive(Debug)]
struct Fixed(Snapshot);

impl Collector for Fixed {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        encode(&self.0, encoder)
    }
}

pub(super) fn text(snapshot: Snapshot) -> String {
    let mut registry = Registry::with_prefix("xdp_gateway");
    registry.register_collector(Box::new(Fixed(snapshot)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}

#[test]
fn a_scrape_reads_like_the_counters() {
    let mut snapshot = Snapshot::default();
    snapshot.counters.add(Counter::Forwarded, 60);
    snapshot.counters.add(Counter::Forwarded, 40);
    snapshot.counters.add(Counter::Replied, 1500);
    snapshot.counters.add(Counter::Opened, 60);
    snapshot.counters.add(Counter::Established, 60);
    snapshot.counters.add(Counter::DropUnserved, 60);
    snapshot.counters.add(Counter::Related, 70);
    snapshot.counters.add(Counter::AnswerEcho, 98);
    snapshot.counters.add(Counter::RefuseNoBackend, 60);
    snapshot.counters.add(Counter::PassFragment, 60);
    snapshot.counters.add(Counter::SuppressNdp, 86);
    let name = BackendName {
        gateway: "infra/web".into(),
        listener: "dns".into(),
        backend: "10.0.0.9:53".into(),
    };
    let stats = BackendStats {
        request_packets: 3,
        reply_bytes: 9,
        ..BackendStats::default()
    };
    snapshot.backends.insert(name, stats);

    let text = text(snapshot);
    let of_backend = "{gateway=\"infra/web\",listener=\"dns\",backend=\"10.0.0.9:53\",direction=";
    for line in [
        "xdp_gateway_l4_packets_total{direction=\"request\"} 2",
        "xdp_gateway_l4_bytes_total{direction=\"request\"} 100",
        "xdp_gateway_l4_bytes_total{direction=\"reply\"} 1500",
        "xdp_gateway_l4_flows_opened_total 1",
        "xdp_gateway_l4_flows_established_total 1",
        "xdp_gateway_l4_dropped_packets_total{reason=\"unserved\"} 1",
        "xdp_gateway_l4_icmp_errors_total 1",
        "xdp_gateway_neighbour_packets_total{outcome=\"answer\",protocol=\"echo\"} 1",
        "xdp_gateway_l4_dropped_packets_total{reason=\"no_backend\"} 1",
        "xdp_gateway_l4_dropped_packets_total{reason=\"table_full\"} 0",
        "xdp_gateway_l4_passed_packets_total{reason=\"fragment\"} 1",
        "xdp_gateway_neighbour_packets_total{outcome=\"suppress\",protocol=\"ndp\"} 1",
        "xdp_gateway_neighbour_packets_total{outcome=\"conflict\",protocol=\"arp\"} 0",
        &format!("xdp_gateway_l4_backend_packets_total{of_backend}\"request\"}} 3"),
        &format!("xdp_gateway_l4_backend_bytes_total{of_backend}\"reply\"}} 9"),
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
}

#[test]
fn flows_are_told_by_state() {
    let text = text(Snapshot {
        flows: Swept {
            live: Gauges {
                tcp: 6,
                tcp_closing: 2,
                tcp_fresh: 1,
                udp: 9,
                udp_fresh: 2,
                draining: 4,
            },
            drained: 8,
            ..Swept::default()
        },
        ..Snapshot::default()
    });
    for line in [
        "xdp_gateway_l4_flows{protocol=\"tcp\",state=\"new\"} 1",
        "xdp_gateway_l4_flows{protocol=\"tcp\",state=\"open\"} 3",
        "xdp_gateway_l4_flows{protocol=\"tcp\",state=\"closing\"} 2",
        "xdp_gateway_l4_flows{protocol=\"udp\",state=\"new\"} 2",
        "xdp_gateway_l4_flows{protocol=\"udp\",state=\"open\"} 7",
        "xdp_gateway_l4_flows_draining 4",
        "xdp_gateway_l4_flows_drained_total 8",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
}

#[test]
fn backends_are_named_by_their_listener() {
    let address: SocketAddr = "10.0.0.1:53".parse().unwrap();
    let id = FrontendId {
        address,
        transport: Transport::Udp,
    };
    let service = L4Service {
        gateway: ObjectName::new("infra", "web"),
        listener: "dns".into(),
        route: None,
        options: gateway_core::plan::L4Options::default(),
        backends: Vec::new(),
    };
    let plan = Plan {
        frontends: [(id, Frontend::L4(service))].into(),
        ..Plan::default()
    };
    let mut tables = Tables::default();
    let frontend = KernelFrontend {
        kind: KIND_L4,
        service: 4,
        ..KernelFrontend::default()
    };
    tables.frontends.insert(frontend_key(&id), frontend);
    let backend = |service, last| Backend {
        address: IpAddr::from([10, 0, 0, last]).into(),
        port: 5353,
        service,
        ..Backend::default()
    };
    tables.backends = [(7, backend(4, 9)), (8, backend(5, 9))].into();

    let names = backend_names(&plan, &tables);
    let expected = BackendName {
        gateway: "infra/web".into(),
        listener: "dns".into(),
        backend: "10.0.0.9:5353".into(),
    };
    assert_eq!(names, [(7, expected)].into());
}

/// Of TLSRoutes of one listener, each with a service of its own.
#[test]
fn backends_of_one_name_are_one_series() {
    let name = |backend: &str| BackendName {
        gateway: "infra/web".into(),
        listener: "tls".into(),
        backend: backend.into(),
    };
    let names = [
        (1, name("10.0.0.1:443")),
        (2, name("10.0.0.2:443")),
        (3, name("10.0.0.3:443")),
        (4, name("10.0.0.1:443")),
    ];
    let sent = |request_bytes| BackendStats {
        request_bytes,
        ..BackendStats::default()
    };
    let stats = [(1, sent(10)), (3, sent(20)), (4, sent(5))].into();
    let found = backend_stats(names.into(), &stats, 2);
    let expected = [
        (name("10.0.0.1:443"), sent(15)),
        (name("10.0.0.2:443"), sent(0)),
    ];
    assert_eq!(found, expected.into(), "no more than two");
}
