//! Authorization servers, which say of each request whether it may go on (GEP-1494).

use std::sync::Arc;

use http::{HeaderMap, HeaderName};

use super::HttpBackend;

/// Whom a rule asks about its requests, and what it tells.
#[derive(Clone, Debug)]
pub struct ExternalAuth {
    pub backend: HttpBackend,
    pub protocol: AuthProtocol,
    /// Bytes of a body that is shown; longer ones are refused. 0: bodies are not shown.
    pub body_bytes: u16,
}

#[derive(Clone, Debug)]
pub enum AuthProtocol {
    Http(HttpAuth),
    /// `envoy.service.auth.v3.Authorization/Check`; the client's headers that are shown.
    Grpc(Names),
}

/// The client's method and target are asked for, with `Host`, `Content-Length`, `Authorization`.
#[derive(Clone, Debug)]
pub struct HttpAuth {
    /// Stands before the path: empty, or begins with `/` and does not end with one.
    pub path: Arc<str>,
    /// Further headers of the client that are shown.
    pub request_headers: Box<[HeaderName]>,
    /// Headers of a 200 that replace those of the client in the request for the backend.
    pub response_headers: Names,
}

/// A choice among headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    All,
    These(Box<[HeaderName]>),
}

impl ExternalAuth {
    /// Whether the server is asked in a call of gRPC.
    pub fn is_call(&self) -> bool {
        matches!(self.protocol, AuthProtocol::Grpc(_))
    }
}

impl Names {
    /// Those of `headers` that are chosen, as often as they are there.
    pub fn of(&self, headers: &HeaderMap) -> HeaderMap {
        match self {
            Self::All => headers.clone(),
            Self::These(names) => only(headers, names),
        }
    }
}

/// The headers of these names, as often as they are there.
pub(crate) fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let mut chosen = HeaderMap::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            continue;
        }
        for value in headers.get_all(name) {
            chosen.append(name, value.clone());
        }
    }
    chosen
}
