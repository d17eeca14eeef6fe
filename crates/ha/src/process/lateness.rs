//! `max_auto_priority`, `min_auto_priority_delay`: who comes late gets more urgent.

use super::{Process, now};
use crate::message::Out;
use crate::{Host, Level};
use keepalived_conf::model::Processes;
use std::time::Duration;
use sys::realtime;
use vrrp::Time;

/// How late the process may come, and how far it then rises.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    /// The highest real-time priority to rise to; 0: it never rises.
    highest: u8,
    least: Duration,
    /// What the supervisor was asked for last.
    asked: Option<u8>,
}

impl Lateness {
    pub(super) fn configure(&mut self, processes: &Processes) {
        let highest = u8::try_from(processes.max_auto_priority).unwrap_or_default();
        *self = Self { highest, least: processes.min_auto_priority_delay, asked: None };
    }

    /// Takes in that a timer was due and fires only now. The priority to ask the supervisor for, where
    /// the kernel does not let this process have it without the capability: in containers.
    fn late(&mut self, by: Duration, host: &mut dyn Host) -> Option<u8> {
        if by <= self.least {
            return None;
        }
        let next = self.next(realtime::priority().ok().flatten()).filter(|next| self.asked != Some(*next))?;
        let line = format!("A thread timer expired {}.{:06} seconds ago", by.as_secs(), by.subsec_micros());
        host.log(Level::Info, &line);
        if realtime::round_robin(next).is_ok() {
            host.log(Level::Info, &format!("Set realtime priority {next}"));
            return None;
        }
        self.asked = Some(next);
        self.asked
    }

    /// The priority above this one, if it may be had.
    fn next(&self, current: Option<u8>) -> Option<u8> {
        let next = current.unwrap_or_default().saturating_add(1);
        (next <= self.highest).then_some(next)
    }
}

impl Process<'_> {
    /// Sees whether the time for which this process slept was longer than it was to be.
    pub(super) fn notice_lateness(&mut self, deadline: Option<Time>) {
        let Some(deadline) = deadline else { return };
        if let Some(priority) = self.lateness.late(now().since(deadline), self.host) {
            self.tell(&Out::Raise(priority));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_by_one_up_to_the_highest() {
        let mut lateness = Lateness::default();
        let mut next = |max_auto_priority, current| {
            lateness.configure(&Processes { max_auto_priority, ..Processes::default() });
            lateness.next(current)
        };
        assert_eq!([next(-1, None), next(0, None), next(0, Some(1))], [None, None, None]);
        assert_eq!([next(3, None), next(3, Some(1)), next(3, Some(2))], [Some(1), Some(2), Some(3)]);
        assert_eq!([next(3, Some(3)), next(3, Some(50)), next(99, Some(99))], [None, None, None]);
    }
}
