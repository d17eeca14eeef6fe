//! Makes a schedule that breaks an invariant as small as it gets and still break the same one.

use crate::mutant::Mutant;
use crate::schedule::{Instant, MILLISECOND, SECOND, Schedule};
use crate::witness::Invariant;
use crate::world::play;
use vrrp::Preempt;

/// Runs at most.
const PATIENCE: u32 = 4000;

struct Shrinker {
    best: Schedule,
    mutant: Mutant,
    invariant: Invariant,
    runs: u32,
}

pub(crate) fn shrink(schedule: Schedule, mutant: Mutant, invariant: Invariant) -> Schedule {
    let mut shrinker = Shrinker { best: schedule, mutant, invariant, runs: 0 };
    loop {
        let before = shrinker.best.clone();
        shrinker.drop_events();
        shrinker.drop_routers();
        shrinker.simplify();
        shrinker.move_events();
        if shrinker.best == before || shrinker.runs >= PATIENCE {
            return shrinker.best;
        }
    }
}

impl Shrinker {
    /// Keeps a smaller schedule if it breaks the same invariant.
    fn keep(&mut self, candidate: Schedule) -> bool {
        if candidate == self.best || self.runs >= PATIENCE {
            return false;
        }
        self.runs += 1;
        let violation = play(&candidate, self.mutant, false).violation;
        let kept = violation.is_some_and(|violation| violation.invariant == self.invariant);
        if kept {
            self.best = candidate;
        }
        kept
    }

    fn change(&mut self, change: impl FnOnce(&mut Schedule)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.keep(candidate)
    }

    /// Halves first, then quarters, down to single events.
    fn drop_events(&mut self) {
        let mut size = self.best.events.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.best.events.len() {
                let end = (at + size).min(self.best.events.len());
                if !self.change(|schedule| drop(schedule.events.drain(at..end))) {
                    at = end;
                }
            }
            size /= 2;
        }
    }

    fn drop_routers(&mut self) {
        let mut router = self.best.routers.len();
        while router > 0 && self.best.routers.len() > 1 {
            router -= 1;
            self.change(|schedule| {
                schedule.routers.remove(router);
                let kept = schedule.events.drain(..);
                schedule.events = kept.filter_map(|(at, what)| Some((at, what.without(router)?))).collect();
            });
        }
    }

    fn simplify(&mut self) {
        self.change(|schedule| schedule.duplicate = 0);
        self.change(|schedule| schedule.delay = (0, 0));
        self.change(|schedule| schedule.delay = (0, MILLISECOND.min(schedule.delay.1)));
        self.change(|schedule| schedule.delay = (schedule.delay.1, schedule.delay.1));
        self.change(|schedule| schedule.seed = 0);
        for router in 0..self.best.routers.len() {
            self.change(|schedule| schedule.routers[router].drift = 0);
            self.change(|schedule| schedule.routers[router].preempt = Preempt::Always);
            self.change(|schedule| schedule.routers[router].priority = 100);
        }
        // All of them: a schedule stands only with intervals that go together.
        self.change(|schedule| schedule.routers.iter_mut().for_each(|setup| setup.interval = 100));
    }

    /// Shortens what passes between events, and rounds it.
    fn move_events(&mut self) {
        for index in 0..self.best.events.len() {
            let before = if index == 0 { 0 } else { self.best.events[index - 1].0 };
            let gap = self.best.events[index].0 - before;
            let round = |unit: Instant| gap / unit * unit;
            for shorter in [0, gap / 2, round(SECOND), round(100 * MILLISECOND), round(MILLISECOND)] {
                if shorter < gap
                    && self.change(|schedule| {
                        schedule.events[index..].iter_mut().for_each(|event| event.0 -= gap - shorter);
                    })
                {
                    break;
                }
            }
        }
    }
}
