//! Active checks: when each is due, and what its results make of an endpoint. Pure: times are
//! arguments, since any fixed moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{EndpointId, Fault, How, Wanted};
use crate::{balance::scale, hash::stable, plan::Pace};

/// The state of all checks.
#[derive(Debug, Default)]
pub struct Checks {
    all: BTreeMap<u64, Check>,
    of: BTreeMap<EndpointId, Vec<u64>>,
    /// Those that do not run, by when they begin.
    due: BTreeSet<(Duration, u64)>,
    next: u64,
}

#[derive(Debug)]
struct Check {
    endpoint: EndpointId,
    how: Arc<How>,
    pace: Pace,
    when: When,
    /// In a row; one of both is 0.
    failures: u32,
    successes: u32,
    failing: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
enum When {
    Due(Duration),
    RunsSince(Duration),
}

/// A check to be done now.
#[derive(Clone, Debug)]
pub struct Task {
    /// To be given back with the result.
    pub id: u64,
    pub endpoint: EndpointId,
    pub how: Arc<How>,
    pub timeout: Duration,
}

/// What became of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Fails(Fault),
    Recovers,
}

impl Checks {
    /// Takes over what is to be checked. A check that is the same goes on, at its new pace; a new one
    /// counts as passed until it fails; the others are forgotten. Whether other endpoints fail now.
    pub fn want(&mut self, wanted: &Wanted, now: Duration) -> bool {
        let before = self.failing();
        let mut old = std::mem::take(&mut self.of);
        for (endpoint, ways) in wanted {
            let mut ids = old.remove(endpoint).unwrap_or_default();
            let mut kept = Vec::with_capacity(ways.len());
            for (how, pace) in ways {
                let known = ids.iter().position(|id| self.does(*id, how));
                kept.push(match known {
                    Some(index) => {
                        let id = ids.swap_remove(index);
                        self.set_pace(id, *pace, now);
                        id
                    }
                    None => self.begin(*endpoint, how.clone(), *pace, now),
                });
            }
            ids.into_iter().for_each(|id| self.forget(id));
            self.of.insert(*endpoint, kept);
        }
        old.into_values().flatten().for_each(|id| self.forget(id));
        before != self.failing()
    }

    /// The checks that are due, at most `room` of them. Each is due again one interval later, once
    /// its result is known.
    pub fn take_due(&mut self, now: Duration, room: usize) -> Vec<Task> {
        let mut tasks = Vec::new();
        while tasks.len() < room {
            let Some((_, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) else {
                break;
            };
            self.due.pop_first();
            let Some(check) = self.all.get_mut(&id) else {
                continue;
            };
            check.when = When::RunsSince(now);
            tasks.push(Task {
                id,
                endpoint: check.endpoint,
                how: check.how.clone(),
                timeout: check.pace.timeout,
            });
        }
        tasks
    }

    /// When the next check is due; `None` where none waits.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes a result; `None` where the check could not be done, which tells nothing. The endpoint is
    /// returned where it turned: it fails while one of its checks does.
    pub fn done(
        &mut self,
        id: u64,
        result: Option<Result<(), Fault>>,
        now: Duration,
    ) -> Option<(EndpointId, Turn)> {
        let endpoint = self.all.get(&id)?.endpoint;
        let before = self.fault(endpoint);
        let check = self.all.get_mut(&id)?;
        if let Some(result) = result {
            check.take(result);
        }
        if let When::RunsSince(begun) = check.when {
            let due = (begun + check.pace.interval).max(now);
            check.when = When::Due(due);
            self.due.insert((due, id));
        }
        match (before, self.fault(endpoint)) {
            (None, Some(fault)) => Some((endpoint, Turn::Fails(fault))),
            (Some(_), None) => Some((endpoint, Turn::Recovers)),
            _ => None,
        }
    }

    /// Endpoints that fail, and in which way first.
    pub fn failing(&self) -> BTreeMap<EndpointId, Fault> {
        let failing = self
            .all
            .values()
            .filter_map(|c| Some((c.endpoint, c.failing?)));
        failing.collect()
    }

    fn fault(&self, endpoint: EndpointId) -> Option<Fault> {
        let ids = self.of.get(&endpoint)?;
        ids.iter().find_map(|id| self.all.get(id)?.failing)
    }

    fn does(&self, id: u64, how: &How) -> bool {
        self.all.get(&id).is_some_and(|check| *check.how == *how)
    }

    fn begin(&mut self, endpoint: EndpointId, how: Arc<How>, pace: Pace, now: Duration) -> u64 {
        let id = self.next;
        self.next += 1;
        let due = now + offset(endpoint, pace.interval);
        let check = Check {
            endpoint,
            how,
            pace,
            when: When::Due(due),
            failures: 0,
            successes: 0,
            failing: None,
        };
        self.all.insert(id, check);
        self.due.insert((due, id));
        id
    }

    fn set_pace(&mut self, id: u64, pace: Pace, now: Duration) {
        let Some(check) = self.all.get_mut(&id) else {
            return;
        };
        if check.pace == pace {
            return;
        }
        check.pace = pace;
        if let When::Due(due) = check.when {
            // Spread anew: it may have to come sooner.
            let sooner = due.min(now + offset(check.endpoint, pace.interval));
            check.when = When::Due(sooner);
            self.due.remove(&(due, id));
            self.due.insert((sooner, id));
        }
    }

    fn forget(&mut self, id: u64) {
        if let Some(check) = self.all.remove(&id)
            && let When::Due(due) = check.when
        {
            self.due.remove(&(due, id));
        }
    }
}

impl Check {
    fn take(&mut self, result: Result<(), Fault>) {
        match result {
            Ok(()) => {
                self.failures = 0;
                self.successes = self.successes.saturating_add(1);
                if self.successes >= self.pace.healthy {
                    self.failing = None;
                }
            }
            Err(fault) => {
                self.successes = 0;
                self.failures = self.failures.saturating_add(1);
                if self.failures >= self.pace.unhealthy {
                    self.failing = self.failing.or(Some(fault));
                }
            }
        }
    }
}

/// Less than an interval, so that not all endpoints are checked at once; the same after each start.
fn offset(endpoint: EndpointId, interval: Duration) -> Duration {
    let hash = stable(endpoint.to_string().as_bytes(), 0);
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(scale(hash, nanos))
}

#[cfg(test)]
mod tests;
