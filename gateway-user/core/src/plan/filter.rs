//! What the rules of routes do to requests and answers on their way.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::{Cors, ExternalAuth, HttpBackend};
use crate::balance::Share;

#[derive(Clone, Debug)]
pub enum HttpFilter {
    RequestHeaders(HeaderEdit),
    ResponseHeaders(HeaderEdit),
    Redirect(Redirect),
    Rewrite(Rewrite),
    Mirror(Box<Mirror>),
    Cors(Arc<Cors>),
    ExternalAuth(Box<ExternalAuth>),
    /// The filter could not be understood or resolved: requests get a 500, as the API demands.
    Invalid,
}

impl HttpFilter {
    /// A backend of its own, and whether that is spoken to in calls of gRPC whatever the route.
    pub fn backend(&self) -> Option<(&HttpBackend, bool)> {
        match self {
            Self::Mirror(mirror) => Some((&mirror.backend, false)),
            Self::ExternalAuth(auth) => Some((&auth.backend, auth.is_call())),
            _ => None,
        }
    }

    pub fn backend_mut(&mut self) -> Option<&mut HttpBackend> {
        match self {
            Self::Mirror(mirror) => Some(&mut mirror.backend),
            Self::ExternalAuth(auth) => Some(&mut auth.backend),
            _ => None,
        }
    }
}

/// Applied in this order: set, add, remove.
#[derive(Clone, Debug, Default)]
pub struct HeaderEdit {
    pub set: Vec<(HeaderName, HeaderValue)>,
    pub add: Vec<(HeaderName, HeaderValue)>,
    pub remove: Vec<HeaderName>,
}

/// Parts that are `None` are taken from the request.
#[derive(Clone, Debug)]
pub struct Redirect {
    pub scheme: Option<Scheme>,
    pub hostname: Option<Arc<str>>,
    pub path: Option<PathRewrite>,
    /// `None`: the scheme's well-known port where a scheme is given, else the listener's port.
    pub port: Option<u16>,
    /// 301 or 302 (303, 307 and 308 in the extended API).
    pub status: u16,
}

/// Sends copies of requests to another backend, too; they are never waited for.
#[derive(Clone, Debug)]
pub struct Mirror {
    pub backend: HttpBackend,
    /// Of the requests: those that are copied.
    pub share: Share,
}

/// Changes what the backend sees as the request's host and path; `None`: as it came.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// Replaces `Host`.
    pub hostname: Option<HeaderValue>,
    pub path: Option<PathRewrite>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

#[derive(Clone, Debug)]
pub enum PathRewrite {
    Full(Arc<str>),
    /// Replaces the prefix that the rule matched. Empty, or begins with `/`, as the other one.
    Prefix(Arc<str>),
}
