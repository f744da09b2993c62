//! Reads the ClientHello of a connection whose server name decides.

use std::io;

use gateway_common::client_hello::{self, ServerName, Stop};
use thiserror::Error;
use tokio::{io::AsyncReadExt, net::TcpStream};

/// A common hello with a post-quantum key share fits into this.
const USUAL: usize = 2048;

/// A hello, and all that was read with it.
pub(super) struct Hello {
    pub(super) name: Option<ServerName>,
    pub(super) bytes: Vec<u8>,
}

/// There is no hello to decide by.
#[derive(Debug, Error)]
pub(super) enum NoHello {
    #[error("the client closed before the end of its ClientHello")]
    Closed,
    #[error("no ClientHello that can be read: {0:?}")]
    Refused(Stop),
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub(super) async fn read(stream: &mut TcpStream) -> Result<Hello, NoHello> {
    let mut bytes = Vec::with_capacity(USUAL);
    loop {
        let more = match client_hello::server_name(&bytes) {
            Ok(name) => return Ok(Hello { name, bytes }),
            Err(Stop::Incomplete(more)) => more,
            Err(stop) => return Err(NoHello::Refused(stop)),
        };
        let wanted = bytes.len() + more;
        while bytes.len() < wanted {
            bytes.reserve(more);
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(NoHello::Closed);
            }
        }
    }
}
