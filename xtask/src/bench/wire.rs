//! A wire: two links with a namespace between them, whose programs hand on what comes.
//!
//! Towards the node, packets become frames on the wire, and arrive as from the driver of a card. On a
//! virtual link alone, XDP would be given packets of the stack, and each would be copied for it first.

use std::path::Path;

use anyhow::{Context as _, Result};
use gateway_tests::net::{Namespace, Net};

/// One end: where it is, its name there, and its address.
pub(super) type End<'a> = (&'a Namespace, &'a str, &'a str);

/// Interfaces of the wire, each with its number: they differ in the last bit, as the programs expect.
const CLIENT: (&str, u32) = ("client", 100);
const NODE: (&str, u32) = ("node", 101);

/// Lays a wire with the programs of `object`.
pub(super) fn lay(net: &Net, object: &Path, client: End<'_>, node: End<'_>) -> Result<()> {
    let wire = net.namespace("wire")?;
    for ((at, name, address), (interface, number)) in [(client, CLIENT), (node, NODE)] {
        wire.ip(&format!(
            "link add index {number} name {interface} type veth peer name {name} netns {}",
            at.name()
        ))?;
        wire.ip(&format!("link set {interface} up"))?;
        at.ip(&format!("address add {address} dev {name}"))?;
        at.ip(&format!("link set {name} up"))?;
    }
    let (client, name, _) = client;
    // Frames are whole: nobody behind the wire can complete their checksums or cut them.
    client.run(
        "ethtool",
        ["-K", name, "tx", "off", "tso", "off", "gso", "off"],
    )?;
    let (node, name, _) = node;
    // It takes frames only with this, and joins segments as behind a card.
    node.run("ethtool", ["-K", name, "gro", "on"])?;
    connect(net, &wire, object).context("cannot load the programs of the wire")
}

/// Joins the two interfaces.
fn connect(net: &Net, wire: &Namespace, object: &Path) -> Result<()> {
    let (object, pins) = (object.to_string_lossy(), net.pins());
    let pins = pins.with_file_name(format!("{}-wire", net.name()));
    let program = |name: &str| pins.join(name).to_string_lossy().into_owned();
    let pins = pins.to_string_lossy();
    let ((client, _), (node, _)) = (CLIENT, NODE);
    wire.run("bpftool", ["prog", "loadall", &object, &pins])?;
    let frames = program("wire_frames");
    wire.run(
        "bpftool",
        ["net", "attach", "xdpdrv", "pinned", &frames, "dev", client],
    )?;
    wire.run("tc", ["qdisc", "add", "dev", node, "clsact"])?;
    let packets = program("wire_packets");
    let filter = [
        "filter",
        "add",
        "dev",
        node,
        "ingress",
        "bpf",
        "direct-action",
    ];
    wire.run("tc", filter.into_iter().chain(["object-pinned", &packets]))?;
    Ok(())
}
