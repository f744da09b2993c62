//! Waiting for the kernel to finish what it does after the last reference to an object is gone.

use std::time::{Duration, Instant};

use anyhow::Result;

const POLL: Duration = Duration::from_millis(5);

/// Asks until `done` says true, or for as long as `limit`: then false.
#[expect(
    clippy::disallowed_methods,
    reason = "milliseconds, at the start and in `unload`: no connection is served there yet"
)]
pub(super) fn settled(limit: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<bool> {
    let start = Instant::now();
    loop {
        if done()? {
            return Ok(true);
        }
        if start.elapsed() > limit {
            return Ok(false);
        }
        std::thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_again_until_done_and_gives_up_in_time() {
        let mut asked = 0;
        let third = settled(Duration::from_secs(5), || {
            asked += 1;
            Ok(asked == 3)
        });
        assert!(third.expect("no error"));
        assert!(!settled(Duration::ZERO, || Ok(false)).expect("no error"));
        assert!(settled(Duration::ZERO, || anyhow::bail!("no")).is_err());
    }
}
