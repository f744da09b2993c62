//! One listener by itself: protocol, kinds of routes, host name, certificates.

use std::sync::Arc;

use super::{
    Scope, frontend, hostname,
    owner::Owner,
    tls::{self, Credential},
};
use crate::{
    api::{
        GROUP, Kind, Listener, Open, Protocol,
        listener::{NamespacesFrom, RouteKind, TlsMode},
    },
    plan::{HostPattern, Tls, Transport},
    verdict::{ConditionType, ListenerVerdict, Truth, Verdict, hint},
};

pub(super) struct ListenerState<'a> {
    pub owner: Owner<'a>,
    pub spec: &'a Listener,
    /// Its name among all that the Gateway serves.
    pub label: Arc<str>,
    /// Kinds of routes that may attach, in the order of `allowedRoutes.kinds`.
    pub kinds: Vec<Kind>,
    pub hostname: HostPattern,
    /// Where TLS is terminated with at least one certificate that can be used.
    pub tls: Option<Tls>,
    /// Those of `tls`.
    pub credentials: Vec<Credential>,
    pub verdicts: Vec<ListenerVerdict>,
}

impl ListenerState<'_> {
    pub(super) fn is_accepted(&self) -> bool {
        !self.decides_against(ConditionType::Accepted)
    }

    pub(super) fn is_programmed(&self) -> bool {
        !self.decides_against(ConditionType::Programmed)
    }

    pub(super) fn is_resolved(&self) -> bool {
        !self.decides_against(ConditionType::ResolvedRefs)
    }

    pub(super) fn is_l4(&self) -> bool {
        matches!(
            self.spec.protocol,
            Open::Known(Protocol::Tcp | Protocol::Udp)
        )
    }

    pub(super) fn transport(&self) -> Transport {
        match self.spec.protocol {
            Open::Known(Protocol::Udp) => Transport::Udp,
            _ => Transport::Tcp,
        }
    }

    pub(super) fn supported_kinds(&self) -> Vec<RouteKind> {
        let kind = |kind: &Kind| RouteKind {
            group: GROUP.into(),
            kind: kind.as_str().into(),
        };
        self.kinds.iter().map(kind).collect()
    }

    fn decides_against(&self, condition: ConditionType) -> bool {
        self.verdicts
            .iter()
            .any(|v| v.decides(condition, Truth::False))
    }
}

pub(super) fn judge<'a>(scope: Scope, owner: Owner<'a>, spec: &'a Listener) -> ListenerState<'a> {
    let mut verdicts = Vec::new();
    let fitting = fitting_kinds(&spec.protocol);
    let kinds = match fitting {
        [_, ..] => kinds(spec, fitting, &mut verdicts),
        [] => {
            let protocol = spec.protocol.to_string();
            verdicts.push(ListenerVerdict::UnsupportedProtocol { protocol });
            Vec::new()
        }
    };
    verdicts.extend(namespaces(spec));
    let https = spec.protocol.is(Protocol::Https);
    let secure = https || spec.protocol.is(Protocol::Tls);
    let credentials = secure
        .then(|| credentials(scope, owner, spec, &mut verdicts))
        .flatten();
    let clients = https
        .then(|| frontend::clients(scope, owner.gateway, spec.port, &mut verdicts))
        .flatten();
    let tls = credentials.as_ref().map(|all| Tls {
        certificates: all.iter().map(|one| one.key.clone()).collect(),
        clients,
    });
    let named = secure || spec.protocol.is(Protocol::Http);
    ListenerState {
        owner,
        spec,
        label: owner.label(spec),
        kinds,
        hostname: hostname::optional(spec.hostname.as_ref().filter(|_| named)),
        tls,
        credentials: credentials.unwrap_or_default(),
        verdicts,
    }
}

/// The kinds of routes that go with a protocol; none if the protocol is not supported.
pub(super) fn fitting_kinds(protocol: &Open<Protocol>) -> &'static [Kind] {
    match protocol.known() {
        Some(Protocol::Http | Protocol::Https) => &[Kind::HttpRoute, Kind::GrpcRoute],
        Some(Protocol::Tcp) => &[Kind::TcpRoute],
        Some(Protocol::Udp) => &[Kind::UdpRoute],
        Some(Protocol::Tls) => &[Kind::TlsRoute],
        None => &[],
    }
}

fn kinds(spec: &Listener, fitting: &[Kind], verdicts: &mut Vec<ListenerVerdict>) -> Vec<Kind> {
    let asked = &spec.allowed_routes.kinds;
    if asked.is_empty() {
        return fitting.to_vec();
    }
    let fits = |asked: &RouteKind| {
        let mut kinds = fitting.iter().copied();
        kinds.find(|kind| *asked.group == *GROUP && *asked.kind == *kind.as_str())
    };
    let misfits = asked.iter().filter(|asked| fits(asked).is_none());
    verdicts.extend(misfits.map(|asked| {
        let kind = if *asked.group == *GROUP {
            asked.kind.to_string()
        } else {
            format!("{} of group \"{}\"", asked.kind, asked.group)
        };
        ListenerVerdict::InvalidRouteKind {
            kind,
            protocol: spec.protocol.to_string(),
            supported: hint::either(fitting),
        }
    }));
    let mut kinds = Vec::new();
    for kind in asked.iter().filter_map(fits) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        verdicts.push(ListenerVerdict::NoRouteKind);
    }
    kinds
}

fn namespaces(spec: &Listener) -> Option<ListenerVerdict> {
    let namespaces = &spec.allowed_routes.namespaces;
    match &namespaces.from {
        Open::Known(NamespacesFrom::Selector) if namespaces.selector.is_none() => {
            Some(ListenerVerdict::SelectorMissing)
        }
        Open::Known(_) => None,
        Open::Unknown(value) => Some(ListenerVerdict::UnsupportedValue {
            field: "allowedRoutes.namespaces.from",
            value: value.to_string(),
            allowed: hint::list(NamespacesFrom::NAMES),
        }),
    }
}

fn credentials(
    scope: Scope,
    owner: Owner,
    spec: &Listener,
    verdicts: &mut Vec<ListenerVerdict>,
) -> Option<Vec<Credential>> {
    let tls = spec.tls.clone().unwrap_or_default();
    let options: Vec<_> = tls.options.keys().collect();
    if !options.is_empty() {
        let keys = hint::list(&options);
        verdicts.push(ListenerVerdict::OptionsIgnored { keys });
    }
    match &tls.mode {
        Open::Known(TlsMode::Terminate) => (),
        Open::Known(TlsMode::Passthrough) if spec.protocol.is(Protocol::Tls) => return None,
        mode => {
            verdicts.push(ListenerVerdict::UnsupportedTlsMode {
                mode: mode.to_string(),
                protocol: spec.protocol.to_string(),
            });
            return None;
        }
    }
    let refs = &tls.certificate_refs;
    if refs.is_empty() {
        let protocol = spec.protocol.to_string();
        verdicts.push(ListenerVerdict::NoCertificateRef { protocol });
    }
    let mut credentials = Vec::new();
    for (index, reference) in refs.iter().enumerate() {
        match tls::find(scope.world, owner, reference) {
            Ok(credential) => credentials.push(credential),
            Err(fault) => verdicts.push(fault.of_listener(index)),
        }
    }
    if credentials.is_empty() {
        verdicts.push(ListenerVerdict::NoCertificate);
        return None;
    }
    Some(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::Gateway,
        translate::{Settings, nearby::Nearby, policy::Policies},
        world::World,
    };

    /// What rules of the CRDs keep out of newer clusters, but not out of older ones.
    #[test]
    fn values_that_are_not_understood_are_reported() {
        let cases = [
            (
                r#""protocol":"HTTPS""#,
                "protocol HTTPS needs a certificate",
            ),
            (
                r#""protocol":"HTTPS","tls":{"mode":"Passthrough"}"#,
                "tls.mode Passthrough",
            ),
            (
                r#""protocol":"HTTPS","tls":{"mode":"Later"}"#,
                "tls.mode Later",
            ),
            (
                r#""protocol":"TLS","tls":{"mode":"Later"}"#,
                "tls.mode Later does not go with protocol TLS",
            ),
            (r#""protocol":"TLS""#, "protocol TLS needs a certificate"),
            (
                r#""protocol":"TCP","allowedRoutes":{"namespaces":{"from":"Friends"}}"#,
                "allowedRoutes.namespaces.from is \"Friends\"; use one of \"Same\", \"All\"",
            ),
            (
                r#""protocol":"TCP","allowedRoutes":{"namespaces":{"from":"Selector"}}"#,
                "there is no selector",
            ),
        ];
        for (fields, expected) in cases {
            let listener = format!(r#"{{"name":"l","port":1,{fields}}}"#);
            let gateway = format!(
                r#"{{"metadata":{{}},"spec":{{"gatewayClassName":"c","listeners":[{listener}]}}}}"#
            );
            let gateway: Gateway = serde_json::from_str(&gateway).expect(fields);
            let (world, settings) = (World::default(), Settings::default());
            let scope = Scope {
                world: &world,
                settings: &settings,
                nearby: &Nearby::new(&world),
                policies: &Policies::new(&world),
            };
            let state = judge(scope, Owner::of(&gateway), &gateway.spec.listeners[0]);
            let first = state.verdicts.first().map(ToString::to_string);
            let first = first.unwrap_or_default();
            assert!(first.contains(expected), "{fields}: {first}");
            assert!(!state.is_programmed(), "{fields}");
        }
    }
}
