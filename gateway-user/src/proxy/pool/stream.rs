//! A connection to a backend, with TLS where that is wanted.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use gateway_core::plan::{BackendTls, Inside};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::ConnectError;
use crate::proxy::{Limits, socket};

pub(in crate::proxy) enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Each of the two steps takes the connect timeout at most: a backend that stalls in the handshake
/// is like one that does not answer.
pub(in crate::proxy) async fn connect(
    endpoint: SocketAddr,
    tls: Option<(&BackendTls, Inside)>,
    limits: &Limits,
) -> Result<Stream, ConnectError> {
    let io = |error| ConnectError::Io(endpoint, Rc::new(error));
    let connecting = time::timeout(limits.connect_timeout, TcpStream::connect(endpoint));
    let stream = connecting
        .await
        .map_err(|_| ConnectError::Timeout(endpoint))?;
    let stream = stream.map_err(io)?;
    socket::prepare(&stream, limits.stall_timeout).map_err(io)?;
    let Some((tls, inside)) = tls else {
        return Ok(Stream::Clear(stream));
    };
    let connector = TlsConnector::from(tls.config(inside).clone());
    let name = tls.identity().server_name.clone();
    let handshake = time::timeout(limits.connect_timeout, connector.connect(name, stream));
    let stream = handshake
        .await
        .map_err(|_| ConnectError::Timeout(endpoint))?;
    let stream = stream.map_err(|error| ConnectError::Tls(endpoint, Rc::new(error)))?;
    Ok(Stream::Tls(Box::new(stream)))
}

impl Stream {
    /// What carries it.
    pub(in crate::proxy) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Clear(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// The stream of either kind; a macro, since they share no type.
macro_rules! either {
    ($self:expr, $stream:ident => $do:expr) => {
        match $self.get_mut() {
            Self::Clear($stream) => {
                let $stream = Pin::new($stream);
                $do
            }
            Self::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $do
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Clear(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
