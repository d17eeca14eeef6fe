//! Notify scripts: one after the other for an instance, side by side for different ones.

use crate::error::Error;
use crate::leftover::Leftovers;
use crate::message::Task;
use crate::process::{End, Process};
use keepalived_conf::model::Command;
use logging::{Level, Logger};
use rustix::event::PollFd;
use std::collections::{BTreeMap, VecDeque};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Queue {
    current: Option<Current>,
    waiting: VecDeque<Task>,
}

#[derive(Debug)]
struct Current {
    process: Process,
    shown: String,
    since: Instant,
    /// When the next one is no longer held back.
    until: Instant,
}

impl Queue {
    /// Until when the current one holds the next one back.
    fn held_until(&self, hurry: Option<Instant>) -> Option<Instant> {
        let until = self.current.as_ref()?.until;
        Some(hurry.map_or(until, |hurry| until.min(hurry)))
    }

    /// The next one, if it may start now.
    fn next(&mut self, now: Instant, hurry: Option<Instant>) -> Option<Task> {
        match self.held_until(hurry) {
            Some(until) if until > now => None,
            _ => self.waiting.pop_front(),
        }
    }
}

/// The queues of all instances.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    queues: BTreeMap<String, Queue>,
    hurry: Option<Instant>,
}

impl Notifications {
    /// Adds tasks behind those of the same instance.
    pub(crate) fn push(&mut self, instance: String, tasks: Vec<Task>) {
        self.queues.entry(instance).or_default().waiting.extend(tasks);
    }

    /// From then on nothing is held back any more: a late script is better than none.
    pub(crate) fn hurry(&mut self, from: Instant) {
        self.hurry = Some(from);
    }

    /// Takes note of what has ended and starts what may start.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        patience: Duration,
        logger: &mut Logger,
        leftovers: &mut Leftovers,
        mut start: impl FnMut(&Task, &mut Logger) -> Result<Process, Error>,
    ) {
        let hurry = self.hurry;
        self.queues.retain(|instance, queue| {
            if let Some(current) = queue.current.take_if(|current| current.process.has_ended()) {
                current.log_end(instance, logger);
            }
            while let Some(task) = queue.next(now, hurry) {
                if let Some(current) = queue.current.take() {
                    let line = format!(
                        "({instance}) notify script {} still runs after {} ms (pid {}): \
                         it is left running, the next one starts",
                        current.shown,
                        (now - current.since).as_millis(),
                        pid(&current.process),
                    );
                    logger.log(Level::Warning, &line);
                    leftovers.leave(current.process);
                }
                let shown = show(&task);
                match start(&task, logger) {
                    Ok(process) => {
                        queue.current = Some(Current { process, shown, since: now, until: now + patience });
                    }
                    Err(error) => log_failure(instance, &shown, &error, logger),
                }
            }
            queue.current.is_some()
        });
    }

    /// When the next one waits no longer for the one before it.
    pub(crate) fn next(&self) -> Option<Instant> {
        let held = self.queues.values().filter(|queue| !queue.waiting.is_empty());
        held.filter_map(|queue| queue.held_until(self.hurry)).min()
    }

    /// Readable when a script ends.
    pub(crate) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.queues.values().filter_map(|queue| Some(queue.current.as_ref()?.process.poll_fd()))
    }

    /// Whether nothing runs and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.queues.is_empty()
    }

    /// Names what is not finished, at the end of the process.
    pub(crate) fn log_unfinished(&self, logger: &mut Logger) {
        for (instance, queue) in &self.queues {
            if let Some(current) = &queue.current {
                let line = format!(
                    "({instance}) notify script {} is left running (pid {})",
                    current.shown,
                    pid(&current.process)
                );
                logger.log(Level::Info, &line);
            }
        }
    }
}

impl Current {
    fn log_end(self, instance: &str, logger: &mut Logger) {
        let shown = self.shown;
        let line = match self.process.reap() {
            End::NotStarted(error) => return log_failure(instance, &shown, &error, logger),
            End::Exited(status) if status.success() => return,
            End::Exited(status) => match (status.code(), status.signal()) {
                (_, Some(signal)) => format!("was ended by signal {signal}"),
                (Some(code), None) => format!("failed with exit status {code}"),
                (None, None) => format!("failed: {status}"),
            },
            End::Unknown(error) => format!("ended, but how is unknown: {error}"),
        };
        logger.log(Level::Warning, &format!("({instance}) notify script {shown} {line}"));
    }
}

fn log_failure(instance: &str, shown: &str, error: &Error, logger: &mut Logger) {
    let line = format!("({instance}) notify script {shown} was not run: {error}");
    logger.log(Level::Error, &line);
}

/// The number of a process as a log line shows it.
fn pid(process: &Process) -> String {
    process.id().map_or_else(|| "not there yet".to_owned(), |id| id.to_string())
}

/// The command as a log line shows it.
fn show(task: &Task) -> String {
    let command = match &task.command {
        Command::Exec(words) => words.join(" "),
        Command::Shell { line, .. } => line.clone(),
        Command::FileOpens(path) => format!("<{}", path.display()),
    };
    let mut shown = format!("`{command}");
    for argument in &task.arguments {
        shown.push(' ');
        shown.push_str(argument);
    }
    shown.push('`');
    shown
}
