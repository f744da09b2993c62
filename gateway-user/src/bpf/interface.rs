//! What the kernel says about a network interface and the XDP program on it.

use anyhow::{Context as _, Result, bail};
use futures_util::TryStreamExt as _;
use rtnetlink::packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, LinkXdp,
};
use serde::Serialize;

/// How an XDP program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Driver,
    Generic,
    Hardware,
}

/// The XDP program of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AttachedXdp {
    pub program_id: u32,
    pub mode: Mode,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub name: String,
    pub index: u32,
    /// Its Ethernet address; `None` where its link has other ones or none.
    pub mac: Option<[u8; 6]>,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Half of a veth pair: it takes frames that XDP sends for sent, and forgets them, where the
    /// other half runs no XDP program.
    pub veth: bool,
    /// Usually none or one; a driver and a generic program can be on an interface together.
    pub xdp: Vec<AttachedXdp>,
}

impl Interface {
    /// Asks the kernel, in the network namespace of this thread.
    pub(super) async fn find(name: &str) -> Result<Self> {
        let (connection, handle, _) =
            rtnetlink::new_connection().context("cannot open a netlink socket")?;
        let connection = tokio::spawn(connection);
        let mut links = handle.link().get().match_name(name).execute();
        let found = links.try_next().await;
        connection.abort();
        match found {
            Ok(Some(link)) => Ok(Self::from_message(name, &link)),
            Ok(None) => bail!("there is no interface {name}: see `ip link` for those there are"),
            Err(error) => Err(error).with_context(|| {
                format!("cannot find the interface {name}: see `ip link` for those there are")
            }),
        }
    }

    /// Names of all interfaces but the loopback.
    pub(super) async fn names() -> Result<Vec<String>> {
        let (connection, handle, _) =
            rtnetlink::new_connection().context("cannot open a netlink socket")?;
        let connection = tokio::spawn(connection);
        let links = handle.link().get().execute().try_collect::<Vec<_>>().await;
        connection.abort();
        let links = links.context("cannot list the network interfaces")?;
        let others = links
            .iter()
            .filter(|link| !link.header.flags.contains(LinkFlags::Loopback));
        let name = |link: &LinkMessage| {
            link.attributes
                .iter()
                .find_map(|attribute| match attribute {
                    LinkAttribute::IfName(name) => Some(name.clone()),
                    _ => None,
                })
        };
        Ok(others.filter_map(name).collect())
    }

    fn from_message(name: &str, link: &LinkMessage) -> Self {
        let nested = link
            .attributes
            .iter()
            .flat_map(|attribute| match attribute {
                LinkAttribute::Xdp(xdp) => xdp.as_slice(),
                _ => &[],
            });
        Self {
            name: name.into(),
            index: link.header.index,
            mtu: link
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    LinkAttribute::Mtu(mtu) => Some(*mtu),
                    _ => None,
                })
                .unwrap_or_default(),
            mac: link
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    LinkAttribute::Address(bytes) => bytes.as_slice().try_into().ok(),
                    _ => None,
                }),
            veth: link.attributes.iter().any(is_veth),
            xdp: nested.filter_map(attached).collect(),
        }
    }

    /// How the program with this id is attached, if it is.
    pub(super) fn mode_of(&self, program_id: u32) -> Option<Mode> {
        let ours = self.xdp.iter().find(|x| x.program_id == program_id);
        ours.map(|x| x.mode)
    }
}

fn is_veth(attribute: &LinkAttribute) -> bool {
    let LinkAttribute::LinkInfo(infos) = attribute else {
        return false;
    };
    infos.contains(&LinkInfo::Kind(InfoKind::Veth))
}

fn attached(attribute: &LinkXdp) -> Option<AttachedXdp> {
    let (program_id, mode) = match attribute {
        LinkXdp::DrvProgId(id) => (*id, Mode::Driver),
        LinkXdp::SkbProgId(id) => (*id, Mode::Generic),
        LinkXdp::HwProgId(id) => (*id, Mode::Hardware),
        _ => return None,
    };
    (program_id != 0).then_some(AttachedXdp { program_id, mode })
}
