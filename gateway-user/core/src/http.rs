//! HTTP routes, compiled: what the proxy asks for each request.
//!
//! [`Table`] answers "which rule", [`filter`] edits heads, [`head`] and [`framing`] refuse what
//! could be read in two ways, [`forward`] makes a head fit for the next hop. All of it is pure.

pub mod auth;
mod budget;
mod clients;
pub mod filter;
pub mod forward;
pub mod framing;
pub mod grpc;
pub mod head;
mod hosts;
mod matcher;
mod names;
mod paths;
mod patterns;
mod rank;
pub mod request_id;
mod rule;
mod session;
mod table;
mod tls;
mod tree;

pub use auth::Auth;
pub use budget::Budget;
pub use matcher::RequestHead;
pub use names::{Destination, Forward, Names, Reached, Taken};
pub use rule::{Backend, Choice, Mirror, Rule};
pub use session::{Seat, Session};
pub use table::{ListenerId, Matched, Opening, Outcome, Table};
