//! Which backend, which worker: a hash of the flow spread over a table.

use crate::{
    abi::{FlowKey, Service, Snat},
    addr::Addr,
};

/// A hash of both ends of a flow, for [`slot`].
#[inline(always)]
pub const fn hash(key: &FlowKey) -> u32 {
    let ports =
        (key.source_port as u64) << 32 | (key.destination_port as u64) << 16 | key.protocol as u64;
    finish(step(mix(mix(0, &key.source), &key.destination), ports))
}

/// A hash of the client's address alone, for [`slot`].
#[inline(always)]
pub const fn client(key: &FlowKey) -> u32 {
    finish(mix(0, &key.source))
}

/// The hash by which a service picks an endpoint for a flow, for [`slot`].
#[inline(always)]
pub const fn of_service(service: &Service, key: &FlowKey) -> u32 {
    match service.affinity {
        0 => hash(key),
        _ => client(key),
    }
}

/// Port of the node for a flow to a far backend, of at least one: the client's choice spread over the
/// range, so that one that comes back soon gets the port that it had. `attempt` walks on from there.
#[inline(always)]
pub const fn port(snat: &Snat, key: &FlowKey, attempt: u32) -> u32 {
    snat.first_port + slot(hash(key), attempt, snat.ports)
}

/// Spreads a hash over `size` slots; `attempt` walks on from there, around the end. 0 for none.
#[inline(always)]
pub const fn slot(hash: u32, attempt: u32, size: u32) -> u32 {
    let slot = (hash as u64 * size as u64) >> 32;
    match (slot as u32 + attempt).checked_rem(size) {
        Some(slot) => slot,
        None => 0,
    }
}

/// Takes in an address, word by word.
#[inline(always)]
const fn mix(hash: u64, address: &Addr) -> u64 {
    let [high, low] = address.words();
    step(step(hash, high), low)
}

/// Multiplier and shifts as in MurmurHash3's 64-bit finaliser.
#[inline(always)]
const fn step(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[inline(always)]
const fn finish(hash: u64) -> u32 {
    (hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn slots_stay_in_the_table_and_walk_around() {
        assert_eq!(slot(0, 0, 7), 0);
        assert_eq!(slot(u32::MAX, 0, 7), 6);
        assert_eq!(slot(u32::MAX, 1, 7), 0);
        assert_eq!(slot(u32::MAX, 6, 7), 5);
        assert_eq!(slot(u32::MAX, 3, 1), 0);
        assert_eq!(slot(u32::MAX, 3, 0), 0);
    }

    #[test]
    fn a_client_is_known_by_its_address_alone() {
        let key = |host, port| FlowKey {
            source: Ipv4Addr::new(10, 0, 0, host).into(),
            source_port: port,
            destination_port: port,
            ..FlowKey::default()
        };
        assert_eq!(client(&key(1, 40_000)), client(&key(1, 80)));
        let mut slots = [0_u32; 4];
        for host in 0..=u8::MAX {
            slots[slot(client(&key(host, 1)), 0, 4) as usize] += 1;
        }
        assert!(slots.iter().all(|&n| (40..90).contains(&n)), "{slots:?}");
    }

    #[test]
    fn neighbouring_ports_spread_evenly() {
        let mut slots = [0_u32; 16];
        for port in 0..16_000_u16 {
            let key = FlowKey {
                source: Ipv4Addr::new(10, 0, 0, 1).into(),
                source_port: port,
                destination_port: 80,
                protocol: 6,
                ..FlowKey::default()
            };
            slots[slot(hash(&key), 0, 16) as usize] += 1;
        }
        assert!(slots.iter().all(|&n| (850..1150).contains(&n)), "{slots:?}");
    }
}
