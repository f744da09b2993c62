//! Ways from the client to the server.

use std::fmt;

use anyhow::Result;
use gateway_tests::process::Process;

use super::{
    super::{
        build, manifests,
        place::{INSIDE, NODE, start},
        programs::{HAPROXY, NFT, Program},
    },
    site::{PORT, Site},
};

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
        let has = |way: &Self| {
            let missing = way.program().and_then(Program::missing);
            if let Some(missing) = &missing {
                println!("{way} is left out: {missing}");
            }
            missing.is_none()
        };
        let all = [
            Self::Gateway,
            Self::Haproxy,
            Self::NftablesBehindXdp,
            Self::Nftables,
        ];
        all.into_iter().filter(has).collect()
    }

    /// What must be installed for it.
    const fn program(self) -> Option<Program> {
        match self {
            Self::Gateway => None,
            Self::Haproxy => Some(HAPROXY),
            Self::NftablesBehindXdp | Self::Nftables => Some(NFT),
        }
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
        let gateway = |port| site.place.gateway(&build::gateway(), &route(port));
        let command = match self {
            Self::Gateway => gateway(PORT)?,
            Self::Haproxy => {
                let config = site.place.file("haproxy.cfg", &haproxy())?;
                [HAPROXY.path, "-db", "-f", &config]
                    .map(str::to_owned)
                    .into()
            }
            Self::NftablesBehindXdp => {
                forward(site)?;
                gateway(PORT + 1)?
            }
            Self::Nftables => {
                forward(site)?;
                return Ok(None);
            }
        };
        start(&site.place.node, "way", &command).map(Some)
    }
}

fn forward(site: &Site) -> Result<()> {
    let rules = site.place.file("rules.nft", &rules())?;
    site.place.node.run(NFT.path, ["-f", &rules]).map(drop)
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
    ip daddr {NODE} tcp dport {PORT} dnat to {INSIDE}:{PORT}
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
  server one {INSIDE}:{PORT}
"
    )
}

/// A TCPRoute to the server, at this port.
fn route(port: u16) -> String {
    manifests::gateway(("TCP", port), (INSIDE, PORT))
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
