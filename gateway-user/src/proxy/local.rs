//! An executor for what HTTP/2 needs beside a connection.

/// Spawns on the connection's own thread.
#[derive(Clone, Copy)]
pub(super) struct OnThisThread;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for OnThisThread {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
