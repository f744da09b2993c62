//! The report as a person reads it.

use k8s_openapi::jiff::Timestamp;

use super::{
    certificates,
    conditions::ConditionRow,
    failing, far, pools,
    report::{AddressRow, AttachmentRow, GatewayRow, NodeRow, Report, SourceRow},
};
use crate::table::Table;

/// Says what [`Report::removals_held_back`] means, and what to do.
pub const HELD_BACK: &str = "something is broken since the start: what an earlier start left in \
                             the kernel is not removed until all of it can be read (see Problems)";

/// What it is at `now`: sections with aligned columns; those without content are left out.
pub fn render(report: &Report, now: Timestamp) -> String {
    let mut text = headline(report);
    let mut section = |title: &str, table: String| {
        if !table.is_empty() {
            text.push_str(&format!("\n{title}\n{table}"));
        }
    };
    section("Gateways", gateways(&report.gateways));
    section("Addresses", addresses(report));
    section(
        "Certificates",
        shown(&certificates::table(&report.certificates, now)),
    );
    section("Failing endpoints", failing::table(&report.failing));
    section("Address pools", shown(&pools::table(&report.pools)));
    section("Routes", routes(report));
    section("Backends", backends(report));
    section("Backends on other nodes", far::table(&report.far_backends));
    section("Programs in the kernel", attachments(report));
    section("Not served as asked", lines(&report.unserved));
    section("Problems", problems(report));
    section("Not as wished", conditions(&report.conditions));
    text
}

/// Conditions that are not as wished, each with what to do about it.
pub fn conditions(rows: &[ConditionRow]) -> String {
    let mut table = Table::new(["OBJECT", "CONDITION", "STATUS", "REASON", "WHAT TO DO"]);
    let wrong = rows.iter().filter(|row| !row.as_wished);
    table.extend(wrong.map(ConditionRow::cells));
    shown(&table)
}

fn headline(report: &Report) -> String {
    let state = if report.ready { "ready" } else { "not ready" };
    let mut line = format!("xdp-gateway {}: {state}\n", report.version);
    line.push_str(&source(&report.source));
    line.push_str(&node(&report.node));
    if let Some(failure) = &report.failure {
        line.push_str(&format!("the data path is behind: {failure}\n"));
    }
    if report.removals_held_back {
        line.push_str(&format!("{HELD_BACK}\n"));
    }
    line
}

fn source(source: &SourceRow) -> String {
    let mut text = String::new();
    if !source.from.is_empty() {
        text.push_str(&format!("objects from {}\n", source.from));
    }
    if !source.waiting_for.is_empty() {
        let kinds = source.waiting_for.join(", ");
        text.push_str(&format!(
            "nothing new is served until these have been listed: {kinds}\n"
        ));
    }
    for trouble in &source.troubles {
        let kinds = trouble.kinds.join(", ");
        text.push_str(&format!("cannot be watched: {kinds}: {}\n", trouble.why));
    }
    if !source.not_installed.is_empty() {
        let kinds = source.not_installed.join(", ");
        text.push_str(&format!("not installed in the API server: {kinds}\n"));
    }
    text
}

fn node(node: &NodeRow) -> String {
    let mut text = String::new();
    if !node.workers.value.is_empty() {
        let NodeRow {
            interfaces,
            workers,
            flows,
            ..
        } = node;
        text.push_str(&format!(
            "interfaces {interfaces}; workers {workers}; flows {flows}\n"
        ));
    }
    text.push_str(&lines(&node.without_effect));
    text
}

fn gateways(gateways: &[GatewayRow]) -> String {
    let mut table = Table::new([
        "GATEWAY",
        "CLASS",
        "ADDRESS",
        "LISTENER",
        "PROTOCOL",
        "PORT",
        "HOST",
        "ROUTES",
        "PROGRAMMED",
    ]);
    for gateway in gateways {
        let addresses = match gateway.addresses.as_slice() {
            [] => "none".to_owned(),
            addresses => addresses.join(", "),
        };
        if gateway.listeners.is_empty() {
            let [name, class] = [&gateway.name, &gateway.class].map(Clone::clone);
            let [none, routes] = ["-", "0"].map(str::to_owned);
            let blank = || none.clone();
            let programmed = yes_no(gateway.programmed);
            table.push([
                name,
                class,
                addresses,
                blank(),
                blank(),
                blank(),
                blank(),
                routes,
                programmed,
            ]);
            continue;
        }
        for (index, listener) in gateway.listeners.iter().enumerate() {
            let once = |text: &str| {
                if index == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            table.push([
                once(&gateway.name),
                once(&gateway.class),
                once(&addresses),
                listener.name.clone(),
                listener.protocol.clone(),
                listener.port.to_string(),
                or_any(&listener.hostname),
                listener.attached_routes.to_string(),
                yes_no(listener.programmed),
            ]);
        }
    }
    shown(&table)
}

fn addresses(report: &Report) -> String {
    let mut table = Table::new(["ADDRESS", "ANSWERED BY"]);
    let cells = |row: &AddressRow| [row.address.clone(), row.answered_by.clone()];
    table.extend(report.addresses.iter().map(cells));
    shown(&table)
}

fn routes(report: &Report) -> String {
    let mut table = Table::new(["ROUTE", "PARENT", "ACCEPTED"]);
    for route in &report.routes {
        for (index, parent) in route.parents.iter().enumerate() {
            let name = format!("{} {}", route.kind, route.name);
            let name = if index == 0 { name } else { String::new() };
            table.push([name, parent.parent.clone(), yes_no(parent.accepted)]);
        }
    }
    shown(&table)
}

fn backends(report: &Report) -> String {
    let mut table = Table::new(["ROUTE", "RULE", "BACKEND", "SHARE", "READY"]);
    table.extend(report.backends.iter().map(|row| {
        [
            row.route.clone(),
            row.rule.to_string(),
            row.backend.clone(),
            format!("{:.1} %", row.share * 100.0),
            format!("{}/{}", row.ready, row.total),
        ]
    }));
    shown(&table)
}

fn attachments(report: &Report) -> String {
    let mut table = Table::new(["INTERFACE", "HOOK", "MODE", "NOTE"]);
    let cells =
        |row: &AttachmentRow| [&row.interface, &row.hook, &row.mode, &row.note].map(Clone::clone);
    table.extend(report.attachments.iter().map(cells));
    shown(&table)
}

fn problems(report: &Report) -> String {
    report
        .problems
        .iter()
        .map(|problem| format!("{problem}\n"))
        .collect()
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn shown<const N: usize>(table: &Table<N>) -> String {
    if table.is_empty() {
        String::new()
    } else {
        table.to_string()
    }
}

fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn or_any(hostname: &str) -> String {
    if hostname.is_empty() { "any" } else { hostname }.to_owned()
}
