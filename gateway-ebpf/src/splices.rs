//! The maps, clock and choices as TLS passthrough asks for them.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::{BPF_ANY, BPF_NOEXIST},
    helpers::bpf_ktime_get_ns,
};
use gateway_common::{
    abi::{FlowKey, KIND_TLS, TlsSecret},
    client_hello::Stop,
    splice::{self, Choice, Endpoint, Found, HalfOpen, Hello, Listener, Splice, Splices},
    tables::Tables as _,
};

use crate::{
    choice, hello, hellos,
    maps::{HALF_OPEN, SPLICES, TIES, TLS_SECRET},
    notes, socket, ties,
    world::World,
};

/// The maps, and the context of the program, by which the node's sockets are found.
pub(crate) struct Place(pub(crate) *mut c_void);

impl Splices for Place {
    #[inline(always)]
    fn now(&self) -> u32 {
        World.now()
    }

    #[inline(always)]
    fn hz(&self) -> u32 {
        World.hz()
    }

    #[inline(always)]
    fn clock(&self) -> u32 {
        // SAFETY: the helper has no precondition.
        unsafe { (bpf_ktime_get_ns() / 1_000_000) as u32 }
    }

    #[inline(always)]
    fn seconds(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (bpf_ktime_get_ns() / 1_000_000_000) as u32 }
    }

    #[inline(always)]
    fn listener(&self, key: &FlowKey) -> Option<Listener> {
        let frontend = World.frontend(&key.to())?;
        (frontend.kind == KIND_TLS).then_some(Listener {
            mss: frontend.mss as u16,
        })
    }

    #[inline(always)]
    fn secret(&self) -> Option<&TlsSecret> {
        TLS_SECRET.get(0)
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        notes::is_full()
    }

    #[inline(always)]
    fn note_full(&mut self) {
        notes::note_full();
    }

    #[inline(always)]
    fn is_local(&mut self, key: &FlowKey) -> bool {
        socket::has(self.0, key)
    }

    #[inline(always)]
    fn has_no_stamps(&mut self, key: &FlowKey) -> bool {
        notes::has_no_stamps(&key.to())
    }

    #[inline(always)]
    fn note_no_stamps(&mut self, key: &FlowKey) {
        notes::note_no_stamps(&key.to());
    }

    #[inline(always)]
    fn hold(&mut self, key: &FlowKey, half_open: &HalfOpen) -> bool {
        HALF_OPEN.insert(key, half_open, u64::from(BPF_ANY)).is_ok()
    }

    #[inline(always)]
    fn held(&self, key: &FlowKey) -> Option<HalfOpen> {
        // SAFETY: values are replaced whole.
        unsafe { HALF_OPEN.get(key).copied() }
    }

    #[inline(always)]
    fn release(&mut self, key: &FlowKey) {
        // Nearly always there is nothing: asking costs less than removing that.
        if HALF_OPEN.get_ptr(key).is_some() {
            // What is gone already is as it should be. The same below.
            let _ = HALF_OPEN.remove(key);
        }
    }

    #[inline(always)]
    fn splice(&mut self, key: &FlowKey) -> Option<&mut Splice> {
        // SAFETY: a live map value; fields are read and written whole, and the two directions of a
        // connection write different ones once it is established.
        SPLICES
            .get_ptr_mut(key)
            .map(|splice| unsafe { &mut *splice })
    }

    #[inline(always)]
    fn insert(&mut self, key: &FlowKey, splice: &Splice) -> bool {
        SPLICES.insert(key, splice, u64::from(BPF_NOEXIST)).is_ok()
    }

    #[inline(always)]
    fn remove(&mut self, key: &FlowKey) {
        let _ = SPLICES.remove(key);
    }

    #[inline(always)]
    fn open_hello(&mut self, key: &FlowKey) -> bool {
        hellos::open(key)
    }

    #[inline(always)]
    fn hello(&mut self, key: &FlowKey) -> Option<&mut Hello> {
        hellos::copy(key)
    }

    #[inline(always)]
    fn keep_hello(&mut self, key: &FlowKey) -> bool {
        hellos::keep(key)
    }

    #[inline(always)]
    fn hello_bytes(&mut self, key: &FlowKey) -> Option<u32> {
        hellos::bytes(key)
    }

    #[inline(always)]
    fn close_hello(&mut self, key: &FlowKey) {
        hellos::close(key);
    }

    #[inline(always)]
    fn look(hello: &mut Hello) -> Result<(), Stop> {
        hello::look(hello)
    }

    #[inline(always)]
    fn tied(&self, backend: &FlowKey, client: &mut FlowKey) -> bool {
        ties::find(backend, client)
    }

    #[inline(always)]
    fn tie(&mut self, backend: &FlowKey, client: &FlowKey) -> bool {
        ties::tie(backend, client)
    }

    #[inline(always)]
    fn untie(&mut self, backend: &FlowKey) {
        let _ = TIES.remove(backend);
    }

    #[inline(never)]
    fn choose(&mut self, key: &FlowKey, found: Found, name: &mut u64) -> Choice {
        choice::choose(key, found, name)
    }

    #[inline(never)]
    fn endpoint(
        &mut self,
        key: &FlowKey,
        service: u32,
        attempt: u32,
        endpoint: &mut Endpoint,
    ) -> bool {
        splice::endpoint(key, service, attempt, endpoint, &World).is_some()
    }
}
