//! Tables that somebody else changes between two steps.

use std::cell::{Cell, RefCell};

use gateway_common::{
    abi::{
        Address, Backend, Counter, Flow, FlowKey, Frontend, FrontendKey, LinkAddress, Origin,
        Service, Snat, TagKey,
    },
    addr::Addr,
    tables::{Claim, Tables, Traffic},
};

use crate::{
    host::{self, Host},
    path::{Action, Hook},
};

pub(super) struct Racing<'a, F> {
    host: RefCell<&'a mut Host>,
    /// Steps until the other one comes in.
    left: Cell<u32>,
    other: RefCell<Option<F>>,
}

impl<'a, F: FnOnce(&mut Host)> Racing<'a, F> {
    /// `other` is called after `steps` steps.
    pub(super) fn new(host: &'a mut Host, steps: u32, other: F) -> Self {
        Self {
            host: RefCell::new(host),
            left: Cell::new(steps),
            other: RefCell::new(Some(other)),
        }
    }

    pub(super) fn run(mut self, hook: Hook, frame: &mut Vec<u8>) -> Action {
        host::run(&mut self, hook, frame)
    }

    fn step(&self) {
        match self.left.get() {
            0 => {
                if let Some(other) = self.other.take() {
                    other(&mut self.host.borrow_mut());
                }
            }
            left => self.left.set(left - 1),
        }
    }

    /// What a lookup finds. It outlives the entry, as in the kernel; a few bytes of a test.
    fn look<T: Copy>(&self, find: impl FnOnce(&Host) -> Option<&T>) -> Option<&T> {
        self.step();
        let found = find(&self.host.borrow()).copied();
        found.map(|value| &*Box::leak(Box::new(value)))
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Host) -> T) -> T {
        self.step();
        change(&mut self.host.borrow_mut())
    }
}

impl<F: FnOnce(&mut Host)> Tables for Racing<'_, F> {
    fn frontend(&self, key: &FrontendKey) -> Option<&Frontend> {
        self.look(|host| host.frontend(key))
    }

    fn service(&self, id: u32) -> Option<&Service> {
        self.look(|host| host.service(id))
    }

    fn slot(&self, slot: u32) -> Option<u32> {
        self.step();
        self.host.borrow().slot(slot)
    }

    fn backend(&self, id: u32) -> Option<&Backend> {
        self.look(|host| host.backend(id))
    }

    fn tagged(&self, key: &TagKey) -> Option<u32> {
        self.step();
        self.host.borrow().tagged(key)
    }

    fn origin(&self, endpoint: &FrontendKey) -> Option<&Origin> {
        self.look(|host| host.origin(endpoint))
    }

    fn address(&self, address: &Addr) -> Option<&Address> {
        self.look(|host| host.address(address))
    }

    fn uplink(&self, interface: u32) -> Option<&LinkAddress> {
        self.look(|host| host.uplink(interface))
    }

    fn snat(&self, slot: u32) -> Option<&Snat> {
        self.look(|host| host.snat(slot))
    }

    fn flow(&self, key: &FlowKey) -> Option<&Flow> {
        self.look(|host| host.flow(key))
    }

    fn fresh(&self, key: &FlowKey) -> Option<&Flow> {
        self.look(|host| host.fresh(key))
    }

    fn mark(&mut self, key: &FlowKey, state: u32, now: u32) -> bool {
        self.change(|host| host.mark(key, state, now))
    }

    fn insert(&mut self, key: &FlowKey, flow: &Flow) -> bool {
        self.change(|host| host.insert(key, flow))
    }

    fn forget(&mut self, key: &FlowKey) {
        self.change(|host| host.forget(key));
    }

    fn forget_fresh(&mut self, key: &FlowKey) {
        self.change(|host| host.forget_fresh(key));
    }

    fn now(&self) -> u32 {
        self.host.borrow().now()
    }

    fn hz(&self) -> u32 {
        self.host.borrow().hz()
    }

    fn count(&mut self, counter: Counter, bytes: u64) {
        self.change(|host| host.count(counter, bytes));
    }

    fn credit(&mut self, backend: u32, traffic: Traffic, bytes: u64) {
        self.change(|host| host.credit(backend, traffic, bytes));
    }

    fn report(&mut self, reason: Counter, key: &FlowKey, bytes: u64) {
        self.change(|host| host.report(reason, key, bytes));
    }

    fn dispute(&mut self, reason: Counter, claim: &Claim, bytes: u64) {
        self.change(|host| host.dispute(reason, claim, bytes));
    }
}
