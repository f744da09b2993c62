//! Tests of reconciling, with a data path that remembers and fails on demand.

use gateway_core::{
    status::find,
    verdict::{ConditionType, Truth},
};

use super::*;
use crate::testing::{MANIFEST, documents, world};

#[derive(Debug, Default)]
struct Fake {
    tables: Tables,
    taken: Vec<&'static str>,
    fails: bool,
    refused: Refused,
}

impl DataPath for Fake {
    fn tables(&self) -> &Tables {
        &self.tables
    }

    async fn on_interfaces(&mut self, _: &BTreeSet<IpAddr>) -> Result<BTreeSet<IpAddr>> {
        Ok(BTreeSet::new())
    }

    async fn prepare(&mut self, _: &NodeWish, _: Removals) {}

    fn here(&self, wish: &NodeWish) -> Here {
        Here {
            wanted: gateway_core::l4::Node {
                workers: wish.workers.map_or(2, u32::from),
                mtu: None,
            },
            workers: 2,
        }
    }

    async fn take(&mut self, step: Step) -> Result<Refused> {
        self.taken.push(match step {
            Step::AddAddresses(_) => {
                self.taken.push("add");
                return Ok(self.refused.clone());
            }
            Step::Grow(_) => "grow",
            Step::Shrink(_) => "shrink",
            Step::Withdraw(_) => "withdraw",
            Step::Announce(_) => "announce",
            Step::Http(_) => "http",
            Step::Kernel(_) if self.fails => anyhow::bail!("the map is full"),
            Step::Kernel(ops) => {
                ops.iter().for_each(|op| self.tables.apply(op));
                "kernel"
            }
            Step::KeepAddresses(_) => "keep",
        });
        Ok(Refused::new())
    }
}

/// What brings the manifest from nothing into force.
const ALL: [&str; 8] = [
    "withdraw", "kernel", "add", "http", "kernel", "kernel", "announce", "keep",
];

fn reconciler() -> Reconciler<Fake> {
    Reconciler::new(
        Fake::default(),
        Settings::default(),
        Members::alone("a".into()),
    )
}

fn programmed(outcome: &Outcome) -> (Truth, String) {
    let gateway = &outcome.statuses.gateways[0].status;
    let condition = find(&gateway.conditions, ConditionType::Programmed).unwrap();
    (condition.status, condition.message.clone())
}

#[tokio::test]
async fn programmed_once_everything_is_in_place() {
    let mut reconciler = reconciler();
    let outcome = reconciler.reconcile(&world(MANIFEST), Removals::Now).await;
    assert_eq!(reconciler.path.taken, ALL);
    assert_eq!(reconciler.path.tables.backends.len(), 1);
    assert_eq!(
        (programmed(&outcome).0, outcome.failure),
        (Truth::True, None)
    );
}

#[tokio::test]
async fn endpoints_alone_do_not_translate_again() {
    let mut reconciler = reconciler();
    let first = reconciler.reconcile(&world(MANIFEST), Removals::Now).await;
    let moved = MANIFEST.replace("10.0.1.1", "10.0.1.3");
    reconciler.path.taken.clear();
    let second = reconciler.reconcile(&world(&moved), Removals::Now).await;
    assert!(Arc::ptr_eq(&first.translation, &second.translation));
    assert_eq!(reconciler.path.taken, ["http", "kernel"]);
    let other = MANIFEST.replace("name: echo, port: 7", "name: echo, port: 8");
    let third = reconciler.reconcile(&world(&other), Removals::Now).await;
    assert!(!Arc::ptr_eq(&first.translation, &third.translation));
}

#[tokio::test]
async fn a_failure_is_told_and_mended_by_the_next_try() {
    let mut reconciler = reconciler();
    reconciler.path.fails = true;
    let world = world(MANIFEST);
    let failed = reconciler.reconcile(&world, Removals::Now).await;
    let (status, message) = programmed(&failed);
    assert_eq!(status, Truth::False);
    assert!(message.contains("the map is full"), "{message}");
    assert_eq!(
        failed.failure,
        Some(Failure::Steps("the map is full".into()))
    );
    // What came before the failure is done; what comes after it is not.
    assert_eq!(reconciler.path.taken, ["withdraw"]);

    reconciler.path.fails = false;
    let mended = reconciler.reconcile(&world, Removals::Now).await;
    assert_eq!((programmed(&mended).0, mended.failure), (Truth::True, None));
    assert_eq!(reconciler.path.taken[1..], ALL);
}

#[tokio::test]
async fn an_address_that_cannot_be_had_affects_only_its_gateways() {
    let other = documents(&["Gateway"]).replace("name: web", "name: other");
    let other = other.replace("10.0.0.1", "10.0.0.2");
    let world = world(&format!("{MANIFEST}---\n{other}"));
    let mut reconciler = reconciler();
    reconciler.path.refused = [([10, 0, 0, 2].into(), "not this one".into())].into();
    let outcome = reconciler.reconcile(&world, Removals::Now).await;
    assert_eq!(reconciler.path.taken, ALL);
    let failure = Failure::Addresses("not this one".into());
    assert_eq!(outcome.failure, Some(failure));
    let [other, web] = &outcome.statuses.gateways[..] else {
        panic!("two Gateways");
    };
    let programmed = |conditions| find(conditions, ConditionType::Programmed).unwrap();
    assert_eq!(programmed(&web.status.conditions).status, Truth::True);
    let other = programmed(&other.status.conditions);
    assert_eq!(other.status, Truth::False);
    assert!(other.message.contains("not this one"), "{}", other.message);

    // Tried again, although nothing else is to be done.
    reconciler.path.refused.clear();
    reconciler.path.taken.clear();
    let mended = reconciler.reconcile(&world, Removals::Now).await;
    let expected = ["withdraw", "add", "http", "announce", "keep"];
    assert_eq!(reconciler.path.taken, expected);
    assert_eq!(mended.failure, None);
}

#[tokio::test]
async fn what_another_time_left_stays_until_the_files_are_whole() {
    let mut reconciler = reconciler();
    reconciler.reconcile(&world(MANIFEST), Removals::Now).await;
    let (nothing, before) = (World::default(), reconciler.path.tables.clone());
    reconciler.reconcile(&nothing, Removals::Later).await;
    assert_eq!(reconciler.path.tables, before);
    for broken in ["kind: TCPRoute", "kind: Service", "kind: EndpointSlice"] {
        let documents = MANIFEST
            .split("---\n")
            .filter(|document| !document.contains(broken));
        let rest = documents.collect::<Vec<_>>().join("---\n");
        let outcome = reconciler.reconcile(&world(&rest), Removals::Later).await;
        assert_eq!(reconciler.path.tables, before, "without {broken}");
        assert_eq!(outcome.failure, None);
    }
    // What can be read applies.
    let moved = MANIFEST.replace("10.0.1.1", "10.0.1.3");
    reconciler.reconcile(&world(&moved), Removals::Later).await;
    assert_ne!(reconciler.path.tables, before);
    reconciler.reconcile(&nothing, Removals::Now).await;
    assert_eq!(reconciler.path.tables, Tables::default());
}

#[tokio::test]
async fn a_backend_that_the_kernel_cannot_reach_is_told() {
    let text = MANIFEST.replace("addressType: IPv4", "addressType: IPv6");
    let text = text.replace("10.0.1.1", "\"2001:db8::1\"");
    let text = text.replace("10.0.1.2", "\"2001:db8::2\"");
    let outcome = reconciler().reconcile(&world(&text), Removals::Now).await;
    let told = &outcome.unserved;
    assert!(
        matches!(&told[..], [one] if one.contains("infra/v1:80")),
        "{told:?}"
    );
}
