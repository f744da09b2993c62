//! `xdp-gateway flows`: connections in the kernel's tables.

mod show;

use std::{
    collections::{BTreeMap, BinaryHeap, HashMap},
    net::{IpAddr, SocketAddr},
};

use anyhow::{Result, bail};
use gateway_core::{
    l4::{
        flows::{End, Filter, Row, To},
        names::NameKey,
        trace::Clock,
    },
    plan::HostPattern,
};

use super::{follow::follow, names::Names};
use crate::{
    bpf::View,
    cli::{self, By},
};

/// Lists, counts or follows flows.
///
/// # Errors
/// Where nothing is pinned, without the privileges for it, or for a backend that nobody knows.
pub async fn flows(options: &cli::Flows) -> Result<()> {
    let view = View::open(&options.place.pin_dir)?;
    let filter = filter(options).await?;
    if options.follow {
        return follow(view, &filter, options).await;
    }
    let clock = view.clock()?;
    match options.by {
        Some(by) => {
            let counts = count(&view, &filter, clock, by)?;
            show::counts(&top(counts, options.top), by, options.output)
        }
        None => {
            let rows = list(&view, &filter, clock, options.top)?;
            let (names, hosts) = match rows.iter().any(|row| row.tls.is_some()) {
                true => (Names::ask(options.place.admin).await, hosts(&view)?),
                false => Default::default(),
            };
            show::rows(&rows, &names, &hosts, options.output)
        }
    }
}

/// Server names and patterns of the data path, by what stands for them in connections.
type Hosts = BTreeMap<u64, HostPattern>;

fn hosts(view: &View) -> Result<Hosts> {
    let names = view.names()?;
    Ok(names.keys().map(|key| (key.id(), key.pattern())).collect())
}

/// Shows flows and connections of TLS passthrough that `filter` takes, in no order.
pub(super) fn each(
    view: &View,
    filter: &Filter,
    clock: Clock,
    mut show: impl FnMut(Row),
) -> Result<()> {
    let mut take = |row: Option<Row>| {
        if let Some(row) = row.filter(|row| filter.takes(row)) {
            show(row);
        }
    };
    view.flows()
        .each(|key, flow| take(Row::new(key, flow, clock)))?;
    view.splices()
        .each(|key, splice| take(Some(Row::of_splice(key, splice, clock))))
}

async fn filter(options: &cli::Flows) -> Result<Filter> {
    Ok(Filter {
        clients: options.clients.clone(),
        addresses: options.addresses.clone(),
        ports: options.ports.clone(),
        protocol: options.protocol.map(Into::into),
        backends: backends(options).await?,
        names: ids(&options.names),
    })
}

/// What stands for names in connections.
fn ids(names: &[HostPattern]) -> Vec<u64> {
    let keys = names.iter().filter_map(|name| NameKey::new(0, name));
    keys.map(|key| key.id()).collect()
}

/// `None` for all.
async fn backends(options: &cli::Flows) -> Result<Option<Vec<To>>> {
    if options.backends.is_empty() {
        return Ok(None);
    }
    let mut names = None;
    let mut all = Vec::new();
    for text in &options.backends {
        if let Some(to) = endpoint(text) {
            all.push(to);
            continue;
        }
        if names.is_none() {
            names = Some(Names::ask(options.place.admin).await);
        }
        let named = names.iter().flat_map(|n| of_service(n, text));
        let before = all.len();
        all.extend(named);
        if all.len() == before {
            bail!(
                "there is no backend {text}: write IP, IP:PORT, NAMESPACE/SERVICE or \
                 NAMESPACE/SERVICE:PORT, as `xdp-gateway maps` shows them"
            );
        }
    }
    Ok(Some(all))
}

fn endpoint(text: &str) -> Option<To> {
    if let Ok(at) = text.parse::<SocketAddr>() {
        let (ip, port) = (at.ip(), Some(at.port()));
        return Some(To { ip, port });
    }
    let ip = text.parse::<IpAddr>().ok()?;
    Some(To { ip, port: None })
}

/// Endpoints of a Service, of all ports unless one is named.
fn of_service<'a>(names: &'a Names, text: &'a str) -> impl Iterator<Item = To> + 'a {
    let fits = move |name: &str| match name.strip_prefix(text) {
        Some(rest) => rest.is_empty() || rest.starts_with([':', '/']),
        None => false,
    };
    let all = names.frontends.iter().flat_map(|f| &f.backends);
    all.filter(move |b| fits(&b.service)).map(|b| To {
        ip: b.address.ip(),
        port: Some(b.address.port()),
    })
}

/// The latest first; of more than `top`, only so many are ever held.
fn list(view: &View, filter: &Filter, clock: Clock, top: Option<usize>) -> Result<Vec<Row>> {
    let limit = top.unwrap_or(usize::MAX);
    let mut latest: BinaryHeap<Latest> = BinaryHeap::new();
    each(view, filter, clock, |row| {
        latest.push(Latest(row));
        if latest.len() > limit {
            latest.pop();
        }
    })?;
    let mut rows: Vec<Row> = latest.into_sorted_vec().into_iter().map(|l| l.0).collect();
    rows.dedup_by_key(|row| row.connection);
    Ok(rows)
}

/// Greater: idle for longer.
struct Latest(Row);

impl Latest {
    fn key(&self) -> (u64, gateway_core::l4::flows::Connection) {
        (self.0.idle, self.0.connection)
    }
}

impl PartialEq for Latest {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Latest {}

impl PartialOrd for Latest {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Latest {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

type Counts = HashMap<String, u64>;

fn count(view: &View, filter: &Filter, clock: Clock, by: By) -> Result<Counts> {
    let mut counts: HashMap<Group, u64> = HashMap::new();
    each(view, filter, clock, |row| {
        let of = row.connection;
        let group = match by {
            By::Client => Group::Client(of.client.ip()),
            By::Address => Group::End(End::At(of.address), of.protocol.as_str()),
            By::Backend => Group::End(of.backend, of.protocol.as_str()),
            By::Name => Group::Name(row.tls.map_or(0, |tls| tls.name)),
        };
        *counts.entry(group).or_default() += 1;
    })?;
    let hosts = match by {
        By::Name => hosts(view)?,
        By::Client | By::Address | By::Backend => Hosts::new(),
    };
    let mut named = Counts::new();
    for (group, count) in counts {
        let name = match group {
            Group::Client(ip) => ip.to_string(),
            Group::End(at, protocol) => format!("{at}/{protocol}"),
            Group::Name(id) => show::host(&hosts, id),
        };
        *named.entry(name).or_default() += count;
    }
    Ok(named)
}

#[derive(PartialEq, Eq, Hash)]
enum Group {
    Client(IpAddr),
    End(End, &'static str),
    /// As `Passed::name`.
    Name(u64),
}

/// The most first, then by name.
fn top(counts: Counts, limit: Option<usize>) -> Vec<(String, u64)> {
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|(a, one), (b, two)| two.cmp(one).then_with(|| a.cmp(b)));
    sorted.truncate(limit.unwrap_or(usize::MAX));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::names::{BackendNames, FrontendNames};

    #[test]
    fn a_service_stands_for_its_endpoints() {
        let backend = |host, service: &str| BackendNames {
            address: ([10, 0, 0, host], 53).into(),
            service: service.into(),
        };
        let names = Names {
            frontends: vec![FrontendNames {
                address: ([203, 0, 113, 1], 53).into(),
                protocol: gateway_core::plan::Transport::Udp,
                gateway: "default/gw".into(),
                listeners: Vec::new(),
                routes: Vec::new(),
                backends: vec![
                    backend(1, "default/dns:53/udp"),
                    backend(2, "default/dns-two:53/udp"),
                ],
            }],
            ..Names::default()
        };
        let hosts = |text| -> Vec<String> {
            of_service(&names, text)
                .map(|to| to.ip.to_string())
                .collect()
        };
        assert_eq!(hosts("default/dns"), ["10.0.0.1"]);
        assert_eq!(hosts("default/dns:53"), ["10.0.0.1"]);
        assert_eq!(hosts("default/dns-two"), ["10.0.0.2"]);
        assert!(hosts("default/d").is_empty());
    }

    #[test]
    fn the_most_come_first_and_no_more_than_asked_for() {
        let counts = [("b", 2), ("c", 9), ("a", 2)].map(|(of, n)| (of.to_owned(), n));
        let sorted = top(counts.into(), Some(2));
        assert_eq!(sorted, [("c".to_owned(), 9), ("a".to_owned(), 2)]);
    }

    #[test]
    fn endpoints_are_addresses_with_or_without_a_port() {
        let port = |text| endpoint(text).map(|to| to.port);
        assert_eq!(port("10.0.0.1"), Some(None));
        assert_eq!(port("10.0.0.1:53"), Some(Some(53)));
        assert_eq!(port("[fd00::1]:53"), Some(Some(53)));
        assert_eq!(port("fd00::1"), Some(None));
        assert_eq!(port("default/dns"), None);
    }
}
