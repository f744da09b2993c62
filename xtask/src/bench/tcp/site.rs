//! The place of one way, with a server behind the node.

use std::path::Path;

use anyhow::Result;
use gateway_tests::process::Process;

use super::super::place::{Place, serve};

pub(super) const PORT: u16 = 5201;

pub(super) struct Site {
    // Dropped before the namespace that it runs in.
    _server: Process,
    pub(super) place: Place,
}

impl Site {
    pub(super) fn new(wire: &Path) -> Result<Self> {
        let place = Place::new(wire)?;
        let inside = place.inside()?;
        Ok(Self {
            _server: serve(&inside, "iperf3", &["--server", "--forceflush"])?,
            place,
        })
    }
}
