//! The network: what becomes of a packet from one router to another.
//!
//! Chances are drawn for each packet of each link by its number, so that a schedule with an event
//! less meets mostly the same fate.

use crate::random::Random;
use crate::schedule::{Happening, Index, Instant, MOST_ROUTERS, Schedule};

pub(crate) struct Network {
    seed: u64,
    calm_delay: (Instant, Instant),
    calm_duplicate: u64,
    loss: u64,
    slow: Instant,
    duplicate: u64,
    cut: [[bool; MOST_ROUTERS]; MOST_ROUTERS],
    sent: [[u64; MOST_ROUTERS]; MOST_ROUTERS],
}

impl Network {
    pub(crate) fn new(schedule: &Schedule) -> Self {
        Self {
            seed: schedule.seed,
            calm_delay: schedule.delay,
            calm_duplicate: schedule.duplicate,
            loss: 0,
            slow: 0,
            duplicate: 0,
            cut: Default::default(),
            sent: Default::default(),
        }
    }

    /// Whether packets that are not cut off arrive in time.
    pub(crate) fn is_calm(&self) -> bool {
        (self.loss, self.slow, self.duplicate) == (0, 0, 0)
    }

    /// Goes wrong, or right again. Says whether it was about the network.
    pub(crate) fn apply(&mut self, happening: Happening) -> bool {
        match happening {
            Happening::Loss(percent) => self.loss = percent,
            Happening::Slow(most) => self.slow = most,
            Happening::Duplicate(percent) => self.duplicate = percent,
            Happening::Cut(from, to) => self.cut[from][to] = true,
            Happening::Partition(set) => {
                let side = |router: Index| set >> router & 1;
                for from in 0..MOST_ROUTERS {
                    for to in 0..MOST_ROUTERS {
                        self.cut[from][to] |= side(from) != side(to);
                    }
                }
            }
            Happening::Heal => {
                (self.loss, self.slow, self.duplicate) = (0, 0, 0);
                self.cut = Default::default();
            }
            _ => return false,
        }
        true
    }

    /// The delays of the copies that arrive.
    pub(crate) fn copies(&mut self, from: Index, to: Index) -> impl Iterator<Item = Instant> + use<> {
        let number = &mut self.sent[from][to];
        *number += 1;
        let mut random =
            Random(self.seed ^ ((from * MOST_ROUTERS + to) as u64) << 56 ^ number.wrapping_mul(0x9e37_79b9));
        let cut = self.cut[from][to];
        let copies = 1 + u64::from(random.percent(self.calm_duplicate.max(self.duplicate)));
        let (loss, slow, (least, most)) = (self.loss, self.slow, self.calm_delay);
        (0..copies).filter_map(move |_| {
            let (lost, extra) = (random.percent(loss), random.below(slow + 1));
            let delay = random.between(least, most) + extra;
            (!cut && !lost).then_some(delay)
        })
    }

    /// The sets of routers, as bits, that hear each other and nobody else, of those in `present`.
    /// None if somebody is heard whom he does not hear, or by some of a set only.
    pub(crate) fn components(&self, present: u8) -> Option<Vec<u8>> {
        let routers = || (0..MOST_ROUTERS).filter(|router| present >> router & 1 == 1);
        let heard = |of: Index| {
            let hears = |by: &Index| *by == of || !self.cut[of][*by];
            routers().filter(hears).fold(0u8, |set, router| set | 1 << router)
        };
        let mut sets: Vec<u8> = Vec::new();
        for router in routers() {
            let set = heard(router);
            if !sets.contains(&set) {
                if sets.iter().any(|other| other & set != 0) {
                    return None;
                }
                sets.push(set);
            }
        }
        // Each router is in its own set, so disjoint sets of all routers are symmetric.
        Some(sets)
    }
}
