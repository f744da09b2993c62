//! What is worth a line about the source of objects.

use super::Line;
use crate::status::report::SourceRow;

/// One line for an outage and one for its end, whatever happens in between.
pub(super) fn source(old: &SourceRow, new: &SourceRow) -> Vec<Line> {
    let mut lines = Vec::new();
    let from = &new.from;
    match (old.troubles.first(), new.troubles.first()) {
        (None, Some(trouble)) => lines.push(Line::Bad(format!(
            "the API server at {from} cannot be watched ({}): {}; what was read before stays in \
             force",
            trouble.kinds.join(", "),
            trouble.why
        ))),
        (Some(_), None) => lines.push(Line::Good(format!(
            "the API server at {from} is watched again"
        ))),
        (Some(_), Some(_)) | (None, None) => (),
    }
    // Before, kinds are listed one by one.
    if new.waiting_for.is_empty() {
        let first = !old.waiting_for.is_empty();
        lines.extend(installed(old, new, first));
    }
    lines
}

fn installed(old: &SourceRow, new: &SourceRow, first: bool) -> Vec<Line> {
    let not_in = |row: &SourceRow, kind: &String| !row.not_installed.contains(kind);
    let gone = new.not_installed.iter();
    let gone: Vec<_> = gone.filter(|kind| first || not_in(old, kind)).collect();
    let come = old.not_installed.iter();
    let come: Vec<_> = come.filter(|kind| !first && not_in(new, kind)).collect();
    let mut lines = Vec::new();
    if !gone.is_empty() {
        let gone = gone.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
        lines.push(Line::Good(format!(
            "not installed in the API server: {}; picked up when they are",
            gone.join(", ")
        )));
    }
    for kind in come {
        lines.push(Line::Good(format!("{kind} is installed now")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::report::TroubleRow;

    fn names(kinds: &[&str]) -> Vec<String> {
        kinds.iter().map(ToString::to_string).collect()
    }

    fn row(
        waiting_for: &[&str],
        not_installed: &[&str],
        troubles: &[(&str, &[&str])],
    ) -> SourceRow {
        let troubles = troubles.iter().map(|(why, kinds)| TroubleRow {
            why: (*why).to_owned(),
            kinds: names(kinds),
        });
        SourceRow {
            from: "https://api".to_owned(),
            waiting_for: names(waiting_for),
            not_installed: names(not_installed),
            troubles: troubles.collect(),
        }
    }

    #[test]
    fn an_outage_is_two_lines() {
        let well = row(&[], &[], &[]);
        let first = row(&[], &[], &[("refused", &["Gateway"])]);
        let all = row(
            &[],
            &[],
            &[("no route", &["Gateway"]), ("refused", &["Secret"])],
        );
        let bad = "the API server at https://api cannot be watched (Gateway): refused; what was \
                   read before stays in force";
        assert_eq!(source(&well, &first), [Line::Bad(bad.to_owned())]);
        assert_eq!(source(&first, &all), []);
        assert_eq!(source(&all, &first), []);
        let good = "the API server at https://api is watched again";
        assert_eq!(source(&first, &well), [Line::Good(good.to_owned())]);
        assert_eq!(source(&well, &well), []);
    }

    #[test]
    fn kinds_that_are_not_installed_are_named_once_all_are_known() {
        let start = row(&["Gateway", "TCPRoute", "UDPRoute"], &[], &[]);
        let half = row(&["Gateway"], &["TCPRoute", "UDPRoute"], &[]);
        let whole = row(&[], &["TCPRoute", "UDPRoute"], &[]);
        let later = row(&[], &["UDPRoute"], &[]);
        assert_eq!(source(&start, &half), []);
        let both = "not installed in the API server: TCPRoute, UDPRoute; picked up when they are";
        assert_eq!(source(&half, &whole), [Line::Good(both.to_owned())]);
        let come = Line::Good("TCPRoute is installed now".to_owned());
        assert_eq!(source(&whole, &later), [come]);
        let gone = "not installed in the API server: TCPRoute; picked up when they are";
        assert_eq!(source(&later, &whole), [Line::Good(gone.to_owned())]);
    }
}
