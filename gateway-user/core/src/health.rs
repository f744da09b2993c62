//! Health of endpoints beyond their conditions: those that fail again and again are left out for a
//! while, by whichever route they were found out, and for all of them; those that are checked, until
//! they pass. Pure: times are arguments, since any fixed moment.

mod checks;
mod wanted;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    time::Duration,
};

use serde::Serialize;

pub use self::{
    checks::{Checks, Task, Turn},
    wanted::{How, Wanted},
};
use crate::{
    endpoints::Endpoints,
    plan::{BackendId, Transport},
};

/// Failures in a row, of one worker, until an endpoint is left out; as Envoy has it.
pub const FAILURES: u32 = 5;
/// How long the first time. Each further time in a row adds as much, and up to a quarter more by
/// chance: what failed together shall not come back together.
const PAUSE: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);

/// Why an endpoint is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Failing {
    /// It takes no connections.
    Connections,
    /// It answers requests with 502, 503 or 504.
    Answers,
    /// It fails the checks that its Gateway's parameters ask for.
    Checks(Fault),
}

/// Why a check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    Refused,
    /// No connection, or no answer.
    TimedOut,
    /// It, its host or its network.
    Unreachable,
    /// It ended the connection before it answered.
    Closed,
    /// No TLS, or not with a certificate that is trusted.
    Tls,
    /// What it says is not HTTP.
    NotHttp,
    /// It answers with another status than asked for.
    Status(u16),
}

/// Transport address of an endpoint: what fails on one transport may be well on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    pub address: SocketAddr,
    pub transport: Transport,
}

/// Endpoints that shall get no new traffic, and why.
pub type Out = BTreeMap<EndpointId, Failing>;

/// Endpoints of TCP that are left out because traffic failed, and those that were a moment ago.
#[derive(Clone, Debug, Default)]
pub struct Ejections(BTreeMap<SocketAddr, Ejection>);

#[derive(Clone, Copy, Debug)]
struct Ejection {
    why: Failing,
    /// In a row.
    times: u32,
    until: Duration,
    /// It is forgotten then, unless it fails again.
    trusted: Duration,
}

impl Failing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Answers => "answers",
            Self::Checks(_) => "checks",
        }
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connections => f.write_str("it takes no connections"),
            Self::Answers => f.write_str("it answers with 502, 503 or 504"),
            Self::Checks(fault) => write!(f, "it fails health checks: {fault}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Closed => f.write_str("connection closed without an answer"),
            Self::Tls => f.write_str("no TLS, or no certificate that is trusted"),
            Self::NotHttp => f.write_str("its answer is not HTTP"),
            Self::Status(status) => write!(f, "it answers with {status}"),
        }
    }
}

impl EndpointId {
    /// An endpoint of a backend.
    pub fn of(backend: &BackendId, address: SocketAddr) -> Self {
        Self {
            address,
            transport: backend.transport,
        }
    }

    pub fn tcp(address: SocketAddr) -> Self {
        Self {
            address,
            transport: Transport::Tcp,
        }
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            Transport::Tcp => write!(f, "{}", self.address),
            Transport::Udp => write!(f, "{}/udp", self.address),
        }
    }
}

impl Ejections {
    /// Leaves an endpoint out; for how long, or `None` where it is out already: requests that were
    /// under way fail after it was found out. `random` is uniform over all of u64.
    pub fn eject(
        &mut self,
        endpoint: SocketAddr,
        why: Failing,
        now: Duration,
        random: u64,
    ) -> Option<Duration> {
        self.0.retain(|_, ejection| ejection.trusted > now);
        let times = match self.0.get(&endpoint) {
            Some(known) if known.until > now => return None,
            Some(known) => known.times.saturating_add(1),
            None => 1,
        };
        let pause = PAUSE.saturating_mul(times).min(LONGEST);
        let more = (u128::from(random) * (pause / 4).as_nanos()) >> 64;
        let pause = pause + Duration::from_nanos(more as u64);
        let until = now + pause;
        let ejection = Ejection {
            why,
            times,
            until,
            trusted: until + pause,
        };
        self.0.insert(endpoint, ejection);
        Some(pause)
    }

    /// Endpoints that are out now, and why.
    pub fn out(&self, now: Duration) -> Out {
        let out = self.0.iter().filter(|(_, ejection)| ejection.until > now);
        out.map(|(endpoint, ejection)| (EndpointId::tcp(*endpoint), ejection.why))
            .collect()
    }

    /// When the next endpoint comes back; `None` where none is out.
    pub fn next_return(&self, now: Duration) -> Option<Duration> {
        let times = self.0.values().map(|ejection| ejection.until);
        times.filter(|until| *until > now).min()
    }
}

impl Endpoints {
    /// Takes new traffic from the ready endpoints that are `out`. Backends that would lose more
    /// than half of theirs keep them all, and are returned: so many do not fail by themselves, and
    /// the others could not carry it (panic mode, as Envoy has it).
    pub fn leave_out(&mut self, out: &Out) -> BTreeSet<BackendId> {
        let mut panicking = BTreeSet::new();
        if out.is_empty() {
            return panicking;
        }
        for (id, endpoints) in &mut self.0 {
            let ready = endpoints.iter().filter(|e| e.conditions.ready).count();
            let mut failing: Vec<_> = endpoints
                .iter_mut()
                .filter(|e| e.conditions.ready && out.contains_key(&EndpointId::of(id, e.address)))
                .collect();
            if failing.len() * 2 > ready {
                panicking.insert(id.clone());
                continue;
            }
            for endpoint in &mut failing {
                endpoint.conditions.ready = false;
            }
        }
        panicking
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::l4::testing::{backend, endpoints};

    const START: Duration = Duration::from_secs(1_000);

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address and port")
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_endpoint_is_out_for_longer_each_time_until_it_is_trusted_again() {
        let mut ejections = Ejections::default();
        let one = at("10.0.0.1:80");
        let mut eject = |now| ejections.eject(one, Failing::Connections, now, 0);
        assert_eq!(eject(START), Some(secs(10)));
        assert_eq!(eject(START + secs(9)), None, "out already");
        assert_eq!(eject(START + secs(10)), Some(secs(20)));
        assert_eq!(eject(START + secs(49)), Some(secs(30)), "not trusted yet");
        assert_eq!(eject(START + secs(129)), Some(secs(10)), "trusted again");
        let mut now = START + secs(139);
        for _ in 0..40 {
            now += ejections
                .eject(one, Failing::Connections, now, 0)
                .expect("it is back");
        }
        let pause = ejections.eject(one, Failing::Connections, now, u64::MAX);
        let longest = LONGEST + LONGEST / 4;
        assert!(
            pause.is_some_and(|p| p > LONGEST && p <= longest),
            "{pause:?}"
        );
    }

    #[test]
    fn it_comes_back_by_itself() {
        let mut ejections = Ejections::default();
        let [one, two] = ["10.0.0.1:80", "10.0.0.2:80"].map(at);
        ejections.eject(one, Failing::Connections, START, 0);
        ejections.eject(two, Failing::Answers, START + secs(5), 0);
        let both = [(one, Failing::Connections), (two, Failing::Answers)]
            .map(|(endpoint, why)| (EndpointId::tcp(endpoint), why));
        assert_eq!(ejections.out(START + secs(9)), BTreeMap::from(both));
        assert_eq!(
            ejections.next_return(START + secs(9)),
            Some(START + secs(10))
        );
        assert_eq!(ejections.out(START + secs(10)), BTreeMap::from([both[1]]));
        assert_eq!(
            ejections.next_return(START + secs(10)),
            Some(START + secs(15))
        );
        assert!(ejections.out(START + secs(15)).is_empty());
        assert_eq!(ejections.next_return(START + secs(15)), None);
    }

    #[test]
    fn at_most_half_of_a_backend_is_left_out() {
        let lists: [(&str, &[&str]); 3] = [
            ("many", &["10.0.0.1:80", "10.0.0.2:80"]),
            ("most", &["10.0.0.1:80", "10.0.0.3:80", "10.0.0.4:80"]),
            ("one", &["10.0.0.1:80"]),
        ];
        let all = endpoints(&lists);
        let out =
            ["10.0.0.1:80", "10.0.0.3:80"].map(|e| (EndpointId::tcp(at(e)), Failing::Answers));
        let mut left = all.clone();
        let panicking = left.leave_out(&BTreeMap::from(out));
        let ready = |name| left.ready(&backend(name)).collect::<Vec<_>>();
        assert_eq!(ready("many"), [at("10.0.0.2:80")]);
        assert_eq!(ready("most").len(), 3);
        assert_eq!(ready("one").len(), 1);
        assert_eq!(panicking, BTreeSet::from([backend("most"), backend("one")]));
        let mut same = all.clone();
        assert!(same.leave_out(&BTreeMap::new()).is_empty());
        assert_eq!(same, all);
    }
}
