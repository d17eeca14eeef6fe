//! The proxy process: HTTP, static files, upstreams.
//!
//! One process, N threads. Each thread ([`worker`]) owns its connections, its epoll instance and
//! its copy of the compiled configuration ([`site`]); only what must be exact across threads is
//! shared: whose turn it is among the peers of an upstream, and the log files. The main thread
//! ([`control`]) talks to the supervisor, takes signals, and hands both on to the workers.
#![forbid(unsafe_code)]

mod arena;
mod clock;
mod control;
mod exchange;
mod log;
pub mod message;
mod output;
mod request;
mod shared;
mod site;
mod timers;
mod worker;

pub use control::{Stopped, run};

/// What `Server:` and error pages say with `server_tokens on`.
pub(crate) const SERVER_WITH_VERSION: &str = concat!("backstay/", env!("CARGO_PKG_VERSION"));
/// What they say with `server_tokens off`.
pub(crate) const SERVER: &str = "backstay";
