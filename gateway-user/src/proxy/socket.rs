//! Options of the TCP connections on both sides.

use std::{io, time::Duration};

use rustix::net::sockopt::{
    set_socket_keepalive, set_socket_linger, set_tcp_keepidle, set_tcp_keepintvl,
    set_tcp_user_timeout,
};
use tokio::net::TcpStream;

/// Sends at once, and ends the connection when the peer is gone without a word, or takes nothing
/// of what is sent to it: after `stall`, where it may hold a slot and buffers until then.
pub(super) fn prepare(stream: &TcpStream, stall: Duration) -> io::Result<()> {
    // The kernel counts whole seconds here, and refuses none.
    let probe = (stall / 3).max(Duration::from_secs(1));
    stream.set_nodelay(true)?;
    set_socket_keepalive(stream, true)?;
    set_tcp_keepidle(stream, probe)?;
    set_tcp_keepintvl(stream, probe)?;
    let stall = u32::try_from(stall.as_millis()).unwrap_or(u32::MAX);
    Ok(set_tcp_user_timeout(stream, stall)?)
}

/// Has the connection reset when it is closed.
pub(super) fn abort_on_close(stream: &TcpStream) -> io::Result<()> {
    Ok(set_socket_linger(stream, Some(Duration::ZERO))?)
}
