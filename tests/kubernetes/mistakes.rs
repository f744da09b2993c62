//! The mistakes of every tutorial, on a real API server: `kubectl describe` of the object that has
//! one says what to do, in a condition and in an Event. The objects are those of the golden cases.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{programs, wait::wait_until};
use serde_json::Value as Json;

use super::bed::{Cluster, LIMIT, get, wait_condition};

const KINDS: [&str; 8] = [
    "gatewayclasses",
    "gateways",
    "grpcroutes",
    "httproutes",
    "referencegrants",
    "tcproutes",
    "tlsroutes",
    "udproutes",
];

const AROUND: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: apps}
---
apiVersion: v1
kind: Namespace
metadata: {name: certs}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: Namespace
metadata: {name: vault}
---
apiVersion: xdp-gateway.dev/v1alpha1
kind: AddressPool
metadata: {name: golden}
spec: {addresses: [10.0.0.0/24]}
";

const INFRA: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: infra}
";

/// Golden case, then objects with words of what is told about them.
const MISTAKES: [(&str, &[(&str, &str)]); 10] = [
    (
        "mistake-class",
        &[
            ("gatewayclass tuned", "name a GatewayParameters of group"),
            ("gateway tuned", "its Accepted condition says why"),
            (
                "httproute app",
                r#"Gateway "default/tuned" is not served here"#,
            ),
        ],
    ),
    (
        "mistake-backend",
        &[
            ("httproute misspelt", r#"did you mean "shop"?"#),
            ("httproute elsewhere", "set namespace: apps"),
            ("httproute port", "has no TCP port 80; it has 8080"),
            ("tcproute udp", "has no TCP port 53; it has 53 (UDP)"),
        ],
    ),
    (
        "mistake-certificate",
        &[
            ("gateway web", "create it: kubectl create secret tls aa"),
            ("gateway web", r#"ReferenceGrant in namespace "certs""#),
            ("gateway web", "tls.crt holds no PEM certificate"),
            ("gateway web", "tls.crt and tls.key cannot be used together"),
        ],
    ),
    (
        "mistake-conflict",
        &[
            ("gateway web", "change one of the two ports"),
            ("gateway all-bad", "no listener is valid"),
        ],
    ),
    (
        // Created first, and so the older one here.
        "mistake-conflict-gateways",
        &[(
            "gateway z-older",
            r#"10.0.0.1 of spec.addresses belongs to the Gateway "default/a-newer""#,
        )],
    ),
    (
        "mistake-tls-routes",
        &[
            ("tlsroute elsewhere", "none of spec.hostnames"),
            ("tlsroute section", r#"has no listener with name "nobody""#),
        ],
    ),
    (
        "mistake-route-kind",
        &[("tcproute tcp", "TCPRoute needs a listener of protocol TCP")],
    ),
    (
        "mistake-unsupported-value",
        &[
            ("httproute regex", "cannot be read: unclosed group"),
            (
                "httproute extension",
                "filter ExtensionRef is not implemented yet",
            ),
        ],
    ),
    (
        "mistake-weights",
        &[(
            "httproute http",
            "give at least one backend a weight above 0",
        )],
    ),
    (
        "mistake-parameters",
        &[("gateway web", "name a GatewayParameters of group")],
    ),
];

#[test]
fn every_mistake_is_told_where_kubectl_shows_it() -> Result<()> {
    let cluster = Cluster::with_pool(&KINDS)?;
    cluster.api.apply(AROUND)?;
    let mut daemon = cluster.start()?;
    daemon.wait_ready()?;
    for (case, told) in MISTAKES {
        let file = programs::root()?.join(format!("tests/golden/cases/{case}.yaml"));
        cluster.api.apply_path(&file).context(case)?;
        for (object, words) in told {
            expect(&cluster, object, words).with_context(|| format!("{case}\n{}", daemon.log()))?;
        }
        let delete = format!("delete --wait -f {}", file.display());
        cluster.api.kubectl(&delete)?;
    }
    Ok(())
}

/// Golden case, then objects that another controller or nobody answers for.
const OTHERS: [(&str, &[&str]); 2] = [
    (
        "mistake-class",
        &["gatewayclass other", "gateway theirs", "gateway misspelt"],
    ),
    (
        "mistake-parent",
        &[
            "httproute misspelt",
            "httproute elsewhere",
            "httproute far-off",
            "httproute mesh",
        ],
    ),
];
/// Created last: what is said about it comes after what there was to say before.
const LAST: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: last}
spec: {controllerName: xdp-gateway.dev/controller}
";

#[test]
fn what_is_not_ours_gets_no_status_and_no_event_of_ours() -> Result<()> {
    let cluster = Cluster::with_pool(&KINDS)?;
    cluster.api.apply(AROUND)?;
    cluster.api.apply(INFRA)?;
    let mut daemon = cluster.start()?;
    daemon.wait_ready()?;
    for (case, untouched) in OTHERS {
        let file = programs::root()?.join(format!("tests/golden/cases/{case}.yaml"));
        cluster.api.apply_path(&file).context(case)?;
        cluster.api.apply(LAST)?;
        wait_condition(&cluster, "gatewayclass last", "Accepted")?;
        let events = get(&cluster, "events.events.k8s.io")?.to_string();
        for object in untouched {
            let mut messages = Vec::new();
            collect(&get(&cluster, object)?["status"], &mut messages);
            // What the CRDs say of every new object.
            messages.retain(|message| message != "Waiting for controller");
            ensure!(messages.is_empty(), "{object}: {messages:?}");
            let (_, name) = object.split_once(' ').context("a name")?;
            let about = format!(r#""name":"{name}","#);
            ensure!(!events.contains(&about), "{object}: {events}");
        }
        cluster.api.kubectl("delete --wait gatewayclass last")?;
        let delete = format!("delete --wait -f {}", file.display());
        cluster.api.kubectl(&delete)?;
    }
    Ok(())
}

/// Waits until a condition and an Event of the object say so, and `kubectl describe` shows both.
fn expect(cluster: &Cluster, object: &str, words: &str) -> Result<()> {
    let what = format!("`kubectl describe {object}` says `{words}` twice");
    wait_until(LIMIT, &what, || {
        let status = cluster.api.kubectl(&format!("get {object} -o json"))?;
        let status: Json = serde_json::from_str(&status)?;
        let mut messages = Vec::new();
        collect(&status["status"], &mut messages);
        let told = messages.iter().any(|message| message.contains(words));
        let described = cluster.api.kubectl(&format!("describe {object}"))?;
        let (_, events) = described.rsplit_once("\nEvents:").context("no events")?;
        Ok(told && events.contains("Warning") && events.contains(words))
    })?;
    Ok(())
}

/// The messages of every condition below.
fn collect(json: &Json, messages: &mut Vec<String>) {
    if let Some(message) = json["message"].as_str() {
        messages.push(message.to_owned());
    }
    let below = json.as_object().into_iter().flat_map(|map| map.values());
    below
        .chain(json.as_array().into_iter().flatten())
        .for_each(|json| collect(json, messages));
}
