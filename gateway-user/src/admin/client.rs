//! Asks a running daemon for its report, or for names.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::{inspect::names::Names, status::report::Report};

const DEADLINE: Duration = Duration::from_secs(5);
/// Far above a report of the largest configuration.
const REPORT_MAX: usize = 256 << 20;

/// # Errors
/// Where no daemon answers there, or something else does; the message says what to do.
pub async fn fetch_report(admin: SocketAddr) -> Result<Report> {
    fetch(admin, "/status").await
}

/// # Errors
/// As [`fetch_report`].
pub async fn fetch_names(admin: SocketAddr) -> Result<Names> {
    fetch(admin, "/names").await
}

async fn fetch<T: DeserializeOwned>(admin: SocketAddr, path: &str) -> Result<T> {
    let body = tokio::time::timeout(DEADLINE, get(admin, path)).await;
    let body = body.with_context(|| format!("{admin} did not answer within {DEADLINE:?}"))??;
    serde_json::from_slice(&body)
        .with_context(|| format!("what answers at {admin} is not an xdp-gateway of this version"))
}

async fn get(admin: SocketAddr, path: &str) -> Result<Bytes> {
    let stream = TcpStream::connect(admin).await.with_context(|| {
        format!(
            "no daemon answers at {admin}: start `xdp-gateway run`, \
             or name its admin address with --admin"
        )
    })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = http::Request::get(path)
        .header(http::header::HOST, admin.to_string())
        .body(Empty::<Bytes>::new())?;
    let response = sender
        .send_request(request)
        .await
        .context("the daemon hung up")?;
    let status = response.status();
    let body = Limited::new(response.into_body(), REPORT_MAX)
        .collect()
        .await;
    connection.abort();
    if !status.is_success() {
        bail!("{admin} answered {status} to {path}: it is not the admin address of xdp-gateway");
    }
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => bail!("the answer of {admin} broke off: {error}"),
    }
}
