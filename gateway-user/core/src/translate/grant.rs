//! ReferenceGrants: which references may leave their namespace.

use crate::{
    api::{
        GROUP,
        grant::{GrantFrom, GrantTo},
    },
    name::ObjectName,
    world::World,
};

/// A reference from a kind of Gateway API to one of the core group.
pub(super) struct Reference<'a> {
    pub from_kind: &'a str,
    pub from_namespace: &'a str,
    pub to_kind: &'a str,
    pub to: &'a ObjectName,
}

impl Reference<'_> {
    /// Within a namespace always, into another one if a grant there says so.
    pub(super) fn is_allowed(&self, world: &World) -> bool {
        if *self.to.namespace == *self.from_namespace {
            return true;
        }
        let first = ObjectName::new(self.to.namespace.clone(), "");
        let grants = world.grants.range(first..);
        let mut there = grants.take_while(|(name, _)| name.namespace == self.to.namespace);
        there.any(|(_, grant)| {
            grant.spec.from.iter().any(|from| self.comes_from(from))
                && grant.spec.to.iter().any(|to| self.leads_to(to))
        })
    }

    fn comes_from(&self, from: &GrantFrom) -> bool {
        *from.group == *GROUP
            && *from.kind == *self.from_kind
            && *from.namespace == *self.from_namespace
    }

    fn leads_to(&self, to: &GrantTo) -> bool {
        to.group.is_empty()
            && *to.kind == *self.to_kind
            && to.name.as_ref().is_none_or(|name| *name == self.to.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::ReferenceGrant, world::Item};

    /// A world with one grant in namespace `there`.
    fn world(from: [&str; 3], to: (&str, &str, Option<&str>)) -> World {
        let [group, kind, namespace] = from.map(Into::into);
        let mut grant = ReferenceGrant::default();
        grant.meta.name = "grant".into();
        grant.meta.namespace = "there".into();
        grant.spec.from = vec![GrantFrom {
            group,
            kind,
            namespace,
        }];
        grant.spec.to = vec![GrantTo {
            group: to.0.into(),
            kind: to.1.into(),
            name: to.2.map(Into::into),
        }];
        [Item::ReferenceGrant(grant)].into_iter().collect()
    }

    #[test]
    fn every_part_of_a_grant_counts() {
        let from = [GROUP, "HTTPRoute", "here"];
        let to = ("", "Service", None);
        let cases = [
            ("here", from, to, true),
            ("there", from, to, true),
            ("elsewhere", from, to, false),
            ("here", ["", "HTTPRoute", "here"], to, false),
            ("here", [GROUP, "TCPRoute", "here"], to, false),
            ("here", from, ("", "Secret", None), false),
            ("here", from, ("apps", "Service", None), false),
            ("here", from, ("", "Service", Some("web")), true),
            ("here", from, ("", "Service", Some("db")), false),
        ];
        for (from_namespace, from, to, expected) in cases {
            let reference = Reference {
                from_kind: "HTTPRoute",
                from_namespace,
                to_kind: "Service",
                to: &ObjectName::new("there", "web"),
            };
            let allowed = reference.is_allowed(&world(from, to));
            assert_eq!(allowed, expected, "{from_namespace} {from:?} {to:?}");
        }
    }
}
