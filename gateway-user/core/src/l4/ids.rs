//! Unused ids and slots, those never used before first.

use std::collections::BTreeMap;

/// The first free id at or after `*cursor` (ids begin at 1), wrapping at `end` (not included).
/// Moves the cursor behind it. `None`: all are taken.
pub(super) fn take_id<A, B>(
    cursor: &mut u32,
    end: u32,
    taken: &BTreeMap<u32, A>,
    also_taken: &BTreeMap<u32, B>,
) -> Option<u32> {
    let start = (*cursor).clamp(1, end);
    let mut ids = (start..end).chain(1..start);
    let id = ids.find(|id| !taken.contains_key(id) && !also_taken.contains_key(id))?;
    *cursor = id + 1;
    Some(id)
}

/// The first gap of `size` slots at or after `*cursor`, wrapping at `end`; `taken` maps first
/// slots to lengths. Moves the cursor behind it. `None`: no gap is large enough.
pub(super) fn take_slots(
    cursor: &mut u32,
    end: u32,
    taken: &BTreeMap<u32, u32>,
    size: u32,
) -> Option<u32> {
    let at = gap(*cursor, end, taken, size).or_else(|| gap(0, end, taken, size))?;
    *cursor = at + size;
    Some(at)
}

fn gap(from: u32, end: u32, taken: &BTreeMap<u32, u32>, size: u32) -> Option<u32> {
    let before = taken.range(..from).next_back();
    let mut at = before.map_or(from, |(start, len)| from.max(start + len));
    for (start, len) in taken.range(from..) {
        if at + size <= *start {
            break;
        }
        at = at.max(start + len);
    }
    (at + size <= end).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_on_after_the_last_and_wrap() {
        let taken = BTreeMap::from([(1, ()), (4, ())]);
        let (none, mut cursor) = (BTreeMap::<u32, ()>::new(), 3);
        let take = |cursor: &mut u32| take_id(cursor, 5, &taken, &none);
        assert_eq!(take(&mut cursor), Some(3));
        assert_eq!(take(&mut cursor), Some(2), "4 and 1 are taken");
        let full = BTreeMap::from([(2, ()), (3, ())]);
        assert_eq!(take_id(&mut cursor, 5, &taken, &full), None);
    }

    #[test]
    fn id_zero_is_never_given() {
        let none = BTreeMap::<u32, ()>::new();
        assert_eq!(take_id(&mut 0, 5, &none, &none), Some(1));
    }

    #[test]
    fn slots_fill_gaps_that_are_large_enough() {
        let taken = BTreeMap::from([(0, 10), (15, 5), (40, 60)]);
        let take = |mut cursor, size| take_slots(&mut cursor, 100, &taken, size);
        assert_eq!(take(0, 5), Some(10));
        assert_eq!(take(0, 6), Some(20));
        assert_eq!(take(17, 5), Some(20), "the cursor is inside a region");
        assert_eq!(
            take(30, 11),
            None.or(Some(20)),
            "wraps where nothing follows"
        );
        assert_eq!(take(0, 21), None);
    }

    #[test]
    fn the_cursor_moves_behind_what_was_taken() {
        let mut cursor = 0;
        assert_eq!(take_slots(&mut cursor, 100, &BTreeMap::new(), 30), Some(0));
        assert_eq!(cursor, 30);
    }
}
