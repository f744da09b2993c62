//! The state machine on tables of the host: single steps, and whole connections in a bad network.

mod control;
mod cookies;
mod hello;
mod peer;
mod simulate;
mod steps;
mod wire;
mod world;
