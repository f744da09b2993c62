//! What the state machine asks of the world: clocks, tables and the choice of a backend.

use crate::{
    abi::{FlowKey, TlsSecret},
    addr::Addr,
    client_hello::Stop,
    splice::state::{HalfOpen, Hello, Splice},
};

/// What clients of a passthrough listener are promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Largest segment without options: what the ways to all backends carry.
    pub mss: u16,
}

/// What the first bytes of a connection were found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A hello with a name: [`crate::client_hello::Scan::name`] of [`Splices::hello`].
    Name,
    /// A hello without a name.
    NoName,
    NotTls,
    Malformed,
    /// More than can be read here.
    TooLong,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Passed through to an endpoint of the service, which is not 0.
    Service(u32),
    /// Passed through to the node's own stack, which has a listener at the address that the client
    /// knows.
    Local,
    /// Reset.
    Refuse,
}

/// Where a connection is passed through to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub address: Addr,
    pub port: u16,
    pub backend: u32,
    /// Largest segment without options that the way there carries back.
    pub mss: u16,
    /// Address and port of the node that the backend is to see; port 0: the client's.
    pub source: Addr,
    pub source_port: u16,
}

/// BPF maps and helpers in the kernel, plain collections on the host.
///
/// Keys are those of the client's packets ([`crate::abi::FORWARD`]), those of ties are of the
/// backend's ([`crate::abi::REVERSE`]). No table may drop an entry to make room: what does not fit is
/// refused.
pub trait Splices {
    /// Low 32 bits of jiffies.
    fn now(&self) -> u32;
    /// Jiffies in a second.
    fn hz(&self) -> u32;
    /// Milliseconds since any time before, for time stamps.
    fn clock(&self) -> u32;
    /// Seconds since any time before, for cookies. It must not pass its end while the node runs.
    fn seconds(&self) -> u32;

    /// The passthrough listener that a client addresses.
    fn listener(&self, key: &FlowKey) -> Option<Listener>;

    /// What cookies are made with; `None`, or all zero: SYNs are left to the node's stack.
    fn secret(&self) -> Option<&TlsSecret>;
    /// A table took no entry a moment ago: SYNs are left to the node's stack.
    fn is_full(&self) -> bool;
    /// A table took no entry.
    fn note_full(&mut self);
    /// The node's stack has a socket for this connection, which is not a listener; it may be one that
    /// only waits for late packets (TIME_WAIT). Asked only where there is no entry.
    fn is_local(&mut self, key: &FlowKey) -> bool;

    /// A backend of this listener was found to have no time stamps, not long ago
    /// ([`crate::abi::NO_STAMPS`]).
    fn has_no_stamps(&mut self, key: &FlowKey) -> bool;
    /// A backend of this listener has none. Where there is no room, another listener may be forgotten.
    fn note_no_stamps(&mut self, key: &FlowKey);

    /// Keeps what a client offered that was told no time stamps, for [`super::COOKIE`] seconds; replaces
    /// what was kept of the same client before. `false`: full.
    fn hold(&mut self, key: &FlowKey, half_open: &HalfOpen) -> bool;
    fn held(&self, key: &FlowKey) -> Option<HalfOpen>;
    fn release(&mut self, key: &FlowKey);

    fn splice(&mut self, key: &FlowKey) -> Option<&mut Splice>;
    /// `false`: full, or it is there.
    fn insert(&mut self, key: &FlowKey, splice: &Splice) -> bool;
    fn remove(&mut self, key: &FlowKey);

    /// Makes room for a hello, cleared; `false`: there is none, or it is there.
    fn open_hello(&mut self, key: &FlowKey) -> bool;
    /// In the kernel a copy: see [`Self::keep_hello`].
    fn hello(&mut self, key: &FlowKey) -> Option<&mut Hello>;
    /// Keeps what was changed in the hello that [`Self::hello`] gave last, with this key; `false`: there
    /// is no room, and it is as it was.
    fn keep_hello(&mut self, _key: &FlowKey) -> bool {
        true
    }
    /// [`Hello::filled`] alone.
    fn hello_bytes(&mut self, key: &FlowKey) -> Option<u32> {
        self.hello(key).map(|hello| hello.filled)
    }
    fn close_hello(&mut self, key: &FlowKey);
    /// Reads on in a hello, as [`crate::client_hello::Scan::look`]. In the kernel `bpf_loop`, for the
    /// verifier would follow each turn of another loop.
    ///
    /// # Errors
    /// As there.
    fn look(hello: &mut Hello) -> Result<(), Stop> {
        hello.scan.look(&hello.bytes, hello.filled)
    }

    /// Puts down the client's key of a backend's packets; `false`: there is none.
    fn tied(&self, backend: &FlowKey, client: &mut FlowKey) -> bool;
    /// `false`: full, tied to another client, or packets of a flow of layer 4 look alike.
    fn tie(&mut self, backend: &FlowKey, client: &FlowKey) -> bool;
    fn untie(&mut self, backend: &FlowKey);

    /// Puts down as well what stands for the entry that the server name was found by
    /// ([`crate::abi::TlsTarget::name`]), where there is one.
    fn choose(&mut self, key: &FlowKey, found: Found, name: &mut u64) -> Choice;
    /// Puts down the endpoint to try after `attempt` others; `false`: that were all.
    fn endpoint(
        &mut self,
        key: &FlowKey,
        service: u32,
        attempt: u32,
        endpoint: &mut Endpoint,
    ) -> bool;
}
