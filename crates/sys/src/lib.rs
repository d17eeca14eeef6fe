//! The operating system: every unsafe block and raw system call.
//!
//! What rustix offers safely is used from rustix directly; here stands the rest.

pub mod child;
pub mod confine;
pub mod datagram;
pub mod heartbeat;
pub mod link_state;
pub mod namespace;
pub mod packet;
pub mod privileges;
pub mod process;
pub mod process_events;
pub mod processes;
pub mod realtime;
pub mod signals;
pub mod socket;
pub mod time;
