//! Rows of the table, and how a row is judged: on the host and in the kernel, in both families, with
//! VLAN tags and without.

use gateway_common::{
    abi::{FORWARD, FlowKey, REVERSE},
    splice::{Outcome, Splice, Verdict},
};

use super::{
    fixture::{MOST, NOBODY, Passthrough, TLS, key, passthrough},
    host::OnHost,
    judge::{Entry, Judge, Kept, Ran, Table},
    kernel::InKernel,
    segment::{Read, Segment, Told, hop, hops, turn, unnamed},
};
use crate::{
    control::{Body, Control},
    fixture::CLIENT,
    frames::{End, Family, packet},
    path::{Action, Hook},
    tagged::{CUSTOMER, SERVICE, tag},
};

/// A segment, an error about one, or anything.
#[derive(Clone)]
pub(crate) enum Frame {
    Segment(Segment),
    Error(Control, Quoted),
    Bytes(Vec<u8>),
}

/// What an error quotes of a segment: ends, number, and bytes behind that nobody reads.
#[derive(Clone, Copy)]
pub(crate) struct Quoted {
    pub(crate) source: End,
    pub(crate) destination: End,
    pub(crate) sequence: super::segment::Number,
}

/// A frame, what becomes of it, and what leaves.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) hook: Hook,
    pub(crate) frame: Frame,
    /// `None`: it is not of TLS passthrough.
    pub(crate) outcome: Option<Outcome>,
    /// `None`: the frame is as it was.
    pub(crate) out: Option<Frame>,
}

/// A frame that leaves as another one.
pub(crate) fn becomes(
    name: &'static str,
    hook: Hook,
    frame: impl Into<Frame>,
    outcome: Outcome,
    out: impl Into<Frame>,
) -> Row {
    Row {
        name,
        hook,
        frame: frame.into(),
        outcome: Some(outcome),
        out: Some(out.into()),
    }
}

/// A frame that passes, or is dropped: it is not touched.
pub(crate) fn stays(
    name: &'static str,
    hook: Hook,
    frame: impl Into<Frame>,
    outcome: impl Into<Option<Outcome>>,
) -> Row {
    Row {
        name,
        hook,
        frame: frame.into(),
        outcome: outcome.into(),
        out: None,
    }
}

impl From<Segment> for Frame {
    fn from(segment: Segment) -> Self {
        Self::Segment(segment)
    }
}

impl From<&Segment> for Frame {
    fn from(segment: &Segment) -> Self {
        Self::Segment(segment.clone())
    }
}

impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl Frame {
    pub(crate) fn bytes(&self, family: Family, told: Told) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Segment(segment) => segment.frame(family, told),
            Self::Error(control, quoted) => {
                let body = Body::Bytes(quoted.bytes(family, told));
                Control {
                    body,
                    ..control.clone()
                }
                .frame(family)
            }
        }
    }
}

impl Quoted {
    fn bytes(&self, family: Family, told: Told) -> Vec<u8> {
        let ends = [family.of(self.source), family.of(self.destination)];
        let mut tcp = ends.map(|end| end.1.to_be_bytes()).concat();
        tcp.extend(self.sequence.resolve(told).to_be_bytes());
        tcp.extend([9; 11]);
        packet(ends.map(|end| end.0), 6, 61, &tcp)
    }
}

/// Whether the frame that leaves is a new one of the gateway's.
const fn is_made(outcome: Outcome) -> bool {
    use Outcome::*;
    match outcome.verdict() {
        Verdict::Answer => true,
        Verdict::Pass | Verdict::Drop => false,
        Verdict::ToBackend | Verdict::ToClient => !matches!(
            outcome,
            ToBackend | ToClient | ErrorToBackend | ErrorToClient
        ),
    }
}

/// One judge, in one family, on a link with tags or without.
pub(crate) struct World {
    judge: Box<dyn Judge>,
    all: Passthrough,
    pub(crate) family: Family,
    tags: Vec<u8>,
    pub(crate) told: Told,
}

/// Does `act` in each world, which knows of no connection.
pub(crate) fn in_all_worlds(act: impl Fn(&mut World)) {
    for family in [Family::V4, Family::V6] {
        for tags in [vec![], [SERVICE, CUSTOMER].concat()] {
            for in_kernel in [false, true] {
                let all = passthrough();
                let judge: Box<dyn Judge> = match in_kernel {
                    false => Box::new(OnHost::new(&all)),
                    true => Box::new(InKernel::new(&all)),
                };
                act(&mut World {
                    judge,
                    all,
                    family,
                    tags: tags.clone(),
                    told: Told::default(),
                });
            }
        }
    }
}

impl World {
    /// Forgets all connections.
    pub(crate) fn reset(&mut self) {
        self.judge.reset(&self.all);
        self.told = Told::default();
    }

    pub(crate) fn run(&mut self, rows: &[Row]) {
        for row in rows {
            self.check(row);
        }
    }

    /// Runs a row and compares everything.
    pub(crate) fn check(&mut self, row: &Row) {
        let tags = match row.hook {
            Hook::Ingress => self.tags.clone(),
            // What leaves the node has none yet, and the stack has taken off what arrives with one.
            Hook::Answer | Hook::Egress => Vec::new(),
        };
        let place = format!(
            "{} on the {}, {:?}, tags {tags:02x?}",
            row.name,
            self.judge.name(),
            self.family
        );
        let original = row.frame.bytes(self.family, self.told);
        let mut frame = original.clone();
        let ran = run(self.judge.as_mut(), row.hook, &mut frame, &tags);
        assert_eq!(ran.outcome, row.outcome, "{place}");
        if row.outcome == Some(Outcome::Accepted) {
            self.told = Read::of(&frame).told();
        }
        let out = row.out.as_ref();
        let mut expected = out.map_or(original, |out| out.bytes(self.family, self.told));
        if let Some(outcome) = row.outcome {
            make(&mut expected, outcome);
            if let Some(returned) = ran.action {
                let wanted = leave(&mut expected, row.hook, outcome);
                assert_eq!(returned, wanted, "{place}: verdict");
            }
        }
        assert_eq!(frame, expected, "{place}: bytes");
    }

    /// Lets time pass for what is kept.
    pub(crate) fn wait(&mut self, milliseconds: u32) {
        self.judge.age(milliseconds);
    }

    /// Drains what is established.
    pub(crate) fn drain(&mut self) {
        self.judge.drain();
    }

    pub(crate) fn put(&mut self, entry: &Entry) {
        self.judge.put(entry);
    }

    pub(crate) fn remove(&mut self, table: Table, key: &FlowKey) {
        self.judge.remove(table, key);
    }

    pub(crate) fn kept(&self) -> Kept {
        self.judge.kept().timeless()
    }

    /// Of the client's packets to the listener.
    pub(crate) fn key(&self) -> FlowKey {
        key(self.family, CLIENT, TLS, FORWARD)
    }

    /// Of an end's packets to another, as those of a backend.
    pub(crate) fn back_key(&self, source: End, destination: End) -> FlowKey {
        key(self.family, source, destination, REVERSE)
    }

    /// The client's connection, which must be known.
    pub(crate) fn splice(&self) -> Splice {
        let (splices, key) = (self.kept().splices, self.key());
        let found = splices.into_iter().find(|(known, _)| *known == key);
        found.expect("the client's connection").1
    }

    /// Leaves no room in a table.
    pub(crate) fn fill(&mut self, table: Table) {
        for number in 0..MOST as u16 {
            let other = key(self.family, (CLIENT.0, number), NOBODY, FORWARD);
            self.put(&match table {
                Table::Splices => Entry::Splice(other, Splice::default()),
                Table::Ties => Entry::Tie(other, other),
                Table::Hellos => Entry::Hello(other),
                Table::HalfOpen => Entry::HalfOpen(other, Default::default()),
            });
        }
    }
}

/// Runs a frame with tags in front of what it holds; they must be there afterwards, and are taken off.
pub(crate) fn run(judge: &mut dyn Judge, hook: Hook, frame: &mut Vec<u8>, tags: &[u8]) -> Ran {
    tag(frame, tags);
    let ran = judge.run(hook, frame);
    let taken: Vec<u8> = frame.drain(12..12 + tags.len()).collect();
    assert_eq!(taken, tags, "the tags, {ran:?}");
    ran
}

/// What is true of a frame that the gateway has made, beside what is in it.
fn make(frame: &mut [u8], outcome: Outcome) {
    if is_made(outcome) {
        unnamed(frame);
    }
    if outcome.verdict() == Verdict::Answer {
        turn(frame);
    }
}

/// What a program does to a frame that it sends on by itself, and what it returns.
pub(crate) fn leave(frame: &mut [u8], hook: Hook, outcome: Outcome) -> Action {
    match (hook, outcome.verdict()) {
        (_, Verdict::Pass)
        | (Hook::Ingress, Verdict::ToBackend)
        | (Hook::Egress, Verdict::ToClient) => Action::Pass,
        (_, Verdict::Drop) | (Hook::Ingress, Verdict::ToClient) => Action::Drop,
        (_, Verdict::Answer) => Action::Back,
        (Hook::Egress, Verdict::ToBackend) => {
            turn(frame);
            Action::Back
        }
        (Hook::Answer, Verdict::ToBackend | Verdict::ToClient) if hops(frame) > 1 => {
            hop(frame);
            Action::Back
        }
        (Hook::Answer, Verdict::ToBackend | Verdict::ToClient) => Action::Drop,
    }
}
