//! The kernel data path as user space sees it: loading, pins, links, maps.

mod attach;
mod bpffs;
pub mod capture;
mod clock;
mod compat;
pub mod datapath;
pub mod events;
pub mod flows;
mod interface;
mod kernel_log;
mod links;
mod load;
mod maps;
pub mod object;
mod object_fd;
pub mod options;
mod pins;
mod programs;
mod read;
mod settle;
mod snat;
pub mod stats;
mod unload;
mod version;
mod view;
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
pub use view::View;
