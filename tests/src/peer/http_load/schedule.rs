//! When requests are due.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::{
    fd::OwnedFd,
    io::read,
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{
        Mutex,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    task::spawn_local,
    time::Instant,
};

pub(super) enum Schedule {
    /// Whenever somebody is free to send one.
    Always { end: Instant },
    /// Workers take turns, so that each connection is used.
    Fixed(Mutex<UnboundedReceiver<Instant>>),
}

impl Schedule {
    /// So many a second from `start` on, or as many as can be.
    pub(super) fn new(rate: Option<u32>, start: Instant, time: Duration) -> Result<Self> {
        let Some(rate) = rate else {
            return Ok(Self::Always { end: start + time });
        };
        let timer = timer(Duration::from_secs(1) / rate).context("no timer")?;
        let (sender, receiver) = unbounded_channel();
        spawn_local(pace(timer, due(rate, time), start, sender));
        Ok(Self::Fixed(Mutex::new(receiver)))
    }

    /// When the next request was due, once it is; `None` after the last.
    pub(super) async fn next(&self) -> Option<Instant> {
        match self {
            Self::Always { end } => Some(Instant::now()).filter(|now| now < end),
            Self::Fixed(due) => due.lock().await.recv().await,
        }
    }
}

/// All of them, as time since the start.
fn due(rate: u32, time: Duration) -> impl Iterator<Item = Duration> {
    let rate = f64::from(rate);
    (0..u32::MAX)
        .map(move |number| Duration::from_secs_f64(f64::from(number) / rate))
        .take_while(move |due| *due < time)
}

/// Tokio's own timers have milliseconds, in which many requests would come in bursts.
#[expect(
    deprecated,
    reason = "its successor is the same call behind an unsafe block; `OwnedFd` owns its descriptor"
)]
fn timer(interval: Duration) -> Result<AsyncFd<OwnedFd>> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let interval = Timespec::try_from(interval)?;
    let each = Itimerspec {
        it_interval: interval,
        it_value: interval,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &each)?;
    Ok(AsyncFd::with_interest(timer, Interest::READABLE)?)
}

/// Says which are due whenever the timer has run out. Ends with the last, and where nobody listens.
async fn pace(
    timer: AsyncFd<OwnedFd>,
    due: impl Iterator<Item = Duration>,
    start: Instant,
    to: UnboundedSender<Instant>,
) -> Result<()> {
    for due in due {
        let due = start + due;
        while Instant::now() < due {
            let tick = |timer: &OwnedFd| Ok(read(timer, &mut [0; 8])?);
            timer.async_io(Interest::READABLE, tick).await?;
        }
        to.send(due)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_due_as_the_rate_says() {
        let all: Vec<_> = due(3, Duration::from_secs(2)).collect();
        assert_eq!(all.len(), 6);
        assert_eq!(all[3], Duration::from_secs(1));
    }
}
