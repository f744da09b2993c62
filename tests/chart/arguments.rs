//! The program takes the arguments that the chart gives it.

use clap::Parser as _;
use gateway_user::cli::Cli;

use super::{cases, helm::render};

#[test]
fn the_program_takes_the_charts_arguments() {
    for name in ["minimal", "default", "full"] {
        let manifests = render(&cases().join(format!("{name}.yaml"))).expect("manifests");
        let commands = commands(&manifests);
        assert!(commands.len() >= 2, "the daemon and its test: {commands:?}");
        for command in commands {
            let parsed = Cli::try_parse_from([&["xdp-gateway".to_owned()], &*command].concat());
            assert!(parsed.is_ok(), "{name}: {command:?}: {parsed:?}");
        }
    }
}

/// Every `args` of the manifests, as a block or in one line.
fn commands(manifests: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = manifests.lines().map(str::trim).collect();
    let starts = (0..lines.len()).filter(|&at| lines[at].starts_with("args:"));
    let command = |at: usize| match lines[at].strip_prefix("args: [") {
        Some(list) => list.trim_end_matches(']').split(", ").map(word).collect(),
        None => lines[at + 1..]
            .iter()
            .take_while(|line| line.starts_with(['-', '#']))
            .filter_map(|line| line.strip_prefix("- "))
            .map(word)
            .collect(),
    };
    starts.map(command).collect()
}

/// As the kubelet hands it over.
fn word(text: &str) -> String {
    text.trim_matches('"').replace("$(POD_IP)", "10.0.0.1")
}
