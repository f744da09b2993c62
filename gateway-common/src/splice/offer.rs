//! What a client offers in its SYN, and how that outlives the SYN in a time stamp.

/// No window scale was offered.
pub const NO_SCALE: u8 = 15;
/// Shift of the windows that clients are told of: 8 MiB, in steps of 128 bytes.
pub const SCALE: u8 = 7;
/// Most that windows may be shifted (RFC 7323, 2.3).
const SCALE_MAX: u8 = 14;
/// Bits of `Offer::flags`.
pub const SACK: u8 = 1;
pub const STAMPS: u8 = 2;

/// Layout of the low bits of a time stamp, as the Linux kernel has it (`net/ipv4/syncookies.c`); the
/// sixth, for ECN, stays 0.
const SCALE_BITS: u32 = 0xf;
const SACK_BIT: u32 = 1 << 4;
const BITS: u32 = 0x3f;

/// Segment sizes that a cookie can say: the usual ones of links and tunnels.
const CLASSES: [u16; 8] = [536, 1220, 1300, 1360, 1400, 1440, 1460, 8940];

/// Options of one end. 4 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Largest segment that it takes, without options.
    pub mss: u16,
    /// Shift of its windows, at most 14, or [`NO_SCALE`].
    pub scale: u8,
    /// [`SACK`], [`STAMPS`].
    pub flags: u8,
}

impl Offer {
    /// Nothing but a segment size.
    #[inline(always)]
    pub const fn plain(mss: u16) -> Self {
        Self {
            mss,
            scale: NO_SCALE,
            flags: 0,
        }
    }

    #[inline(always)]
    pub(super) const fn set_scale(&mut self, scale: u8) {
        self.scale = match scale {
            0..=SCALE_MAX => scale,
            _ => SCALE_MAX,
        };
    }

    #[inline(always)]
    pub const fn has_stamps(&self) -> bool {
        self.flags & STAMPS != 0
    }

    #[inline(always)]
    pub(super) const fn drop_stamps(&mut self) {
        self.flags &= !STAMPS;
    }

    #[inline(always)]
    pub const fn has_sack(&self) -> bool {
        self.flags & SACK != 0
    }

    #[inline(always)]
    pub const fn has_scale(&self) -> bool {
        self.scale != NO_SCALE
    }

    /// Shift of the windows that who offered this is told of.
    #[inline(always)]
    pub(super) const fn told(&self) -> u8 {
        match self.has_scale() {
            true => SCALE,
            false => NO_SCALE,
        }
    }

    /// More than a cookie can say where there are no time stamps.
    #[inline(always)]
    pub(super) const fn needs_keeping(&self) -> bool {
        !self.has_stamps() && (self.has_scale() || self.has_sack())
    }

    /// The class of the segment size: the largest that is no more, or the smallest of all.
    #[inline(always)]
    pub(super) const fn class(&self) -> u32 {
        let mut class = 0;
        let mut each = 1;
        while each < CLASSES.len() {
            if CLASSES[each] <= self.mss {
                class = each as u32;
            }
            each += 1;
        }
        class
    }

    /// The segment size of a class.
    #[inline(always)]
    pub(super) const fn size(class: u32) -> u16 {
        CLASSES[class as usize % CLASSES.len()]
    }

    /// A time stamp that says all but the segment size, never later than `clock`.
    #[inline(always)]
    pub const fn stamp(&self, clock: u32) -> u32 {
        let sack = if self.has_sack() { SACK_BIT } else { 0 };
        let bits = self.scale as u32 & SCALE_BITS | sack;
        let stamp = clock & !BITS | bits;
        if stamp & BITS > clock & BITS {
            return stamp.wrapping_sub(BITS + 1);
        }
        stamp
    }

    /// What a time stamp says, with the segment size that the cookie says.
    #[inline(always)]
    pub const fn of_stamp(stamp: u32, mss: u16) -> Self {
        let mut offer = Self::plain(mss);
        let scale = (stamp & SCALE_BITS) as u8;
        if scale != NO_SCALE {
            offer.set_scale(scale);
        }
        offer.flags = STAMPS;
        if stamp & SACK_BIT != 0 {
            offer.flags |= SACK;
        }
        offer
    }
}

/// A window as it is written in a header: of so many bytes, shifted. Never more than there is, but
/// for one step: a window that is open must not look shut.
#[inline(always)]
pub(super) const fn scaled(bytes: u32, scale: u8) -> u16 {
    let shift = if scale == NO_SCALE { 0 } else { scale };
    match bytes >> shift {
        0 if bytes > 0 => 1,
        window if window > 0xffff => 0xffff,
        window => window as u16,
    }
}

/// Bytes of a window that a header says.
#[inline(always)]
pub(super) const fn unscaled(window: u16, scale: u8) -> u32 {
    let shift = if scale == NO_SCALE { 0 } else { scale };
    (window as u32) << shift
}
