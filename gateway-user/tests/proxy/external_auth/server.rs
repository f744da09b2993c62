//! Authorization servers that answer as a test says and keep what they are asked, and beds whose
//! first rule asks them.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use gateway_core::{
    endpoints::{Endpoint, Endpoints},
    name::ObjectName,
    plan::{
        AuthProtocol, BackendId, BackendProtocol, ExternalAuth, HttpAuth, HttpBackend, HttpFilter,
        Names, Target, Transport,
    },
};
use http::{HeaderName, Request, Response, request::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{
    backend::Backend,
    bed::{Bed, rule},
};

/// A question.
pub(super) struct Asked {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    pub(super) connections: Arc<AtomicUsize>,
}

impl Asked {
    /// The values of a header, joined.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let values = self.head.headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

impl Server {
    /// Speaks HTTP/1.1.
    pub(super) async fn start<F>(answer: F) -> Self
    where
        F: Fn(&Asked) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            connections: Arc::default(),
        };
        let (asked, connections) = (server.asked.clone(), server.connections.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, SeqCst);
                let (asked, answer) = (asked.clone(), answer.clone());
                let service =
                    service_fn(move |request| take(asked.clone(), answer.clone(), request));
                // A proxy that goes away is what some tests are about.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        server
    }

    /// Allows everything, with these headers.
    pub(super) async fn allowing(headers: &'static [(&'static str, &'static str)]) -> Self {
        Self::start(move |_| answer(200, headers, "welcome")).await
    }

    pub(super) async fn denying() -> Self {
        let headers: &[_] = &[
            ("www-authenticate", "Basic realm=\"shop\""),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
        ];
        Self::start(move |_| answer(401, headers, "who are you?")).await
    }

    pub(super) fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap()
    }

    pub(super) fn questions(&self) -> usize {
        self.asked().len()
    }
}

async fn take<F>(
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: F,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible>
where
    F: Fn(&Asked) -> Response<Full<Bytes>>,
{
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let one = Asked { head, body };
    let response = answer(&one);
    asked.lock().unwrap().push(one);
    Ok(response)
}

pub(super) fn answer(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &'static str,
) -> Response<Full<Bytes>> {
    let builder = Response::builder().status(status);
    let add = |builder: http::response::Builder, (name, value): &(&str, &str)| {
        builder.header(*name, *value)
    };
    let builder = headers.iter().fold(builder, add);
    builder.body(Full::from(body)).unwrap()
}

pub(super) fn names(names: &[&'static str]) -> Box<[HeaderName]> {
    names
        .iter()
        .map(|name| HeaderName::from_static(name))
        .collect()
}

/// By HTTP, with nothing allowed but what the API names, and all of the answer.
pub(super) fn bare() -> HttpAuth {
    HttpAuth {
        path: "".into(),
        request_headers: Box::default(),
        response_headers: Names::All,
    }
}

/// A filter that asks one of `servers`.
pub(super) fn auth(
    endpoints: &mut Endpoints,
    name: &str,
    servers: &[SocketAddr],
    protocol: AuthProtocol,
) -> ExternalAuth {
    let id = BackendId {
        service: ObjectName::new("default", name),
        port: 9000,
        transport: Transport::Tcp,
    };
    let all = servers.iter().map(|address| Endpoint::new(*address));
    endpoints.0.insert(id.clone(), all.collect());
    ExternalAuth {
        backend: HttpBackend {
            target: Target::Backend(id),
            protocol: match protocol {
                AuthProtocol::Http(_) => BackendProtocol::Http1,
                AuthProtocol::Grpc(_) => BackendProtocol::Http2,
            },
            tls: None,
            weight: 1,
            filters: Vec::new(),
        },
        protocol,
        body_bytes: 0,
    }
}

/// A bed whose requests are for the server to allow, but for those below `/open`.
pub(super) fn asking(backend: &Backend, servers: &[SocketAddr], protocol: AuthProtocol) -> Bed {
    edited(backend, servers, protocol, |_| {})
}

pub(super) fn edited(
    backend: &Backend,
    servers: &[SocketAddr],
    protocol: AuthProtocol,
    edit: impl FnOnce(&mut ExternalAuth),
) -> Bed {
    let rules = [rule("/", backend.address), rule("/open", backend.address)];
    Bed::edited(&rules, |rules, endpoints| {
        let mut auth = auth(endpoints, "auth", servers, protocol);
        edit(&mut auth);
        rules[0].filters = vec![HttpFilter::ExternalAuth(Box::new(auth))];
    })
}
