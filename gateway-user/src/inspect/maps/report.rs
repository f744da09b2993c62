//! The maps joined with each other and with names.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use gateway_common::abi::{
    BY_DSR, BY_SNAT, BackendStats, KIND_L4, KIND_PROXY, KIND_TLS, TLS_NOBODY, TLS_PROXY,
};
use gateway_core::{
    l4::{Tables, share::shares},
    plan::{L4Mode, Transport},
};
use serde::Serialize;

use crate::inspect::names::{FrontendNames, Names, transport};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Report {
    pub frontends: Vec<FrontendRow>,
    pub names: Vec<NameRow>,
    pub services: Vec<ServiceRow>,
    pub backends: Vec<BackendRow>,
    pub addresses: Vec<AddressRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FrontendRow {
    pub address: SocketAddr,
    pub protocol: Transport,
    /// `xdp`, `proxy`, or `xdp by name`: what no server name leads elsewhere is the proxy's, or is
    /// reset (`xdp by name or reset`).
    pub served_by: &'static str,
    /// Of `xdp`.
    pub service: Option<u32>,
    /// `None` without a daemon.
    pub gateway: Option<String>,
    pub listeners: Vec<String>,
    pub routes: Vec<String>,
}

/// Where a server name of TLS leads.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NameRow {
    /// `None` where no frontend has the name's group: one is about to come, or has just gone.
    pub address: Option<SocketAddr>,
    /// Such as `a.example`, `*.example` or `*`.
    pub name: String,
    pub service: Option<u32>,
    /// `xdp`, `proxy`, or `nobody`: its listener has no route for it.
    pub served_by: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ServiceRow {
    pub id: u32,
    pub backends: u32,
    /// Of its lookup table.
    pub slots: u32,
    /// Share of new flows that is refused, from 0 to 1.
    pub refused: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BackendRow {
    pub id: u32,
    pub service: u32,
    pub address: SocketAddr,
    /// Service and port; `None` without a daemon.
    pub name: Option<String>,
    pub weight: u32,
    /// It will not come back: its flows have a deadline.
    pub draining: bool,
    /// On another node: `SNAT`, or `DSR` with that node's address.
    pub far: Option<&'static str>,
    pub node: Option<IpAddr>,
    /// Of the service's new flows, from 0 to 1.
    pub share: f64,
    /// Of the service's bytes so far, from 0 to 1; `None` where there were none.
    pub traffic: Option<f64>,
    /// Opened so far.
    pub flows: u64,
    pub request_packets: u64,
    pub request_bytes: u64,
    pub reply_packets: u64,
    pub reply_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct AddressRow {
    pub address: IpAddr,
    /// This node answers for it.
    pub owned: bool,
}

type Traffic = BTreeMap<u32, BackendStats>;

pub(super) fn report(tables: &Tables, traffic: &Traffic, names: &Names) -> Report {
    let frontends = tables.frontends.iter().map(|(key, value)| {
        let named = names.frontend(key);
        let l4 = value.kind == KIND_L4;
        FrontendRow {
            address: SocketAddr::new(key.address.into(), key.port as u16),
            protocol: transport(key.protocol),
            served_by: match value.kind {
                KIND_PROXY => "proxy",
                KIND_TLS if value.resets != 0 => "xdp by name or reset",
                KIND_TLS => "xdp by name",
                _ => "xdp",
            },
            service: l4.then_some(value.service),
            gateway: named.map(|n| n.gateway.clone()),
            listeners: named.map(|n| n.listeners.clone()).unwrap_or_default(),
            routes: named.map(|n| n.routes.clone()).unwrap_or_default(),
        }
    });
    let services = tables.services.iter().map(|(id, service)| ServiceRow {
        id: *id,
        backends: service.backends,
        slots: service.maglev_size,
        refused: match service.maglev_size {
            0 => 1.0,
            _ => shares(tables, service).get(&0).copied().unwrap_or_default(),
        },
    });
    let addresses = tables.addresses.iter().map(|(address, value)| AddressRow {
        address: (*address).into(),
        owned: value.is_owned(),
    });
    Report {
        frontends: frontends.collect(),
        names: server_names(tables),
        services: services.collect(),
        backends: backends(tables, traffic, names),
        addresses: addresses.collect(),
    }
}

fn server_names(tables: &Tables) -> Vec<NameRow> {
    let tls = tables.frontends.iter().filter(|(_, f)| f.kind == KIND_TLS);
    let of_group: BTreeMap<u32, SocketAddr> = tls
        .map(|(key, f)| {
            (
                f.service,
                SocketAddr::new(key.address.into(), key.port as u16),
            )
        })
        .collect();
    let rows = tables.names.iter().map(|(name, target)| {
        let (service, served_by) = match target.service {
            TLS_PROXY => (None, "proxy"),
            TLS_NOBODY => (None, "nobody"),
            id => (Some(id), "xdp"),
        };
        NameRow {
            address: of_group.get(&name.group().into()).copied(),
            name: name.pattern().to_string(),
            service,
            served_by,
        }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| (a.address, &a.name).cmp(&(b.address, &b.name)));
    rows
}

/// By service id.
fn names_of_services<'n>(tables: &Tables, names: &'n Names) -> BTreeMap<u32, &'n FrontendNames> {
    let named = |kind: u32| {
        let of_kind = tables.frontends.iter().filter(move |(_, f)| f.kind == kind);
        of_kind.filter_map(|(key, f)| Some((f.service, names.frontend(key)?)))
    };
    let groups: BTreeMap<u32, &FrontendNames> = named(KIND_TLS).collect();
    let by_name = tables.names.iter().filter_map(|(name, target)| {
        let names = groups.get(&name.group().into())?;
        Some((target.service, *names))
    });
    named(KIND_L4).chain(by_name).collect()
}

fn backends(tables: &Tables, traffic: &Traffic, names: &Names) -> Vec<BackendRow> {
    let of_service = names_of_services(tables, names);
    let shares: BTreeMap<u32, BTreeMap<u32, f64>> = tables
        .services
        .iter()
        .map(|(id, service)| (*id, shares(tables, service)))
        .collect();
    let bytes = |id: &u32| {
        traffic
            .get(id)
            .map_or(0, |t| t.request_bytes + t.reply_bytes)
    };
    let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
    for (id, backend) in &tables.backends {
        *sums.entry(backend.service).or_default() += bytes(id);
    }
    let rows = tables.backends.iter().map(|(id, backend)| {
        let address = SocketAddr::new(backend.address.into(), backend.port as u16);
        let stats = traffic.get(id).copied().unwrap_or_default();
        let sum = sums.get(&backend.service).copied().unwrap_or_default();
        let share = shares.get(&backend.service).and_then(|s| s.get(id));
        let name = of_service.get(&backend.service);
        BackendRow {
            id: *id,
            service: backend.service,
            address,
            name: name.and_then(|n| n.service(address)).map(str::to_owned),
            weight: backend.weight,
            draining: backend.draining != 0,
            far: match backend.far {
                BY_SNAT => Some(L4Mode::Snat.as_str()),
                BY_DSR => Some(L4Mode::Dsr.as_str()),
                _ => None,
            },
            node: (backend.far == BY_DSR).then(|| backend.node.into()),
            share: share.copied().unwrap_or_default(),
            traffic: (sum > 0).then(|| bytes(id) as f64 / sum as f64),
            flows: stats.flows,
            request_packets: stats.request_packets,
            request_bytes: stats.request_bytes,
            reply_packets: stats.reply_packets,
            reply_bytes: stats.reply_bytes,
        }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| (row.service, row.id));
    rows
}
