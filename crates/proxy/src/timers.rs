//! Deadlines of connections.
//!
//! A deadline moves with every byte; the heap must not. So a connection keeps its deadline itself
//! and has one entry in the heap, which, when it comes due too early, is put back for later.

use crate::arena::Token;
use crate::clock::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A deadline with its place in the heap.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline {
    at: Option<Time>,
    queued: Option<Time>,
}

impl Deadline {
    /// When it passes.
    pub(crate) fn at(&self) -> Option<Time> {
        self.at
    }
}

/// All deadlines of a thread.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Time, u64)>>,
}

/// What became of a heap entry that was due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The deadline has passed.
    Passed,
    /// It was moved or cleared; nothing happens.
    Moved,
}

impl Timers {
    /// Sets the deadline of a connection.
    pub(crate) fn set(&mut self, deadline: &mut Deadline, at: Time, token: Token, bit: bool) {
        deadline.at = Some(at);
        if deadline.queued.is_none_or(|queued| at < queued) {
            deadline.queued = Some(at);
            self.heap.push(Reverse((at, token.to_bits(bit))));
        }
    }

    /// Clears the deadline of a connection.
    pub(crate) fn clear(deadline: &mut Deadline) {
        deadline.at = None;
    }

    /// The connection of an entry that is due, if any.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Token, bool)> {
        let Reverse((at, bits)) = *self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop();
        Some(Token::from_bits(bits))
    }

    /// Decides about the deadline of a connection that [`pop`](Self::pop) gave.
    pub(crate) fn check(&mut self, deadline: &mut Deadline, now: Time, token: Token, bit: bool) -> Due {
        deadline.queued = None;
        match deadline.at {
            Some(at) if at <= now => {
                deadline.at = None;
                Due::Passed
            }
            Some(at) => {
                self.set(deadline, at, token, bit);
                Due::Moved
            }
            None => Due::Moved,
        }
    }

    /// How long the loop may sleep; `None` is for ever.
    pub(crate) fn sleep(&self, now: Time) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| at.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;

    #[test]
    fn a_moved_deadline_fires_once_and_late() {
        let (mut timers, mut deadline) = (Timers::default(), Deadline::default());
        let token = Arena::default().insert_with(|_| ());
        let at = Time::from_secs;
        timers.set(&mut deadline, at(5), token, true);
        timers.set(&mut deadline, at(9), token, true);
        assert_eq!(timers.sleep(at(0)), Some(at(5)));
        assert_eq!(timers.pop(at(5)), Some((token, true)));
        assert_eq!(timers.check(&mut deadline, at(5), token, true), Due::Moved);
        assert_eq!(timers.pop(at(8)), None);
        assert_eq!(timers.pop(at(9)), Some((token, true)));
        assert_eq!(timers.check(&mut deadline, at(9), token, true), Due::Passed);
        assert_eq!(timers.sleep(at(9)), None);
    }
}
