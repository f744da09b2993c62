//! A listener whose process wakes for data only.
#![allow(unsafe_code, reason = "TCP_DEFER_ACCEPT has no safe wrapper")]

use std::{
    io,
    net::TcpListener,
    os::fd::{AsFd, AsRawFd as _},
};

/// Seconds that the kernel waits for the first data of a connection.
static SECONDS: libc::c_int = 10;

/// Hands out connections with their first data only (tcp(7), `TCP_DEFER_ACCEPT`).
pub(super) fn defer(listener: &TcpListener) -> io::Result<()> {
    let listener = listener.as_fd();
    let size = size_of_val(&SECONDS) as libc::socklen_t;
    // SAFETY: an open socket, and a number that lives as long as the call.
    let done = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const SECONDS).cast(),
            size,
        )
    };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::TcpStream,
        sync::mpsc::{RecvTimeoutError, channel},
        thread,
        time::Duration,
    };

    use super::*;

    #[test]
    fn a_connection_comes_with_its_data() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        defer(&listener).expect("the kernel has the option");
        let to = listener.local_addr().expect("an address");
        let (accepted, comes) = channel();
        thread::spawn(move || accepted.send(listener.accept()));
        let mut client = TcpStream::connect(to).expect("it connects");
        let early = comes.recv_timeout(Duration::from_millis(300));
        assert_eq!(early.err(), Some(RecvTimeoutError::Timeout));
        client.write_all(b"hello").expect("it is sent");
        comes.recv().expect("it comes").expect("a connection");
    }
}
