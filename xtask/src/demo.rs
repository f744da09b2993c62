//! `cargo xtask demo`: the real daemon on examples/demo, with real traffic through it.

use std::{io::stdin, time::Duration};

use anyhow::{Context as _, Result, bail};
use gateway_tests::{bed::Bed, daemon::Daemon, net::litter};

use crate::{privileges, process::Job, setup, workspace};

mod advice;
mod http;
mod kernel;
mod maps;
mod row;
mod table;

use row::Row;
use table::Table;

const BUILD: Duration = Duration::from_secs(1800);

/// Makes the network, sends the traffic and prints what came of it. `keep`: leaves it running
/// until Enter or Ctrl-C. Namespaces, processes, pins and files go in every case.
pub(crate) fn run(keep: bool) -> Result<()> {
    privileges::ensure()?;
    setup::run()?;
    println!("build");
    Job::new("the build", "cargo", BUILD)
        .args(["build", "--locked", "--bin", "xdp-gateway", "--bin", "peer"])
        .dir(&workspace::root())
        .show()?;
    // Until here a signal ends the job that runs; from here on it removes the network.
    litter::guard()?;
    println!("network: a client, a node, two application hosts behind it");
    let bed = Bed::new()?;
    println!("xdp-gateway run --config examples/demo");
    let daemon = bed.daemon()?;
    let rows = traffic(&bed).with_context(|| format!("the daemon's log:\n{}", daemon.log()))?;
    report(&bed, &daemon, &rows)?;
    if keep {
        println!("{}", advice::text(&bed)?);
        // Enter, or the end of the input; a signal ends the process and cleans up elsewhere.
        stdin().read_line(&mut String::new())?;
    }
    let wrong = rows.iter().filter(|row| !row.right).count();
    if wrong > 0 {
        bail!(
            "{wrong} of {} results are not as expected; the daemon's log:\n{}",
            rows.len(),
            daemon.log()
        );
    }
    Ok(())
}

fn traffic(bed: &Bed) -> Result<Vec<Row>> {
    let mut rows = http::rows(bed)?;
    rows.extend(kernel::rows(bed)?);
    Ok(rows)
}

fn report(bed: &Bed, daemon: &Daemon, rows: &[Row]) -> Result<()> {
    println!("\nTraffic from the client, 10.77.0.2, to the Gateway, 10.77.0.100\n");
    let mut table = Table::new(["", "sent", "expected", "seen"]);
    for row in rows {
        let mark = if row.right { "ok" } else { "WRONG" };
        table.push([mark, &row.sent, &row.expected, &row.seen]);
    }
    println!("{table}");

    let status = daemon.status()?;
    println!("Conditions of the Gateway\n");
    println!(
        "{}",
        table::of(
            &status["conditions"],
            ["name", "part", "condition", "status", "reason"],
            |row| { row["kind"] == "Gateway" }
        )?
    );
    println!("Programs in force\n");
    println!(
        "{}",
        table::of(
            &status["attachments"],
            ["interface", "hook", "mode"],
            |_| true
        )?
    );
    println!("{}", maps::excerpt(&bed.net.pins())?);
    Ok(())
}
