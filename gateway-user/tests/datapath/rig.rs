//! A node with an uplink, and tests that run inside it.

use std::{fs::File, os::fd::AsFd as _, path::PathBuf, thread};

use aya::{
    EbpfLoader,
    programs::{Xdp, XdpMode as AyaMode},
};
use gateway_common::maps::ABI_VERSION;
use gateway_tests::net::{Namespace, Net};
use gateway_user::bpf::{Attachment, Datapath, Hook, Mode, OBJECT, Options, XdpMode};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Namespaces `node` (interface `up0`) and `peer`, connected; removed when dropped.
pub(crate) struct Rig {
    pub(crate) node: Namespace,
    pub(crate) peer: Namespace,
    pub(crate) net: Net,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let net = Net::new().expect("a network of namespaces");
        let node = net.namespace("node").expect("a namespace");
        let peer = net.namespace("peer").expect("a namespace");
        let rig = Self { node, peer, net };
        rig.connect("up0", "peer0", 1);
        rig
    }

    /// One more veth pair between node and peer: 10.77.`subnet`.1 and .2.
    pub(crate) fn connect(&self, node_if: &str, peer_if: &str, subnet: u8) {
        let (node, peer) = (
            format!("10.77.{subnet}.1/24"),
            format!("10.77.{subnet}.2/24"),
        );
        // The peer comes first: it leaves no checksum to its card, as packets on a wire are.
        let ends = [
            (&self.peer, peer_if, peer.as_str()),
            (&self.node, node_if, node.as_str()),
        ];
        self.net.connect(ends).expect("a veth pair");
    }

    pub(crate) fn pins(&self) -> PathBuf {
        self.net.pins()
    }

    /// What is pinned below the directory of this version.
    pub(crate) fn versioned(&self, path: &str) -> PathBuf {
        self.pins().join(format!("v{ABI_VERSION}")).join(path)
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            pin_dir: self.pins(),
            interfaces: vec!["up0".into()],
            xdp_mode: XdpMode::Auto,
            kernel_log: false,
        }
    }

    /// Opens the data path as a daemon on the node does, and hands it to `then`.
    pub(crate) fn open<R: Send>(
        &self,
        options: &Options,
        then: impl FnOnce(anyhow::Result<Datapath>) -> R + Send,
    ) -> R {
        self.on_node(async || then(Datapath::open(options).await))
    }

    /// The message of an `open` that must fail.
    pub(crate) fn refusal(&self, options: &Options) -> String {
        self.open(options, |opened| match opened {
            Ok(_) => panic!("it was not refused"),
            Err(error) => format!("{error:#}"),
        })
    }

    /// Runs on a thread of its own inside the node, with a tokio runtime.
    pub(crate) fn on_node<R: Send>(&self, run: impl AsyncFnOnce() -> R + Send) -> R {
        Self::inside(&self.node, run)
    }

    /// Runs on a thread of its own inside a namespace. Sockets made there stay there.
    pub(crate) fn inside<R: Send>(namespace: &Namespace, run: impl AsyncFnOnce() -> R + Send) -> R {
        let path = format!("/run/netns/{}", namespace.name());
        let inside = move || {
            let namespace = File::open(path).expect("the namespace exists");
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("root may enter it");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(run())
        };
        thread::scope(|scope| scope.spawn(inside).join().expect("no panic inside"))
    }

    /// Attaches our XDP program to an interface of the node by hand, as somebody else would.
    pub(crate) fn attach_foreign(&self, interface: &str, while_attached: impl FnOnce() + Send) {
        self.on_node(async || {
            let mut ebpf = EbpfLoader::new();
            let mut ebpf = ebpf.load(OBJECT).expect("the object loads");
            let program = ebpf.program_mut("xdpgw_clock").expect("a program");
            let program: &mut Xdp = program.try_into().expect("an XDP program");
            program.load().expect("it loads");
            program
                .attach(interface, AyaMode::Driver)
                .expect("it attaches");
            while_attached();
        });
    }

    /// What `ip -d link` says of an interface's XDP program: mode and id.
    pub(crate) fn xdp_of(&self, interface: &str) -> Option<String> {
        let shown = self
            .node
            .ip(&format!("-o link show {interface}"))
            .expect("ip works");
        let (_, after) = shown.split_once("prog/xdp")?;
        let kind = if shown.contains("xdpgeneric") {
            "generic"
        } else {
            "driver"
        };
        let id = after.split_whitespace().nth(1).unwrap_or_default();
        Some(format!("{kind} {id}"))
    }
}

pub(crate) fn xdp(attachments: &[Attachment]) -> (Option<&str>, Option<Mode>) {
    let found = attachments
        .iter()
        .find(|a| a.hook == Hook::Xdp)
        .expect("XDP is attached");
    (found.interface.as_deref(), found.mode)
}
