//! How the endpoints of a Gateway's backends are checked.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

/// Of one Gateway; at least one of the checks is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub pace: Pace,
    /// Backends of TCPRoutes and TLSRoutes; also those of HTTPRoutes and GRPCRoutes that `http`
    /// does not check.
    pub tcp: bool,
    /// Backends of UDPRoutes.
    pub udp: Option<UdpCheck>,
    /// Backends of HTTPRoutes; those of GRPCRoutes are connected to.
    pub http: Option<HttpCheck>,
}

/// How often an endpoint is checked, and what it takes to be told of. The order is that of
/// `interval` before all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pace {
    /// From the beginning of a check to the next one's.
    pub interval: Duration,
    /// Of one check; not longer than `interval`.
    pub timeout: Duration,
    /// Failures in a row until an endpoint fails; not 0.
    pub unhealthy: u32,
    /// Successes in a row until it is well again; not 0.
    pub healthy: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(1),
            unhealthy: 3,
            healthy: 2,
        }
    }
}

/// A datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UdpCheck {
    /// What is in it; it may be empty.
    pub send: Arc<[u8]>,
    /// Whether silence is a failure, too. Else only an error is, such as "port unreachable".
    pub expect_reply: bool,
}

/// A GET request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    /// With a query, if there is one; it begins with `/`.
    pub path: Arc<str>,
    /// `None`: the endpoint's address and port.
    pub host: Option<Arc<str>>,
    /// Of answers that are successes.
    pub statuses: Vec<RangeInclusive<u16>>,
}

impl Default for HttpCheck {
    fn default() -> Self {
        Self {
            path: "/".into(),
            host: None,
            statuses: vec![200..=399],
        }
    }
}
