//! rustls, in this process: as a client, as a server that turns lines around, and below HTTP.

use std::{convert::Infallible, net, sync::Arc, thread};

use anyhow::{Context as _, Result};
use gateway_tests::bed::Bed;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, server::TlsStream};

use super::{Certificate, Place};
use crate::passthrough::{block_on, connect, role};

/// A server on a thread of its own, which ends when this is dropped.
pub(super) struct Background(Option<oneshot::Sender<()>>);

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

/// Serves HTTP where there are protocols to choose from, else lines.
pub(super) fn serve(
    bed: &Bed,
    (_, (at, _), port): Place,
    certificate: &Certificate,
    protocols: &[&str],
) -> Result<Background> {
    let key = PrivateKeyDer::try_from(certificate.key.clone()).map_err(anyhow::Error::msg)?;
    let chain = vec![CertificateDer::from(certificate.der.clone())];
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    let http = !protocols.is_empty();
    let bind = || Ok(net::TcpListener::bind(("::", port))?);
    let listener = role(bed, at).enter(bind)?;
    listener.set_nonblocking(true)?;
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        block_on(async {
            let listener = TcpListener::from_std(listener)?;
            tokio::select! {
                done = accept(&listener, Arc::new(config).into(), http) => done,
                _ = ended => Ok(()),
            }
        })
    });
    Ok(Background(Some(end)))
}

async fn accept(listener: &TcpListener, acceptor: TlsAcceptor, http: bool) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let stream = acceptor.accept(stream).await?;
            match http {
                true => echo(stream).await,
                false => turn(stream).await,
            }
        });
    }
}

async fn turn(stream: TlsStream<TcpStream>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let text = line.trim_end();
        if matches!(text, "" | "CLOSE") {
            return Ok(stream.get_mut().shutdown().await?);
        }
        let turned: String = text.chars().rev().chain(['\n']).collect();
        stream.get_mut().write_all(turned.as_bytes()).await?;
    }
}

/// Answers each request with its body.
async fn echo(stream: TlsStream<TcpStream>) -> Result<()> {
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(async |request: Request<Incoming>| {
        let body = request.into_body().collect().await;
        let bytes = body.map_or_else(|_| Bytes::new(), Collected::to_bytes);
        Ok::<_, Infallible>(Response::new(Full::new(bytes)))
    });
    let io = TokioIo::new(stream);
    if is_http2 {
        let builder = http2::Builder::new(TokioExecutor::new());
        builder.serve_connection(io, service).await?;
    } else {
        let builder = http1::Builder::new();
        builder.serve_connection(io, service).await?;
    }
    Ok(())
}

/// The answer to a line.
pub(super) fn ask(bed: &Bed, to: &str, server: &Certificate, line: &str) -> Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(server.der.clone()))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(server.name.clone())?;
    block_on(async {
        let stream = connect(bed, &Bed::at(to, 443)).await?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await;
        let mut stream = BufReader::new(stream.context("no handshake")?);
        let ask = format!("{line}\n");
        stream.get_mut().write_all(ask.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        stream.get_mut().write_all(b"CLOSE\n").await?;
        Ok(answer)
    })
}
