//! The filters that spare other packets all further looks.

use std::net::Ipv4Addr;

use aya::maps::{Array, Map, MapData};
use gateway_common::{
    abi::{
        BY_SNAT, Backend, Frontend, FrontendKey, KIND_L4, KIND_PROXY, KIND_TLS, NEAR, Origin,
        Served, TCP,
    },
    maps::{SERVED_ADDRESSES, SERVED_ENDPOINTS, SERVED_TLS},
};
use gateway_core::l4::MapOp;

use crate::rig::Rig;

fn end(last: u8, port: u32) -> FrontendKey {
    FrontendKey {
        address: Ipv4Addr::new(203, 0, 113, last).into(),
        port,
        protocol: TCP,
    }
}

fn listener(last: u8, kind: u32) -> MapOp {
    let frontend = Frontend {
        kind,
        ..Frontend::default()
    };
    MapOp::PutFrontend(end(last, 443), frontend)
}

fn backend(last: u8, far: u32) -> MapOp {
    let FrontendKey { address, port, .. } = end(last, 443);
    let backend = Backend {
        address,
        port,
        far,
        ..Backend::default()
    };
    MapOp::PutBackend(last.into(), backend)
}

/// Which of the ends with these last bytes a filter has.
fn noted(rig: &Rig, filter: u32, port: u16) -> Vec<u8> {
    let data = MapData::from_pin(rig.versioned("maps/served")).expect("a pinned map");
    let map = Map::from_map_data(data).expect("a map");
    let filters = Array::<_, Served>::try_from(map).expect("an array of filters");
    let filter = filters.get(&filter, 0).expect("a slot");
    let all = 0..10;
    all.filter(|last| filter.may_have(&end(*last, 0).address, port))
        .collect()
}

#[test]
fn filters_have_what_packets_are_looked_up_for() {
    let rig = Rig::new();
    rig.open(&rig.options(), |datapath| {
        let mut datapath = datapath.expect("it opens");
        let put = [
            listener(1, KIND_L4),
            listener(2, KIND_PROXY),
            listener(3, KIND_TLS),
            backend(4, NEAR),
            backend(5, BY_SNAT),
            MapOp::PutOrigin(end(4, 443), Origin::default()),
        ];
        datapath.apply(&put).expect("the kernel takes them");
        // Flows may be left: the bits stay.
        let gone = [
            MapOp::RemoveFrontend(end(1, 443)),
            MapOp::RemoveOrigin(end(4, 443)),
            MapOp::RemoveBackend(4),
        ];
        datapath.apply(&gone).expect("the kernel removes them");
    });
    assert_eq!(noted(&rig, SERVED_ADDRESSES, 0), [1, 2, 3]);
    assert_eq!(noted(&rig, SERVED_ENDPOINTS, 443), [4]);
    assert_eq!(noted(&rig, SERVED_TLS, 443), [3, 4]);
    assert_eq!(noted(&rig, SERVED_TLS, 444), [0; 0], "another port");
}
