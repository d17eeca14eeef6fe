//! Children that nobody waits for any more: killed checks, notify scripts that take too long.

use crate::process::Process;
use rustix::event::PollFd;
use rustix::process::Signal;
use std::time::Instant;

#[derive(Debug)]
struct Leftover {
    process: Process,
    /// When its group is killed. Until then it is not reaped, even when it has ended: others of its
    /// group may live on, and the group keeps its number only as long as the zombie stands.
    kill_at: Option<Instant>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Leftovers(Vec<Leftover>);

impl Leftovers {
    /// A group that was told to end and is killed at this time.
    pub(crate) fn doom(&mut self, process: Process, kill_at: Instant) {
        self.0.push(Leftover { process, kill_at: Some(kill_at) });
    }

    /// A child that runs on undisturbed.
    pub(crate) fn leave(&mut self, process: Process) {
        self.0.push(Leftover { process, kill_at: None });
    }

    /// Kills what is due and reaps what has ended.
    pub(crate) fn advance(&mut self, now: Instant) {
        for leftover in &mut self.0 {
            if leftover.kill_at.is_some_and(|at| at <= now) {
                leftover.process.signal(Signal::KILL);
                leftover.kill_at = None;
            }
        }
        let ended = |leftover: &mut Leftover| leftover.kill_at.is_none() && leftover.process.has_ended();
        for leftover in self.0.extract_if(.., ended) {
            // How it ended interests nobody any more.
            let _ = leftover.process.reap();
        }
    }

    /// Kills every group that is to be killed, now.
    pub(crate) fn kill(&mut self) {
        for leftover in self.0.iter_mut().filter(|leftover| leftover.kill_at.is_some()) {
            leftover.process.signal(Signal::KILL);
            leftover.kill_at = None;
        }
    }

    /// Whether every child that is to be killed has ended by itself.
    pub(crate) fn doomed_have_ended(&self) -> bool {
        self.0.iter().all(|leftover| leftover.kill_at.is_none() || leftover.process.has_ended())
    }

    /// The next time at which something is to be killed.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().filter_map(|leftover| leftover.kill_at).min()
    }

    /// Readable when something is to be reaped.
    pub(crate) fn poll_fds(&self, while_stopping: bool) -> impl Iterator<Item = PollFd<'_>> {
        let wanted = move |leftover: &&Leftover| {
            leftover.kill_at.is_none() || (while_stopping && !leftover.process.has_ended())
        };
        self.0.iter().filter(wanted).map(|leftover| leftover.process.poll_fd())
    }
}
