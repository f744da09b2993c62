//! The BPF object into the kernel: maps made or reused, programs verified.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, bail};
use aya::{Ebpf, EbpfLoader, VerifierLogLevel, programs::Program};
use gateway_common::maps::{self, GLOBAL_HZ};
use rustix::time::{ClockId, clock_getres};

use super::pins::Pins;

/// Loads `object` with its maps pinned, and those programs whose names are `wanted`; nothing is
/// attached yet. `hz`: jiffies in a second. `flows`: with a flow table of its own, not pinned, which has
/// so many entries.
pub(super) fn load(
    object: &[u8],
    pins: &Pins,
    hz: u32,
    flows: Option<u32>,
    wanted: impl Fn(&str) -> bool,
) -> Result<Ebpf> {
    let mut loader = EbpfLoader::new();
    loader.override_global(GLOBAL_HZ, &hz, true);
    loader.verifier_log_level(VerifierLogLevel::DISABLE);
    for name in maps::ALL {
        match flows {
            Some(entries) if name == maps::FLOWS => loader.map_max_entries(name, entries),
            _ => loader.map_pin_path(name, pins.map(name)),
        };
    }
    let mut ebpf = loader.load(object).context(
        "cannot create the BPF maps: Linux 6.6 or newer and root (CAP_BPF, CAP_NET_ADMIN, \
         CAP_PERFMON) are needed",
    )?;
    let wanted = ebpf.programs_mut().filter(|(name, _)| wanted(name));
    verify(wanted)?;
    Ok(ebpf)
}

/// All at the same time: the verifier takes seconds for some.
fn verify<'a>(programs: impl Iterator<Item = (&'a str, &'a mut Program)>) -> Result<()> {
    thread::scope(|scope| {
        let start = |(name, program)| scope.spawn(move || verify_one(name, program));
        let started: Vec<_> = programs.map(start).collect();
        let ended = started.into_iter().map(|one| match one.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    })
}

fn verify_one(name: &str, program: &mut Program) -> Result<()> {
    let loaded = match program {
        Program::Xdp(program) => program.load(),
        Program::SchedClassifier(program) => program.load(),
        Program::SkLookup(program) => program.load(),
        _ => bail!("the BPF object has a program of an unexpected type, {name}"),
    };
    loaded.with_context(|| format!("the kernel refused the BPF program {name}"))
}

/// Jiffies in a second: the coarse clock moves once in a jiffy.
pub(super) fn hz() -> Result<u32> {
    let resolution = clock_getres(ClockId::MonotonicCoarse);
    let jiffy = Duration::try_from(resolution).context("the clock has no resolution")?;
    let hz = Duration::from_secs(1)
        .as_nanos()
        .div_ceil(jiffy.as_nanos().max(1));
    u32::try_from(hz).context("the clock is too fine to be the kernel's tick")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tick_is_one_that_kernels_have() {
        let hz = super::hz().expect("the clock can be read");
        assert!([100, 250, 300, 1000].contains(&hz), "{hz}");
    }
}
