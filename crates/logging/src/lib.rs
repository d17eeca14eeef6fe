//! Where log lines go: stderr, files, syslog.
//!
//! The processes of the keepalived side log through [`Syslog`] and stderr as keepalived does; the
//! proxy writes nginx's error and access logs to [`Sink`]s whose descriptors the supervisor opened.
#![forbid(unsafe_code)]

mod logger;
mod sink;
mod syslog;

pub use logger::{Level, Logger};
pub use sink::Sink;
pub use syslog::{Facility, Syslog};
