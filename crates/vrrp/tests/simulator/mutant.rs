//! Bugs planted on purpose. The simulator must find each of them, or it would not find others.

use crate::schedule::{Schedule, Setup};
use crate::witness::Invariant;
use std::net::Ipv4Addr;
use std::time::Duration;
use vrrp::{Action, Event, Preempt, RELEASE, Router, Settings, Time, Timer};

/// A bug of the simulated routers, or of the loop around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// None.
    Sound,
    /// The skew is not added to the time that a backup waits.
    NoSkew,
    /// A backup waits twice as long as it should.
    WaitsTwice,
    /// `nopreempt` is not obeyed.
    IgnoresNopreempt,
    /// `preempt_delay` is not waited out.
    IgnoresPreemptDelay,
    /// Nobody is preempted.
    NeverPreempts,
    /// Of two masters with the same priority both stay.
    KeepsTies,
    /// A master does not listen.
    Deaf,
    /// Of five advertisements one is sent.
    Taciturn,
    /// A master that ends or fails does not say so.
    NoRelease,
    /// Addresses stay when mastership goes.
    KeepsAddresses,
    /// After a pause timers fire before the receive queue is emptied.
    TimersFirst,
}

impl Mutant {
    /// The bugs, their names in schedules and what they break, among other things.
    pub(crate) const PLANTED: [(Mutant, &str, Invariant); 12] = [
        (Mutant::NoSkew, "no_skew", Invariant::Patience),
        (Mutant::WaitsTwice, "waits_twice", Invariant::SomeMaster),
        (Mutant::IgnoresNopreempt, "ignores_nopreempt", Invariant::Patience),
        (Mutant::IgnoresPreemptDelay, "ignores_preempt_delay", Invariant::Patience),
        (Mutant::NeverPreempts, "never_preempts", Invariant::Preemption),
        (Mutant::KeepsTies, "keeps_ties", Invariant::Yielding),
        (Mutant::Deaf, "deaf", Invariant::OneMaster),
        (Mutant::Deaf, "deaf_after_a_pause", Invariant::Waking),
        (Mutant::Taciturn, "taciturn", Invariant::NoFlapping),
        (Mutant::NoRelease, "no_release", Invariant::Silence),
        (Mutant::KeepsAddresses, "keeps_addresses", Invariant::Addresses),
        (Mutant::TimersFirst, "timers_first", Invariant::Waking),
    ];

    /// The mutant of this name and what it breaks.
    pub(crate) fn named(name: &str) -> Option<(Mutant, Invariant)> {
        let found = Mutant::PLANTED.into_iter().find(|(_, known, _)| *known == name);
        found.map(|(mutant, _, invariant)| (mutant, invariant))
    }

    fn settings(self, schedule: &Schedule, setup: &Setup) -> Settings {
        let preempt = match (self, setup.preempt) {
            (Mutant::IgnoresNopreempt, Preempt::Never) => Preempt::Always,
            (Mutant::IgnoresPreemptDelay, Preempt::After(_)) => Preempt::Always,
            (Mutant::NeverPreempts, _) => Preempt::Never,
            (_, preempt) => preempt,
        };
        let source = if self == Mutant::KeepsTies { Ipv4Addr::BROADCAST } else { setup.address };
        crate::packets::settings(schedule, setup, preempt, source)
    }
}

/// A router, with its bug.
pub(crate) struct Machine {
    pub(crate) router: Router,
    mutant: Mutant,
    /// How far its clock was put ahead, by a bug.
    ahead: Duration,
    advertisements: u32,
}

impl Machine {
    pub(crate) fn new(mutant: Mutant, schedule: &Schedule, setup: &Setup) -> Self {
        let router = Router::new(mutant.settings(schedule, setup));
        Self { router, mutant, ahead: Duration::ZERO, advertisements: 0 }
    }

    /// The deadline, and how much of it the router's clock must leap over.
    fn deadline(&self) -> Option<(Time, Duration)> {
        let (at, timer) = self.router.next_deadline()?;
        let at = Time(at.0.saturating_sub(self.ahead));
        Some(match (self.mutant, timer) {
            (Mutant::NoSkew, Timer::MasterDown) => {
                // Of 3 + f intervals f is the skew.
                let part = 256 - u32::from(self.router.priority());
                let skew = self.router.master_down() * part / (3 * 256 + part);
                (Time(at.0.saturating_sub(skew)), skew)
            }
            (Mutant::WaitsTwice, Timer::MasterDown) => (at + self.router.master_down(), Duration::ZERO),
            _ => (at, Duration::ZERO),
        })
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.deadline().map(|(at, _)| at)
    }

    pub(crate) fn on(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        if event == Event::Timer
            && let Some((at, skipped)) = self.deadline()
        {
            if at > now {
                return;
            }
            self.ahead += skipped;
        }
        self.router.on(now + self.ahead, event, actions);
        if self.mutant == Mutant::NoRelease {
            actions.retain(|action| *action != Action::Advertise(RELEASE));
        }
        if self.mutant == Mutant::KeepsAddresses {
            actions.retain(|action| *action != Action::Remove);
        }
        if self.mutant == Mutant::Taciturn && matches!(event, Event::Timer) {
            self.advertisements += 1;
            let silent = !self.advertisements.is_multiple_of(5) && !actions.contains(&Action::Install);
            actions.retain(|action| !matches!(action, Action::Advertise(_)) || !silent);
        }
    }
}
