//! The daemon's metrics, all named `xdp_gateway_*`.
//!
//! The proxy registers its own; those of the kernel are read from its maps at each scrape.

pub mod certificates;
pub mod kernel;

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};

/// Prefix of every name.
const PREFIX: &str = "xdp_gateway";

/// A registry that prefixes names, with what identifies this build.
pub fn registry() -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The running xdp-gateway", build);
    registry
}

/// How often the configuration was taken over.
#[derive(Clone, Debug, Default)]
pub struct Reloads {
    total: Family<[(&'static str, &'static str); 1], Counter>,
    last: Gauge,
}

impl Reloads {
    pub fn register(registry: &mut Registry) -> Self {
        let new = Self::default();
        for result in [OK, FAILED] {
            drop(new.total.get_or_create(&[result]));
        }
        registry.register(
            "config_reloads",
            "Changes of the configuration, by whether all of it could be put in force",
            new.total.clone(),
        );
        registry.register_with_unit(
            "config_last_reload_timestamp",
            "When the configuration was last put in force, since the epoch",
            Unit::Seconds,
            new.last.clone(),
        );
        new
    }

    pub fn count(&self, ok: bool, now: SystemTime) {
        self.total
            .get_or_create(&[if ok { OK } else { FAILED }])
            .inc();
        if ok {
            let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            self.last
                .set(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
        }
    }
}

const OK: (&str, &str) = ("result", "ok");
const FAILED: (&str, &str) = ("result", "failed");

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_and_values() {
        let mut registry = registry();
        let reloads = Reloads::register(&mut registry);
        reloads.count(true, UNIX_EPOCH + Duration::from_secs(77));
        reloads.count(false, UNIX_EPOCH + Duration::from_secs(99));
        reloads.count(false, UNIX_EPOCH + Duration::from_secs(99));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            concat!(
                "xdp_gateway_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
            "xdp_gateway_config_reloads_total{result=\"ok\"} 1",
            "xdp_gateway_config_reloads_total{result=\"failed\"} 2",
            "xdp_gateway_config_last_reload_timestamp_seconds 77",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
