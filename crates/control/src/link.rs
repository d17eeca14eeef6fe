//! A connection to a daemon that may be away, and come back.

use crate::message::{Daemon, FromControl};
use crate::service::{Connected, Desk};
use logging::Level;
use std::time::{Duration, Instant};

/// The wait after the first failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The supervisor answers at once; an answer that takes so long was dropped on its way.
const ANSWER: Duration = Duration::from_secs(5);
/// A connection that held for so long was a good one.
const HEALTHY: Duration = Duration::from_secs(10);

/// When to ask for a connection, and what has become of it.
#[derive(Debug)]
pub(crate) struct Link {
    daemon: Daemon,
    phase: Phase,
    failures: u32,
    /// The last reason that the log was told.
    told: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unwanted,
    /// To be asked for at this time.
    Waiting(Instant),
    /// Asked for at this time.
    Asked(Instant),
    /// There since this time.
    Up(Instant),
}

impl Link {
    /// One that nobody wants yet.
    pub(crate) fn new(daemon: Daemon) -> Self {
        Self { daemon, phase: Phase::Unwanted, failures: 0, told: String::new() }
    }

    /// Says whether it is wanted. Whoever does not want it any more closes the socket.
    pub(crate) fn want(&mut self, wanted: bool, now: Instant) {
        if !wanted {
            *self = Self::new(self.daemon);
        } else if self.phase == Phase::Unwanted {
            self.phase = Phase::Waiting(now);
        }
    }

    /// Asks for a connection when that is due.
    pub(crate) fn turn(&mut self, now: Instant, desk: &mut Desk) {
        if self.next_deadline().is_some_and(|at| at <= now) {
            self.phase = Phase::Asked(now);
            desk.ask(FromControl::Connect(self.daemon));
        }
    }

    /// Takes what came of it: the connection, if there is one and it is wanted.
    pub(crate) fn answered(
        &mut self,
        outcome: Result<Connected, String>,
        now: Instant,
        desk: &mut Desk,
    ) -> Option<Connected> {
        if !matches!(self.phase, Phase::Asked(_)) {
            return None;
        }
        match outcome {
            Ok(connected) => {
                self.phase = Phase::Up(now);
                Some(connected)
            }
            Err(why) => {
                self.lost(&why, now, desk);
                None
            }
        }
    }

    /// The connection is lost, or was of no use: it is asked for again after a while.
    pub(crate) fn lost(&mut self, why: &str, now: Instant, desk: &mut Desk) {
        if matches!(self.phase, Phase::Up(since) if now.saturating_duration_since(since) >= HEALTHY) {
            self.failures = 0;
            self.told.clear();
        }
        // Told once, not with every attempt.
        if self.told != why {
            why.clone_into(&mut self.told);
            let line = format!("{} cannot be reached, trying again now and then: {why}", self.daemon);
            desk.log(Level::Warning, &line);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(10)).min(LONGEST_WAIT);
        self.failures += 1;
        self.phase = Phase::Waiting(now + wait);
    }

    /// When [`turn`](Self::turn) has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Unwanted | Phase::Up(_) => None,
            Phase::Waiting(at) => Some(at),
            Phase::Asked(at) => Some(at + ANSWER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use logging::Logger;

    fn desk() -> Desk {
        Desk { asks: Vec::new(), logger: Logger::new(None, false, Level::Error) }
    }

    fn connected() -> Connected {
        let (socket, _) = std::os::unix::net::UnixStream::pair().unwrap();
        Connected { socket: socket.into(), user: 0 }
    }

    #[test]
    fn a_daemon_that_is_away_is_asked_for_less_and_less_often() {
        let (mut link, mut desk, start) = (Link::new(Daemon::SystemBus), desk(), Instant::now());
        link.turn(start, &mut desk);
        assert!(desk.asks.is_empty() && link.next_deadline().is_none());
        link.want(true, start);
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..7 {
            link.turn(now, &mut desk);
            assert_eq!(desk.asks.pop(), Some(FromControl::Connect(Daemon::SystemBus)));
            assert!(link.answered(Err("away".to_owned()), now, &mut desk).is_none());
            let at = link.next_deadline().unwrap();
            waits.push((at - now).as_secs());
            now = at;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_lost_answer_is_asked_for_again_and_a_late_one_not_taken() {
        let (mut link, mut desk, start) = (Link::new(Daemon::AgentX), desk(), Instant::now());
        link.want(true, start);
        link.turn(start, &mut desk);
        link.turn(start, &mut desk);
        assert_eq!(desk.asks.len(), 1);
        desk.asks.clear();
        link.turn(start + ANSWER, &mut desk);
        assert_eq!(desk.asks.len(), 1);
        link.want(false, start);
        assert!(link.answered(Ok(connected()), start, &mut desk).is_none());
    }

    #[test]
    fn a_connection_that_held_is_sought_again_soon() {
        let (mut link, mut desk, start) = (Link::new(Daemon::SystemBus), desk(), Instant::now());
        link.want(true, start);
        for _ in 0..5 {
            link.lost("away", start, &mut desk);
        }
        let at = link.next_deadline().unwrap();
        link.turn(at, &mut desk);
        assert!(link.answered(Ok(connected()), at, &mut desk).is_some());
        assert!(link.next_deadline().is_none());
        let later = at + HEALTHY;
        link.lost("gone", later, &mut desk);
        assert_eq!(link.next_deadline(), Some(later + FIRST_WAIT));
    }
}
