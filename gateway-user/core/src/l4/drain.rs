//! Backends that leave: their flows stay until they end, or until a deadline. Pure: times are
//! arguments, since any fixed moment.

use std::{collections::BTreeMap, time::Duration};

use gateway_common::{
    abi::{Backend, FORWARD, Flow, FlowKey},
    addr::Addr,
    splice::Splice,
};

use super::{Sweep, Tables, compile::frontend_key, sweep::Standing, trace::Clock};
use crate::plan::{DRAIN, Frontend, Plan};

/// Id, address and port of a backend: ids are given out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub id: u32,
    pub address: Addr,
    pub port: u32,
}

/// Remembers since when each backend has been leaving. A new daemon does not know that of its
/// predecessor's: deadlines begin anew.
#[derive(Clone, Debug)]
pub struct Drains {
    started: Duration,
    /// Backends of the tables, with their services.
    known: BTreeMap<Name, u32>,
    leaving: BTreeMap<Name, Leaving>,
    /// How long the backends of a service may take, as its Gateway says.
    timeouts: BTreeMap<u32, Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Leaving {
    since: Duration,
    /// `None` once the service is gone: its id may be another's next.
    service: Option<u32>,
    timeout: Duration,
}

/// A backend that is gone from the tables is remembered for so long after its deadline: until
/// sweeps have removed its last flow.
const REMEMBERED: Duration = Duration::from_mins(10);

impl Name {
    /// Of an entry's backend, whichever its direction.
    pub fn of(key: &FlowKey, flow: &Flow) -> Self {
        let (address, port) = match key.direction {
            FORWARD => (flow.address, flow.port),
            _ => (key.source, u32::from(key.source_port)),
        };
        Self {
            id: flow.backend,
            address,
            port,
        }
    }

    const fn of_backend(id: u32, backend: &Backend) -> Self {
        Self {
            id,
            address: backend.address,
            port: backend.port,
        }
    }

    /// The same of a connection of TLS passthrough.
    pub const fn of_splice(splice: &Splice) -> Self {
        Self {
            id: splice.backend,
            address: splice.backend_address,
            port: splice.backend_port,
        }
    }
}

impl Drains {
    pub fn new(now: Duration) -> Self {
        Self {
            started: now,
            known: BTreeMap::new(),
            leaving: BTreeMap::new(),
            timeouts: BTreeMap::new(),
        }
    }

    /// Notes which backends leave, now that `tables` are in force.
    pub fn observe(&mut self, plan: &Plan, tables: &Tables, now: Duration) {
        let before = std::mem::take(&mut self.known);
        self.timeouts.extend(timeouts(plan, tables));
        for (id, backend) in &tables.backends {
            let name = Name::of_backend(*id, backend);
            self.known.insert(name, backend.service);
            match backend.draining {
                0 => drop(self.leaving.remove(&name)),
                _ => self.leaves(name, backend.service, now),
            }
        }
        for (name, service) in before {
            if !self.known.contains_key(&name) {
                self.leaves(name, service, now);
            }
        }
        for leaving in self.leaving.values_mut() {
            let timeout = leaving.service.and_then(|id| self.timeouts.get(&id));
            leaving.timeout = timeout.copied().unwrap_or(leaving.timeout);
            leaving.service = leaving
                .service
                .filter(|id| tables.services.contains_key(id));
        }
        let (known, leaving) = (&self.known, &mut self.leaving);
        leaving.retain(|name, l| known.contains_key(name) || now < l.end() + REMEMBERED);
        self.timeouts
            .retain(|id, _| tables.services.contains_key(id));
    }

    fn leaves(&mut self, name: Name, service: u32, now: Duration) {
        let timeout = self.timeouts.get(&service).copied().unwrap_or(DRAIN);
        let new = Leaving {
            since: now,
            service: Some(service),
            timeout,
        };
        self.leaving.entry(name).or_insert(new);
    }

    /// What the flow table is swept by: the same moment as `clock` and as `now`.
    pub fn sweep(&self, clock: Clock, now: Duration) -> Sweep {
        let mut backends: BTreeMap<_, _> = self
            .known
            .keys()
            .map(|name| (*name, Standing::Serving))
            .collect();
        for (name, leaving) in &self.leaving {
            let standing = match self.known.contains_key(name) {
                _ if now >= leaving.end() => Standing::Over,
                true => Standing::Leaving,
                false => Standing::Gone,
            };
            backends.insert(*name, standing);
        }
        let longest = self.timeouts.values().copied().max().unwrap_or(DRAIN);
        Sweep {
            clock,
            backends,
            strangers: match now >= self.started + longest {
                true => Standing::Over,
                false => Standing::Gone,
            },
        }
    }
}

/// How long the backends of each service in force may take: of TCP and UDP listeners, and of
/// TLSRoutes in the kernel.
fn timeouts(plan: &Plan, tables: &Tables) -> BTreeMap<u32, Duration> {
    let mut timeouts = BTreeMap::new();
    let mut passing = BTreeMap::new();
    for (id, frontend) in &plan.frontends {
        let key = frontend_key(id);
        match frontend {
            Frontend::L4(l4) => {
                let service = tables.service_of(&key);
                timeouts.extend(service.map(|service| (service, l4.options.drain)));
            }
            Frontend::Http(http) => drop(passing.insert(key, plan.drain(&http.gateway))),
        }
    }
    for (service, at) in &tables.routes {
        let timeout = passing.get(&at.frontend);
        timeouts.extend(timeout.map(|timeout| (*service, *timeout)));
    }
    timeouts
}

impl Leaving {
    fn end(&self) -> Duration {
        self.since + self.timeout
    }
}

#[cfg(test)]
mod tests;
