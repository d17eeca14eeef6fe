//! `bfd_instance`: what does not change while a session runs, except by a reload.

use std::time::Duration;

/// The shortest interval while not up. RFC 5880 §6.8.3.
const SLOWEST_FAST: Duration = Duration::from_secs(1);

/// The settings of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `min_tx`: the interval at which we would like to send while up; 1 µs to 4294 s.
    pub min_tx: Duration,
    /// `min_rx`: the shortest interval at which we can receive; 1 µs to 4294 s.
    pub min_rx: Duration,
    /// `idle_tx`: the interval while not up; at least a second, or it counts as one.
    pub idle_tx: Duration,
    /// `multiplier`: after so many missing packets of ours the neighbour takes us for gone; 0 is 1.
    pub multiplier: u8,
    /// `passive`: says nothing before the neighbour does.
    pub passive: bool,
}

impl Default for Settings {
    /// keepalived's.
    fn default() -> Self {
        Self {
            min_tx: Duration::from_millis(10),
            min_rx: Duration::from_millis(10),
            idle_tx: Duration::from_secs(1),
            multiplier: 5,
            passive: false,
        }
    }
}

impl Settings {
    /// The interval at which we would like to send.
    pub(crate) fn desired(&self, up: bool) -> Duration {
        if up { self.min_tx } else { self.idle_tx.max(SLOWEST_FAST) }
    }
}

/// An interval as a packet carries it.
pub(crate) fn microseconds(interval: Duration) -> u32 {
    u32::try_from(interval.as_micros()).unwrap_or(u32::MAX).max(1)
}
