//! What the daemon says of itself at `/status`: the contract with `xdp-gateway status` and scripts.

use std::fmt;

use gateway_core::world::Problem;
use serde::{Deserialize, Serialize};

use super::{
    backends::BackendRow, certificates::CertificateRow, conditions::ConditionRow,
    failing::FailingRow, far::FarRow, pools::PoolRow,
};
use crate::bpf::{Attachment, Hook, Mode};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Stands for what does not apply.
const NONE: &str = "-";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub version: String,
    pub source: SourceRow,
    #[serde(default)]
    pub node: NodeRow,
    /// Everything asked for was in place at least once, but perhaps some address, and traffic is welcome.
    pub ready: bool,
    /// Why the data path could not be brought to what was asked for; `None` where it was.
    pub failure: Option<String>,
    /// A file or object is broken since the start, and what an earlier start left in the kernel
    /// may be its: so it stays, whether or not the others name it.
    pub removals_held_back: bool,
    pub gateways: Vec<GatewayRow>,
    pub addresses: Vec<AddressRow>,
    #[serde(default)]
    pub certificates: Vec<CertificateRow>,
    #[serde(default)]
    pub pools: Vec<PoolRow>,
    pub routes: Vec<RouteRow>,
    pub backends: Vec<BackendRow>,
    /// Gateways with listeners that the kernel serves.
    #[serde(default)]
    pub far_backends: Vec<FarRow>,
    /// Endpoints that get no new traffic, or would get none if there were enough others.
    #[serde(default)]
    pub failing: Vec<FailingRow>,
    pub attachments: Vec<AttachmentRow>,
    /// What is asked for and this version cannot do, or the kernel has no room for.
    pub unserved: Vec<String>,
    /// What is wrong or odd in the files, and objects that cannot be read.
    pub problems: Vec<Problem>,
    pub conditions: Vec<ConditionRow>,
}

/// Where objects come from, and what keeps them from coming.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceRow {
    /// A directory, or the address of an API server.
    pub from: String,
    /// Kinds that have never been listed so far: nothing new is served before.
    pub waiting_for: Vec<String>,
    /// Kinds that the API server does not know.
    pub not_installed: Vec<String>,
    /// Why watches fail.
    pub troubles: Vec<TroubleRow>,
}

/// What the process of the node works with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRow {
    /// As asked for: names and patterns.
    pub interfaces: ChosenRow,
    /// Threads of the proxy.
    pub workers: ChosenRow,
    /// Connections that the flow table shall hold.
    #[serde(default)]
    pub flows: ChosenRow,
    /// What objects ask for in vain.
    pub without_effect: Vec<String>,
}

/// A choice and who made it: the command line, the GatewayClasses, or nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenRow {
    pub value: String,
    pub by: String,
}

impl ChosenRow {
    pub fn new(value: String, by: &str) -> Self {
        let by = by.to_owned();
        Self { value, by }
    }
}

impl fmt::Display for ChosenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.value, self.by)
    }
}

/// A reason why watches fail, with the kinds that it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleRow {
    pub why: String,
    pub kinds: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRow {
    /// Namespace and name.
    pub name: String,
    pub class: String,
    pub addresses: Vec<String>,
    pub programmed: bool,
    pub listeners: Vec<ListenerRow>,
}

/// An address of a Gateway on the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressRow {
    pub address: String,
    /// Who tells the network that it is there: `this node`, another, or an interface of this node.
    pub answered_by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerRow {
    pub name: String,
    pub protocol: String,
    pub port: u16,
    /// Empty: any host.
    pub hostname: String,
    pub attached_routes: usize,
    pub programmed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRow {
    pub kind: String,
    pub name: String,
    /// Gateways and listeners that it asks for, as `namespace/name[/section]`.
    pub parents: Vec<ParentRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentRow {
    pub parent: String,
    pub accepted: bool,
}

/// A program on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRow {
    /// `-` for a program of the whole network namespace.
    pub interface: String,
    pub hook: String,
    /// Of XDP: `driver`, `generic` or `hardware`; `-` for other hooks.
    pub mode: String,
    /// Why the mode is not the fastest, or no program runs; empty where all is well.
    pub note: String,
}

impl fmt::Display for AttachmentRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hook)?;
        if self.interface != NONE {
            write!(f, " on {}", self.interface)?;
        }
        if self.mode != NONE {
            write!(f, ", {} mode", self.mode)?;
        }
        if !self.note.is_empty() {
            write!(f, " ({})", self.note)?;
        }
        Ok(())
    }
}

impl From<&Attachment> for AttachmentRow {
    fn from(attachment: &Attachment) -> Self {
        let hook = match attachment.hook {
            Hook::Xdp => "xdp",
            Hook::TcxIngress => "tcx ingress",
            Hook::TcxEgress => "tcx egress",
            Hook::SkLookup => "sk_lookup",
        };
        let mode = attachment.mode.map_or(NONE, |mode| match mode {
            Mode::Driver => "driver",
            Mode::Generic => "generic",
            Mode::Hardware => "hardware",
        });
        Self {
            interface: attachment.interface.clone().unwrap_or_else(|| NONE.into()),
            hook: hook.to_owned(),
            mode: mode.to_owned(),
            note: attachment.note.clone().unwrap_or_default(),
        }
    }
}
