//! Bytes copied both ways after a backend agreed to another protocol (WebSocket).

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// Connects both sides once each has switched. Started only after a 101 from the backend: before
/// that, nothing of the client may be taken for anything but HTTP.
pub(super) fn start(client: OnUpgrade, backend: OnUpgrade) {
    tokio::task::spawn_local(async move {
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
