//! Packets through the programs that were loaded, counted and told as they say.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::Duration,
};

use gateway_common::abi::{Counter, UDP};
use gateway_core::plan::Transport;
use gateway_user::{
    address::Addresses,
    bpf::{Datapath, Options},
};

use crate::{flows::sweep, rig::Rig, tables};

const FRONTEND: &str = "10.77.1.200:5353";
const BACKEND: &str = "10.77.1.1:9000";

/// A backend on the node and a client beyond its uplink.
pub(crate) struct Sockets {
    backend: UdpSocket,
    client: UdpSocket,
}

impl Sockets {
    pub(crate) fn new(rig: &Rig) -> Self {
        Self {
            backend: rig.on_node(async || bind(BACKEND)),
            client: Self::client(rig),
        }
    }

    fn client(rig: &Rig) -> UdpSocket {
        Rig::inside(&rig.peer, async || bind("10.77.1.2:0"))
    }

    /// Sends a question to the frontend and answers it at the backend; who the client hears.
    pub(crate) fn exchange(&self) -> std::io::Result<SocketAddr> {
        let mut buffer = [0; 64];
        self.client.send_to(b"question", FRONTEND)?;
        let (length, from) = self.backend.recv_from(&mut buffer)?;
        assert_eq!(&buffer[..length], b"question");
        assert_eq!(from, self.client.local_addr()?, "the client's own address");
        self.backend.send_to(b"answer", from)?;
        let (length, from) = self.client.recv_from(&mut buffer)?;
        assert_eq!(&buffer[..length], b"answer");
        Ok(from)
    }
}

fn bind(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).expect("a free port");
    let limit = socket.set_read_timeout(Some(Duration::from_secs(2)));
    limit.expect("a limit");
    socket
}

pub(crate) async fn open(options: &Options) -> Datapath {
    let mut datapath = Datapath::open(options).await.expect("it opens");
    tables::put(&mut datapath, FRONTEND, Transport::Udp, &[BACKEND]);
    let address: IpAddr = "10.77.1.200".parse().expect("an address");
    let addresses = Addresses::open().expect("netlink");
    let added = addresses.add(&BTreeSet::from([address])).await;
    added.expect("a local route");
    datapath
}

fn frontend() -> SocketAddr {
    FRONTEND.parse().expect("an address")
}

#[test]
fn what_was_carried_is_counted() {
    let rig = Rig::new();
    let (options, sockets) = (rig.options(), Sockets::new(&rig));
    rig.on_node(async || {
        let datapath = open(&options).await;
        assert_eq!(sockets.exchange().expect("an answer"), frontend());
        assert_eq!(sockets.exchange().expect("an answer"), frontend());
        let counters = datapath.stats().counters().expect("counters");
        let packets = |counter| counters.get(counter).packets;
        let seen = [Counter::Forwarded, Counter::Replied, Counter::Opened].map(packets);
        assert_eq!(seen, [2, 2, 1]);
        let backends = datapath.stats().backends().expect("statistics");
        let (id, stats) = backends.first_key_value().expect("one backend");
        assert!(datapath.tables().backends.contains_key(id));
        assert_eq!(
            (stats.request_packets, stats.reply_packets, stats.flows),
            (2, 2, 1)
        );
        let flows = datapath
            .open_flows()
            .expect("a handle")
            .list(10)
            .expect("flows");
        assert_eq!(flows.len(), 2, "one entry for each direction");
        assert!(flows.iter().all(|(key, _)| u32::from(key.protocol) == UDP));
    });
}

#[test]
fn traffic_goes_on_without_a_daemon_and_through_the_next_start() {
    let rig = Rig::new();
    let (options, sockets) = (rig.options(), Sockets::new(&rig));
    rig.on_node(async || drop(open(&options).await));
    assert_eq!(sockets.exchange().expect("an established flow"), frontend());
    let other = Sockets {
        client: Sockets::client(&rig),
        ..sockets
    };
    assert_eq!(other.exchange().expect("a new flow"), frontend());
    rig.on_node(async || {
        let datapath = Datapath::open(&options).await.expect("it opens");
        assert_eq!(other.exchange().expect("the same flow"), frontend());
        let flows = datapath
            .open_flows()
            .expect("a handle")
            .list(10)
            .expect("flows");
        assert_eq!(flows.len(), 4, "two flows, none opened again");
    });
}

#[test]
fn a_drop_is_told_and_a_removed_backend_is_forgotten() {
    let rig = Rig::new();
    let (options, sockets) = (rig.options(), Sockets::new(&rig));
    rig.on_node(async || {
        let mut datapath = open(&options).await;
        let mut events = datapath.open_events().expect("the event ring");
        sockets.exchange().expect("an answer");
        tables::put(&mut datapath, FRONTEND, Transport::Udp, &[]);
        let sweep = sweep(&datapath);
        let swept = datapath.open_flows().expect("a handle").sweep(&sweep);
        assert_eq!(swept.expect("a sweep").removed, 2, "its UDP flow moves on");
        sockets
            .client
            .send_to(b"question", FRONTEND)
            .expect("it is sent");
        let event = tokio::time::timeout(Duration::from_secs(2), events.next()).await;
        let event = event.expect("in time").expect("an event");
        assert_eq!(
            Counter::from_index(event.reason),
            Some(Counter::RefuseNoBackend)
        );
        assert_eq!(IpAddr::from(event.key.destination), frontend().ip());
        assert_eq!(event.key.destination_port, frontend().port());
    });
}

#[test]
fn the_logging_variant_carries_the_same() {
    let rig = Rig::new();
    let (mut options, sockets) = (rig.options(), Sockets::new(&rig));
    options.kernel_log = true;
    rig.on_node(async || {
        let _datapath = open(&options).await;
        assert_eq!(sockets.exchange().expect("an answer"), frontend());
    });
}
