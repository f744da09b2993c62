//! Bytes copied both ways after a backend agreed to another protocol (WebSocket).

use std::rc::Rc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::client::Client;

/// Connects both sides once each has switched. Started only after a 101 from the backend: before
/// that, nothing of the client may be taken for anything but HTTP. The tunnel counts as the
/// client's connection: shutdown waits for it, up to the deadline.
pub(super) fn start(connection: Rc<Client>, client: OnUpgrade, backend: OnUpgrade) {
    tokio::task::spawn_local(async move {
        let _connection = connection;
        let (Ok(client), Ok(backend)) = tokio::join!(client, backend) else {
            tracing::debug!("a side closed instead of switching protocols");
            return;
        };
        let (mut client, mut backend) = (TokioIo::new(client), TokioIo::new(backend));
        if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut backend).await {
            tracing::debug!(%error, "tunnel ended");
        }
    });
}
