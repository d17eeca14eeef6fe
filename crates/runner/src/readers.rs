//! `notify_fifo_script` and `vrrp_notify_fifo_script`: each runs as long as its FIFO is there.

use crate::error::Error;
use crate::leftover::Leftovers;
use crate::message::Task;
use crate::process::{End, Process};
use logging::{Level, Logger};
use rustix::event::PollFd;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// A script that ended is started again, but no more often than this.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Reader {
    task: Task,
    process: Option<Process>,
    /// When it may be started.
    due: Instant,
}

/// The scripts that read FIFOs.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    readers: Vec<Reader>,
    /// From then on those that still run are told to end.
    end: Option<Instant>,
}

impl Readers {
    /// Takes other scripts; those that stay run on.
    pub(crate) fn configure(&mut self, tasks: Vec<Task>, kill_at: Instant, leftovers: &mut Leftovers) {
        let mut old = std::mem::take(&mut self.readers);
        for task in tasks {
            let same = old.iter().position(|reader| reader.task == task);
            self.readers.push(match same {
                Some(at) => old.swap_remove(at),
                None => Reader { task, process: None, due: Instant::now() },
            });
        }
        for process in old.into_iter().filter_map(|reader| reader.process) {
            process.signal(Signal::TERM);
            leftovers.doom(process, kill_at);
        }
    }

    /// Starts none any more. The FIFOs are gone: who reads to their end has until then to do so.
    pub(crate) fn stop(&mut self, end: Instant) {
        self.readers.retain(|reader| reader.process.is_some());
        self.end = Some(end);
    }

    /// Starts what may start, and says what has ended.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        kill_at: Instant,
        logger: &mut Logger,
        leftovers: &mut Leftovers,
        mut start: impl FnMut(&Task, &mut Logger) -> Result<Process, Error>,
    ) {
        for reader in &mut self.readers {
            let path = reader.task.arguments.last().map_or("", String::as_str);
            // One whose end is noticed below starts a turn later: by then it has been heard whether the end
            // was that of the FIFO, at a stop.
            if reader.process.is_none() && reader.due <= now && self.end.is_none() {
                reader.due = now + PAUSE;
                match start(&reader.task, logger) {
                    Ok(process) => reader.process = Some(process),
                    Err(error) => complain(path, &error, logger),
                }
            }
            if let Some(process) = reader.process.take_if(|process| process.has_ended()) {
                match process.reap() {
                    End::NotStarted(error) => complain(path, &error, logger),
                    End::Exited(_) | End::Unknown(_) if self.end.is_none() => {
                        let line = format!(
                            "the script that reads the notify fifo {path} has ended: starting it again"
                        );
                        logger.log(Level::Warning, &line);
                    }
                    End::Exited(_) | End::Unknown(_) => {}
                }
            }
        }
        if let Some(end) = self.end {
            self.readers.retain(|reader| reader.process.is_some());
            if end <= now {
                for process in self.readers.drain(..).filter_map(|reader| reader.process) {
                    process.signal(Signal::TERM);
                    leftovers.doom(process, kill_at);
                }
            }
        }
    }

    /// When [`advance`](Self::advance) has something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        let waiting = self.readers.iter().filter(|reader| reader.process.is_none());
        let due = waiting.map(|reader| reader.due).min().filter(|_| self.end.is_none());
        [due, self.end.filter(|_| !self.readers.is_empty())].into_iter().flatten().min()
    }

    /// Readable when a script ends.
    pub(crate) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.readers.iter().filter_map(|reader| Some(reader.process.as_ref()?.poll_fd()))
    }

    /// Whether none runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.readers.iter().all(|reader| reader.process.is_none())
    }
}

fn complain(path: &str, error: &Error, logger: &mut Logger) {
    let line = format!("the script that reads the notify fifo {path} was not run: {error}");
    logger.log(Level::Error, &line);
}
