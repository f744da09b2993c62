//! Statuses: conditions that are as wished by name only, the others in full.

use gateway_core::api::ParentRef;
use gateway_core::status::{
    AncestorStatus, Condition, GatewayStatus, ListenerSetStatus, ListenerStatus, ParentStatus,
    PolicyStatus, PoolStatus, PoolUsage, Reported, RouteStatus, Statuses,
};
use gateway_core::{api::Kind, verdict::Truth};

pub(super) fn lines(statuses: &Statuses) -> Vec<String> {
    let mut lines = Vec::new();
    for class in &statuses.classes {
        let head = format!("{} {}{}", class.kind, class.name, foreign(class.ours));
        described(&mut lines, "", &head, &class.status.conditions);
    }
    for reported in &statuses.pools {
        pool(&mut lines, reported);
    }
    for reported in &statuses.gateways {
        gateway(&mut lines, reported);
    }
    for reported in &statuses.listener_sets {
        listener_set(&mut lines, reported);
    }
    for reported in &statuses.routes {
        route(&mut lines, reported);
    }
    for reported in &statuses.policies {
        policy(&mut lines, reported);
    }
    lines
}

fn pool(lines: &mut Vec<String>, pool: &Reported<PoolStatus>) {
    let PoolStatus {
        used,
        ipv4,
        ipv6,
        conflicts,
        conditions,
    } = &pool.status;
    let mut head = format!("{} {}, used {used}", pool.kind, pool.name);
    for (family, usage) in [("IPv4", ipv4), ("IPv6", ipv6)] {
        if let Some(PoolUsage { total, used, free }) = usage {
            head.push_str(&format!(", {family} {total} = {used} used + {free} free"));
        }
    }
    if !conflicts.is_empty() {
        head.push_str(&format!(", conflicts with {}", conflicts.join(" ")));
    }
    described(lines, "", &head, conditions);
}

fn gateway(lines: &mut Vec<String>, gateway: &Reported<GatewayStatus>) {
    let status = &gateway.status;
    let addresses: Vec<&str> = status.addresses.iter().map(|a| &*a.value).collect();
    let mut head = format!("{} {}", gateway.kind, gateway.object_name());
    head.push_str(foreign(gateway.ours));
    if !addresses.is_empty() {
        head.push_str(&format!(" at {}", addresses.join(" ")));
    }
    if let Some(sets) = status.attached_listener_sets {
        head.push_str(&format!(", ListenerSets: {sets}"));
    }
    described(lines, "", &head, &status.conditions);
    listeners(lines, &status.listeners);
}

fn listener_set(lines: &mut Vec<String>, set: &Reported<ListenerSetStatus>) {
    let head = format!("{} {}{}", set.kind, set.object_name(), foreign(set.ours));
    described(lines, "", &head, &set.status.conditions);
    listeners(lines, &set.status.listeners);
}

fn listeners(lines: &mut Vec<String>, listeners: &[ListenerStatus]) {
    for ListenerStatus {
        name,
        supported_kinds,
        attached_routes,
        conditions,
    } in listeners
    {
        let kinds: Vec<&str> = supported_kinds.iter().map(|k| &*k.kind).collect();
        let kinds = kinds.join(" ");
        let head = format!("listener {name} [{kinds}] routes: {attached_routes}");
        described(lines, "  ", &head, conditions);
    }
}

fn route(lines: &mut Vec<String>, route: &Reported<RouteStatus>) {
    lines.push(format!("{} {}", route.kind, route.object_name()));
    if route.status.parents.is_empty() {
        lines.push("  no parents".to_owned());
    }
    for ParentStatus {
        parent_ref,
        conditions,
        ours,
        ..
    } in &route.status.parents
    {
        let kind = match parent_ref.parent() {
            Some(Kind::ListenerSet) => "ListenerSet ",
            _ => "",
        };
        let head = format!("parent {kind}{}{}", object(parent_ref), foreign(*ours));
        described(lines, "  ", &head, conditions);
    }
}

fn policy(lines: &mut Vec<String>, policy: &Reported<PolicyStatus>) {
    lines.push(format!("{} {}", policy.kind, policy.object_name()));
    if policy.status.ancestors.is_empty() {
        lines.push("  no ancestors".to_owned());
    }
    for AncestorStatus {
        ancestor_ref,
        conditions,
        ours,
        ..
    } in &policy.status.ancestors
    {
        let (kind, of) = (&ancestor_ref.kind, object(ancestor_ref));
        let head = format!("{kind} {of}{}", foreign(*ours));
        described(lines, "  ", &head, conditions);
    }
}

fn object(parent: &ParentRef) -> String {
    let mut text = String::new();
    if let Some(namespace) = &parent.namespace {
        text.push_str(&format!("{namespace}/"));
    }
    text.push_str(&parent.name);
    if let Some(section) = &parent.section_name {
        text.push_str(&format!(" section {section}"));
    }
    if let Some(port) = parent.port {
        text.push_str(&format!(" port {port}"));
    }
    text
}

fn described(lines: &mut Vec<String>, indent: &str, head: &str, conditions: &[Condition]) {
    let (plain, told): (Vec<_>, Vec<_>) = conditions.iter().partition(|c| c.is_plain());
    let plain: Vec<String> = plain.iter().map(|c| brief(c)).collect();
    let plain = match plain.is_empty() {
        true => "-".to_owned(),
        false => plain.join(", "),
    };
    lines.push(format!("{indent}{head}: {plain}"));
    for c in told {
        let mark = if c.as_wished() { ' ' } else { '!' };
        let (kind, status, reason) = (c.kind, c.status, &c.reason);
        lines.push(format!(
            "{indent}{mark} {kind} {status} {reason}: {}",
            c.message
        ));
    }
}

fn foreign(ours: bool) -> &'static str {
    if ours { "" } else { " (not ours)" }
}

/// A condition that is as wished.
fn brief(condition: &Condition) -> String {
    match condition.status {
        Truth::True => condition.kind.to_string(),
        Truth::False | Truth::Unknown => format!("not {}", condition.kind),
    }
}
