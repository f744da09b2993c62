//! `xdp-gateway capture`: packets before and after our programs, where tcpdump sees only what XDP
//! left of them.

mod output;
mod words;

use std::{net::IpAddr, os::fd::AsFd, time::Duration};

use anyhow::{Context as _, Result};
use gateway_common::capture::{SNAP_MAX, Settings};
use gateway_core::plan::Transport;
use rustix::net::{AddressFamily, SocketType, netdevice::name_to_index, socket};
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, timeout_at},
};

use self::output::Output;
use crate::{bpf::capture::Capture, cli};

/// Captures until a limit is reached, SIGINT or SIGTERM.
///
/// # Errors
/// Where nothing is pinned, without the privileges of `run`, or where the file cannot be written.
pub async fn capture(options: &cli::Capture) -> Result<()> {
    let control = socket(AddressFamily::INET, SocketType::DGRAM, None);
    let control = control.context("cannot open a socket")?;
    let settings = settings(options, &control)?;
    let mut output = Output::open(options.write.as_deref(), &settings, control)?;
    let mut capture = Capture::begin(&options.pin_dir, &settings)?;
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut terminate = signal(SignalKind::terminate())?;
    eprintln!(
        "capturing at most {} packets, for at most {} s",
        options.count, options.seconds
    );
    let mut seen = 0;
    while seen < options.count {
        let next = tokio::select! {
            next = timeout_at(end, capture.next()) => next,
            stop = tokio::signal::ctrl_c() => {
                stop.context("cannot wait for SIGINT")?;
                break;
            }
            _ = terminate.recv() => break,
        };
        let Ok(packet) = next else { break };
        if !output.put(&packet?)? {
            break;
        }
        seen += 1;
    }
    output.flush()?;
    eprintln!("{seen} packets captured, {} lost", capture.lost()?);
    Ok(())
}

fn settings(options: &cli::Capture, control: &impl AsFd) -> Result<Settings> {
    let interface = match &options.interface {
        None => 0,
        Some(name) => name_to_index(control, name)
            .with_context(|| format!("there is no interface {name}: see `ip link`"))?,
    };
    let (family, address) = match options.address {
        None => (0, [0; 4]),
        Some(IpAddr::V4(ip)) => (4, [u32::from_ne_bytes(ip.octets()), 0, 0, 0]),
        Some(IpAddr::V6(ip)) => {
            let mut words = [0; 4];
            for (word, bytes) in words.iter_mut().zip(ip.octets().as_chunks().0) {
                *word = u32::from_ne_bytes(*bytes);
            }
            (6, words)
        }
    };
    Ok(Settings {
        snap: options.snap.min(SNAP_MAX),
        interface,
        family,
        address,
        port: options.port.unwrap_or_default().into(),
        protocol: options
            .protocol
            .map_or(0, |protocol| Transport::from(protocol).protocol()),
        until: until(options.seconds)?,
    })
}

/// A bound that holds even where this process is killed; see [`Settings::until`].
fn until(seconds: u64) -> Result<u32> {
    let now = Duration::try_from(clock_gettime(ClockId::Monotonic))?;
    let end = now + Duration::from_secs(seconds);
    Ok(u32::try_from(end.as_nanos() >> 30)?.saturating_add(1))
}
