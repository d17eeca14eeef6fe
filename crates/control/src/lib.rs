//! The control process: what other programs ask of us and are told by us.
//!
//! It has no rights of its own. One thread waits for the supervisor and for the services, each of
//! which speaks one protocol ([`service::Service`]) over a connection that the supervisor makes
//! ([`link::Link`]) because the daemon at the other end wants to hear it from root.
#![forbid(unsafe_code)]

pub mod link;
pub mod message;
mod process;
pub mod service;

use ipc::Channel;
use logging::Logger;
use message::{FromControl, ToControl};

/// The work of the process; returns when it is told to stop or when the supervisor is gone. `beat` is
/// called at least once in two seconds.
///
/// # Errors
/// The channel breaks in another way.
pub fn run(
    channel: Channel<FromControl, ToControl>,
    logger: Logger,
    beat: &mut dyn FnMut(),
) -> Result<(), ipc::Error> {
    process::Process::new(channel, logger, Vec::new()).run(beat)
}
