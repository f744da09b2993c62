//! What users are told when a status changes: conditions that turn bad, and back.

use serde_json::Value as Json;

use super::Condition;
use crate::{api::Kind, verdict::Truth};

/// Something that a user should know about an object; becomes a Kubernetes Event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// Whether somebody has to act.
    pub warning: bool,
    /// The condition's type, or what was done when it was found.
    pub action: &'static str,
    /// The condition's.
    pub reason: String,
    /// The condition's message, after the part of the object that it is about.
    pub message: String,
}

/// Condition with the part of the object that it belongs to, empty for the object itself.
type Placed = (String, Condition);

/// What `new` has to tell to somebody who knows `old`, both a `status`. The same pair tells the
/// same, and two equal statuses tell nothing: it does not matter who looks, or how often.
pub(super) fn notices(old: &Json, new: &Json, controller: &str) -> Vec<Notice> {
    let before = conditions(old, controller);
    let known = |part: &str, kind| {
        let mut found = before.iter().filter(|(p, c)| p == part && c.kind == kind);
        found.next().map(|(_, condition)| condition)
    };
    let told = conditions(new, controller)
        .into_iter()
        .filter_map(|(part, condition)| {
            let before = known(&part, condition.kind);
            notice(&part, &condition, before)
        });
    told.collect()
}

fn notice(part: &str, now: &Condition, before: Option<&Condition>) -> Option<Notice> {
    let text = |what: &str| match part {
        "" => what.to_owned(),
        part => format!("{part}: {what}"),
    };
    let was_bad = before.is_some_and(|c| !c.as_wished() && c.status != Truth::Unknown);
    let told = before.is_some_and(|c| {
        (c.status, &c.reason, &c.message) == (now.status, &now.reason, &now.message)
    });
    let message = match (now.as_wished(), was_bad) {
        (true, true) => text(&format!("{} is {} again", now.kind, now.status)),
        (true, false) => return None,
        // Another condition tells the whole.
        (false, _) if now.refers_to_another() => return None,
        (false, _) if told => return None,
        (false, _) => text(&now.message),
    };
    Some(Notice {
        warning: !now.as_wished(),
        action: now.kind.as_str(),
        reason: now.reason.to_string(),
        message,
    })
}

/// Conditions of a status that are of our making.
fn conditions(status: &Json, controller: &str) -> Vec<Placed> {
    let mut out = Vec::new();
    collect("", status, &mut out);
    for listener in list(status, "listeners") {
        let name = listener["name"].as_str().unwrap_or_default();
        collect(&format!("listener {name}"), listener, &mut out);
    }
    for parent in list(status, "parents") {
        if parent["controllerName"] == controller {
            collect(&describe("parent", &parent["parentRef"]), parent, &mut out);
        }
    }
    for ancestor in list(status, "ancestors") {
        if ancestor["controllerName"] == controller {
            let part = describe("ancestor", &ancestor["ancestorRef"]);
            collect(&part, ancestor, &mut out);
        }
    }
    out
}

fn collect(part: &str, holder: &Json, out: &mut Vec<Placed>) {
    for condition in list(holder, "conditions") {
        // Others may be of types that we do not know.
        if let Ok(condition) = serde_json::from_value(condition.clone()) {
            out.push((part.to_owned(), condition));
        }
    }
}

/// Such as `parent infra/web, listener http, port 80`.
fn describe(role: &str, parent: &Json) -> String {
    let text = |field: &str| parent[field].as_str();
    let mut out = format!("{role} ");
    if text("kind") == Some(Kind::ListenerSet.as_str()) {
        out.push_str("ListenerSet ");
    }
    if let Some(namespace) = text("namespace") {
        out.push_str(&format!("{namespace}/"));
    }
    out.push_str(text("name").unwrap_or_default());
    if let Some(section) = text("sectionName") {
        out.push_str(&format!(", listener {section}"));
    }
    if let Some(port) = parent["port"].as_i64() {
        out.push_str(&format!(", port {port}"));
    }
    out
}

fn list<'a>(holder: &'a Json, field: &str) -> impl Iterator<Item = &'a Json> {
    holder[field].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests;
