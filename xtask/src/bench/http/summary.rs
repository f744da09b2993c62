//! Medians over the rounds, as a table in Markdown.

use std::{fmt, time::Duration};

use super::{super::rounds::median, cpu::Cpu, load::Load};

/// One proxy in one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) load: Load,
    pub(super) used: Cpu,
}

/// The last proxy is what the others are compared with.
pub(super) struct Summary {
    rows: Vec<(String, Vec<Sample>)>,
}

impl Sample {
    fn per_request(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.load.requests.max(1) as f64
    }

    /// Microseconds of CPU time for each request.
    fn user(&self) -> f64 {
        self.per_request(self.used.user)
    }

    fn system(&self) -> f64 {
        self.per_request(self.used.system)
    }

    fn total(&self) -> f64 {
        self.user() + self.system()
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, system, total) = (self.user(), self.system(), self.total());
        let rate = self.load.per_second;
        write!(
            f,
            "{rate:.0} requests/s, CPU {total:.2} us each ({user:.2} user, {system:.2} system)"
        )
    }
}

impl Summary {
    pub(super) fn new(names: Vec<String>) -> Self {
        let rows = names.into_iter().map(|name| (name, Vec::new()));
        Self {
            rows: rows.collect(),
        }
    }

    pub(super) fn push(&mut self, row: usize, sample: Sample) {
        self.rows[row].1.push(sample);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((reference, compared)) = self.rows.last() else {
            return Ok(());
        };
        writeln!(
            f,
            "| proxy | requests/s | CPU time a request | user | system | to {reference} | p50 | p99 |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for (name, samples) in &self.rows {
            let of = |value: fn(&Sample) -> f64| median(samples.iter().map(value));
            // Of one round each: what slows a round down slows all of it down.
            let pairs = samples.iter().zip(compared);
            let ratio = median(pairs.map(|(ours, other)| ours.total() / other.total()));
            writeln!(
                f,
                "| {name} | {:.0} | {:.2} us | {:.2} us | {:.2} us | {ratio:.2} | {:.2} ms | {:.2} ms |",
                of(|s| s.load.per_second),
                of(Sample::total),
                of(Sample::user),
                of(Sample::system),
                of(|s| s.load.median.as_secs_f64() * 1e3),
                of(|s| s.load.p99.as_secs_f64() * 1e3),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(user_ms: u64) -> Sample {
        let load = Load {
            requests: 1000,
            per_second: 200.0,
            median: Duration::from_millis(1),
            p99: Duration::from_millis(2),
        };
        let user = Duration::from_millis(user_ms);
        let system = Duration::from_millis(10);
        let used = Cpu { user, system };
        Sample { load, used }
    }

    #[test]
    fn medians_and_ratios_of_each_round_are_shown() {
        let mut summary = Summary::new(vec!["ours".into(), "other".into()]);
        for (ours, other) in [(30, 10), (10, 10), (50, 20)] {
            summary.push(0, sample(ours));
            summary.push(1, sample(other));
        }
        let text = summary.to_string();
        let ours = "| ours | 200 | 40.00 us | 30.00 us | 10.00 us | 2.00 | 1.00 ms | 2.00 ms |";
        assert!(text.contains(ours), "{text}");
        assert!(text.contains("| other | 200 | 20.00 us |"), "{text}");
    }
}
