//! How long certificates in use are valid, as metrics.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use gateway_core::plan::{Certificate, UsedFor};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};

use crate::admin::InForce;

/// Certificates with series of their own, those that end first: bounds what a scrape carries.
const CERTIFICATES_MAX: usize = 2_000;

/// Reads the plan in force at each scrape.
pub struct Certificates {
    pub in_force: Arc<ArcSwap<InForce>>,
}

#[derive(Clone, Debug, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    gateway: String,
    /// Empty for the certificate that backends are shown.
    listener: String,
    secret: String,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Collector for Certificates {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let in_force = self.in_force.load();
        encode(in_force.translation.plan.certificates.iter(), encoder)
    }
}

fn encode<'a>(
    certificates: impl Iterator<Item = &'a Certificate>,
    mut encoder: DescriptorEncoder<'_>,
) -> fmt::Result {
    let mut certificates: Vec<_> = certificates.collect();
    certificates.sort_by_key(|certificate| certificate.validity.not_after);
    certificates.truncate(CERTIFICATES_MAX);
    let mut family = |name, help, value: fn(&Certificate) -> i64| {
        let mut metric =
            encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for certificate in &certificates {
            let labels = Labels::of(certificate);
            let gauge = ConstGauge::new(value(certificate));
            gauge.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    };
    family(
        "certificate_not_before_timestamp",
        "Since when certificates in use are valid, since the epoch",
        |certificate| certificate.validity.not_before,
    )?;
    family(
        "certificate_not_after_timestamp",
        "Until when certificates in use are valid, since the epoch; of a chain, what ends first",
        |certificate| certificate.validity.not_after,
    )
}

impl Labels {
    fn of(certificate: &Certificate) -> Self {
        let listener = match &certificate.used_for {
            UsedFor::Listener(name) => name.to_string(),
            UsedFor::Backends => String::new(),
        };
        Self {
            gateway: certificate.gateway.to_string(),
            listener,
            secret: certificate.secret.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::{name::ObjectName, plan::Validity};
    use prometheus_client::encoding::text;

    use super::*;
    use crate::metrics::registry;

    #[derive(Debug)]
    struct These(Vec<Certificate>);

    impl Collector for These {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
            encode(self.0.iter(), encoder)
        }
    }

    fn certificate(number: i64, used_for: UsedFor) -> Certificate {
        Certificate {
            gateway: ObjectName::new("infra", "web"),
            used_for,
            secret: ObjectName::new("certs", format!("c{number}")),
            validity: Validity {
                not_before: 7,
                not_after: number,
            },
        }
    }

    fn encoded(certificates: Vec<Certificate>) -> String {
        let mut registry = registry();
        registry.register_collector(Box::new(These(certificates)));
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn names_and_values() {
        let listener = UsedFor::Listener("https".into());
        let text = encoded(vec![
            certificate(99, listener),
            certificate(98, UsedFor::Backends),
        ]);
        for line in [
            r#"xdp_gateway_certificate_not_before_timestamp_seconds{gateway="infra/web",listener="https",secret="certs/c99"} 7"#,
            r#"xdp_gateway_certificate_not_after_timestamp_seconds{gateway="infra/web",listener="https",secret="certs/c99"} 99"#,
            r#"xdp_gateway_certificate_not_after_timestamp_seconds{gateway="infra/web",listener="",secret="certs/c98"} 98"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn of_too_many_those_that_end_first_are_shown() {
        let all = (0..3_000).map(|number| certificate(number, UsedFor::Backends));
        let text = encoded(all.collect());
        let ends: Vec<&str> = text
            .lines()
            .filter(|l| l.contains("not_after_timestamp_seconds{"))
            .collect();
        assert_eq!(ends.len(), CERTIFICATES_MAX);
        assert!(text.contains("certs/c0\"") && !text.contains("certs/c2999\""));
    }
}
