//! Objects as an API server tells of them: watch events to a [`World`].
//!
//! What was read last stays in force while lists are repeated, watches fail, or an object comes
//! in a shape that cannot be read.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

use super::{
    Changed, Event, Installed, Item, Problem, World, collection::Collection, doubt::Doubt,
    object::read_served,
};
use crate::{
    api::Kind,
    infrastructure::{Made, MadeObjects},
    name::ObjectName,
    status::{Live, LiveStatuses, Sign, Subject},
    verdict::SignVerdict,
};

/// Annotation of the official CRDs.
const BUNDLE_VERSION: &str = "gateway.networking.k8s.io/bundle-version";

/// How many times in a row an API server has to say that it does not know a kind, before objects
/// that it listed earlier are given up: a proxy in front of it may answer 404 by itself.
const CONFIRMED: u32 = 3;

/// How far the watch of a kind is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Never listed so far.
    #[default]
    Waiting,
    Listed,
    /// The API server does not know the kind: there are no objects of it.
    NotInstalled,
}

/// Objects of the watched kinds, with their statuses.
#[derive(Clone, Debug)]
pub struct Store {
    world: World,
    live: Arc<LiveStatuses>,
    made: Arc<MadeObjects>,
    kinds: BTreeMap<Kind, Watched>,
    doubt: Option<Doubt>,
}

#[derive(Clone, Debug, Default)]
struct Watched {
    phase: Phase,
    objects: Collection<Known>,
    trouble: Option<String>,
    /// Times in a row that the kind was not installed.
    not_installed: u32,
}

/// What identifies a version of an object, and why it cannot be read.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    uid: String,
    resource_version: String,
    api_version: String,
    problem: Option<Problem>,
    /// This version of it, or an earlier one, could be read.
    in_force: bool,
}

impl Store {
    /// `kinds`: those that are watched.
    pub fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let kinds = kinds.into_iter().map(|kind| (kind, Watched::default()));
        Self {
            world: World::default(),
            live: Arc::default(),
            made: Arc::default(),
            kinds: kinds.collect(),
            doubt: None,
        }
    }

    /// From now on, endpoints that are ready stay so, whatever the API server says, unless they
    /// terminate or are not listed any more.
    pub fn doubt(&mut self) {
        let doubt = self.doubt.get_or_insert_default();
        doubt.keep(self.world.slices.values());
    }

    /// Believes what the API server said meanwhile.
    pub fn believe(&mut self) -> Changed {
        let doubt = self.doubt.take().unwrap_or_default();
        let slices = doubt.slices().map(Item::EndpointSlice);
        Changed {
            world: self.enter(slices),
            ..Changed::default()
        }
    }

    /// Whether that changes anything.
    fn enter(&mut self, items: impl IntoIterator<Item = Item>) -> bool {
        let enter = |changed, item: Item| self.world.insert(item.clone()) != Some(item) || changed;
        items.into_iter().fold(false, enter)
    }

    /// Takes an event of the watch of `kind`; one of another kind changes nothing.
    pub fn take(&mut self, kind: Kind, event: Event) -> Changed {
        let Some(watched) = self.kinds.get_mut(&kind) else {
            return Changed::default();
        };
        let before = (watched.phase, watched.trouble.clone());
        let changed = match event {
            Event::Listing => {
                watched.objects.begin();
                Changed::default()
            }
            Event::Applied(json) => self.apply(kind, &json),
            Event::Deleted(json) => {
                let gone = watched.objects.remove(&object_name(&json));
                self.forget(kind, gone)
            }
            Event::Listed => {
                let gone = watched.objects.end();
                watched.listed();
                self.forget(kind, gone)
            }
            Event::NotInstalled => {
                let gone = watched.missed();
                self.forget(kind, gone)
            }
            Event::Failed(why) => {
                watched.trouble = Some(why);
                Changed::default()
            }
            Event::Recovered => {
                watched.trouble = None;
                Changed::default()
            }
        };
        let after = &self.kinds[&kind];
        let moved = before.0 != after.phase || before.1 != after.trouble;
        changed | Changed::watches(moved)
    }

    fn apply(&mut self, kind: Kind, json: &Json) -> Changed {
        let Some(watched) = self.kinds.get_mut(&kind) else {
            return Changed::default();
        };
        let name = object_name(json);
        let mut known = Known::new(json);
        if let Some(old) = watched.objects.get(&name)
            && old.is_version(&known)
        {
            // Listed again.
            let old = old.clone();
            drop(watched.objects.put(name, old));
            return Changed::default();
        }
        known.in_force = watched.objects.get(&name).is_some_and(|old| old.in_force);
        let item = match read_served(kind, json) {
            Ok(item) => {
                known.in_force = true;
                Some(item)
            }
            Err(finding) => {
                known.problem = Some(Problem::of_object(describe(kind, &name), finding));
                None
            }
        };
        let problem = known.problem.clone();
        let old = watched.objects.put(name.clone(), known);
        let watches = old.and_then(|old| old.problem) != problem;
        let item = item.map(|item| match (&mut self.doubt, item) {
            (Some(doubt), Item::EndpointSlice(slice)) => Item::EndpointSlice(doubt.hold(slice)),
            (_, item) => item,
        });
        let world = self.enter(item);
        let mut live = kind.has_status();
        if live {
            self.set_live(kind, name.clone(), json);
        }
        live |= self.set_made((kind, name), Made::read(kind, json));
        Changed {
            world,
            live,
            watches,
            peers: false,
            reports: false,
        }
    }

    fn set_live(&mut self, kind: Kind, name: ObjectName, json: &Json) {
        let live = Live {
            api_version: json["apiVersion"].as_str().unwrap_or_default().to_owned(),
            uid: text(json, "uid").to_owned(),
            resource_version: text(json, "resourceVersion").to_owned(),
            generation: json["metadata"]["generation"].as_i64().unwrap_or_default(),
            status: json.get("status").cloned().unwrap_or_default(),
        };
        drop(Arc::make_mut(&mut self.live).insert((kind, name), Arc::new(live)));
    }

    /// Whether that is a change.
    fn set_made(&mut self, key: (Kind, ObjectName), made: Option<Made>) -> bool {
        match made {
            Some(made) => {
                Arc::make_mut(&mut self.made).insert(key, Arc::new(made));
                true
            }
            None if self.made.contains_key(&key) => {
                Arc::make_mut(&mut self.made).remove(&key);
                true
            }
            None => false,
        }
    }

    fn forget(
        &mut self,
        kind: Kind,
        gone: impl IntoIterator<Item = (ObjectName, Known)>,
    ) -> Changed {
        let mut changed = Changed::default();
        for (name, known) in gone {
            changed.world |= self.world.remove(kind, &name).is_some();
            if let (Some(doubt), Kind::EndpointSlice) = (&mut self.doubt, kind) {
                doubt.forget(&name);
            }
            changed.watches |= known.problem.is_some();
            let key = (kind, name);
            if kind.has_status() {
                drop(Arc::make_mut(&mut self.live).remove(&key));
                changed.live = true;
            }
            changed.live |= self.set_made(key, None);
        }
        changed
    }

    /// Takes the CRD of GatewayClass as the watch gave it last; `None` if it is gone.
    pub fn take_definition(&mut self, crd: Option<&Json>) -> Changed {
        let installed = crd.map(|crd| Installed {
            version: crd["metadata"]["annotations"][BUNDLE_VERSION]
                .as_str()
                .map(Into::into),
        });
        let changed = self.world.installed != installed;
        self.world.installed = installed;
        Changed {
            world: changed,
            ..Changed::default()
        }
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    /// Statuses of all objects whose status we write, also of those that cannot be read.
    pub fn live(&self) -> &Arc<LiveStatuses> {
        &self.live
    }

    /// Objects that stand for Gateways, of our making.
    pub fn made(&self) -> &Arc<MadeObjects> {
        &self.made
    }

    /// Objects that cannot be read; what they said before is in force.
    pub fn problems(&self) -> Vec<Problem> {
        let known = self.kinds.values().flat_map(|w| w.objects.values());
        known.filter_map(|known| known.problem.clone()).collect()
    }

    /// What there is to tell about them.
    pub fn signs(&self) -> Vec<Sign> {
        let kinds = self.kinds.iter();
        let all = kinds.flat_map(|(kind, watched)| {
            let objects = watched.objects.iter();
            objects.filter_map(|(name, known)| known.sign(*kind, name))
        });
        all.collect()
    }

    /// Whether every kind has been listed or is not installed: the world is whole.
    pub fn is_synced(&self) -> bool {
        self.in_phase(Phase::Waiting).next().is_none()
    }

    /// Kinds whose watch is that far.
    pub fn in_phase(&self, phase: Phase) -> impl Iterator<Item = Kind> {
        let kinds = self.kinds.iter();
        kinds.filter_map(move |(kind, watched)| (watched.phase == phase).then_some(*kind))
    }

    /// Why watches fail, each reason with the kinds that it concerns.
    pub fn troubles(&self) -> BTreeMap<&str, Vec<Kind>> {
        let mut troubles: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (kind, watched) in &self.kinds {
            if let Some(trouble) = &watched.trouble {
                troubles.entry(trouble.as_str()).or_default().push(*kind);
            }
        }
        troubles
    }
}

impl Watched {
    fn listed(&mut self) {
        self.phase = Phase::Listed;
        self.not_installed = 0;
    }

    /// The kind is not installed; returns the objects that are given up for it.
    fn missed(&mut self) -> Vec<(ObjectName, Known)> {
        self.not_installed += 1;
        self.trouble = None;
        if self.phase == Phase::Listed && self.not_installed < CONFIRMED {
            return Vec::new();
        }
        self.phase = Phase::NotInstalled;
        self.objects.clear()
    }
}

impl Known {
    fn new(json: &Json) -> Self {
        Self {
            uid: text(json, "uid").to_owned(),
            resource_version: text(json, "resourceVersion").to_owned(),
            api_version: json["apiVersion"].as_str().unwrap_or_default().to_owned(),
            problem: None,
            in_force: false,
        }
    }

    fn sign(&self, kind: Kind, name: &ObjectName) -> Option<Sign> {
        let Problem { field, message, .. } = self.problem.as_ref()?;
        let subject = Subject {
            kind,
            name: name.clone(),
            api_version: self.api_version.clone(),
            uid: self.uid.clone(),
        };
        let problem = match field {
            Some(field) => format!("{field}: {message}"),
            None => message.clone(),
        };
        let in_force = self.in_force;
        let verdict = SignVerdict::Unreadable { problem, in_force };
        Some(Sign::new(subject, &verdict))
    }

    /// Equal resource versions of one object mean equal content (Kubernetes API concepts).
    fn is_version(&self, other: &Self) -> bool {
        !self.resource_version.is_empty()
            && (&self.uid, &self.resource_version) == (&other.uid, &other.resource_version)
    }
}

fn object_name(json: &Json) -> ObjectName {
    ObjectName::new(text(json, "namespace"), text(json, "name"))
}

/// A text in the object's metadata; empty where there is none.
fn text<'a>(json: &'a Json, field: &str) -> &'a str {
    json["metadata"][field].as_str().unwrap_or_default()
}

fn describe(kind: Kind, name: &ObjectName) -> String {
    if kind.is_namespaced() {
        format!("{kind} {name}")
    } else {
        format!("{kind} {}", name.name)
    }
}

#[cfg(test)]
mod tests;
