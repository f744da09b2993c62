//! What is served and what is not as wished: computed by the daemon, shown by `status` and `check`.

pub mod backends;
pub mod build;
pub mod certificates;
pub mod changes;
pub mod conditions;
pub mod failing;
pub mod far;
pub mod pools;
pub mod render;
pub mod report;

use std::process::ExitCode;

use anyhow::Result;
use k8s_openapi::jiff::Timestamp;

use crate::{
    admin,
    cli::{self, Format},
};

/// `xdp-gateway status`: asks the daemon and prints its report.
///
/// # Errors
/// Where no daemon answers. One that is not ready is told by the exit code where asked for.
pub async fn status(options: &cli::Status) -> Result<ExitCode> {
    let report = admin::fetch_report(options.admin).await?;
    match options.output {
        Format::Table => print!("{}", render::render(&report, Timestamp::now())),
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(if options.ready && !report.ready {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
