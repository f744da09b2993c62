//! Who carried TLS passthrough, by the gateways' own count: the suite cannot tell.

use anyhow::{Result, ensure};

use crate::cluster::Cluster;

const METRICS: &str = "http://127.0.0.1:9901/metrics";

/// Connections that a backend was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) by_kernel: u64,
    pub(super) by_proxy: u64,
}

impl Carried {
    /// Since the gateways started, on all nodes.
    pub(super) fn read(cluster: &Cluster) -> Result<Self> {
        let all = cluster.on_nodes(&["curl", "--silent", "--fail", METRICS])?;
        let add = |sum: Self, metrics: &String| Self {
            by_kernel: sum.by_kernel + packets(metrics, "asked"),
            by_proxy: sum.by_proxy + packets(metrics, "asked_proxy"),
        };
        Ok(all.iter().fold(Self::default(), add))
    }

    pub(super) const fn since(self, before: Self) -> Self {
        Self {
            by_kernel: self.by_kernel.saturating_sub(before.by_kernel),
            by_proxy: self.by_proxy.saturating_sub(before.by_proxy),
        }
    }

    /// # Errors
    /// Nothing went through the kernel.
    pub(super) fn judge(self) -> Result<()> {
        ensure!(
            self.by_kernel > 0,
            "the proxy carried all of TLS passthrough: `xdp-gateway status` on the nodes says why"
        );
        Ok(())
    }
}

/// Packets with this outcome.
fn packets(metrics: &str, outcome: &str) -> u64 {
    let series = format!("xdp_gateway_tls_packets_total{{outcome=\"{outcome}\"}} ");
    let values = metrics
        .lines()
        .filter_map(|line| line.strip_prefix(&series));
    values.filter_map(|value| value.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_told_apart() {
        let metrics = "xdp_gateway_tls_packets_total{outcome=\"asked\"} 41\n\
                       xdp_gateway_tls_packets_total{outcome=\"asked_proxy\"} 5\n";
        assert_eq!(packets(metrics, "asked"), 41);
        assert_eq!(packets(metrics, "asked_proxy"), 5);
        assert_eq!(packets(metrics, "replayed"), 0);
    }

    #[test]
    fn what_the_proxy_carried_alone_is_no_success() {
        let [before, after] = [40, 41].map(|by_kernel| Carried {
            by_kernel,
            by_proxy: 7,
        });
        assert!(after.since(before).judge().is_ok());
        assert!(after.since(after).judge().is_err());
    }
}
