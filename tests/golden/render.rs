//! A translation as text: compact, one fact per line.

mod parameters;
mod plan;
mod statuses;

use gateway_core::translate::Translation;

pub(crate) fn translation(translation: &Translation) -> String {
    let plan = plan::lines(&translation.plan);
    let statuses = statuses::lines(&translation.statuses);
    let mut text = String::new();
    for line in plan.iter().chain([&String::new()]).chain(&statuses) {
        text.push_str(line);
        text.push('\n');
    }
    text
}
