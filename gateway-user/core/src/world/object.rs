//! One object, as JSON, to what we keep of it; checked, and with everything that is wrong.

use k8s_openapi::api::core::v1 as core;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::{Item, typed::typed};
use crate::api::{
    Kind,
    check::{self, Finding, Problems, nearest},
    path::Path,
};

/// What reading an object gave.
#[derive(Debug, Default)]
pub struct Reading {
    /// `None` after an error, and for kinds that we do not read.
    pub item: Option<Item>,
    pub findings: Vec<Finding>,
}

/// Reads and checks an object of any kind, as the API server gives it or as a file holds it.
/// Without a namespace it is in `default`.
pub fn read(mut json: Json) -> Reading {
    let mut out = Problems::default();
    let item = kind(&json, &mut out).and_then(|kind| {
        set_namespace(kind, &mut json);
        let item = read_kind(kind, &json, &mut out)?;
        check::meta(kind, item.meta(), &mut out);
        Some(item)
    });
    let sound = out.0.iter().all(|finding| finding.warning);
    Reading {
        item: item.filter(|_| sound),
        findings: out.0,
    }
}

/// Reads an object of `kind` that an API server has validated against its own schema.
///
/// That may be newer or older than the rules for files, so only the types count: values that
/// this version does not know are kept for conditions to report (`UnsupportedValue`).
///
/// # Errors
/// The first field whose type is not the one that we know.
pub fn read_served(kind: Kind, json: &Json) -> Result<Item, Finding> {
    let mut out = Problems::default();
    read_kind(kind, json, &mut out).ok_or_else(|| {
        let first = out.0.into_iter().find(|finding| !finding.warning);
        first.unwrap_or_else(|| Finding {
            field: Path::default(),
            message: "cannot be read".to_owned(),
            warning: false,
        })
    })
}

/// `None` if it is not one that we read, which is reported.
fn kind(json: &Json, out: &mut Problems) -> Option<Kind> {
    let root = Path::default();
    if !json.is_object() {
        out.error(
            root,
            "is not a Kubernetes object: apiVersion, kind and metadata are required",
        );
        return None;
    }
    let mut text = |field: &'static str| {
        let text = json
            .get(field)
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty());
        if text.is_none() {
            out.error(root.field(field), "is required");
        }
        text
    };
    let (api_version, name) = (text("apiVersion"), text("kind"));
    let (api_version, name) = (api_version?, name?);
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let found = Kind::ALL
        .into_iter()
        .find(|k| k.as_str() == name && k.versions().0 == group);
    let Some(found) = found else {
        let hint =
            nearest(name, Kind::ALL.map(Kind::as_str)).map(|n| format!(" (did you mean {n}?)"));
        // The right name in another group needs no hint about the name.
        let hint = hint
            .filter(|_| Kind::ALL.iter().all(|k| k.as_str() != name))
            .unwrap_or_default();
        let message = format!("{name} of {api_version} is not read by this version{hint}");
        out.warn(root.field("kind"), message);
        return None;
    };
    if found.versions().1.contains(&version) {
        return Some(found);
    }
    let known = found.versions().1.join(" or ");
    let message = format!("{name} of {api_version} is not read by this version: use {known}");
    out.warn(root.field("apiVersion"), message);
    None
}

/// Without `metadata` there is no name either, which is what gets reported.
fn set_namespace(kind: Kind, json: &mut Json) {
    let Some(object) = json.as_object_mut().filter(|_| kind.is_namespaced()) else {
        return;
    };
    let meta = object.entry("metadata").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut()
        && meta
            .get("namespace")
            .is_none_or(|namespace| namespace == "")
    {
        meta.insert("namespace".to_owned(), json!("default"));
    }
}

/// `None` only where the types do not fit; what the rules for files say is in `out`.
fn read_kind(kind: Kind, json: &Json, out: &mut Problems) -> Option<Item> {
    match kind {
        Kind::GatewayClass => of(json, check::class, Item::GatewayClass, out),
        Kind::Gateway => of(json, check::gateway, |o| Item::Gateway(Box::new(o)), out),
        Kind::ListenerSet => of(json, check::listener_set, Item::ListenerSet, out),
        Kind::HttpRoute => of(json, check::http_route, Item::HttpRoute, out),
        Kind::GrpcRoute => of(json, check::grpc_route, Item::GrpcRoute, out),
        Kind::TlsRoute => of(json, check::tls_route, Item::TlsRoute, out),
        Kind::TcpRoute => of(json, check::l4_route, Item::TcpRoute, out),
        Kind::UdpRoute => of(json, check::l4_route, Item::UdpRoute, out),
        Kind::BackendTlsPolicy => of(json, check::tls_policy, Item::BackendTlsPolicy, out),
        Kind::ReferenceGrant => of(json, check::grant, Item::ReferenceGrant, out),
        Kind::Namespace => of(
            json,
            |_: &core::Namespace, _| (),
            |o| Item::Namespace(o.into()),
            out,
        ),
        Kind::Service => of(json, check::service, |o| Item::Service(o.into()), out),
        Kind::EndpointSlice => of(
            json,
            check::endpoint_slice,
            |o| Item::EndpointSlice(o.into()),
            out,
        ),
        Kind::Secret => of(json, check::secret, |o| Item::Secret(o.into()), out),
        Kind::ConfigMap => of(
            json,
            |_: &core::ConfigMap, _| (),
            |o| Item::ConfigMap(o.into()),
            out,
        ),
        Kind::AddressPool => of(json, check::pool, Item::AddressPool, out),
        Kind::GatewayParameters => of(
            json,
            check::gateway_parameters,
            Item::GatewayParameters,
            out,
        ),
    }
}

fn of<T: DeserializeOwned>(
    json: &Json,
    check: fn(&T, &mut Problems),
    item: fn(T) -> Item,
    out: &mut Problems,
) -> Option<Item> {
    let object = typed(json, out)?;
    check(&object, out);
    Some(item(object))
}
