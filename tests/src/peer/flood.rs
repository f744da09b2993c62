//! SYNs from everywhere, which nobody goes on with.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::Result;

use super::{
    pattern::fill,
    segment::{Link, SYN, Segment},
    stop::progress,
};
use crate::report::FloodReport;

const PROGRESS_EVERY: u64 = 10_000;

/// Sends SYNs from addresses of 198.18.0.0/15 or 2001:db8:1::/48, as fast as possible.
#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(long)]
    to: SocketAddr,
    #[arg(long)]
    count: u64,
}

#[expect(
    clippy::unused_async,
    reason = "a client like the others; it blocks its own process"
)]
pub(super) async fn run(args: Args) -> Result<FloodReport> {
    let link = Link::open(args.to.ip(), Duration::from_millis(1))?;
    let mut report = FloodReport::default();
    for seed in 0..args.count {
        link.send(&syn(args.to, seed))?;
        report.sent += 1;
        if report.sent % PROGRESS_EVERY == 0 {
            progress(report.sent);
        }
    }
    Ok(report)
}

fn syn(to: SocketAddr, seed: u64) -> Segment {
    let mut random = [0; 8];
    fill(seed, 0, &mut random);
    let [a, b, c, d, e, f, ..] = random;
    let address: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::new(198, 18 | a & 1, b, c).into(),
        SocketAddr::V6(_) => {
            let low = u16::from_be_bytes([b, c]);
            Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, u16::from(a), low).into()
        }
    };
    Segment {
        source: (address, u16::from_be_bytes([d, e]) | 1024).into(),
        destination: to,
        sequence: u32::from_be_bytes([f, a, c, e]),
        acknowledged: 0,
        flags: SYN,
        window: 64_240,
        options: vec![2, 4, 5, 0xb4, 4, 2, 1, 1],
        payload: Vec::new(),
    }
}
