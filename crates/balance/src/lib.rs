//! Load-balancing algorithms over a set of peers, without I/O.
//!
//! A [`Group`] is the state that every thread of the proxy shares: which peers there are, how each
//! has fared, and whose turn it is. [`Group::pick`] chooses one for a request and
//! [`Group::release`] gives it back with what came of it. The choices are nginx's with a shared
//! zone, to the request: smooth weighted round robin, `least_conn`, `ip_hash`, `max_fails` and
//! `fail_timeout`, `max_conns`, `backup`, `down`.
#![forbid(unsafe_code)]

mod group;
mod tried;

pub use group::{Group, Method, Outcome, Peer, PeerView};
pub use tried::Tried;

use std::time::Duration;

/// Time since an arbitrary start, the same one for every call on a group.
pub type Time = Duration;
