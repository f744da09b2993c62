//! What a peer hears, and whether it may be.

use super::*;

impl Peer {
    /// A segment arrives.
    pub(in crate::splice::tests) fn input(&mut self, segment: &Segment, now: u64) {
        assert_eq!(
            (segment.source, segment.destination),
            (self.remote, self.local),
            "{}",
            self.name
        );
        let most = u32::from(self.config.mss);
        let bytes = segment.data.len() + segment.options().len();
        assert!(bytes <= most as usize, "{}: {bytes}", self.name);
        match self.state {
            State::Asking => self.answered(segment, now),
            State::Asked | State::Open => self.established(segment, now),
            State::Reset => self.refuse(segment),
        }
    }

    fn refuse(&mut self, segment: &Segment) {
        if let Some(reset) = refusal(segment) {
            self.sent.push(reset);
        }
    }

    fn answered(&mut self, segment: &Segment, now: u64) {
        if segment.has(ACK) && segment.acknowledged != self.next {
            return self.refuse(segment);
        }
        if segment.has(RST) {
            if segment.has(ACK) {
                self.state = State::Reset;
                self.deadline = None;
            }
            return;
        }
        if !segment.has(SYN) || !segment.has(ACK) {
            return;
        }
        self.check_stamps(segment);
        // An option that was not offered is not answered.
        assert!(self.stamps || segment.stamps.is_none());
        assert!(self.scaled || segment.scale.is_none());
        self.greet(segment);
        self.state = State::Open;
        self.una = self.next;
        self.window = u32::from(segment.window);
        self.deadline = None;
        self.wait = RTO;
        self.acknowledge(now);
        self.output(now);
    }

    fn established(&mut self, segment: &Segment, now: u64) {
        self.last = now;
        if segment.has(RST) {
            if segment.sequence == self.awaited {
                self.state = State::Reset;
                self.deadline = None;
            }
            return;
        }
        if segment.has(SYN) {
            let copy = self.state == State::Asked && segment.sequence == self.theirs;
            match copy {
                true => {
                    self.next = self.initial;
                    self.open_again(now);
                }
                // RFC 5961, 4.
                false => self.acknowledge(now),
            }
            return;
        }
        if self.config.forgives && !self.may_be(segment) {
            return;
        }
        if self.config.strict && self.stamps && segment.stamps.is_none() {
            return;
        }
        if self.stamps {
            if let Some((value, _)) = segment.stamps {
                if newer(self.recent, value) {
                    // RFC 7323, 5.3.
                    return self.acknowledge(now);
                }
                if !newer(segment.sequence, self.awaited) {
                    self.recent = value;
                }
            }
            self.check_stamps(segment);
        }
        if segment.has(ACK) {
            self.acknowledged(segment, now);
        }
        self.take(segment, now);
        self.output(now);
    }

    fn open_again(&mut self, now: u64) {
        self.deadline = None;
        self.output(now);
    }

    /// Not of another connection, whose packets may still be under way.
    pub(in crate::splice::tests) fn may_be(&self, segment: &Segment) -> bool {
        let echoes = match (segment.stamps, self.stamped) {
            (Some((_, echo)), Some((first, last))) => !newer(first, echo) && !newer(echo, last),
            _ => true,
        };
        let number = segment.acknowledged;
        let acknowledges = !newer(number, self.most) && !newer(self.initial, number);
        echoes && acknowledges && !newer(segment.end(), self.edge.wrapping_add(1 << 15))
    }

    /// What it echoes was said.
    fn check_stamps(&self, segment: &Segment) {
        let (Some((_, echo)), Some((first, last))) = (segment.stamps, self.stamped) else {
            return;
        };
        assert!(
            !newer(first, echo) && !newer(echo, last),
            "{}: echo {echo}, said {first} to {last}: {segment:?}",
            self.name
        );
    }

    fn acknowledged(&mut self, segment: &Segment, now: u64) {
        let number = segment.acknowledged;
        assert!(
            !newer(number, self.most) && !newer(self.initial, number),
            "{}: acknowledged {number}, said {} to {}: {segment:?}",
            self.name,
            self.initial,
            self.most
        );
        if self.state == State::Asked && newer(number, self.initial) {
            self.state = State::Open;
        }
        let window = u32::from(segment.window) << self.shift;
        let news = number == self.una && window == self.window && segment.data.is_empty();
        if !newer(self.una, number) {
            self.window = window;
        }
        for (from, to) in &segment.sacks {
            assert!(
                newer(*to, *from) && !newer(*to, self.most) && !newer(self.initial, *from),
                "{}: {segment:?}, said {}",
                self.name,
                self.most
            );
            self.selective += 1;
            self.sacked.push((*from, *to));
        }
        if newer(number, self.una) {
            self.una = number;
            if newer(self.una, self.next) {
                self.next = self.una;
            }
            self.sacked.retain(|(_, to)| newer(*to, number));
            self.duplicates = 0;
            self.allowed += 1;
            self.wait = RTO;
            self.deadline = None;
        } else if news && self.una != self.most {
            self.duplicates += 1;
            if self.duplicates == 3 {
                self.repair(now);
            }
        }
    }

    fn take(&mut self, segment: &Segment, now: u64) {
        let end = segment
            .sequence
            .wrapping_add(u32::try_from(segment.data.len()).unwrap());
        if !segment.data.is_empty() {
            // A probe, and what the gateway adds to a window that it cannot say exactly.
            let mut most = self.edge.wrapping_add(self.config.step.max(1));
            let first = self.theirs.wrapping_add(1 + self.config.first);
            if newer(first, most) {
                most = first;
            }
            assert!(
                !newer(end, most),
                "{}: {end} beyond {most}: {segment:?}",
                self.name
            );
        }
        let fin = segment.has(FIN);
        if segment.data.is_empty() && !fin {
            // A keep-alive is answered.
            if newer(self.awaited, segment.sequence) {
                self.acknowledge(now);
            }
            return;
        }
        if fin {
            assert!(
                self.their_end.is_none_or(|known| known == end),
                "{}",
                self.name
            );
            self.their_end = Some(end);
        }
        self.keep(segment.sequence, segment.data.clone());
        if self.their_end == Some(self.awaited) {
            self.awaited = self.awaited.wrapping_add(1);
        }
        self.acknowledge(now);
    }

    /// Takes bytes in, in any order.
    fn keep(&mut self, from: u32, mut data: Vec<u8>) {
        let room = self.edge.wrapping_sub(from);
        if (room as i32) <= 0 {
            return;
        }
        data.truncate(room as usize);
        if data.is_empty() {
            return;
        }
        let end = from.wrapping_add(u32::try_from(data.len()).unwrap());
        if newer(end, self.awaited) {
            let longer = self
                .apart
                .get(&from)
                .is_some_and(|known| known.len() > data.len());
            if !longer {
                self.apart.insert(from, data);
            }
        }
        loop {
            let awaited = self.awaited;
            let mut parts = self.apart.iter();
            let Some(from) = parts
                .find(|(from, _)| !newer(**from, awaited))
                .map(|(from, _)| *from)
            else {
                return;
            };
            let data = self.apart.remove(&from).unwrap_or_default();
            let known = awaited.wrapping_sub(from) as usize;
            if let Some(new) = data.get(known..) {
                self.heard.extend(new);
                let bytes = u32::try_from(new.len()).unwrap();
                self.awaited = awaited.wrapping_add(bytes);
                if self.pause.is_some() {
                    self.unread += bytes;
                }
            }
        }
    }
}

/// The answer of who knows of no such connection.
pub(in crate::splice::tests) fn refusal(segment: &Segment) -> Option<Segment> {
    if segment.has(RST) {
        return None;
    }
    let mut reset = Segment::new(segment.destination, segment.source, RST);
    match segment.has(ACK) {
        true => reset.sequence = segment.acknowledged,
        false => {
            reset.flags |= ACK;
            reset.acknowledged = segment.end();
        }
    }
    Some(reset)
}
