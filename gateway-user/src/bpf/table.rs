//! A pinned hash that user space reads as a whole, and removes from, while the programs use it.
#![allow(unsafe_code, reason = "the kernel writes entries to memory of ours")]

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd as _, OwnedFd},
};

use anyhow::{Context as _, Result};
use aya::{
    Pod,
    maps::{HashMap, MapData, MapError},
};

use super::{maps::found, object_fd, pins::Pins};

/// Entries that are read with one system call. Far more than ever share a bucket, which would be refused.
const BATCH: usize = 1024;
/// `BPF_EXIST`: only where there is an entry.
const IF_PRESENT: u64 = 2;

pub(super) struct Table<K, V> {
    name: &'static str,
    map: HashMap<MapData, K, V>,
    fd: OwnedFd,
}

impl<K: Pod, V: Pod> Table<K, V> {
    pub(super) fn open(pins: &Pins, name: &'static str) -> Result<Self> {
        let fd = pins.map_fd(name)?;
        Ok(Self {
            name,
            // Refuses other sizes of keys and values.
            map: pins.typed(name, fd.try_clone()?)?,
            fd,
        })
    }

    pub(super) fn get(&self, key: &K) -> Result<Option<V>> {
        found(self.map.get(key, 0)).with_context(|| self.unreadable())
    }

    /// `false`: it was gone already.
    pub(super) fn remove(&mut self, key: &K) -> Result<bool> {
        let done = self.map.remove(key);
        self.was_there(done)
    }

    /// `false`: it is gone.
    pub(super) fn replace(&mut self, key: &K, value: V) -> Result<bool> {
        let done = self.map.insert(key, value, IF_PRESENT);
        self.was_there(done)
    }

    /// Every entry, in no order. What comes and goes meanwhile may be missing.
    pub(super) fn entries(&self) -> Entries<'_, K, V> {
        Entries {
            table: self,
            keys: vec![MaybeUninit::uninit(); BATCH],
            values: vec![MaybeUninit::uninit(); BATCH],
            read: 0,
            given: 0,
            place: Place::First,
        }
    }

    /// The same without their values, one by one. At most `most`: one that is removed meanwhile sends
    /// this back to the first.
    pub(super) fn keys(&self, most: usize) -> impl Iterator<Item = Result<K>> {
        let keys = self.map.keys().take(most);
        keys.map(|key| key.with_context(|| self.unreadable()))
    }

    fn was_there(&self, done: Result<(), MapError>) -> Result<bool> {
        match done {
            Ok(()) => Ok(true),
            Err(MapError::KeyNotFound) => Ok(false),
            Err(MapError::SyscallError(error))
                if error.io_error.kind() == io::ErrorKind::NotFound =>
            {
                Ok(false)
            }
            Err(error) => {
                Err(error).with_context(|| format!("cannot write to the map {}", self.name))
            }
        }
    }

    fn unreadable(&self) -> String {
        format!("cannot read the map {}", self.name)
    }
}

/// Where to read on.
#[derive(Clone, Copy)]
enum Place {
    First,
    At(u32),
    End,
}

pub(super) struct Entries<'a, K, V> {
    table: &'a Table<K, V>,
    keys: Vec<MaybeUninit<K>>,
    values: Vec<MaybeUninit<V>>,
    /// Entries that the kernel wrote last; those before `given` were given out.
    read: usize,
    given: usize,
    place: Place,
}

impl<K: Pod, V: Pod> Entries<'_, K, V> {
    /// Reads the next entries; `false`: there are no more.
    fn fill(&mut self) -> Result<bool> {
        loop {
            let place = match self.place {
                Place::First => None,
                Place::At(place) => Some(place),
                Place::End => return Ok(false),
            };
            let fd = self.table.fd.as_fd();
            // SAFETY: the map was opened as one of such keys and values.
            let read =
                unsafe { object_fd::read_batch(fd, place, &mut self.keys, &mut self.values) };
            let (read, next) = read.with_context(|| self.table.unreadable())?;
            (self.read, self.given) = (read, 0);
            self.place = next.map_or(Place::End, Place::At);
            if read > 0 {
                return Ok(true);
            }
        }
    }
}

impl<K: Pod, V: Pod> Iterator for Entries<'_, K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.given == self.read {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.place = Place::End;
                    return Some(Err(error));
                }
            }
        }
        let at = self.given;
        self.given += 1;
        // SAFETY: the kernel wrote so many.
        let entry = unsafe { (self.keys[at].assume_init(), self.values[at].assume_init()) };
        Some(Ok(entry))
    }
}
