//! `bfd_instance` (RFC 5880).

use super::TrackWeight;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// `bfd_instance NAME { … }`: one asynchronous session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BfdInstance {
    /// The name after `bfd_instance`.
    pub name: String,
    /// `neighbor_ip` or `neighbour_ip`.
    pub neighbor: IpAddr,
    /// `source_ip`, of the same family; the kernel's choice when absent.
    pub source: Option<IpAddr>,
    /// `min_rx`, 10 ms when absent: how often we can receive.
    pub min_rx: Duration,
    /// `min_tx`, 10 ms when absent: how often we would like to send.
    pub min_tx: Duration,
    /// `idle_tx`, 1 s when absent: how often we send while the session is down.
    pub idle_tx: Duration,
    /// `multiplier`, 5 when absent: packets missed before the session is down.
    pub multiplier: u8,
    /// `passive`: the neighbour begins.
    pub passive: bool,
    /// `ttl` or `hoplimit` of packets sent; 255 when absent.
    pub ttl: u8,
    /// `max_hops`: how many hops a received packet may have made; `None`, written −1, is any number.
    pub max_hops: Option<u8>,
    /// `multihop`: port 4784 of RFC 5883 instead of 3784 of RFC 5881.
    pub multihop: bool,
    /// `weight` for the instances that track it, unless they say otherwise.
    pub weight: TrackWeight,
    /// Whether `track_bfd` may name it: `vrrp` is written or `checker` is not.
    pub for_vrrp: bool,
    /// Whether `BFD_CHECK` may name it: `checker` is written or `vrrp` is not.
    pub for_checkers: bool,
}
