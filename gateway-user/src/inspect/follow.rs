//! `xdp-gateway flows --follow`: what opens and ends, a line each.

use std::{io::Write as _, time::Duration};

use anyhow::{Context as _, Result};
use gateway_core::l4::flows::{Change, Connection, Filter, Seen, changes};
use tokio::time::{MissedTickBehavior, interval};

use super::flows::each;
use crate::{
    bpf::View,
    cli::{self, Format},
};

/// Compares looks at the table until it is interrupted, or nobody reads. Two looks are held, each
/// at most as large as the table.
pub(super) async fn follow(mut view: View, filter: &Filter, options: &cli::Flows) -> Result<()> {
    let mut ticks = interval(Duration::from_secs(options.interval));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut before = look(&view, filter)?;
    eprintln!("following: {} flows are open", before.len());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            stop = tokio::signal::ctrl_c() => return stop.context("cannot wait for SIGINT"),
        }
        view.refresh()?;
        let after = look(&view, filter)?;
        let mut out = std::io::stdout().lock();
        for (connection, change) in changes(&before, &after) {
            let line = line(&connection, change, options.output)?;
            if let Err(error) = writeln!(out, "{line}") {
                // `flows --follow | head` has seen enough.
                let enough = error.kind() == std::io::ErrorKind::BrokenPipe;
                return if enough { Ok(()) } else { Err(error.into()) };
            }
        }
        before = after;
    }
}

fn look(view: &View, filter: &Filter) -> Result<Seen> {
    let clock = view.clock()?;
    let mut seen = Seen::new();
    each(view, filter, clock, |row| {
        if row.state.has_begun() {
            seen.insert(row.connection, row.state);
        }
    })?;
    Ok(seen)
}

fn line(of: &Connection, change: Change, output: Format) -> Result<String> {
    if output == Format::Json {
        let line = serde_json::json!({ "change": change, "flow": of });
        return Ok(serde_json::to_string(&line)?);
    }
    let word = match change {
        Change::Opened => "opened",
        Change::Closed => "closed",
        Change::Reset => "reset",
        Change::Refused => "refused",
        Change::Drained => "drained",
        Change::Forgotten => "forgotten",
    };
    let Connection {
        protocol,
        client,
        address,
        backend,
        ..
    } = of;
    Ok(format!(
        "{word:<9}  {}  {client} -> {address} -> {backend}",
        protocol.as_str()
    ))
}
