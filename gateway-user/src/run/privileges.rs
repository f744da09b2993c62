//! Whether this process may load programs and change the network; asked before anything is done.

use anyhow::{Context as _, Result, bail};

/// Bits of `CapEff` (capability.h).
const NET_ADMIN: (u32, &str) = (12, "CAP_NET_ADMIN");
const NET_RAW: (u32, &str) = (13, "CAP_NET_RAW");
const SYS_ADMIN: u32 = 21;
const PERFMON: (u32, &str) = (38, "CAP_PERFMON");
const BPF: (u32, &str) = (39, "CAP_BPF");

/// # Errors
/// Where capabilities are missing; the message names them.
pub(super) fn require() -> Result<()> {
    let status = std::fs::read_to_string("/proc/thread-self/status")
        .context("cannot read this process's capabilities: is /proc mounted?")?;
    let effective = effective(&status).context("the kernel does not tell the capabilities")?;
    let missing = missing(effective);
    if !missing.is_empty() {
        bail!(
            "missing privileges: run as root, or with {}",
            missing.join(", ")
        );
    }
    Ok(())
}

fn effective(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// `CAP_SYS_ADMIN` includes `CAP_BPF` and `CAP_PERFMON` (capabilities(7)).
fn missing(effective: u64) -> Vec<&'static str> {
    let has = |bit: u32| effective & (1 << bit) != 0;
    let needed = [BPF, NET_ADMIN, NET_RAW, PERFMON].into_iter();
    let lacking = needed.filter(|(bit, _)| {
        let implied = [BPF.0, PERFMON.0].contains(bit) && has(SYS_ADMIN);
        !has(*bit) && !implied
    });
    lacking.map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_effective_set() {
        let status = "Name:\tx\nCapInh:\t0000000000000000\nCapEff:\t000001ffffffffff\n";
        assert_eq!(effective(status), Some(0x1ff_ffff_ffff));
        assert_eq!(effective("Name:\tx\n"), None);
    }

    #[test]
    fn names_what_is_missing() {
        let all = ["CAP_BPF", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_PERFMON"];
        assert_eq!(missing(0), all);
        assert_eq!(missing(1 << 21), ["CAP_NET_ADMIN", "CAP_NET_RAW"]);
        assert_eq!(missing(1 << 12 | 1 << 13 | 1 << 39), ["CAP_PERFMON"]);
        assert!(missing(u64::MAX).is_empty());
    }
}
