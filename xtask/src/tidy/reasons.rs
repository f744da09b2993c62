//! Reasons of conditions are named by the verdicts only, so that one place says all we can report.

use std::collections::BTreeSet;

use super::{Finding, files::File};

const VERDICTS: &[&str] = &[
    "gateway-user/core/src/verdict.rs",
    "gateway-user/core/src/verdict/",
];
const PRODUCT: &str = "gateway-user/";
const ADVICE: &str = "names the reason of a condition; make a verdict and take its reason";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let is_verdict = |f: &&File| VERDICTS.iter().any(|prefix| f.path.starts_with(prefix));
    let verdicts = files.iter().filter(is_verdict);
    let reasons: BTreeSet<&str> = verdicts.flat_map(literals).map(|(_, text)| text).collect();
    let others = files
        .iter()
        .filter(|f| f.path.starts_with(PRODUCT) && !is_verdict(f));
    let found = others.flat_map(|file| {
        let named = literals(file).filter(|(_, text)| reasons.contains(text));
        named.map(move |(line, text)| file.finding(line, format!("\"{text}\" {ADVICE}")))
    });
    found.collect()
}

/// String literals of the product that look like a reason, with their lines.
fn literals(file: &File) -> impl Iterator<Item = (usize, &str)> {
    file.product().iter().filter_map(|token| {
        let text = token.text.strip_prefix('"')?.strip_suffix('"')?;
        is_reason(text).then_some((token.line, text))
    })
}

/// CamelCase of several words; a single word such as "Service" means too many things.
fn is_reason(text: &str) -> bool {
    let letters = text.chars().all(|c| c.is_ascii_alphabetic());
    let words = text.chars().filter(char::is_ascii_uppercase).count();
    let starts = text.starts_with(|c: char| c.is_ascii_uppercase());
    letters && starts && words > 1 && text.chars().any(|c| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<(String, usize)> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| File::new(path, text))
            .collect();
        check(&files)
            .into_iter()
            .map(|f| (f.file, f.line))
            .collect()
    }

    const VERDICT: (&str, &str) = (
        "gateway-user/core/src/verdict/route.rs",
        "const A: &str = \"RefNotPermitted\"; const B: &str = \"Service\";",
    );

    #[test]
    fn a_reason_is_named_in_the_verdicts_only() {
        let text = "fn f() {\n g(\"RefNotPermitted\"); h(\"Service\"); i(\"OtherThing\"); }";
        let other = ("gateway-user/src/status.rs", text);
        assert_eq!(found(&[VERDICT, other]), [(other.0.to_owned(), 2)]);
        assert!(found(&[VERDICT]).is_empty());
    }

    #[test]
    fn tests_may_name_reasons() {
        let text = "#[cfg(test)] mod tests { const A: &str = \"RefNotPermitted\"; }";
        assert!(found(&[VERDICT, ("gateway-user/src/status.rs", text)]).is_empty());
        let text = "const A: &str = \"RefNotPermitted\";";
        assert!(found(&[VERDICT, ("gateway-user/core/tests/golden.rs", text)]).is_empty());
        assert!(found(&[VERDICT, ("tests/src/bed.rs", text)]).is_empty());
    }
}
