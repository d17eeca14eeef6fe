//! `upstream` and its servers.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A group of peers: an `upstream` block, or one implicit group of a `proxy_pass`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upstream {
    /// The name after `upstream`, or `host[:port]` of the `proxy_pass`.
    pub name: String,
    /// Not written as a block.
    pub implicit: bool,
    /// How a peer is chosen.
    pub method: Method,
    /// The servers, one entry for each address of a name.
    pub peers: Vec<Peer>,
    /// `keepalive`: idle connections kept; 0 is none. 32 when absent, 0 for an implicit group.
    pub keepalive: usize,
    /// `keepalive_requests`, 1000.
    pub keepalive_requests: u64,
    /// `keepalive_time`, 1 h.
    pub keepalive_time: Duration,
    /// `keepalive_timeout`, 60 s.
    pub keepalive_timeout: Duration,
}

/// How a peer is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Method {
    /// Smooth weighted round robin.
    RoundRobin,
    /// `least_conn`
    LeastConn,
    /// `ip_hash`
    IpHash,
}

/// One address of a `server` line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// The `server` word as written.
    pub server: String,
    /// Where to connect to.
    pub address: PeerAddress,
    /// `weight`, 1 when absent.
    pub weight: u32,
    /// `max_fails`, 1 when absent; 0 switches the accounting off.
    pub max_fails: u32,
    /// `fail_timeout`, 10 s when absent.
    pub fail_timeout: Duration,
    /// `max_conns`; 0 is no limit.
    pub max_conns: u32,
    /// `backup`
    pub backup: bool,
    /// `down`
    pub down: bool,
}

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PeerAddress {
    /// TCP.
    Tcp(SocketAddr),
    /// `unix:PATH`
    Unix(PathBuf),
    /// A name that did not resolve when the file was read: never chosen until it does.
    Unresolved(String, u16),
}
