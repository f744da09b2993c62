//! CPU time of a process with all its threads, from /proc/PID/stat (proc_pid_stat(5)).

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cpu {
    pub(super) user: Duration,
    pub(super) system: Duration,
}

pub(super) fn of(pid: u32) -> Result<Cpu> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let ticks = rustix::param::clock_ticks_per_second();
    parse(&text, ticks).with_context(|| format!("{path} is not as expected: {text}"))
}

impl Cpu {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// Fields 14 and 15, in ticks. The second field is a name that may hold anything, in brackets.
fn parse(stat: &str, ticks_per_second: u64) -> Option<Cpu> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || {
        let ticks: u64 = fields.next()?.parse().ok()?;
        Some(Duration::from_millis(ticks * 1000 / ticks_per_second))
    };
    Some(Cpu {
        user: next()?,
        system: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 150 25 0 0 20 0 2 0 900 1 2";
        let cpu = parse(stat, 100);
        let expected = Cpu {
            user: Duration::from_millis(1500),
            system: Duration::from_millis(250),
        };
        assert_eq!(cpu, Some(expected));
        assert_eq!(parse("7 (x) S 1", 100), None);
    }
}
