//! What the programs of `xdp-gateway capture` and user space tell each other. They are in no other
//! object than their own: nothing of this is loaded while nobody captures.

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

/// Programs that see a packet before and after one of the data path's.
pub const XDP_ENTRY: &str = "capture_xdp_in";
pub const XDP_EXIT: &str = "capture_xdp_out";
pub const SKB_ENTRY: &str = "capture_skb_in";
pub const SKB_EXIT: &str = "capture_skb_out";

/// `Record::hook` of XDP and of tcx, and the bit for "after the program".
pub const HOOK_XDP: u32 = 0;
pub const HOOK_TCX: u32 = 2;
pub const AFTER: u32 = 1;

/// Which packets, and where this kernel keeps what. All words, so that a map of plain numbers
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
    pub offsets: Offsets,
}

/// Byte offsets of fields in the structures of this kernel.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    pub xdp_data: u32,
    pub xdp_data_end: u32,
    pub xdp_rxq: u32,
    pub rxq_dev: u32,
    pub skb_data: u32,
    pub skb_len: u32,
    pub skb_data_len: u32,
    pub skb_dev: u32,
    pub dev_ifindex: u32,
}

/// Words of [`Settings`].
pub const SETTINGS_WORDS: usize = size_of::<Settings>() / size_of::<u32>();

impl Settings {
    /// In the order of the fields.
    pub const fn words(&self) -> [u32; SETTINGS_WORDS] {
        let [a, b, c, d] = self.address;
        let o = &self.offsets;
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
            o.xdp_data,
            o.xdp_data_end,
            o.xdp_rxq,
            o.rxq_dev,
            o.skb_data,
            o.skb_len,
            o.skb_data_len,
            o.skb_dev,
            o.dev_ifindex,
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
    /// [`HOOK_XDP`] or [`HOOK_TCX`], with [`AFTER`].
    pub hook: u32,
    /// What the program returned, after it; else 0.
    pub verdict: i32,
    pub pad: u32,
}

const _: () = assert!(size_of::<Record>() == 32 && size_of::<Settings>() == 72);
