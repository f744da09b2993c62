//! The place of one way with its names: a server behind the node, and what is on the node.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use gateway_tests::{process::Process, wait::wait_until};

use super::{
    super::{
        build::peer,
        place::{Place, serve, start},
    },
    NAMES,
    load::{Sample, What, bulk, connections},
    run_time::links,
    way::Way,
};

pub(super) const SERVER_PORT: u16 = 9443;
const READY: Duration = Duration::from_secs(120);
const PROBE: Duration = Duration::from_millis(20);
/// Connections at once; the most so that no core is ever idle.
pub(super) const AT_ONCE: [u32; 3] = [1, 16, 64];

pub(super) struct Site {
    pub(super) way: Way,
    pub(super) names: u32,
    /// From the start until all names were served.
    pub(super) ready: Duration,
    process: Option<Process>,
    // Dropped before the namespaces that they run in.
    _server: Process,
    pub(super) place: Place,
}

impl Site {
    /// Waits until the way serves.
    pub(super) fn new(wire: &Path, way: Way, names: u32, deferred: bool) -> Result<Self> {
        let place = Place::new(wire)?;
        let inside = place.inside()?;
        place.many_connections()?;
        let listen = format!("0.0.0.0:{SERVER_PORT}");
        let mut arguments = vec!["serve-hello", "--listen", &listen];
        arguments.extend(deferred.then_some("--deferred"));
        let server = serve(&inside, &peer().to_string_lossy(), &arguments)?;
        let command = way.command(&place, names)?;
        let process = command.map(|command| start(&place.node, "way", &command));
        let mut site = Self {
            way,
            names,
            ready: Duration::ZERO,
            process: process.transpose()?,
            _server: server,
            place,
        };
        site.ready = site.wait()?;
        Ok(site)
    }

    fn wait(&mut self) -> Result<Duration> {
        let serves = wait_until(READY, &format!("{} serves", self.way), || {
            if let Some(process) = &mut self.process {
                process.expect_running()?;
            }
            // Without its links, what is measured is not behind XDP.
            if self.way.is_ours() && links(&self.place.net.pins()).is_err() {
                return Ok(false);
            }
            Ok(connections(self, 1, PROBE).is_ok_and(|load| load.report.failed == 0))
        });
        serves.with_context(|| self.log())
    }

    fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    /// With one name all that can be; with many, what names can change. Adds it to `sample`.
    pub(super) fn measure(
        &mut self,
        what: What,
        time: Duration,
        sample: &mut Sample,
    ) -> Result<()> {
        if let Some(process) = &mut self.process {
            process.expect_running()?;
        }
        let all = self.names == NAMES[0];
        match what {
            What::Bulk(_) if !all => {}
            What::Connections(at) => {
                sample.connections[at] = Some(connections(self, AT_ONCE[at], time)?);
            }
            What::Bulk(direction) => {
                sample.bulk[direction as usize] = Some(bulk(self, direction, time)?);
            }
        }
        Ok(())
    }
}
