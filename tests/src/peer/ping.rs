//! ICMP echo (RFC 792), so that the bed needs no package for it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, recv, sendto,
    socket_with, sockopt,
};

use crate::report::PingReport;

const PATIENCE: Duration = Duration::from_secs(1);
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
const IP_HEADER: usize = 20;

#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(long)]
    to: Ipv4Addr,
    #[arg(long, default_value_t = 5)]
    count: u16,
}

#[expect(
    clippy::unused_async,
    reason = "a client like the others; it blocks its own process"
)]
pub(super) async fn run(args: Args) -> Result<PingReport> {
    let flags = SocketFlags::CLOEXEC;
    let kind = SocketType::RAW;
    let socket = socket_with(AddressFamily::INET, kind, flags, Some(ipproto::ICMP))
        .context("raw sockets need CAP_NET_RAW")?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE))?;
    let to = SocketAddrV4::new(args.to, 0);
    let mut report = PingReport::default();
    for sequence in 1..=args.count {
        let request = request(sequence);
        sendto(&socket, &request, SendFlags::empty(), &to)?;
        report.sent += 1;
        let end = Instant::now() + PATIENCE;
        let mut packet = [0; 128];
        loop {
            let length = match recv(&socket, &mut packet[..], RecvFlags::empty()) {
                Ok((length, _)) => length,
                Err(error) if error == rustix::io::Errno::AGAIN => 0,
                Err(error) => return Err(io::Error::from(error).into()),
            };
            let message = packet.get(IP_HEADER..length).unwrap_or_default();
            if message.first() == Some(&ECHO_REPLY) && message.get(4..) == request.get(4..) {
                break;
            }
            if Instant::now() > end {
                report.lost += 1;
                break;
            }
        }
    }
    Ok(report)
}

/// Type, code, checksum, identifier, sequence number.
fn request(sequence: u16) -> [u8; 8] {
    let [high, low] = sequence.to_be_bytes();
    let mut message = [ECHO_REQUEST, 0, 0, 0, 0x77, 0x01, high, low];
    let words = message
        .chunks_exact(2)
        .map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
    let sum: u32 = words.sum();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(u16::MAX);
    message[2..4].copy_from_slice(&(!folded).to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_makes_the_sum_of_all_words_ones() {
        for sequence in [0, 1, 0xfffe] {
            let message = request(sequence);
            let words = message
                .chunks_exact(2)
                .map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
            let sum: u32 = words.sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "{sequence}");
        }
    }
}
