//! The kernel's jiffies, which flows are stamped with: only a program can read them.

use anyhow::{Context as _, Result};
use aya::{Ebpf, EbpfLoader, TestRun as _, TestRunOptions, VerifierLogLevel, programs::Xdp};
use gateway_common::maps::PROGRAM_CLOCK;

use super::object::OBJECT_CLOCK;

/// Low 32 bits of jiffies, from the clock program of a loaded object.
pub(super) fn read(ebpf: &Ebpf) -> Result<u32> {
    let clock = ebpf.program(PROGRAM_CLOCK);
    let clock: &Xdp = clock.context("the BPF object has no clock")?.try_into()?;
    let options = TestRunOptions {
        data_in: Some(&[0; 64]),
        ..TestRunOptions::default()
    };
    let run = clock
        .test_run(options)
        .context("cannot read the kernel's jiffies")?;
    Ok(run.return_value)
}

/// Loads the clock program alone: without a map.
pub(super) fn load() -> Result<Ebpf> {
    let mut loader = EbpfLoader::new();
    loader.verifier_log_level(VerifierLogLevel::DISABLE);
    let mut load = || -> Result<Ebpf> {
        let mut ebpf = loader.load(OBJECT_CLOCK)?;
        let clock = ebpf.program_mut(PROGRAM_CLOCK);
        let clock: &mut Xdp = clock.context("the BPF object has no clock")?.try_into()?;
        clock.load()?;
        Ok(ebpf)
    };
    load().context("cannot load a BPF program: run as root (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)")
}
