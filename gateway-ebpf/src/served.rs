//! What may concern the gateway, by the filters that user space writes.

use gateway_common::{
    abi::FlowKey,
    addr::Addr,
    maps::{SERVED_ADDRESSES, SERVED_ENDPOINTS, SERVED_TLS},
};

use crate::maps::SERVED;

/// A destination: an address of a listener.
#[inline(always)]
pub(crate) fn address(address: &Addr) -> bool {
    may_have(SERVED_ADDRESSES, address, 0)
}

/// A source: an endpoint of a layer 4 listener.
#[inline(always)]
pub(crate) fn endpoint(key: &FlowKey) -> bool {
    may_have(SERVED_ENDPOINTS, &key.source, key.source_port)
}

/// Either: a listener of TLS passthrough, or an endpoint.
#[inline(always)]
pub(crate) fn tls(address: &Addr, port: u16) -> bool {
    may_have(SERVED_TLS, address, port)
}

#[inline(always)]
fn may_have(filter: u32, address: &Addr, port: u16) -> bool {
    SERVED
        .get(filter)
        .is_none_or(|served| served.may_have(address, port))
}
