//! The runner process: check and notify scripts, mail.
//!
//! It is the only place that runs what an operator wrote. One thread waits for the supervisor, for
//! the ends of its children and for deadlines, and never for any of them alone; mail is sent on a
//! second thread, which is started with the first mail.
#![forbid(unsafe_code)]

mod check;
mod error;
mod launcher;
mod leftover;
mod mail;
pub mod message;
mod notifications;
mod once;
mod post;
mod process;
mod readers;
mod runner;

#[cfg(test)]
mod tests;

use ipc::Channel;
use logging::Logger;
use message::{FromRunner, ToRunner};
use std::time::Duration;

/// How long things are waited for.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// From SIGTERM to SIGKILL.
    pub(crate) grace: Duration,
    /// How long a notify script holds back the next one of its instance.
    pub(crate) patience: Duration,
    /// How long notify scripts and mail have to end when the runner is told to stop.
    pub(crate) farewell: Duration,
    /// How long to wait before each further attempt to send a mail.
    pub(crate) mail_waits: Vec<Duration>,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(2),
            patience: Duration::from_secs(60),
            farewell: Duration::from_secs(1),
            mail_waits: [1, 5, 15, 60, 120, 300].map(Duration::from_secs).to_vec(),
        }
    }
}

/// The work of the process; returns when it is told to stop or when the supervisor is gone. `beat` is
/// called every three seconds at least.
///
/// Notify scripts that still run then are left running; checks are killed.
///
/// # Errors
/// The channel breaks in another way.
pub fn run(
    channel: Channel<FromRunner, ToRunner>,
    logger: Logger,
    beat: &mut dyn FnMut(),
) -> Result<(), ipc::Error> {
    runner::Runner::new(channel, logger, Times::default()).run(beat)
}
