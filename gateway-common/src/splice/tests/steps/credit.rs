//! What packets are to the statistics of backends.

use super::*;
use crate::{abi::BackendStats, header::ACCEPTS, splice::Credit};

impl Bench {
    /// As the program of the kernel counts.
    fn counts(&mut self, segment: &Segment, from_a_client: bool, stats: &mut [BackendStats; 3]) {
        let came = segment.frame().len() as u64;
        let (outcome, out) = self.run(segment, from_a_client);
        let credit = self.scratch.credit;
        let request = match outcome.verdict() {
            Verdict::ToBackend => out.map_or(0, |out| out.frame().len() as u64),
            _ => 0,
        };
        let reply = if from_a_client { 0 } else { came };
        stats[credit.backend as usize].credit_splice(&credit, reply, request);
    }
}

fn of(backend: u32, asked: u32, signal: u32) -> Credit {
    Credit {
        backend,
        asked,
        signal,
    }
}

#[test]
fn each_packet_of_a_backend_or_for_it_is_known() {
    let mut bench = Bench::new(4);
    let whole = hello(Some("a.example"), 300, 16_000);
    let bytes = u32::try_from(whole.len()).unwrap();
    bench.ask(&whole);
    assert_eq!(bench.scratch.credit, of(1, 1, 0), "asked");
    bench.world.now += 200;
    bench.client(&bench.says(ACK, 0, &whole));
    assert_eq!(bench.scratch.credit, of(1, 2, 0), "asked again");
    bench.backend(&bench.accepts());
    assert_eq!(bench.scratch.credit, of(1, 0, ACCEPTS));
    bench.backend(&bench.replies(ACK, 0, bytes, &[]));
    assert_eq!(bench.scratch.credit, of(1, 0, 0), "a reply");
    bench.client(&bench.says(ACK, bytes, b"more"));
    assert_eq!(bench.scratch.credit, of(1, 0, 0), "a request");
    let nobody = Segment::new(bench.backends[1], bench.seen, ACK);
    bench.backend(&nobody);
    assert_eq!(bench.scratch.credit, of(0, 0, 0));
}

#[test]
fn a_backend_that_refuses_was_asked_and_so_is_the_next() {
    let mut bench = Bench::new(6);
    let whole = hello(Some("a.example"), 300, 16_000);
    let mut stats = [BackendStats::default(); 3];
    bench.begin();
    let says = bench.says(ACK | PSH, 0, &whole);
    bench.counts(&says, true, &mut stats);
    let refuses = Segment {
        acknowledged: CLIENT_ISN.wrapping_add(1),
        ..Segment::new(bench.backends[0], bench.seen, RST | ACK)
    };
    bench.counts(&refuses, false, &mut stats);
    let accepts = Segment {
        source: bench.backends[1],
        ..bench.accepts()
    };
    bench.counts(&accepts, false, &mut stats);
    let [proxy, first, second] = stats;
    assert_eq!(proxy, BackendStats::default());
    assert_eq!((first.flows, first.asked, first.accepted), (1, 1, 0));
    assert_eq!((first.request_packets, first.reply_packets), (1, 0));
    assert_eq!((second.flows, second.asked, second.accepted), (1, 1, 1));
    // A SYN, and the hello.
    assert_eq!((second.request_packets, second.reply_packets), (2, 1));
    let reply = accepts.frame().len() as u64;
    assert_eq!(second.reply_bytes, reply);
    assert!(second.request_bytes > whole.len() as u64 + first.request_bytes);
}

#[test]
fn what_the_proxy_gets_is_no_backends() {
    let mut bench = Bench::new(4);
    bench.ask(&hello(Some("local.example"), 300, 16_000));
    assert_eq!(bench.scratch.credit.backend, 0);
}
