//! Where server names of a frontend lead: the choice that the proxy makes in two steps (listener, then
//! route) as one list in which the most specific wins.

use std::{collections::BTreeMap, iter};

use crate::plan::{HostPattern, HttpFrontend, TlsListener, TlsRoute};

/// A route of mode Passthrough, with the listener that it is attached to.
pub(in crate::l4) type Passed<'a> = (&'a TlsListener, &'a TlsRoute);

/// Where names lead that match a pattern, and no more specific one.
#[derive(Clone, Copy, Debug)]
pub(in crate::l4) enum Leads<'a> {
    /// To a route that is passed through.
    Route(Passed<'a>),
    /// To the proxy, which ends TLS.
    Proxy,
    /// Their listener has no route for them. So it is with names that match nothing.
    Nobody,
}

impl<'a> Leads<'a> {
    pub(in crate::l4) const fn route(&self) -> Option<Passed<'a>> {
        match *self {
            Self::Route(passed) => Some(passed),
            Self::Proxy | Self::Nobody => None,
        }
    }
}

/// Patterns of server names, each once.
///
/// The most specific listener takes a name, whether or not it has a route for it; then the most
/// specific host name of its routes, the first one of equals. So each listener stands in the list
/// with its own host name, and of its routes' host names those that no more specific listener covers.
pub(in crate::l4) fn flatten(frontend: &HttpFrontend) -> BTreeMap<&HostPattern, Leads<'_>> {
    let listeners = listeners(frontend);
    let mut names = BTreeMap::new();
    for (hostname, listener) in &listeners {
        let alone = match listener {
            Some(_) => Leads::Nobody,
            None => Leads::Proxy,
        };
        names.entry(*hostname).or_insert(alone);
        let routes = listener
            .iter()
            .flat_map(|l| l.routes.iter().map(|r| (*l, r)));
        let mut own = BTreeMap::new();
        for (listener, route) in routes {
            for pattern in &route.hostnames {
                let leads = match listener.tls {
                    None => Leads::Route((listener, route)),
                    Some(_) => Leads::Proxy,
                };
                own.entry(pattern).or_insert(leads);
            }
        }
        let takes = |pattern: &HostPattern| {
            let mut wider = wider(pattern);
            wider.find(|wider| listeners.contains_key(wider)) == Some((*hostname).clone())
        };
        let own = own.into_iter().filter(|(pattern, _)| takes(pattern));
        names.extend(own);
    }
    names
}

/// By host name; `None` for those of HTTPS. The first of two with one host name counts.
fn listeners(frontend: &HttpFrontend) -> BTreeMap<&HostPattern, Option<&TlsListener>> {
    let mut listeners = BTreeMap::new();
    for listener in &frontend.tls {
        listeners
            .entry(&listener.hostname)
            .or_insert(Some(listener));
    }
    // Only HTTPS listeners can be beside those of TLS.
    for listener in &frontend.listeners {
        listeners.entry(&listener.hostname).or_insert(None);
    }
    listeners
}

/// The pattern itself, then those that take all names that it takes, the most specific first.
fn wider(pattern: &HostPattern) -> impl Iterator<Item = HostPattern> {
    let rest = match pattern {
        HostPattern::Exact(name) | HostPattern::Suffix(name) => name.clone(),
        HostPattern::Any => "".into(),
    };
    let mut at = 0;
    let suffixes = iter::from_fn(move || {
        let name = rest.get(at..)?;
        at += name.find('.')? + 1;
        rest.get(at..).map(|name| HostPattern::Suffix(name.into()))
    });
    let any = (*pattern != HostPattern::Any).then_some(HostPattern::Any);
    iter::once(pattern.clone()).chain(suffixes).chain(any)
}

#[cfg(test)]
mod tests;
