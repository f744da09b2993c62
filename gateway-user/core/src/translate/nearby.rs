//! What exists where an object was asked for and not found.
//!
//! No question walks all objects: thousands of dangling references, as when routes are applied
//! before their Services, must not cost thousands of walks each.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

use crate::{name::ObjectName, world::World};

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
        let index = || by_name(&self.world.gateways);
        self.gateways
            .get_or_init(index)
            .get(name)
            .map_or(&[], Vec::as_slice)
    }

    /// Services of that name, whatever their namespace.
    pub(super) fn services(&self, name: &str) -> &[&'a ObjectName] {
        let index = || by_name(&self.world.services);
        self.services
            .get_or_init(index)
            .get(name)
            .map_or(&[], Vec::as_slice)
    }
}

fn by_name<V>(all: &BTreeMap<ObjectName, V>) -> ByName<'_> {
    let mut by_name = ByName::new();
    for object in all.keys() {
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

    #[test]
    fn namesakes_in_the_order_of_namespaces() {
        let yaml = |namespace| {
            format!(
                "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {namespace}}}, spec: {{ports: [{{port: 80}}]}}}}"
            )
        };
        let mut files = crate::world::FileSet::default();
        for namespace in ["b", "a"] {
            assert_eq!(files.update(namespace, Some(&yaml(namespace))), []);
        }
        let world = files.world();
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
