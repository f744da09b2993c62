//! A directory of manifests as the source of objects.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use gateway_core::{
    announce::Members,
    world::{Problem, World},
};
use tokio::time::Interval;

use super::every;
use crate::{
    cli,
    files::{Source, Watch, list},
    status::report::SourceRow,
};

/// Files are read again this often even if nobody told of a change: watches do not see changes
/// on other hosts of a network file system, nor a directory that came back.
const RESCAN: Duration = Duration::from_secs(5);

/// Stands for the name of this node.
const NAMELESS: &str = "this node";

/// The objects in a directory, as of the last reading.
pub(super) struct Directory {
    path: PathBuf,
    source: Source,
    watch: Watch,
    rescan: Interval,
    world: World,
    /// Why the directory could not be read the last time.
    unreadable: Option<Problem>,
    /// Files were read at least once.
    read: bool,
    pub(super) members: Members,
}

/// A directory of files is one node's, which has all addresses; others only take packets for their
/// own pods.
fn members(options: &cli::Run) -> Members {
    let me = options.identity.node_name.as_deref().unwrap_or(NAMELESS);
    let peers = options.peers.iter();
    let tunnels = peers.map(|peer| {
        let at = peer.addresses.iter().copied();
        (peer.name.as_str().into(), at.collect())
    });
    Members {
        tunnels: tunnels.collect(),
        ..Members::alone(me.into())
    }
}

impl Directory {
    /// # Errors
    /// Where the directory cannot be listed or watched.
    pub(super) fn open(path: PathBuf, options: &cli::Run) -> Result<Self> {
        list(&path)?;
        Ok(Self {
            source: Source::new(vec![path.clone()]),
            watch: Watch::new()?,
            rescan: every(RESCAN),
            world: World::default(),
            unreadable: None,
            read: false,
            members: members(options),
            path,
        })
    }

    /// Waits until it should be read again: at once for the first time. May be dropped and
    /// called again.
    pub(super) async fn changed(&mut self) {
        tokio::select! {
            () = self.watch.changed() => {}
            _ = self.rescan.tick() => {}
        }
    }

    /// Reads the files; whether something is different from the last reading.
    pub(super) fn read(&mut self) -> bool {
        let mut changed = !self.read;
        let unreadable = loop {
            match self.source.refresh() {
                Ok(found) => {
                    changed |= found.changed > 0;
                    // What happened before a directory was watched went unnoticed: look again.
                    if !self.watch.follow(&found.watched) {
                        break None;
                    }
                }
                Err(error) => {
                    let path = self.path.display().to_string();
                    break Some(Problem::of_file(path.into(), error.to_string()));
                }
            }
        };
        changed |= unreadable != self.unreadable;
        self.unreadable = unreadable;
        self.read = true;
        if changed {
            self.world = self.source.world();
        }
        changed
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let own = self.unreadable.iter().cloned();
        own.chain(self.source.problems()).collect()
    }

    pub(super) fn report(&self) -> SourceRow {
        SourceRow {
            from: self.path.display().to_string(),
            ..SourceRow::default()
        }
    }
}
