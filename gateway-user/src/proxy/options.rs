//! How many workers, and what a client or a backend may cost.

use std::{num::NonZeroUsize, time::Duration};

use gateway_core::plan::Parameters;

#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// Threads; one per core is best.
    pub workers: NonZeroUsize,
    pub limits: Limits,
}

/// Limits that are always in force; the defaults suit a public listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open client connections per worker; more wait to be accepted.
    pub connections: usize,
    /// Open client connections of one address and port, over all workers; more are closed at once.
    pub of_frontend: usize,
    /// From accepting a connection to its first bytes, and for a TLS handshake.
    pub greeting_timeout: Duration,
    /// From the end of a request to the end of the next one's head. HTTP/1 has one timer for
    /// waiting and for reading, so this bounds idle connections and slow heads alike; idle
    /// HTTP/2 connections are closed after it, too.
    pub idle_timeout: Duration,
    /// A peer that acknowledges nothing, or takes nothing of what is sent to it, is given up after
    /// this time; on both sides.
    pub stall_timeout: Duration,
    /// Longest pause in a request's body until the backend answers; more is a 408.
    pub body_timeout: Duration,
    /// Bytes of a request's head (HTTP/1) or header list (HTTP/2); more is a 431.
    pub head_bytes: u32,
    /// Bytes of a request's path and query; more is a 414.
    pub target_bytes: u32,
    /// Bytes of a request's body; more is a 413.
    pub body_bytes: u64,
    /// Concurrent requests of one HTTP/2 connection.
    pub h2_streams: u32,
    /// Resets by a client that were not yet acted upon, before the connection is closed.
    pub h2_pending_resets: usize,
    /// Receive window of a stream, and of a client's connection, in bytes.
    pub h2_stream_window: u32,
    pub h2_connection_window: u32,
    /// Longest silence of both sides of a TLSRoute's connection, which is then reset.
    pub forward_idle: Duration,
    pub connect_timeout: Duration,
    /// How long an idle HTTP/1.1 upstream connection is kept; below the keep-alive time of backends.
    pub upstream_idle: Duration,
    /// Idle upstream connections kept per endpoint and worker.
    pub upstream_idle_per_endpoint: usize,
    /// Concurrent requests on one HTTP/2 connection to a backend; more open another one.
    pub upstream_streams: usize,
}

impl Limits {
    /// These, but for what the parameters say.
    pub(super) fn with(&self, parameters: Option<&Parameters>) -> Self {
        let mut limits = self.clone();
        let Some(given) = parameters else {
            return limits;
        };
        limits.of_frontend = given.connections.unwrap_or(limits.of_frontend);
        limits.head_bytes = given.head_bytes.unwrap_or(limits.head_bytes);
        limits.target_bytes = given.target_bytes.unwrap_or(limits.target_bytes);
        limits.body_bytes = match given.body_bytes {
            Some(0) => u64::MAX,
            given => given.unwrap_or(limits.body_bytes),
        };
        limits.h2_streams = given.h2_streams.unwrap_or(limits.h2_streams);
        limits.greeting_timeout = given.greeting_timeout.unwrap_or(limits.greeting_timeout);
        limits.idle_timeout = given.idle_timeout.unwrap_or(limits.idle_timeout);
        limits.body_timeout = given.body_timeout.unwrap_or(limits.body_timeout);
        limits
    }
}

impl Default for ProxyOptions {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            of_frontend: usize::MAX,
            greeting_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            stall_timeout: Duration::from_mins(2),
            body_timeout: Duration::from_mins(1),
            head_bytes: 32 * 1024,
            target_bytes: 8 * 1024,
            body_bytes: u64::MAX,
            h2_streams: 128,
            h2_pending_resets: 20,
            h2_stream_window: 256 * 1024,
            h2_connection_window: 1024 * 1024,
            forward_idle: Duration::from_hours(1),
            connect_timeout: Duration::from_secs(5),
            // Many servers close after 5 seconds.
            upstream_idle: Duration::from_secs(4),
            upstream_idle_per_endpoint: 256,
            upstream_streams: 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_may_take_bodies_of_any_size() {
        let limits = Limits {
            body_bytes: 5,
            ..Limits::default()
        };
        let with = |body_bytes| {
            let parameters = Parameters {
                body_bytes,
                ..Parameters::default()
            };
            limits.with(Some(&parameters)).body_bytes
        };
        assert_eq!([with(None), with(Some(7))], [5, 7]);
        assert_eq!(with(Some(0)), u64::MAX);
    }
}
