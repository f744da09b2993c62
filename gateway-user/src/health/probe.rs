//! One check of one endpoint.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use bytes::Bytes;
use gateway_core::{
    health::{Fault, How, Task},
    plan::{BackendProtocol, BackendTls, HttpCheck, Inside, UdpCheck},
};
use http::{
    HeaderValue, Request, StatusCode, Uri, Version,
    header::{CONNECTION, HOST, USER_AGENT},
    uri::Scheme,
};
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UdpSocket},
    task::JoinSet,
    time,
};
use tokio_rustls::TlsConnector;

const AGENT: &str = concat!("xdp-gateway/", env!("CARGO_PKG_VERSION"), " (health check)");

/// Why a check did not succeed.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Fault(Fault),
    /// This node could not do its part: no descriptor, port or memory, or its firewall.
    Here,
}

/// What became of it; `None` where it could not be done, which tells nothing of the endpoint.
pub(super) async fn probe(task: &Task) -> Option<Result<(), Fault>> {
    let endpoint = task.endpoint.address;
    let check = async {
        match &*task.how {
            How::Tcp => TcpStream::connect(endpoint)
                .await
                .map(drop)
                .map_err(Failure::from),
            How::Udp(check) => udp(endpoint, check).await,
            How::Http {
                check,
                protocol,
                tls,
            } => http(endpoint, check, *protocol, tls.as_deref()).await,
        }
    };
    let result = time::timeout(task.timeout, check).await;
    let result = result.unwrap_or_else(|_| match &*task.how {
        How::Udp(check) if !check.expect_reply => Ok(()),
        _ => Err(Fault::TimedOut.into()),
    });
    match result {
        Ok(()) => Some(Ok(())),
        Err(Failure::Fault(fault)) => Some(Err(fault)),
        Err(Failure::Here) => None,
    }
}

/// Ends with the first answer, or with an error that the network told.
async fn udp(endpoint: SocketAddr, check: &UdpCheck) -> Result<(), Failure> {
    let any: SocketAddr = match endpoint {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    // Of this endpoint alone: the socket hears no others, and of ICMP errors.
    socket.connect(endpoint).await?;
    socket.send(&check.send).await?;
    socket.recv(&mut [0; 1]).await?;
    Ok(())
}

async fn http(
    endpoint: SocketAddr,
    check: &HttpCheck,
    protocol: BackendProtocol,
    tls: Option<&BackendTls>,
) -> Result<(), Failure> {
    let scheme = match tls {
        Some(_) => Scheme::HTTPS,
        None => Scheme::HTTP,
    };
    let request = request(endpoint, check, protocol, scheme)?;
    let stream = TcpStream::connect(endpoint).await?;
    let Some(tls) = tls else {
        return ask(stream, request, check).await;
    };
    let inside = match protocol {
        BackendProtocol::Http1 => Inside::Http1,
        BackendProtocol::Http2 => Inside::Http2,
    };
    let connector = TlsConnector::from(tls.config(inside).clone());
    let name = tls.identity().server_name.clone();
    let stream = connector.connect(name, stream).await;
    let stream = stream.map_err(|_| Fault::Tls)?;
    ask(stream, request, check).await
}

fn request(
    endpoint: SocketAddr,
    check: &HttpCheck,
    protocol: BackendProtocol,
    scheme: Scheme,
) -> Result<Request<Empty<Bytes>>, Failure> {
    let authority = check
        .host
        .as_deref()
        .map_or_else(|| endpoint.to_string(), str::to_owned);
    let mut request = Request::new(Empty::new());
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    // Reading the object has checked path and host.
    match protocol {
        BackendProtocol::Http1 => {
            let host = HeaderValue::try_from(authority).map_err(|_| Failure::Here)?;
            headers.insert(HOST, host);
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            *request.uri_mut() = check.path.parse().map_err(|_| Failure::Here)?;
        }
        BackendProtocol::Http2 => {
            let uri = Uri::builder().scheme(scheme).authority(authority);
            let uri = uri.path_and_query(&*check.path).build();
            *request.uri_mut() = uri.map_err(|_| Failure::Here)?;
            *request.version_mut() = Version::HTTP_2;
        }
    }
    Ok(request)
}

/// Asks on a new connection, which is closed when the head of the answer is there.
async fn ask<S>(stream: S, request: Request<Empty<Bytes>>, check: &HttpCheck) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    // Ends with this function, also where that is given up.
    let mut driver = JoinSet::new();
    let response = if request.version() == Version::HTTP_2 {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
        driver.spawn(connection);
        sender.send_request(request).await?
    } else {
        let (mut sender, connection) = http1::handshake(io).await?;
        driver.spawn(connection);
        sender.send_request(request).await?
    };
    judge(response.status(), check)
}

fn judge(status: StatusCode, check: &HttpCheck) -> Result<(), Failure> {
    let status = status.as_u16();
    match check.statuses.iter().any(|range| range.contains(&status)) {
        true => Ok(()),
        false => Err(Fault::Status(status).into()),
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{
            AddrNotAvailable, ConnectionAborted, ConnectionRefused, ConnectionReset, OutOfMemory,
            PermissionDenied, TimedOut,
        };
        let no_room = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS].map(Some);
        match error.kind() {
            ConnectionRefused => Fault::Refused.into(),
            ConnectionReset | ConnectionAborted => Fault::Closed.into(),
            TimedOut => Fault::TimedOut.into(),
            AddrNotAvailable | OutOfMemory | PermissionDenied => Self::Here,
            _ if no_room.contains(&error.raw_os_error()) => Self::Here,
            _ => Fault::Unreachable.into(),
        }
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        let closed = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
        match closed || broken(&error) {
            true => Fault::Closed.into(),
            false => Fault::NotHttp.into(),
        }
    }
}

/// Whether the connection broke below HTTP.
fn broken(error: &hyper::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<io::Error>() {
            return true;
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
