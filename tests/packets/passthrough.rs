//! Packets of TLS passthrough that are known by what they say of connections: the programs of those
//! take them. On the host, for in the kernel those go on themselves.

use gateway_common::abi::{
    Counter::{self, *},
    FORWARD, REVERSE,
};

use crate::{
    control::*,
    fixture::{BACKENDS, CLIENT, FAR, NODE, ONE, PROXY, config_of},
    frames::{ACK, End, Family, SYN, tcp, udp, v4},
    host::{Host, judge},
    path::Hook::{self, *},
    tls::fixture::{frontend_key, key, listener},
};

/// An address of the gateway, and a port that it does not serve.
const NOBODY: End = (ONE.0, 4);
const ROUTER: End = (v4(198, 51, 100, 77), 0);

/// A frame that stays as it is, and what it is found to be.
fn stays(host: &mut Host, hook: Hook, frame: &[u8], expected: Counter) {
    let mut out = frame.to_vec();
    assert_eq!(judge(host, hook, &mut out), expected, "{hook:?}");
    assert_eq!(out, frame, "{hook:?}");
}

#[test]
fn errors_are_known_by_the_connection_that_they_quote() {
    for family in [Family::V4, Family::V6] {
        let mut host = Host::new(&config_of(family));
        let frame = |control: Control| control.frame(family);
        let at_client = frame(error(TOO_BIG, ROUTER.0, ONE.0, &tcp(ONE, CLIENT, ACK)));
        let near = tcp(CLIENT, BACKENDS[0], ACK);
        let at_near = frame(error(TOO_BIG, ROUTER.0, CLIENT.0, &near));
        let at_far = frame(error(TOO_BIG, ROUTER.0, NODE.0, &tcp(NODE, FAR, ACK)));
        let errors = [(Ingress, &at_client), (Egress, &at_near), (Answer, &at_far)];
        for (hook, error) in errors {
            stays(&mut host, hook, error, PassProtocol);
        }
        host.splices.insert(key(family, CLIENT, ONE, FORWARD));
        host.ties.insert(key(family, BACKENDS[0], CLIENT, REVERSE));
        host.ties.insert(key(family, FAR, NODE, REVERSE));
        for (hook, error) in errors {
            stays(&mut host, hook, error, Tls);
        }
        // Of UDP nothing is passed through.
        for (hook, source, to, about) in [
            (Ingress, ROUTER, ONE, udp(ONE, CLIENT)),
            (Egress, ROUTER, CLIENT, udp(CLIENT, BACKENDS[0])),
            (Answer, ROUTER, NODE, udp(NODE, FAR)),
        ] {
            let error = frame(error(TOO_BIG, source.0, to.0, &about));
            stays(&mut host, hook, &error, PassProtocol);
        }
    }
}

/// A listener that is gone, or that the proxy has now.
#[test]
fn connections_go_on_without_their_listener() {
    for family in [Family::V4, Family::V6] {
        let mut host = Host::new(&config_of(family));
        for (to, otherwise) in [(PROXY, PassProxy), (NOBODY, PassNotOurs)] {
            let frame = tcp(CLIENT, to, ACK).within(family).frame();
            stays(&mut host, Ingress, &frame, otherwise);
            host.splices.insert(key(family, CLIENT, to, FORWARD));
            // What it was when the connection began.
            let listens = frontend_key(family, to);
            let now = host.put_frontend(&listens, Some(&listener(family)));
            host.put_frontend(&listens, now.as_ref());
            stays(&mut host, Ingress, &frame, Tls);
        }
    }
}

/// One client port to a listener of layer 4 and to one for TLS, and one backend of both.
#[test]
fn a_backend_that_a_client_has_through_tls_gives_way() {
    for family in [Family::V4, Family::V6] {
        let mut host = Host::new(&config_of(family));
        host.ties.insert(key(family, BACKENDS[0], CLIENT, REVERSE));
        let syn = tcp(CLIENT, ONE, SYN).within(family).frame();
        stays(&mut host, Ingress, &syn, DropReverseTaken);
        host.ties.clear();
        let mut out = syn.clone();
        assert_eq!(judge(&mut host, Ingress, &mut out), Forwarded);
    }
}

/// XDP has made it the node's own: nobody else sends it on.
#[test]
fn errors_for_far_backends_go_on() {
    for family in [Family::V4, Family::V6] {
        let mut host = Host::new(&config_of(family));
        let error = error(TOO_BIG, NODE.0, FAR.0, &tcp(FAR, NODE, ACK));
        stays(&mut host, Answer, &error.frame(family), PassProtocol);
        host.ties.insert(key(family, FAR, NODE, REVERSE));
        let mut out = error.frame(family);
        assert_eq!(judge(&mut host, Answer, &mut out), Forwarded);
        assert_eq!(out, error.hop().frame(family));
        let elsewhere = Control {
            destination: BACKENDS[0].0,
            ..error.clone()
        };
        stays(&mut host, Answer, &elsewhere.frame(family), PassProtocol);
        let last = Control { hops: 1, ..error };
        stays(&mut host, Answer, &last.frame(family), DropHops);
    }
}
