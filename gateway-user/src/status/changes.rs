//! What is worth a line in the log when one report follows another. Pure.

mod source;

use std::collections::{BTreeMap, BTreeSet};

use gateway_core::world::Problem;

use super::{conditions::ConditionRow, render::HELD_BACK, report::Report};

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Good(String),
    Bad(String),
}

/// Lines for what is new, mended or gone; none where the reports say the same.
pub fn changes(old: &Report, new: &Report) -> Vec<Line> {
    let mut lines = source::source(&old.source, &new.source);
    lines.extend(files(&old.problems, &new.problems));
    lines.extend(listeners(old, new));
    lines.extend(conditions(&old.conditions, &new.conditions));
    let new_limits = new
        .unserved
        .iter()
        .filter(|line| !old.unserved.contains(line));
    lines.extend(new_limits.map(|line| Line::Bad(line.clone())));
    match (&old.failure, &new.failure) {
        (before, Some(failure)) if before.as_ref() != Some(failure) => {
            lines.push(Line::Bad(format!(
                "the data path is behind, trying again: {failure}"
            )));
        }
        (Some(_), None) => lines.push(Line::Good("the data path is up to date again".into())),
        _ => {}
    }
    if new.removals_held_back && !old.removals_held_back {
        lines.push(Line::Bad(HELD_BACK.into()));
    }
    lines
}

impl Line {
    pub fn log(&self) {
        match self {
            Self::Good(text) => tracing::info!("{text}"),
            Self::Bad(text) => tracing::warn!("{text}"),
        }
    }
}

fn files(old: &[Problem], new: &[Problem]) -> Vec<Line> {
    let appeared = new.iter().filter(|problem| !old.contains(problem));
    let mut lines: Vec<_> = appeared
        .map(|problem| Line::Bad(problem.to_string()))
        .collect();
    let broken = |problems: &[Problem]| -> BTreeSet<String> {
        problems
            .iter()
            .map(|problem| problem.subject().to_owned())
            .collect()
    };
    let mended = broken(old)
        .into_iter()
        .filter(|file| !broken(new).contains(file));
    lines.extend(mended.map(|file| Line::Good(format!("{file}: no problem any more"))));
    lines
}

/// Listeners that are served: what they are called, and where they are.
fn served(report: &Report) -> BTreeSet<String> {
    let listeners = report.gateways.iter().flat_map(|gateway| {
        let up = gateway
            .listeners
            .iter()
            .filter(|listener| listener.programmed);
        up.map(move |listener| {
            let addresses = gateway.addresses.join(", ");
            let (gateway, name) = (&gateway.name, &listener.name);
            format!(
                "{gateway} {name} ({} {addresses} port {})",
                listener.protocol, listener.port
            )
        })
    });
    listeners.collect()
}

fn listeners(old: &Report, new: &Report) -> Vec<Line> {
    let (before, now) = (served(old), served(new));
    let down = before
        .difference(&now)
        .map(|l| Line::Good(format!("listener down: {l}")));
    let up = now
        .difference(&before)
        .map(|l| Line::Good(format!("listener up: {l}")));
    down.chain(up).collect()
}

/// Conditions that turned bad, with the message that says what to do, and those that were mended.
fn conditions(old: &[ConditionRow], new: &[ConditionRow]) -> Vec<Line> {
    let before: BTreeMap<_, _> = old.iter().map(|row| (key(row), row)).collect();
    let lines = new.iter().filter_map(|row| {
        let [object, condition, status, reason, message] = row.cells();
        let text = format!("{object}: {condition} {status} ({reason})");
        match before.get(&key(row)) {
            Some(same) if (same.as_wished, &same.message) == (row.as_wished, &row.message) => None,
            Some(bad) if row.as_wished && !bad.as_wished => Some(Line::Good(text)),
            _ if !row.as_wished => Some(Line::Bad(format!("{text}: {message}"))),
            _ => None,
        }
    });
    lines.collect()
}

fn key(row: &ConditionRow) -> [&str; 4] {
    [&row.kind, &row.name, &row.part, &row.condition]
}

#[cfg(test)]
mod tests;
