//! What user space hears of single packets.

use gateway_common::abi::{Counter, Event, FlowKey, LinkAddress, Mac};

use crate::maps::{EVENT_GATE, EVENTS};

/// Whether an event may be told: a tenth of a second has passed since the last of this slot.
#[inline(always)]
pub(crate) fn gate(slot: u32, now: u32, hz: u32) -> bool {
    let Some(last) = EVENT_GATE.get_ptr_mut(slot) else {
        return false;
    };
    // SAFETY: this CPU's value.
    unsafe {
        let due = now.wrapping_sub(*last) >= hz / 10;
        if due {
            *last = now;
        }
        due
    }
}

/// A full buffer loses the event; the counters have the packet.
#[inline(always)]
pub(crate) fn tell(key: FlowKey, reason: Counter, bytes: u64, station: Mac) {
    let event = Event {
        key,
        reason: reason as u32,
        bytes: bytes as u32,
        station: LinkAddress::from_words(station),
    };
    let _ = EVENTS.output_untyped::<Event>(event, 0);
}
