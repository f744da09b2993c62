//! What a peer sends.

use super::*;

impl Peer {
    /// A segment without data at its next number.
    pub(super) fn segment(&mut self, flags: u8, now: u64) -> Segment {
        let mut segment = Segment::new(self.local, self.remote, flags);
        segment.sequence = self.next;
        segment.shift = self.config.shift;
        if flags & ACK != 0 {
            segment.acknowledged = self.awaited;
            segment.window = self.tell_window(flags);
        } else {
            segment.window = u16::try_from(self.config.buffer.min(0xffff)).unwrap();
            self.edge = 0;
        }
        if self.stamps {
            let value = self.clock.wrapping_add(now as u32);
            let (first, _) = *self.stamped.get_or_insert((value, value));
            self.stamped = Some((first, value));
            let echo = if flags & ACK != 0 { self.recent } else { 0 };
            segment.stamps = Some((value, echo));
        }
        if self.sack && flags & SYN == 0 {
            segment.sacks = self.ranges();
        }
        self.last = now;
        segment
    }

    /// The window as its header says it; it never takes back what it has said.
    fn tell_window(&mut self, flags: u8) -> u16 {
        let shift = match self.scaled && flags & SYN == 0 {
            true => self.config.scale.unwrap_or(0),
            false => 0,
        };
        let old = self.told();
        let free = self.config.buffer.saturating_sub(self.unread);
        // No silly windows (RFC 9293, 3.8.6.2.2).
        let useful = u32::from(self.config.mss).min(self.config.buffer / 2);
        let window = if free >= old + useful { free } else { old };
        let field = window.div_ceil(1 << shift).min(0xffff);
        let window = field << shift;
        if newer(self.awaited.wrapping_add(window), self.edge) {
            self.edge = self.awaited.wrapping_add(window);
        }
        u16::try_from(field).unwrap()
    }

    /// Bytes of the window that it has told and that are not used up.
    pub(super) fn told(&self) -> u32 {
        // A FIN needs no room.
        match newer(self.edge, self.awaited) {
            true => self.edge.wrapping_sub(self.awaited),
            false => 0,
        }
    }

    /// What it has beyond the first gap.
    fn ranges(&self) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut parts: Vec<_> = self.apart.iter().collect();
        parts.sort_by_key(|(from, _)| from.wrapping_sub(self.awaited));
        for (from, data) in parts {
            let end = from.wrapping_add(u32::try_from(data.len()).unwrap());
            match ranges.last_mut() {
                Some(last) if !newer(*from, last.1) => {
                    if newer(end, last.1) {
                        last.1 = end;
                    }
                }
                _ => ranges.push((*from, end)),
            }
        }
        ranges
    }

    pub(super) fn acknowledge(&mut self, now: u64) {
        let segment = self.segment(ACK, now);
        self.sent.push(segment);
    }

    /// Sends what it may.
    pub(super) fn output(&mut self, now: u64) {
        match self.state {
            State::Asking | State::Asked => self.open(now),
            State::Open => while self.one(now) {},
            State::Reset => {}
        }
        if self.una != self.next && self.deadline.is_none() && self.state != State::Reset {
            self.deadline = Some(now + self.wait);
        }
        if self.deadline.is_none() && self.is_open() && self.una != self.end_number() {
            // The window is shut.
            self.deadline = Some(now + self.wait);
        }
    }

    fn open(&mut self, now: u64) {
        if self.next != self.initial {
            return;
        }
        let flags = match self.state {
            State::Asking => SYN,
            _ => SYN | ACK,
        };
        let mut segment = self.segment(flags, now);
        segment.mss = Some(self.config.mss);
        segment.sack = self.sack;
        segment.scale = if self.scaled { self.config.scale } else { None };
        self.next = self.next.wrapping_add(1);
        self.most = self.next;
        self.sent.push(segment);
    }

    /// Sends one segment, unless there is nothing, or the other end or the network takes no more.
    fn one(&mut self, now: u64) -> bool {
        self.skip();
        let last = self.end_number();
        let left = last.wrapping_sub(self.next);
        let flight = self.next.wrapping_sub(self.una);
        if left == 0 || flight >= self.allowed * u32::from(self.mss) {
            return false;
        }
        let room = self.window.saturating_sub(flight);
        let data = left - u32::from(self.ends);
        let bytes = data.min(room).min(self.full());
        if bytes == 0 && (data > 0 || room == 0) {
            return false;
        }
        self.transmit(bytes, bytes == data && self.ends, now);
        true
    }

    /// Bytes that fit into a segment here.
    fn full(&self) -> u32 {
        let mut probe = Segment::new(self.local, self.remote, ACK);
        probe.shift = self.config.shift;
        probe.stamps = self.stamps.then_some((0, 0));
        probe.sacks = if self.sack { self.ranges() } else { Vec::new() };
        let options = u32::try_from(probe.options().len()).unwrap();
        let offset = self.next.wrapping_sub(self.initial.wrapping_add(1));
        let cut = self.cuts.iter().filter(|cut| **cut > offset).min();
        let full = u32::from(self.mss) - options;
        cut.map_or(full, |cut| full.min(cut - offset))
    }

    fn transmit(&mut self, bytes: u32, ends: bool, now: u64) {
        let mut segment = self.segment(if ends { ACK | FIN } else { ACK }, now);
        let from = self.next.wrapping_sub(self.initial.wrapping_add(1)) as usize;
        segment.data = self.out[from..from + bytes as usize].to_vec();
        self.next = segment.end();
        if newer(self.next, self.most) {
            self.most = self.next;
        }
        self.sent.push(segment);
    }

    /// Passes over what the other end has already.
    fn skip(&mut self) {
        loop {
            let next = self.next;
            let inside = |(from, to): &&(u32, u32)| !newer(*from, next) && newer(*to, next);
            match self.sacked.iter().find(inside) {
                Some((_, to)) => self.next = *to,
                None => return,
            }
        }
    }

    /// One byte into a window that is shut.
    pub(super) fn probe(&mut self, now: u64) {
        if self.is_open() && self.window == 0 && self.una != self.end_number() {
            let data = self.end_number().wrapping_sub(self.next) - u32::from(self.ends);
            self.probes += 1;
            self.transmit(data.min(1), data == 0, now);
        }
    }

    /// The oldest segment again, at once.
    pub(super) fn repair(&mut self, now: u64) {
        let next = self.next;
        self.next = self.una;
        let last = self.end_number();
        let data = last.wrapping_sub(self.next) - u32::from(self.ends);
        let bytes = data.min(self.full()).min(self.window.max(1));
        self.transmit(bytes, bytes == data && self.ends, now);
        if newer(next, self.next) {
            self.next = next;
        }
    }
}
