//! EndpointSlices as an API server tells of them right after it was away.
//!
//! While it is away no kubelet can renew the Lease of its node. Once it is back, the node lifecycle
//! controller takes such nodes for lost, and their pods for not ready, until the kubelets have
//! written again: for seconds, all of a Service's endpoints may look unready, and all serve.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    api::core_kinds::{EndpointSlice, SliceEndpoint},
    name::ObjectName,
};

/// What was ready before, and what is said of it since.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt {
    ready: BTreeSet<IpAddr>,
    /// As the API server has them.
    said: BTreeMap<ObjectName, EndpointSlice>,
}

impl Doubt {
    /// Endpoints of these that are ready are to stay so.
    pub(super) fn keep<'a>(&mut self, slices: impl IntoIterator<Item = &'a EndpointSlice>) {
        let endpoints = slices.into_iter().flat_map(|slice| &slice.spec.endpoints);
        let ready = endpoints.filter(|endpoint| endpoint.conditions.ready);
        self.ready.extend(ready.flat_map(|e| &e.addresses));
    }

    /// The slice as it shall be taken.
    pub(super) fn hold(&mut self, mut slice: EndpointSlice) -> EndpointSlice {
        let name = slice.name();
        self.said.insert(name, slice.clone());
        let kept = |e: &&mut SliceEndpoint| e.addresses.iter().all(|ip| self.ready.contains(ip));
        for endpoint in slice.spec.endpoints.iter_mut().filter(kept) {
            let conditions = &mut endpoint.conditions;
            conditions.ready |= !conditions.terminating;
            conditions.serving |= conditions.ready;
        }
        slice
    }

    pub(super) fn forget(&mut self, name: &ObjectName) {
        drop(self.said.remove(name));
    }

    /// Those that were told of, as they were told.
    pub(super) fn slices(self) -> impl Iterator<Item = EndpointSlice> {
        self.said.into_values()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        api::Kind,
        world::{Event, Store},
    };

    /// Endpoints n of 10.0.0.n; what they say of `ready`, and whether they terminate.
    fn slice(version: u32, endpoints: &[(u8, bool, bool)]) -> Event {
        let endpoint = |(n, ready, terminating): &(u8, bool, bool)| {
            json!({
                "addresses": [format!("10.0.0.{n}")],
                "conditions": {"ready": ready, "serving": ready, "terminating": terminating},
            })
        };
        Event::Applied(json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "s", "namespace": "a", "resourceVersion": version.to_string()},
            "addressType": "IPv4",
            "endpoints": endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        }))
    }

    struct Bed(Store);

    impl Bed {
        fn new(endpoints: &[(u8, bool, bool)]) -> Self {
            let mut bed = Self(Store::new([Kind::EndpointSlice]));
            assert!(bed.take(slice(1, endpoints)));
            bed
        }

        /// Whether objects have changed.
        fn take(&mut self, event: Event) -> bool {
            self.0.take(Kind::EndpointSlice, event).world
        }

        /// Last bytes of the addresses that are ready.
        fn ready(&self) -> Vec<String> {
            let slices = self.0.world().slices.values();
            let endpoints = slices.flat_map(|slice| &slice.spec.endpoints);
            let ready = endpoints.filter(|e| e.conditions.ready && e.conditions.serving);
            let last = |ip: &std::net::IpAddr| ip.to_string().replace("10.0.0.", "");
            ready.flat_map(|e| e.addresses.iter().map(last)).collect()
        }
    }

    #[test]
    fn what_was_ready_stays_so_until_the_doubt_ends() {
        let mut bed = Bed::new(&[(1, true, false), (2, true, false), (3, false, false)]);
        bed.0.doubt();
        let all_lost = [(1, false, false), (2, false, false), (3, false, false)];
        assert!(!bed.take(slice(2, &all_lost)));
        assert_eq!(bed.ready(), ["1", "2"]);
        // Away again.
        bed.0.doubt();
        assert!(bed.take(slice(
            3,
            &[(1, false, false), (2, false, false), (3, true, false)]
        )));
        assert_eq!(bed.ready(), ["1", "2", "3"]);
        assert!(bed.take(slice(4, &all_lost)), "3 was not ready before");
        assert_eq!(bed.ready(), ["1", "2"]);
        assert!(bed.0.believe().world);
        assert!(bed.ready().is_empty());
        assert!(bed.take(slice(5, &[(1, true, false)])));
        assert!(bed.take(slice(6, &[(1, false, false)])));
        assert!(bed.ready().is_empty());
    }

    #[test]
    fn what_is_all_right_again_needs_no_change() {
        let mut bed = Bed::new(&[(1, true, false)]);
        bed.0.doubt();
        assert!(!bed.take(slice(2, &[(1, false, false)])));
        assert!(!bed.take(slice(3, &[(1, true, false)])));
        assert!(!bed.0.believe().world);
        assert_eq!(bed.ready(), ["1"]);
    }

    #[test]
    fn what_ends_or_is_not_listed_goes_at_once() {
        let mut bed = Bed::new(&[(1, true, false), (2, true, false)]);
        bed.0.doubt();
        assert!(bed.take(slice(2, &[(1, false, true)])));
        assert!(bed.ready().is_empty());
        let Event::Applied(gone) = slice(3, &[(2, false, false)]) else {
            unreachable!("it is applied");
        };
        assert!(bed.take(Event::Applied(gone.clone())));
        assert_eq!(bed.ready(), ["2"]);
        assert!(bed.take(Event::Deleted(gone)));
        assert!(!bed.0.believe().world, "it does not come back");
        assert!(bed.0.world().slices.is_empty());
    }
}
