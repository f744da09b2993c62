//! `xdp-gateway check`: what the gateway would make of some files. No daemon, no privileges.

use std::process::ExitCode;

use anyhow::{Result, bail};
use gateway_core::{
    addresses::Addressing,
    status::endpoint_verdicts,
    translate::{Settings, translate},
    verdict::ConditionType,
    world::Problem,
};
use serde::Serialize;

use crate::{
    cli::{self, Format},
    files::Source,
    status::conditions::{ConditionRow, conditions},
    table::Table,
};

/// Conditions that must be as wished for files to pass. Others depend on what runs (endpoints),
/// or are advice.
const REQUIRED: [ConditionType; 5] = [
    ConditionType::Accepted,
    ConditionType::PartiallyInvalid,
    ConditionType::ResolvedRefs,
    ConditionType::Programmed,
    ConditionType::Conflicted,
];

/// What a check found.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// No error in the files, every object accepted.
    pub passed: bool,
    pub problems: Vec<Problem>,
    pub conditions: Vec<ConditionRow>,
}

/// Prints what was found; the exit code says whether everything was accepted.
///
/// # Errors
/// Where a path does not exist, or holds no manifest.
pub fn check(options: &cli::Check) -> Result<ExitCode> {
    let mut source = Source::new(options.paths.clone());
    if source.refresh()?.changed == 0 {
        bail!("no manifest found: name files, or directories with *.yaml or *.yml in them");
    }
    let checked = Checked::of(&source, options);
    match options.output {
        Format::Table => print!("{}", checked.render()),
        Format::Json => println!("{}", serde_json::to_string_pretty(&checked)?),
    }
    Ok(if checked.passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Checked {
    fn of(source: &Source, options: &cli::Check) -> Self {
        let settings = Settings {
            addressing: Addressing::standalone(options.addresses.clone()),
            ..Settings::default()
        };
        let world = source.world();
        let mut translation = translate(&world, &settings);
        let endpoints = world.endpoints(translation.plan.backend_ids().into_iter());
        endpoint_verdicts(&translation.plan, &endpoints, &mut translation.statuses);
        let problems = source.problems();
        let mut conditions = conditions(&translation.statuses);
        // Nothing runs, so nothing is programmed; what would stand in its way is worth knowing.
        let programmed = ConditionType::Programmed.as_str();
        conditions.retain(|row| row.condition != programmed || !row.as_wished);
        let passed = !problems.iter().any(Problem::is_error) && conditions.iter().all(passes);
        Self {
            passed,
            problems,
            conditions,
        }
    }

    fn render(&self) -> String {
        let mut table = Table::new(["OBJECT", "CONDITION", "STATUS", "REASON", "MESSAGE"]);
        table.extend(self.conditions.iter().map(ConditionRow::cells));
        let mut text = table.to_string();
        if !self.problems.is_empty() {
            text.push('\n');
        }
        for problem in &self.problems {
            text.push_str(&format!("{problem}\n"));
        }
        text.push_str(if self.passed {
            "\naccepted\n"
        } else {
            "\nnot accepted\n"
        });
        text
    }
}

fn passes(row: &ConditionRow) -> bool {
    let required = REQUIRED.iter().any(|kind| kind.as_str() == row.condition);
    row.as_wished || !(required || row.condition == "-")
}

#[cfg(test)]
mod tests;
