//! Ways from the client to the server.

use std::fmt;

use anyhow::Result;

use super::{
    super::{
        build, manifests,
        place::{INSIDE, NODE, Place},
        programs::{ENVOY, HAPROXY, NGINX, NGINX_STREAM, Program},
    },
    config,
    site::SERVER_PORT,
};

pub(super) const PORT: u16 = 443;
/// Nobody connects to it.
const OTHER_PORT: u16 = 444;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The node forwards; the server's address is asked. What it costs is what the ends cost.
    Direct,
    /// The same through our program, which has nothing to do with it: on a virtual link XDP alone
    /// has a price, for each packet is copied into memory that it can work on.
    DirectBehindXdp,
    /// A TLSRoute, in XDP.
    Gateway,
    /// In TCP mode, with a map file.
    Haproxy,
    /// Its stream module, with a map.
    Nginx,
    /// Its TLS inspector, with one filter chain for all names.
    Envoy,
}

impl Way {
    pub(super) const BY_NAME: [Self; 4] = [Self::Gateway, Self::Haproxy, Self::Nginx, Self::Envoy];

    /// What to do where it cannot be measured here.
    pub(super) fn missing(self) -> Option<String> {
        self.needs().iter().find_map(|program| program.missing())
    }

    /// Whether our programs are on the uplink.
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::DirectBehindXdp | Self::Gateway)
    }

    const fn needs(self) -> &'static [Program] {
        match self {
            Self::Direct | Self::DirectBehindXdp | Self::Gateway => &[],
            Self::Haproxy => &[HAPROXY],
            Self::Nginx => &[NGINX, NGINX_STREAM],
            Self::Envoy => &[ENVOY],
        }
    }

    /// Where the client connects to.
    pub(super) fn address(self) -> String {
        match self {
            Self::Direct | Self::DirectBehindXdp => format!("{INSIDE}:{SERVER_PORT}"),
            Self::Gateway => format!("{}:{PORT}", manifests::ADDRESS),
            Self::Haproxy | Self::Nginx | Self::Envoy => format!("{NODE}:{PORT}"),
        }
    }

    /// What serves these names on the node; `None`: the kernel alone.
    pub(super) fn command(self, place: &Place, names: u32) -> Result<Option<Vec<String>>> {
        let gateway = |text: &str| place.gateway(&build::gateway(), text);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let command = match self {
            Self::Direct => return Ok(None),
            Self::DirectBehindXdp => gateway(&config::gateway(OTHER_PORT, 1))?,
            Self::Gateway => gateway(&config::gateway(PORT, names))?,
            Self::Haproxy => {
                let map = place.file("names.map", &config::haproxy_map(names))?;
                let file = place.file("haproxy.cfg", &config::haproxy(&map))?;
                words(&[HAPROXY.path, "-db", "-f", &file])
            }
            Self::Nginx => {
                let map = place.file("names.map", &config::nginx_map(names))?;
                let dir = place.net.dir();
                let text = config::nginx(&dir.to_string_lossy(), &map, NGINX_STREAM.path);
                let file = place.file("nginx.conf", &text)?;
                words(&[NGINX.path, "-c", &file])
            }
            Self::Envoy => {
                let file = place.file("envoy.json", &config::envoy(names))?;
                let quiet = ["--disable-hot-restart", "--log-level", "warn"];
                words(&[&[ENVOY.path, "-c", &file][..], &quiet].concat())
            }
        };
        Ok(Some(command))
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "none: direct routing",
            Self::DirectBehindXdp => "none, behind XDP",
            Self::Gateway => "xdp-gateway",
            Self::Haproxy => "HAProxy",
            Self::Nginx => "nginx",
            Self::Envoy => "Envoy",
        })
    }
}
