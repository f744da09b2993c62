//! The programs of TLS passthrough come with the first listener for it: the verifier takes seconds.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gateway_common::{
    maps::{ABI_VERSION, PROGRAM_TLS, SPLICES, TLS_NAMES},
    splice::Outcome,
};
use gateway_tests::{
    bed::{Bed, GATEWAYS, PASSTHROUGH_LISTENERS},
    wait::wait_until,
};

use crate::{
    capture::{in_slots, pinned_for_slots},
    passthrough::{NAMES, all_served},
    tls_kernel::{Outcomes, dump, spliced},
};

/// Where the bed has its listeners in `gateway.yaml`.
const NO_LISTENERS: &str = "  listeners:\n";
/// What was refused is tried again after half a minute.
const RETRIED: Duration = Duration::from_secs(90);

fn listen(bed: &Bed) -> Result<()> {
    let (none, some) = (NO_LISTENERS, PASSTHROUGH_LISTENERS);
    bed.config.replace("gateway.yaml", none, some)
}

fn end_listening(bed: &Bed) -> Result<()> {
    let (none, some) = (NO_LISTENERS, PASSTHROUGH_LISTENERS);
    bed.config.replace("gateway.yaml", some, none)
}

/// Nobody waits for the verifier who has no use for them.
#[test]
fn they_are_loaded_with_the_first_listener_and_stay() -> Result<()> {
    let bed = Bed::passthrough()?;
    end_listening(&bed)?;
    let daemon = bed.daemon()?;
    ensure!(in_slots(&bed).is_err(), "they are there already");
    ensure!(pinned_for_slots(&bed).is_err(), "they are pinned already");
    let mut crowd = bed.start(
        "crowd",
        &format!("crowd --to {}:9000 --connections 50", GATEWAYS[0]),
    )?;
    crowd.goes_on(2)?;
    listen(&bed)?;
    all_served(&bed)?;
    let ask = format!(
        "tcp --to {}:443 --server-name {} --count 20",
        GATEWAYS[0], NAMES[0].0
    );
    spliced(&bed, &ask)?;
    crowd.goes_on(2).context("while they were loaded")?;
    let first = in_slots(&bed)?;
    ensure!(first == pinned_for_slots(&bed)?, "others are pinned");
    end_listening(&bed)?;
    wait_until(RETRIED, "the listeners are gone", || {
        Ok(dump(&bed, TLS_NAMES)?.is_empty())
    })?;
    ensure!(first == in_slots(&bed)?, "connections may be left");
    // The next daemon has its own.
    daemon.kill()?;
    let _daemon = bed.daemon()?;
    let second = in_slots(&bed)?;
    ensure!(second == pinned_for_slots(&bed)?, "others are pinned");
    ensure!(second != first, "those of before");
    Ok(())
}

/// A kernel that takes the other programs, but not these.
#[test]
fn the_proxy_serves_in_their_place_where_they_cannot_be_had() -> Result<()> {
    let bed = Bed::passthrough()?;
    end_listening(&bed)?;
    let daemon = bed.daemon()?;
    let dir = format!("v{ABI_VERSION}/programs/{PROGRAM_TLS}");
    let in_the_way = bed.net.pins().join(dir);
    fs::create_dir(&in_the_way)?;
    listen(&bed)?;
    all_served(&bed)?;
    ensure!(in_slots(&bed).is_err(), "they are there");
    ensure!(dump(&bed, SPLICES)?.is_empty(), "the kernel has part in it");
    let why = "the proxy serves TLS passthrough instead of the kernel: cannot remove";
    let status = daemon.status_text()?;
    ensure!(status.contains(why), "{status}");
    ensure!(daemon.log().contains(why), "{}", daemon.log());
    fs::remove_dir(&in_the_way)?;
    wait_until(RETRIED, "they are there", || Ok(in_slots(&bed).is_ok()))?;
    let before = Outcomes::read(&bed)?;
    all_served(&bed)?;
    let asked = before.since(&bed)?.of(Outcome::Asked);
    ensure!(asked > 0, "the kernel does not serve");
    Ok(())
}
