//! What a client offers in its SYN, and how that outlives the SYN in a time stamp.

/// No window scale was offered.
pub const NO_SCALE: u8 = 15;
/// Most that windows may be shifted (RFC 7323, 2.3).
const SCALE_MAX: u8 = 14;
/// Bits of `Offer::flags`.
pub const SACK: u8 = 1;
pub const STAMPS: u8 = 2;

/// Layout of the low bits of a time stamp: the first six are the Linux kernel's own
/// (`net/ipv4/syncookies.c`), so that its listeners understand them.
const SCALE_BITS: u32 = 0xf;
const SACK_BIT: u32 = 1 << 4;
const CLASS_SHIFT: u32 = 6;
const CLASSES: [u16; 8] = [536, 1220, 1300, 1360, 1400, 1440, 1460, 8940];
const BITS: u32 = 0x1ff;

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
    pub const fn has_sack(&self) -> bool {
        self.flags & SACK != 0
    }

    #[inline(always)]
    pub const fn has_scale(&self) -> bool {
        self.scale != NO_SCALE
    }

    /// More than a cookie can carry where there are no time stamps.
    #[inline(always)]
    pub(super) const fn needs_keeping(&self) -> bool {
        !self.has_stamps() && (self.has_scale() || self.has_sack())
    }

    /// A time stamp that says this, never later than `clock`.
    #[inline(always)]
    pub const fn stamp(&self, clock: u32) -> u32 {
        let mut class = 0;
        let mut each = 1;
        while each < CLASSES.len() {
            if CLASSES[each] <= self.mss {
                class = each as u32;
            }
            each += 1;
        }
        let sack = if self.has_sack() { SACK_BIT } else { 0 };
        let bits = self.scale as u32 & SCALE_BITS | sack | class << CLASS_SHIFT;
        let stamp = clock & !BITS | bits;
        if stamp & BITS > clock & BITS {
            return stamp.wrapping_sub(BITS + 1);
        }
        stamp
    }

    /// What a time stamp says.
    #[inline(always)]
    pub const fn of_stamp(stamp: u32) -> Self {
        let mut offer = Self::plain(CLASSES[(stamp >> CLASS_SHIFT & 7) as usize]);
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
