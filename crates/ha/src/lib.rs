//! The vrrp process: it keeps addresses where they belong.
//!
//! [`run`] receives a configuration from the supervisor and drives one [`vrrp::Router`] for each
//! instance: packets and changes of the network go in, and what comes out is done in keepalived's
//! order: advertise, move addresses, announce them, tell the scripts. Scripts and mail are run
//! elsewhere; here nothing blocks.
//!
//! On every turn of the loop the receive queues are emptied before any timer fires and before any
//! packet leaves. So a process that was paused (a stopped virtual machine, a debugger) first learns
//! what happened meanwhile, and obeys it.
#![forbid(unsafe_code)]

pub mod dump;
mod handover;
mod instance;
pub mod message;
mod network;
mod process;
mod rivals;
mod tracking;

pub use process::run;
pub use rivals::{Rival, rivals};
pub use tracking::write_initial_files;

use rustix::io::Errno;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// keepalived writes it only with `-D`.
    Detail,
    /// Worth knowing.
    Info,
    /// Something is set up in a way that will hurt.
    Warning,
    /// Something does not work.
    Error,
}

/// What the process needs from whoever runs it.
pub trait Host {
    /// Writes a line to the log. Called between an advertisement and the addresses, so it must not
    /// block.
    fn log(&mut self, level: Level, line: &str);

    /// Called on every turn of the loop, twice a second at least: the process is alive.
    fn beat(&mut self) {}
}

/// Why [`run`] returned without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The supervisor asked for it.
    Asked,
    /// The supervisor is gone. The addresses were given up.
    SupervisorGone,
}

/// Why the process cannot go on. All addresses stay where they are: a successor resumes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused something the process cannot do without, such as a packet socket without
    /// CAP_NET_RAW.
    Kernel {
        /// What was asked of it.
        what: &'static str,
        /// Its answer.
        errno: Errno,
    },
    /// Links and addresses cannot be asked for.
    Netlink(netlink::Error),
    /// The supervisor sent what is no message, or cannot be sent to.
    Supervisor(ipc::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Kernel { what, errno } => write!(f, "the kernel refused {what}: {errno}"),
            Error::Netlink(error) => write!(f, "links and addresses: {error}"),
            Error::Supervisor(error) => write!(f, "channel to the supervisor: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<netlink::Error> for Error {
    fn from(error: netlink::Error) -> Self {
        Error::Netlink(error)
    }
}
