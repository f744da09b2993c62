//! What exists where an object was asked for and not found.
//!
//! No question walks all objects: thousands of dangling references, as when routes are applied
//! before their Services, must not cost thousands of walks each.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

use crate::{api::Service, infrastructure::GATEWAY_UID, name::ObjectName, world::World};

/// Names looked at on each side of the one that was asked for.
const AROUND: usize = 16;

/// Objects by their name alone, in the order of their namespaces.
type ByName<'a> = HashMap<&'a str, Vec<&'a ObjectName>>;

/// Indices that are made when the first reference dangles.
pub(super) struct Nearby<'a> {
    world: &'a World,
    gateways: OnceCell<ByName<'a>>,
    services: OnceCell<ByName<'a>>,
}

impl<'a> Nearby<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self {
            world,
            gateways: OnceCell::new(),
            services: OnceCell::new(),
        }
    }

    /// Gateways of that name, whatever their namespace.
    pub(super) fn gateways(&self, name: &str) -> &[&'a ObjectName] {
        let index = || by_name(self.world.gateways.keys());
        self.gateways
            .get_or_init(index)
            .get(name)
            .map_or(&[], Vec::as_slice)
    }

    /// Services of that name, whatever their namespace.
    pub(super) fn services(&self, name: &str) -> &[&'a ObjectName] {
        let meant = self.world.services.iter().filter(|(_, s)| !is_made(s));
        let index = || by_name(meant.map(|(name, _)| name));
        self.services
            .get_or_init(index)
            .get(name)
            .map_or(&[], Vec::as_slice)
    }
}

/// Stands for a Gateway: nobody means it as a backend.
fn is_made(service: &Service) -> bool {
    service.meta.labels.contains_key(GATEWAY_UID)
}

fn by_name<'a>(all: impl Iterator<Item = &'a ObjectName>) -> ByName<'a> {
    let mut by_name = ByName::new();
    for object in all {
        by_name.entry(&object.name).or_default().push(object);
    }
    by_name
}

/// Neighbours of `wanted` in alphabetical order that are `fit`, up to the first that is not.
pub(super) fn around<'a, V>(
    all: &'a BTreeMap<ObjectName, V>,
    wanted: &ObjectName,
    fit: impl Fn(&ObjectName) -> bool,
) -> Vec<&'a ObjectName> {
    let before = all.range(..wanted).rev().map(|(name, _)| name);
    let after = all.range(wanted..).map(|(name, _)| name);
    let before = before.take_while(|name| fit(name)).take(AROUND);
    let after = after.take_while(|name| fit(name)).take(AROUND);
    before.chain(after).collect()
}

/// Names of the neighbours of `wanted` in its own namespace.
pub(super) fn in_namespace<V>(
    all: &BTreeMap<ObjectName, V>,
    wanted: &ObjectName,
) -> impl Iterator<Item = String> {
    let there = around(all, wanted, |name| name.namespace == wanted.namespace);
    there.into_iter().map(|name| name.name.to_string())
}

/// As [`in_namespace`], of Services that may be meant.
pub(super) fn services(world: &World, wanted: &ObjectName) -> impl Iterator<Item = String> {
    let all = &world.services;
    let there = around(all, wanted, |name| name.namespace == wanted.namespace);
    let meant = there.into_iter().filter(|&name| !is_made(&all[name]));
    meant.map(|name| name.name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_those_of_the_namespace_and_few() {
        let name = |namespace: &str, n| ObjectName::new(namespace, format!("s-{n:04}"));
        let all = ["a", "b", "c"].map(|namespace| (0..1_000).map(move |n| name(namespace, n)));
        let all: BTreeMap<_, _> = all.into_iter().flatten().map(|name| (name, ())).collect();
        let wanted = ObjectName::new("b", "s-0500x");
        let found: Vec<_> = in_namespace(&all, &wanted).collect();
        assert_eq!(found.len(), 2 * AROUND);
        assert!(found.contains(&"s-0500".to_owned()) && found.contains(&"s-0516".to_owned()));
        let first = ObjectName::new("b", "a");
        let found: Vec<_> = in_namespace(&all, &first).collect();
        assert_eq!((found.len(), &*found[0]), (AROUND, "s-0000"));
    }

    /// Services of these names, all with these labels.
    fn world(names: &[&str], labels: &str) -> World {
        let mut files = crate::world::FileSet::default();
        for service in names {
            let (namespace, name) = service.split_once('/').expect("a namespace and a name");
            let yaml = format!(
                "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}, spec: {{ports: [{{port: 80}}]}}}}"
            );
            assert_eq!(files.update(service, Some(&yaml)), []);
        }
        files.world()
    }

    #[test]
    fn services_that_stand_for_gateways_are_not_meant() {
        let wanted = ObjectName::new("a", "wep");
        for (labels, near) in [("", &["web"][..]), ("xdp-gateway.dev/gateway-uid: u", &[])] {
            let world = world(&["a/web"], labels);
            assert_eq!(services(&world, &wanted).collect::<Vec<_>>(), near);
            assert_eq!(Nearby::new(&world).services("web").len(), near.len());
        }
    }

    #[test]
    fn namesakes_in_the_order_of_namespaces() {
        let world = world(&["b/web", "a/web"], "");
        let nearby = Nearby::new(&world);
        let found: Vec<_> = nearby
            .services("web")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, ["a/web", "b/web"]);
        assert!(nearby.services("db").is_empty() && nearby.gateways("web").is_empty());
    }
}
