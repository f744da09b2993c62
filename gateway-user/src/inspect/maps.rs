//! `xdp-gateway maps`: frontends, services and backends, with what went where.

mod report;
#[cfg(test)]
mod tests;

use anyhow::Result;

use self::report::{AddressRow, BackendRow, FrontendRow, NameRow, Report, ServiceRow, report};
use super::names::Names;
use crate::{
    bpf::View,
    cli::{self, Format},
    table::Table,
};

/// Prints what the maps hold.
///
/// # Errors
/// Where nothing is pinned, or without the privileges for it.
pub async fn maps(options: &cli::Maps) -> Result<()> {
    let view = View::open(&options.place.pin_dir)?;
    let names = Names::ask(options.place.admin).await;
    let (tables, traffic) = (view.tables()?, view.stats().backends()?);
    let report = report(&tables, &traffic, &names);
    match options.output {
        Format::Table => print!("{}", render(&report)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(())
}

fn render(report: &Report) -> String {
    let frontends = frontends(&report.frontends);
    let names = match report.names.as_slice() {
        [] => String::new(),
        rows => format!("\nServer names\n{}", server_names(rows)),
    };
    let services = services(&report.services);
    let backends = backends(&report.backends);
    let addresses = addresses(&report.addresses);
    format!(
        "Frontends\n{frontends}{names}\nServices\n{services}\nBackends\n{backends}\nAddresses\n{addresses}"
    )
}

fn frontends(rows: &[FrontendRow]) -> Table<7> {
    let mut table = Table::new([
        "ADDRESS",
        "PROTOCOL",
        "SERVED BY",
        "SERVICE",
        "GATEWAY",
        "LISTENERS",
        "ROUTES",
    ]);
    table.extend(rows.iter().map(|row| {
        [
            row.address.to_string(),
            row.protocol.as_str().to_owned(),
            row.served_by.to_owned(),
            row.service.map_or("-".to_owned(), |id| id.to_string()),
            row.gateway.clone().unwrap_or("-".to_owned()),
            listed(&row.listeners),
            listed(&row.routes),
        ]
    }));
    table
}

fn server_names(rows: &[NameRow]) -> Table<3> {
    let mut table = Table::new(["ADDRESS", "NAME", "SERVICE"]);
    table.extend(rows.iter().map(|row| {
        [
            row.address.map_or("-".to_owned(), |at| at.to_string()),
            row.name.clone(),
            match row.service {
                Some(id) => id.to_string(),
                None => row.served_by.to_owned(),
            },
        ]
    }));
    table
}

fn services(rows: &[ServiceRow]) -> Table<4> {
    let mut table = Table::new(["ID", "BACKENDS", "SLOTS", "REFUSED"]);
    table.extend(rows.iter().map(|row| {
        [
            row.id.to_string(),
            row.backends.to_string(),
            row.slots.to_string(),
            percent(row.refused),
        ]
    }));
    table
}

fn backends(rows: &[BackendRow]) -> Table<11> {
    let mut table = Table::new([
        "ID",
        "SERVICE",
        "ADDRESS",
        "NAME",
        "WEIGHT",
        "FAR",
        "NEW FLOWS",
        "TRAFFIC",
        "FLOWS",
        "REQUESTS",
        "REPLIES",
    ]);
    table.extend(rows.iter().map(|row| {
        [
            row.id.to_string(),
            row.service.to_string(),
            row.address.to_string(),
            row.name.clone().unwrap_or("-".to_owned()),
            match row.draining {
                true => "draining".to_owned(),
                false => row.weight.to_string(),
            },
            match (row.far, row.node) {
                (Some(mode), Some(node)) => format!("{mode} to {node}"),
                (mode, _) => mode.unwrap_or("-").to_owned(),
            },
            percent(row.share),
            row.traffic.map_or("-".to_owned(), percent),
            row.flows.to_string(),
            traffic(row.request_packets, row.request_bytes),
            traffic(row.reply_packets, row.reply_bytes),
        ]
    }));
    table
}

fn addresses(rows: &[AddressRow]) -> Table<2> {
    let mut table = Table::new(["ADDRESS", "ANSWERED BY"]);
    table.extend(rows.iter().map(|row| {
        let by = if row.owned {
            "this node"
        } else {
            "another node"
        };
        [row.address.to_string(), by.to_owned()]
    }));
    table
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "-".to_owned();
    }
    names.join(",")
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn traffic(packets: u64, bytes: u64) -> String {
    format!("{packets} packets, {bytes} bytes")
}
