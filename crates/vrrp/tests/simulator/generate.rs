//! Random schedules.

use crate::judge::Bounds;
use crate::random::Random;
use crate::schedule::{Happening, Index, Instant, MICROSECOND, MILLISECOND, SECOND, Schedule, Setup};
use std::net::Ipv4Addr;
use std::time::Duration;
use vrrp::{OWNER, Preempt, Version};

/// The schedule of this seed.
pub(crate) fn schedule(seed: u64) -> Schedule {
    let mut random = Random(seed);
    let random = &mut random;
    let version = random.pick(&[Version::V2, Version::V3]);
    let routers = routers(random, version);
    let shortest = routers.iter().map(|setup| setup.interval).min().unwrap_or_default();
    let interval = Instant::from(shortest) * 10 * MILLISECOND;
    // Mostly a quick network; sometimes as slow as the bounds allow.
    let most = random.pick(&[0, interval / 1000, interval / 100, interval / 10, interval / 2]);
    let least = if random.percent(50) { most / 2 } else { 0 };
    let mut schedule = Schedule {
        version,
        seed: random.next(),
        delay: (whole(least), whole(most)),
        duplicate: random.pick(&[0, 0, 0, 5, 30]),
        routers,
        events: Vec::new(),
        finds: None,
    };
    let settled = Bounds::of(&schedule).settled;
    let mut events = Events { random, interval, settled, at: 0, events: Vec::new() };
    events.fill(schedule.routers.len());
    schedule.events = events.events;
    schedule
}

/// In whole microseconds, so that the text form stays short.
fn whole(time: Instant) -> Instant {
    time / MICROSECOND * MICROSECOND
}

fn routers(random: &mut Random, version: Version) -> Vec<Setup> {
    let count = random.between(2, 5);
    let interval = match version {
        Version::V2 => random.pick(&[100, 100, 100, 200, 300]),
        Version::V3 => random.pick(&[1, 2, 10, 25, 50, 100, 100, 200]),
    };
    // VRRPv3 learns the master's interval, VRRPv2 refuses another. Twice as long is the most that is
    // sure to be stable: a late advertisement of a shorter interval, which overtook one of the new
    // master's, sets a timer of three short intervals, and within it the master must be heard again.
    let differ = version == Version::V3 && random.percent(30);
    let style = random.below(100);
    let first = random.between(1, 250) as u8;
    let with_owner = random.percent(5);
    let router = |number: u64| {
        let is_owner = with_owner && number == 0;
        let wait = Duration::from_millis(random.between(1, 10) * u64::from(interval) * 10);
        let after = Preempt::After(wait);
        let preempt = match style {
            _ if is_owner => Preempt::Always,
            0..50 => Preempt::Always,
            50..65 => Preempt::Never,
            65..80 => after,
            _ => random.pick(&[Preempt::Always, Preempt::Never, after]),
        };
        let near = 90 + 5 * random.below(5) as u8;
        let any = random.between(1, 254) as u8;
        let priority = random.pick(&[near, near, near, 1, 254, any]);
        let clock_is_right = random.percent(30);
        let drift = random.between(0, 20_000) as i64 - 10_000;
        Setup {
            address: Ipv4Addr::new(10, 0, 0, first + (number * 7 % 5) as u8),
            priority: if is_owner { OWNER } else { priority },
            interval: interval * if differ { random.between(1, 2) as u16 } else { 1 },
            preempt,
            starts_as_master: is_owner && random.percent(50),
            drift: if clock_is_right { 0 } else { drift },
        }
    };
    (0..count).map(router).collect()
}

struct Events<'a> {
    random: &'a mut Random,
    interval: Instant,
    settled: Instant,
    at: Instant,
    events: Vec<(Instant, Happening)>,
}

impl Events<'_> {
    fn push(&mut self, happening: Happening) {
        self.events.push((self.at, happening));
    }

    /// Time passes: at once, within an interval, within a takeover, until all has settled.
    fn wait(&mut self) {
        let (interval, settled) = (self.interval, self.settled);
        let longest = match self.random.below(10) {
            0 => 0,
            1 => interval / 20,
            2 | 3 => interval,
            4..=6 => interval * 4,
            7 | 8 => interval * 12,
            _ => {
                self.at += settled;
                settled
            }
        };
        self.at = whole(self.at + self.random.below(longest + 1));
    }

    fn fill(&mut self, routers: usize) {
        for router in 0..routers {
            if self.random.percent(90) {
                let waiting = self.random.percent(10);
                self.push(Happening::Start { router, waiting, memory: false });
            }
            if self.random.percent(30) {
                self.wait();
            }
        }
        for _ in 0..self.random.between(1, 20) {
            self.wait();
            if self.random.percent(20) {
                self.stall(routers);
            } else {
                let happening = self.happening(routers);
                self.push(happening);
            }
        }
        // In the end the network is whole. Who is down may stay down.
        self.wait();
        self.push(Happening::Heal);
        for router in 0..routers {
            let happening = match self.random.below(4) {
                0 => continue,
                1 => Happening::Start { router, waiting: false, memory: self.random.percent(50) },
                2 => Happening::Recover(router),
                _ => Happening::Resume(router),
            };
            self.push(happening);
            if self.random.percent(20) {
                self.wait();
            }
        }
    }

    /// One or two routers do not run for longer than their peers wait.
    fn stall(&mut self, routers: usize) {
        let first = self.random.below(routers as u64) as Index;
        let stalled = if self.random.percent(50) { vec![first] } else { vec![first, (first + 1) % routers] };
        for router in &stalled {
            self.push(Happening::Pause(*router));
        }
        self.at += whole(self.random.between(3 * self.interval, 3 * self.interval + self.settled));
        if self.random.percent(30) {
            let happening = self.happening(routers);
            self.push(happening);
        }
        for router in stalled {
            self.push(Happening::Resume(router));
            self.at += whole(self.random.below(self.interval));
        }
    }

    fn happening(&mut self, routers: usize) -> Happening {
        let random = &mut *self.random;
        let router = random.below(routers as u64) as Index;
        match random.below(26) {
            0..3 => {
                let (waiting, memory) = (random.percent(15), random.percent(60));
                Happening::Start { router, waiting, memory }
            }
            3 | 4 => Happening::Stop(router),
            5 | 6 => Happening::Crash(router),
            7 | 8 => Happening::Fault(router),
            9 | 10 => Happening::Recover(router),
            11 | 12 => Happening::Priority(router, random.between(0, 300) as i32 - 20),
            13..16 => Happening::Pause(router),
            16..19 => Happening::Resume(router),
            19 => Happening::Loss(random.between(1, 100)),
            20 => {
                let most = random.between(0, 4 * self.interval);
                Happening::Slow(whole(most).min(20 * SECOND))
            }
            21 => Happening::Duplicate(random.between(1, 100)),
            22 => Happening::Cut(router, random.below(routers as u64) as Index),
            23 => Happening::Partition(random.below(1 << routers) as u8),
            _ => Happening::Heal,
        }
    }
}
