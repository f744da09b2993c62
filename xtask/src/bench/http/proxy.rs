//! The proxies that are measured.

use std::{fmt, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use gateway_tests::{process::Process, wait::wait_until};

use super::{
    super::{
        manifests::ADDRESS,
        place::NODE,
        programs::{ENVOY, HAPROXY, NGINX, Program},
    },
    Common,
    certificate::Certificate,
    config, load, manifests,
    scenario::Scenario,
    site::{PROXY_CORE, Site},
};

const READY_LIMIT: Duration = Duration::from_secs(60);
const PROBE: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(super) enum Kind {
    /// `routes`: how many it has, each for a host and path of its own.
    Gateway {
        binary: PathBuf,
        routes: u32,
    },
    Haproxy,
    Envoy,
    Nginx,
}

/// A proxy at work in a place of its own.
pub(super) struct Proxy {
    // Killed before its namespace goes.
    process: Process,
    pub(super) kind: Kind,
    pub(super) site: Site,
}

impl Kind {
    /// The last is what the others are compared with.
    pub(super) const OTHERS: [Self; 3] = [Self::Haproxy, Self::Envoy, Self::Nginx];

    /// What to do where it cannot be measured here.
    pub(super) fn missing(&self) -> Option<String> {
        self.needs().and_then(Program::missing)
    }

    const fn needs(&self) -> Option<Program> {
        match self {
            Self::Gateway { .. } => None,
            Self::Haproxy => Some(HAPROXY),
            Self::Envoy => Some(ENVOY),
            Self::Nginx => Some(NGINX),
        }
    }

    /// How many are asked for.
    pub(super) const fn routes(&self) -> u32 {
        match self {
            Self::Gateway { routes, .. } => *routes,
            Self::Haproxy | Self::Envoy | Self::Nginx => 1,
        }
    }

    fn command(&self, site: &Site, certificate: &Certificate) -> Result<Vec<String>> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let place = &site.place;
        Ok(match self {
            Self::Gateway { binary, routes } => {
                let text = manifests::text(site.scenario, *routes, certificate);
                place.gateway(binary, &text)?
            }
            Self::Haproxy => {
                let file = place.file("haproxy.cfg", &config::haproxy(site))?;
                words(&[HAPROXY.path, "-db", "-f", &file])
            }
            Self::Envoy => {
                let file = place.file("envoy.json", &config::envoy(site))?;
                let options = [
                    "--disable-hot-restart",
                    "--concurrency",
                    "1",
                    "--log-level",
                    "warn",
                ];
                words(&[&[ENVOY.path, "-c", &file][..], &options].concat())
            }
            Self::Nginx => {
                let file = place.file("nginx.conf", &config::nginx(site))?;
                words(&[NGINX.path, "-c", &file])
            }
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |routes: &u32| if *routes == 1 { "route" } else { "routes" };
        match self {
            Self::Gateway { binary, routes } => {
                let name = binary.file_name().unwrap_or_default().display();
                write!(f, "{name}, {routes} {}", plural(routes))
            }
            Self::Haproxy => f.write_str("HAProxy"),
            Self::Envoy => f.write_str("Envoy"),
            Self::Nginx => f.write_str("nginx"),
        }
    }
}

impl Proxy {
    /// Starts it on its core and waits until it gives the backend's answer.
    pub(super) fn start(kind: Kind, scenario: Scenario, common: &Common) -> Result<Self> {
        let site = Site::new(scenario, kind.routes(), common)?;
        let pin = ["-c", PROXY_CORE].map(str::to_owned);
        let command = pin
            .into_iter()
            .chain(kind.command(&site, &common.certificate)?);
        let process = Process::server(&site.place.node, "proxy", "taskset", command)?;
        let mut proxy = Self {
            process,
            kind,
            site,
        };
        let ready = wait_until(READY_LIMIT, "the backend answers through the proxy", || {
            proxy.expect_running()?;
            Ok(load::requests(&proxy, 1, None, PROBE).is_ok())
        });
        ready.with_context(|| proxy.process.log())?;
        Ok(proxy)
    }

    /// Where clients reach it.
    pub(super) fn to(&self) -> String {
        let address = match self.kind {
            Kind::Gateway { .. } => ADDRESS,
            Kind::Haproxy | Kind::Envoy | Kind::Nginx => NODE,
        };
        format!("{address}:{}", self.site.scenario.port())
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(super) fn expect_running(&mut self) -> Result<()> {
        self.process.expect_running()
    }
}
