//! Our reading of objects against the official Gateway API: its schemas and its examples, valid
//! and invalid. Needs their files (see `module.rs`), hence the feature `official-api`.

#![allow(
    clippy::disallowed_methods,
    reason = "the core is pure, its tests read files"
)]

mod examples;
mod exceptions;
mod features;
mod module;
mod mutate;
mod schemas;
