//! The place of one proxy in one scenario: load outside, the backend behind the node.

use anyhow::Result;
use gateway_tests::process::Process;

use super::{
    super::{
        build::peer,
        place::{INSIDE, Place, serve},
    },
    Common,
    certificate::Files,
    manifests,
    scenario::Scenario,
};

/// The proxy's core, and that of everything else.
pub(super) const PROXY_CORE: &str = "0";
pub(super) const LOAD_CORE: &str = "1";
pub(super) const BACKEND: &str = INSIDE;
pub(super) const BACKEND_PORT: u16 = 8080;

pub(super) struct Site {
    // Dropped before the namespace that it runs in.
    _backend: Process,
    pub(super) scenario: Scenario,
    /// A file with the host and path of each route.
    pub(super) targets: String,
    /// With it wrk asks for each target in turn.
    pub(super) script: String,
    /// Where the scenario has TLS.
    pub(super) certificate: Option<Files>,
    pub(super) place: Place,
}

impl Site {
    pub(super) fn new(scenario: Scenario, routes: u32, common: &Common) -> Result<Self> {
        let place = Place::new(&common.wire)?;
        let inside = place.inside()?;
        place.many_connections()?;
        let (peer, listen) = (peer(), format!("0.0.0.0:{BACKEND_PORT}"));
        let arguments = [
            "-c",
            LOAD_CORE,
            &peer.to_string_lossy(),
            "serve-http",
            "--version",
            "v1",
            "--listen",
            &listen,
            "--bytes",
            &scenario.bytes().to_string(),
        ];
        let files = scenario.tls().then(|| common.certificate.write(&place));
        Ok(Self {
            _backend: serve(&inside, "taskset", &arguments)?,
            scenario,
            targets: place.file("targets", &manifests::targets(routes))?,
            script: place.file("each-target.lua", manifests::SCRIPT)?,
            certificate: files.transpose()?,
            place,
        })
    }
}
