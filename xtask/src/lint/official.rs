//! Our reading of objects against the schemas and examples of the official Gateway API, which are
//! not part of this repository.

use anyhow::Result;

use super::{LINT, cargo};

pub(super) fn run() -> Result<()> {
    let args = [
        "test",
        "--locked",
        "--package",
        "gateway-core",
        "--features",
        "official-api",
        "--test",
        "official",
    ];
    cargo("the official API's schemas and examples", LINT, &args)
}
