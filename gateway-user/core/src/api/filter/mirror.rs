//! Copies of requests for another backend.

use serde::Deserialize;

use crate::api::{number, refs::BackendObject};

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestMirror {
    pub backend_ref: BackendObject,
    /// Of the requests; neither this nor `fraction`: all of them.
    #[serde(default, deserialize_with = "number::optional_percent")]
    pub percent: Option<u32>,
    pub fraction: Option<Fraction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Fraction {
    #[serde(deserialize_with = "number::numerator")]
    pub numerator: u32,
    #[serde(default = "hundred", deserialize_with = "number::denominator")]
    pub denominator: u32,
}

impl RequestMirror {
    /// The share of requests that are copied.
    pub fn share(&self) -> Fraction {
        let denominator = 100;
        let percent = Fraction {
            numerator: self.percent.unwrap_or(denominator),
            denominator,
        };
        self.fraction.unwrap_or(percent)
    }
}

fn hundred() -> u32 {
    100
}
