//! Which pages of other origins may use a route.

use std::sync::Arc;

use serde::Deserialize;

use crate::api::number;

/// `*` in a list stands for all.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cors {
    #[serde(default)]
    pub allow_origins: Vec<Arc<str>>,
    pub allow_credentials: Option<bool>,
    #[serde(default)]
    pub allow_methods: Vec<Arc<str>>,
    #[serde(default)]
    pub allow_headers: Vec<Arc<str>>,
    #[serde(default)]
    pub expose_headers: Vec<Arc<str>>,
    /// Seconds that a browser may keep the answer to a preflight.
    #[serde(default = "five", deserialize_with = "number::seconds")]
    pub max_age: u32,
}

fn five() -> u32 {
    5
}
