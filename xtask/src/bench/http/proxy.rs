//! The proxies that are measured.

use std::{fmt, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use gateway_tests::{process::Process, report::HttpReport, wait::wait_until};

use super::{
    super::{build::peer, manifests::ADDRESS, place::NODE, programs::NGINX},
    manifests,
    site::{ANSWER, BACKEND, BACKEND_PORT, PROXY_CORE, Site},
};

const READY_LIMIT: Duration = Duration::from_secs(60);

pub(super) enum Kind {
    /// `routes`: how many it has, each for a host and path of its own.
    Gateway {
        binary: PathBuf,
        routes: u32,
    },
    Nginx,
}

/// A proxy at work, killed on drop.
pub(super) struct Proxy(Process);

impl Kind {
    /// Where clients reach it.
    pub(super) fn address(&self) -> &'static str {
        match self {
            Self::Gateway { .. } => ADDRESS,
            Self::Nginx => NODE,
        }
    }

    /// What wrk needs to send requests to each route in turn; `None`: always the same request.
    pub(super) fn script(&self, site: &Site) -> Result<Option<PathBuf>> {
        let Self::Gateway { routes: 2.., .. } = self else {
            return Ok(None);
        };
        let path = site.place.file("each-route.lua", &self.requests())?;
        Ok(Some(path.into()))
    }

    fn requests(&self) -> String {
        match self {
            Self::Gateway { routes, .. } => manifests::script(*routes),
            Self::Nginx => String::new(),
        }
    }

    fn command(&self, site: &Site) -> Result<Vec<String>> {
        match self {
            Self::Gateway { binary, routes } => {
                site.place.gateway(binary, &manifests::text(*routes))
            }
            Self::Nginx => {
                let dir = site.place.net.dir();
                let conf = nginx_conf(&dir.to_string_lossy());
                let config = site.place.file("nginx.conf", &conf)?;
                Ok([NGINX.path, "-c", &config].map(str::to_owned).into())
            }
        }
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
            Self::Nginx => f.write_str("nginx"),
        }
    }
}

impl Proxy {
    /// Starts it on its core and waits until it gives the backend's answer.
    pub(super) fn start(kind: &Kind, site: &Site) -> Result<Self> {
        let pin = ["-c", PROXY_CORE].map(str::to_owned);
        let command = pin.into_iter().chain(kind.command(site)?);
        let mut process = Process::server(&site.place.node, "proxy", "taskset", command)?;
        let to = format!("{}:80", kind.address());
        let path = format!("{}0", manifests::PATH);
        let host = manifests::host(0);
        let probe = [
            "http", "--count", "1", "--to", &to, "--host", &host, "--path", &path,
        ];
        let ready = wait_until(READY_LIMIT, "the backend answers through the proxy", || {
            process.expect_running()?;
            let report = Process::client(&site.place.outside, "probe", peer(), probe)?;
            let report: HttpReport = report.report()?;
            Ok(report
                .last
                .is_some_and(|a| a.status == 200 && a.body == ANSWER))
        });
        ready.with_context(|| process.log())?;
        Ok(Self(process))
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.pid()
    }

    pub(super) fn expect_running(&mut self) -> Result<()> {
        self.0.expect_running()
    }
}

/// One process that does for each request what the gateway does.
fn nginx_conf(dir: &str) -> String {
    format!(
        r"daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  upstream backend {{
    server {BACKEND}:{BACKEND_PORT};
    keepalive 256;
    keepalive_requests 100000000;
  }}
  server {{
    listen {NODE}:80;
    location / {{
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"
    )
}
