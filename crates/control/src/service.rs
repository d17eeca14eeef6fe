//! What the ways in which other programs ask have in common.

use crate::message::{Change, Configure, Daemon, FromControl, State};
use ha::message::{Dump, Refusal};
use logging::{Level, Logger};
use rustix::event::PollFd;
use std::os::fd::OwnedFd;
use std::time::Instant;

/// What a service has at hand.
pub(crate) struct Desk {
    pub(crate) asks: Vec<FromControl>,
    pub(crate) logger: Logger,
}

impl Desk {
    /// Asks something of the supervisor.
    pub(crate) fn ask(&mut self, ask: FromControl) {
        // An answer to one is an answer to all. But of changes the last one counts.
        if matches!(ask, FromControl::Adjust(_)) || !self.asks.contains(&ask) {
            self.asks.push(ask);
        }
    }

    /// Writes a line.
    pub(crate) fn log(&mut self, level: Level, line: &str) {
        self.logger.log(level, line);
    }
}

/// A connection to a daemon.
pub(crate) struct Connected {
    pub(crate) socket: OwnedFd,
    /// As whom it was made: the daemon knows.
    pub(crate) user: u32,
}

/// A way in which other programs ask. Nothing that it does may wait.
pub(crate) trait Service {
    /// The daemon through which they do.
    fn daemon(&self) -> Daemon;
    /// Takes a configuration, the first one or another.
    fn configure(&mut self, configure: &Configure, desk: &mut Desk);
    /// How everything stands.
    fn state(&mut self, state: &State, desk: &mut Desk);
    /// An instance or group changed.
    fn changed(&mut self, change: &Change, desk: &mut Desk);
    /// An instance refused a packet; of no interest unless said otherwise.
    fn refused(&mut self, _refusal: &Refusal, _desk: &mut Desk) {}
    /// A reload is in force.
    fn reloaded(&mut self, desk: &mut Desk);
    /// A file is written.
    fn written(&mut self, dump: Dump);
    /// What came of a [`FromControl::Connect`] to its daemon.
    fn connected(&mut self, outcome: Result<Connected, String>, desk: &mut Desk);
    /// What to wait for.
    fn descriptors(&self) -> Vec<PollFd<'_>>;
    /// When something is to be done though nothing arrives.
    fn next_deadline(&self) -> Option<Instant>;
    /// Does what has become due or possible.
    fn turn(&mut self, desk: &mut Desk);
    /// Says goodbye; the process ends right after.
    fn stop(&mut self, desk: &mut Desk);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Adjustment, Setting};

    #[test]
    fn the_last_change_counts() {
        let mut desk = Desk { asks: Vec::new(), logger: Logger::new(None, false, Level::Error) };
        let adjust = |priority| {
            let setting = Setting::Priority(priority);
            FromControl::Adjust(Adjustment { instance: "V".to_owned(), setting })
        };
        for ask in [adjust(100), FromControl::AskState, adjust(50), FromControl::AskState, adjust(100)] {
            desk.ask(ask);
        }
        assert_eq!(desk.asks, [adjust(100), FromControl::AskState, adjust(50), adjust(100)]);
    }
}
