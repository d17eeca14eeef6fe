//! LVS words of `global_defs`, kept for the process that drives IPVS.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// LVS words of `global_defs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lvs {
    /// `lvs_sync_daemon`, or `lvs_sync_daemon_interface` of an instance.
    pub sync_daemon: Option<SyncDaemon>,
    /// `lvs_timeouts`.
    pub timeouts: LvsTimeouts,
    /// `lvs_flush`: the table is emptied at start.
    pub flush: bool,
    /// `lvs_flush_on_stop`.
    pub flush_on_stop: FlushOnStop,
    /// `rs_init_notifies`: scripts of real servers are called at start.
    pub init_notifies: bool,
}

/// `lvs_sync_daemon INTERFACE [inst NAME] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncDaemon {
    /// The interface, at most 15 bytes.
    pub interface: String,
    /// Whose state it follows.
    pub instance: SyncDaemonInstance,
    /// `id`, 0 to 255; when absent, the virtual router id of the instance, or 0 without one.
    pub id: Option<u8>,
    /// `maxlen`: longest packet, 1 to 65507.
    pub max_length: Option<u16>,
    /// `port`, 1 to 65535.
    pub port: Option<u16>,
    /// `ttl`, 1 to 255.
    pub ttl: Option<u8>,
    /// `group`: a multicast address.
    pub group: Option<IpAddr>,
}

/// Whose state the sync daemon follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncDaemonInstance {
    /// Nobody's: master and backup daemon both run.
    #[default]
    Both,
    /// That of the instance with this name, which exists.
    Follows(String),
}

/// `lvs_timeouts [tcp N] [tcpfin N] [udp N]`: what is absent stays as the kernel has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LvsTimeouts {
    /// `tcp`.
    pub tcp: Option<Duration>,
    /// `tcpfin`.
    pub tcp_fin: Option<Duration>,
    /// `udp`.
    pub udp: Option<Duration>,
}

/// `lvs_flush_on_stop`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlushOnStop {
    /// Not written: real servers are removed one by one.
    #[default]
    No,
    /// `lvs_flush_on_stop VS`: virtual servers are removed.
    VirtualServers,
    /// `lvs_flush_on_stop`: the whole table is emptied.
    Everything,
}
