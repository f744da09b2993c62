//! Everything that can become of a packet, as names in a map, as an enum and as metrics: one list.

/// Packets and their bytes, as frames.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

/// What a [`Counter`] says about the packets that it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Carried by the data path.
    Done,
    /// Made an answer, which goes back where the packet came from.
    Answer,
    /// Left to the node's network stack, untouched.
    Pass,
    /// Left to the program for TLS passthrough.
    Tls,
    /// Left to the node's network stack, which refuses it: no socket of the node may take it.
    Refuse,
    /// Somebody else claims an address that this node answers for. Left to the network stack.
    Conflict,
    /// Kept from the network stack, which would answer although another node does.
    Suppress,
    /// Thrown away.
    Drop,
}

/// A counter for people and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Field of [`Counters`], for instance `refuse_no_backend`.
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
}

macro_rules! counters {
    ($($kind:ident { $(#[doc = $help:literal] $field:ident: $variant:ident,)+ })+) => {
        /// What became of packets, per CPU.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters { $($(#[doc = $help] pub $field: Count,)+)+ }

        /// One field of [`Counters`]; its number is the field's position.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Counter { $($(#[doc = $help] $variant,)+)+ }

        impl Counter {
            /// In the order of their numbers.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            /// What to do with the packets that it counts.
            #[inline(always)]
            pub const fn kind(self) -> Kind {
                match self {$($(Self::$variant => Kind::$kind,)+)+}
            }

            /// Name, kind and help text.
            pub const fn describe(self) -> Description {
                match self {$($(Self::$variant => Description {
                    name: stringify!($field),
                    kind: Kind::$kind,
                    help: $help.trim_ascii(),
                },)+)+}
            }
        }

        impl Counters {
            pub const fn get(&self, counter: Counter) -> Count {
                match counter {$($(Counter::$variant => self.$field,)+)+}
            }

            pub const fn get_mut(&mut self, counter: Counter) -> &mut Count {
                match counter {$($(Counter::$variant => &mut self.$field,)+)+}
            }
        }
    };
}

counters! {
    Done {
        /// Requests sent on to a backend.
        forwarded: Forwarded,
        /// Replies of backends, given the gateway's address.
        replied: Replied,
        /// First packets of flows; counted as forwarded too.
        opened: Opened,
        /// Packets that showed that both ends take part in a flow; counted as forwarded or replied too.
        established: Established,
        /// ICMP errors about flows, sent on to the end that they concern.
        related: Related,
        /// Sent to the backend's node in an outer header (DSR); counted as forwarded or related too.
        encapsulated: Encapsulated,
        /// Came from another node in an outer header (DSR); counted as what became of them too.
        decapsulated: Decapsulated,
    }
    Answer {
        /// ARP requests for an address of this node, answered.
        answer_arp: AnswerArp,
        /// Neighbour solicitations for an address of this node, answered.
        answer_ndp: AnswerNdp,
        /// Pings of an address of this node, answered.
        answer_echo: AnswerEcho,
        /// Answers of TLS passthrough, made in XDP, on an uplink whose driver may lose what that sends.
        answer_tls: AnswerTls,
    }
    Pass {
        /// Neither IPv4 nor IPv6: ARP about other addresses, more than two VLAN tags and so on.
        pass_not_ip: PassNotIp,
        /// Neither TCP nor UDP, and no ICMP that the gateway handles.
        pass_protocol: PassProtocol,
        /// IPv4 header with options, or IPv6 with extension headers.
        pass_options: PassOptions,
        /// Fragment of a datagram.
        pass_fragment: PassFragment,
        /// Headers cut short or inconsistent.
        pass_malformed: PassMalformed,
        /// To an address and port that the gateway does not serve.
        pass_not_ours: PassNotOurs,
        /// For the proxy in user space.
        pass_proxy: PassProxy,
        /// Of a flow to a far backend: the program behind XDP sends it on.
        pass_far: PassFar,
        /// Sent by this node, but not a reply of a backend.
        pass_no_flow: PassNoFlow,
    }
    Tls {
        /// Of TLS passthrough, whose program takes them; `tls_outcomes` says what becomes of them.
        tls: Tls,
    }
    Refuse {
        /// The service has no backend.
        refuse_no_backend: RefuseNoBackend,
    }
    Conflict {
        /// ARP of another station that claims an address of this node.
        conflict_arp: ConflictArp,
        /// Neighbour discovery of another station that claims an address of this node.
        conflict_ndp: ConflictNdp,
    }
    Suppress {
        /// ARP about an address that another node answers for.
        suppress_arp: SuppressArp,
        /// Neighbour solicitations for an address that another node answers for.
        suppress_ndp: SuppressNdp,
    }
    Drop {
        /// The service has no backend, and the Gateway is to be silent about it.
        drop_unserved: DropUnserved,
        /// Client and backend already talk through another listener from the same client port.
        drop_reverse_taken: DropReverseTaken,
        /// The flow table took no new entry.
        drop_table_full: DropTableFull,
        /// No free port of the node for a connection to a far backend, or no address.
        drop_no_port: DropNoPort,
        /// Out of hops on the way to or from a far backend.
        drop_hops: DropHops,
        /// Sent here in an outer header (DSR) for a backend that is not on this node.
        drop_not_here: DropNotHere,
        /// The kernel refused to rewrite the packet.
        drop_rewrite: DropRewrite,
    }
}

impl Counter {
    /// The counter of `Event::reason`.
    pub fn from_index(index: u32) -> Option<Self> {
        Self::ALL.get(index as usize).copied()
    }
}

impl Counters {
    /// Counts one packet of so many bytes.
    pub const fn add(&mut self, counter: Counter, bytes: u64) {
        let count = self.get_mut(counter);
        count.packets += 1;
        count.bytes += bytes;
    }

    /// Adds what another CPU counted.
    pub fn merge(&mut self, other: &Self) {
        for &counter in Counter::ALL {
            let theirs = other.get(counter);
            let count = self.get_mut(counter);
            count.packets += theirs.packets;
            count.bytes += theirs.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions_and_names_say_the_kind() {
        for (index, &counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(counter as usize, index);
            assert_eq!(Counter::from_index(index as u32), Some(counter));
            let Description { name, kind, help } = counter.describe();
            let prefixes = [
                ("answer_", Kind::Answer),
                ("pass_", Kind::Pass),
                ("refuse_", Kind::Refuse),
                ("conflict_", Kind::Conflict),
                ("suppress_", Kind::Suppress),
                ("drop_", Kind::Drop),
            ];
            for (prefix, of) in prefixes {
                assert_eq!(name.starts_with(prefix), kind == of, "{name}");
            }
            assert!(
                help.ends_with('.') && !help.starts_with(' '),
                "{name}: {help}"
            );
        }
        assert_eq!(Counter::from_index(Counter::ALL.len() as u32), None);
    }

    #[test]
    fn adds_and_merges_by_field() {
        let mut one = Counters::default();
        one.add(Counter::RefuseNoBackend, 60);
        let mut sum = one;
        sum.merge(&one);
        assert_eq!(
            sum.refuse_no_backend,
            Count {
                packets: 2,
                bytes: 120
            }
        );
        assert_eq!(sum.forwarded, Count::default());
    }
}
