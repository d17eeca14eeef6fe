//! The Virtual Router Redundancy Protocol: packets, the election, and the arithmetic of priorities.
//!
//! Nothing here does I/O or reads a clock. Received bytes pass [`receive::check`], then go to a
//! [`Router`] as an [`Event`] together with the present [`Time`]; out come [`Action`]s in the order
//! in which they must be carried out, and the next deadline. RFC 3768 is VRRPv2, RFC 5798 and 9568
//! are VRRPv3; where keepalived departs from them in ways its peers rely on, so does this crate,
//! and a comment says it.
#![forbid(unsafe_code)]

pub mod ah;
mod authentication;
mod group;
pub mod handover;
pub mod hmac;
mod line;
pub mod packet;
pub mod receive;
mod router;
mod time;
mod timers;
pub mod tracking;

pub use authentication::Authentication;
pub use group::{Group, Member};
pub use line::Line;
pub use packet::{Advertisement, Checksum, Family, Version};
pub use receive::{Difference, Expected, Incoming, Peer, Received, Reject, Security};
pub use router::{
    Action, Burst, Counters, Event, Garp, MasterReason, Preempt, Router, Settings, Standing, State,
};
pub use time::{Centiseconds, Time};
pub use timers::Timer;

/// The IP protocol number of VRRP.
pub const PROTOCOL: u8 = 112;

/// The priority of a router that owns the addresses; nothing changes it.
pub const OWNER: u8 = 255;

/// The priority that says a master is stepping down.
pub const RELEASE: u8 = 0;
