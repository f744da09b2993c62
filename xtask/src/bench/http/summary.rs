//! Medians over the rounds, as a table in Markdown.

use std::{fmt, time::Duration};

use super::{
    super::rounds::median,
    load::{Fixed, Load},
};

/// One proxy in one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) full: Load,
    pub(super) fixed: Fixed,
}

/// The last proxy is what the others are compared with.
pub(super) struct Summary {
    /// Requests a second at the fixed rate.
    rate: u32,
    rows: Vec<(String, Vec<Sample>)>,
}

impl Load {
    fn per_request(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.requests.max(1) as f64
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

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, system, total) = (self.user(), self.system(), self.total());
        let rate = self.per_second;
        write!(
            f,
            "{rate:.0} requests/s, CPU {total:.2} us each ({user:.2} user, {system:.2} system)"
        )
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, median, p99 } = self;
        write!(f, "{load}, p50 {median:.0?}, p99 {p99:.0?}")
    }
}

impl Summary {
    pub(super) fn new(names: Vec<String>, rate: u32) -> Self {
        let rows = names.into_iter().map(|name| (name, Vec::new()));
        Self {
            rate,
            rows: rows.collect(),
        }
    }

    pub(super) fn push(&mut self, row: usize, sample: Sample) {
        self.rows[row].1.push(sample);
    }
}

/// CPU time a request, of it user and system, and the ratio to the other's.
fn cost(samples: &[Sample], others: &[Sample], load: fn(&Sample) -> &Load) -> String {
    let of = |value: fn(&Load) -> f64| median(samples.iter().map(load).map(value));
    let (total, user, system) = (of(Load::total), of(Load::user), of(Load::system));
    // Of one round each: what slows a round down slows all of it down.
    let pairs = samples.iter().map(load).zip(others.iter().map(load));
    let ratio = median(pairs.map(|(one, other)| one.total() / other.total()));
    format!("{total:.1} | {user:.1} | {system:.1} | {ratio:.2}")
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((reference, others)) = self.rows.last() else {
            return Ok(());
        };
        let cost_of = |of| format!("CPU us {of} | user | system | to {reference}");
        let (full, rate) = (cost_of("a request"), self.rate);
        let fixed = cost_of(&format!("at {rate}/s"));
        writeln!(
            f,
            "| proxy | requests/s | {full} | {fixed} | p50 us | p99 us |"
        )?;
        writeln!(f, "|---|{}", "---:|".repeat(11))?;
        for (name, samples) in &self.rows {
            let of = |value: fn(&Sample) -> f64| median(samples.iter().map(value));
            writeln!(
                f,
                "| {name} | {:.0} | {} | {} | {:.0} | {:.0} |",
                of(|s| s.full.per_second),
                cost(samples, others, |s| &s.full),
                cost(samples, others, |s| &s.fixed.load),
                of(|s| s.fixed.median.as_secs_f64() * 1e6),
                of(|s| s.fixed.p99.as_secs_f64() * 1e6),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::cpu::Cpu, *};

    fn sample(user_ms: u64) -> Sample {
        let load = |user_ms| Load {
            requests: 1000,
            per_second: 200.0,
            used: Cpu {
                user: Duration::from_millis(user_ms),
                system: Duration::from_millis(10),
            },
        };
        Sample {
            full: load(user_ms),
            fixed: Fixed {
                load: load(2 * user_ms),
                median: Duration::from_millis(1),
                p99: Duration::from_millis(2),
            },
        }
    }

    #[test]
    fn medians_and_ratios_of_each_round_are_shown() {
        let mut summary = Summary::new(vec!["ours".into(), "other".into()], 100);
        for (ours, other) in [(30, 10), (10, 10), (50, 20)] {
            summary.push(0, sample(ours));
            summary.push(1, sample(other));
        }
        let text = summary.to_string();
        let ours =
            "| ours | 200 | 40.0 | 30.0 | 10.0 | 2.00 | 70.0 | 60.0 | 10.0 | 2.20 | 1000 | 2000 |";
        assert!(text.contains(ours), "{text}");
        assert!(text.contains("| CPU us at 100/s | user | system | to other |"));
        assert!(text.contains("| other | 200 | 20.0 | 10.0 | 10.0 | 1.00 |"));
    }
}
