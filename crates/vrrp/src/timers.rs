//! The timers of a virtual router, as a table.

use crate::Time;
use std::time::Duration;

/// What a virtual router waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Backup: no advertisement for so long means there is no master. RFC 3768 §6.2.
    MasterDown,
    /// Master: time for the next advertisement. RFC 3768 §6.2.
    Advertise,
    /// Master: the second burst of ARPs after the transition.
    SecondBurst,
    /// Master: the second burst after a lower-priority master was heard.
    SecondLowerBurst,
    /// Master: the periodic burst.
    Refresh,
    /// Master and address owner: another owner should have fallen silent by now.
    Rogue,
}

impl Timer {
    /// All timers, in the order in which timers due at the same time fire.
    pub const ALL: [Timer; 6] = [
        Timer::MasterDown,
        Timer::Advertise,
        Timer::SecondBurst,
        Timer::SecondLowerBurst,
        Timer::Refresh,
        Timer::Rogue,
    ];
}

/// A deadline, or none, for each timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timers([Option<Time>; Timer::ALL.len()]);

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Time) {
        self.0[timer as usize] = Some(at);
    }

    pub(crate) fn unset(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(crate) fn at(&self, timer: Timer) -> Option<Time> {
        self.0[timer as usize]
    }

    pub(crate) fn clear(&mut self) {
        *self = Timers::default();
    }

    /// The earliest deadline and whose it is.
    pub(crate) fn next(&self) -> Option<(Time, Timer)> {
        let set = Timer::ALL.iter().filter_map(|&timer| Some((self.at(timer)?, timer)));
        set.min_by_key(|&(at, _)| at)
    }

    /// Takes out the earliest timer that is due.
    pub(crate) fn take_due(&mut self, now: Time) -> Option<Timer> {
        let (at, timer) = self.next()?;
        if at > now {
            return None;
        }
        self.0[timer as usize] = None;
        Some(timer)
    }

    /// Moves a running timer later by `later` and earlier by `earlier`.
    pub(crate) fn shift(&mut self, timer: Timer, later: Duration, earlier: Duration) {
        if let Some(at) = &mut self.0[timer as usize] {
            *at = Time((at.0 + later).saturating_sub(earlier));
        }
    }
}
