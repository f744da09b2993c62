//! The routing table against a reference that looks at every match of every route, on random cases.
//! `cargo xtask fuzz routes` looks for others.

mod case;
mod check;
mod reference;

use gateway_core::balance::Rng;

const CASES: u64 = 300;
/// Of one case.
const BYTES: usize = 4096;

#[test]
fn random_routes_and_requests() {
    let mut taken = 0;
    for seed in 0..CASES {
        let mut rng = Rng::new(seed);
        let bytes: Vec<u8> = (0..BYTES).map(|_| rng.draw() as u8).collect();
        taken += check::check(&bytes);
    }
    assert!(
        taken > 10_000,
        "a rule took only {taken} requests: the test says little"
    );
}
