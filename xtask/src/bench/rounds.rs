//! How long to measure.

use std::time::Duration;

#[derive(clap::Args)]
pub(super) struct Rounds {
    /// Rounds; each measures everything once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(super) rounds: u32,
    /// Seconds of load for each in each round.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
}

impl Rounds {
    pub(super) const fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
