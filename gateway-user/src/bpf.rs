//! The kernel data path as user space sees it: loading, pins, links, maps.

mod attach;
mod bpffs;
mod compat;
pub mod datapath;
pub mod events;
pub mod flows;
mod interface;
mod kernel_log;
mod link_fd;
mod links;
mod load;
mod maps;
pub mod object;
pub mod options;
mod pins;
mod read;
mod settle;
pub mod stats;
mod unload;
mod version;
mod watch;

pub use attach::{Attachment, Hook, Uplink};
pub use datapath::Datapath;
pub use events::Events;
pub use flows::{Flows, Swept};
pub use interface::Mode;
pub use object::OBJECT;
pub use options::{DEFAULT_PIN_DIR, Options, XdpMode};
pub use stats::Stats;
pub use unload::unload;
