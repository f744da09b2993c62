//! Servers of `envoy.service.auth.v3.Authorization/Check` that answer as a test says.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use gateway_core::{
    http::auth::check::messages::{CheckRequest, CheckResponse, HttpRequest},
    plan::{AuthProtocol, Names},
};
use http::{HeaderMap, HeaderValue, Request, Response, request::Parts};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// By gRPC, with all headers shown.
pub(super) const ALL: AuthProtocol = AuthProtocol::Grpc(Names::All);

pub(super) type Answer = Response<BoxBody<Bytes, std::convert::Infallible>>;

/// A server of HTTP/2 with prior knowledge.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) asked: Arc<Mutex<Vec<(Parts, CheckRequest)>>>,
}

impl Server {
    /// `answer` gets the message as it came.
    pub(super) async fn raw<F>(answer: F) -> Self
    where
        F: Fn(&CheckRequest) -> Answer + Clone + Send + Sync + 'static,
    {
        Self::serve(None, answer).await
    }

    /// Inside TLS.
    pub(super) async fn secure<F>(acceptor: TlsAcceptor, answer: F) -> Self
    where
        F: Fn(&HttpRequest) -> CheckResponse + Clone + Send + Sync + 'static,
    {
        Self::serve(Some(acceptor), answering(answer)).await
    }

    async fn serve<F>(acceptor: Option<TlsAcceptor>, answer: F) -> Self
    where
        F: Fn(&CheckRequest) -> Answer + Clone + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let shared = asked.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                let asked = shared.clone();
                // A proxy that goes away, or does not trust, is what some tests are about.
                tokio::spawn(async move {
                    match acceptor {
                        None => connection(stream, asked, answer).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                connection(stream, asked, answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, asked }
    }

    pub(super) async fn start<F>(answer: F) -> Self
    where
        F: Fn(&HttpRequest) -> CheckResponse + Clone + Send + Sync + 'static,
    {
        Self::raw(answering(answer)).await
    }

    pub(super) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn answering<F>(answer: F) -> impl Fn(&CheckRequest) -> Answer + Clone + Send + Sync + 'static
where
    F: Fn(&HttpRequest) -> CheckResponse + Clone + Send + Sync + 'static,
{
    move |check| grpc(&framed(&answer(http_of(check)).encode_to_vec()), Some("0"))
}

/// Takes calls until the connection ends.
async fn connection<S, F>(stream: S, asked: Arc<Mutex<Vec<(Parts, CheckRequest)>>>, answer: F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(&CheckRequest) -> Answer + Clone + Send + Sync + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (asked, answer) = (asked.clone(), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            assert_eq!(
                body[..5],
                [&[0][..], &(body.len() as u32 - 5).to_be_bytes()].concat()
            );
            let check = CheckRequest::decode(&body[5..]).expect("a CheckRequest");
            let response = answer(&check);
            asked.lock().unwrap().push((parts, check));
            Ok::<_, hyper::Error>(response)
        }
    });
    let builder = http2::Builder::new(TokioExecutor::new());
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

pub(super) fn http_of(check: &CheckRequest) -> &HttpRequest {
    let request = check.attributes.as_ref().unwrap().request.as_ref();
    request.unwrap().http.as_ref().unwrap()
}

pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, message].concat()
}

/// An answer of gRPC with this status in its trailers.
pub(super) fn grpc(body: &[u8], status: Option<&'static str>) -> Answer {
    let status = status.map(|status| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(status));
        Ok(trailers)
    });
    let body = Full::from(body.to_vec()).with_trailers(std::future::ready(status));
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(body.boxed()).unwrap()
}
