//! What is left of a bed whose process is told to end, or is killed.

use std::{
    env,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use anyhow::{Result, ensure};
use gateway_tests::{bed::Bed, net::litter, programs::Programs, wait::wait_until};
use rustix::process::{Pid, Signal, kill_process};

const LIMIT: Duration = Duration::from_secs(60);
/// Set in processes that this test starts from its own binary.
const HOLDER: &str = "XDPGW_BED_HOLDER";

#[test]
fn a_signal_removes_all_and_the_next_start_what_a_crash_left() -> Result<()> {
    if env::var_os(HOLDER).is_some() {
        let _bed = Bed::new()?;
        sleep(LIMIT);
        return Ok(());
    }
    // Built here, so that the holders' limit is for the bed alone.
    Programs::get()?;
    for signal in [Signal::INT, Signal::TERM] {
        let mut holder = hold()?;
        end(&mut holder, signal)?;
        ensure!(
            left(&holder).is_empty(),
            "after {signal:?}: {:?}",
            left(&holder)
        );
    }
    let mut crashed = hold()?;
    end(&mut crashed, Signal::KILL)?;
    ensure!(!left(&crashed).is_empty(), "SIGKILL can be caught?");
    let mut next = hold()?;
    ensure!(
        left(&crashed).is_empty(),
        "the next start left: {:?}",
        left(&crashed)
    );
    end(&mut next, Signal::TERM)
}

/// This test in a process of its own, with a complete bed.
fn hold() -> Result<Child> {
    let name = "signals::a_signal_removes_all_and_the_next_start_what_a_crash_left";
    let mut holder = Command::new(env::current_exe()?)
        .args(["--exact", name, "--nocapture"])
        .env(HOLDER, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    wait_until(LIMIT, "the holder's servers run", || {
        ensure!(holder.try_wait()?.is_none(), "the holder ended early");
        Ok(left(&holder).iter().any(|path| path.contains('/')) && listening(&holder))
    })?;
    Ok(holder)
}

/// The last server of the holder's bed has said that it listens.
fn listening(holder: &Child) -> bool {
    let logs = left(holder).into_iter().filter(|path| path.contains('/'));
    let text = |dir: String| std::fs::read_to_string(dir + "/node-server-8.log").ok();
    logs.filter_map(text).any(|log| log.contains("listening"))
}

fn end(holder: &mut Child, signal: Signal) -> Result<()> {
    kill_process(Pid::from_child(holder), signal)?;
    wait_until(LIMIT, "the holder ends", || {
        Ok(holder.try_wait()?.is_some())
    })?;
    Ok(())
}

/// Namespaces and directories that are named after the holder.
fn left(holder: &Child) -> Vec<String> {
    let mark = litter::name(holder.id(), 0);
    litter::list()
        .into_iter()
        .filter(|name| name.contains(&mark))
        .collect()
}
