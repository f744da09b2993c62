//! Rust source as a flat list of tokens with their lines; comments are gone, strings are whole.

use std::str::FromStr as _;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// From 1.
    pub(super) line: usize,
    /// An identifier, a literal as it is written, or one character of punctuation.
    pub(super) text: String,
}

/// Empty for text that does not lex.
pub(super) fn lex(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    if let Ok(stream) = TokenStream::from_str(text) {
        flatten(stream, &mut tokens);
    }
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = delimiters(&group);
                push(tokens, line, open);
                let end = group.span_close().start().line;
                flatten(group.stream(), tokens);
                push(tokens, end, close);
            }
            other => push(tokens, line, &other.to_string()),
        }
    }
}

fn delimiters(group: &Group) -> (&'static str, &'static str) {
    match group.delimiter() {
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::None => ("", ""),
    }
}

fn push(tokens: &mut Vec<Token>, line: usize, text: &str) {
    if !text.is_empty() {
        let text = text.to_owned();
        tokens.push(Token { line, text });
    }
}

/// The first token of each place where these texts follow one another.
pub(super) fn find<'a>(
    tokens: &'a [Token],
    texts: &'a [&str],
) -> impl Iterator<Item = (usize, &'a Token)> {
    let places = tokens.windows(texts.len()).enumerate();
    let same = move |window: &[Token]| window.iter().zip(texts).all(|(t, text)| t.text == *text);
    places
        .filter(move |(_, window)| same(window))
        .map(|(at, window)| (at, &window[0]))
}

/// Index of the module that `#[cfg(test)]` opens with a brace; the end where there is none.
pub(super) fn start_of_tests(tokens: &[Token]) -> usize {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let inline = |at: usize| {
        tokens
            .get(at + attribute.len() + 1)
            .is_some_and(|t| t.text == "{")
    };
    let found = find(tokens, &attribute)
        .map(|(at, _)| at)
        .find(|at| inline(*at));
    found.unwrap_or(tokens.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        lex(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_are_gone_and_strings_are_whole() {
        assert_eq!(
            texts("a(\"unsafe // no\") /* unsafe */ // unsafe"),
            ["a", "(", "\"unsafe // no\"", ")"]
        );
        assert!(texts("\"not closed").is_empty());
    }

    #[test]
    fn lines_are_counted_from_one() {
        let tokens = lex("a\n\nb { c\n}");
        let lines: Vec<_> = tokens.iter().map(|t| t.line).collect();
        assert_eq!(lines, [1, 3, 3, 3, 4]);
    }

    #[test]
    fn tests_start_at_an_inline_module_only() {
        let tokens = lex("#[cfg(test)] mod tests; fn f() {} #[cfg(test)] mod tests { fn g() {} }");
        let product: Vec<_> = tokens[..start_of_tests(&tokens)]
            .iter()
            .map(|t| &t.text)
            .collect();
        assert!(product.iter().any(|t| *t == "f") && !product.iter().any(|t| *t == "g"));
        let none = lex("fn f() {}");
        assert_eq!(start_of_tests(&none), none.len());
    }
}
