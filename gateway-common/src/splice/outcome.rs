//! What becomes of a packet of TLS passthrough: one list for the state machine, its counters and
//! metrics.

/// What is to be done with the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Leaves to the node's stack.
    Pass,
    /// Leaves by the link that it came by, link addresses already swapped.
    Answer,
    /// Leaves to the backend that it is addressed to.
    ToBackend,
    /// Leaves to the client that it is addressed to.
    ToClient,
    Drop,
}

macro_rules! outcomes {
    ($($verdict:ident { $(#[doc = $help:literal] $name:ident: $variant:ident,)+ })+) => {
        /// What a packet was, or became.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Outcome { $($(#[doc = $help] $variant,)+)+ }

        impl Outcome {
            /// In the order of their numbers.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            #[inline(always)]
            pub const fn verdict(self) -> Verdict {
                match self {$($(Self::$variant => Verdict::$verdict,)+)+}
            }

            /// As it is called in metrics, for instance `given_up`, and a sentence for people.
            pub const fn describe(self) -> (&'static str, &'static str) {
                match self {$($(Self::$variant => (stringify!($name), $help.trim_ascii()),)+)+}
            }
        }
    };
}

outcomes! {
    Pass {
        /// Not of a passthrough listener.
        not_ours: NotOurs,
        /// Lengths that do not fit.
        malformed: Malformed,
        /// A SYN while nothing can be spliced: the node's stack answers it.
        no_cookie: NoCookie,
        /// Of no connection any more: the node's stack resets it.
        stray: Stray,
        /// Of a connection that the node's own stack has by itself.
        local: Local,
    }
    Answer {
        /// A SYN was answered.
        accepted: Accepted,
        /// A keep-alive before the hello was answered, or bytes of the hello acknowledged.
        acknowledged: Acknowledged,
        /// A connection that ended before it began was reset.
        unused: Unused,
        /// No more connections can be spliced: the client was reset.
        full: Full,
        /// No backend for it: the client was reset.
        refused: Refused,
        /// Its backend left, and it did not end in time: the client was reset.
        drained: Drained,
        /// Nobody has its server name, or it begins with no hello: the client was reset.
        unmatched: Unmatched,
        /// A packet of no known connection was answered with a reset to the backend.
        orphan: Orphan,
    }
    ToBackend {
        /// The client gave up: so does the backend.
        given_up_to_backend: GivenUpToBackend,
        /// A backend was sent a SYN.
        asked: Asked,
        /// The node's own stack, where the proxy listens, was sent a SYN.
        asked_proxy: AskedProxy,
        /// A backend got a piece of the hello.
        replayed: Replayed,
        /// A SYN on a connection that seems to live: the backend was asked whether it does.
        doubted: Doubted,
        /// Of an established connection, sent on to the backend.
        to_backend: ToBackend,
        /// An ICMP error about what the backend said, sent on to it.
        error_to_backend: ErrorToBackend,
    }
    ToClient {
        /// The last backend refused: the client is reset.
        failed: Failed,
        /// Of an established connection, sent on to the client.
        to_client: ToClient,
        /// An ICMP error about what the client said, sent on to it.
        error_to_client: ErrorToClient,
    }
    Drop {
        /// A client has proved that it is there.
        proved: Proved,
        /// Of no known connection, but maybe of one whose first data is late.
        unproved: Unproved,
        /// Bytes of a hello were kept.
        collected: Collected,
        /// A copy of what has been dealt with.
        repeated: Repeated,
        /// The client gave up before a backend was asked.
        given_up: GivenUp,
        /// A backend said what advances nothing.
        idle: Idle,
        /// An ICMP error about a connection whose ends do not talk with each other yet.
        early_error: EarlyError,
        /// A reset of no known connection.
        orphan_reset: OrphanReset,
        /// The frame could not be made what it has to be.
        no_room: NoRoom,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions() {
        for (index, &outcome) in Outcome::ALL.iter().enumerate() {
            assert_eq!(outcome as usize, index);
            let (name, help) = outcome.describe();
            assert!(
                help.ends_with('.') && !help.starts_with(' '),
                "{name}: {help}"
            );
        }
    }
}
