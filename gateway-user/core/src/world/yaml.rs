//! YAML text to documents, each read by itself, so that one that is broken does not hide others.

use super::node::Node;

/// Levels of nesting. The official CRDs have 24; each level takes tens of kilobytes of stack in a
/// build without optimisation, and threads may have 2 MiB.
const MAX_DEPTH: usize = 36;

/// One document of a file.
#[derive(Debug)]
pub(super) struct Document {
    /// From 1.
    pub(super) number: usize,
    pub(super) body: Result<Node, SyntaxError>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// From 1, in the file.
    pub(super) line: usize,
    pub(super) message: String,
}

/// Documents that have any content, in order.
pub(super) fn documents(text: &str) -> Vec<Document> {
    let chunks = split(text).into_iter().enumerate();
    let parsed = chunks.filter_map(|(i, (first_line, text))| {
        let body = parse(first_line, text)?;
        Some(Document {
            number: i + 1,
            body,
        })
    });
    parsed.collect()
}

/// Text between lines that begin with `---`, as kubectl splits it, with the number of its first
/// line. Blank text before the first separator is no document.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut chunks = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 1, 0);
    for (i, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            chunks.push((first_line, &text[start..offset]));
            (start, first_line) = (offset, i + 1);
        }
        offset += line.len();
    }
    chunks.push((first_line, &text[start..]));
    if has_no_content(chunks[0].1) {
        chunks.remove(0);
    }
    chunks
}

fn has_no_content(text: &str) -> bool {
    let blank = |line: &str| line.is_empty() || line.starts_with('#');
    text.lines().map(str::trim).all(blank)
}

/// `None` for a document without content.
fn parse(first_line: usize, text: &str) -> Option<Result<Node, SyntaxError>> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
    };
    match serde_saphyr::from_str_with_options::<Node>(text, options) {
        Ok(mut node) => {
            node.shift(first_line - 1);
            (!node.is_null()).then_some(Ok(node))
        }
        Err(error) => {
            let line = error
                .location()
                .map_or(1, |at| usize::try_from(at.line()).unwrap_or(1));
            Some(Err(SyntaxError {
                line: first_line + line.max(1) - 1,
                message: first_clause(&error.to_string()),
            }))
        }
    }
}

/// The message without the place, which is counted from the start of the document, and without
/// advice to programmers.
fn first_clause(message: &str) -> String {
    if message.starts_with("budget breached") || message.starts_with("recursion limit") {
        return "it is too large, or nested too deeply".to_owned();
    }
    let line = message.lines().next().unwrap_or_default();
    let ends = [" at line ", ", set DuplicateKeyPolicy"].map(|end| line.find(end));
    let end = ends.into_iter().flatten().min().unwrap_or(line.len());
    line[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::{documents, split};

    #[test]
    fn splits_like_kubectl() {
        let cases: &[(&str, &[(usize, &str)])] = &[
            ("", &[]),
            ("# only\n", &[]),
            ("a: 1\n", &[(1, "a: 1\n")]),
            ("---\na: 1\n", &[(1, "---\na: 1\n")]),
            (
                "# licence\n---\na: 1\n--- # two\nb: 2",
                &[(2, "---\na: 1\n"), (4, "--- # two\nb: 2")],
            ),
            ("a: |\n  ---\n", &[(1, "a: |\n  ---\n")]),
            (
                "a: 1\r\n---\r\nb: 2\r\n",
                &[(1, "a: 1\r\n"), (2, "---\r\nb: 2\r\n")],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_and_lines_are_those_of_the_file() {
        let read = documents("a: 1\n---\n# nothing\n---\nb:\n  - 1\n  - [\n---\nc: {d: 1}\n");
        let seen: Vec<_> = read
            .iter()
            .map(|d| (d.number, d.body.as_ref().err().map(|e| e.line)))
            .collect();
        assert_eq!(seen.iter().map(|s| s.0).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(seen[0].1, None);
        assert!(
            seen[1].1.is_some_and(|line| (5..=7).contains(&line)),
            "{seen:?}"
        );
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let error = |text: &str| documents(text).remove(0).body.err().map(|e| e.message);
        assert_eq!(error(&nested(30)), None);
        let expected = "it is too large, or nested too deeply";
        assert_eq!(error(&nested(40)).as_deref(), Some(expected));
        assert_eq!(error(&nested(10_000)).as_deref(), Some(expected));
    }
}
