//! What the programs and user space tell each other while `xdp-gateway capture` runs. All of it is in
//! an object of its own: nothing of this is loaded while nobody captures.

/// Most bytes of a packet that are captured.
pub const SNAP_MAX: u32 = 2_047;
/// Fewest: all headers that filters look at.
pub const SNAP_MIN: u32 = 64;

/// Ring buffer of [`Record`]s, each with its bytes.
pub const CAPTURED: &str = "captured";
pub const CAPTURED_BYTES: u32 = 4 << 20;
/// One [`Settings`].
pub const SETTINGS: &str = "settings";
/// Packets that found the ring full, per CPU.
pub const LOST: &str = "lost";

/// `Record::hook` of each program, and the bit for "after the program".
pub const HOOK_XDP: u32 = 0;
pub const HOOK_TCX_INGRESS: u32 = 2;
pub const HOOK_TCX_EGRESS: u32 = 4;
pub const AFTER: u32 = 1;

/// Which packets. All words, so that a map of plain numbers
/// holds it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of each packet, from [`SNAP_MIN`] to [`SNAP_MAX`].
    pub snap: u32,
    /// Index of an interface; 0 for all.
    pub interface: u32,
    /// 4 or 6 where `address` must be source or destination; 0 for any packet.
    pub family: u32,
    /// Words in memory order; IPv4 in the first.
    pub address: [u32; 4],
    /// Port of TCP or UDP, source or destination; 0 for any packet.
    pub port: u32,
    /// IP protocol number; 0 for any packet.
    pub protocol: u32,
    /// `CLOCK_MONOTONIC` in units of 2^30 nanoseconds: no packet is captured after that.
    pub until: u32,
}

/// Words of [`Settings`].
pub const SETTINGS_WORDS: usize = size_of::<Settings>() / size_of::<u32>();

impl Settings {
    /// In the order of the fields.
    pub const fn words(&self) -> [u32; SETTINGS_WORDS] {
        let [a, b, c, d] = self.address;
        [
            self.snap,
            self.interface,
            self.family,
            a,
            b,
            c,
            d,
            self.port,
            self.protocol,
            self.until,
        ]
    }
}

/// Before the bytes of a packet in the ring.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// `CLOCK_MONOTONIC` in nanoseconds.
    pub time: u64,
    pub interface: u32,
    /// Of the whole packet.
    pub length: u32,
    /// Bytes that follow.
    pub captured: u32,
    /// [`HOOK_XDP`], [`HOOK_TCX_INGRESS`] or [`HOOK_TCX_EGRESS`], with [`AFTER`].
    pub hook: u32,
    /// What the program returned, after it; else 0.
    pub verdict: i32,
    pub pad: u32,
}

const _: () = assert!(size_of::<Record>() == 32 && size_of::<Settings>() == 40);
