//! The control process: what other programs ask of us and are told by us.
//!
//! It has no rights of its own. One thread waits for the supervisor and for the services, each of
//! which speaks one protocol (`service::Service`) over a connection (`link::Link`) that it makes as the
//! user that it runs as, or that the supervisor makes where the daemon at the other end wants to hear it
//! from root.
#![forbid(unsafe_code)]

pub mod connect;
mod dbus;
mod link;
pub mod message;
mod process;
mod service;
mod snmp;

use dbus::Dbus;
use ipc::Channel;
use logging::Logger;
use message::{FromControl, ToControl};
use service::Service;
use snmp::Snmp;
use std::time::Instant;

/// The work of the process; returns when it is told to stop or when the supervisor is gone. `supervisor`
/// is the user as whom that one connects; `beat` is called at least once in two seconds.
///
/// # Errors
/// The channel breaks in another way.
pub fn run(
    channel: Channel<FromControl, ToControl>,
    logger: Logger,
    supervisor: u32,
    beat: &mut dyn FnMut(),
) -> Result<(), ipc::Error> {
    let services: Vec<Box<dyn Service>> =
        vec![Box::new(Dbus::default()), Box::new(Snmp::new(Instant::now()))];
    process::Process::new(channel, logger, supervisor, services).run(beat)
}
