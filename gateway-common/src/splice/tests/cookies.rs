//! How long cookies are good, and for whom.

use super::{
    steps::address,
    world::{World, key_of},
};
use crate::{
    abi::TlsSecret,
    splice::{
        COOKIE, Listener, Offer,
        cookie::{check, make},
    },
};

const INITIAL: u32 = 0x1234_5678;

fn world() -> World {
    World::new(address(6, 1, 443), Listener { mss: 1400 })
}

#[test]
fn a_cookie_is_good_for_two_or_three_periods() {
    let key = key_of(address(6, 100, 40_000), address(6, 1, 443));
    let mut world = world();
    // Also around the start of the clock.
    for start in [0, 63, 64, 1_000_000, 1_000_063] {
        world.now = start * 1000;
        let cookie = make(&key, INITIAL, &Offer::plain(1460), &world).unwrap();
        let mut good = 0;
        while check(&key, INITIAL, cookie, &world) == Some(1460) {
            good += 1;
            world.now += 1000;
        }
        assert_eq!(good, u64::from(COOKIE) - start % 64);
        // Not when the period's two bits are the same again.
        for _ in 0..1000 {
            assert_eq!(check(&key, INITIAL, cookie, &world), None);
            world.now += 1000;
        }
    }
}

#[test]
fn a_cookie_is_good_for_one_client_and_what_it_said() {
    let client = address(4, 100, 40_000);
    let gateway = address(4, 1, 443);
    let key = key_of(client, gateway);
    let mut world = world();
    for (mss, known) in [
        (0, 536),
        (535, 536),
        (1219, 536),
        (1220, 1220),
        (1459, 1440),
        (65_535, 8940),
    ] {
        let cookie = make(&key, INITIAL, &Offer::plain(mss), &world).unwrap();
        assert_eq!(check(&key, INITIAL, cookie, &world), Some(known));
        let others = [
            key_of(address(4, 101, 40_000), gateway),
            key_of(address(4, 100, 40_001), gateway),
            key_of(client, address(4, 2, 443)),
            key_of(client, address(4, 1, 444)),
            // The ends the other way round.
            key_of(gateway, client),
        ];
        for other in others {
            assert_eq!(check(&other, INITIAL, cookie, &world), None);
        }
        assert_eq!(check(&key, INITIAL + 1, cookie, &world), None);
        for bit in 0..32 {
            assert_eq!(check(&key, INITIAL, cookie ^ 1 << bit, &world), None);
        }
    }
    let cookie = make(&key, INITIAL, &Offer::plain(1460), &world).unwrap();
    world.secret = Some(TlsSecret { key: [7, 9] });
    assert_eq!(check(&key, INITIAL, cookie, &world), None);
}

#[test]
fn without_a_secret_there_is_no_cookie() {
    let key = key_of(address(6, 100, 40_000), address(6, 1, 443));
    let mut world = world();
    for secret in [None, Some(TlsSecret::default())] {
        world.secret = secret;
        assert_eq!(make(&key, INITIAL, &Offer::plain(1460), &world), None);
        assert_eq!(check(&key, INITIAL, 0, &world), None);
    }
}
