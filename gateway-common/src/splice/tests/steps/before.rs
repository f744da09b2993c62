//! What is left in the network of a connection that had the same ports before.

use super::*;

/// Late packets of the connection that had the same ports before, whatever time stamps they have.
#[test]
fn what_is_left_of_a_connection_before_changes_nothing() {
    for family in [4, 6] {
        let mut bench = Bench::new(family);
        let whole = hello(Some("a.example"), 2000, 16_000);
        bench.begin();
        bench.client(&bench.says(ACK, 0, &whole[..1000]));
        let client_left = |bench: &Bench| {
            let mut left = bench.says(ACK, 0, &[]);
            left.sequence = left.sequence.wrapping_sub(1 << 24);
            left.acknowledged = left.acknowledged.wrapping_add(1 << 24);
            left.stamps = Some((CLIENT_STAMP + (1 << 30), 0));
            left
        };
        let changes_nothing = |bench: &mut Bench, of_client: bool, left: &Segment| {
            let before = bench.splice();
            bench.world.now += 500;
            let (outcome, _) = match of_client {
                true => bench.client(left),
                false => bench.backend(left),
            };
            let as_expected = [Outcome::Idle, Outcome::Repeated][usize::from(of_client)];
            assert_eq!(outcome, as_expected);
            let after = bench.splice();
            let said = |splice: &Splice| {
                let stamps = (splice.stamp_client, splice.stamp_backend);
                (stamps, splice.acknowledged, splice.received, splice.phase)
            };
            assert_eq!(said(&after), said(&before));
        };
        let left = client_left(&bench);
        changes_nothing(&mut bench, true, &left);
        let (outcome, _) = bench.client(&bench.says(ACK, 1000, &whole[1000..]));
        assert_eq!(outcome, Outcome::Asked);
        changes_nothing(&mut bench, true, &left);
        bench.backend(&bench.accepts());
        changes_nothing(&mut bench, true, &left);
        let mut left = bench.replies(ACK, 0, 0, &[]);
        left.acknowledged = left.acknowledged.wrapping_sub(1 << 24);
        left.stamps = Some((BACKEND_STAMP + (1 << 30), 0));
        changes_nothing(&mut bench, false, &left);
    }
}
