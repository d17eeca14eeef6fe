//! What all threads share: upstreams, log files, counters.

use crate::message;
use balance::Group;
use logging::Sink;
use nginx_conf::model::{self, PeerAddress};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Everything of one generation that threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) generation: u64,
    pub(crate) config: model::Config,
    pub(crate) hostname: String,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    pub(crate) logs: Arc<Vec<Mutex<Sink>>>,
    pub(crate) counters: Arc<Vec<Counters>>,
    /// What times are counted from, in every thread.
    pub(crate) started: Instant,
}

/// An upstream with the state of its peers.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Never used twice: names its pool of idle connections in each thread.
    pub(crate) id: usize,
    pub(crate) model: model::Upstream,
    pub(crate) addresses: Vec<Address>,
    /// The addresses as `$upstream_addr` shows them.
    pub(crate) names: Vec<String>,
    group: Mutex<Group>,
}

/// Where a peer is, ready for connecting.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
    /// Not resolved: the group never chooses it.
    Nowhere(String),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Nowhere(name) => write!(f, "{name}"),
        }
    }
}

static NEXT_UPSTREAM: AtomicUsize = AtomicUsize::new(0);

impl Upstream {
    /// An upstream without history.
    pub(crate) fn new(model: &model::Upstream) -> Self {
        let method = match model.method {
            model::Method::LeastConn => balance::Method::LeastConn,
            model::Method::IpHash => balance::Method::IpHash,
            _ => balance::Method::RoundRobin,
        };
        let peers = model.peers.iter().map(|peer| balance::Peer {
            weight: peer.weight.max(1),
            max_fails: peer.max_fails,
            fail_timeout: peer.fail_timeout,
            max_conns: peer.max_conns,
            backup: peer.backup,
            down: peer.down || matches!(peer.address, PeerAddress::Unresolved(..)),
        });
        let addresses = model.peers.iter().map(|peer| match &peer.address {
            PeerAddress::Tcp(address) => Address::Tcp(*address),
            PeerAddress::Unix(path) => Address::Unix(path.clone()),
            PeerAddress::Unresolved(name, port) => Address::Nowhere(format!("{name}:{port}")),
        });
        let addresses: Vec<Address> = addresses.collect();
        Self {
            id: NEXT_UPSTREAM.fetch_add(1, Ordering::Relaxed),
            model: model.clone(),
            names: addresses.iter().map(Address::to_string).collect(),
            addresses,
            group: Mutex::new(Group::new(method, peers)),
        }
    }

    /// The state of its peers, for a moment.
    pub(crate) fn group(&self) -> MutexGuard<'_, Group> {
        // The group is a set of counters: one left half-updated by a panic is still usable.
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the status page.
    pub(crate) fn status(&self, now: std::time::Duration) -> message::UpstreamStatus {
        let group = self.group();
        let peers = group.view(now).zip(&self.addresses).zip(&self.model.peers);
        message::UpstreamStatus {
            name: self.model.name.clone(),
            peers: peers
                .map(|((view, address), peer)| message::PeerStatus {
                    address: address.to_string(),
                    available: view.available,
                    backup: peer.backup,
                    down: peer.down,
                    active: view.active,
                    requests: view.requests,
                    failures: view.failures,
                })
                .collect(),
        }
    }
}

/// Counters of one thread.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) active: AtomicU64,
    pub(crate) waiting: AtomicU64,
    pub(crate) writing: AtomicU64,
    /// Signs of life that were asked for and shown.
    pub(crate) beats: AtomicU64,
}

impl Counters {
    /// Adds to a counter. Only its own thread writes it, so that it needs no locked instruction.
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// Subtracts from a counter.
    pub(crate) fn sub(counter: &AtomicU64, n: u64) {
        counter.store(counter.load(Ordering::Relaxed).wrapping_sub(n), Ordering::Relaxed);
    }
}

/// The sum of a counter over all threads.
pub(crate) fn total(counters: &[Counters], which: impl Fn(&Counters) -> &AtomicU64) -> u64 {
    counters.iter().map(|c| which(c).load(Ordering::Relaxed)).sum()
}
