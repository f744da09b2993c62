//! Ways from the client to the server.

use std::{fmt, fs, path::Path};

use anyhow::Result;
use gateway_tests::process::Process;

use super::{
    super::{manifests, place::NODE},
    site::{PORT, SERVER, Site},
};
use crate::workspace;

const HAPROXY: &str = "/usr/sbin/haproxy";
const NFT: &str = "/usr/sbin/nft";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A TCPRoute, in XDP.
    Gateway,
    /// The same as `Nftables`, through an XDP program that lets it pass: on a virtual link that alone
    /// has a price, for each packet is copied into memory that XDP can work on.
    NftablesBehindXdp,
    /// In TCP mode: two connections, and a copy between them.
    Haproxy,
    /// Destination NAT by the kernel's own forwarding.
    Nftables,
}

impl Way {
    /// Those that can be measured here; says what is missing.
    pub(super) fn installed() -> Vec<Self> {
        let of = |path, package, way| {
            if Path::new(path).exists() {
                return Some(way);
            }
            println!("{way} is left out: `apt-get install {package}`");
            None
        };
        [
            Some(Self::Gateway),
            of(HAPROXY, "haproxy", Self::Haproxy),
            of(NFT, "nftables", Self::NftablesBehindXdp),
            of(NFT, "nftables", Self::Nftables),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Where the client finds the server.
    pub(super) const fn address(self) -> &'static str {
        match self {
            Self::Gateway => manifests::ADDRESS,
            Self::Haproxy | Self::NftablesBehindXdp | Self::Nftables => NODE,
        }
    }

    /// What serves until it is dropped; `None`: the kernel alone.
    pub(super) fn start(self, site: &Site) -> Result<Option<Process>> {
        let (program, arguments) = match self {
            Self::Gateway => gateway(site, PORT)?,
            Self::Haproxy => {
                let config = file(site, "haproxy.cfg", &haproxy())?;
                (HAPROXY.to_owned(), format!("-db -f {config}"))
            }
            Self::NftablesBehindXdp => {
                forward(site)?;
                gateway(site, PORT + 1)?
            }
            Self::Nftables => {
                forward(site)?;
                return Ok(None);
            }
        };
        let arguments = arguments.split(' ').map(str::to_owned);
        Process::server(&site.place.node, "way", program, arguments).map(Some)
    }
}

fn file(site: &Site, name: &str, text: &str) -> Result<String> {
    let path = site.place.net.dir().join(name);
    fs::write(&path, text)?;
    Ok(path.to_string_lossy().into_owned())
}

/// Program and arguments; it serves this port.
fn gateway(site: &Site, port: u16) -> Result<(String, String)> {
    let config = site.place.net.dir().join("config");
    fs::create_dir_all(&config)?;
    file(site, "config/bench.yaml", &route(port))?;
    let binary = workspace::root().join("target/release/xdp-gateway");
    let (pins, config) = (site.place.net.pins(), config.display());
    let arguments = format!(
        "run --workers 1 --interface uplink --pin-dir {} --config {config}",
        pins.display(),
    );
    Ok((binary.to_string_lossy().into_owned(), arguments))
}

fn forward(site: &Site) -> Result<()> {
    let rules = file(site, "rules.nft", &rules())?;
    site.place.node.run(NFT, ["-f", &rules]).map(drop)
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "xdp-gateway",
            Self::Haproxy => "HAProxy, TCP mode",
            Self::NftablesBehindXdp => "nftables, DNAT, behind XDP",
            Self::Nftables => "nftables, DNAT",
        })
    }
}

fn rules() -> String {
    format!(
        "table ip bench {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    ip daddr {NODE} tcp dport {PORT} dnat to {SERVER}:{PORT}
  }}
}}
"
    )
}

fn haproxy() -> String {
    format!(
        "defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen bench
  bind {NODE}:{PORT}
  server one {SERVER}:{PORT}
"
    )
}

/// A TCPRoute to the server, at this port.
fn route(port: u16) -> String {
    manifests::gateway(("TCP", port), (SERVER, PORT))
        + &format!(
            "---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {{name: bench, namespace: default}}
spec:
  parentRefs: [{{name: bench}}]
  rules: [{{backendRefs: [{{name: server, port: {port}}}]}}]
"
        )
}
