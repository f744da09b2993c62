//! A histogram of request durations per listener, on plain atomics: the library's own one takes
//! a lock for each observation.

use std::{
    array,
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

use super::Listener;

/// Upper bounds in seconds; everything above falls into a last bucket.
const BOUNDS: [f64; 14] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

#[derive(Debug, Default)]
pub(super) struct Durations(RwLock<HashMap<Listener, Arc<Histogram>>>);

#[derive(Debug)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Durations {
    pub(super) fn of(&self, labels: &Listener) -> Arc<Histogram> {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(labels.clone()).or_default().clone()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: array::from_fn(|_| AtomicU64::new(0)),
            nanoseconds: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub(super) fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Relaxed);
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }
}

impl Collector for Durations {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(
            "http_request_duration",
            "From the head of a request to the last byte of its answer.",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for (labels, histogram) in all.iter() {
            let counts = histogram
                .buckets
                .each_ref()
                .map(|bucket| bucket.load(Relaxed));
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
            let sum = Duration::from_nanos(histogram.nanoseconds.load(Relaxed)).as_secs_f64();
            metric
                .encode_family(labels)?
                .encode_histogram::<NoLabelSet>(sum, counts.iter().sum(), &buckets, None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::default();
        for millis in [1, 2, 60_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let counts = histogram.buckets.map(AtomicU64::into_inner);
        let expected = [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(counts, expected);
        assert_eq!(histogram.nanoseconds.into_inner(), 60_003_000_000);
    }
}
