//! Nodes that run us, as an API server tells of our pods.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use serde_json::Value as Json;

use super::{Changed, Event, collection::Collection};
use crate::{
    endpoints::Tunnels,
    name::ObjectName,
    status::{NodeReport, NodeReports},
};

/// Annotation of our pods: addresses that their node takes outer headers at (DSR), with commas
/// between them.
pub const TUNNEL: &str = "xdp-gateway.dev/tunnel";

/// Pods of ours.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    pods: Collection<Pod>,
    listed: bool,
    trouble: Option<String>,
    /// Pods that count as ready for as long as they are there, whatever is said of them.
    trusted: BTreeSet<ObjectName>,
}

#[derive(Clone, Debug)]
struct Pod {
    /// Its node, unless it is leaving.
    node: Option<Arc<str>>,
    ready: bool,
    report: NodeReport,
    /// As [`TUNNEL`] says.
    tunnel: BTreeSet<IpAddr>,
}

impl Peers {
    /// Takes an event of the watch of our pods.
    pub fn take(&mut self, event: Event) -> Changed {
        let (before, trouble) = (self.said(), self.trouble.clone());
        match event {
            Event::Listing => self.pods.begin(),
            Event::Applied(json) => drop(self.pods.put(name(&json), Pod::new(&json))),
            Event::Deleted(json) => drop(self.pods.remove(&name(&json))),
            Event::Listed => {
                self.listed = true;
                drop(self.pods.end());
            }
            // What was seen last is the best that is known.
            Event::Failed(why) => self.trouble = Some(why),
            Event::Recovered => self.trouble = None,
            Event::NotInstalled => (),
        }
        Changed {
            watches: trouble != self.trouble,
            ..self.changed(&before)
        }
    }

    fn said(&self) -> (Option<BTreeSet<Arc<str>>>, Tunnels, NodeReports) {
        (self.nodes(), self.tunnels(), self.reports())
    }

    fn changed(&self, before: &(Option<BTreeSet<Arc<str>>>, Tunnels, NodeReports)) -> Changed {
        let now = self.said();
        Changed {
            peers: (&before.0, &before.1) != (&now.0, &now.1),
            reports: before.2 != now.2,
            ..Changed::default()
        }
    }

    /// From now on, pods that are ready stay so until they leave.
    pub fn doubt(&mut self) {
        self.trusted = self.ready().map(|(name, _, _)| name.clone()).collect();
    }

    /// Believes what the API server said meanwhile.
    pub fn believe(&mut self) -> Changed {
        let before = self.said();
        self.trusted.clear();
        self.changed(&before)
    }

    fn ready(&self) -> impl Iterator<Item = (&ObjectName, &Arc<str>, &Pod)> {
        let ready = |name: &ObjectName, pod: &Pod| pod.ready || self.trusted.contains(name);
        let ready = self.pods.iter().filter(move |(name, pod)| ready(name, pod));
        ready.filter_map(|(name, pod)| Some((name, pod.node.as_ref()?, pod)))
    }

    /// Why the watch fails.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Nodes with a ready pod; `None` before the first list.
    pub fn nodes(&self) -> Option<BTreeSet<Arc<str>>> {
        let nodes = self.ready().map(|(_, node, _)| node.clone());
        self.listed.then(|| nodes.collect())
    }

    /// What nodes with a ready pod report.
    pub fn reports(&self) -> NodeReports {
        let ready = self.ready();
        ready
            .map(|(_, node, pod)| (node.clone(), pod.report.clone()))
            .collect()
    }

    /// What the pod of this name says, ready or not; `None` if there is no such pod.
    pub fn report_of(&self, pod: &ObjectName) -> Option<&NodeReport> {
        self.pods.get(pod).map(|pod| &pod.report)
    }

    /// Nodes with a ready pod that take packets for their pods in an outer header. One without the
    /// annotation, as of an older version, does not.
    pub fn tunnels(&self) -> Tunnels {
        let able = self.ready().filter(|(_, _, pod)| !pod.tunnel.is_empty());
        able.map(|(_, node, pod)| (node.clone(), pod.tunnel.clone()))
            .collect()
    }
}

impl Pod {
    fn new(json: &Json) -> Self {
        let tunnel = json["metadata"]["annotations"][TUNNEL].as_str();
        let tunnel = tunnel.unwrap_or_default().split(',');
        Self {
            node: node(json),
            ready: is_ready(json),
            report: NodeReport::of_pod(json),
            tunnel: tunnel.filter_map(|ip| ip.trim().parse().ok()).collect(),
        }
    }
}

fn name(pod: &Json) -> ObjectName {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    ObjectName::new(text("namespace"), text("name"))
}

/// A pod that is being deleted is not ready, whatever its condition still says.
fn node(pod: &Json) -> Option<Arc<str>> {
    let leaving = !pod["metadata"]["deletionTimestamp"].is_null();
    let node = pod["spec"]["nodeName"].as_str()?;
    (!leaving).then(|| node.into())
}

fn is_ready(pod: &Json) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|conditions| {
        let is_ready = |c: &Json| c["type"] == "Ready" && c["status"] == "True";
        conditions.iter().any(is_ready)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::announce::MacAddress;

    fn pod(name: &str, node: &str, ready: &str) -> Event {
        Event::Applied(json!({
            "metadata": {"namespace": "gw", "name": name},
            "spec": {"nodeName": node},
            "status": {"conditions": [
                {"type": "Initialized", "status": "True"},
                {"type": "Ready", "status": ready},
            ]},
        }))
    }

    fn nodes(peers: &Peers) -> Option<String> {
        let nodes = peers.nodes()?;
        Some(
            nodes
                .iter()
                .map(|node| &**node)
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    #[test]
    fn nodes_are_those_of_ready_pods_once_they_have_been_listed() {
        let mut peers = Peers::default();
        assert!(!peers.take(Event::Listing).peers);
        assert!(!peers.take(pod("a", "n1", "True")).peers);
        assert_eq!(nodes(&peers), None);
        peers.take(pod("b", "n2", "False"));
        assert!(peers.take(Event::Listed).peers);
        assert_eq!(nodes(&peers).as_deref(), Some("n1"));

        assert!(peers.take(pod("b", "n2", "True")).peers);
        assert_eq!(nodes(&peers).as_deref(), Some("n1 n2"));
        assert!(!peers.take(pod("b", "n2", "True")).peers);
        let failed = peers.take(Event::Failed("no route".into()));
        assert!(failed.watches && !failed.peers);
        assert_eq!(peers.trouble(), Some("no route"));
        assert!(peers.take(Event::Recovered).watches);
        assert_eq!(peers.trouble(), None);

        assert!(!peers.take(Event::Listing).peers);
        assert!(!peers.take(pod("b", "n2", "True")).peers);
        assert!(peers.take(Event::Listed).peers);
        assert_eq!(nodes(&peers).as_deref(), Some("n2"));
    }

    #[test]
    fn nodes_say_where_they_take_outer_headers() {
        let mut peers = Peers::default();
        peers.take(pod("a", "n1", "True"));
        let Event::Applied(mut able) = pod("b", "n2", "True") else {
            unreachable!("it is applied");
        };
        able["metadata"]["annotations"][TUNNEL] = json!("192.0.2.2, 2001:db8::2,x");
        peers.take(Event::Applied(able.clone()));
        peers.take(Event::Listed);
        let at = ["192.0.2.2", "2001:db8::2"].map(|ip| ip.parse().expect("an address"));
        assert_eq!(peers.tunnels(), [("n2".into(), at.into())].into());

        able["metadata"]["annotations"][TUNNEL] = json!("192.0.2.3");
        assert!(peers.take(Event::Applied(able.clone())).peers);
        able["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
        assert!(peers.take(Event::Applied(able)).peers);
        assert!(peers.tunnels().is_empty());
    }

    #[test]
    fn a_pod_that_is_being_deleted_does_not_count() {
        let mut peers = Peers::default();
        let Event::Applied(mut leaving) = pod("a", "n1", "True") else {
            unreachable!("it is applied");
        };
        leaving["metadata"]["deletionTimestamp"] = json!("2030-01-01T00:00:00Z");
        peers.take(Event::Applied(leaving.clone()));
        peers.take(Event::Listed);
        assert_eq!(nodes(&peers).as_deref(), Some(""));
        peers.take(pod("a", "n1", "True"));
        assert!(peers.take(Event::Deleted(leaving)).peers);
        assert_eq!(nodes(&peers).as_deref(), Some(""));
    }

    #[test]
    fn after_an_outage_ready_pods_are_trusted_until_they_leave_or_time_is_over() {
        let mut peers = Peers::default();
        for (name, node, ready) in [
            ("a", "n1", "True"),
            ("b", "n2", "True"),
            ("c", "n3", "False"),
        ] {
            peers.take(pod(name, node, ready));
        }
        peers.take(Event::Listed);
        peers.doubt();
        for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n3")] {
            assert!(!peers.take(pod(name, node, "False")).peers);
        }
        assert_eq!(nodes(&peers).as_deref(), Some("n1 n2"));
        // A second outage in the meantime.
        peers.doubt();
        assert!(peers.take(pod("c", "n3", "True")).peers);
        assert!(
            peers.take(pod("c", "n3", "False")).peers,
            "it was not ready before"
        );
        let Event::Applied(b) = pod("b", "n2", "False") else {
            unreachable!("it is applied");
        };
        assert!(peers.take(Event::Deleted(b)).peers);
        assert_eq!(nodes(&peers).as_deref(), Some("n1"));
        let changed = peers.believe();
        assert!(changed.peers && changed.reports);
        assert_eq!(nodes(&peers).as_deref(), Some(""));
        assert!(peers.take(pod("a", "n1", "True")).peers);
        assert_eq!(nodes(&peers).as_deref(), Some("n1"));
    }

    #[test]
    fn reports_are_those_of_ready_pods() {
        let mut peers = Peers::default();
        let report = NodeReport {
            not_programmed: [("full".into(), ["a/b".into()].into())].into(),
            conflicts: [("10.0.0.1".parse().unwrap(), MacAddress([2; 6]))].into(),
        };
        let saying = |ready: &str| {
            let Event::Applied(mut pod) = pod("a", "n1", ready) else {
                unreachable!("it is applied");
            };
            let condition = report.patch("2030-01-01T00:00:00Z");
            let condition = condition["status"]["conditions"][0].clone();
            let conditions = pod["status"]["conditions"].as_array_mut().unwrap();
            conditions.push(condition);
            Event::Applied(pod)
        };
        peers.take(pod("b", "n2", "True"));
        assert!(peers.take(saying("True")).reports);
        assert!(!peers.take(saying("True")).reports);
        let expected = [("n1", &report), ("n2", &NodeReport::default())];
        let expected = expected.map(|(node, report)| (node.into(), report.clone()));
        assert_eq!(peers.reports(), expected.into());

        // Whoever is gone says nothing.
        assert!(peers.take(saying("False")).reports);
        assert_eq!(peers.reports().len(), 1);
        let name = ObjectName::new("gw", "a");
        assert_eq!(
            peers.report_of(&name),
            Some(&report),
            "it is what it said last"
        );
        assert!(peers.take(saying("True")).reports);
        assert!(peers.take(pod("a", "n1", "True")).reports);
        assert_eq!(peers.reports()["n1"], NodeReport::default());
        assert_eq!(peers.report_of(&ObjectName::new("gw", "x")), None);
    }
}
