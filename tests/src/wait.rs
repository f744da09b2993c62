//! Waiting for a condition, with an end.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(5);

/// Asks `condition` until it holds and gives the time that took.
///
/// # Errors
/// The condition's own error at once, or, after `limit`, one that names `what`.
pub fn wait_until(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    let start = Instant::now();
    loop {
        if condition()? {
            return Ok(start.elapsed());
        }
        if start.elapsed() > limit {
            bail!("not so after {limit:?}: {what}");
        }
        sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_when_the_condition_holds_and_when_time_is_up() {
        let mut asked = 0;
        let third = || {
            asked += 1;
            Ok(asked == 3)
        };
        assert!(wait_until(Duration::from_secs(5), "third", third).is_ok());
        assert_eq!(asked, 3);

        let late = wait_until(Duration::from_millis(1), "a miracle", || Ok(false));
        assert!(late.unwrap_err().to_string().contains("a miracle"));
    }

    #[test]
    fn an_error_of_the_condition_ends_the_wait() {
        let broken = wait_until(Duration::from_secs(60), "x", || bail!("broken"));
        assert_eq!(broken.unwrap_err().to_string(), "broken");
    }
}
