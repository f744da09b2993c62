//! An API server as a source of objects.
//!
//! One watch for each kind that we read, all into one [`Store`](gateway_core::world::Store). A
//! kind that is not installed is asked for again from time to time. While the API server cannot
//! be reached, what was read last stays in force.

mod client;
mod control;
pub mod crds;
mod daemonset;
mod events;
mod heartbeat;
mod leader;
mod metrics;
mod newest;
mod provisioner;
mod reporter;
mod request;
mod source;
mod target;
mod tunnel;
mod watch;
mod writer;

pub use self::{
    client::{Identity, connect},
    control::Control,
    daemonset::OurDaemonSet,
    newest::{Newest, News},
    source::Source,
    tunnel::Tunnel,
};
