//! Options of the commands that look into the data path in force.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use gateway_common::abi::NAME_BYTES;
use gateway_core::{
    l4::flows::Network,
    plan::{HostPattern, Transport},
};

use super::{ADMIN, Format};
use crate::bpf::options::DEFAULT_PIN_DIR;

/// Where to look.
#[derive(Debug, Args)]
pub struct Place {
    /// Where the daemon pinned its maps; they are read without it.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_PIN_DIR)]
    pub pin_dir: PathBuf,
    /// Admin address of the daemon, which knows names.
    #[arg(long, value_name = "ADDR", default_value_t = ADMIN)]
    pub admin: SocketAddr,
}

#[derive(Debug, Args)]
pub struct Maps {
    #[command(flatten)]
    pub place: Place,
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct Flows {
    #[command(flatten)]
    pub place: Place,
    /// Of this client only: an address, or a range as 10.0.0.0/8; may be given several times.
    #[arg(long = "client", value_name = "IP[/PREFIX]")]
    pub clients: Vec<Network>,
    /// To this address of a Gateway only; may be given several times.
    #[arg(long = "address", value_name = "IP")]
    pub addresses: Vec<IpAddr>,
    /// To this port of a Gateway only; may be given several times.
    #[arg(long = "port", value_name = "N")]
    pub ports: Vec<u16>,
    #[arg(long, value_enum)]
    pub protocol: Option<Protocol>,
    /// To this backend only, or all endpoints of a Service; may be given several times.
    #[arg(long = "backend", value_name = "IP[:PORT]|NAMESPACE/SERVICE")]
    pub backends: Vec<String>,
    /// Of TLS passthrough only, found by this server name or pattern, as the column NAME shows it; may
    /// be given several times.
    #[arg(long = "sni", value_name = "NAME|*.NAME|*", value_parser = host_pattern)]
    pub names: Vec<HostPattern>,
    /// At most so many, those with the latest packet first; with --by, those with the most flows.
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Count flows instead of listing them.
    #[arg(long, value_enum)]
    pub by: Option<By>,
    /// Print flows that open and end, until interrupted. What is shorter than the interval shows
    /// as long as the table remembers it: TCP for seconds, UDP for a minute.
    #[arg(long, conflicts_with_all = ["top", "by"])]
    pub follow: bool,
    /// Seconds between two looks at the table, with --follow.
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub interval: u64,
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// What flows are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    Client,
    Address,
    Backend,
    /// The server name of TLS passthrough, as listeners and routes have it.
    Name,
}

#[derive(Debug, Args)]
pub struct Trace {
    pub protocol: Protocol,
    /// Where the packet comes from.
    #[arg(value_name = "SRC:PORT")]
    pub source: SocketAddr,
    /// Where it goes to.
    #[arg(value_name = "DST:PORT")]
    pub destination: SocketAddr,
    /// Server name of the client's ClientHello, for listeners with TLS passthrough; "" for a client
    /// that sends none.
    #[arg(long, value_name = "NAME", value_parser = server_name)]
    pub sni: Option<String>,
    #[command(flatten)]
    pub place: Place,
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// As names are compared: lower-case, without a final dot.
fn server_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    match name.is_ascii() && name.len() < NAME_BYTES && !name.contains('*') {
        true => Ok(name),
        false => Err(
            "no server name: at most 253 ASCII characters without `*`, as clients send it              (xn--... for others)"
                .to_owned(),
        ),
    }
}

/// As listeners and routes have it.
fn host_pattern(text: &str) -> Result<HostPattern, String> {
    match (text, text.strip_prefix("*.")) {
        ("*", _) => Ok(HostPattern::Any),
        ("" | "*.", _) => Err(
            "no server name: write it as `xdp-gateway flows` shows it, `*` for the listener or \
             route that has all names"
                .to_owned(),
        ),
        (_, Some(below)) => Ok(HostPattern::Suffix(server_name(below)?.into())),
        (name, None) => Ok(HostPattern::Exact(server_name(name)?.into())),
    }
}

#[derive(Debug, Args)]
pub struct Capture {
    /// Where the daemon pinned its programs; it need not run.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_PIN_DIR)]
    pub pin_dir: PathBuf,
    /// Of this interface only.
    #[arg(long, value_name = "IF")]
    pub interface: Option<String>,
    /// From or to this address only. A packet that fits on one side of the program is shown on both.
    #[arg(long, value_name = "IP")]
    pub address: Option<IpAddr>,
    /// From or to this port only. A packet that fits on one side of the program is shown on both.
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    #[arg(long, value_enum)]
    pub protocol: Option<Protocol>,
    /// Bytes of each packet.
    #[arg(long, value_name = "BYTES", default_value_t = 256, value_parser = clap::value_parser!(u32).range(64..=2047))]
    pub snap: u32,
    /// Stop after so many packets; each is one before and one after the program.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub count: u64,
    /// Stop after so long.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// Write a pcapng file, for Wireshark or `tcpdump -r`; `-` is standard output. Without it, a
    /// line for each packet is printed.
    #[arg(short, long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl From<Protocol> for Transport {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp => Self::Tcp,
            Protocol::Udp => Self::Udp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_names_are_written_as_they_are_compared() {
        for (text, name) in [
            ("A.Example.", "a.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("", ""),
        ] {
            assert_eq!(server_name(text).as_deref(), Ok(name));
        }
        let longest = "a".repeat(253);
        assert_eq!(server_name(&longest), Ok(longest.clone()));
        for bad in ["b\u{fc}cher.example", "*.example", &format!("a{longest}")] {
            assert!(server_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_are_written_as_they_are_shown() {
        for pattern in [
            HostPattern::Exact("a.example".into()),
            HostPattern::Suffix("example".into()),
            HostPattern::Any,
        ] {
            assert_eq!(host_pattern(&pattern.to_string()), Ok(pattern));
        }
        let upper = host_pattern("*.Shop.Example.");
        assert_eq!(upper, Ok(HostPattern::Suffix("shop.example".into())));
        for bad in ["", "*.", "a.*", "*a.example", "*.*.example"] {
            assert!(host_pattern(bad).is_err(), "{bad}");
        }
    }
}
