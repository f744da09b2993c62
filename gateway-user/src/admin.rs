//! The admin endpoint: health, metrics, the configuration in force, status.
//!
//! For probes, scrapers and `xdp-gateway status`; on loopback unless told otherwise, because
//! `/config`, `/names` and `/status` show what is configured.

mod client;
mod config;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

pub use self::client::{fetch_names, fetch_report};
pub use self::config::InForce;
use crate::{inspect::names::Names, status::report::Report};

/// What the admin endpoint shows; the control loop writes it.
#[derive(Debug, Default)]
pub struct Shown {
    /// The data path was brought to what was asked for at least once, and is not shutting down.
    ready: AtomicBool,
    pub report: ArcSwap<Report>,
    pub in_force: Arc<ArcSwap<InForce>>,
    pub registry: Registry,
}

impl Shown {
    pub fn new(registry: Registry, in_force: Arc<ArcSwap<InForce>>) -> Self {
        Self {
            registry,
            in_force,
            ..Self::default()
        }
    }

    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

/// Binds the address, which is that of `option` of the command line.
///
/// # Errors
/// Where it is in use or not ours; the message says what to do.
pub async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}: end what uses it (another xdp-gateway?), or choose \
             another {option} address"
        )
    })
}

/// Answers until the task is dropped.
///
/// # Errors
/// Where the listening socket fails.
pub async fn serve(listener: TcpListener, shown: Arc<Shown>) -> Result<()> {
    let service = axum::serve(listener, router(shown));
    service.await.context("the admin endpoint stopped")
}

/// Answers `/metrics` alone, which may be shown to other hosts, until the task is dropped.
///
/// # Errors
/// As [`serve`].
pub async fn serve_metrics(listener: TcpListener, shown: Arc<Shown>) -> Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .with_state(shown);
    let service = axum::serve(listener, router);
    service.await.context("the metrics endpoint stopped")
}

fn router(shown: Arc<Shown>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/config", get(show_config))
        .route("/names", get(names))
        .route("/status", get(status))
        .with_state(shown)
}

async fn readyz(State(shown): State<Arc<Shown>>) -> (StatusCode, &'static str) {
    if shown.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: starting or shutting down\n",
        )
    }
}

async fn metrics(State(shown): State<Arc<Shown>>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &shown.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn show_config(State(shown): State<Arc<Shown>>) -> Json<serde_json::Value> {
    Json(config::render(&shown.in_force.load()))
}

async fn names(State(shown): State<Arc<Shown>>) -> Json<Names> {
    let in_force = shown.in_force.load();
    let plan = &in_force.translation.plan;
    Json(Names::new(plan, &in_force.endpoints, &in_force.tables))
}

async fn status(State(shown): State<Arc<Shown>>) -> Json<Report> {
    let mut report = Report::clone(&shown.report.load());
    report.ready = shown.is_ready();
    Json(report)
}

#[cfg(test)]
mod tests;
