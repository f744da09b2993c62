//! Properties of lookup tables: shares, disruption, independence of order.

use super::*;

fn names(count: u32) -> Vec<[u8; 6]> {
    let name = |i: u32| {
        let [a, b, c, d] = (0x0a00_0000 + i * 7).to_be_bytes();
        [a, b, c, d, 0x1f, 0x90]
    };
    (0..count).map(name).collect()
}

fn equal(names: &[[u8; 6]]) -> Vec<Candidate<'_>> {
    names
        .iter()
        .map(|name| Candidate { name, weight: 1 })
        .collect()
}

fn shares(table: &[usize], count: usize) -> Vec<f64> {
    let mut slots = vec![0_u32; count];
    table.iter().for_each(|index| slots[*index] += 1);
    let share = |n: &u32| f64::from(*n) / table.len() as f64;
    slots.iter().map(share).collect()
}

#[test]
fn every_size_is_prime() {
    for size in SIZES {
        let divisor = (2..size).find(|d| d * d <= size && size % d == 0);
        assert_eq!(divisor, None, "{size}");
    }
}

#[test]
fn equal_weights_get_equal_shares() {
    for count in [2, 5, 20, 150] {
        let names = names(count);
        let size = size(&vec![1; count as usize]);
        assert!(size >= count * 100, "{size} slots for {count}");
        for share in shares(&table(&equal(&names), size), count as usize) {
            let off = share * f64::from(count) - 1.0;
            assert!(off.abs() < 0.03, "{count} backends, one has {share}");
        }
    }
}

#[test]
fn shares_follow_weights() {
    let names = names(4);
    let weights = [80, 20, 1, 300];
    let candidates: Vec<_> = names
        .iter()
        .zip(weights)
        .map(|(name, weight)| Candidate { name, weight })
        .collect();
    let found = shares(&table(&candidates, size(&weights)), 4);
    for (share, weight) in found.iter().zip(weights) {
        let wanted = f64::from(weight) / 401.0;
        assert!(
            (share - wanted).abs() < 0.003,
            "{weight}: {share}, not {wanted}"
        );
    }
}

#[test]
fn the_table_grows_for_small_shares() {
    assert_eq!(size(&[1]), 1);
    assert_eq!(size(&[80]), 1);
    assert_eq!(size(&[80, 20]), 2_039);
    assert_eq!(size(&[1; 20]), 2_039);
    assert_eq!(size(&[1; 21]), 16_381);
    assert_eq!(size(&[100, 1]), 2_039);
    assert_eq!(size(&[1_000_000, 1]), 65_521);
    assert_eq!(size(&[1; 10_000]), 65_521);
}

#[test]
fn one_backend_alone_takes_one_slot() {
    let names = names(1);
    for weight in [1, 7] {
        let candidate = Candidate {
            name: &names[0],
            weight,
        };
        assert_eq!(table(&[candidate], size(&[weight])), [0]);
    }
}

#[test]
fn removing_one_of_twenty_moves_little_else() {
    let all = names(20);
    let before = table(&equal(&all), 2_039);
    let fewer: Vec<_> = all.iter().copied().filter(|n| *n != all[7]).collect();
    let after = table(&equal(&fewer), 2_039);
    let pairs = before.iter().zip(&after);
    let kept = pairs
        .filter(|(old, new)| all[**old] == fewer[**new])
        .count();
    let moved = 1.0 - kept as f64 / 2_039.0;
    assert!(moved >= 0.049, "its own slots move: {moved}");
    assert!(moved < 0.08, "moved {moved}");
}

#[test]
fn the_order_of_candidates_matters_little() {
    // Sorted input is asked for because ties go to the first; all else depends on names alone.
    let names = names(10);
    let forward = table(&equal(&names), 2_039);
    let reversed: Vec<_> = names.iter().rev().copied().collect();
    let backward = table(&equal(&reversed), 2_039);
    let same = forward
        .iter()
        .zip(&backward)
        .filter(|(a, b)| **a == 9 - **b)
        .count();
    assert!(same as f64 / 2_039.0 > 0.9, "{same} of 2039");
}

#[test]
fn tables_are_the_same_in_every_version() {
    let names = names(3);
    let table = table(&equal(&names), 251);
    assert_eq!(table[..16], GOLDEN);
}

/// Nodes of different versions serve one address one after the other: they must agree.
const GOLDEN: [usize; 16] = [1, 0, 2, 2, 2, 0, 2, 1, 0, 1, 2, 2, 2, 0, 2, 2];

#[test]
fn without_candidates_there_is_no_table() {
    assert!(table(&[], 251).is_empty());
}
