//! Which statuses have to be written to the API server, and how.
//!
//! Every write is a merge patch of the status subresource that holds the resource version of the
//! status it was made from. The API server refuses it (409 Conflict) if anything has been written
//! since, so that nothing of anybody else is ever overwritten. Server-side apply could not do
//! that: `status.parents` of a route is an atomic list, which has one owner as a whole.

use serde_json::{Value as Json, json};

use super::{
    Live, LiveStatuses, Notice, PolicyStatus, Reported, RouteStatus, Statuses, Subject,
    merge::{Merge, patch},
    notice::notices,
};
use crate::{api::Kind, name::ObjectName};

/// In whose name statuses are written, and when.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// As in `spec.controllerName` of our GatewayClasses: entries of routes with it are ours.
    pub controller: &'a str,
    /// For conditions that change now, in the form of RFC 3339.
    pub now: &'a str,
}

/// A change of the status of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub kind: Kind,
    pub name: ObjectName,
    pub api_version: String,
    pub uid: String,
    /// The version that the change was made from; of another one it must not be made.
    pub resource_version: String,
    /// The fields of `status` that change, each whole; `null` for those that go.
    pub status: Json,
    /// The object is not ours any more, and this takes back what we said about it.
    pub withdrawal: bool,
    /// What there is to tell about it once it is written.
    pub notices: Vec<Notice>,
}

/// The changes that bring the live statuses of our objects to `statuses`; none for those that say
/// so already. `former`: whether an object that is not ours was ours until now; its status is
/// withdrawn.
pub fn writes(
    statuses: &Statuses,
    live: &LiveStatuses,
    author: Author<'_>,
    former: impl Fn(&Live) -> bool,
) -> Vec<Write> {
    let wanted = wanted(statuses, &former, live, author.controller);
    let writes = wanted.filter_map(
        |Wanted {
             kind,
             name,
             live,
             status,
             withdrawal,
         }| {
            let merge = Merge {
                author,
                generation: live.generation,
            };
            let next = merge.status(&status, &live.status);
            let status = patch(&live.status, &next);
            (!status.is_empty()).then(|| Write {
                kind,
                notices: notices(&live.status, &next, author.controller),
                name,
                api_version: live.api_version.clone(),
                uid: live.uid.clone(),
                resource_version: live.resource_version.clone(),
                status: Json::Object(status),
                withdrawal,
            })
        },
    );
    writes.collect()
}

impl Write {
    pub fn key(&self) -> (Kind, ObjectName) {
        (self.kind, self.name.clone())
    }

    /// What an Event about it refers to.
    pub fn subject(&self) -> Subject {
        Subject {
            kind: self.kind,
            name: self.name.clone(),
            api_version: self.api_version.clone(),
            uid: self.uid.clone(),
        }
    }

    /// The body of the request.
    pub fn body(&self) -> Json {
        json!({
            "metadata": {"resourceVersion": self.resource_version},
            "status": self.status,
        })
    }
}

/// An object that exists and is ours to write to, with the status that it should have.
struct Wanted<'a> {
    kind: Kind,
    name: ObjectName,
    live: &'a Live,
    status: Json,
    withdrawal: bool,
}

fn wanted<'a>(
    statuses: &'a Statuses,
    former: &'a impl Fn(&Live) -> bool,
    live: &'a LiveStatuses,
    controller: &'a str,
) -> impl Iterator<Item = Wanted<'a>> {
    let classes = statuses
        .classes
        .iter()
        .filter_map(move |class| object(class, live, |_| false));
    let gateways = statuses
        .gateways
        .iter()
        .filter_map(move |gateway| object(gateway, live, former));
    let sets = statuses.listener_sets.iter();
    let sets = sets.filter_map(move |set| object(set, live, former));
    let routes = statuses
        .routes
        .iter()
        .filter_map(move |r| route(r, live, controller));
    let pools = statuses
        .pools
        .iter()
        .filter_map(move |pool| object(pool, live, |_| false));
    let policies = statuses
        .policies
        .iter()
        .filter_map(move |p| policy(p, live, controller));
    classes
        .chain(gateways)
        .chain(sets)
        .chain(pools)
        .chain(routes)
        .chain(policies)
}

fn object<'a, S: serde::Serialize>(
    reported: &'a Reported<S>,
    live: &'a LiveStatuses,
    former: impl Fn(&Live) -> bool,
) -> Option<Wanted<'a>> {
    let (kind, name, live) = find(reported, live)?;
    let mine = reported.ours || former(live);
    let status = mine.then(|| serde_json::to_value(&reported.status))?.ok()?;
    Some(Wanted {
        kind,
        name,
        live,
        status,
        withdrawal: !reported.ours,
    })
}

/// A route has an entry for each parent, and only some of them may be ours. One that names no
/// parent of ours any more may still have entries of ours.
fn route<'a>(
    reported: &'a Reported<RouteStatus>,
    live: &'a LiveStatuses,
    controller: &str,
) -> Option<Wanted<'a>> {
    let mut status = reported.status.clone();
    status.parents.retain(|parent| parent.ours);
    entries(reported, live, status, |live| {
        has_entry(live, "parents", controller)
    })
}

/// As [`route`], of ancestors.
fn policy<'a>(
    reported: &'a Reported<PolicyStatus>,
    live: &'a LiveStatuses,
    controller: &str,
) -> Option<Wanted<'a>> {
    let mut status = reported.status.clone();
    status.ancestors.retain(|ancestor| ancestor.ours);
    entries(reported, live, status, |live| {
        has_entry(live, "ancestors", controller)
    })
}

fn entries<'a, S: serde::Serialize>(
    reported: &'a Reported<S>,
    live: &'a LiveStatuses,
    status: S,
    stale: impl Fn(&Live) -> bool,
) -> Option<Wanted<'a>> {
    let (kind, name, live) = find(reported, live)?;
    if !reported.ours && !stale(live) {
        return None;
    }
    Some(Wanted {
        kind,
        name,
        live,
        status: serde_json::to_value(status).ok()?,
        withdrawal: false,
    })
}

/// Whether a list of the live status has an entry of ours.
fn has_entry(live: &Live, field: &str, controller: &str) -> bool {
    let mut entries = live.status[field].as_array().into_iter().flatten();
    entries.any(|entry| entry["controllerName"] == controller)
}

fn find<'a, S>(
    reported: &Reported<S>,
    live: &'a LiveStatuses,
) -> Option<(Kind, ObjectName, &'a Live)> {
    let kind = Kind::ALL
        .into_iter()
        .find(|k| reported.kind == k.as_str())?;
    let name = reported.object_name();
    let key = (kind, name);
    let live = live.get(&key)?;
    Some((kind, key.1, live))
}

#[cfg(test)]
mod tests;
