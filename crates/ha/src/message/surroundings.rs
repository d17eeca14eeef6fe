//! How everything stands that instances depend on, for those who ask from outside.

use super::InstanceState;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// What is not of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// For how long the process has had a configuration.
    pub age: Duration,
    /// State of each sync group, by name.
    pub groups: Vec<(String, InstanceState)>,
    /// Whether each script that has answered is up, by name.
    pub scripts: Vec<(String, bool)>,
    /// The number in each tracked file, by name.
    pub files: Vec<(String, i64)>,
    /// How many of each tracked process run and whether they are as many as they should be, by name.
    pub processes: Vec<(String, u32, bool)>,
    /// Whether the neighbour of each BFD session can be reached, by name.
    pub bfd: Vec<(String, bool)>,
    /// Whether each static address is there.
    pub addresses: Vec<bool>,
    /// Whether each static route is there.
    pub routes: Vec<bool>,
    /// Whether each static rule is there.
    pub rules: Vec<bool>,
    /// Interfaces that the configuration names, and those below them.
    pub links: Vec<Link>,
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its index.
    pub index: u32,
    /// Its Ethernet address, if it has one.
    pub mac: Option<[u8; 6]>,
    /// Its first address that is no virtual one.
    pub ipv4: Option<Ipv4Addr>,
    /// Its first link-local address that is no virtual one.
    pub ipv6: Option<Ipv6Addr>,
    /// The routing table, if it is a VRF.
    pub table: Option<u32>,
}

/// Refused packets by keepalived's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults {
    /// Of another length than they should be.
    pub length: u64,
    /// With another interval.
    pub interval: u64,
    /// That came from too far away.
    pub ttl: u64,
    /// That are no advertisements.
    pub kind: u64,
    /// With other addresses.
    pub addresses: u64,
    /// With a type of authentication that there is not.
    pub unknown_authentication: u64,
    /// With another type of authentication.
    pub other_authentication: u64,
    /// Whose authentication is wrong.
    pub authentication: u64,
    /// Of another version.
    pub version: u64,
    /// With a wrong checksum.
    pub checksum: u64,
}

impl Faults {
    /// From the number of packets refused for each reason, see [`vrrp::Reject::reason`].
    pub fn of(count: impl Fn(&str) -> u64) -> Self {
        let count = |reasons: &[&str]| reasons.iter().map(|reason| count(reason)).sum();
        Self {
            length: count(&["length", "total-length"]),
            interval: count(&["interval", "zero-interval"]),
            ttl: count(&["ttl", "peer-ttl"]),
            kind: count(&["type"]),
            addresses: count(&["address-list"]),
            unknown_authentication: count(&["auth-type"]),
            other_authentication: count(&["auth-mismatch", "ah-mismatch"]),
            authentication: count(&[
                "password",
                "ah-next-header",
                "ah-check-value",
                "ah-index",
                "ah-repeated",
                "hmac-missing",
                "hmac-malformed",
                "hmac-unknown-key",
                "hmac-wrong",
                "hmac-stale",
                "hmac-repeated",
            ]),
            version: count(&["version"]),
            checksum: count(&["checksum"]),
        }
    }
}

/// A fault of a packet that RFC 6527 has a number for (vrrpv3StatisticsProtoErrReason).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProtocolError {
    /// It came from too far away.
    Ttl,
    /// It is of another version.
    Version,
    /// Its checksum is wrong.
    Checksum,
}

impl ProtocolError {
    /// The one that a reason for refusing a packet is, see [`vrrp::Reject::reason`].
    pub fn of(reason: &str) -> Option<Self> {
        match reason {
            "ttl" | "peer-ttl" => Some(Self::Ttl),
            "version" => Some(Self::Version),
            "checksum" => Some(Self::Checksum),
            _ => None,
        }
    }
}

/// Why an instance became master. RFC 6527, vrrpv3StatisticsNewMasterReason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MasterReason {
    /// The master before gave the addresses up.
    Released,
    /// It preempted a master of lower priority, or owns the addresses.
    Preempted,
    /// No master was heard.
    NoResponse,
}

impl From<vrrp::MasterReason> for MasterReason {
    fn from(reason: vrrp::MasterReason) -> Self {
        match reason {
            vrrp::MasterReason::Released => Self::Released,
            vrrp::MasterReason::Preempted => Self::Preempted,
            vrrp::MasterReason::NoResponse => Self::NoResponse,
        }
    }
}

/// A packet that an instance refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Name of the instance.
    pub instance: String,
    /// Who sent it.
    pub source: std::net::IpAddr,
    /// Why, see [`vrrp::Reject::reason`].
    pub reason: String,
}
