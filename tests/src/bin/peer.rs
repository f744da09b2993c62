//! `peer ROLE`: see [`gateway_tests::peer`].

use clap::Parser;
use gateway_tests::peer::{Cli, main as run};

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(run(Cli::parse()));
    // A thread may still wait for standard input: it must not hold up the end.
    runtime.shutdown_background();
    done
}
