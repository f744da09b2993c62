//! Numbers with the ranges that the CRDs give them.

use serde::{Deserialize, Deserializer, de::Error};

/// 1 to 65535.
pub(super) fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    ranged(deserializer, 1, 65_535)
}

pub(super) fn optional_port<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u16>, D::Error> {
    port(d).map(Some)
}

/// 0 to 1,000,000.
pub(super) fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    ranged(deserializer, 0, 1_000_000)
}

pub(super) fn default_weight() -> u32 {
    1
}

/// 0 to 100.
pub(super) fn optional_percent<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    ranged(d, 0, 100).map(Some)
}

/// 1 and above.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    ranged(deserializer, 1, i64::from(i32::MAX))
}

/// 1 and above.
pub(super) fn attempts<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    ranged(d, 1, i64::from(i32::MAX)).map(Some)
}

/// HTTP status codes of failures, 400 to 599.
pub(super) fn failures<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u16>, D::Error> {
    // A type of its own, so that an error names the item.
    #[derive(Deserialize)]
    struct Code(#[serde(deserialize_with = "failure")] u16);

    let codes = Vec::<Code>::deserialize(d)?;
    Ok(codes.into_iter().map(|Code(code)| code).collect())
}

fn failure<'de, D: Deserializer<'de>>(d: D) -> Result<u16, D::Error> {
    match i64::deserialize(d)? {
        code @ 400..=599 => Ok(code as u16),
        other => Err(D::Error::custom(format!(
            "{other} is no status code of a failure: use 400 to 599"
        ))),
    }
}

/// 0 and above.
pub(super) fn numerator<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    ranged(deserializer, 0, i64::from(i32::MAX))
}

/// 1 and above.
pub(super) fn denominator<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    ranged(deserializer, 1, i64::from(i32::MAX))
}

/// An HTTP status code that a redirect may answer with.
pub(super) fn redirect_status<'de, D: Deserializer<'de>>(d: D) -> Result<u16, D::Error> {
    match i64::deserialize(d)? {
        code @ (301 | 302 | 303 | 307 | 308) => Ok(code as u16),
        other => Err(D::Error::custom(format!(
            "{other} is not a redirect that the API allows: use 301, 302, 303, 307 or 308"
        ))),
    }
}

fn ranged<'de, D, N>(deserializer: D, low: i64, high: i64) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64>,
{
    let value = i64::deserialize(deserializer)?;
    let error = || D::Error::custom(format!("{value} is out of range: use {low} to {high}"));
    if !(low..=high).contains(&value) {
        return Err(error());
    }
    N::try_from(value).map_err(|_| error())
}
