//! The place of one proxy, with load and backend outside.

use anyhow::Result;
use gateway_tests::process::Process;

use super::super::{
    build::peer,
    place::{OUTSIDE, Place, serve},
};

/// The proxy's core, and that of everything else.
pub(super) const PROXY_CORE: &str = "0";
pub(super) const LOAD_CORE: &str = "1";
pub(super) const BACKEND: &str = OUTSIDE;
pub(super) const BACKEND_PORT: u16 = 8080;
/// The whole body of each answer.
pub(super) const ANSWER: &str = "hello world";

pub(super) struct Site {
    // Dropped before the namespace that it runs in.
    _backend: Process,
    pub(super) place: Place,
}

impl Site {
    pub(super) fn new() -> Result<Self> {
        let place = Place::new()?;
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
            "--fixed",
            ANSWER,
        ];
        Ok(Self {
            _backend: serve(&place.outside, "taskset", arguments)?,
            place,
        })
    }
}
