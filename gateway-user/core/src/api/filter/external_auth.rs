//! Requests that an authorization server is asked about first (GEP-1494).

use std::sync::Arc;

use serde::Deserialize;

use crate::api::{Open, open::api_enum, refs::BackendObject};

/// The field that `protocol` names is set, and not the other.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalAuth {
    pub protocol: Open<AuthProtocol>,
    pub backend_ref: BackendObject,
    pub grpc: Option<GrpcAuth>,
    pub http: Option<HttpAuth>,
    /// `None`: bodies are not shown.
    pub forward_body: Option<ForwardBody>,
}

api_enum! { pub AuthProtocol { Http = "HTTP", Grpc = "GRPC" } }

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrpcAuth {
    /// Of the client's request, those that are shown; none: all.
    pub allowed_headers: Vec<Arc<str>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpAuth {
    /// Put before the path of the request; empty: nothing is.
    pub path: Option<Arc<str>>,
    /// Of the client's request, those that are shown beside `Host`, `Content-Length` and
    /// `Authorization`.
    pub allowed_headers: Vec<Arc<str>>,
    /// Of the server's answer, those that the backend gets; none: all.
    pub allowed_response_headers: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ForwardBody {
    /// Bytes; 0: bodies are not shown. The CRD has no range for it, the API's Go type is uint16.
    pub max_size: i64,
}
