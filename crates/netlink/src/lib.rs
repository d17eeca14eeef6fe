//! Links, addresses, routes and rules over rtnetlink (`rtnetlink(7)`).
//!
//! [`Requests`] asks and changes, many items at once; [`Monitor`] hears what anybody changes;
//! [`DropRules`], [`Lease`] and [`SilentLinks`] keep tables of [`Nftables`]. The crates that code the messages are known here only.
#![forbid(unsafe_code)]

mod address;
mod codec;
mod drop_rules;
mod item;
mod lease;
mod link;
mod monitor;
mod new_link;
mod nftables;
mod prefix;
mod requests;
mod route;
mod route_parts;
mod rule;
mod silent_links;
mod socket;
pub mod sysctl;

pub use address::{Address, NewAddress};
pub use drop_rules::{DropOn, DropRules, DropTable};
pub use item::{Item, Outcome};
pub use lease::Lease;
pub use link::{Link, MacvlanMode};
pub use monitor::{Change, Monitor};
pub use new_link::{IpvlanFlag, LinkChange, LinkKind, NewLink};
pub use nftables::Nftables;
pub use prefix::Prefix;
pub use requests::Requests;
pub use route::{
    NextHop, PROTOCOL_KEEPALIVED, PlacedRoute, Placement, Preference, Route, RouteKind, TABLE_MAIN,
};
pub use route_parts::{Encap, Metric, MetricValue};
pub use rule::{Rule, RuleAction};
pub use silent_links::{Silence, SilentLinks};

use rustix::io::Errno;

/// Why a request failed.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused, or its socket failed.
    Kernel(Errno),
    /// The kernel's answer could not be read: a newer format than ours.
    Answer(String),
    /// The kernel was built without something, or its module cannot be loaded.
    Missing(Missing),
}

/// What a kernel may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// nftables, or its family for ARP (`CONFIG_NF_TABLES`, `CONFIG_NF_TABLES_ARP`, `_INET`).
    Nftables,
    /// A kind of link: `macvlan` (`CONFIG_MACVLAN`), `ipvlan` (`CONFIG_IPVLAN`).
    LinkKind(&'static str),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Kernel(errno) => write!(f, "the kernel refused: {errno}"),
            Error::Missing(Missing::Nftables) => f.write_str("the kernel has no nftables, or not for ARP"),
            Error::Missing(Missing::LinkKind(kind)) => write!(f, "the kernel has no links of kind {kind}"),
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
