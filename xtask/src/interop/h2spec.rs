//! h2spec (RFC 7540 and 7541), strict, on a listener without TLS and on one with it.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};

use super::{
    Verdict,
    manifests::{ADDRESS, HYPER, WEB, WEB_TLS},
    site::{Ended, Site},
};

mod output;

use output::{Case, Outcome};

/// In strict mode; fewer are no judgement.
const CASES: usize = 146;
/// All pass within a second, each is given two.
const LIMIT: Duration = Duration::from_secs(60);

struct Listener {
    name: &'static str,
    port: u16,
    options: &'static [&'static str],
    exceptions: &'static [Exception],
}

/// A case that cannot pass, and shows why by what h2spec sees.
struct Exception {
    case: &'static str,
    seen: &'static str,
    reason: &'static str,
}

const LISTENERS: &[Listener] = &[
    Listener {
        name: "h2spec, cleartext",
        port: WEB,
        options: &[],
        exceptions: &[Exception {
            case: "http2/3.5/2",
            seen: "note that the frame header looked like an HTTP/1.1 header",
            reason: "the port serves HTTP/1 as well, where bytes that are no preface are a bad \
                     request: 400 and the end of the connection, which h2spec reads as a frame",
        }],
    },
    Listener {
        name: "h2spec, TLS",
        port: WEB_TLS,
        options: &["--tls", "--insecure"],
        exceptions: &[],
    },
];

pub(super) fn judge(site: &Site, program: &Path) -> Result<Vec<(&'static str, Verdict)>> {
    let judge = |listener: &Listener| {
        let ended = run(site, program, (ADDRESS, listener.port), listener.options);
        let cases = output::read(&ended.said)
            .with_context(|| format!("h2spec says something unexpected:\n{}", ended.said))?;
        let mut verdict = verdict(&cases, listener.exceptions);
        verdict.objections.extend(incomplete(&cases, &ended));
        for exception in listener.exceptions {
            verdict
                .objections
                .extend(control(site, program, exception)?);
        }
        Ok((listener.name, verdict))
    };
    LISTENERS.iter().map(judge).collect()
}

fn run(site: &Site, program: &Path, to: (&str, u16), more: &[&str]) -> Ended {
    let port = to.1.to_string();
    let always = ["--strict", "--host", to.0, "--port", &port];
    site.run("h2spec", program, always.iter().chain(more), LIMIT)
}

/// Every case passes or is an exception, and no exception passes.
fn verdict(cases: &[Case], exceptions: &[Exception]) -> Verdict {
    let (mut passed, mut notes, mut objections) = (0, Vec::new(), Vec::new());
    for Case { id, title, outcome } in cases {
        let exception = exceptions.iter().find(|e| e.case == id);
        match (outcome, exception) {
            (Outcome::Passed, None) => passed += 1,
            (Outcome::Passed, Some(_)) => {
                objections.push(format!("{id} passes: take it off the list of exceptions"));
            }
            (Outcome::Failed(seen), Some(exception)) if seen.contains(exception.seen) => {
                notes.push(format!("{id}: {}", exception.reason));
            }
            (Outcome::Failed(seen), _) => objections.push(format!("{id} fails ({title}): {seen}")),
            (Outcome::Skipped, _) => objections.push(format!("{id} was skipped ({title})")),
        }
    }
    let unknown = exceptions.iter().map(|e| e.case);
    let unknown = unknown.filter(|id| cases.iter().all(|case| case.id != *id));
    objections.extend(unknown.map(|id| format!("the exception {id} is no case that ran")));
    let (ran, listed) = (cases.len(), notes.len());
    Verdict {
        summary: format!("{passed} of {ran} cases passed, {listed} cannot"),
        notes,
        objections,
    }
}

/// What tells that h2spec did not get to its end.
fn incomplete(cases: &[Case], ended: &Ended) -> Option<String> {
    if cases.len() != CASES {
        let ran = format!("{} cases ran instead of {CASES}", cases.len());
        return Some(match &ended.result {
            Ok(()) => ran,
            Err(error) => format!("{ran}: {error}"),
        });
    }
    let failed = |case: &Case| matches!(case.outcome, Outcome::Failed(_));
    match &ended.result {
        Err(error) if !cases.iter().any(failed) => Some(error.to_string()),
        _ => None,
    }
}

/// An exception stands as long as the same is seen of a server that is nothing but hyper.
fn control(site: &Site, program: &Path, exception: &Exception) -> Result<Option<String>> {
    let ended = run(site, program, HYPER, &[exception.case]);
    let cases = output::read(&ended.said)?;
    let stands = match cases.as_slice() {
        [case] => matches!(&case.outcome, Outcome::Failed(seen) if seen.contains(exception.seen)),
        _ => false,
    };
    let name = exception.case;
    Ok((!stands).then(|| {
        format!(
            "the exception {name} does not stand, for hyper alone does otherwise:\n{}",
            ended.said
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXCEPTIONS: &[Exception] = &[Exception {
        case: "http2/3.5/2",
        seen: "HTTP/1.1",
        reason: "why",
    }];

    fn case(id: &str, outcome: Outcome) -> Case {
        Case {
            id: id.into(),
            title: "Sends".into(),
            outcome,
        }
    }

    fn judged(cases: &[(&str, Outcome)]) -> Verdict {
        let cases: Vec<_> = cases.iter().map(|(id, o)| case(id, o.clone())).collect();
        verdict(&cases, EXCEPTIONS)
    }

    #[test]
    fn an_exception_counts_only_for_its_case_and_what_was_seen() {
        let seen = |text: &str| Outcome::Failed(text.to_owned());
        let good = judged(&[
            ("http2/3.5/1", Outcome::Passed),
            ("http2/3.5/2", seen("an HTTP/1.1 header")),
        ]);
        assert!(good.is_success());
        assert_eq!(good.summary, "1 of 2 cases passed, 1 cannot");
        assert_eq!(good.notes, ["http2/3.5/2: why"]);
        let other = judged(&[("http2/3.5/2", seen("Timeout"))]);
        assert_eq!(other.objections, ["http2/3.5/2 fails (Sends): Timeout"]);
    }

    #[test]
    fn an_exception_that_passes_or_did_not_run_is_an_objection() {
        let passes = judged(&[("http2/3.5/2", Outcome::Passed)]);
        assert!(passes.objections[0].contains("take it off the list"));
        assert!(judged(&[]).objections[0].contains("no case that ran"));
    }

    #[test]
    fn what_was_skipped_is_an_objection() {
        let skipped = judged(&[
            ("http2/3.5/2", Outcome::Failed("HTTP/1.1".into())),
            ("http2/5.1.2/1", Outcome::Skipped),
        ]);
        assert_eq!(skipped.objections, ["http2/5.1.2/1 was skipped (Sends)"]);
    }

    #[test]
    fn fewer_cases_are_no_judgement() {
        let ended = Ended {
            said: String::new(),
            result: Ok(()),
        };
        let one = case("hpack/2.3/1", Outcome::Passed);
        let few = incomplete(std::slice::from_ref(&one), &ended);
        assert_eq!(few.as_deref(), Some("1 cases ran instead of 146"));
        let all = std::iter::repeat_with(|| case("x", Outcome::Passed));
        let all: Vec<_> = all.take(CASES).collect();
        assert_eq!(incomplete(&all, &ended), None);
    }
}
