//! The installed chart on a real cluster, which `XDP_GATEWAY_CLUSTER` names (see
//! `cargo xtask test --kubernetes`). One test at a time: some stop what all need.

mod bed;
mod infrastructure;
mod manifests;
mod nodes;
mod outage;
mod pods;
mod rollout;
mod routes;
mod secrets;
mod uninstall;
