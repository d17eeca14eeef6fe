//! Points in time as arguments, and the unit of advertisement intervals.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// A point on a clock that never goes back, counted from any start the caller likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub Duration);

impl Time {
    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Time) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, duration: Duration) -> Time {
        Time(self.0.saturating_add(duration))
    }
}

impl fmt::Display for Time {
    /// Seconds and milliseconds, as in `3.609`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0.as_secs(), self.0.subsec_millis())
    }
}

/// An advertisement interval in hundredths of a second, the unit of VRRPv3. VRRPv2 carries whole
/// seconds, so its intervals are multiples of 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Centiseconds(pub u16);

impl Centiseconds {
    /// Rounds to the nearest hundredth of a second, within 1 and 25,500.
    pub fn from_duration(duration: Duration) -> Self {
        let rounded = (duration.as_millis() + 5) / 10;
        Self(u16::try_from(rounded).unwrap_or(u16::MAX).clamp(1, 25_500))
    }

    /// The interval as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0) * 10)
    }

    /// The whole seconds in it, at most 255: what VRRPv2 carries.
    pub fn seconds(self) -> u8 {
        u8::try_from(self.0 / 100).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_round_and_clamp() {
        let interval = |ms| Centiseconds::from_duration(Duration::from_millis(ms));
        assert_eq!(interval(1000), Centiseconds(100));
        assert_eq!(interval(14), Centiseconds(1));
        assert_eq!(interval(16), Centiseconds(2));
        assert_eq!(interval(0), Centiseconds(1));
        assert_eq!(interval(10_000_000), Centiseconds(25_500));
        assert_eq!(interval(255_000).seconds(), 255);
        assert_eq!(interval(1990).seconds(), 1);
    }
}
