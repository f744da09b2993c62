//! The programs of TLS passthrough: brought into force with the first listener that needs them.

use anyhow::{Context as _, Result};
use gateway_common::abi::KIND_TLS;
use gateway_core::l4::{MapOp, Tables};
use tokio::task;

use super::{datapath::RETRY, pins::Pins, programs};

/// What it takes to load them, and what came of it.
pub(super) struct Tls {
    object: &'static [u8],
    pins: Pins,
    hz: u32,
    refused: Option<String>,
}

impl Tls {
    pub(super) const fn new(object: &'static [u8], pins: Pins, hz: u32) -> Self {
        Self {
            object,
            pins,
            hz,
            refused: None,
        }
    }

    /// Before `ops` are applied to `tables`: listeners find the programs there, unless the kernel has
    /// refused them.
    pub(super) async fn follow(&mut self, tables: &Tables, ops: &[MapOp]) {
        if self.refused.is_none() && wanted(tables, ops) {
            self.start().await;
        }
    }

    /// What was refused is tried again now and then: somebody may have made room.
    pub(super) async fn retry(&mut self, look: u32) {
        if self.refused.is_some() && look.is_multiple_of(RETRY) {
            self.start().await;
        }
    }

    /// Why they are not in force, though there are listeners for them.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    async fn start(&mut self) {
        if programs::have_tls(&self.pins) {
            return;
        }
        let (object, pins, hz) = (self.object, self.pins.clone(), self.hz);
        // The verifier takes seconds, and there is traffic already.
        let started = task::spawn_blocking(move || programs::start_tls(object, &pins, hz)).await;
        let started: Result<()> = started.context("loading them was ended").flatten();
        let Err(error) = started else {
            tracing::info!("the programs of TLS passthrough are in force");
            self.refused = None;
            return;
        };
        let why = format!("the proxy serves TLS passthrough instead of the kernel: {error:#}");
        if self.refused.is_none() {
            tracing::warn!("{why}");
        }
        self.refused = Some(why);
    }
}

/// Whether there is a listener of TLS passthrough, or one comes.
fn wanted(tables: &Tables, ops: &[MapOp]) -> bool {
    let comes = |op: &MapOp| matches!(op, MapOp::PutFrontend(_, new) if new.kind == KIND_TLS);
    ops.iter().any(comes) || tables.frontends.values().any(|old| old.kind == KIND_TLS)
}
