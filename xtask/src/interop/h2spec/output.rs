//! What h2spec prints: titles of sections, and below each its cases.
//!
//! Its report in XML lacks the texts of what it saw.

use anyhow::{Context as _, Result, bail};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// As h2spec takes it to run the case alone: `http2/3.5/2`.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// What h2spec saw.
    Failed(String),
    Skipped,
}

/// The first words of a group's title, and its name in identifiers.
const GROUPS: &[(&str, &str)] = &[
    ("Generic tests", "generic"),
    ("Hypertext Transfer Protocol", "http2"),
    ("HPACK", "hpack"),
];

/// Every case that ended.
pub(super) fn read(output: &str) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    let (mut group, mut section) = ("", "");
    for line in output.lines() {
        // It writes over the name of the running case.
        let line = line.rsplit('\r').next().unwrap_or(line);
        let text = line.trim();
        if ["Failures:", "Finished in"]
            .iter()
            .any(|end| line.starts_with(end))
        {
            break;
        } else if let Some((outcome, number, title)) = ended(text) {
            cases.push(Case {
                id: format!("{group}/{section}/{number}"),
                title: title.to_owned(),
                outcome,
            });
        } else if let Some(seen) = seen(text) {
            let last = cases.last_mut().context("a failure of no case")?;
            last.outcome = Outcome::Failed(seen.to_owned());
        } else if !text.is_empty() && text.len() == line.len() {
            group = group_of(text)?;
        } else if let Some((number, _)) = text.split_once(". ")
            && number.starts_with(|c: char| c.is_ascii_digit())
        {
            section = number;
        }
    }
    Ok(cases)
}

fn group_of(title: &str) -> Result<&'static str> {
    let group = GROUPS.iter().find(|(begins, _)| title.starts_with(begins));
    match group {
        Some((_, name)) => Ok(name),
        None => bail!("an unknown group of cases: {title}"),
    }
}

/// `✔ 1: Sends a frame`; a cross where it failed, and no mark where it was skipped.
fn ended(text: &str) -> Option<(Outcome, &str, &str)> {
    let (outcome, rest) = if let Some(rest) = text.strip_prefix("✔ ") {
        (Outcome::Passed, rest)
    } else if let Some(rest) = text.strip_prefix("× ") {
        (Outcome::Failed("nothing".into()), rest)
    } else {
        (Outcome::Skipped, text)
    };
    let (number, title) = rest.split_once(": ")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((outcome, number, title))
}

fn seen(text: &str) -> Option<&str> {
    text.strip_prefix("Actual: ")
        .or_else(|| text.strip_prefix("Error: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Generic tests for HTTP/2 server
  1. Starting HTTP/2
      1: Sends a preface\r    ✔ 1: Sends a preface

Hypertext Transfer Protocol Version 2 (HTTP/2)
  3. Starting HTTP/2
    3.5. HTTP/2 Connection Preface
        1: Sends one\r      ✔ 1: Sends one
        2: Sends none\r      × 2: Sends none
        -> The endpoint MUST terminate the TCP connection.
           Expected: Connection closed
             Actual: Timeout

HPACK: Header Compression for HTTP/2
  2. Compression Process Overview
    2.3. Indexing Tables
        1: Sends more\r      1: Sends more
        2: Sends less\r      × 2: Sends less
      Error: broken pipe

Failures: 

Hypertext Transfer Protocol Version 2 (HTTP/2)
      × 2: Sends none
";

    #[test]
    fn cases_have_their_section_and_what_was_seen() {
        let case = |id: &str, title: &str, outcome| Case {
            id: id.into(),
            title: title.into(),
            outcome,
        };
        let expected = [
            case("generic/1/1", "Sends a preface", Outcome::Passed),
            case("http2/3.5/1", "Sends one", Outcome::Passed),
            case(
                "http2/3.5/2",
                "Sends none",
                Outcome::Failed("Timeout".into()),
            ),
            case("hpack/2.3/1", "Sends more", Outcome::Skipped),
            case(
                "hpack/2.3/2",
                "Sends less",
                Outcome::Failed("broken pipe".into()),
            ),
        ];
        assert_eq!(read(OUTPUT).expect("read"), expected);
    }

    #[test]
    fn what_is_no_output_of_it_is_an_error() {
        assert!(read("sh: not found\n").is_err());
        assert!(read("  Actual: Timeout\n").is_err());
    }
}
