//! A tracked `vrrp_script`: when it runs, and how a run ends.

use crate::error::Error;
use crate::leftover::Leftovers;
use crate::message::Outcome;
use crate::process::{End, Process};
use keepalived_conf::model::VrrpScript;
use rustix::event::PollFd;
use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

/// A shorter interval would be a loop that does nothing else.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct Run {
    process: Process,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has until then.
    Going(Instant),
    /// It took too long and was told to end; its group is killed then.
    Terminated(Instant),
    /// Its group was killed, and the kernel has yet to end it.
    Killed,
}

/// A tracked script.
#[derive(Debug)]
pub(crate) struct Check {
    script: VrrpScript,
    due: Instant,
    run: Option<Run>,
    last: Option<Outcome>,
}

impl Check {
    /// Its first run is due now.
    pub(crate) fn new(script: VrrpScript, now: Instant) -> Self {
        Self { script, due: now, run: None, last: None }
    }

    /// Its configuration.
    pub(crate) fn script(&self) -> &VrrpScript {
        &self.script
    }

    /// Whether a new configuration asks for the same runs; weight and counts do not matter here.
    pub(crate) fn runs_like(&self, other: &VrrpScript) -> bool {
        let of = |script: &VrrpScript| {
            (
                script.name.clone(),
                script.command.clone(),
                script.interval,
                script.timeout,
                script.user.clone(),
            )
        };
        of(&self.script) == of(other)
    }

    /// Notes how the last run ended; says whether that is news.
    pub(crate) fn note(&mut self, outcome: &Outcome) -> bool {
        let news = self.last.as_ref() != Some(outcome);
        self.last = Some(outcome.clone());
        news
    }

    /// Takes the outcome of a run that has ended.
    pub(crate) fn end(&mut self, leftovers: &mut Leftovers) -> Option<Outcome> {
        let run = self.run.take_if(|run| run.process.has_ended())?;
        match run.stage {
            Stage::Going(_) => Some(outcome(run.process.reap())),
            Stage::Terminated(kill_at) => {
                // Others of its group may have heard the signal and ignored it.
                leftovers.doom(run.process, kill_at);
                None
            }
            Stage::Killed => {
                // Its outcome was told when it took too long.
                let _ = run.process.reap();
                None
            }
        }
    }

    /// Tells a run that takes too long to end, and starts the next one with `start` when it is due.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        grace: Duration,
        start: impl FnOnce(&VrrpScript) -> Result<Process, Error>,
    ) -> Option<Outcome> {
        let mut outcome = None;
        if let Some(run) = &mut self.run {
            match run.stage {
                Stage::Going(until) if until <= now => {
                    run.process.signal(Signal::TERM);
                    run.stage = Stage::Terminated(now + grace);
                    outcome = Some(Outcome::TimedOut);
                }
                Stage::Terminated(kill_at) if kill_at <= now => {
                    run.process.signal(Signal::KILL);
                    run.stage = Stage::Killed;
                }
                _ => {}
            }
        }
        if self.due > now {
            return outcome;
        }
        let interval = self.script.interval.max(SHORTEST_INTERVAL);
        self.due += interval;
        if self.due <= now {
            // The machine was paused: the runs in between are not made up for.
            self.due = now + interval;
        }
        if self.run.is_some() {
            return outcome;
        }
        match start(&self.script) {
            Ok(process) => {
                let until = now + self.script.timeout.max(SHORTEST_INTERVAL);
                self.run = Some(Run { process, stage: Stage::Going(until) });
                outcome
            }
            Err(error) => Some(Outcome::NotRunnable(error.to_string())),
        }
    }

    /// Ends a run that goes on.
    pub(crate) fn abandon(self, kill_at: Instant, leftovers: &mut Leftovers) {
        if let Some(run) = self.run {
            run.process.signal(Signal::TERM);
            leftovers.doom(run.process, kill_at);
        }
    }

    /// When [`advance`](Self::advance) has something to do.
    pub(crate) fn next(&self) -> Instant {
        match self.run.as_ref().map(|run| run.stage) {
            Some(Stage::Going(at) | Stage::Terminated(at)) => at.min(self.due),
            Some(Stage::Killed) | None => self.due,
        }
    }

    /// Readable when [`end`](Self::end) has something to do.
    pub(crate) fn poll_fd(&self) -> Option<PollFd<'_>> {
        self.run.as_ref().map(|run| run.process.poll_fd())
    }
}

fn outcome(end: End) -> Outcome {
    match end {
        End::NotStarted(error) => Outcome::NotRunnable(error.to_string()),
        End::Exited(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Outcome::Exited(code),
            (None, Some(signal)) => Outcome::Signalled(signal),
            (None, None) => Outcome::NotRunnable(format!("the kernel gave a status that is none: {status}")),
        },
        End::Unknown(error) => Outcome::NotRunnable(format!("how it ended is unknown: {error}")),
    }
}
