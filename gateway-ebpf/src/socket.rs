//! Whether the node's own stack has a connection.

use aya_ebpf::{
    bindings::bpf_sock_tuple,
    helpers::{bpf_sk_release, bpf_skc_lookup_tcp},
};
use core::ffi::c_void;
use gateway_common::{abi::FlowKey, addr::Addr};

/// `BPF_F_CURRENT_NETNS`: the namespace of the interface.
const THIS_NAMESPACE: u64 = u64::MAX;
/// `BPF_TCP_LISTEN`
const LISTEN: u32 = 10;

/// `bpf_sock_tuple` of one family, which the kernel tells by the number of bytes: no padding behind.
#[repr(C, packed(4))]
struct Tuple<A> {
    source: A,
    destination: A,
    source_port: u16,
    destination_port: u16,
}

const _: () = assert!(size_of::<Tuple<u32>>() == 12 && size_of::<Tuple<[u64; 2]>>() == 36);

/// There is a socket for it, which is not a listener. `context` of an XDP or tcx program.
#[inline(never)]
pub(crate) fn has(context: *mut c_void, key: &FlowKey) -> bool {
    let (source_port, destination_port) = (key.source_port.to_be(), key.destination_port.to_be());
    match key.source.is_v4() {
        true => look(
            context,
            &mut Tuple {
                source: v4(&key.source),
                destination: v4(&key.destination),
                source_port,
                destination_port,
            },
        ),
        false => look(
            context,
            &mut Tuple {
                source: key.source.words(),
                destination: key.destination.words(),
                source_port,
                destination_port,
            },
        ),
    }
}

#[inline(always)]
fn look<A>(context: *mut c_void, tuple: &mut Tuple<A>) -> bool {
    let tuple: *mut Tuple<A> = tuple;
    let bytes = size_of::<Tuple<A>>() as u32;
    // SAFETY: a valid context; a tuple as long as is said, which the helper only reads; and a socket
    // that is read before it is given back.
    unsafe {
        let socket = bpf_skc_lookup_tcp(
            context,
            tuple.cast::<bpf_sock_tuple>(),
            bytes,
            THIS_NAMESPACE,
            0,
        );
        if socket.is_null() {
            return false;
        }
        let state = (*socket).state;
        bpf_sk_release(socket.cast());
        state != LISTEN
    }
}

/// As it is in the header.
#[inline(always)]
const fn v4(address: &Addr) -> u32 {
    (address.words()[1] >> 32) as u32
}
