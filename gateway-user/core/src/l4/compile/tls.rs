//! Frontends whose TLS connections are passed through by server name.

use std::collections::{BTreeMap, BTreeSet};

use gateway_common::abi::{Frontend, FrontendKey, KIND_PROXY, KIND_TLS, TLS_NOBODY, TLS_PROXY};

use super::{
    Compiler, Node, frontend_key,
    names::{Leads, Passed, flatten},
    service::Wanted,
};
use crate::{
    endpoints::Endpoints,
    l4::{
        backends::Family,
        ids::take_id,
        names::{NameKey, NameTable},
        tables::RouteAt,
        unserved::is_of_other_family,
    },
    name::ObjectName,
    plan::{FrontendId, HttpFrontend, L4Mode, L4Options, L4Service, Plan},
};

/// Ids of groups end here.
const GROUPS: u32 = 1 << 16;
/// Of Ethernet.
const USUAL_MTU: u32 = 1500;
/// Segments that every link takes (RFC 9293, 3.7.1), of which none is smaller.
const SMALLEST_SEGMENT: u32 = 536;
/// Of an offer: 16 bits.
const LARGEST_SEGMENT: u32 = 0xffff;

/// A frontend that is the proxy's alone.
pub(super) fn by_proxy(node: Node) -> Frontend {
    Frontend {
        kind: KIND_PROXY,
        workers: node.workers,
        ..Frontend::default()
    }
}

/// Bytes of a TCP segment without options that a link of this MTU carries.
pub(super) fn segment(mtu: Option<u32>, family: Family) -> u32 {
    let headers = match family {
        Family::V4 => 40,
        Family::V6 => 60,
    };
    let segment = mtu.unwrap_or(USUAL_MTU).saturating_sub(headers);
    segment.clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT)
}

/// Server names of a frontend.
type Names<'a> = Vec<(NameKey, Leads<'a>)>;

impl Compiler<'_> {
    /// How a frontend is served that has server names which lead to a backend; adds the names and
    /// the services. `None`: there is no such name, or no room.
    pub(super) fn tls(
        &mut self,
        id: &FrontendId,
        http: &HttpFrontend,
        plan: &Plan,
        endpoints: &Endpoints,
        node: Node,
    ) -> Option<Frontend> {
        let key = frontend_key(id);
        let names = flatten(http);
        let routes: BTreeMap<&ObjectName, Passed> = names
            .values()
            .filter_map(Leads::route)
            .map(|passed| (&passed.1.name, passed))
            .collect();
        if routes.is_empty() {
            return None;
        }
        let group = self.group(&key)?;
        let names: Names<'_> = names
            .into_iter()
            .filter_map(|(pattern, to)| Some((NameKey::new(group, pattern)?, to)))
            .collect();
        self.take_names(&names)?;
        let known = self.known_services(key, &names);
        let mut leads = BTreeMap::new();
        for (name, passed) in routes {
            let l4 = service_of(&http.gateway, passed);
            let wanted = Wanted {
                frontend: id,
                l4: &l4,
                mode: L4Mode::Snat,
                tagged: false,
                endpoints,
            };
            let family = Family::of(&id.address);
            if let Some(service) = self.route_service(key, name, known.get(name), wanted)
                && !is_of_other_family(&l4, endpoints, family)
            {
                leads.insert(name, service);
            }
        }
        if leads.is_empty() {
            return None;
        }
        let service = |to: Leads<'_>| match to {
            Leads::Route((_, route)) => leads.get(&route.name).copied().unwrap_or(TLS_PROXY),
            Leads::Proxy => TLS_PROXY,
            Leads::Nobody => TLS_NOBODY,
        };
        let names = names.into_iter();
        let names = names.map(|(name, to)| (name, name.leads_to(service(to))));
        self.desired.names.extend(names);
        Some(Frontend {
            kind: KIND_TLS,
            service: group.into(),
            mss: segment(node.mtu, Family::of(&id.address)),
            resets: plan.resets_unmatched_tls(&http.gateway).into(),
            ..by_proxy(node)
        })
    }

    /// The group of a frontend's names: the one in force, or a new one.
    fn group(&mut self, key: &FrontendKey) -> Option<u16> {
        let group = match self.current.group_of(key) {
            Some(group) => group,
            None => {
                let groups = |frontends: &BTreeMap<_, Frontend>| {
                    let tls = frontends.values().filter(|f| f.kind == KIND_TLS);
                    tls.map(|f| (f.service, ())).collect::<BTreeMap<_, _>>()
                };
                let taken = groups(&self.current.frontends);
                let also_taken = groups(&self.desired.frontends);
                let cursor = &mut self.desired.cursors.group;
                take_id(cursor, GROUPS, &taken, &also_taken)?
            }
        };
        u16::try_from(group).ok()
    }

    /// Sees to it that there is room for these names, beside all that are in force.
    fn take_names(&mut self, names: &Names<'_>) -> Option<()> {
        let in_force: &NameTable = &self.current.names;
        let is_new = |(name, _): &&(NameKey, Leads<'_>)| !in_force.contains_key(name);
        self.names_left = self
            .names_left
            .checked_sub(names.iter().filter(is_new).count())?;
        Some(())
    }

    /// Services in force of the routes of a frontend. After a start it is not known which service
    /// is whose: then it is that of one of its names.
    fn known_services<'n>(
        &self,
        frontend: FrontendKey,
        names: &Names<'n>,
    ) -> BTreeMap<&'n ObjectName, u32> {
        let owners = &self.current.routes;
        let own = owners.iter().filter(|(_, at)| at.frontend == frontend);
        let by_route: BTreeMap<_, _> = own.map(|(id, at)| (&at.route, *id)).collect();
        let routes = || {
            names
                .iter()
                .filter_map(|(name, to)| Some((name, &to.route()?.1.name)))
        };
        let mut known: BTreeMap<_, _> = routes()
            .filter_map(|(_, route)| Some((route, *by_route.get(route)?)))
            .collect();
        let mut claimed: BTreeSet<u32> = known.values().copied().collect();
        for (name, route) in routes() {
            let target = self.current.names.get(name);
            let target = target.map_or(TLS_PROXY, |to| to.service);
            // Which is neither TLS_PROXY nor TLS_NOBODY.
            let is_free =
                !owners.contains_key(&target) && self.current.services.contains_key(&target);
            if is_free && !known.contains_key(route) && claimed.insert(target) {
                known.insert(route, target);
            }
        }
        known
    }

    /// Adds the service of a route; `None`: there is no room.
    fn route_service(
        &mut self,
        frontend: FrontendKey,
        route: &ObjectName,
        known: Option<&u32>,
        wanted: Wanted,
    ) -> Option<u32> {
        let id = self.service(known.copied(), wanted).ok()?;
        let at = RouteAt {
            frontend,
            route: route.clone(),
        };
        self.desired.routes.insert(id, at);
        Some(id)
    }
}

/// A route at a listener, as the one of a TCP listener.
fn service_of(gateway: &ObjectName, (listener, route): Passed) -> L4Service {
    L4Service {
        gateway: gateway.clone(),
        listener: listener.name.clone(),
        route: Some(route.name.clone()),
        backends: route.backends.clone(),
        options: L4Options::default(),
    }
}

#[cfg(test)]
mod tests;
