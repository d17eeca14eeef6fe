//! Local time, which only the C library knows, and clocks that tell whether this host has slept.

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::mem::MaybeUninit;
use std::time::Duration;

/// A moment by two clocks: one stands still while the host is suspended, the other goes on. Both go on
/// while a process, or a virtual machine whose clock is kept, is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// `CLOCK_MONOTONIC`, by which `Instant` and timers go.
    pub monotonic: Duration,
    /// `CLOCK_BOOTTIME`.
    pub boottime: Duration,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self { monotonic: read(ClockId::Monotonic), boottime: read(ClockId::Boottime) }
    }

    /// How long it is since an earlier moment, suspension included: the larger of what the clocks say.
    pub fn since(self, earlier: Moment) -> Duration {
        let awake = self.monotonic.saturating_sub(earlier.monotonic);
        awake.max(self.boottime.saturating_sub(earlier.boottime))
    }

    /// For how long of that the host was suspended. The clocks are read one after the other, so less
    /// than a millisecond means nothing.
    pub fn suspended_since(self, earlier: Moment) -> Duration {
        let all = self.boottime.saturating_sub(earlier.boottime);
        all.saturating_sub(self.monotonic.saturating_sub(earlier.monotonic))
    }
}

fn read(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    // Neither clock is ever negative.
    Duration::new(u64::try_from(tv_sec).unwrap_or(0), u32::try_from(tv_nsec).unwrap_or(0))
}

/// How far local time is from UTC at a moment, by `/etc/localtime` or `TZ`; zero when unknown.
pub fn local_offset(seconds: i64) -> i64 {
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are valid for the call; localtime_r writes only to `parts`, which is
    // fully initialised (zeroed) whatever it returns.
    unsafe {
        if libc::localtime_r(&seconds, parts.as_mut_ptr()).is_null() {
            return 0;
        }
        parts.assume_init().tm_gmtoff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspension_is_the_difference_of_the_clocks() {
        let moment = |monotonic, boottime| Moment {
            monotonic: Duration::from_secs(monotonic),
            boottime: Duration::from_secs(boottime),
        };
        let (before, after) = (moment(100, 150), moment(103, 213));
        assert_eq!(after.since(before), Duration::from_secs(63));
        assert_eq!(after.suspended_since(before), Duration::from_secs(60));
        assert_eq!(before.since(after), Duration::ZERO);
    }

    #[test]
    fn an_awake_host_has_not_slept() {
        let before = Moment::now();
        std::thread::sleep(Duration::from_millis(5));
        let after = Moment::now();
        assert!(after.since(before) >= Duration::from_millis(5));
        assert!(after.boottime >= after.monotonic);
    }
}
