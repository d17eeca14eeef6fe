//! Virtual data centres in network namespaces, for `backstay lab` and for tests.
//!
//! A [`Lab`] is a switch and the [`Host`]s on it. Each host has its own network, mounts, processes and
//! name, so that real configuration files, real peers and their scripts run beside ours, unchanged.
//! Everything of a lab ends with the value, or with the process that made it, in whatever way that
//! ends. Scenarios ([`scenario::Scenario`]) are data; what happened is measured from the client.
#![forbid(unsafe_code)]

mod command;
mod crash;
mod error;
mod files;
pub mod first_tutorial;
mod host;
mod journal;
mod measure;
mod network;
mod program;
pub mod scenario;
mod stand_in;
pub mod tutorial;
mod uml;

pub use command::{Options, command};
pub use crash::{CrashRun, CrashRuns, crash_runs};
pub use error::Error;
pub use host::{Host, Output};
pub use journal::{Event, Journal, What};
pub use measure::{Advert, AdvertCapture, ProbeTrain, RequestTrain, Requests};
pub use network::Lab;
pub use program::{Program, Programs};
pub use stand_in::stand_in;
pub use uml::UserModeLinux;
