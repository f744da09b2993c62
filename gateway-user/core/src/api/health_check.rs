//! `spec.healthCheck` of GatewayParameters.

use std::{ops::RangeInclusive, sync::Arc};

use k8s_openapi::ByteString;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IntoDeserializer, value},
};

use super::duration::ApiDuration;

/// Endpoints are checked in the ways that are set: one at least.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheckSpec {
    pub interval: Option<ApiDuration>,
    pub timeout: Option<ApiDuration>,
    pub unhealthy_threshold: Option<i64>,
    pub healthy_threshold: Option<i64>,
    pub tcp: Option<TcpCheckSpec>,
    pub udp: Option<UdpCheckSpec>,
    pub http: Option<HttpCheckSpec>,
}

/// A connection is opened, and closed again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TcpCheckSpec {}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UdpCheckSpec {
    /// What the datagram holds; nothing by default.
    pub send: Option<Base64>,
    pub expect_reply: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpCheckSpec {
    pub path: Option<Arc<str>>,
    pub host: Option<Arc<str>>,
    pub statuses: Option<Vec<StatusRange>>,
}

/// Bytes, as `data` of a Secret has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64(pub Arc<[u8]>);

/// One status code, or a range such as `200-399`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRange(pub RangeInclusive<u16>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let decoder: value::StrDeserializer<'_, value::Error> = text.as_str().into_deserializer();
        let bytes = ByteString::deserialize(decoder).map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is not base64: encode it, such as with `printf ping | base64`"
            ))
        })?;
        Ok(Self(bytes.0.into()))
    }
}

impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (low, high) = text.split_once('-').unwrap_or((&text, &text));
        let range = match (status(low), status(high)) {
            (Some(low), Some(high)) if low <= high => low..=high,
            _ => {
                return Err(D::Error::custom(format!(
                    "{text:?} is no status code and no range of them: use one such as \"200\" or \
                     \"200-399\""
                )));
            }
        };
        Ok(Self(range))
    }
}

/// The first digit is 1 to 5 (RFC 9110 section 15).
fn status(text: &str) -> Option<u16> {
    let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let code = digits.then(|| text.parse().ok()).flatten();
    code.filter(|code| (100..=599).contains(code))
}
