//! What the proxy counts. Workers look each series up once; a request then only adds to atomics.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Instant};

use foldhash::HashMap;
use gateway_core::{http::ListenerId, name::ObjectName};
use http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{access_log::Entry, splice::Meter, upstream::Kind};

mod durations;

use durations::{Durations, Histogram};

/// Series are bounded by listeners and fixed classes, whatever clients send.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Family<Request, Counter>,
    durations: Arc<Durations>,
    upstream_errors: Family<Error, Counter>,
    connections: Gauge,
    retries: Counter,
    tls: Family<TlsConnection, Counter>,
    tls_bytes: Family<TlsBytes, Counter>,
    lost_lines: Counter,
    refused: Counter,
    mirrored: Family<Outcome, Counter>,
    authorized: Family<Outcome, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Listener {
    gateway: String,
    listener: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    gateway: String,
    listener: String,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Error {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TlsConnection {
    gateway: String,
    listener: String,
    route: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TlsBytes {
    gateway: String,
    listener: String,
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// What became of a copy of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MirrorOutcome {
    Answered,
    Failed,
    /// Too many were under way.
    Dropped,
}

/// What an authorization server said of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthOutcome {
    Allowed,
    Denied,
    /// Nothing that is a decision.
    Failed,
}

/// What became of a connection to a port with listeners of protocol TLS; those of HTTPS listeners
/// are counted by their requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsOutcome {
    Forwarded,
    /// No endpoint of the chosen backend takes connections, or none can be trusted.
    Unreachable,
    NoEndpoint,
    InvalidBackend,
    NoRoute,
    NoListener,
    /// No ClientHello, or one that cannot be read.
    NoHello,
    /// The handshake failed where TLS is terminated.
    Handshake,
}

/// A worker's way to the metrics.
pub(super) struct Handles {
    all: Arc<Metrics>,
    listeners: RefCell<HashMap<Arc<ListenerId>, Rc<Series>>>,
    /// For requests that no listener takes; its labels are empty.
    nowhere: Rc<Series>,
}

/// The series of one listener.
pub(super) struct Series {
    classes: [Counter; CLASSES.len()],
    duration: Arc<Histogram>,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A request under way; counted when dropped, after the last byte of its answer.
pub(super) struct Flight {
    started: Instant,
    series: Rc<Series>,
    class: usize,
    entry: Option<Box<Entry>>,
}

/// Counts a client connection as open until dropped.
pub(super) struct Connected(Gauge);

impl Metrics {
    /// Registers everything; names get the registry's prefix.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "HTTP requests answered, by listener and class of status code",
            self.requests.clone(),
        );
        registry.register_collector(Box::new(self.durations.clone()));
        registry.register(
            "http_upstream_errors",
            "Requests or connection attempts that a backend failed, by kind",
            self.upstream_errors.clone(),
        );
        registry.register(
            "http_connections",
            "Client connections open now",
            self.connections.clone(),
        );
        registry.register(
            "http_upstream_retries",
            "Requests sent again because a kept connection had closed",
            self.retries.clone(),
        );
        registry.register(
            "tls_connections",
            "Connections to ports with listeners of protocol TLS, by listener, TLSRoute and what \
             became of them",
            self.tls.clone(),
        );
        registry.register(
            "tls_bytes",
            "Bytes of TLSRoutes received from clients and sent to them, by listener",
            self.tls_bytes.clone(),
        );
        registry.register(
            "http_access_log_lost",
            "Lines of the access log that nobody read in time",
            self.lost_lines.clone(),
        );
        registry.register(
            "connections_refused",
            "Client connections closed at once, for their Gateway's limit",
            self.refused.clone(),
        );
        registry.register(
            "http_mirrored",
            "Copies of requests for mirrors, by what became of them",
            self.mirrored.clone(),
        );
        registry.register(
            "http_external_auth",
            "Requests that an authorization server was asked about, by what it said",
            self.authorized.clone(),
        );
    }

    pub(super) fn lost_lines(&self) -> &Counter {
        &self.lost_lines
    }

    fn series(&self, labels: &Listener) -> Series {
        let class = |code| Request {
            gateway: labels.gateway.clone(),
            listener: labels.listener.clone(),
            code,
        };
        Series {
            classes: CLASSES.map(|code| self.requests.get_or_create_owned(&class(code))),
            duration: self.durations.of(labels),
        }
    }
}

impl Handles {
    pub(super) fn new(all: Arc<Metrics>) -> Self {
        let (gateway, listener) = (String::new(), String::new());
        let nowhere = Rc::new(all.series(&Listener { gateway, listener }));
        Self {
            all,
            listeners: RefCell::default(),
            nowhere,
        }
    }

    /// `entry`: what to write about the request at its end.
    pub(super) fn start(&self, entry: Option<Box<Entry>>) -> Flight {
        Flight {
            started: Instant::now(),
            series: self.nowhere.clone(),
            class: CLASSES.len(),
            entry,
        }
    }

    pub(super) fn listener(&self, id: &Arc<ListenerId>) -> Rc<Series> {
        let mut listeners = self.listeners.borrow_mut();
        if let Some(series) = listeners.get(id) {
            return series.clone();
        }
        let series = Rc::new(self.all.series(&Listener {
            gateway: id.gateway.to_string(),
            listener: id.listener.to_string(),
        }));
        listeners.insert(id.clone(), series.clone());
        series
    }

    pub(super) fn connection(&self) -> Connected {
        self.all.connections.inc();
        Connected(self.all.connections.clone())
    }

    /// `taken`: the listener and its route, where there are any.
    pub(super) fn tls(
        &self,
        taken: Option<(&ListenerId, Option<&ObjectName>)>,
        outcome: TlsOutcome,
    ) {
        let (id, route) = taken.unzip();
        let route = route.flatten();
        let labels = TlsConnection {
            gateway: id.map(|id| id.gateway.to_string()).unwrap_or_default(),
            listener: id.map(|id| id.listener.to_string()).unwrap_or_default(),
            route: route.map(ToString::to_string).unwrap_or_default(),
            outcome: outcome.as_str(),
        };
        self.all.tls.get_or_create(&labels).inc();
    }

    pub(super) fn meter(&self, id: &ListenerId) -> Meter {
        let counter = |direction| {
            let labels = TlsBytes {
                gateway: id.gateway.to_string(),
                listener: id.listener.to_string(),
                direction,
            };
            self.all.tls_bytes.get_or_create_owned(&labels)
        };
        Meter {
            received: counter("received"),
            sent: counter("sent"),
        }
    }

    pub(super) fn refused(&self) {
        self.all.refused.inc();
    }

    pub(super) fn mirrored(&self, outcome: MirrorOutcome) {
        let outcome = match outcome {
            MirrorOutcome::Answered => "answered",
            MirrorOutcome::Failed => "failed",
            MirrorOutcome::Dropped => "dropped",
        };
        let labels = Outcome { outcome };
        self.all.mirrored.get_or_create(&labels).inc();
    }

    pub(super) fn authorized(&self, outcome: AuthOutcome) {
        let outcome = match outcome {
            AuthOutcome::Allowed => "allowed",
            AuthOutcome::Denied => "denied",
            AuthOutcome::Failed => "failed",
        };
        let labels = Outcome { outcome };
        self.all.authorized.get_or_create(&labels).inc();
    }

    pub(super) fn retried(&self) {
        self.all.retries.inc();
    }

    pub(super) fn upstream_error(&self, kind: Kind) {
        let kind = match kind {
            Kind::Connect => "connect",
            Kind::ConnectTimeout => "timeout",
            Kind::Tls => "tls",
            Kind::Reset | Kind::Unsteady => "reset",
            Kind::Protocol => "protocol",
            Kind::BackendTimeout => "backend_timeout",
            Kind::RequestTimeout => "request_timeout",
            Kind::Silent | Kind::Malformed | Kind::TooLarge => return,
        };
        self.all
            .upstream_errors
            .get_or_create(&Error { kind })
            .inc();
    }
}

impl TlsOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Unreachable => "unreachable",
            Self::NoEndpoint => "no_endpoint",
            Self::InvalidBackend => "invalid_backend",
            Self::NoRoute => "no_route",
            Self::NoListener => "no_listener",
            Self::NoHello => "no_hello",
            Self::Handshake => "handshake",
        }
    }
}

impl Flight {
    pub(super) fn at(&mut self, series: Rc<Series>, listener: &Arc<ListenerId>) {
        self.series = series;
        self.note(|entry| entry.at(listener));
    }

    /// When the request's head was there.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Does something with what will be written about the request, if anything will be.
    pub(super) fn note(&mut self, add: impl FnOnce(&mut Entry)) {
        if let Some(entry) = &mut self.entry {
            add(entry);
        }
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        self.class = usize::from(status.as_u16() / 100).wrapping_sub(1);
        self.note(|entry| entry.answered(status));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // A request that its client gave up before an answer has no class.
        if let Some(counter) = self.series.classes.get(self.class) {
            counter.inc();
            self.series.duration.observe(self.started.elapsed());
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}
