//! Where objects come from: a directory or an API server.

use std::{collections::BTreeSet, net::IpAddr};

use anyhow::Result;
use gateway_core::{
    announce::Members,
    infrastructure::Infrastructure,
    plan::Plan,
    status::{NodeReports, Statuses},
    world::{Changed, Problem, World},
};
use prometheus_client::registry::Registry;

use super::directory::Directory;
use crate::{cli, kube, status::report::SourceRow};

pub(super) enum Source {
    Directory(Box<Directory>),
    Kubernetes(Box<Cluster>),
}

pub(super) struct Cluster {
    source: kube::Source,
    control: kube::Control,
    tunnel: kube::Tunnel,
    /// Where it is known which one runs us.
    daemonset: Option<kube::OurDaemonSet>,
}

impl Source {
    /// # Errors
    /// Where the directory cannot be read, or no API server is named.
    pub(super) async fn open(options: &cli::Run) -> Result<Self> {
        if let Some(path) = &options.source.config {
            let directory = Directory::open(path.clone(), options)?;
            return Ok(Self::Directory(Box::new(directory)));
        }
        let (client, server, identity) = kube::connect(&options.identity).await?;
        tracing::info!(
            "objects from the API server at {server}; node {}, pod {}/{}",
            identity.node,
            identity.namespace,
            identity.pod
        );
        let source = kube::Source::start(&client, server, &identity);
        let daemonset = options.identity.daemonset.as_deref();
        let daemonset = daemonset
            .map(|name| kube::OurDaemonSet::start(client.clone(), &identity.namespace, name));
        let control = kube::Control::start(&client, &identity, &source);
        let tunnel = kube::Tunnel::start(&client, &identity);
        Ok(Self::Kubernetes(Box::new(Cluster {
            source,
            control,
            tunnel,
            daemonset,
        })))
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        match self {
            Self::Directory(_) => (),
            Self::Kubernetes(cluster) => {
                cluster.source.register(registry);
                cluster.control.register(registry);
            }
        }
    }

    /// Waits until there may be something new. May be dropped and called again.
    pub(super) async fn changed(&mut self) {
        match self {
            Self::Directory(directory) => directory.changed().await,
            Self::Kubernetes(cluster) => tokio::select! {
                () = cluster.source.changed() => (),
                () = cluster.control.leads_changed() => (),
            },
        }
    }

    /// Takes in what is new, and says what that is.
    pub(super) fn read(&mut self) -> Changed {
        match self {
            Self::Directory(directory) => Changed {
                world: directory.read(),
                ..Changed::default()
            },
            Self::Kubernetes(cluster) => cluster.source.take(),
        }
    }

    /// The objects in force, as of the last reading.
    pub(super) fn world(&self) -> &World {
        match self {
            Self::Directory(directory) => directory.world(),
            Self::Kubernetes(cluster) => cluster.source.world(),
        }
    }

    /// Whether this node decides what all nodes have to agree on.
    pub(super) fn leads(&self) -> bool {
        match self {
            Self::Directory(_) => true,
            Self::Kubernetes(cluster) => cluster.control.leads(),
        }
    }

    /// Whether the world is all that there is: what it lacks is not wanted.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Directory(_) => true,
            Self::Kubernetes(cluster) => cluster.source.is_synced(),
        }
    }

    /// Whether nobody wants this daemon's data path any more: what runs it is deleted.
    pub(super) fn is_retired(&self) -> bool {
        match self {
            Self::Directory(_) => false,
            Self::Kubernetes(cluster) => cluster
                .daemonset
                .as_ref()
                .is_some_and(kube::OurDaemonSet::is_deleted),
        }
    }

    /// The nodes that share the Gateways' addresses, and those that take outer headers.
    pub(super) fn members(&self) -> Members {
        match self {
            Self::Directory(directory) => directory.members.clone(),
            Self::Kubernetes(cluster) => cluster.source.members(),
        }
    }

    /// What other nodes report, where this one has to tell of it.
    pub(super) fn reports(&self) -> Option<NodeReports> {
        match self {
            Self::Kubernetes(cluster) if cluster.control.leads() => Some(cluster.source.reports()),
            Self::Directory(_) | Self::Kubernetes(_) => None,
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Directory(directory) => directory.problems(),
            Self::Kubernetes(cluster) => cluster.source.problems(),
        }
    }

    /// What shall stand for Gateways; without a cluster nothing can.
    pub(super) fn infrastructure(&self, plan: &Plan, statuses: &Statuses) -> Infrastructure {
        match self {
            Self::Directory(_) => Infrastructure::default(),
            Self::Kubernetes(cluster) => cluster.source.infrastructure(plan, statuses),
        }
    }

    /// Hands over what an API server should know. `news`: of a new reconciliation.
    pub(super) fn tell(&self, news: Option<kube::News>) {
        match self {
            Self::Directory(_) => (),
            Self::Kubernetes(cluster) => cluster.source.tell(news),
        }
    }

    /// Tells the other nodes at which addresses this one takes outer headers.
    pub(super) fn tell_tunnel(&self, addresses: &BTreeSet<IpAddr>) {
        match self {
            Self::Directory(_) => (),
            Self::Kubernetes(cluster) => cluster.tunnel.tell(addresses),
        }
    }

    /// Lets another node lead. Statuses are not written any more.
    pub(super) async fn close(&mut self) {
        match self {
            Self::Directory(_) => (),
            Self::Kubernetes(cluster) => cluster.control.stop().await,
        }
    }

    pub(super) fn report(&self) -> SourceRow {
        match self {
            Self::Directory(directory) => directory.report(),
            Self::Kubernetes(cluster) => cluster.source.report(),
        }
    }
}
