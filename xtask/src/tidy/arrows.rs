//! Who may import what: the core knows neither IO nor clients, the data path knows the core of none.

use super::{
    Finding,
    files::File,
    tokens::{Token, find},
};

/// Paths that files below a prefix may not name.
struct Arrow {
    within: &'static str,
    except: &'static [&'static str],
    forbidden: &'static [&'static [&'static str]],
    advice: &'static str,
}

const ARROWS: &[Arrow] = &[
    Arrow {
        within: "gateway-user/core/src/",
        except: &[],
        forbidden: &[
            &["tokio"],
            &["hyper"],
            &["hyper_util"],
            &["axum"],
            &["aya"],
            &["kube"],
            &["kube_client"],
            &["kube_runtime"],
            &["notify"],
            &["rtnetlink"],
            &["rustix"],
            &["gateway_user"],
            &["std", "fs"],
            &["std", "process"],
            &["std", "net", "TcpListener"],
            &["std", "net", "TcpStream"],
            &["std", "net", "UdpSocket"],
        ],
        advice: "the core is pure: take the value as an argument, and do the IO in gateway-user",
    },
    Arrow {
        within: "gateway-common/src/",
        except: &[],
        forbidden: &[&["std"], &["alloc"], &["aya_ebpf"], &["gateway_core"]],
        advice: "gateway-common is compiled into the kernel programs: it knows only core",
    },
    Arrow {
        within: "gateway-common/src/",
        // A foreign trait is implemented where the type is: aya's, for user space only.
        except: &["gateway-common/src/abi.rs"],
        forbidden: &[&["aya"]],
        advice: "gateway-common is compiled into the kernel programs: it knows only core",
    },
    Arrow {
        within: "gateway-ebpf/src/",
        except: &[],
        forbidden: &[&["std"], &["alloc"], &["gateway_core"], &["gateway_user"]],
        advice: "the kernel programs know only gateway-common and aya_ebpf",
    },
    Arrow {
        within: "gateway-user/src/",
        except: &[
            "gateway-user/src/main.rs",
            "gateway-user/src/cli",
            "gateway-user/src/run",
        ],
        forbidden: &[&["crate", "run"], &["gateway_user", "run"]],
        advice: "run wires the parts together; nothing but the command line knows it",
    },
];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for arrow in ARROWS {
        let excepted = |f: &File| arrow.except.iter().any(|prefix| f.path.starts_with(prefix));
        let within = files
            .iter()
            .filter(|f| f.path.starts_with(arrow.within) && !excepted(f));
        for file in within {
            for path in arrow.forbidden {
                let uses = uses(file.product(), path);
                let name = path.join("::");
                findings.extend(
                    uses.map(|line| file.finding(line, format!("names {name}; {}", arrow.advice))),
                );
            }
        }
    }
    findings
}

/// Lines where the path is named from its root: `a::b`, also as `use a;` and in `a::{b, c}`.
fn uses<'a>(tokens: &'a [Token], path: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
    let root = find(tokens, &path[..1]);
    root.filter(move |(at, _)| {
        let before = |back: usize| at.checked_sub(back).map_or("", |i| tokens[i].text.as_str());
        // `x::tokio` and `x.tokio` are somebody else's; `::tokio` is the crate.
        let behind = before(1) == ":" && before(2) == ":";
        let inner =
            behind && before(3).ends_with(|c: char| c.is_alphanumeric() || "_>".contains(c));
        let own = before(1) != "." && (!inner || before(3) == "use");
        let imported = before(1) == "use" && path.len() == 1;
        own && (imported || leads_to(&tokens[at + 1..], &path[1..]))
    })
    .map(|(_, token)| token.line)
}

/// Whether `::` and the rest of the path follow, in a list in braces as well.
fn leads_to(tokens: &[Token], rest: &[&str]) -> bool {
    let [a, b, after @ ..] = tokens else {
        return false;
    };
    if a.text != ":" || b.text != ":" {
        return false;
    }
    let Some((next, rest)) = rest.split_first() else {
        return true;
    };
    let leads = |at: usize| rest.is_empty() || leads_to(&after[at + 1..], rest);
    match after.first().map(|t| t.text.as_str()) {
        Some("{") => members(after)
            .into_iter()
            .any(|at| after[at].text == *next && leads(at)),
        Some(name) => name == *next && leads(0),
        None => false,
    }
}

/// Indices where a member of a list in braces begins; `tokens` starts with the brace.
fn members(tokens: &[Token]) -> Vec<usize> {
    let mut depth = 0;
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if depth == 1 && matches!(tokens[at - 1].text.as_str(), "{" | ",") => found.push(at),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests;
