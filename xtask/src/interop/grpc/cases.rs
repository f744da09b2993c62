//! Which of gRPC's interoperability tests are run, and which are not.

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) options: &'static [&'static str],
}

/// Cases that are not run for one reason.
pub(super) struct Group {
    pub(super) names: &'static [&'static str],
    pub(super) reason: &'static str,
    /// What the client has to say of each where it asks the server itself, if that can be tried.
    pub(super) without_us: Option<&'static str>,
}

pub(super) const CASES: &[Case] = &[
    case("empty_unary"),
    case("large_unary"),
    case("client_streaming"),
    case("server_streaming"),
    case("ping_pong"),
    case("empty_stream"),
    case("timeout_on_sleeping_server"),
    case("cancel_after_begin"),
    case("cancel_after_first_response"),
    case("status_code_and_message"),
    case("special_status_message"),
    case("custom_metadata"),
    // The answer is the server's, which knows the service.
    case("unimplemented_method"),
    // The answer is ours, for no route has that service.
    case("unimplemented_service"),
    Case {
        name: "orca_per_rpc",
        options: ORCA,
    },
    Case {
        name: "orca_oob",
        options: ORCA,
    },
    Case {
        name: "rpc_soak",
        options: SOAK,
    },
    Case {
        name: "channel_soak",
        options: SOAK,
    },
];

/// These cases want the client to choose backends by the load that they report.
const ORCA: &[&str] = &[
    "--service_config_json",
    r#"{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}"#,
];
/// Calls at once from several threads, of some 300 KB each way; how long one takes is no concern here.
const SOAK: &[&str] = &[
    "--soak_iterations",
    "100",
    "--soak_num_threads",
    "4",
    "--soak_overall_timeout_seconds",
    "60",
    "--soak_per_iteration_max_acceptable_latency_ms",
    "10000",
];

/// What the client offers and is not run.
pub(super) const LEFT_OUT: &[Group] = &[
    Group {
        names: &["pick_first_unary"],
        reason: "the server in Go does not tell its id, which this case compares",
        without_us: Some("got empty server ID"),
    },
    Group {
        names: &[
            "compute_engine_channel_credentials",
            "compute_engine_creds",
            "google_default_credentials",
            "jwt_token_creds",
            "oauth2_auth_token",
            "per_rpc_creds",
            "service_account_creds",
        ],
        reason: "they need an account of Google's cloud, or to run there",
        without_us: None,
    },
];

/// Of gRPC's list, but not in the client.
pub(super) const ABSENT: Group = Group {
    names: &[
        "cacheable_unary",
        "client_compressed_streaming",
        "client_compressed_unary",
        "server_compressed_streaming",
        "server_compressed_unary",
    ],
    reason: "the client in Go lacks them",
    without_us: None,
};

const fn case(name: &'static str) -> Case {
    Case { name, options: &[] }
}

/// The cases that the client's help lists, one a line.
pub(super) fn offered(help: &str) -> Vec<&str> {
    let lines = help.lines().map(str::trim);
    let lines = lines.skip_while(|line| !line.contains("Valid options are:"));
    let lines = lines.skip(1).take_while(|line| !line.starts_with('-'));
    let names = lines.filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.trim()).collect()
}

/// What is wrong with the lists, given what the client offers.
pub(super) fn unlisted(offered: &[&str]) -> Vec<String> {
    let is_listed = |name: &&str| {
        let mut left_out = LEFT_OUT.iter().flat_map(|group| group.names);
        CASES.iter().any(|case| case.name == *name) || left_out.any(|other| other == name)
    };
    let new = offered.iter().filter(|name| !is_listed(name));
    let new =
        new.map(|name| format!("the client offers {name}, which is neither run nor left out"));
    let there = ABSENT.names.iter().filter(|name| offered.contains(name));
    let there = there.map(|name| format!("the client does not lack {name}: run it"));
    new.chain(there).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "Usage of client:
  -server_port int
    \tThe server port number (default 10000)
  -test_case string
    \tConfigure different test cases. Valid options are:
    \t        empty_unary : empty (zero bytes) request and response;
    \t        timeout_on_sleeping_server: fullduplex streaming;
    \t        google_default_credentials: large_unary
    \t        orca_oob: out-of-band metrics are provided. (default \"large_unary\")
  -use_alts
    \tConnection uses ALTS if true: on GCP only
";

    #[test]
    fn the_help_lists_the_cases() {
        let expected = [
            "empty_unary",
            "timeout_on_sleeping_server",
            "google_default_credentials",
            "orca_oob",
        ];
        assert_eq!(offered(HELP), expected);
        assert!(offered("sh: not found").is_empty());
    }

    #[test]
    fn a_new_case_and_one_that_is_not_absent_are_told() {
        assert!(unlisted(&offered(HELP)).is_empty());
        let told = unlisted(&["teleport_unary", "cacheable_unary"]);
        assert!(
            told[0].contains("teleport_unary") && told.len() == 3,
            "{told:?}"
        );
    }
}
