//! The command line.

mod inspect;

use std::{
    net::{AddrParseError, IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::inspect::{By, Capture, Flows, Maps, Place, Protocol, Trace};
use crate::bpf::options::{DEFAULT_PIN_DIR, XdpMode};

/// Where the daemon answers `status`, probes and scrapes unless told otherwise.
pub const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9901);

/// Kubernetes Gateway API on bare metal: TCP and UDP in XDP, HTTP in user space.
#[derive(Debug, Parser)]
#[command(name = "xdp-gateway", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve what a directory of manifests or an API server says, and follow its changes.
    Run(Box<Run>),
    /// Read manifests and say what the gateway would make of them; needs neither root nor a daemon.
    Check(Check),
    /// Show what the running daemon serves, and whatever is not as wished.
    Status(Status),
    /// Show what the kernel's maps hold: frontends, services, backends with their traffic.
    Maps(Maps),
    /// Show the connections in the kernel's flow table.
    Flows(Box<Flows>),
    /// Explain what becomes of a packet: which listener, route and backend, or why none.
    Trace(Trace),
    /// Capture packets before and after the kernel programs, which tcpdump cannot see.
    Capture(Capture),
    /// Remove everything a daemon left in the kernel: links, maps, routes.
    Unload(Unload),
    /// Bring our own kinds in the cluster, as AddressPool, to those of this version.
    Crds,
}

#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub identity: Kubernetes,
    /// Interface that traffic arrives on, or a pattern such as eth*; may be given several times.
    /// Default: those of GatewayParameters that GatewayClasses name; else those of the default
    /// routes, else every interface that is up.
    #[arg(long = "interface", value_name = "IF")]
    pub interfaces: Vec<String>,
    /// Address for Gateways that name none themselves; may be given several times.
    #[arg(long = "address", value_name = "IP")]
    pub addresses: Vec<IpAddr>,
    /// With --config: another node that runs xdp-gateway, by the name that EndpointSlices have for
    /// it, and where it takes packets for its pods in an outer header (DSR): the first address of
    /// its interfaces in each family. May be given several times; --node-name names this node.
    #[arg(long = "peer", value_name = "NAME=IP[,IP]", value_parser = peer, conflicts_with = "kubernetes")]
    pub peers: Vec<Peer>,
    /// Address of /healthz, /readyz, /metrics, /config and /status.
    #[arg(long, value_name = "ADDR", default_value_t = ADMIN)]
    pub admin: SocketAddr,
    /// Also answer /metrics, and nothing else, at this address: for scrapers on other hosts.
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    pub metrics: Option<SocketAddr>,
    /// Threads of the HTTP proxy. Default: as GatewayParameters that GatewayClasses name say, else
    /// one for each core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub workers: Option<u32>,
    /// Where maps and links are pinned.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_PIN_DIR)]
    pub pin_dir: PathBuf,
    /// How XDP runs: in the driver, in the generic path of the stack, or the first that works.
    #[arg(long, value_name = "auto|driver|generic", default_value = "auto")]
    pub xdp_mode: XdpMode,
    /// Log from inside the kernel programs; for development, it costs speed.
    #[arg(long)]
    pub kernel_log: bool,
}

/// Where objects come from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// Directory of manifests (*.yaml, *.yml), with the directories directly in it.
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// The API server that KUBECONFIG or ~/.kube/config names, or that of the cluster around
    /// this pod.
    #[arg(long)]
    pub kubernetes: bool,
}

/// Who this is in the cluster.
#[derive(Debug, Default, Args)]
#[group(skip)]
pub struct Kubernetes {
    /// Name of this node, as EndpointSlices have it. Default with --kubernetes: the name of the
    /// host; with --config: a name that no EndpointSlice has.
    #[arg(long, value_name = "NAME", env = "NODE_NAME")]
    pub node_name: Option<String>,
    /// With --kubernetes: name of this pod. Default: that of the node.
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub pod_name: Option<String>,
    /// With --kubernetes: namespace of our pods and of the Lease. Default: that of the client.
    #[arg(long, value_name = "NAME", env = "POD_NAMESPACE")]
    pub namespace: Option<String>,
    /// With --kubernetes: name of the DaemonSet that runs this, in the same namespace. Once it is
    /// deleted, the end of the daemon is that of its data path too, as with `unload`.
    #[arg(long, value_name = "NAME")]
    pub daemonset: Option<String>,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Files, or directories as `run --config` reads them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Address for Gateways that name none themselves, as for `run`.
    #[arg(long = "address", value_name = "IP")]
    pub addresses: Vec<IpAddr>,
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Admin address of the daemon.
    #[arg(long, value_name = "ADDR", default_value_t = ADMIN)]
    pub admin: SocketAddr,
    /// Fail unless the daemon is ready.
    #[arg(long)]
    pub ready: bool,
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct Unload {
    /// Where the daemon pinned its maps and links.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_PIN_DIR)]
    pub pin_dir: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// Another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub name: String,
    pub addresses: Vec<IpAddr>,
}

/// `NAME=IP[,IP]`.
fn peer(text: &str) -> Result<Peer, String> {
    let (name, addresses) = text.split_once('=').unwrap_or_default();
    let addresses: Result<Vec<_>, _> = addresses.split(',').map(str::parse).collect();
    match addresses {
        Ok(addresses) if !name.is_empty() => Ok(Peer {
            name: name.to_owned(),
            addresses,
        }),
        _ => Err("write the name of a node and its addresses, such as n2=192.0.2.2".to_owned()),
    }
}

/// `ADDRESS:PORT`. Brackets are allowed around every address: whoever puts one together of parts,
/// as a pod does with its own address, need not know the family.
fn listen_address(text: &str) -> Result<SocketAddr, AddrParseError> {
    let plain = text.strip_prefix('[').and_then(|rest| {
        let (address, port) = rest.split_once("]:")?;
        address.parse::<Ipv4Addr>().ok()?;
        Some(format!("{address}:{port}"))
    });
    plain.as_deref().unwrap_or(text).parse()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_takes_lists_and_defaults() {
        let cli = Cli::try_parse_from([
            "xdp-gateway",
            "run",
            "--config=/etc/gw",
            "--interface=eth0",
            "--interface=eth1",
            "--address=10.0.0.1",
        ]);
        let Ok(Cli {
            command: Command::Run(run),
        }) = cli
        else {
            panic!("{cli:?}");
        };
        assert_eq!(run.source.config, Some("/etc/gw".into()));
        assert!(!run.source.kubernetes);
        assert_eq!(run.interfaces, ["eth0", "eth1"]);
        assert_eq!(run.addresses, [IpAddr::from([10, 0, 0, 1])]);
        assert_eq!(
            (run.admin, run.workers, run.xdp_mode),
            (ADMIN, None, XdpMode::Auto)
        );
        assert_eq!(run.pin_dir, PathBuf::from(DEFAULT_PIN_DIR));
    }

    #[test]
    fn peers_have_a_name_and_addresses() {
        let two = peer("n2=192.0.2.2,2001:db8::2").expect("a peer");
        assert_eq!((two.name.as_str(), two.addresses.len()), ("n2", 2));
        for bad in [
            "n2",
            "n2=",
            "=192.0.2.2",
            "n2=192.0.2.2,",
            "n2=192.0.2.2 192.0.2.3",
        ] {
            assert!(peer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn brackets_fit_around_addresses_of_both_families() {
        let address = |text| listen_address(text).ok().map(|address| address.to_string());
        assert_eq!(address("[10.0.0.1]:9902").as_deref(), Some("10.0.0.1:9902"));
        assert_eq!(address("10.0.0.1:9902").as_deref(), Some("10.0.0.1:9902"));
        assert_eq!(address("[fd00::1]:9902").as_deref(), Some("[fd00::1]:9902"));
        for bad in [
            "[10.0.0.1]",
            "[x]:1",
            "fd00::1:9902",
            "10.0.0.1",
            "[]:1",
            "",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }

    #[test]
    fn check_needs_a_path_and_workers_have_a_range() {
        for bad in [
            &["xdp-gateway", "check"][..],
            &["xdp-gateway", "run", "--config=x", "--workers=0"],
            &["xdp-gateway", "run", "--config=x", "--workers=257"],
            &["xdp-gateway", "run"],
            &["xdp-gateway", "run", "--config=x", "--kubernetes"],
        ] {
            assert!(Cli::try_parse_from(bad).is_err(), "{bad:?}");
        }
    }
}
