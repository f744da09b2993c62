//! One TCP connection: what it says first is cut as asked for, the rest is as RFC 9293 has it.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

use crate::peer::segment::{ACK, FIN, PSH, RST, SYN, Segment};

/// First wait for an acknowledgement. Short, so that a test is; it doubles.
const RESENDS: Duration = Duration::from_millis(40);
const PATIENCE: Duration = Duration::from_secs(10);
const WINDOW: u16 = 64_000;
/// Maximum segment size where the other side names none.
const MSS: usize = 536;
/// MSS 1460, SACK permitted, window scale 0.
const OFFERED: [u8; 12] = [2, 4, 0x05, 0xb4, 4, 2, 1, 1, 3, 3, 0, 1];
const MSS_OPTION: u8 = 2;
const TIMESTAMPS: u8 = 8;

pub(super) struct Connection {
    /// Ends, and the number of the first byte less one.
    template: Segment,
    /// Bytes to say.
    said: Vec<u8>,
    pieces: Vec<Range<usize>>,
    /// Bytes of `said` that are on their way, once or more.
    sent: usize,
    /// Bytes of `said` that the other side has.
    had: usize,
    open: bool,
    mss: usize,
    /// The other side's next byte.
    expected: u32,
    /// Its latest timestamp; `None`: it takes none.
    echo: Option<[u8; 4]>,
    pub(super) heard: Vec<u8>,
    started: Instant,
    resend_at: Instant,
    resends_after: Duration,
    recovering: bool,
    pub(super) repeated: u64,
}

impl Connection {
    /// `template`: source, destination and initial sequence number. Also gives its SYN.
    pub(super) fn new(
        template: Segment,
        said: Vec<u8>,
        pieces: Vec<Range<usize>>,
    ) -> (Self, Segment) {
        let now = Instant::now();
        let connection = Self {
            template,
            said,
            pieces,
            sent: 0,
            had: 0,
            open: false,
            mss: MSS,
            expected: 0,
            echo: Some([0; 4]),
            heard: Vec::new(),
            started: now,
            resend_at: now + RESENDS,
            resends_after: RESENDS,
            recovering: false,
            repeated: 0,
        };
        let syn = connection.syn();
        (connection, syn)
    }

    /// What is to be sent because of a segment of the other side.
    ///
    /// # Errors
    /// The connection has failed.
    pub(super) fn receive(&mut self, segment: &Segment) -> Result<Vec<Segment>> {
        let heard = self.heard.len();
        let first = self.template.sequence.wrapping_add(1);
        let answers = segment.flags & ACK != 0 && segment.acknowledged == first;
        if segment.flags & RST != 0 && !self.open && !answers {
            // Not about our SYN (RFC 9293, 3.10.7.3), but left of a connection from the same port.
            return Ok(Vec::new());
        }
        ensure!(segment.flags & RST == 0, "reset after {heard} bytes");
        let had = segment.acknowledged.wrapping_sub(first) as usize;
        if segment.flags & SYN != 0 {
            return self.answered(segment, had);
        }
        if !self.open {
            bail!("data before the handshake");
        }
        // An acknowledgement of less than before is an old packet.
        let (sent, is_old) = (self.sent, had > u32::MAX as usize / 2);
        ensure!(had <= sent || is_old, "{had} bytes acknowledged of {sent}");
        if let Some([a, b, c, d, ..]) = segment.option(TIMESTAMPS) {
            self.echo = Some([*a, *b, *c, *d]);
        }
        let mut out = Vec::new();
        if (self.had + 1..=sent).contains(&had) {
            self.had = had;
            self.rest();
            if self.recovering && had < sent {
                out.push(self.next_piece());
            }
        }
        let data = segment.payload.len();
        if segment.sequence == self.expected {
            self.heard.extend(&segment.payload);
            self.expected = self.expected.wrapping_add(u32::try_from(data)?);
        }
        ensure!(
            segment.flags & FIN == 0,
            "ended after {} bytes",
            self.heard.len()
        );
        if data > 0 {
            out.push(self.acknowledgement());
        }
        Ok(out)
    }

    fn answered(&mut self, segment: &Segment, had: usize) -> Result<Vec<Segment>> {
        ensure!(
            segment.flags & ACK != 0 && had == 0,
            "no answer to our SYN: {segment:?}"
        );
        if self.open {
            return Ok(vec![self.acknowledgement()]);
        }
        self.open = true;
        self.expected = segment.sequence.wrapping_add(1);
        self.echo = segment
            .option(TIMESTAMPS)
            .and_then(|o| o.get(..4)?.try_into().ok());
        if let Some([high, low]) = segment.option(MSS_OPTION) {
            self.mss = usize::from(u16::from_be_bytes([*high, *low]));
        }
        // Timestamps take their room in each segment.
        self.mss -= 12;
        let mut out = vec![self.acknowledgement()];
        for piece in self.pieces.clone() {
            let starts = piece.clone().step_by(self.mss);
            out.extend(starts.map(|start| self.data(start..(start + self.mss).min(piece.end))));
        }
        self.sent = self.said.len();
        self.rest();
        Ok(out)
    }

    /// What is to be sent because nothing came.
    ///
    /// # Errors
    /// The connection took too long.
    pub(super) fn tick(&mut self, now: Instant) -> Result<Option<Segment>> {
        let (had, heard) = (self.had, self.heard.len());
        let late = now > self.started + PATIENCE;
        ensure!(!late, "stuck after {had} bytes sent and {heard} received");
        if now < self.resend_at || self.had == self.said.len() {
            return Ok(None);
        }
        self.resends_after *= 2;
        self.resend_at = now + self.resends_after;
        self.repeated += 1;
        Ok(Some(match self.open {
            true => {
                self.recovering = true;
                self.next_piece()
            }
            false => self.syn(),
        }))
    }

    /// Leaves nothing behind on either side.
    pub(super) fn reset(&self) -> Segment {
        self.bare(RST | ACK)
    }

    fn rest(&mut self) {
        self.resends_after = RESENDS;
        self.resend_at = Instant::now() + RESENDS;
    }

    fn syn(&self) -> Segment {
        Segment {
            flags: SYN,
            acknowledged: 0,
            options: [&OFFERED[..], &self.timestamps()].concat(),
            ..self.template.clone()
        }
    }

    fn next_piece(&self) -> Segment {
        self.data(self.had..(self.had + self.mss).min(self.said.len()))
    }

    fn data(&self, piece: Range<usize>) -> Segment {
        let first = self.template.sequence.wrapping_add(1);
        Segment {
            sequence: first.wrapping_add(u32::try_from(piece.start).unwrap_or(0)),
            payload: self.said[piece].to_vec(),
            ..self.bare(ACK | PSH)
        }
    }

    fn acknowledgement(&self) -> Segment {
        self.bare(ACK)
    }

    /// At the end of what has been sent.
    fn bare(&self, flags: u8) -> Segment {
        let next = 1 + u32::try_from(self.sent).unwrap_or(0);
        Segment {
            sequence: self.template.sequence.wrapping_add(next),
            acknowledged: self.expected,
            flags,
            window: WINDOW,
            options: self.timestamps(),
            ..self.template.clone()
        }
    }

    fn timestamps(&self) -> Vec<u8> {
        let Some(echo) = self.echo else {
            return Vec::new();
        };
        let now = u32::try_from(self.started.elapsed().as_millis()).unwrap_or(0);
        // Far from 0, which means none.
        let mut options = vec![1, 1, TIMESTAMPS, 10];
        options.extend((1_000_000 + now).to_be_bytes());
        options.extend(echo);
        options
    }
}
