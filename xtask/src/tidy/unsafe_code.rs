//! `unsafe` only where this list says why.

use super::{
    Finding,
    files::File,
    tokens::{Token, find},
};

/// (file, or directory with a slash at its end; why)
const ALLOWED: &[(&str, &str)] = &[
    (
        "gateway-common/src/abi.rs",
        "map keys and values are read and written as bytes",
    ),
    (
        "gateway-common/src/header.rs",
        "headers are marked as views of packet bytes",
    ),
    (
        "gateway-common/src/packet.rs",
        "packet bytes are viewed as headers",
    ),
    (
        "gateway-ebpf/src/",
        "packet and map access in the kernel programs",
    ),
    (
        "gateway-user/src/announce/link.rs",
        "the address of a packet socket is handed to the kernel",
    ),
    (
        "gateway-user/build.rs",
        "std::env::set_var, before any thread exists",
    ),
    ("gateway-user/src/bpf/object_fd.rs", "bpf(2) takes pointers"),
    (
        "gateway-user/src/bpf/table.rs",
        "the kernel writes entries to memory of ours",
    ),
    (
        "tests/src/peer/deferred.rs",
        "TCP_DEFER_ACCEPT has no safe wrapper",
    ),
];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    check_list(files, ALLOWED)
}

fn check_list(files: &[File], allowed: &[(&str, &str)]) -> Vec<Finding> {
    let covers = |entry: &str, path: &str| match entry.strip_suffix('/') {
        Some(_) => path.starts_with(entry),
        None => path == entry,
    };
    let mut findings = Vec::new();
    let mut used = vec![false; allowed.len()];
    for file in files {
        let lines = lines(&file.tokens);
        match allowed
            .iter()
            .position(|(entry, _)| covers(entry, &file.path))
        {
            Some(at) => used[at] |= !lines.is_empty(),
            None => findings.extend(lines.into_iter().map(|line| file.finding(line, ADVICE))),
        }
    }
    let idle = allowed.iter().zip(used).filter(|(_, used)| !used);
    findings.extend(idle.map(|((entry, why), _)| Finding {
        file: (*entry).into(),
        line: 0,
        advice: format!("has no unsafe code ({why}); take it off the list in xtask"),
    }));
    findings
}

const ADVICE: &str = "has unsafe code and is not on the list in xtask; find a safe way";

/// Lines with the keyword, or that allow it. `#[unsafe(no_mangle)]` counts as well.
fn lines(tokens: &[Token]) -> Vec<usize> {
    let keyword = find(tokens, &["unsafe"]);
    let allowed = find(tokens, &["allow", "(", "unsafe_code"]);
    keyword
        .chain(allowed)
        .map(|(_, token)| token.line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &[(&str, &str)] = &[("a/abi.rs", "bytes"), ("k/src/", "kernel")];

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| File::new(path, text))
            .collect();
        check_list(&files, LIST)
            .into_iter()
            .map(|f| f.file)
            .collect()
    }

    #[test]
    fn unsafe_code_is_allowed_where_the_list_says_so() {
        let code = "fn f() { unsafe { g() } }";
        let used = [("a/abi.rs", code), ("k/src/x/y.rs", code)];
        assert!(found(&used).is_empty());
        let other = [used[0], used[1], ("a/addr.rs", code)];
        assert_eq!(found(&other), ["a/addr.rs"]);
        let allow = "#![allow(unsafe_code, reason = \"later\")]";
        assert_eq!(found(&[used[0], used[1], ("b.rs", allow)]), ["b.rs"]);
        let words = "// unsafe\nconst A: &str = \"unsafe\";";
        assert!(found(&[used[0], used[1], ("b.rs", words)]).is_empty());
    }

    #[test]
    fn the_list_does_not_outlive_its_reasons() {
        assert_eq!(found(&[("a/abi.rs", "fn f() {}")]), ["a/abi.rs", "k/src/"]);
    }
}
