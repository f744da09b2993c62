//! BackendTLSPolicies: which is in force for which port of a Service, and what it asks for.

use std::{collections::HashMap, sync::Arc};

use rustls::pki_types::ServerName;

use super::{age::age, authority, hostname, nearby};
use crate::{
    api::{
        BackendTlsPolicy, Open, Service,
        tls_policy::{PolicyTarget, SubjectAltName, SubjectAltNameType, Validation, WellKnown},
    },
    name::ObjectName,
    plan::{Authorities, BackendTls, Identity, SubjectName},
    verdict::{PolicyVerdict, hint},
    world::World,
};

/// Every policy of the world.
pub(super) struct Policies<'a> {
    /// In the order of names.
    pub states: Vec<PolicyState<'a>>,
    /// Positions of those in force, by Service and name of a port, or none for all of its ports.
    in_force: HashMap<(ObjectName, Option<Arc<str>>), usize>,
}

pub(super) struct PolicyState<'a> {
    pub policy: &'a BackendTlsPolicy,
    /// `None`: it cannot be honoured, and its targets are not spoken to at all.
    pub tls: Option<Arc<BackendTls>>,
    pub verdicts: Vec<PolicyVerdict>,
}

impl<'a> Policies<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let mut states: Vec<_> = world
            .tls_policies
            .values()
            .map(|policy| state(world, policy))
            .collect();
        let mut by_age: Vec<usize> = (0..states.len()).collect();
        by_age.sort_by_cached_key(|&position| age(&states[position].policy.meta));
        let mut in_force = HashMap::new();
        for position in by_age {
            let policy = states[position].policy;
            let mut conflicts = Vec::new();
            let targets = policy.spec.target_refs.iter().enumerate();
            for (index, target) in targets.filter(|(_, target)| target.is_service()) {
                let service = target.target(&policy.meta.namespace);
                let key = (service, target.section().cloned());
                let winner = *in_force.entry(key).or_insert(position);
                if winner != position {
                    conflicts.push(PolicyVerdict::Conflicted {
                        index,
                        target: describe(target),
                        other: states[winner].policy.name(),
                    });
                }
            }
            states[position].verdicts.splice(0..0, conflicts);
        }
        Self { states, in_force }
    }

    /// The policy in force for a port; one that names the port goes before one for all.
    pub(super) fn of_port(
        &self,
        service: &ObjectName,
        port: &Arc<str>,
    ) -> Option<&PolicyState<'a>> {
        if self.in_force.is_empty() {
            return None;
        }
        let find = |section: Option<&Arc<str>>| {
            let key = (service.clone(), section.cloned());
            self.in_force
                .get(&key)
                .map(|&position| &self.states[position])
        };
        find(Some(port)).or_else(|| find(None))
    }
}

fn describe(target: &PolicyTarget) -> String {
    match target.section() {
        None => format!("Service \"{}\"", target.name),
        Some(section) => format!("port \"{section}\" of Service \"{}\"", target.name),
    }
}

fn state<'a>(world: &World, policy: &'a BackendTlsPolicy) -> PolicyState<'a> {
    let mut verdicts = Vec::new();
    for (index, target) in policy.spec.target_refs.iter().enumerate() {
        verdicts.extend(misses(world, &policy.meta.namespace, index, target));
    }
    let tls = backend_tls(world, policy, &mut verdicts);
    let keys: Vec<_> = policy.spec.options.keys().collect();
    if !keys.is_empty() {
        let keys = hint::list(&keys);
        verdicts.push(PolicyVerdict::OptionsIgnored { keys });
    }
    PolicyState {
        policy,
        tls: tls.map(Arc::new),
        verdicts,
    }
}

/// What is wrong with a target.
fn misses(
    world: &World,
    namespace: &Arc<str>,
    index: usize,
    target: &PolicyTarget,
) -> Option<PolicyVerdict> {
    if !target.is_service() {
        let kind = format!("{} of group \"{}\"", target.kind, target.group);
        return Some(PolicyVerdict::TargetKind { index, kind });
    }
    let service = target.target(namespace);
    let Some(found) = world.services.get(&service) else {
        let names = nearby::services(world, &service);
        let hint = hint::instead_in(&service.namespace, &service.name, names);
        return Some(PolicyVerdict::TargetMissing {
            index,
            service,
            hint,
        });
    };
    let section = target.section()?;
    let hint = missing_port(found, section)?;
    Some(PolicyVerdict::SectionMissing {
        index,
        service,
        section: section.clone(),
        hint,
    })
}

/// `None`: the port is there.
fn missing_port(service: &Service, wanted: &str) -> Option<String> {
    let names = service.spec.ports.iter().map(|p| p.name.to_string());
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    (!names.iter().any(|name| name == wanted)).then(|| hint::instead(wanted, names))
}

fn backend_tls(
    world: &World,
    policy: &BackendTlsPolicy,
    verdicts: &mut Vec<PolicyVerdict>,
) -> Option<BackendTls> {
    let validation = &policy.spec.validation;
    let identity = Identity {
        authorities: authorities(world, policy, verdicts)?,
        server_name: server_name(validation).map_err(|v| verdicts.push(v)).ok()?,
        names: names(validation).map_err(|v| verdicts.push(v)).ok()?,
        client: None,
    };
    // Every certificate was checked on its own before.
    BackendTls::new(identity)
        .map_err(|error| {
            verdicts.push(PolicyVerdict::Invalid {
                field: "caCertificateRefs",
                why: error.to_string(),
                remedy: "use certificates of authorities in PEM",
            });
        })
        .ok()
}

fn authorities(
    world: &World,
    policy: &BackendTlsPolicy,
    verdicts: &mut Vec<PolicyVerdict>,
) -> Option<Authorities> {
    let validation = &policy.spec.validation;
    let refs = &validation.ca_certificate_refs;
    if let (true, Some(well_known)) = (refs.is_empty(), &validation.well_known) {
        if well_known.is(WellKnown::System) {
            return Some(Authorities::System);
        }
        verdicts.push(PolicyVerdict::Invalid {
            field: "wellKnownCACertificates",
            why: format!("\"{well_known}\" is not known"),
            remedy: "use System, or name a ConfigMap in caCertificateRefs",
        });
        return None;
    }
    let mut given = Vec::new();
    for (index, reference) in refs.iter().enumerate() {
        if !reference.group.is_empty() || &*reference.kind != "ConfigMap" {
            let kind = format!("{} of group \"{}\"", reference.kind, reference.group);
            verdicts.push(PolicyVerdict::CaKind { index, kind });
            continue;
        }
        let namespace = policy.meta.namespace.clone();
        let map = ObjectName::new(namespace, reference.name.clone());
        match authority::load(world, &map) {
            Ok(certificates) => given.extend(certificates),
            Err(fault) => verdicts.push(fault.of_policy(index, map)),
        }
    }
    if given.is_empty() {
        verdicts.push(PolicyVerdict::NoValidCa);
        return None;
    }
    Some(Authorities::Given(given.into()))
}

fn server_name(validation: &Validation) -> Result<ServerName<'static>, PolicyVerdict> {
    let name = ServerName::try_from(validation.hostname.to_string());
    name.map_err(|error| PolicyVerdict::Invalid {
        field: "hostname",
        why: error.to_string(),
        remedy: "use the name that the backends' certificates are for",
    })
}

fn names(validation: &Validation) -> Result<Vec<SubjectName>, PolicyVerdict> {
    let name = |name: &SubjectAltName| match (&name.kind, name.value()) {
        (Open::Known(SubjectAltNameType::Hostname), value @ Some(_)) => {
            Ok(SubjectName::Host(hostname::optional(value)))
        }
        (Open::Known(SubjectAltNameType::Uri), Some(uri)) => Ok(SubjectName::Uri(uri.clone())),
        (kind, _) => Err(PolicyVerdict::Invalid {
            field: "subjectAltNames",
            why: format!("one of type {kind} cannot be used"),
            remedy: "use type Hostname with hostname, or URI with uri",
        }),
    };
    validation.subject_alt_names.iter().map(name).collect()
}
