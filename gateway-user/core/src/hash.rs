//! A hash that is fixed for all time, since nodes of different versions must agree.

/// FNV-1a, then the finaliser of SplitMix64 to spread it.
pub(crate) fn stable(name: &[u8], seed: u64) -> u64 {
    let step = |h: u64, byte: &u8| (h ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut z = name.iter().fold(0xcbf2_9ce4_8422_2325 ^ seed, step);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::stable;

    #[test]
    fn values_never_change() {
        assert_eq!(stable(b"", 0), 0xf52a15e9a9b5e89b);
        assert_eq!(stable(b"default/web", 0), 0x20964ea84e94d226);
        assert_ne!(stable(b"default/web", 0), stable(b"default/web", 1));
    }
}
