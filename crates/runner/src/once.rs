//! `startup_script` and `shutdown_script`: one run that somebody waits for.

use crate::error::Error;
use crate::leftover::Leftovers;
use crate::message::Task;
use crate::process::{End, Process};
use logging::{Level, Logger};
use rustix::event::PollFd;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// The run, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Once(Option<(Process, Instant)>);

impl Once {
    /// Starts it. Says whether it runs.
    pub(crate) fn start(
        &mut self,
        task: &Task,
        limit: Duration,
        logger: &mut Logger,
        start: impl FnOnce(&Task, &mut Logger) -> Result<Process, Error>,
    ) -> bool {
        match start(task, logger) {
            Ok(process) => self.0 = Some((process, Instant::now() + limit)),
            Err(error) => logger.log(Level::Error, &format!("the script was not run: {error}")),
        }
        self.0.is_some()
    }

    /// Says whether it is over; one that takes too long is ended.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        grace: Duration,
        logger: &mut Logger,
        leftovers: &mut Leftovers,
    ) -> bool {
        let Some((process, until)) = self.0.take() else { return false };
        if process.has_ended() {
            match process.reap() {
                End::NotStarted(error) => {
                    logger.log(Level::Error, &format!("the script was not run: {error}"));
                }
                End::Exited(status) if status.success() => {}
                End::Exited(status) => {
                    logger.log(Level::Warning, &format!("the script ended with {status}"));
                }
                End::Unknown(error) => {
                    logger.log(Level::Warning, &format!("how the script ended is unknown: {error}"))
                }
            }
        } else if until <= now {
            logger.log(Level::Warning, "the script takes too long: it is ended");
            process.signal(Signal::TERM);
            leftovers.doom(process, now + grace);
        } else {
            self.0 = Some((process, until));
            return false;
        }
        true
    }

    /// Whether nothing runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// When it takes too long.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.as_ref().map(|(_, until)| *until)
    }

    /// Readable when it ends.
    pub(crate) fn poll_fd(&self) -> Option<PollFd<'_>> {
        self.0.as_ref().map(|(process, _)| process.poll_fd())
    }
}
