//! CPU time of the whole machine, interrupts and all, from /proc/stat (proc_stat(5)).

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

/// Ticks of a CPU's time that are no work: idle, and waiting for a disk.
const IDLE: [usize; 2] = [3, 4];

/// What something gave, and the CPU time that the machine has worked meanwhile.
pub(super) fn busy<R>(work: impl FnOnce() -> Result<R>) -> Result<(R, Duration)> {
    let before = worked()?;
    let done = work()?;
    Ok((done, worked()?.saturating_sub(before)))
}

fn worked() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let ticks = ticks(&text).context("/proc/stat is not as expected")?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_millis(ticks * 1000 / per_second))
}

/// The first line is the sum over all CPUs. What comes behind the first seven fields is time of other
/// machines on the same CPUs, and of guests, which is counted twice.
fn ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields = line.split_whitespace().take(7).enumerate();
    let worked = fields.filter(|(at, _)| !IDLE.contains(at));
    worked.map(|(_, ticks)| ticks.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_all_but_idleness() {
        let stat = "cpu  10 1 20 4000 500 3 6 90 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(ticks(stat), Some(40));
        assert_eq!(ticks("intr 1"), None);
    }
}
