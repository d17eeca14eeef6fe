//! AgentX (RFC 2741): what a subagent says to the master agent of an SNMP engine, such as Net-SNMP's
//! snmpd.
//!
//! Nothing here does I/O or reads a clock. Bytes that the master sends go into [`Session::on`], and
//! [`Action`]s come out in the order in which they must be carried out; [`Session::next_deadline`]
//! says when it wants [`Event::Timer`]. Requests for objects come out as [`Request`]s: they are
//! answered from a [`Tree`], at once or when its values have been fetched.
//!
//! Times are durations on a clock that never goes back, counted from any start the caller likes.
#![forbid(unsafe_code)]

mod frames;
mod oid;
mod pdu;
mod request;
mod session;
mod table;
mod tree;
mod value;

pub use oid::Oid;
pub use pdu::{ErrorStatus, Header, Message, Pdu, Region, Reject, SearchRange, VarBind};
pub use request::{Answer, Demand, Request};
pub use session::{Action, Event, Line, Notification, Session, Settings, Subtree};
pub use table::{Column, Table};
pub use tree::Tree;
pub use value::Value;

/// The TCP port of a master agent. RFC 2741 §8.1.1.
pub const PORT: u16 = 705;

/// The socket of a master agent. RFC 2741 §8.2.
pub const SOCKET: &str = "/var/agentx/master";
