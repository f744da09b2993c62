//! Development logging; nothing is compiled in without the feature `log`.

use aya_ebpf::EbpfContext;
use gateway_common::abi::Counter;

/// Logs what became of a packet, by the name of its counter: `ingress: refuse_no_backend`.
#[cfg(feature = "log")]
#[inline(always)]
pub(crate) fn outcome<C: EbpfContext>(ctx: &C, hook: &'static str, outcome: Counter) {
    aya_log_ebpf::info!(ctx, "{}: {}", hook, outcome.describe().name);
}

#[cfg(not(feature = "log"))]
#[inline(always)]
pub(crate) fn outcome<C: EbpfContext>(_ctx: &C, _hook: &'static str, _outcome: Counter) {}
