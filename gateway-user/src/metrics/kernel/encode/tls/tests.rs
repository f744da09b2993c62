//! Tests of what a scrape says about TLS passthrough.

use gateway_common::{
    abi::{Count, Counter},
    splice::{HelloKind, Outcome},
};
use gateway_core::l4::sweep::splices::SpliceGauges;

use super::super::{Snapshot, tests::text};
use crate::metrics::kernel::Swept;

fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|l| l == *line), "{line} is not in\n{text}");
    }
}

#[test]
fn every_outcome_has_packets_and_bytes_of_its_own() {
    let tls_outcomes = Outcome::ALL.iter().map(|&outcome| {
        let packets = 100 + outcome as u64;
        let bytes = 60 * packets;
        (outcome, Count { packets, bytes })
    });
    let text = text(Snapshot {
        tls_outcomes: tls_outcomes.collect(),
        ..Snapshot::default()
    });
    for outcome in Outcome::ALL {
        let (name, _) = outcome.describe();
        let packets = 100 + *outcome as u64;
        let bytes = 60 * packets;
        assert_lines(
            &text,
            &[
                &format!("xdp_gateway_tls_packets_total{{outcome=\"{name}\"}} {packets}"),
                &format!("xdp_gateway_tls_bytes_total{{outcome=\"{name}\"}} {bytes}"),
            ],
        );
    }
}

#[test]
fn hellos_are_told_by_what_they_are() {
    let tls_hellos = HelloKind::ALL.iter().map(|&kind| (kind, 10 + kind as u64));
    let text = text(Snapshot {
        tls_hellos: tls_hellos.collect(),
        ..Snapshot::default()
    });
    for kind in HelloKind::ALL {
        let (name, _) = kind.describe();
        let count = 10 + *kind as u64;
        let line = format!("xdp_gateway_tls_hellos_read_total{{found=\"{name}\"}} {count}");
        assert_lines(&text, &[&line]);
    }
}

#[test]
fn connections_are_told_by_state() {
    let splices = SpliceGauges {
        hello: 1,
        connecting: 2,
        replaying: 3,
        open: 4,
        closing: 5,
        refused: 6,
        drained: 10,
        draining: 7,
        hellos: 8,
        half_open: 9,
    };
    let text = text(Snapshot {
        flows: Swept {
            splices,
            ..Swept::default()
        },
        ..Snapshot::default()
    });
    assert_lines(
        &text,
        &[
            "xdp_gateway_tls_connections{state=\"hello\"} 1",
            "xdp_gateway_tls_connections{state=\"connecting\"} 2",
            "xdp_gateway_tls_connections{state=\"replaying\"} 3",
            "xdp_gateway_tls_connections{state=\"open\"} 4",
            "xdp_gateway_tls_connections{state=\"closing\"} 5",
            "xdp_gateway_tls_connections{state=\"refused\"} 6",
            "xdp_gateway_tls_connections{state=\"drained\"} 10",
            "xdp_gateway_tls_connections_draining 7",
            "xdp_gateway_tls_hellos 8",
            "xdp_gateway_tls_half_open 9",
        ],
    );
}

#[test]
fn answers_of_tls_are_none_about_addresses() {
    let mut snapshot = Snapshot::default();
    snapshot.counters.add(Counter::AnswerTls, 60);
    let text = text(snapshot);
    assert_lines(&text, &["xdp_gateway_tls_answers_behind_xdp_total 1"]);
    assert!(!text.contains("protocol=\"tls\""), "{text}");
}

/// Who sees a name in a metric finds there what it means.
#[test]
fn the_documentation_has_every_outcome_and_kind() {
    let page = include_str!("../../../../../../docs/tls-passthrough.md");
    let outcomes = Outcome::ALL.iter().map(|outcome| outcome.describe());
    let kinds = HelloKind::ALL.iter().map(|kind| kind.describe());
    for (name, help) in outcomes.chain(kinds) {
        let row = format!("| `{name}` | {} |", help.trim_end_matches('.'));
        assert!(
            page.contains(&row),
            "{row} is not in docs/tls-passthrough.md"
        );
    }
}
