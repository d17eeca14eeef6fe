//! Links and addresses over rtnetlink (`rtnetlink(7)`).
//!
//! [`Requests`] asks and changes, one request at a time; [`Monitor`] hears what anybody changes;
//! [`DropRules`] keeps one table of nftables. The crates that code the messages are known here only.
#![forbid(unsafe_code)]

mod codec;
mod drop_rules;
mod monitor;
mod requests;

pub use drop_rules::DropRules;
pub use monitor::{Change, Monitor};
pub use requests::Requests;

use rustix::io::Errno;
use std::net::IpAddr;
use wire::Mac;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its index; another one after it was removed and made again.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its Ethernet address, if it has one.
    pub mac: Option<Mac>,
    /// Switched on by the administrator (`IFF_UP`).
    pub up: bool,
    /// Operational: up and with a carrier (`IFF_RUNNING`).
    pub running: bool,
    /// Whether ARP is not spoken on it (`IFF_NOARP`).
    pub no_arp: bool,
}

impl Link {
    /// Whether packets can pass.
    pub fn is_usable(&self) -> bool {
        self.up && self.running
    }
}

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Index of the interface.
    pub link: u32,
    /// The local address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// Whether another address of the same subnet came before it.
    pub secondary: bool,
}

/// An address to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAddress {
    /// Index of the interface.
    pub link: u32,
    /// The address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// Broadcast address of IPv4.
    pub broadcast: Option<std::net::Ipv4Addr>,
    /// Scope as the kernel's number: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// Label, at most 15 bytes.
    pub label: Option<String>,
}

/// Why a request failed.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused, or its socket failed.
    Kernel(Errno),
    /// The kernel's answer could not be read: a newer format than ours.
    Answer(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Kernel(errno) => write!(f, "the kernel refused: {errno}"),
            Error::Answer(what) => write!(f, "the kernel's answer could not be read: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Error::Kernel(errno)
    }
}
