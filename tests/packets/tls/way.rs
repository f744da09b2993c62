//! Where connections go, what their ends offer, and the hello that leads there.

use gateway_common::splice::Outcome;
use gateway_tests::peer::hello::{Opening, RECORD_MAX};

use super::{
    fixture::{FAR, NEAR, TLS},
    segment::{
        Item::{self, *},
        Number,
    },
};
use crate::{
    fixture::{CLIENT, NODE},
    frames::End,
    path::Hook::{self, *},
};

/// Where a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Near,
    Far,
    Proxy,
}

/// What an end offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offers {
    /// Time stamps, a window scale, and selective acknowledgments.
    Stamps,
    /// The same without time stamps.
    Scale,
    /// A segment size.
    Plain,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Near, Self::Far, Self::Proxy];

    /// The end that is asked first, and the next one.
    pub(crate) const fn ends(self) -> [End; 2] {
        match self {
            Self::Near => NEAR,
            Self::Far => FAR,
            Self::Proxy => [TLS; 2],
        }
    }

    /// Whom the backend sees.
    pub(crate) const fn seen(self) -> End {
        match self {
            Self::Near | Self::Proxy => CLIENT,
            Self::Far => NODE,
        }
    }

    /// Where its packets arrive.
    pub(crate) const fn hook(self) -> Hook {
        match self {
            Self::Near | Self::Proxy => Egress,
            Self::Far => Answer,
        }
    }

    pub(crate) const fn asked(self) -> Outcome {
        match self {
            Self::Near | Self::Far => Outcome::Asked,
            Self::Proxy => Outcome::AskedProxy,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Near => "near.example",
            Self::Far => "far.example",
            Self::Proxy => "proxy.example",
        }
    }

    /// A hello of so many bytes, in one record.
    pub(crate) fn hello(self, bytes: usize) -> Vec<u8> {
        hello(self.name(), bytes)
    }
}

/// A hello of exactly so many bytes; an empty name: none.
pub(crate) fn hello(name: &str, bytes: usize) -> Vec<u8> {
    let opening = Opening {
        server_name: Some(name.to_owned()),
        hello_bytes: bytes,
        record_bytes: RECORD_MAX,
        post_quantum: false,
    };
    let wire = opening.wire(1).expect("lengths that fit");
    assert_eq!(wire.len(), bytes);
    wire
}

/// Two NOPs and time stamps.
pub(crate) fn stamps(value: impl Into<Number>, echo: impl Into<Number>) -> Vec<Item> {
    vec![Nop, Nop, Stamps(value.into(), echo.into())]
}

/// Options of a SYN or its answer as the gateway makes them.
pub(crate) fn made_options(
    offers: Offers,
    mss: u16,
    scale: u8,
    (value, echo): (Number, Number),
) -> Vec<Item> {
    match offers {
        Offers::Stamps => vec![
            Mss(mss),
            SackPermitted,
            Stamps(value, echo),
            Nop,
            Scale(scale),
        ],
        Offers::Scale => vec![Mss(mss), Nop, Nop, SackPermitted, Nop, Scale(scale)],
        Offers::Plain => [vec![Mss(mss)], vec![Nop; 8]].concat(),
    }
}
