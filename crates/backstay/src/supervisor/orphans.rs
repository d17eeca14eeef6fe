//! The first process of a container is the parent of every process whose own parent has ended, of what
//! scripts leave behind for example. If it did not take note of their ends, the container would run out of
//! process numbers.

use rustix::process::{Pid, WaitOptions, getpid, waitpid};
use std::time::{Duration, Instant};

/// So often it is looked for them.
const PERIOD: Duration = Duration::from_secs(5);

/// When they are looked for next; never by a process that is not the first.
#[derive(Debug)]
pub(super) struct Orphans(Option<Instant>);

impl Default for Orphans {
    fn default() -> Self {
        Self((getpid() == Pid::INIT).then(Instant::now))
    }
}

impl Orphans {
    /// Takes note of the ends of children that are not `ours`, when it is time.
    pub(super) fn reap(&mut self, ours: &[u32]) {
        let now = Instant::now();
        let Some(next) = self.0.as_mut().filter(|next| **next <= now) else { return };
        *next = now + PERIOD;
        for pid in sys::processes::ended_children().unwrap_or_default() {
            let orphan = i32::try_from(pid).ok().and_then(Pid::from_raw).filter(|_| !ours.contains(&pid));
            if orphan.is_some() {
                let _ = waitpid(orphan, WaitOptions::NOHANG);
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.0
    }
}
