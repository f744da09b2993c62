//! Medians over the rounds, as tables in Markdown.

use std::fmt;

use super::{
    super::rounds::median,
    load::{Bulk, Load, Sample},
    site::AT_ONCE,
    way::Way,
};

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    way: Way,
    names: u32,
}

/// The first row is direct routing: costs and latencies are what the others add to it.
#[derive(Default)]
pub(super) struct Tables {
    rows: Vec<(Row, Found)>,
}

enum Found {
    Samples(Vec<Sample>),
    Missing(String),
}

impl Row {
    pub(super) const fn new(way: Way, names: u32) -> Self {
        Self { way, names }
    }
}

impl Tables {
    /// Adds a row; its index.
    pub(super) fn row(&mut self, row: Row) -> usize {
        self.rows.push((row, Found::Samples(Vec::new())));
        self.rows.len() - 1
    }

    pub(super) fn missing(&mut self, row: Row, what: String) {
        self.rows.push((row, Found::Missing(what)));
    }

    pub(super) fn name(&self, row: usize) -> Row {
        self.rows[row].0
    }

    pub(super) fn push(&mut self, row: usize, sample: Sample) {
        if let Found::Samples(samples) = &mut self.rows[row].1 {
            samples.push(sample);
        }
    }

    fn samples(&self, row: usize) -> &[Sample] {
        match self.rows.get(row) {
            Some((_, Found::Samples(samples))) => samples,
            _ => &[],
        }
    }

    /// Above the first row, of one round each: what slows a round down slows all of it down.
    fn added(&self, row: usize, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let pairs = self.samples(row).iter().zip(self.samples(0));
        middle(pairs.filter_map(|(sample, direct)| Some(value(sample)? - value(direct)?)))
    }

    fn connections(&self, row: usize) -> Vec<String> {
        let samples = self.samples(row);
        let load = |at: usize, value: fn(&Load) -> f64| {
            move |sample: &Sample| sample.connections[at].as_ref().map(value)
        };
        let rate = |at| cell(of(samples, load(at, Load::per_second)), 0);
        let cost = |at| cell(self.added(row, load(at, Load::cost)), 0);
        let median = |load: &Load| load.report.first_byte_median as f64;
        let p99 = |load: &Load| load.report.first_byte_p99 as f64;
        let failed = samples
            .iter()
            .flat_map(|sample| &sample.connections)
            .flatten();
        let failed: u64 = failed.map(|load| load.report.failed).sum();
        vec![
            rate(0),
            rate(1),
            rate(2),
            cost(0),
            cost(1),
            cost(2),
            cell(self.added(row, load(0, median)), 0),
            cell(self.added(row, load(0, p99)), 0),
            failed.to_string(),
        ]
    }

    fn bulk(&self, row: usize) -> Vec<String> {
        let samples = self.samples(row);
        let bulk = |at: usize, value: fn(&Bulk) -> f64| {
            move |sample: &Sample| sample.bulk[at].as_ref().map(value)
        };
        [0, 1]
            .into_iter()
            .flat_map(|at| {
                let rate = of(samples, bulk(at, Bulk::rate));
                [
                    cell(rate, 2),
                    cell(self.added(row, bulk(at, Bulk::cost)), 2),
                ]
            })
            .collect()
    }

    /// One row for each that is wanted.
    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        head: &[String],
        wanted: impl Fn(&Row) -> bool,
        cells: impl Fn(usize) -> Vec<String>,
    ) -> fmt::Result {
        writeln!(f, "| way | names | {} |", head.join(" | "))?;
        writeln!(f, "|---|---:|{}", "---:|".repeat(head.len()))?;
        for (index, (Row { way, names }, found)) in self.rows.iter().enumerate() {
            if !wanted(&self.rows[index].0) {
                continue;
            }
            let cells = match found {
                Found::Samples(_) => cells(index),
                Found::Missing(what) => vec![what.clone()],
            };
            writeln!(f, "| {way} | {names} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { way, names } = self;
        let plural = if *names == 1 { "" } else { "s" };
        write!(f, "{way}, {names} name{plural}")
    }
}

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, few, many] = AT_ONCE;
        let head = [
            format!("connections/s, {one} at once"),
            format!("{few}"),
            format!("{many}"),
            format!("CPU us a connection, {one} at once"),
            format!("{few}"),
            format!("{many}"),
            "first byte later by us, median".to_owned(),
            "p99".to_owned(),
            "failed".to_owned(),
        ];
        self.write(f, &head, |_| true, |row| self.connections(row))?;
        writeln!(f)?;
        let head = [
            "Gbit/s up",
            "CPU s a GiB up",
            "Gbit/s down",
            "CPU s a GiB down",
        ];
        let head = head.map(str::to_owned);
        self.write(f, &head, |row| row.names == 1, |row| self.bulk(row))
    }
}

/// Of those in which it was measured.
fn of(samples: &[Sample], value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
    middle(samples.iter().filter_map(value))
}

fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    Some(median(values)).filter(|value| value.is_finite())
}

fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gateway_tests::report::{BulkReport, LoadReport};

    use super::*;

    fn sample(cost_us: u64) -> Sample {
        let load = || Load {
            report: LoadReport {
                connections: 1_000,
                microseconds: 500_000,
                first_byte_median: cost_us * 2,
                first_byte_p99: cost_us * 3,
                failed: 1,
                ..LoadReport::default()
            },
            used: Duration::from_millis(cost_us),
        };
        let bulk = || Bulk {
            report: BulkReport {
                bytes: 1 << 30,
                microseconds: 1_000_000,
            },
            used: Duration::from_millis(cost_us * 10),
        };
        Sample {
            connections: [Some(load()), None, Some(load())],
            bulk: [Some(bulk()), Some(bulk())],
        }
    }

    #[test]
    fn costs_are_those_above_direct_routing() {
        let mut tables = Tables::default();
        let direct = tables.row(Row::new(Way::Direct, 1));
        let ours = tables.row(Row::new(Way::Gateway, 1));
        tables.missing(Row::new(Way::Envoy, 1), "missing: `x`".to_owned());
        for (baseline, more) in [(100, 110), (90, 140), (200, 400)] {
            tables.push(direct, sample(baseline));
            tables.push(ours, sample(more));
        }
        let text = tables.to_string();
        for row in [
            "| none: direct routing | 1 | 2000 |  | 2000 | 0 |  | 0 | 0 | 0 | 6 |",
            "| xdp-gateway | 1 | 2000 |  | 2000 | 50 |  | 50 | 100 | 150 | 6 |",
            "| Envoy | 1 | missing: `x` |",
            "| xdp-gateway | 1 | 8.59 | 0.50 | 8.59 | 0.50 |",
        ] {
            assert!(text.contains(row), "no {row} in\n{text}");
        }
    }
}
