//! Rows and counts as text or JSON.

use anyhow::Result;
use gateway_core::l4::flows::{Passed, Row};
use serde::Serialize;

use super::Hosts;
use crate::{
    cli::{By, Format},
    inspect::names::Names,
    table::Table,
};

/// For what there is not, or is not known.
const NONE: &str = "-";

/// A row with the names of its service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    #[serde(flatten)]
    row: &'a Row,
    /// As routes and listeners have it, which may be a pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    /// Some of them, where several have the route.
    #[serde(skip_serializing_if = "Option::is_none")]
    listeners: Option<&'a [String]>,
}

/// `names` are those of services of TLS passthrough, `hosts` the server names.
pub(super) fn rows(rows: &[Row], names: &Names, hosts: &Hosts, output: Format) -> Result<()> {
    let all = rows.iter().map(|row| named(row, names, hosts));
    if output == Format::Json {
        let all: Vec<_> = all.collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    let (mut flows, mut passed) = (flows_table(), passed_table());
    for named in all {
        match named.row.tls {
            None => flows.push(flow(named.row)),
            Some(tls) => passed.push(connection(&named, tls)),
        }
    }
    if !flows.is_empty() || passed.is_empty() {
        print!("{flows}");
    }
    if !passed.is_empty() {
        let apart = if flows.is_empty() { "" } else { "\n" };
        print!("{apart}TLS passthrough\n{passed}");
    }
    Ok(())
}

fn named<'a>(row: &'a Row, names: &'a Names, hosts: &Hosts) -> Named<'a> {
    let service = row.tls.and_then(|_| names.service(row.connection.service));
    let host = row.tls.and_then(|tls| hosts.get(&tls.name));
    Named {
        row,
        server_name: host.map(ToString::to_string),
        route: service.map(|s| s.route.as_str()),
        listeners: service.map(|s| s.listeners.as_slice()),
    }
}

fn flows_table() -> Table<7> {
    Table::new([
        "PROTOCOL", "CLIENT", "ADDRESS", "BACKEND", "FAR", "STATE", "IDLE",
    ])
}

fn flow(row: &Row) -> [String; 7] {
    [
        row.connection.protocol.as_str().to_owned(),
        row.connection.client.to_string(),
        row.connection.address.to_string(),
        row.connection.backend.to_string(),
        row.far.to_string(),
        row.state.as_str().to_owned(),
        format!("{}s", row.idle),
    ]
}

/// The server name or pattern that this stands for.
pub(super) fn host(hosts: &Hosts, id: u64) -> String {
    hosts
        .get(&id)
        .map_or_else(|| NONE.to_owned(), ToString::to_string)
}

fn passed_table() -> Table<12> {
    Table::new([
        "CLIENT",
        "ADDRESS",
        "NAME",
        "LISTENER",
        "ROUTE",
        "BACKEND",
        "FAR",
        "STATE",
        "AGE",
        "IDLE",
        "CLIENT SENT",
        "BACKEND SENT",
    ])
}

fn connection(named: &Named<'_>, tls: Passed) -> [String; 12] {
    let row = named.row;
    let listeners = match named.listeners {
        None | Some([]) => NONE.to_owned(),
        Some(listeners) => listeners.join(","),
    };
    [
        row.connection.client.to_string(),
        row.connection.address.to_string(),
        named.server_name.clone().unwrap_or_else(|| NONE.to_owned()),
        listeners,
        named.route.unwrap_or(NONE).to_owned(),
        row.connection.backend.to_string(),
        row.far.to_string(),
        row.state.as_str().to_owned(),
        format!("{}s", tls.age),
        format!("{}s", row.idle),
        format!("{} bytes", tls.client_bytes),
        format!("{} bytes", tls.backend_bytes),
    ]
}

pub(super) fn counts(counts: &[(String, u64)], by: By, output: Format) -> Result<()> {
    if output == Format::Json {
        let rows: Vec<_> = counts
            .iter()
            .map(|(of, flows)| serde_json::json!({ "of": of, "flows": flows }))
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let mut table = Table::new([
        match by {
            By::Client => "CLIENT",
            By::Address => "ADDRESS",
            By::Backend => "BACKEND",
            By::Name => "NAME",
        },
        "FLOWS",
    ]);
    table.extend(
        counts
            .iter()
            .map(|(of, flows)| [of.clone(), flows.to_string()]),
    );
    print!("{table}");
    Ok(())
}
