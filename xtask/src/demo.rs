//! `cargo xtask demo`: the real daemon on examples/demo, with real traffic through it.

use std::{io::stdin, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use gateway_tests::{bed::Bed, daemon::Daemon, net::litter};
use serde_json::Value;

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
        println!("{}", advice::text(&bed, &daemon)?);
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
    drop((daemon, bed));
    println!(
        "All {} results are as expected; nothing is left of the network.",
        rows.len()
    );
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
    let fields = ["name", "part", "condition", "status", "reason"];
    let conditions = table::of(&status["conditions"], fields, |row| {
        row["kind"] == "Gateway"
    })?;
    println!("{conditions}");
    println!("Programs in force\n");
    let fields = ["interface", "hook", "mode"];
    println!("{}", table::of(&status["attachments"], fields, |_| true)?);
    println!("{}", maps::excerpt(&bed.net.pins())?);
    as_wished(&status)
}

/// Errors naming the first condition of any object that is not as wished.
fn as_wished(status: &Value) -> Result<()> {
    let conditions = status["conditions"]
        .as_array()
        .context("the status lacks conditions")?;
    ensure!(!conditions.is_empty(), "the daemon reports no condition");
    match conditions
        .iter()
        .find(|condition| condition["asWished"] != true)
    {
        Some(odd) => bail!("a condition is not as wished: {odd}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_condition_must_be_as_wished_and_there_must_be_one() {
        let of = |conditions| as_wished(&json!({ "conditions": conditions })).is_ok();
        assert!(of(json!([{"asWished": true}])));
        assert!(!of(json!([{"asWished": true}, {"asWished": false}])));
        assert!(!of(json!([])));
        assert!(as_wished(&Value::Null).is_err());
    }
}
