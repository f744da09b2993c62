//! What the node's own stack has by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use gateway_common::{abi::FORWARD, splice::Outcome::*};

use crate::{
    frames::{Family, RST},
    path::Hook::*,
    tls::{
        fixture::{frontend_key, key, listener},
        judge::Entry,
        segment::{ACK, FIN, Number, Segment},
        talk::*,
        world::{becomes, in_all_worlds, stays},
    },
};

const fn end(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip(), address.port())
}

/// A socket of this very node, at both ends; its listener alone is none.
#[test]
fn a_connection_of_the_stack_passes_untouched() {
    in_all_worlds(|world| {
        let own: IpAddr = match world.family {
            Family::V4 => Ipv4Addr::LOCALHOST.into(),
            Family::V6 => Ipv6Addr::LOCALHOST.into(),
        };
        let accepts = TcpListener::bind((own, 0)).expect("a port of the node");
        let gateway = accepts.local_addr().expect("its address");
        let frontend = frontend_key(world.family, end(gateway));
        let served = listener(world.family);
        world.put(&Entry::Listener(frontend, Some(served)));
        let talk = Talk::of(Way::Near);
        let client = TcpListener::bind((own, 0)).and_then(|other| other.local_addr());
        let client = client.expect("another port");
        let from = |segment: Segment| Segment {
            source: end(client),
            destination: end(gateway),
            ..segment
        };
        let told = Segment {
            source: end(gateway),
            destination: end(client),
            ..talk.syn_ack()
        };
        world.check(&becomes("SYN", Ingress, from(talk.syn()), Accepted, told));
        // An old copy of what would prove itself.
        let first = |acknowledged: Number, echo: Number| Segment {
            acknowledged,
            options: stamps(CLIENT_NEXT, echo),
            ..from(talk.says(ACK, 0, &[22]))
        };
        let proof = first(
            world.told.cookie.wrapping_add(1).into(),
            world.told.stamp.into(),
        );
        let stream = connect(client, gateway);
        let (accepted, _) = accepts.accept().expect("a connection");
        let socket = key(world.family, end(client), end(gateway), FORWARD);
        world.put(&Entry::Socket(socket));
        world.run(&[
            stays("SYN", Ingress, from(talk.syn()), Local),
            stays("proof", Ingress, proof, Local),
            stays("ACK", Ingress, from(talk.says(ACK, 5, &[])), Local),
            stays("data", Ingress, from(talk.says(ACK, 5, b"x")), Local),
            stays("FIN", Ingress, from(talk.says(ACK | FIN, 5, &[])), Local),
            stays("RST", Ingress, from(talk.says(RST, 0, &[])), Local),
        ]);
        drop((stream, accepted));
        world.put(&Entry::Listener(frontend, None));
    });
}

/// From a port that is known before.
fn connect(from: SocketAddr, to: SocketAddr) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let family = match from {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket(family, SocketType::STREAM, None).expect("a socket");
    bind(&socket, &from).expect("the port is free again");
    connect(&socket, &to).expect("it listens");
    socket.into()
}
