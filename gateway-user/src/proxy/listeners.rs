//! The sockets that a worker accepts connections from, one for each address family.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6, TcpListener};

use anyhow::{Context as _, Result};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, SocketFlags, SocketType, bind, listen, socket_with,
        sockopt::{set_ipv6_freebind, set_ipv6_v6only},
    },
};

/// Connections that may wait to be accepted, per socket.
const BACKLOG: i32 = 4096;

/// Bound to loopback addresses, so that nobody reaches them but by steering.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) v4: TcpListener,
    /// `None` where the kernel has no IPv6.
    pub(super) v6: Option<TcpListener>,
}

impl Listeners {
    pub(super) fn open() -> Result<Self> {
        Ok(Self {
            v4: open_v4().context("cannot open a listening socket on 127.0.0.1")?,
            v6: open_v6().context("cannot open a listening socket on ::1")?,
        })
    }

    pub(super) fn try_clone(&self) -> std::io::Result<Self> {
        Ok(Self {
            v4: self.v4.try_clone()?,
            v6: self.v6.as_ref().map(TcpListener::try_clone).transpose()?,
        })
    }
}

fn open_v4() -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Bound whether or not ::1 is there: it may be turned off for the loopback interface alone.
fn open_v6() -> rustix::io::Result<Option<TcpListener>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = match socket_with(AddressFamily::INET6, SocketType::STREAM, flags, None) {
        Err(Errno::AFNOSUPPORT) => return Ok(None),
        socket => socket?,
    };
    set_ipv6_v6only(&socket, true)?;
    set_ipv6_freebind(&socket, true)?;
    bind(&socket, &SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0))?;
    listen(&socket, BACKLOG)?;
    Ok(Some(socket.into()))
}
