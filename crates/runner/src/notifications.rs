//! Notify scripts: one after the other for an instance, side by side for different ones.

use crate::error::Error;
use crate::leftover::Leftovers;
use crate::message::Task;
use crate::process::Process;
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
    /// When the next one is no longer held back.
    until: Instant,
}

/// The queues of all instances.
#[derive(Debug, Default)]
pub(crate) struct Notifications(BTreeMap<String, Queue>);

impl Notifications {
    /// Adds tasks behind those of the same instance.
    pub(crate) fn push(&mut self, instance: String, tasks: Vec<Task>) {
        self.0.entry(instance).or_default().waiting.extend(tasks);
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
        self.0.retain(|instance, queue| {
            if let Some(current) = queue.current.take_if(|current| current.process.has_ended()) {
                current.log_end(instance, logger);
            }
            let holds_back = !queue.waiting.is_empty();
            if let Some(current) = queue.current.take_if(|current| holds_back && current.until <= now) {
                let line = format!(
                    "({instance}) notify script {} still runs after {} s (pid {}): it is left running, the next one starts",
                    current.shown,
                    patience.as_secs(),
                    current.process.id(),
                );
                logger.log(Level::Warning, &line);
                leftovers.leave(current.process);
            }
            while queue.current.is_none()
                && let Some(task) = queue.waiting.pop_front()
            {
                let shown = show(&task);
                match start(&task, logger) {
                    Ok(process) => {
                        queue.current = Some(Current { process, shown, until: now + patience });
                    }
                    Err(error) => {
                        let line = format!("({instance}) notify script {shown} was not run: {error}");
                        logger.log(Level::Error, &line);
                    }
                }
            }
            queue.current.is_some()
        });
    }

    /// When the next one waits no longer for the one before it.
    pub(crate) fn next(&self) -> Option<Instant> {
        let held = self.0.values().filter(|queue| !queue.waiting.is_empty());
        held.filter_map(|queue| Some(queue.current.as_ref()?.until)).min()
    }

    /// Readable when a script ends.
    pub(crate) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.0.values().filter_map(|queue| Some(queue.current.as_ref()?.process.poll_fd()))
    }

    /// Whether nothing runs and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.is_empty()
    }

    /// Names what is not finished, at the end of the process.
    pub(crate) fn log_unfinished(&self, logger: &mut Logger) {
        for (instance, queue) in &self.0 {
            if let Some(current) = &queue.current {
                let line = format!(
                    "({instance}) notify script {} is left running (pid {})",
                    current.shown,
                    current.process.id()
                );
                logger.log(Level::Info, &line);
            }
            for task in &queue.waiting {
                let line = format!("({instance}) notify script {} was not run: we stop", show(task));
                logger.log(Level::Error, &line);
            }
        }
    }
}

impl Current {
    fn log_end(self, instance: &str, logger: &mut Logger) {
        let shown = self.shown;
        let line = match self.process.reap() {
            Ok(status) if status.success() => return,
            Ok(status) => match (status.code(), status.signal()) {
                (_, Some(signal)) => format!("was ended by signal {signal}"),
                (Some(code), None) => format!("failed with exit status {code}"),
                (None, None) => format!("failed: {status}"),
            },
            Err(error) => format!("ended, but how is unknown: {error}"),
        };
        logger.log(Level::Warning, &format!("({instance}) notify script {shown} {line}"));
    }
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
