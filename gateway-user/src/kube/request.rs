//! Writes to the API server: how long they may take, and what became of them.

use std::{future::Future, time::Duration};

use tokio::time::timeout;

/// Writes of one sort at a time: enough for hundreds in a moment, few for an API server.
pub(super) const CONCURRENT: usize = 16;
/// In `metadata.managedFields`.
pub(super) const MANAGER: &str = "xdp-gateway";
const LIMIT: Duration = Duration::from_secs(10);
const FORBIDDEN: u16 = 403;

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Made from a version that is not the present one: the watch will say what is.
    Outdated,
    Failed {
        /// The API server may not be asked for that.
        forbidden: bool,
        why: String,
    },
}

/// Sends a write; one without an answer in time has failed.
pub(super) async fn send<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Refusal> {
    match timeout(LIMIT, request).await {
        Ok(result) => result.map_err(|error| refusal(&error)),
        Err(_elapsed) => Err(Refusal::failed(format!("no answer within {LIMIT:?}"))),
    }
}

impl Refusal {
    pub(super) fn failed(why: String) -> Self {
        Self::Failed {
            forbidden: false,
            why,
        }
    }
}

fn refusal(error: &kube::Error) -> Refusal {
    match error {
        // Not found: it is gone, or its namespace.
        kube::Error::Api(status) if matches!(status.code, 404 | 409) => Refusal::Outdated,
        kube::Error::Api(status) if is_ending(status) => Refusal::Outdated,
        kube::Error::Api(status) => Refusal::Failed {
            forbidden: status.code == FORBIDDEN,
            why: format!("{} ({})", status.message, status.code),
        },
        error => Refusal::failed(format!("{error:#}")),
    }
}

/// Nothing can be made any more in the namespace, and what is there goes.
fn is_ending(status: &kube::core::Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == FORBIDDEN
        && causes
            .into_iter()
            .any(|cause| cause.reason == "NamespaceTerminating")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(code: u16, cause: &str) -> Refusal {
        let status = json!({
            "status": "Failure",
            "message": "no",
            "reason": "Reason",
            "code": code,
            "details": {"causes": [{"reason": cause}]},
        });
        let status = serde_json::from_value(status).expect("a status");
        refusal(&kube::Error::Api(status))
    }

    #[test]
    fn what_time_or_the_watch_mends_is_no_failure() {
        for (code, cause) in [(404, ""), (409, ""), (403, "NamespaceTerminating")] {
            assert!(matches!(refused(code, cause), Refusal::Outdated), "{code}");
        }
        for (code, expected) in [(403, true), (422, false), (500, false)] {
            let Refusal::Failed { forbidden, why } = refused(code, "") else {
                panic!("{code} is a failure");
            };
            assert_eq!(forbidden, expected, "{why}");
        }
    }
}
