//! HTTP server that answers with what it saw.

use std::{collections::BTreeMap, convert::Infallible, net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::report::Seen;

#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(long)]
    listen: SocketAddr,
    /// Name of this server in its answers.
    #[arg(long)]
    version: String,
    /// Answer with so many bytes alone, as fast as can be.
    #[arg(long)]
    bytes: Option<usize>,
    /// Answer requests for /healthz with 500 unless this file exists.
    #[arg(long)]
    healthy_with: Option<PathBuf>,
    /// Speak HTTP/2 with prior knowledge only.
    #[arg(long)]
    http2: bool,
}

pub(super) async fn serve(args: Args) -> Result<()> {
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", args.listen))?;
    eprintln!("listening on {}", args.listen);
    let fixed = args.bytes.map(|bytes| Bytes::from(vec![b'x'; bytes]));
    loop {
        let (stream, peer) = listener.accept().await?;
        let (version, fixed) = (args.version.clone(), fixed.clone());
        let healthy_with = args.healthy_with.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (version, fixed) = (version.clone(), fixed.clone());
            let asked = request.uri().path() == "/healthz";
            let file = healthy_with.as_ref().filter(|_| asked);
            let unwell = file.is_some_and(|file| !file.exists());
            async move {
                Ok::<_, Infallible>(match fixed {
                    _ if unwell => failure(),
                    Some(bytes) => Response::new(Full::new(bytes)),
                    None => answer(request, version, peer).await,
                })
            }
        });
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let io = TokioIo::new(stream);
            match args.http2 {
                true => {
                    let builder = http2::Builder::new(TokioExecutor::new());
                    builder.serve_connection(io, service).await?;
                }
                false => http1::Builder::new().serve_connection(io, service).await?,
            }
            anyhow::Ok(())
        });
    }
}

fn failure() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

async fn answer(
    request: Request<Incoming>,
    version: String,
    peer: SocketAddr,
) -> Response<Full<Bytes>> {
    let (head, mut body) = request.into_parts();
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    let seen = Seen {
        version,
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: text_of(&head.headers),
        peer,
        body: length,
    };
    let mut text = serde_json::to_string_pretty(&seen).unwrap_or_default();
    text.push('\n');
    let mut response = Response::new(Full::new(text.into()));
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Lower-case names and the last value of each.
pub(super) fn text_of(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}
