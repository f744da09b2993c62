//! Tells the other nodes, by an annotation of our own pod, at which addresses this one takes packets
//! for its pods in an outer header (DSR). A node of a version that cannot do so has none.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use gateway_core::world::TUNNEL;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::client::Identity;

/// Between two attempts.
const RETRY: Duration = Duration::from_secs(5);

/// What writes the annotation; ends with it.
#[derive(Debug)]
pub struct Tunnel {
    wanted: watch::Sender<BTreeSet<IpAddr>>,
    _writer: JoinSet<()>,
}

impl Tunnel {
    /// Writes nothing before the first [`Tunnel::tell`] of an address.
    pub fn start(client: &Client, identity: &Identity) -> Self {
        let api = Api::namespaced(client.clone(), &identity.namespace);
        let (wanted, receiver) = watch::channel(BTreeSet::new());
        let mut writer = JoinSet::new();
        writer.spawn(follow(api, identity.pod.clone(), receiver));
        Self {
            wanted,
            _writer: writer,
        }
    }

    /// The addresses from now on.
    pub fn tell(&self, addresses: &BTreeSet<IpAddr>) {
        self.wanted.send_if_modified(|wanted| {
            let news = wanted != addresses;
            wanted.clone_from(addresses);
            news
        });
    }
}

async fn follow(api: Api<Pod>, pod: String, mut wanted: watch::Receiver<BTreeSet<IpAddr>>) {
    let mut failing = false;
    while wanted.changed().await.is_ok() {
        loop {
            let addresses = wanted.borrow_and_update().clone();
            let Err(error) = write(&api, &pod, &addresses).await else {
                failing = false;
                break;
            };
            if !failing {
                tracing::warn!(
                    "cannot annotate the pod {pod}: {error}; until then other nodes reach \
                     backends on this one by SNAT"
                );
            }
            failing = true;
            sleep(RETRY).await;
        }
    }
}

/// By way of the status: whoever may write that may not change what the pod runs.
async fn write(api: &Api<Pod>, pod: &str, addresses: &BTreeSet<IpAddr>) -> kube::Result<Pod> {
    let list: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let patch = json!({"metadata": {"annotations": {TUNNEL: list.join(",")}}});
    let parameters = PatchParams::default();
    api.patch_status(pod, &parameters, &Patch::Merge(patch))
        .await
}
