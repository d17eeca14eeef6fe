//! The operating system: every unsafe block and raw system call.
//!
//! What rustix offers safely is used from rustix directly; here stands the rest.

pub mod heartbeat;
pub mod namespace;
pub mod packet;
pub mod privileges;
pub mod realtime;
pub mod time;
