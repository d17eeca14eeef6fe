//! What the supervisor and the proxy process say to each other.

use nginx_conf::model::Config;
use serde::{Deserialize, Serialize};

/// From the supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToProxy {
    /// A configuration to run. With it come descriptors: one for each of `http.listeners`, in
    /// order, then one for each entry of `logs` that is a file or stderr, in order.
    Configure(Box<Configure>),
    /// Log files were opened anew; descriptors as for the logs of the running configuration.
    ReopenLogs,
    /// Stop, as the supervisor was told to.
    Stop(StopMode),
    /// Say how things stand.
    Status,
}

/// A configuration and what goes with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Configure {
    /// The configuration.
    pub config: Config,
    /// Counts reloads, from 1.
    pub generation: u64,
    /// What `$hostname` gives.
    pub hostname: String,
}

/// How to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopMode {
    /// At once (TERM, INT).
    Fast,
    /// After the requests under way (QUIT).
    Graceful,
}

/// From the proxy process.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromProxy {
    /// The configuration of this generation is in force.
    Ready(u64),
    /// The configuration of this generation cannot be run; the one before stays. Generation 0: the
    /// process itself cannot run.
    Refused(u64, String),
    /// The last request of this generation is done.
    Drained(u64),
    /// An operator signalled this process to stop: it must not be started again.
    Stopping(StopMode),
    /// An operator sent HUP.
    ReloadAsked,
    /// An operator sent USR1.
    ReopenAsked,
    /// How things stand.
    Status(Status),
}

/// How the proxy stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Generation in force.
    pub generation: u64,
    /// Connections accepted, requests begun: by thread.
    pub threads: Vec<ThreadStatus>,
    /// Every upstream.
    pub upstreams: Vec<UpstreamStatus>,
}

/// Counters of a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadStatus {
    /// Connections accepted.
    pub accepted: u64,
    /// Requests begun.
    pub requests: u64,
    /// Client connections open.
    pub active: u64,
}

/// How an upstream stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Its peers.
    pub peers: Vec<PeerStatus>,
}

/// How a peer stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its address.
    pub address: String,
    /// Whether it can be chosen.
    pub available: bool,
    /// `backup`
    pub backup: bool,
    /// `down`
    pub down: bool,
    /// Requests under way.
    pub active: u32,
    /// Requests since the start.
    pub requests: u64,
    /// Failures since the start.
    pub failures: u64,
}
