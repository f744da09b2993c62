//! Development logging; nothing is compiled in without the feature `log`.

use aya_ebpf::EbpfContext;
use gateway_common::abi::Counter;

/// Logs what became of a packet, by the name of its counter: `ingress: refuse_no_backend`.
#[cfg(feature = "log")]
#[inline(always)]
pub(crate) fn outcome<C: EbpfContext>(ctx: &C, hook: &'static str, outcome: Counter) {
    if let Some(name) = names::NAMES.get(outcome as usize) {
        // SAFETY: names of fields, and spaces.
        let name = unsafe { core::str::from_utf8_unchecked(name) };
        aya_log_ebpf::info!(ctx, "{}: {}", hook, name);
    }
}

#[cfg(not(feature = "log"))]
#[inline(always)]
pub(crate) fn outcome<C: EbpfContext>(_ctx: &C, _hook: &'static str, _outcome: Counter) {}

/// Names of one length: of each length, the verifier would walk through the logging anew.
#[cfg(feature = "log")]
mod names {
    use gateway_common::abi::Counter;

    const LENGTH: usize = 20;
    const COUNT: usize = Counter::ALL.len();

    pub(super) static NAMES: [[u8; LENGTH]; COUNT] = padded();

    const fn padded() -> [[u8; LENGTH]; COUNT] {
        let mut names = [[b' '; LENGTH]; COUNT];
        let mut at = 0;
        while at < COUNT {
            let name = Counter::ALL[at].describe().name.as_bytes();
            let mut letter = 0;
            while letter < name.len() {
                names[at][letter] = name[letter];
                letter += 1;
            }
            at += 1;
        }
        names
    }
}
