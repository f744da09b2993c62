//! Nothing is skipped in silence: no ignored tests, no examples in documentation that do not run.

use super::{
    Finding,
    files::File,
    tokens::{Token, find},
};

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let attributes: [&[&str]; 2] = [&["#", "[", "ignore", "]"], &["#", "[", "ignore", "="]];
    let mut findings = Vec::new();
    for file in files {
        for attribute in attributes {
            let found = find(&file.tokens, attribute);
            findings.extend(found.map(|(_, t)| file.finding(t.line, ADVICE)));
        }
        let fences = file.tokens.iter().filter(is_ignored_example);
        findings.extend(fences.map(|t| file.finding(t.line, EXAMPLE)));
    }
    findings
}

const ADVICE: &str = "ignores a test; make it pass or delete it";
const EXAMPLE: &str = "has an example that does not run; make it one, or mark it as `text`";

/// A line of documentation, which lexes as a literal.
fn is_ignored_example(token: &&Token) -> bool {
    let doc = token.text.trim_start_matches('r').trim_matches(['"', ' ']);
    doc.strip_prefix("```")
        .is_some_and(|info| info.contains("ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<usize> {
        check(&[File::new("a.rs", source)])
            .into_iter()
            .map(|f| f.line)
            .collect()
    }

    #[test]
    fn ignored_tests_and_examples_are_found() {
        assert_eq!(lines("#[test]\n#[ignore]\nfn a() {}"), [2]);
        assert_eq!(lines("#[test]\n#[ignore = \"slow\"]\nfn a() {}"), [2]);
        assert_eq!(lines("/// ```ignore\n/// x\n/// ```\nfn a() {}"), [1]);
        assert_eq!(lines("//! ```rust,ignore\n//! x\n//! ```"), [1]);
    }

    #[test]
    fn the_word_alone_is_allowed() {
        assert!(
            lines("// #[ignore]\nfn ignore() { ignore(); }\n/// ```text\n/// ```\nfn b() {}")
                .is_empty()
        );
    }
}
