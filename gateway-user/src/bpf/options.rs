//! What the operator chooses about the kernel data path.

use std::{path::PathBuf, str::FromStr};

use serde::Serialize;

/// Where pins live unless said otherwise.
pub const DEFAULT_PIN_DIR: &str = "/sys/fs/bpf/xdp-gateway";

#[derive(Clone, Debug)]
pub struct Options {
    /// A directory of our own on a BPF file system; made where it is missing.
    pub pin_dir: PathBuf,
    /// Uplinks, by name or pattern: clients reach the gateway, and the node its backends' clients,
    /// through these. All must be free for us. Empty: those that an earlier start left, as far as
    /// they can be had, until [`set_interfaces`](super::Datapath::set_interfaces).
    pub interfaces: Vec<String>,
    pub xdp_mode: XdpMode,
    /// Log single packets (development): loads programs with logging compiled in.
    pub kernel_log: bool,
}

/// Which XDP modes may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum XdpMode {
    /// Driver mode where the driver can, else generic.
    #[default]
    Auto,
    /// Driver mode, or an error.
    Driver,
    /// Generic mode: works on every interface, slower.
    Generic,
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no XDP mode: use auto, driver or generic")]
pub struct UnknownMode(String);

impl FromStr for XdpMode {
    type Err = UnknownMode;

    fn from_str(s: &str) -> Result<Self, UnknownMode> {
        match s {
            "auto" => Ok(Self::Auto),
            "driver" => Ok(Self::Driver),
            "generic" => Ok(Self::Generic),
            other => Err(UnknownMode(other.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_by_name() {
        assert_eq!("driver".parse::<XdpMode>().ok(), Some(XdpMode::Driver));
        let error = "native".parse::<XdpMode>().expect_err("not one of ours");
        assert!(error.to_string().contains("auto, driver or generic"));
    }
}
